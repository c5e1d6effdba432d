"""Supervision and haste over HTTP: bodies, answers, refusals, and the list of orders."""

from datetime import datetime, timedelta

import pytest

from service.clock import utcnow
from service.people import User
from service.tickets.models import Ticket
from tests.factories import COMPLAINT, INQUIRY, Caller, Desk
from tests.http.api_rig import BOSS, problem
from tests.integration.supervision_rig import answer, close, miss, orders, supervise


@pytest.fixture
def boss(now_desk: Desk) -> User:
    return now_desk.person(BOSS, "supervisor", "LDS")


@pytest.fixture
def chief(desk: Desk, boss: User) -> Caller:
    return desk.client(boss)


@pytest.fixture
def agent(desk: Desk, boss: User) -> Caller:
    return desk.client(desk.person("zhang", "agent", "KFB"))


@pytest.fixture
def ticket(desk: Desk, boss: User) -> Ticket:
    return desk.ticket(COMPLAINT)


def path(ticket: Ticket, act: str) -> str:
    return f"/tickets/{ticket.number}/{act}"


def test_an_order_from_its_opening_to_the_verdict(ticket: Ticket, chief: Caller, agent: Caller):
    assert agent.get(f"/tickets/{ticket.number}").json["supervision"] is None
    due_at = (utcnow() + timedelta(hours=3)).replace(microsecond=0)

    opened = chief.post(path(ticket, "supervise"), {"level": "yellow", "reason": "拖延", "due_at": due_at.isoformat()})
    assert opened.status_code == 200
    assert opened.json["supervision"]["level"] == "yellow"
    assert datetime.fromisoformat(opened.json["supervision"]["due_at"]) == due_at
    assert opened.json["supervision"]["answered_at"] is None

    answered = agent.post(path(ticket, "supervise/answer"), {"text": "明天上午完成"})
    assert answered.json["supervision"]["answered_at"] is not None
    problem(agent.post(path(ticket, "supervise/answer"), {"text": "再说一次"}), 409, "illegal_transition")

    closed = chief.post(path(ticket, "supervise/close"), {"verdict": "同意"})
    assert (closed.status_code, closed.json["supervision"]) == (200, None)
    problem(chief.post(path(ticket, "supervise/close"), {"verdict": "同意"}), 409, "illegal_transition")


def test_what_is_refused(desk: Desk, ticket: Ticket, chief: Caller):
    problem(chief.post(path(ticket, "supervise"), {"level": "purple", "reason": "拖延"}), 422, "invalid")
    problem(chief.post(path(ticket, "supervise"), {"level": "red"}), 422, "invalid")
    past = {"reason": "拖延", "due_at": "2026-01-05T09:00:00+08:00"}
    problem(chief.post(path(ticket, "supervise"), past), 422, "invalid")
    assert chief.post(path(ticket, "supervise"), {"reason": "拖延"}).json["supervision"]["level"] == "ordinary"

    problem(chief.post(path(ticket, "supervise"), {"reason": "拖延"}), 409, "illegal_transition")
    problem(chief.post(path(ticket, "supervise/close"), {"verdict": "好"}), 409, "illegal_transition")
    problem(chief.post(path(ticket, "supervise/answer"), {"text": "自问自答"}), 403, "forbidden")
    problem(
        chief.post(path(ticket, "supervise/raise"), {"level": "ordinary", "reason": "x"}), 409, "illegal_transition"
    )
    assert chief.post(path(ticket, "supervise/raise"), {"level": "red", "reason": "重大"}).status_code == 200
    assert [o.level for o in orders(ticket)] == ["red"]


def test_urging_too_soon_says_when_again(desk: Desk, ticket: Ticket, chief: Caller):
    urged = chief.post(path(ticket, "urge"))

    again = problem(chief.post(path(ticket, "urge"), {"text": "快"}), 409, "too_soon")

    assert (urged.json["urges"], urged.json["customer_urges"]) == (1, 0)
    assert timedelta(minutes=25) < datetime.fromisoformat(str(again["again_at"])) - utcnow() <= timedelta(minutes=30)


def three(desk: Desk, boss: User) -> list[Ticket]:
    """Supervised: open at KFB, answered at QGB, unanswered in time at KFB; the last is due first."""
    tickets = [
        desk.ticket(COMPLAINT, follower="oFollower0001"),
        desk.ticket(INQUIRY, follower="oFollower0002"),
        desk.ticket(COMPLAINT, follower="oFollower0003"),
    ]
    for number, each in enumerate(tickets):
        supervise(desk, each, boss, due_at=desk.now + timedelta(minutes=30 - 10 * number))
    answer(desk, tickets[1], desk.person("qian", "agent", "QGB"))
    desk.later(minutes=10)
    miss(desk)
    return tickets


def numbers(caller: Caller, **query: object) -> list[str]:
    return [item["ticket"] for item in caller.get("/supervision-orders", **query).json["items"]]


def test_the_list_by_state_level_and_department(desk: Desk, boss: User, chief: Caller):
    first, second, third = (t.number for t in three(desk, boss))

    assert numbers(chief) == [third, second, first]  # the earliest due first
    assert numbers(chief, state="missed") == [third]
    assert numbers(chief, state="answered") == [second]
    assert numbers(chief, level="yellow") == [third]
    assert numbers(chief, department="KFB") == [third, first]
    assert numbers(chief, department="NIX") == numbers(chief, state="closed") == []
    problem(chief.get("/supervision-orders", state="lost"), 422, "invalid")
    item = chief.get("/supervision-orders", state="answered").json["items"][0]
    assert (item["state"], item["level"], item["opened_by"], item["answered_by"]) == (
        "answered",
        "ordinary",
        BOSS,
        "qian",
    )
    assert (item["department"], item["assignee"], item["verdict"]) == ("QGB", None, None)


@pytest.mark.parametrize("state", ["open", "closed"])
def test_the_list_is_read_page_by_page(desk: Desk, boss: User, chief: Caller, state: str):
    tickets = three(desk, boss)
    if state == "closed":
        for each in tickets:
            close(desk, each, boss, verdict="同意", reason="无需答复")  # all at one instant
    whole = numbers(chief, state=state)

    found, cursor = [], None
    while cursor is not None or not found:
        page = chief.get("/supervision-orders", state=state, limit=1, **({"cursor": cursor} if cursor else {})).json
        found += [item["ticket"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert found == whole
    assert len(found) == 3


def test_who_sees_the_list(desk: Desk, boss: User, agent: Caller):
    first, second, third = (t.number for t in three(desk, boss))
    heads = {code: desk.client(desk.person(f"head-{code}", "dept_head", code)) for code in ("KFB", "QGB", "CWB")}

    assert {code: numbers(head) for code, head in heads.items()} == {"KFB": [third, first], "QGB": [second], "CWB": []}
    problem(agent.get("/supervision-orders"), 403, "forbidden")
    problem(desk.client(desk.person("he", "dispatcher", "QGB")).get("/supervision-orders"), 403, "forbidden")


def test_a_restricted_ticket_is_in_no_list_of_a_head(desk: Desk, boss: User, chief: Caller):
    report = desk.ticket("我要举报你们员工收回扣")
    supervise(desk, report, boss)
    head = desk.client(desk.person("head", "dept_head", desk.reread(report).department.code))

    assert desk.reread(report).restricted
    assert (numbers(chief), numbers(head)) == ([report.number], [])


def test_lists_of_tickets_carry_the_order_with_one_query_more(desk: Desk, boss: User, chief: Caller, counted):
    with counted() as without:
        chief.get("/tickets")
    tickets = three(desk, boss)

    with counted() as statements:
        items = chief.get("/tickets").json["items"]

    found = {item["number"]: item["supervision"] and item["supervision"]["level"] for item in items}
    assert found == dict(zip([t.number for t in tickets], ["ordinary", "ordinary", "yellow"], strict=True))
    assert len([s for s in statements if "FROM supervision_orders" in s]) == 1
    assert not [s for s in without if "FROM supervision_orders" in s]


def test_openapi_describes_it(desk: Desk):
    paths = desk.app.test_client().get("/api/v1/openapi.json").json["paths"]

    query = {p["name"] for p in paths["/api/v1/supervision-orders"]["get"]["parameters"]}
    assert query == {"state", "level", "department", "limit", "cursor"}
    assert "post" in paths["/api/v1/tickets/{number}/supervise/close"]


@pytest.mark.parametrize("version", ["²", "9" * 5000, "-1", "yesterday"])
def test_a_version_that_is_none_is_refused(ticket: Ticket, chief: Caller, version: str):
    problem(chief.post(path(ticket, "urge"), If_Match=version), 422, "invalid")
