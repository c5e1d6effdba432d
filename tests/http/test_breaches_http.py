"""Promises about the register of breaches over HTTP: who sees and decides what, its pages, and its file."""

import csv
import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service.clock import utcnow
from service.database import reading, transaction
from service.people import User
from service.tickets import sweeps
from service.tickets.models import Ticket
from service.tickets.register import Breach
from service.web import breaches_view
from tests.factories import Desk
from tests.http.api_rig import problem
from tests.page_rig import visitor, words_of


@pytest.fixture
def handler(now_desk: Desk) -> User:
    return now_desk.person("li", "agent", "QGB")


@pytest.fixture
def other(now_desk: Desk) -> User:
    return now_desk.person("second", "supervisor", "QGB")


@pytest.fixture
def ticket(now_desk: Desk, handler: User) -> Ticket:
    """A late ticket of somebody."""
    now_desk.now = utcnow() - timedelta(days=30)
    found = now_desk.accept(now_desk.ticket(), handler)
    now_desk.now = utcnow()
    with transaction() as session:
        sweeps.mark_overdue(session, now=now_desk.now, rules=now_desk.rules)
    return found


@pytest.fixture
def breach(ticket: Ticket) -> int:
    with reading() as session:
        return session.scalars(select(Breach.id).where(Breach.clock == "first_reply")).one()


def test_a_breach_from_its_draft_to_its_end(
    now_desk: Desk, ticket: Ticket, breach: int, handler: User, boss: User, other: User
):
    api, mine, second = now_desk.client(boss), now_desk.client(handler), now_desk.client(other)
    (draft,) = api.get("/breaches", state="draft", clock="first_reply", department="QGB", person="li").json["items"]
    assert (draft["id"], draft["ticket"], draft["person"], draft["met_at"]) == (breach, ticket.number, "li", None)
    assert draft["late_minutes"] > 450

    confirmed = api.post(f"/breaches/{breach}/judge", {"confirmed": True, "note": "属实"}).json
    assert (confirmed["state"], confirmed["judged_by"]) == ("confirmed", "boss")
    assert confirmed["appeal_until"] > now_desk.now.isoformat()
    appealed = mine.post(f"/breaches/{breach}/appeal", {"text": "系统升级无法登录"})
    assert appealed.status_code == 201
    assert appealed.json["appeal"]["by"] == "li"
    assert [b["id"] for b in api.get("/breaches", state="appealed").json["items"]] == [breach]
    problem(api.post(f"/breaches/{breach}/appeal/decide", {"upheld": True, "note": "属实"}), 403, "forbidden")
    ended = second.post(f"/breaches/{breach}/appeal/decide", {"upheld": True, "note": "属实"}).json

    assert (ended["state"], ended["judged_by"], ended["appeal"]["upheld"]) == ("revoked", "boss", True)
    assert [b["id"] for b in mine.get("/breaches", state="settled").json["items"]] == [breach]


def test_who_may_not_and_what_is_refused(now_desk: Desk, breach: int, handler: User, boss: User):
    api, mine = now_desk.client(boss), now_desk.client(handler)
    stranger = now_desk.client(now_desk.person("stranger", "agent", "QGB"))
    problem(mine.post(f"/breaches/{breach}/judge", {"confirmed": True}), 403, "forbidden")
    problem(stranger.post(f"/breaches/{breach}/appeal", {"text": "不服"}), 404, "not_found")
    problem(mine.post(f"/breaches/{breach}/appeal", {"text": "不服"}), 409, "illegal_transition")
    problem(mine.post(f"/breaches/{breach}/appeal", {"text": " "}), 422, "invalid")
    problem(api.post(f"/breaches/{breach}/judge", {"confirmed": False}), 422, "invalid")
    problem(api.post(f"/breaches/{breach}/judge", {"confirmed": True}, If_Match='"1"'), 409, "stale_version")
    problem(api.post(f"/breaches/{breach}/appeal/decide", {"upheld": True, "note": "x"}), 409, "illegal_transition")
    problem(api.get("/breaches", month="2026-13"), 422, "invalid")
    problem(api.get("/breaches", clock="sundial"), 422, "invalid")
    assert stranger.get("/breaches").json["items"] == []
    api.post(f"/breaches/{breach}/judge", {"confirmed": True})
    problem(api.post(f"/breaches/{breach}/judge", {"confirmed": True}), 409, "illegal_transition")
    problem(api.post(f"/breaches/{breach}/appeal", {"text": "代为申诉"}), 403, "forbidden")


def test_a_month_is_one_of_the_service_s_own_zone(now_desk: Desk, breach: int, boss: User):
    api = now_desk.client(boss)
    here = now_desk.now.astimezone(now_desk.rules.zone)

    this = api.get("/breaches", month=f"{here:%Y-%m}", clock="first_reply").json["items"]
    last = api.get("/breaches", month="2020-01").json["items"]

    assert ([b["id"] for b in this], last) == ([breach], [])


def test_a_supervisor_judges_several_from_the_list(app: Flask, now_desk: Desk, ticket: Ticket, boss: User):
    page = visitor(app, boss)
    ids = re.findall(r'name="breach" value="(\d+)"', page.get("/breaches").text)
    assert len(ids) == 2  # first reply and resolve
    nothing = page.post("/breaches/judge", {"verdict": "yes"})
    assert (nothing.status_code, "请先勾选要认定的登记" in words_of(nothing)) == (422, True)
    without = page.post("/breaches/judge", {"breach": ids, "verdict": "no", "note": ""})
    assert (without.status_code, "不计超时须写明原因" in words_of(without)) == (422, True)
    assert re.findall(r'value="(\d+)"[^>]* checked', without.text) == ids

    assert page.post("/breaches/judge", {"breach": ids, "verdict": "no", "note": "停电"}).status_code == 303

    assert "没有待认定的超时" in words_of(page.get("/breaches"))
    assert words_of(page.get("/breaches?state=settled")).count("不计超时") >= 2


def test_whoever_is_blamed_appeals_from_the_page_and_another_supervisor_answers(
    app: Flask, now_desk: Desk, ticket: Ticket, breach: int, handler: User, boss: User, other: User
):
    chief, mine, second = visitor(app, boss), visitor(app, handler), visitor(app, other)
    assert mine.post(f"/breaches/{breach}/judge", {"verdict": "yes"}).status_code == 403
    chief.post(f"/breaches/{breach}/judge", {"verdict": "yes", "note": "属实"})
    assert "申诉" in words_of(mine.get(f"/tickets/{ticket.number}"))
    empty = mine.post(f"/breaches/{breach}/appeal", {"text": ""})
    assert (empty.status_code, "请填写此项" in words_of(empty)) == (422, True)
    mine.post(f"/breaches/{breach}/appeal", {"text": "系统升级无法登录"})
    assert 'name="verdict"' not in chief.get(f"/breaches/{breach}").text  # not who confirmed

    second.post(f"/breaches/{breach}/appeal/decide", {"verdict": "no", "note": "记录与事实相符"})

    shown = words_of(mine.get(f"/breaches/{breach}"))
    assert "不支持申诉，维持登记" in shown
    assert "系统升级无法登录" in shown


def test_an_agent_sees_their_own_and_no_other(app: Flask, now_desk: Desk, breach: int, handler: User):
    stranger = visitor(app, now_desk.person("stranger", "agent", "QGB"))
    mine = visitor(app, handler)

    assert mine.get(f"/breaches/{breach}").status_code == 200
    assert stranger.get(f"/breaches/{breach}").status_code == 404
    assert "责任人" in words_of(mine.get("/breaches"))


def test_the_file_has_the_filtered_list_and_no_formula(
    app: Flask, now_desk: Desk, breach: int, handler: User, boss: User
):
    page = visitor(app, boss)
    page.post(f"/breaches/{breach}/judge", {"verdict": "yes", "note": '=HYPERLINK("http://x","点我")'})

    answer = page.get("/breaches.csv?state=confirmed&clock=first_reply")

    assert answer.content_type.startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    head, row = csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")))
    assert (head[0], row[2], row[3], row[7]) == ("工单号", "li 的姓名", "首次回复", "已认定")
    assert row[10] == '\'=HYPERLINK("http://x","点我")'
    other = page.get("/breaches.csv?state=confirmed&clock=accept").get_data(as_text=True)
    assert len(other.strip().splitlines()) == 1


def test_the_chart_narrows_the_list(app: Flask, now_desk: Desk, ticket: Ticket, boss: User):
    page = visitor(app, boss)

    shown = page.get("/breaches").text

    assert "/breaches?state=draft&amp;department=QGB" in shown
    assert "/breaches?state=draft&amp;clock=resolve" in shown
    assert page.get("/breaches?state=nonsense").status_code == 422


def test_an_entry_with_an_impossible_number_is_refused(app: Flask, boss: User):
    fields = {"breach": "9" * 30, "verdict": "yes", "note": ""}

    assert visitor(app, boss).post("/breaches/judge", fields).status_code == 422


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠"])
def test_a_file_holds_no_formula(sign: str):
    assert breaches_view.harmless(f"{sign}1+1") == f"'{sign}1+1"
