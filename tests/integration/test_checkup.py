"""The self-check names what is wrong, and what to do about it."""

import json
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from redis import ConnectionError as RedisConnectionError
from sqlalchemy import delete

from service import alerts, checkup, cli
from service.channels import registry
from service.channels.outages import Outage
from service.channels.wechat import accounts, asking, sightings
from service.clock import utcnow
from service.database import db, transaction
from service.messaging import inbox
from service.messaging.ports import Contact, DeliveryError, Failure, Inbound
from tests.factories import Desk
from tests.fakes import FakeBell, FakeChannel

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
def living(desk: Desk, refusals: dict[str, DeliveryError], monkeypatch: pytest.MonkeyPatch) -> Bell:
    """Everything that the check looks at, in order."""
    found = desk.app.extensions["doorbell"] = Bell()
    monkeypatch.setattr(asking, "refusal_of", lambda account: refusals.get(account.slug))
    with transaction() as session:
        accounts.add(session, **ACCOUNT)
    return found


@pytest.fixture
def refusals() -> dict[str, DeliveryError]:
    """What the platform says against an account's credentials, by slug."""
    return {}


def checked(desk: Desk) -> dict[str, tuple[bool, object]]:
    return {str(row["check"]): (bool(row["ok"]), row["detail"]) for row in checkup.results(desk.app)}


def published(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk stands on the internet."""
    settings = replace(desk.app.config["SETTINGS"], public_url="https://desk.example.com")
    monkeypatch.setitem(desk.app.config, "SETTINGS", settings)


def todo(desk: Desk) -> dict[str, str]:
    """What an account's check list says is left to do."""
    return {str(r["check"]): str(r.get("todo")) for r in checkup.results(desk.app) if "account" in r and not r["ok"]}


def done_about(desk: Desk) -> dict[str, str]:
    """What is left to do about each check."""
    return {str(row["check"]): str(row.get("todo")) for row in checkup.results(desk.app)}


def wrong(desk: Desk) -> dict[str, object]:
    return {name: detail for name, (ok, detail) in checked(desk).items() if not ok}


def test_all_is_well(desk: Desk, living: Bell, monkeypatch: pytest.MonkeyPatch):
    published(desk, monkeypatch)
    sightings.note("main", "verified")
    sightings.note("main", "taken")

    found = checked(desk)

    steps = ["settings", "address", "verified", "token", "certified", "push"]
    rest = ["calendar", "outages", "opinions"]
    whole = ["database", "redis", "worker", "inbox", "outbox", "account main", *steps, *rest]
    assert wrong(desk) == {}
    assert list(found) == whole
    assert found["database"][1] == db.engine.dialect.name


def test_a_new_installation_is_told_to_add_an_account(desk: Desk, living: Bell):
    with transaction() as session:
        session.execute(delete(accounts.OfficialAccount))

    rows = [row for row in checkup.results(desk.app) if row["check"] == "accounts"]

    assert [row["ok"] for row in rows] == [False]
    assert "desk account add" in str(rows[0]["todo"])


def test_a_new_account_is_led_step_by_step(desk: Desk, living: Bell, monkeypatch: pytest.MonkeyPatch):
    assert todo(desk).keys() == {"address", "verified", "push"}
    assert "PUBLIC_URL" in todo(desk)["address"]

    published(desk, monkeypatch)
    assert todo(desk).keys() == {"verified", "push"}
    assert "console" in todo(desk)["verified"]

    sightings.note("main", "refused", "wrong signature")
    assert "Token" in todo(desk)["verified"]

    sightings.note("main", "verified")
    assert todo(desk).keys() == {"push"}

    sightings.note("main", "taken")
    assert todo(desk) == {}


def test_the_ip_for_the_white_list_is_named(desk: Desk, living: Bell, refusals: dict[str, DeliveryError]):
    reason = (
        "本机 IP 不在公众号的 IP 白名单中。（40164：invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist）"
    )
    refusals["main"] = DeliveryError(reason, kind=Failure.HALTED, code=40164)

    rows = {str(row["check"]): row for row in checkup.results(desk.app)}

    assert rows["token"]["ok"] is False
    assert "203.0.113.7" in str(rows["token"]["todo"])
    assert "whitelist" in str(rows["token"]["detail"])


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://desk.example.com", True),
        ("http://desk.example.com", True),
        ("https://desk.example.com:443", True),
        ("https://desk.example.com:8443", False),
        ("http://desk.example.com:443", False),
        ("https://desk.example.com/desk", False),
        ("http://127.0.0.1", False),
        ("http://192.168.1.10", False),
        ("http://8.8.8.8", True),
        ("https://desk", False),
        ("https://desk.local", False),
    ],
)
def test_an_address_that_the_platform_cannot_call_is_found(
    desk: Desk, living: Bell, monkeypatch: pytest.MonkeyPatch, url: str, fine: bool
):
    settings = replace(desk.app.config["SETTINGS"], public_url=url)
    monkeypatch.setitem(desk.app.config, "SETTINGS", settings)

    assert checked(desk)["address"][0] is fine


@pytest.mark.parametrize(
    "change",
    [{"app_id": "wx123"}, {"app_secret": "short"}, {"original_id": "gh_x"}],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_look_like_the_platforms_is_named(desk: Desk, living: Bell, change: dict[str, str]):
    with transaction() as session:
        accounts.change(session, "main", **change)

    assert "settings" in todo(desk)


def test_a_stand_in_platform_is_not_held_to_the_internet(desk: Desk, living: Bell, monkeypatch: pytest.MonkeyPatch):
    settings = replace(desk.app.config["SETTINGS"], wechat_api_base_url="http://127.0.0.1:9")
    monkeypatch.setitem(desk.app.config, "SETTINGS", settings)

    assert todo(desk) == {}


def test_an_open_alert_is_told_with_what_to_do(desk: Desk, living: Bell):
    with transaction() as session:
        alerts.raised(session, scope="wechat:main", kind="certification", detail="认证即将到期", now=utcnow())

    rows = [row for row in checkup.results(desk.app) if row["check"] == "alert"]

    assert [(row["ok"], row["account"]) for row in rows] == [(False, "main")]
    assert "认证即将到期" in str(rows[0]["detail"])
    assert "console" in str(rows[0]["todo"])


def test_a_message_that_does_not_go_out_is_found(desk: Desk, living: Bell):
    registry.register(FakeChannel("wechat:main"))
    desk.now = utcnow() - timedelta(minutes=10)
    ticket = desk.ticket()
    desk.reply(ticket, desk.person(role="supervisor"))

    assert checked(desk)["outbox"][0] is False


@pytest.mark.parametrize(("silent", "fine"), [(5, True), (61, False), (None, False)])
def test_a_worker_was_seen_lately(desk: Desk, living: Bell, silent: int | None, fine: bool):
    living.worker_seen = None if silent is None else int(time.time()) - silent

    assert checked(desk)["worker"][0] is fine


def test_without_redis_two_checks_fail_and_the_rest_goes_on(desk: Desk, living: Bell):
    living.redis.is_away = True

    assert set(wrong(desk)) >= {"redis", "worker"}
    assert "REDIS_URL" in done_about(desk)["redis"]


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

    found = wrong(desk)
    assert found["account main"] == found["token"] == "api unauthorized"


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
        found, cures = checked(desk), done_about(desk)
    finally:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO rulebook_version")

    assert list(found) == ["database", "redis", "worker"]
    assert "desk init" in cures["database"]
    assert db.engine.dialect.name in str(found["database"][1])


@pytest.mark.parametrize(
    ("asked", "shell", "detail"),
    [
        ((), "zh_CN.UTF-8", "没有待处理的消息"),
        (("--language", "zh"), "C.UTF-8", "没有待处理的消息"),
        ((), "C.UTF-8", "nothing unhandled"),
        (("--language", "en"), "zh_CN.UTF-8", "nothing unhandled"),
    ],
)
def test_the_check_speaks_the_language_of_the_operator(
    desk: Desk, living: Bell, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], shell: str, detail: str
):
    monkeypatch.setattr(cli, "at_work", lambda: nullcontext(desk.app))

    found = CliRunner().invoke(cli.main, ["check", *asked], env={"LC_ALL": "", "LC_MESSAGES": "", "LANG": shell})

    rows = {row["check"]: row for row in map(json.loads, found.output.splitlines())}
    assert rows["inbox"]["detail"] == detail
