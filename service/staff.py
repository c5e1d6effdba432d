"""What administrators do with people, tokens and departments, and a person with their own presence: all on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, credentials, rulebook
from service.errors import InvalidInput, NotFound
from service.people import ApiToken, Department, NewUser, Role, User
from service.rulebook import Rulebook

PRESENCES = ("present", "away")
MOST_IN_HAND = 500
MOST_SKILLS, LONGEST_SKILL = 50, 40


@dataclass(frozen=True, slots=True)
class Hand:
    """Who administers, and when."""

    by: User
    now: datetime


def get_person(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"no user {user_id}")
    return user


def add_person(session: Session, new: NewUser, hand: Hand) -> User:
    """Let a person in. Raises InvalidInput as credentials.add_user does."""
    user = credentials.add_user(session, new, now=hand.now)
    _record(session, hand, "person_added", user.username, after=place_of(user))
    return user


def change_person(
    session: Session, user: User, hand: Hand, *, name: str, department: str, roles: Sequence[str], email: str = ""
) -> None:
    """Another place or address. Raises InvalidInput for the last administrator who would not be one."""
    before = place_of(user)
    if Role.ADMIN in user.roles and Role.ADMIN not in roles and is_last_administrator(session, user):
        raise InvalidInput(roles="is the last administrator; make another one first")
    credentials.set_place(session, user, name=name, department=department, roles=roles)
    credentials.set_email(user, email)
    if place_of(user) != before:
        _record(session, hand, "person_changed", user.username, before=before, after=place_of(user))


def change_work(session: Session, user: User, hand: Hand, *, limit: int | None, skills: Sequence[str]) -> None:
    """What the rule of assignment gives a person: at most so many open tickets (None: as in the department), of what.

    Raises InvalidInput for a limit or skills beyond what is sensible.
    """
    if limit is not None and not 1 <= limit <= MOST_IN_HAND:
        raise InvalidInput(limit=f"between 1 and {MOST_IN_HAND}")
    chosen = list(dict.fromkeys(skill.strip() for skill in skills if skill.strip()))
    if len(chosen) > MOST_SKILLS or any(len(skill) > LONGEST_SKILL for skill in chosen):
        raise InvalidInput(skills=f"at most {MOST_SKILLS} skills of at most {LONGEST_SKILL} characters")
    before = work_of(user)
    user.ticket_limit, user.skills = limit, chosen or None
    if work_of(user) != before:
        _record(session, hand, "person_work_changed", user.username, before=before, after=work_of(user))


def work_of(user: User) -> dict[str, object]:
    return {"ticket_limit": user.ticket_limit, "skills": list(user.skills or [])}


def set_presence(session: Session, user: User, presence: str, *, now: datetime) -> None:
    """Somebody is at their place or away from it: new tickets follow, what they have stays with them."""
    if presence not in PRESENCES:
        raise InvalidInput(presence=f"one of {', '.join(PRESENCES)}")
    if user.presence == presence:
        return
    before, user.presence, user.presence_at = user.presence, presence, now
    changed: dict[str, object] = {"presence": presence}
    _record(session, Hand(user, now), "presence_changed", user.username, before={"presence": before}, after=changed)


def disable_person(session: Session, user: User, hand: Hand) -> None:
    """Shut a person out at once. Raises InvalidInput for the last administrator."""
    credentials.disable(session, user)
    _record(session, hand, "person_disabled", user.username)


def enable_person(session: Session, user: User, hand: Hand) -> None:
    user.active = True
    _record(session, hand, "person_enabled", user.username)


def reset_password(session: Session, user: User, hand: Hand, *, password: str) -> None:
    """A new password given by an administrator; every open session of the person ends."""
    credentials.set_password(user, password, now=hand.now)
    _record(session, hand, "password_reset", user.username)


def issue_token(session: Session, user: User, hand: Hand) -> str:
    """A new API token, shown this once."""
    token = credentials.add_token(session, user, now=hand.now)
    _record(session, hand, "token_issued", user.username, after={"hint": token[:9]})
    return token


def revoke_token(session: Session, token_id: int, hand: Hand) -> None:
    credentials.revoke(session, token_id, now=hand.now)
    row = session.get_one(ApiToken, token_id)
    _record(session, hand, "token_revoked", row.user.username, after={"hint": row.hint})


def is_last_administrator(session: Session, user: User) -> bool:
    others = [u for u in credentials.users(session) if u.active and u.id != user.id and Role.ADMIN in u.roles]
    return not others


def place_of(user: User) -> dict[str, object]:
    place: dict[str, object] = {"name": user.name, "department": user.department.code, "roles": list(user.roles)}
    return place | ({"email": user.email} if user.email else {})


def get_department(session: Session, code: str) -> Department:
    found = session.scalar(select(Department).where(Department.code == code))
    if found is None:
        raise NotFound(f"no department {code}")
    return found


def add_department(session: Session, hand: Hand, *, code: str, name_zh: str, name_en: str) -> Department:
    """A new department, last in the list. Raises InvalidInput for a code that is taken."""
    departments = session.scalars(select(Department)).all()
    if any(d.code == code for d in departments):
        raise InvalidInput(code="is taken")
    made = Department(code=code, name_zh=name_zh, name_en=name_en, intake=False, active=True)
    made.position = max((d.position for d in departments), default=0) + 1
    session.add(made)
    rulebook.bump(session)
    _record(session, hand, "department_added", code, after=names_of(made))
    return made


def change_department(
    session: Session, department: Department, hand: Hand, *, name_zh: str, name_en: str, active: bool, rules: Rulebook
) -> None:
    """Other names, in use or not. Raises InvalidInput for one that tickets still come to."""
    before = names_of(department)
    comes_to = department.intake or any(row.department == department.code for row in rules.routing)
    if department.active and not active and comes_to:
        raise InvalidInput(active="tickets are routed to this department; change the routing first")
    department.name_zh, department.name_en, department.active = name_zh, name_en, active
    if names_of(department) != before:
        rulebook.bump(session)
        _record(session, hand, "department_changed", department.code, before=before, after=names_of(department))


def names_of(department: Department) -> dict[str, object]:
    return {"name_zh": department.name_zh, "name_en": department.name_en, "active": department.active}


def _record(
    session: Session,
    hand: Hand,
    action: str,
    about: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        at=hand.now,
        actor=hand.by.username,
        action=action,
        before=before,
        after={"about": about, **(after or {})},
    )
