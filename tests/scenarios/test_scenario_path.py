"""The whole path: a follower's message becomes a ticket, is classified, routed, answered, followed up and closed."""

from datetime import datetime

import pytest
from scenario_clients import Json
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


@pytest.mark.parametrize(
    ("text", "category", "department", "colleague"),
    [(COMPLAINT, "complaint", "KFB", "kfb.agent"), (INQUIRY, "inquiry", "QGB", "intake.agent")],
    ids=["complaint", "inquiry"],
)
def test_a_message_is_classified_and_with_its_department_within_ten_seconds(
    rig: Rig, text: str, category: str, department: str, colleague: str
) -> None:
    number = rig.phone().opens(text)

    found = routed(rig, colleague, number)

    assert (found["category"], found["department"], found["status"]) == (category, department, "pending_acceptance")
    assert found["classification"]["source"] == "keyword"
    assert 0 < found["classification"]["confidence"] <= 1
    assert found["classification"]["because"]
    by_the_book = rig.api(colleague).get(
        "/sla/explain", category=category, priority=found["priority"], at=found["received_at"]
    )
    dues = {kind: row["due_at"] for kind, row in by_the_book.json()["clocks"].items()}
    assert {kind: clock["due_at"] for kind, clock in found["clocks"].items() if clock["due_at"]} == dues
    assert rig.api(colleague).get(f"/tickets/{number}/explain").json() == by_the_book.json()


def test_until_it_is_classified_a_ticket_has_the_targets_of_a_normal_inquiry(rig: Rig) -> None:
    number = rig.phone().opens(COMPLAINT)

    first = rig.api("supervisor").ticket(number)

    assert first["category"] is None
    assert (first["classification"], first["priority"], first["department"]) == (None, "normal", "QGB")
    query = {"category": "inquiry", "priority": "normal", "at": first["received_at"]}
    expected = rig.api("supervisor").get("/sla/explain", **query).json()["clocks"]
    assert {kind: first["clocks"][kind]["due_at"] for kind in expected} == {
        kind: row["due_at"] for kind, row in expected.items()
    }


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
    routed(rig, "kfb.head", number)
    rig.api("kfb.head").reply(number, "已处理，向您道歉。", "final")
    eventually(lambda: with_status(rig, number, "answered"))

    refused = rig.api("kfb.head").attempt(number, "follow-up", result="solved")

    assert refused == (403, "forbidden")
    assert rig.api("supervisor").act(number, "follow-up", result="solved")["status"] == "closed"
