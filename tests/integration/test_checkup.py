"""The self-check names what is wrong, and what to do about it."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import ConnectionError as RedisConnectionError

from service import checkup
from service.channels.outages import Outage
from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import db, transaction
from service.messaging import inbox
from service.messaging.ports import Contact, Inbound
from tests.factories import Desk
from tests.fakes import FakeBell

ACCOUNT = {
    "slug": "main",
    "name": "物业服务号",
    "original_id": "gh_0123456789ab",
    "app_id": "wx0123456789abcdef",
    "app_secret": "0123456789abcdef0123456789abcdef",
    "token": "token123",
    "aes_key": "a" * 43,
    "mode": "safe",
    "kind": "service",
}


class FakeRedis:
    """Answers, or does not."""

    def __init__(self) -> None:
        self.is_away = False

    def ping(self) -> None:
        if self.is_away:
            raise RedisConnectionError("away")


class Bell(FakeBell):
    def __init__(self) -> None:
        super().__init__()
        self.redis, self.worker_seen = FakeRedis(), int(time.time())

    def last_seen(self, who: str) -> int | None:
        self.redis.ping()
        return self.worker_seen if who == "worker" else None


@pytest.fixture
def living(desk: Desk) -> Iterator[Bell]:
    """Everything that the check looks at, in order."""
    found = desk.app.extensions["doorbell"] = Bell()
    with transaction() as session:
        accounts.add(session, **ACCOUNT)
    return found


def checked(desk: Desk) -> dict[str, tuple[bool, object]]:
    return {str(row["check"]): (bool(row["ok"]), row["detail"]) for row in checkup.results(desk.app)}


def wrong(desk: Desk) -> dict[str, object]:
    return {name: detail for name, (ok, detail) in checked(desk).items() if not ok}


def test_all_is_well(desk: Desk, living: Bell):
    found = checked(desk)

    assert wrong(desk) == {}
    assert list(found) == ["database", "redis", "worker", "inbox", "account main", "calendar", "outages"]
    assert found["database"][1] == db.engine.dialect.name


@pytest.mark.parametrize(("silent", "fine"), [(5, True), (61, False), (None, False)])
def test_a_worker_was_seen_lately(desk: Desk, living: Bell, silent: int | None, fine: bool):
    living.worker_seen = None if silent is None else int(time.time()) - silent

    assert checked(desk)["worker"][0] is fine


def test_without_redis_two_checks_fail_and_the_rest_goes_on(desk: Desk, living: Bell):
    living.redis.is_away = True

    assert set(wrong(desk)) == {"redis", "worker"}
    assert "REDIS_URL" in str(wrong(desk)["redis"])


@pytest.mark.parametrize(("waits", "fine"), [(timedelta(minutes=1), True), (timedelta(minutes=3), False)])
def test_a_message_is_not_left_unhandled(desk: Desk, living: Bell, waits: timedelta, fine: bool):
    since = utcnow() - waits
    message = Inbound("wechat:main", "m:1", "oFollower0001", "text", "您好", since, "<xml/>", Contact.MESSAGE)
    with transaction() as session:
        inbox.accept(session, message, now=since)

    assert checked(desk)["inbox"][0] is fine


def test_an_account_that_was_halted_is_named_with_the_reason(desk: Desk, living: Bell):
    with transaction() as session:
        accounts.halt(session, "main", "api unauthorized")

    assert wrong(desk) == {"account main": "api unauthorized"}


def test_an_outage_is_told_and_is_not_wrong(desk: Desk, living: Bell):
    ended = utcnow()
    with transaction() as session:
        session.add(Outage(began_at=ended - timedelta(minutes=2), ended_at=ended, refused=7))

    fine, detail = checked(desk)["outages"]

    assert fine
    assert "7 pushes" in str(detail)
    assert ended.isoformat(timespec="seconds") in str(detail)


def test_a_database_without_tables_is_named_and_nothing_else_is_asked(desk: Desk, living: Bell):
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE rulebook_version RENAME TO away")
    try:
        found = checked(desk)
    finally:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO rulebook_version")

    assert list(found) == ["database", "redis", "worker"]
    assert "desk init" in str(found["database"][1])
