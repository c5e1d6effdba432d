"""What the operator has to see to stands on every page of those who look after accounts, and nowhere else."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask
from sqlalchemy import select

from service import alerts, rulebook
from service.audit import Event
from service.channels.wechat import accounts, asking
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging.ports import DeliveryError, Failure
from tests.factories import Desk
from tests.page_rig import Visitor, visitor, words_of
from tests.wechat_fakes import AES_KEY, APP_ID, ORIGINAL_ID, TOKEN

REASON = "本机 IP 不在公众号的 IP 白名单中。（40164：invalid ip 203.0.113.7）"


@pytest.fixture
def boss(app: Flask, desk: Desk) -> Visitor:
    """Somebody who looks after an account."""
    with transaction() as session:
        names = {"slug": "main", "name": "物业服务号", "original_id": ORIGINAL_ID, "app_id": APP_ID}
        accounts.add(session, **names, app_secret="secretOfTheTests", token=TOKEN, aes_key=AES_KEY)
    return visitor(app, desk.person("boss", "admin", "QGB"))


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[DeliveryError]:
    """What the platform says when it is asked: nothing against it, unless a test puts it in."""
    found: list[DeliveryError] = []
    monkeypatch.setattr(asking, "refusal_of", lambda account: found[0] if found else None)
    return found


def halt() -> None:
    with transaction() as session:
        accounts.halt(session, "main", REASON)


def test_an_alert_stands_on_every_page_of_those_who_may_do_something_about_it(app: Flask, desk: Desk, boss: Visitor):
    halt()
    agent = visitor(app, desk.person("agent"))

    assert ["203.0.113.7" in words_of(boss.get(path)) for path in ("/", "/admin/people", "/profile")] == [True] * 3
    assert "203.0.113.7" not in words_of(agent.get("/"))


def test_the_alerts_cost_one_query_a_page_and_only_those_who_see_them(
    app: Flask, desk: Desk, boss: Visitor, counted: Callable[[], AbstractContextManager[list[str]]]
):
    agent = visitor(app, desk.person("agent"))

    def asked(person: Visitor) -> int:
        with counted() as statements:
            person.get("/")
        return sum("FROM alerts" in statement for statement in statements)

    assert (asked(boss), asked(agent)) == (1, 0)


def test_the_check_button_lets_a_halted_account_go_on_once_the_platform_takes_it(boss: Visitor, refusals):
    halt()
    refusals.append(DeliveryError(REASON, kind=Failure.HALTED, code=40164))

    refused = boss.post("/admin/accounts/main/check", htmx=True)
    assert "加入 203.0.113.7" in words_of(refused)
    assert "203.0.113.7" in words_of(boss.get("/"))

    refusals.clear()
    taken = boss.post("/admin/accounts/main/check", htmx=True)
    assert "平台刚刚给出了凭证" in words_of(taken)
    assert "203.0.113.7" not in words_of(boss.get("/"))


def test_the_check_list_speaks_the_persons_language(boss: Visitor):
    boss.post("/language/en", {"next": "/"})

    assert "not verified yet" in words_of(boss.get("/admin/accounts"))


def test_an_alert_that_a_person_has_seen_to_goes_away_and_is_recorded(boss: Visitor):
    with transaction() as session:
        alerts.raised(session, scope="", kind="outage", detail="退回推送 7 条", now=utcnow())
        number = alerts.open_alerts(session)[0].id
    assert "退回推送 7 条" in words_of(boss.get("/admin/accounts"))

    boss.post(f"/admin/alerts/{number}/done")

    assert "退回推送 7 条" not in words_of(boss.get("/admin/accounts"))
    with reading() as session:
        assert session.scalars(select(Event.action)).all() == ["alert_done"]


def test_an_account_is_given_words_of_its_own_and_loses_them_again(
    desk: Desk, boss: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rulebook, "FRESH_SECONDS", -1.0)  # as after a second
    page = "/admin/accounts/main/texts"

    assert boss.post(page, {"text_welcome_x": "x", "text_receipt_open": "本号已收到 {number}"}).status_code == 303
    assert desk.rules.text("receipt_open", "wechat:main") == "本号已收到 {number}"
    assert "本号已收到" in boss.get(page).text

    boss.post(page, {"text_receipt_open": ""})
    assert desk.rules.text("receipt_open", "wechat:main") == desk.rules.texts["receipt_open"]


def test_only_those_who_look_after_accounts_may_do_any_of_this(app: Flask, desk: Desk, boss: Visitor):
    agent = visitor(app, desk.person("agent"))

    paths = ("/admin/accounts/main/check", "/admin/alerts/1/done", "/admin/accounts/main/texts")
    assert [agent.post(path).status_code for path in paths] == [403] * 3
