"""Where the operator has to act: sending pauses, one alert says what to do, and it all goes on by itself."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis

from service import alerts, jobs, rulebook
from service.channels import registry
from service.channels.wechat import accounts
from service.channels.wechat.certification import note_event
from service.clock import utcnow
from service.database import transaction
from tests.factories import Desk
from tests.integration.platform_rig import (
    GOOD_TOKEN,
    NOT_LISTED,
    SEND,
    STABLE,
    TYPING,
    all_alerts,
    replied,
    some_time_passes,
    states,
    wired,
)
from tests.wechat_fakes import FakePlatform, as_json, running_redis


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as client:
        yield client


@pytest.fixture
def platform(desk: Desk, redis_server: Redis) -> Iterator[FakePlatform]:
    with wired(desk, redis_server) as running:
        yield running


@pytest.fixture
def busy(desk: Desk, platform: FakePlatform) -> Desk:
    """A desk that has a platform."""
    return desk


def test_case_31_an_ip_that_is_not_listed_pauses_sending_with_one_alert_that_names_it(
    busy: Desk, platform: FakePlatform
):
    platform.lay(STABLE, NOT_LISTED)
    replied(busy, 3)

    jobs.deliver()
    jobs.deliver()

    (alert,) = all_alerts()
    assert (alert.scope, alert.kind, alert.resolved_at) == ("wechat:main", "halted", None)
    assert "203.0.113.7" in alert.detail
    assert "白名单" in alert.detail
    assert states() == ["queued"] * 3
    assert len(platform.asked(STABLE)) == 1
    assert platform.asked(SEND) == []


@pytest.mark.parametrize("refusal", [NOT_LISTED, as_json(errcode=40243, errmsg="frozen"), as_json(errcode=89503)])
def test_sending_goes_on_by_itself_once_a_probe_succeeds(busy: Desk, platform: FakePlatform, refusal: object):
    platform.lay(STABLE, refusal)
    replied(busy, 2)
    jobs.deliver()
    some_time_passes()
    jobs.probe()
    assert states() == ["queued"] * 2

    platform.lay(STABLE, GOOD_TOKEN)
    some_time_passes()
    jobs.probe()
    jobs.deliver()

    assert states() == ["sent"] * 2
    assert [alert.resolved_at is None for alert in all_alerts()] == [False]


def test_a_right_that_is_missing_is_probed_by_a_call_that_reaches_nobody(busy: Desk, platform: FakePlatform):
    refused = as_json(errcode=48001, errmsg="api unauthorized")
    platform.lay(SEND, refused)
    platform.lay(TYPING, refused)
    replied(busy)
    jobs.deliver()

    for _ in range(3):
        some_time_passes()
        jobs.probe()

    (alert,) = all_alerts()
    assert alert.resolved_at is None
    assert len(platform.asked(SEND)) == 1
    assert {body for _, body in platform.asked(TYPING)} == {b'{"touser": "", "command": "Typing"}'}


def test_case_30_a_token_refused_for_ever_is_two_tries_and_one_alert(busy: Desk, platform: FakePlatform):
    platform.lay(SEND, as_json(errcode=40001, errmsg="invalid credential"))
    replied(busy)

    for _ in range(5):
        jobs.deliver()
        jobs.probe()  # not due yet

    assert len(platform.asked(SEND)) == 2
    assert len(all_alerts()) == 1
    assert states() == ["queued"]


def test_what_comes_back_soon_is_the_same_alert(busy: Desk):
    now = utcnow()
    with transaction() as session:
        assert alerts.raised(session, scope="wechat:main", kind="halted", detail="a", now=now)
        alerts.resolved(session, scope="wechat:main", now=now)
        assert not alerts.raised(
            session, scope="wechat:main", kind="halted", detail="b", now=now + timedelta(minutes=5)
        )
        alerts.resolved(session, scope="wechat:main", now=now + timedelta(minutes=6))
        assert alerts.raised(session, scope="wechat:main", kind="halted", detail="c", now=now + timedelta(hours=1))

    assert [(alert.detail, alert.times) for alert in all_alerts()] == [("b", 2), ("c", 1)]


EXPIRES = "1798761600"  # 2027-01-01


@pytest.mark.parametrize(
    ("kind", "extra", "says"),
    [
        ("event:annual_renew", {"ExpiredTime": EXPIRES}, "2027-01-01"),
        ("event:verify_expired", {"ExpiredTime": EXPIRES}, "失效"),
        ("event:qualification_verify_fail", {"FailTime": EXPIRES, "FailReason": "营业执照\n不清晰"}, "营业执照 不清晰"),
        ("event:naming_verify_fail", {"FailTime": "soon"}, "平台未说明"),
    ],
)
def test_what_the_platform_says_about_the_certification_is_an_alert(busy: Desk, kind: str, extra: dict, says: str):
    with transaction() as session:
        registry.note_event(session, "wechat:main", kind, extra, utcnow())

    (alert,) = all_alerts()
    assert (alert.scope, alert.kind) == ("wechat:main", "certification")
    assert says in alert.detail

    with transaction() as session:
        note_event(session, "wechat:main", "event:qualification_verify_success", {}, utcnow())
    assert all_alerts()[0].resolved_at is not None


def test_other_events_are_no_alert(busy: Desk):
    with transaction() as session:
        note_event(session, "wechat:main", "event:templatesendjobfinish", {"Status": "success"}, utcnow())

    assert all_alerts() == []


def test_an_account_says_its_own_words_and_the_others_those_of_the_installation(
    busy: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rulebook, "FRESH_SECONDS", -1.0)  # as after a second

    def say(text: str) -> None:
        with transaction() as session:
            accounts.say(session, "main", {"receipt_open": text, "receipt_closed": text})
            rulebook.bump(session)

    say("本号收到 {number}")
    ours, others = busy.says("电梯坏了", follower="oFollower0009"), busy.rules.text("receipt_open", "wechat:other")
    say("")

    assert "本号收到 GD" in ours
    assert "本号收到" not in others
    assert busy.rules.own_texts == {}
