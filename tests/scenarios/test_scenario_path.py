"""The whole path: a follower's message becomes a ticket, is classified, routed, answered, followed up and closed."""

from datetime import datetime

from scenario_clients import Api, Json, answered
from scenario_processes import eventually
from scenario_rig import Rig

COMPLAINT = "我要投诉！你们的客服态度太差了，骂人还挂电话，必须给我道歉"
INQUIRY = "请问你们周末几点营业，怎么预约？"
QUEUED_WITHIN = 3.0  # seconds, of the issue
CLASSIFIED_WITHIN = 10.0


def queued(rig: Rig, username: str, number: str) -> Json | None:
    """The ticket as it stands in this person's list of tickets to accept; None if it is not there."""
    items = rig.api(username).get("/tickets", status="pending_acceptance").json()["items"]
    return next((item for item in items if item["number"] == number), None)


def routed(rig: Rig, username: str, number: str) -> Json:
    """The ticket once it is classified and in this person's queue."""

    def classified() -> Json | None:
        found = queued(rig, username, number)
        return found if found and found["category"] else None

    return eventually(classified, within=CLASSIFIED_WITHIN, what=f"{number} classified and in the queue of {username}")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_message_is_in_the_queue_within_three_seconds_and_its_receipt_names_the_number(rig: Rig) -> None:
    phone = rig.phone()

    number = phone.opens(INQUIRY)

    found = eventually(lambda: queued(rig, "intake.agent", number), within=QUEUED_WITHIN, what="in the intake's queue")
    assert (found["department"], found["assignee"], found["account"]) == ("QGB", None, "main")
    assert found["subject"] == INQUIRY
    states = {kind: clock["state"] for kind, clock in found["clocks"].items()}
    assert states == {"accept": "running", "first_reply": "running", "resolve": "running", "follow_up": "none"}
    assert phone.lines("reply") == []


CASES = [(COMPLAINT, "complaint", "KFB", "kfb.agent"), (INQUIRY, "inquiry", "QGB", "intake.agent")]


def test_messages_are_classified_and_with_their_departments_within_ten_seconds(rig: Rig) -> None:
    opened = rig.open_many([text for text, *_ in CASES])

    for (_, category, department, colleague), (phone, number) in zip(CASES, opened, strict=True):
        found = routed(rig, colleague, number)
        assert (found["category"], found["department"], found["status"]) == (category, department, "pending_acceptance")
        assert found["classification"]["source"] == "keyword"
        assert 0 < found["classification"]["confidence"] <= 1
        assert found["classification"]["because"]
        assert due_by_the_book(rig.api(colleague), found) == due(found)
        # nothing that goes by itself spends a message of the window
        assert (found["reply_window"]["messages_left"], phone.lines("reply")) == (5, [])


def due(ticket: Json) -> dict[str, str]:
    return {kind: clock["due_at"] for kind, clock in ticket["clocks"].items() if clock["due_at"]}


def due_by_the_book(api: Api, ticket: Json) -> dict[str, str]:
    """Due times that the policy gives such a matter, which the ticket's own explanation must repeat."""
    query = {"category": ticket["category"], "priority": ticket["priority"], "at": ticket["received_at"]}
    explained = answered(api.get("/sla/explain", **query))
    assert answered(api.get(f"/tickets/{ticket['number']}/explain")) == explained
    return {kind: row["due_at"] for kind, row in explained["clocks"].items()}


def test_until_it_is_classified_a_ticket_has_the_targets_of_a_normal_inquiry(rig: Rig) -> None:
    number = rig.phone().opens(COMPLAINT)

    first = rig.api("supervisor").ticket(number)

    assert first["category"] is None
    assert (first["classification"], first["priority"], first["department"]) == (None, "normal", "QGB")
    query = {"category": "inquiry", "priority": "normal", "at": first["received_at"]}
    expected = answered(rig.api("supervisor").get("/sla/explain", **query))["clocks"]
    assert due(first) == {kind: row["due_at"] for kind, row in expected.items()}


TICKET = (
    "number status category classification priority department assignee account follower subject received_at "
    "accepted_at first_replied_at answered_at closed_at clocks overdue reply_window version"
)
MESSAGE = "id direction type text at author attachments delivery"
EVENT = "at actor action before after because"


def test_tickets_messages_and_events_have_the_fields_of_the_contract(rig: Rig) -> None:
    api, number = rig.api("intake.agent"), rig.phone().opens(INQUIRY)
    api.reply(number, "请稍等")

    ticket, messages, (event, *_) = api.ticket(number), api.messages(number), api.events(number)

    assert set(TICKET.split()) <= ticket.keys()
    assert ticket["clocks"].keys() == {"accept", "first_reply", "resolve", "follow_up"}
    assert {frozenset(clock) for clock in ticket["clocks"].values()} == {
        frozenset(("state", "due_at", "met_at", "provisional"))
    }
    assert all(set(MESSAGE.split()) <= message.keys() for message in messages)
    assert [message["direction"] for message in messages] == ["inbound", "outbound"]
    assert {"state", "errcode", "attempts", "detail"} <= messages[1]["delivery"].keys()
    assert set(EVENT.split()) == event.keys()
    assert at(ticket["received_at"]).tzinfo is not None


def test_a_complaint_goes_the_whole_way(rig: Rig) -> None:
    phone, agent, caller = rig.phone(), rig.api("kfb.agent"), rig.api("caller")
    number = phone.opens(COMPLAINT)
    routed(rig, "kfb.agent", number)

    accepted = agent.act(number, "accept", plan="先核实录音")
    interim = agent.reply(number, "您好，我是客服部小李，正在核实，今天给您回音。 <b>&\n\n第二段")
    final = eventually(lambda: settled(rig, number, interim["id"])) and agent.reply(
        number, "已核实，向您道歉 😊", "final"
    )
    answered = eventually(lambda: with_status(rig, number, "answered"))
    closed = caller.act(number, "follow-up", result="solved", satisfaction=5, note="电话里说满意")

    assert (accepted["status"], accepted["assignee"]) == ("in_progress", "kfb.agent")
    assert accepted["clocks"]["accept"]["met_at"] == accepted["accepted_at"]
    assert accepted["clocks"]["first_reply"]["state"] == "running"
    assert phone.hears(2) == [interim["text"], final["text"]]
    assert answered["first_replied_at"] == answered["clocks"]["first_reply"]["met_at"] == interim["at"]
    assert answered["answered_at"] == answered["clocks"]["resolve"]["met_at"] == final["at"]
    assert answered["clocks"]["follow_up"]["state"] == "running"
    assert closed["status"] == "closed"
    assert at(closed["closed_at"]) > at(answered["answered_at"])
    assert closed["clocks"]["follow_up"]["state"] == "met"


def settled(rig: Rig, number: str, message_id: int, state: str = "sent") -> bool:
    return rig.api("supervisor").state(number, message_id) == state


def with_status(rig: Rig, number: str, status: str) -> Json | None:
    ticket = rig.api("supervisor").ticket(number)
    return ticket if ticket["status"] == status else None


def test_the_story_of_a_ticket_is_told_by_its_events(rig: Rig) -> None:
    phone, agent = rig.phone(), rig.api("intake.agent")
    number = phone.opens(INQUIRY)
    routed(rig, "intake.agent", number)
    agent.reply(number, "周末九点到六点营业。", "final")
    eventually(lambda: with_status(rig, number, "answered"))
    rig.api("caller").act(number, "follow-up", result="solved")

    events = rig.api("supervisor").events(number)

    told = [(event["actor"], event["action"]) for event in events]
    assert told[0] == ("follower", "open")
    assert told[1] == ("system", "classify")
    assert told[2] == ("intake.agent", "reply")
    assert told[-1] == ("caller", "follow_up_solved")
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    by_action = {event["action"]: event for event in events}
    assert by_action["classify"]["before"]["category"] is None
    assert by_action["classify"]["after"]["category"] == "inquiry"
    assert by_action["reply"]["before"]["status"] == "pending_acceptance"
    assert by_action["reply"]["after"]["assignee"] == "intake.agent"
    assert by_action["answer"]["after"]["follow_up"] in (True, False)  # the sample is drawn once, and recorded


def test_a_reply_to_a_ticket_that_nobody_accepted_accepts_it_for_its_author(rig: Rig) -> None:
    number = rig.phone().opens(INQUIRY)

    reply = rig.api("intake.agent").reply(number, "您好，马上为您查询。")

    ticket = rig.api("intake.agent").ticket(number)
    assert (ticket["status"], ticket["assignee"]) == ("in_progress", "intake.agent")
    assert ticket["clocks"]["accept"]["met_at"] == reply["at"]


def test_a_clock_is_met_only_once_the_platform_has_taken_the_reply(rig: Rig) -> None:
    phone, agent = rig.phone("unruly"), rig.api("intake.agent")
    number = phone.opens(INQUIRY)

    with rig.fault("message/custom/send", "latency", value=2.5):
        reply = agent.reply(number, "请稍候，马上答复。", "final")
        eventually(lambda: settled(rig, number, reply["id"], "sending"), within=2)
        meanwhile = agent.ticket(number)

    assert meanwhile["status"] == "in_progress"
    assert meanwhile["first_replied_at"] is None
    assert [meanwhile["clocks"][kind]["state"] for kind in ("first_reply", "resolve")] == ["running", "running"]
    afterwards = eventually(lambda: with_status(rig, number, "answered"))
    assert afterwards["clocks"]["first_reply"]["met_at"] == afterwards["clocks"]["resolve"]["met_at"] == reply["at"]


def test_whoever_handled_a_complaint_may_not_follow_it_up_whatever_their_roles(rig: Rig) -> None:
    number = rig.phone().opens(COMPLAINT)
    rig.api("dispatcher").act(number, "classify", category="complaint", reason="一看就是投诉")
    rig.api("kfb.head").reply(number, "已处理，向您道歉。", "final")
    eventually(lambda: with_status(rig, number, "answered"))

    refused = rig.api("kfb.head").attempt(number, "follow-up", result="solved")

    assert refused == (403, "forbidden")
    assert rig.api("supervisor").act(number, "follow-up", result="solved")["status"] == "closed"
