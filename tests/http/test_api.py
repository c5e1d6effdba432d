"""Every endpoint of the API as a program meets it: what it takes, what it answers, and what follows from it."""

from datetime import datetime, timedelta

import pytest

from service.clock import utcnow
from service.messaging.ports import DeliveryError, Failure
from service.people import User
from tests.factories import COMPLAINT, INQUIRY, Caller, Desk
from tests.fakes import FakeChannel
from tests.http.api_rig import ACTS, act

TICKET = {
    "number",
    "status",
    "category",
    "classification",
    "priority",
    "department",
    "assignee",
    "account",
    "follower",
    "subject",
    "received_at",
    "accepted_at",
    "first_replied_at",
    "answered_at",
    "closed_at",
    "clocks",
    "overdue",
    "reply_window",
    "version",
}
MESSAGE = {"id", "direction", "type", "text", "at", "author", "attachments", "delivery"}
BECOMES = {  # act -> status afterwards
    "accept": "in_progress",
    "ask": "waiting_customer",
    "suspend": "suspended",
    "resume": "in_progress",
    "transfer": "pending_acceptance",
    "follow-up": "closed",
    "close": "closed",
    "reopen": "in_progress",
    "merge": "merged",
    "decline": "declined",
    "withdraw": "withdrawn",
    "invalid": "invalid",
}


@pytest.fixture
def boss(desk: Desk) -> User:
    desk.now = utcnow() - timedelta(minutes=1)  # endpoints read the wall clock
    return desk.person("boss", "supervisor", "KFB")


@pytest.fixture
def zhang(desk: Desk, boss: User) -> Caller:
    return desk.client(desk.person("zhang", "admin", "KFB"))


def is_instant(text: object) -> bool:
    return datetime.fromisoformat(str(text)).tzinfo is not None


# Reading


def test_a_ticket_looks_as_the_contract_says(desk: Desk, zhang: Caller):
    ticket = desk.ticket("我要投诉，你们的服务态度太差了，前台一直不理人，打电话也没有人接，请你们马上处理一下这个问题")

    body = zhang.get(f"/tickets/{ticket.number}").json

    assert set(body) >= TICKET
    assert body["number"].startswith("GD20")
    assert (body["status"], body["department"], body["assignee"]) == ("pending_acceptance", "KFB", None)
    assert (body["account"], body["follower"]) == (
        "main",
        {"id": ticket.follower_id, "display_name": "微信用户·0001"},
    )
    assert body["classification"].keys() == {"category", "source", "confidence", "because"}
    assert (body["classification"]["source"], body["classification"]["category"]) == ("keyword", "complaint")
    assert body["clocks"].keys() == {"accept", "first_reply", "resolve", "follow_up"}
    assert all(clock.keys() == {"state", "due_at", "met_at", "provisional"} for clock in body["clocks"].values())
    states = {name: clock["state"] for name, clock in body["clocks"].items()}
    assert states == {"accept": "running", "first_reply": "running", "resolve": "running", "follow_up": "none"}
    assert is_instant(body["received_at"])
    assert is_instant(body["clocks"]["resolve"]["due_at"])
    assert body["received_at"].endswith("+08:00")
    assert is_instant(body["reply_window"]["closes_at"])
    assert (body["reply_window"]["messages_left"], body["overdue"]) == (5, False)
    assert len(body["subject"]) <= 41
    assert isinstance(body["version"], int)


def test_an_unclassified_ticket_stands_with_the_intake_department(desk: Desk, zhang: Caller):
    ticket = desk.ticket(classified=False)

    body = zhang.get(f"/tickets/{ticket.number}").json

    assert (body["category"], body["classification"], body["department"]) == (None, None, "QGB")


def test_a_window_that_has_closed_is_none(desk: Desk, zhang: Caller):
    desk.later(days=-3)
    ticket = desk.ticket(classified=False)

    assert zhang.get(f"/tickets/{ticket.number}").json["reply_window"] is None


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({}, [2, 1, 0]),
        ({"sort": "received"}, [0, 1, 2]),
        ({"status": "in_progress"}, [1]),
        ({"status": ["in_progress", "answered"]}, [2, 1]),
        ({"category": "complaint"}, [1, 0]),
        ({"priority": "normal"}, [2]),
        ({"department": "QGB"}, [2]),
        ({"department": "XXX"}, []),
        ({"assignee": "me"}, [1]),
        ({"assignee": "boss"}, [2]),
        ({"assignee": "none"}, [0]),
        ({"account": "main"}, [2, 1, 0]),
        ({"account": "other"}, []),
        ({"overdue": "false"}, [2, 1, 0]),
        ({"overdue": "true"}, []),
        ({"q": "几点"}, [2]),
        ({"limit": 1}, [2]),
    ],
)
def test_tickets_are_found(desk: Desk, boss: User, zhang: Caller, query: dict[str, object], places: list[int]):
    first = desk.ticket(COMPLAINT, follower="oA")
    second = desk.ticket(COMPLAINT, follower="oB")
    zhang.post(f"/tickets/{second.number}/accept")
    third = desk.answer(desk.ticket(INQUIRY, follower="oC"), boss)

    body = zhang.get("/tickets", **query).json

    numbers = [first.number, second.number, third.number]
    assert [item["number"] for item in body["items"]] == [numbers[place] for place in places]
    assert (body["next_cursor"] is not None) is ("limit" in query)
    assert all(set(item) >= TICKET for item in body["items"])


def test_a_list_goes_on_where_it_ended(desk: Desk, zhang: Caller):
    for number in range(5):
        desk.says(INQUIRY, follower=f"oFollower{number:04}")
    numbers, cursor = [], None
    for _ in range(3):
        page = zhang.get("/tickets", limit=2, sort="received", **({"cursor": cursor} if cursor else {})).json
        numbers += [item["number"][-4:] for item in page["items"]]
        cursor = page["next_cursor"]

    assert (numbers, cursor) == (["0001", "0002", "0003", "0004", "0005"], None)


def test_a_conversation_in_order_with_what_became_of_each_reply(
    desk: Desk, boss: User, zhang: Caller, channel: FakeChannel
):
    ticket = desk.ticket(COMPLAINT)
    zhang.post(f"/tickets/{ticket.number}/reply", {"text": "您好，正在核实", "kind": "interim"})
    zhang.post(f"/tickets/{ticket.number}/note", {"text": "客户是老业主"})
    zhang.post(f"/tickets/{ticket.number}/reply", {"text": "与李女士通话，已说明", "kind": "interim", "via": "phone"})
    channel.failures = [DeliveryError("response out of time limit", kind=Failure.WINDOW_CLOSED, code=45015)]
    desk.now = utcnow()
    desk.deliver()

    page = zhang.get(f"/tickets/{ticket.number}/messages").json

    inbound, reply, note, call = page["items"]
    assert all(set(message) >= MESSAGE for message in page["items"])
    assert [m["direction"] for m in page["items"]] == ["inbound", "outbound", "note", "outbound"]
    assert [m["author"] for m in page["items"]] == [None, "zhang", "zhang", "zhang"]
    assert [m["at"] for m in page["items"]] == sorted(m["at"] for m in page["items"])
    assert (inbound["type"], inbound["text"], inbound["delivery"]) == ("text", COMPLAINT, None)
    assert reply["delivery"] == {
        "state": "waiting_for_window",
        "errcode": 45015,
        "attempts": 1,
        "detail": "response out of time limit",
    }
    assert (note["delivery"], call["delivery"], call["via"], page["next_cursor"]) == (None, None, "phone", None)


def test_a_long_reply_is_one_message_with_parts(desk: Desk, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)
    text = "已查明。" * 400

    made = zhang.post(f"/tickets/{ticket.number}/reply", {"text": text, "kind": "final"})
    (_, message) = zhang.get(f"/tickets/{ticket.number}/messages").json["items"]

    assert (made.status_code, message["text"], message["delivery"]["state"]) == (201, text, "queued")
    assert [part["state"] for part in message["delivery"]["parts"]] == ["queued"] * 3
    assert message == made.json


def test_history_says_who_did_what_and_why(desk: Desk, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)
    zhang.post(f"/tickets/{ticket.number}/transfer", {"department": "CWB", "reason": "发票问题"})

    page = zhang.get(f"/tickets/{ticket.number}/events").json

    assert all(e.keys() == {"at", "actor", "action", "before", "after", "because"} for e in page["items"])
    assert [(e["actor"], e["action"]) for e in page["items"]] == [
        ("follower", "open"),
        ("system", "classify"),
        ("zhang", "transfer"),
    ]
    assert page["items"][-1]["because"] == "发票问题"
    assert (page["items"][-1]["before"], page["items"][-1]["after"]) == (
        {"department": "KFB"},
        {"department": "CWB"},
    )
    assert page["next_cursor"] is None


def test_each_due_time_is_explained_in_steps_that_add_up(desk: Desk, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)

    clocks = zhang.get(f"/tickets/{ticket.number}/explain").json["clocks"]

    assert list(clocks) == ["accept", "first_reply", "resolve"]
    assert sum(step["minutes"] for step in clocks["first_reply"]["steps"]) == 30
    for clock in clocks.values():
        assert clock.keys() == {"due_at", "provisional", "steps"}
        assert all(step.keys() == {"from", "to", "minutes", "why"} for step in clock["steps"])
        assert clock["steps"][-1]["to"] == clock["due_at"]


def test_due_times_of_a_matter_that_has_not_come_yet(zhang: Caller):
    query = {"category": "complaint", "priority": "normal", "at": "2026-02-13T17:45:00+08:00"}

    clocks = zhang.get("/sla/explain", **query).json["clocks"]

    # from the Friday before the festival to the make-up Saturday and on
    assert clocks["accept"]["due_at"] == "2026-02-14T09:15:00.000+08:00"
    assert clocks["accept"]["provisional"] is False


def test_an_unconfirmed_year_is_provisional(zhang: Caller):
    query = {"category": "report", "priority": "high", "at": "2026-12-25T10:00:00+08:00"}

    assert zhang.get("/sla/explain", **query).json["clocks"]["resolve"]["provisional"] is True


def test_praise_has_no_clocks(zhang: Caller):
    query = {"category": "praise", "priority": "low", "at": "2026-03-04T09:30:00+08:00"}

    assert zhang.get("/sla/explain", **query).json == {"clocks": {}}


@pytest.mark.parametrize(("text", "category"), [(COMPLAINT, "complaint"), (INQUIRY, "inquiry"), ("谢谢", "other")])
def test_a_text_is_classified(zhang: Caller, text: str, category: str):
    body = zhang.post("/classify", {"text": text}).json

    assert body.keys() == {"category", "priority", "confidence", "triage", "because"}
    assert body["category"] == category
    assert 0 <= body["confidence"] <= 1


# Acting


@pytest.mark.parametrize("name", ACTS)
def test_an_act_answers_with_what_became_of_it(desk: Desk, boss: User, zhang: Caller, name: str):
    before, answer = act(zhang, desk, name, boss)

    assert answer.status_code == ACTS[name].status, answer.json
    if name == "reply":
        assert set(answer.json) >= MESSAGE
        answer = zhang.get(f"/tickets/{before.number}")
    assert set(answer.json) >= TICKET
    assert answer.json["number"] == before.number
    assert answer.json["version"] > before.version
    if name in BECOMES:
        assert answer.json["status"] == BECOMES[name]
    assert answer.json == zhang.get(f"/tickets/{before.number}").json


def test_an_act_answers_with_the_ticket_also_where_its_actor_no_longer_sees_it(desk: Desk, boss: User):
    agent = desk.client(desk.person("li", "agent", "KFB"))
    ticket = desk.ticket(COMPLAINT)

    answer = agent.post(f"/tickets/{ticket.number}/transfer", {"department": "CWB", "reason": "发票问题"})

    assert (answer.status_code, answer.json["department"]) == (200, "CWB")
    assert agent.get(f"/tickets/{ticket.number}").status_code == 404


def test_a_whole_matter_from_accepting_to_closing(desk: Desk, boss: User, zhang: Caller, channel: FakeChannel):
    agent = desk.client(desk.person("li", "agent", "KFB"))
    ticket = desk.ticket(COMPLAINT)
    where = f"/tickets/{ticket.number}"

    accepted = agent.post(f"{where}/accept").json
    sent = agent.post(f"{where}/reply", {"text": "已经更换配件", "kind": "final"}).json
    desk.now = utcnow()
    desk.deliver()
    answered = agent.get(where).json
    closed = zhang.post(f"{where}/follow-up", {"result": "solved", "satisfaction": 5}).json

    assert (accepted["assignee"], accepted["clocks"]["accept"]["state"]) == ("li", "met")
    assert channel.texts == ["已经更换配件"]
    assert (answered["status"], answered["answered_at"]) == ("answered", sent["at"])
    assert answered["clocks"]["resolve"]["met_at"] == answered["clocks"]["first_reply"]["met_at"] == sent["at"]
    assert answered["clocks"]["follow_up"]["state"] == "running"
    assert (closed["status"], closed["clocks"]["follow_up"]["state"]) == ("closed", "met")


def test_a_promise_is_kept_with_the_ticket(desk: Desk, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)

    zhang.post(f"/tickets/{ticket.number}/accept", {"promise_at": "2026-12-01T10:00:00+08:00"})

    assert desk.reread(ticket).promise_at == datetime.fromisoformat("2026-12-01T10:00:00+08:00")


def test_a_list_of_fifty_costs_as_many_statements_as_one_of_five(desk: Desk, zhang: Caller, counted):
    sizes = []
    for number in (5, 45):
        for n in range(number):
            desk.says(INQUIRY, follower=f"oFollower{number}{n:04}")
        with counted() as statements:
            page = zhang.get("/tickets").json
        sizes.append((len(page["items"]), len(statements)))

    assert [items for items, _ in sizes] == [5, 50]
    assert sizes[0][1] == sizes[1][1]


def test_times_come_with_the_services_offset(desk: Desk, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)
    body = zhang.get(f"/tickets/{ticket.number}").json

    assert datetime.fromisoformat(body["received_at"]) - ticket.received_at < timedelta(milliseconds=1)
