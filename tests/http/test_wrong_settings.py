"""Each wrong step of setting an account up, made on purpose: the check list says which one, and what to do."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from service.channels.wechat import accounts, sightings
from service.channels.wechat.readiness import PLATFORM, Facts, Finding, findings
from service.clock import utcnow
from service.database import reading, transaction
from tests.webhook_rig import Platform, running_webhook
from tests.wechat_fakes import document, encrypt, envelope_of, query_for


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with running_webhook(tmp_path) as running:
        yield running


@pytest.fixture
def platform(app: Flask) -> Platform:
    return Platform(app)


def line(app: Flask, check: str, slug: str = "safe") -> Finding:
    """That line of the account's check list, as it is with the real platform."""
    with app.app_context(), reading() as session:
        seen = sightings.seen(session, slug)
        account = accounts.copy(accounts.get_row(session, slug))
    facts = Facts(public_url="https://desk.example.com", api_url=f"https://{PLATFORM}", now=utcnow(), seen=seen)
    return next(finding for finding in findings(account, facts) if finding.check == check)


def told(finding: Finding) -> tuple[bool, str, str]:
    assert finding.todo is not None
    return finding.ok, finding.detail.en, finding.todo.en


def change(app: Flask, slug: str = "safe", **fields: str) -> None:
    with app.app_context(), transaction() as session:
        accounts.change(session, slug, **fields)


WRONG = {  # what was done wrong -> the field of the desk, what the check list says, what it says to do
    "the Token": ({"token": "another1"}, "wrong signature", "desk account set safe --token -"),
    "the EncodingAESKey": ({"aes_key": "b" * 43}, "padding is wrong", "desk account set safe --aes-key -"),
    "the AppID": ({"app_id": "wx0000000000000000"}, "foreign appid", "desk account set safe --app-id"),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("before", [False, True], ids=["at first", "after it was right"])
def test_a_wrong_setting_is_named(app: Flask, platform: Platform, what: str, before: bool):
    fields, reason, cure = WRONG[what]
    if before:
        platform.push(document(MsgId="1"))
    change(app, **fields)

    platform.push(document(MsgId="2"))

    ok, detail, todo = told(line(app, "verified"))
    assert (ok, reason in detail, cure in todo) == (False, True, True)


def test_a_clock_that_went_wrong_is_named_though_the_platform_came_through_before(app: Flask, platform: Platform):
    platform.push(document(MsgId="1"))
    sealed = encrypt(document(MsgId="2").encode())

    platform.post("safe", query_for(time.time() - 900, sealed), envelope_of(sealed))

    ok, detail, todo = told(line(app, "verified"))
    assert (ok, "stale timestamp" in detail, "NTP" in todo) == (False, True, True)


def test_the_console_in_plain_mode_is_named(app: Flask, platform: Platform):
    platform.post("safe", query_for(time.time()), document(MsgId="1").encode())

    ok, _, todo = told(line(app, "verified"))
    assert (ok, "safe mode" in todo) == (False, True)


@pytest.mark.parametrize("mode", ["plain", "compat"])
def test_the_console_in_safe_mode_is_named(app: Flask, platform: Platform, mode: str):
    sealed = encrypt(document(MsgId="1").encode())

    platform.post(mode, query_for(time.time(), sealed), envelope_of(sealed))

    ok, _, todo = told(line(app, "push", mode))
    assert (ok, f"desk account set {mode} --mode safe" in todo) == (False, True)


def test_a_wrong_original_id_is_named_until_a_message_fits(app: Flask, platform: Platform):
    platform.push(document(MsgId="1", ToUserName="gh_ffffffffffff"))

    ok, detail, todo = told(line(app, "push"))
    assert (ok, "another account" in detail, "--original-id" in todo) == (False, True, True)
    assert line(app, "verified").ok

    platform.push(document(MsgId="2"))
    assert line(app, "push").ok


def test_the_second_mistake_is_told_though_the_first_was_a_moment_ago(app: Flask, platform: Platform):
    change(app, token="another1")
    platform.push(document(MsgId="1"))
    for mark, (seen, _) in app.extensions["wechat_sightings"].items():
        app.extensions["wechat_sightings"][mark] = (seen, time.monotonic() - sightings.OTHER_EVERY)
    change(app, token="tokenForTests7", aes_key="b" * 43)

    platform.push(document(MsgId="2"))

    assert "padding is wrong" in line(app, "verified").detail.en


def test_a_forged_call_does_not_alarm_where_the_platform_comes_through(app: Flask, platform: Platform):
    platform.push(document(MsgId="1"))

    platform.push(document(MsgId="2"), signature="0" * 40)

    assert line(app, "verified").ok


def test_a_browser_that_opens_the_address_is_not_taken_for_a_wrong_token(app: Flask, platform: Platform):
    platform.get("safe", {})

    assert "browser" in told(line(app, "verified"))[2]
