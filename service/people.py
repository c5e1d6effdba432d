"""Who works here: users, departments, and what each role may do, as one table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_login import UserMixin
from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.database import BigId, Model


class Permission(StrEnum):
    """What a person may do. Where they may do it is the scope beside it in ROLES."""

    SEE = "see"
    HANDLE = "handle"  # accept, reply, ask, classify, suspend, resume, merge, reopen
    NOTE = "note"
    TRANSFER = "transfer"
    ASSIGN_SELF = "assign_self"
    ASSIGN = "assign"
    DISMISS = "dismiss"  # decline, withdraw, invalid
    FOLLOW_UP = "follow_up"  # and the close after it
    SEE_RESTRICTED = "see_restricted"
    URGE = "urge"  # ask a colleague for haste
    DECIDE_EXTENSION = "decide_extension"  # the first of a ticket; a further one is for those with it everywhere
    OVERSEE = "oversee"  # the overdue board and the wall, the list of supervision orders
    SUPERVISE = "supervise"  # orders, the register, what followers think
    MANAGE_PEOPLE = "manage_people"
    MANAGE_RULES = "manage_rules"  # the calendar
    MANAGE_ACCOUNTS = "manage_accounts"
    EDIT_CONTENT = "edit_content"  # auto-replies, menus: what speaks to followers in the company's name
    REVIEW_CONTENT = "review_content"  # publish or refuse what another person wrote
    MANAGE_FOLLOWERS = "manage_followers"  # block, tag, remark, erase
    READ_AUDIT = "read_audit"


class Scope(StrEnum):
    ALL = "all"
    DEPARTMENT = "department"  # tickets that stand with the person's own department
    ANSWERED = "answered"  # answered tickets of every department, and all of the own one


class Role(StrEnum):
    AGENT = "agent"
    DEPT_HEAD = "dept_head"
    DISPATCHER = "dispatcher"
    FOLLOW_UP_AGENT = "follow_up_agent"
    SUPERVISOR = "supervisor"
    REVIEWER = "reviewer"
    ACCOUNT_ADMIN = "account_admin"
    ADMIN = "admin"
    AUDITOR = "auditor"


P, A, D = Permission, Scope.ALL, Scope.DEPARTMENT
_WORK_DEPARTMENT = {P.SEE: D, P.HANDLE: D, P.NOTE: D, P.TRANSFER: D, P.ASSIGN_SELF: D}
_WORK_ALL = {P.SEE: A, P.HANDLE: A, P.NOTE: A, P.TRANSFER: A, P.ASSIGN_SELF: A, P.ASSIGN: A, P.DISMISS: A}
ROLES: dict[Role, dict[Permission, Scope]] = {
    Role.AGENT: _WORK_DEPARTMENT,
    Role.DEPT_HEAD: {**_WORK_DEPARTMENT, P.ASSIGN: D, P.DISMISS: D, P.FOLLOW_UP: D, P.URGE: D}
    | {P.DECIDE_EXTENSION: D, P.OVERSEE: D},
    Role.DISPATCHER: {**_WORK_ALL, P.SEE_RESTRICTED: A, P.MANAGE_FOLLOWERS: A, P.URGE: A},
    Role.FOLLOW_UP_AGENT: {P.SEE: Scope.ANSWERED, P.NOTE: Scope.ANSWERED, P.FOLLOW_UP: Scope.ANSWERED},
    Role.SUPERVISOR: {**_WORK_ALL, P.SEE_RESTRICTED: A, P.FOLLOW_UP: A, P.SUPERVISE: A, P.MANAGE_FOLLOWERS: A}
    | {P.URGE: A, P.OVERSEE: A, P.DECIDE_EXTENSION: A},
    Role.REVIEWER: {P.REVIEW_CONTENT: A},
    Role.ACCOUNT_ADMIN: {P.MANAGE_ACCOUNTS: A, P.EDIT_CONTENT: A},
    Role.ADMIN: dict.fromkeys(Permission, A),
    Role.AUDITOR: {P.READ_AUDIT: A},
}


class Department(Model):
    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    intake: Mapped[bool] = mapped_column(default=False)  # where a ticket stands until it is classified
    active: Mapped[bool] = mapped_column(default=True)


class User(UserMixin, Model):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("departments.id"), index=True)
    roles: Mapped[list[str]] = mapped_column(JSON)
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime]
    active: Mapped[bool] = mapped_column(default=True)
    session_version: Mapped[int] = mapped_column(default=1)  # grows when every open session of this user must end
    created_at: Mapped[datetime]
    email: Mapped[str | None]  # where notices go; None: nowhere
    ticket_limit: Mapped[int | None]  # most open tickets in hand; None: as the rules of assignment say
    skills: Mapped[list[str] | None] = mapped_column(JSON)  # categories, subcategories, words; None or empty: all
    presence: Mapped[str] = mapped_column(default="present", server_default=text("'present'"))  # or "away"
    presence_at: Mapped[datetime | None]  # since when it is so
    last_assigned_at: Mapped[datetime | None]  # when the rule last gave this person a ticket
    department: Mapped[Department] = relationship(lazy="joined")

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        return f"{self.id}.{self.session_version}"

    def scopes(self, permission: Permission) -> set[Scope]:
        """Where this person may do it; empty: nowhere."""
        return (
            {ROLES[Role(r)][permission] for r in self.roles if permission in ROLES[Role(r)]} if self.active else set()
        )

    def may(self, permission: Permission) -> bool:
        """Whether the person may do it anywhere at all."""
        return bool(self.scopes(permission))


class ApiToken(Model):
    __tablename__ = "api_tokens"
    __table_args__ = (Index("ix_api_tokens_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    digest: Mapped[str] = mapped_column(unique=True)  # SHA-256 of the token; the token itself is shown once
    hint: Mapped[str]  # first characters, to tell tokens apart
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship(lazy="joined")


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is needed to let a person in."""

    username: str
    name: str
    department: str  # code
    roles: tuple[str, ...]
    password: str
    email: str = ""  # "": none
