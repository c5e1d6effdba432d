"""Promises about asking for more time over HTTP: who may, what is refused and how, and the list of those who decide."""

import re

import pytest
from flask import Flask

from service.people import User
from service.tickets.models import Ticket
from tests.factories import COMPLAINT, Caller, Desk
from tests.http.api_rig import problem
from tests.page_rig import visitor, words_of

WHY = "厂家还没有回复检测结果"


@pytest.fixture
def handler(now_desk: Desk) -> User:
    return now_desk.person("li", "agent", "KFB")


@pytest.fixture
def head(now_desk: Desk) -> User:
    return now_desk.person("head", "dept_head", "KFB")


@pytest.fixture
def ticket(now_desk: Desk, handler: User) -> Ticket:
    return now_desk.accept(now_desk.ticket(COMPLAINT), handler)


def asked(caller: Caller, ticket: Ticket, **body: object):  # type: ignore[no-untyped-def]
    return caller.post(f"/tickets/{ticket.number}/extension", {"days": 3, "reason": WHY, **body})


def test_more_time_from_asking_to_the_explanation(now_desk: Desk, ticket: Ticket, handler: User, head: User):
    api, chief = now_desk.client(handler), now_desk.client(head)
    before = api.get(f"/tickets/{ticket.number}").json["clocks"]["resolve"]["due_at"]

    answer = asked(api, ticket)
    assert answer.status_code == 201
    request = answer.json
    assert (request["state"], request["days"], request["by"], request["due_before"]) == ("pending", 3, "li", before)
    decided = chief.post(f"/extensions/{request['id']}/decide", {"granted": True, "note": "同意"})

    assert decided.status_code == 200
    assert (decided.json["state"], decided.json["decided_by"], decided.json["ticket"]) == (
        "granted",
        "head",
        ticket.number,
    )
    after = api.get(f"/tickets/{ticket.number}").json["clocks"]["resolve"]["due_at"]
    assert after == request["due_after"] > before
    steps = api.get(f"/tickets/{ticket.number}/explain").json["clocks"]["resolve"]["steps"]
    assert [s["why"][:10] for s in steps if s["minutes"]][-1] == "延期第 3 个工作日"
    listed = chief.get("/extensions", state="granted").json["items"]
    assert [item["id"] for item in listed] == [request["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"days": 0}, "days"), ({"days": 6}, "days"), ({"days": "3"}, "days"), ({"reason": ""}, "reason")],
)
def test_what_is_no_request_is_422(now_desk: Desk, ticket: Ticket, handler: User, body: dict[str, object], field: str):
    found = problem(asked(now_desk.client(handler), ticket, **body), 422, "invalid")

    assert field in found["errors"]  # type: ignore[operator]


def test_who_may_not_and_who_does_not_see(now_desk: Desk, ticket: Ticket, handler: User, head: User):
    stranger = now_desk.client(now_desk.person("stranger", "agent", "CWB"))
    follow_up = now_desk.client(now_desk.person("fu", "follow_up_agent", "KFB"))
    problem(asked(stranger, ticket), 404, "not_found")
    problem(asked(follow_up, ticket), 403, "forbidden")
    api = now_desk.client(handler)
    number = asked(api, ticket).json["id"]
    problem(asked(api, ticket), 409, "illegal_transition")

    other_head = now_desk.client(now_desk.person("head2", "dept_head", "CWB"))
    problem(api.post(f"/extensions/{number}/decide", {"granted": True}), 403, "forbidden")
    problem(other_head.post(f"/extensions/{number}/decide", {"granted": True}), 404, "not_found")
    problem(now_desk.client(head).post(f"/extensions/{number}/decide", {"granted": False}), 422, "invalid")
    problem(now_desk.client(head).post("/extensions/999999/decide", {"granted": True}), 404, "not_found")
    stale = now_desk.client(head).post(f"/extensions/{number}/decide", {"granted": True}, If_Match='"1"')
    problem(stale, 409, "stale_version")
    assert stranger.get("/extensions").json["items"] == []


def test_a_suspension_beyond_what_is_left_says_how_long_it_may_be(now_desk: Desk, ticket: Ticket, handler: User):
    until = (now_desk.now.replace(year=now_desk.now.year + 1)).isoformat()

    answer = now_desk.client(handler).post(f"/tickets/{ticket.number}/suspend", {"reason": "等料", "until": until})

    found = problem(answer, 422, "invalid")
    (sentence,) = found["errors"]["until"]  # type: ignore[index]
    assert re.fullmatch(r"a suspension lasts at most 5 working days: [\d-]+ [\d:]+ at the latest", sentence)


def test_the_list_decides_on_the_spot_and_the_ticket_carries_the_draft(
    app: Flask, now_desk: Desk, ticket: Ticket, handler: User, head: User
):
    agent, chief = visitor(app, handler), visitor(app, head)
    form = agent.get(f"/tickets/{ticket.number}/do/extend")
    assert "5 个工作日（到" in words_of(form)
    assert agent.post(f"/tickets/{ticket.number}/do/extend", {"days": "2", "reason": WHY}).status_code == 303
    assert agent.get("/extensions").status_code == 403
    page = chief.get("/extensions")
    assert WHY in words_of(page)
    assert chief.get("/extensions/badge").text == "1"
    number = re.search(r'action="/extensions/(\d+)"', page.text)[1]  # type: ignore[index]
    refused = chief.post(f"/extensions/{number}", {"verdict": "refuse", "note": ""})
    assert refused.status_code == 422
    assert "不同意须写明原因" in words_of(refused)

    assert chief.post(f"/extensions/{number}", {"verdict": "grant", "note": "同意"}).status_code == 303

    assert chief.get("/extensions/badge").text == ""
    assert "已同意" in words_of(chief.get("/extensions"))
    shown = words_of(agent.get(f"/tickets/{ticket.number}"))
    assert "延期已批准，请告知客户" in shown
    assert f"关于 {ticket.number}：因{WHY}，需要更多时间核实" in shown
    why = words_of(agent.get(f"/tickets/{ticket.number}/why/resolve"))
    assert "含批准的延期 2 个工作日" in why


def test_who_asked_sees_that_another_decides(app: Flask, now_desk: Desk, ticket: Ticket, head: User):
    chief = visitor(app, head)
    chief.post(f"/tickets/{ticket.number}/do/extend", {"days": "1", "reason": WHY})

    page = chief.get("/extensions")

    assert "您本人的申请，由其他人审批" in words_of(page)
    assert chief.get("/extensions/badge").text == ""


def test_the_form_says_why_there_is_nothing_to_ask_for(app: Flask, now_desk: Desk, ticket: Ticket, handler: User):
    agent = visitor(app, handler)
    agent.post(f"/tickets/{ticket.number}/do/extend", {"days": "1", "reason": WHY})

    page = agent.get(f"/tickets/{ticket.number}/do/extend")

    assert "这张工单已有待审批的延期申请" in words_of(page)
    assert "最晚到" in words_of(agent.get(f"/tickets/{ticket.number}/do/suspend"))
