"""Passwords and API tokens: hashed on the way in, compared, never shown again."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import InvalidInput, NotFound
from service.people import ApiToken, Department, NewUser, Role, User

SHORTEST_PASSWORD = 10
SHORTEST_FRAGMENT = 3  # a shorter name is in many a good password
TOKEN_PREFIX = "gd_"  # noqa: S105 - tells people and secret scanners what it is
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
LONGEST_EMAIL = 254
hasher = PasswordHasher()
COMMON = frozenset({"1234567890", "password123", "qwertyuiop", "0123456789", "admin12345", "12345678910"})


@cache
def nobody() -> str:
    """What is compared with when there is no such user, so that both take as long."""
    return hasher.hash(secrets.token_hex(8))


def check_password(username: str, password: str) -> None:
    """Raises InvalidInput with what would be right."""
    kinds = [str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum()]
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(password=f"at least {SHORTEST_PASSWORD} characters")
    if password.lower() in COMMON or len(set(password)) < 5:
        raise InvalidInput(password="too easy to guess")  # noqa: S106 - a sentence
    if len(username) >= SHORTEST_FRAGMENT and username.lower() in password.lower():
        raise InvalidInput(password="must not contain the username")  # noqa: S106 - a sentence
    if sum(any(kind(c) for c in password) for kind in kinds) < 2:
        raise InvalidInput(password="mix letters with digits or signs")  # noqa: S106 - a sentence


def add_user(session: Session, new: NewUser, *, now: datetime) -> User:
    """Let a person in. Raises InvalidInput for a name that is taken, an unknown role or department, a weak password."""
    username = new.username.strip().lower()
    if not username.replace("-", "").replace("_", "").replace(".", "").isalnum() or not username.isascii():
        raise InvalidInput(username="letters, digits, dot, dash and underscore only")
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise InvalidInput(username="is taken")
    check_password(username, new.password)
    user = User(username=username, password_hash=hasher.hash(new.password), password_changed_at=now, created_at=now)
    user.active, user.session_version = True, 1
    set_place(session, user, name=new.name, department=new.department, roles=new.roles)
    set_email(user, new.email)
    session.add(user)
    session.flush()
    return user


def set_place(session: Session, user: User, *, name: str, department: str, roles: Sequence[str]) -> None:
    """Name, department and roles, checked."""
    place = session.scalar(select(Department).where(Department.code == department))
    if place is None:
        codes = session.scalars(select(Department.code).order_by(Department.position)).all()
        raise InvalidInput(department=f"unknown; one of {', '.join(codes)}")
    unknown = [r for r in roles if r not in set(Role)]
    if unknown or not roles:
        raise InvalidInput(role=f"one or more of {', '.join(Role)}")
    if not name.strip():
        raise InvalidInput(name="must not be empty")
    user.name, user.department_id, user.department, user.roles = (
        name.strip(),
        place.id,
        place,
        list(dict.fromkeys(roles)),
    )


def set_email(user: User, address: str) -> None:
    """Where notices go; "" for nowhere. Raises InvalidInput."""
    address = address.strip()
    if address and (len(address) > LONGEST_EMAIL or EMAIL.fullmatch(address) is None):
        raise InvalidInput(email="not an e-mail address")
    user.email = address or None


def find_user(session: Session, username: str) -> User | None:
    return session.scalar(select(User).where(User.username == username.strip().lower()))


def get_user(session: Session, username: str) -> User:
    user = find_user(session, username)
    if user is None:
        raise NotFound(f"no user {username!r}")
    return user


def set_password(user: User, password: str, *, now: datetime) -> None:
    """A new password; every open session of the user ends."""
    check_password(user.username, password)
    user.password_hash, user.password_changed_at = hasher.hash(password), now
    user.session_version += 1


def users(session: Session) -> Sequence[User]:
    return session.scalars(select(User).order_by(User.username).limit(5000)).all()


def disable(session: Session, user: User) -> None:
    """Shut a person out. Raises InvalidInput for the last administrator."""
    others = [u for u in users(session) if u.active and u.id != user.id and Role.ADMIN in u.roles]
    if Role.ADMIN in user.roles and not others:
        raise InvalidInput(username="is the last administrator; make another one first")
    user.active = False
    user.session_version += 1


def user_with_password(session: Session, username: str, password: str) -> User | None:
    """The active user whose password this is; takes as long when there is none."""
    user = find_user(session, username)
    known = user is not None and user.active
    try:
        hasher.verify(user.password_hash if user and known else nobody(), password)
    except (VerificationError, InvalidHashError):
        return None
    return user if known else None


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def add_token(session: Session, user: User, *, now: datetime) -> str:
    """A new bearer token; only its digest is kept, so it is shown this once."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(ApiToken(user_id=user.id, digest=digest_of(token), hint=token[:9], created_at=now))
    session.flush()
    return token


def user_with_token(session: Session, token: str) -> User | None:
    """The active user whose token this is."""
    row = session.scalar(select(ApiToken).where(ApiToken.digest == digest_of(token), ApiToken.revoked_at.is_(None)))
    return row.user if row is not None and row.user.active else None


def tokens(session: Session) -> Sequence[ApiToken]:
    return session.scalars(select(ApiToken).order_by(ApiToken.id)).all()


def revoke(session: Session, token_id: int, *, now: datetime) -> None:
    row = session.get(ApiToken, token_id)
    if row is None:
        raise NotFound(f"no token {token_id}")
    row.revoked_at = row.revoked_at or now
