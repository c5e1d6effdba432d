"""The people of the made-up company: who they are, and the lines that tell how to sign in as each of them."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import credentials
from service.demo.keys import password_of
from service.people import NewUser, Role, User

COMPANY = "和悦城市服务"
PEOPLE = (  # username, name, department, roles
    ("linxiaowen", "林晓雯", "QGB", (Role.AGENT,)),
    ("zhouzihan", "周子涵", "QGB", (Role.AGENT,)),
    ("chenjianing", "陈佳宁", "KFB", (Role.AGENT,)),
    ("wanghaoran", "王浩然", "KFB", (Role.AGENT,)),
    ("lijunjie", "李俊杰", "JSB", (Role.AGENT,)),
    ("sunpeng", "孙鹏", "JSB", (Role.AGENT,)),
    ("huangmin", "黄敏", "CWB", (Role.AGENT,)),
    ("liusiyuan", "刘思远", "YWB", (Role.AGENT,)),
    ("zhengguodong", "郑国栋", "QGB", (Role.DEPT_HEAD,)),
    ("wulihua", "吴丽华", "KFB", (Role.DEPT_HEAD,)),
    ("hejingyi", "何静怡", "QGB", (Role.DISPATCHER,)),
    ("sumin", "苏敏", "QGB", (Role.FOLLOW_UP_AGENT,)),
    ("shenjianping", "沈建平", "LDS", (Role.SUPERVISOR, Role.REVIEWER)),
    ("admin", "唐宇航", "QGB", (Role.ADMIN,)),
)
USERNAMES = tuple(username for username, *_ in PEOPLE)
DISPATCHER, FOLLOW_UP_AGENT, SUPERVISOR = "hejingyi", "sumin", "shenjianping"
CHANGED = "(set by hand: `desk user password NAME --password-stdin` sets another)"
HEADINGS = ("username", "password", "roles", "dept", "name")


def install(session: Session, secret: str, *, now: datetime) -> None:
    """Add those who are not there yet; somebody of the same name is left alone."""
    present = found(session)
    for username, name, department, roles in PEOPLE:
        if username not in present:
            password = password_of(secret, username)
            credentials.add_user(session, NewUser(username, name, department, roles, password), now=now)


def found(session: Session) -> Mapping[str, User]:
    """The people of the table that the database knows, by username."""
    return {user.username: user for user in session.scalars(select(User).where(User.username.in_(USERNAMES)))}


def table(session: Session, secret: str) -> list[str]:
    """A line for each person, with the password that the demonstration gave; said where it no longer holds."""
    present = found(session)
    people = [present[username] for username in USERNAMES if username in present]
    kept = _still_as_given(session, people, secret)
    rows = [HEADINGS]
    for user in people:
        password = password_of(secret, user.username) if user.username in kept else CHANGED
        rows.append((user.username, password, ",".join(user.roles), user.department.code, user.name))
    return _columns(rows)


def _still_as_given(session: Session, people: Sequence[User], secret: str) -> set[str]:
    """Whose password is the derived one. Hashing is slow: dates tell for all but one, which tells for the key."""
    born = people[0].created_at if people else None
    untouched = [user.username for user in people if user.created_at == user.password_changed_at == born]
    for username in untouched[:1]:
        if credentials.user_with_password(session, username, password_of(secret, username)) is None:
            return set()  # another SECRET_KEY than when they were added
    return set(untouched)


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell on a terminal."""
    rows = list(rows)
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    """Columns that a terminal gives the text: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
