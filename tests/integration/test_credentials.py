"""Passwords and tokens: hashed, checked, and ended when they should end."""

import pytest
from sqlalchemy import select

from service import credentials
from service.database import reading, transaction
from service.errors import InvalidInput, NotFound
from service.people import ApiToken, NewUser, User
from tests.factories import PASSWORD, Desk


def add(desk: Desk, **changed: object) -> User:
    fields = {
        "username": "zhang",
        "name": "张三",
        "department": "QGB",
        "roles": ("agent",),
        "password": PASSWORD,
    } | changed
    with transaction() as session:
        return credentials.add_user(session, NewUser(**fields), now=desk.now)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short-1", "10 characters"),
        ("aaaaaaaaaaa1", "too easy"),
        ("Password123", "too easy"),
        ("my-Zhang-2026", "username"),
        ("lettersonlyhere", "mix"),
    ],
)
def test_a_weak_password_is_refused_with_what_would_be_right(desk: Desk, password: str, why: str):
    with pytest.raises(InvalidInput, match=why):
        add(desk, password=password)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "张三"),
        ("username", "a b"),
        ("username", ""),
        ("department", "XXX"),
        ("roles", ("king",)),
        ("roles", ()),
        ("name", "  "),
    ],
)
def test_a_person_has_a_proper_name_place_and_role(desk: Desk, field: str, value: object):
    with pytest.raises(InvalidInput):
        add(desk, **{field: value})


def test_a_username_is_taken_whatever_its_case(desk: Desk):
    add(desk)

    with pytest.raises(InvalidInput, match="taken"):
        add(desk, username="ZHANG ")


@pytest.mark.parametrize(
    ("username", "password", "who"),
    [("zhang", PASSWORD, "zhang"), ("Zhang ", PASSWORD, "zhang"), ("zhang", "wrong", None), ("nobody", PASSWORD, None)],
)
def test_who_signs_in(desk: Desk, username: str, password: str, who: str | None):
    add(desk)

    with reading() as session:
        user = credentials.user_with_password(session, username, password)
    assert (user.username if user else None) == who


def test_no_password_is_kept(desk: Desk):
    assert PASSWORD not in add(desk).password_hash


def test_a_new_password_replaces_the_old_and_ends_sessions(desk: Desk):
    version = add(desk).session_version
    with transaction() as session:
        credentials.set_password(credentials.get_user(session, "zhang"), "Another-horse-8", now=desk.now)

    with reading() as session:
        user = credentials.user_with_password(session, "zhang", "Another-horse-8")
        assert user is not None
        assert user.session_version > version
        assert credentials.user_with_password(session, "zhang", PASSWORD) is None


def test_the_last_administrator_stays(desk: Desk):
    add(desk, username="boss", roles=("admin",))
    add(desk, username="other", roles=("admin",))
    with transaction() as session:
        credentials.disable(session, credentials.get_user(session, "other"))

    with pytest.raises(InvalidInput, match="last administrator"), transaction() as session:
        credentials.disable(session, credentials.get_user(session, "boss"))


def test_a_token_is_shown_once_and_kept_as_a_digest(desk: Desk):
    user = add(desk)
    with transaction() as session:
        token = credentials.add_token(session, user, now=desk.now)

    with reading() as session:
        row = session.scalars(select(ApiToken)).one()
        assert token not in (row.digest, row.hint)
        assert credentials.user_with_token(session, token).username == "zhang"
        assert credentials.user_with_token(session, row.digest) is None
        assert credentials.user_with_token(session, "") is None


@pytest.mark.parametrize("ended", ["revoked", "disabled"])
def test_a_token_ends(desk: Desk, ended: str):
    add(desk, username="boss", roles=("admin",))
    user = add(desk)
    with transaction() as session:
        token = credentials.add_token(session, user, now=desk.now)
        if ended == "revoked":
            credentials.revoke(session, credentials.tokens(session)[0].id, now=desk.now)
        else:
            credentials.disable(session, credentials.get_user(session, "zhang"))

    with reading() as session:
        assert credentials.user_with_token(session, token) is None


def test_a_token_works_whatever_the_state_of_the_password(desk: Desk):
    user = add(desk)
    with transaction() as session:
        token = credentials.add_token(session, user, now=desk.now)
        credentials.set_password(credentials.get_user(session, "zhang"), "Another-horse-8", now=desk.now)

    with reading() as session:
        assert credentials.user_with_token(session, token) is not None


def test_what_is_not_there_is_named(desk: Desk):
    with pytest.raises(NotFound, match="nobody"), transaction() as session:
        credentials.get_user(session, "nobody")
    with pytest.raises(NotFound, match="77"), transaction() as session:
        credentials.revoke(session, 77, now=desk.now)
