"""What staff do with a ticket, as programs see it: transitions, refusals and their codes, races, corrections."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from scenario_clients import Api, Json, answered
from scenario_processes import eventually
from scenario_rig import Rig

REASON = "测试"
PHONED = "已致电王女士，说明了处理结果"


def fresh(rig: Rig, category: str = "", text: str = "请问怎么退订？") -> str:
    """A ticket nobody has touched, or one that a person has classified."""
    number = rig.phone().opens(text)
    if category:
        rig.api("dispatcher").act(number, "classify", category=category, reason=REASON)
    return number


def later(**length: int) -> str:
    return (datetime.now().astimezone() + timedelta(**length)).isoformat()


def test_follow_up_unsolved_returns_the_ticket_with_half_the_target_twice_and_not_a_third_time(rig: Rig) -> None:
    api, number = rig.api("supervisor"), fresh(rig, "complaint")
    statuses = []

    for _ in range(3):
        rig.api("kfb.agent").reply(number, PHONED, "final", via="phone")
        statuses.append(api.act(number, "follow-up", result="unsolved", satisfaction=1, note="仍未解决")["status"])

    assert statuses[:2] == ["in_progress"] * 2
    assert statuses[2] != "in_progress"


def test_an_unsolved_complaint_runs_again_on_half_its_resolve_target(rig: Rig) -> None:
    api, number = rig.api("supervisor"), fresh(rig, "complaint")
    rig.api("kfb.agent").reply(number, PHONED, "final", via="phone")

    again = api.act(number, "follow-up", result="unsolved")

    explained = answered(api.get(f"/tickets/{number}/explain"))["clocks"]["resolve"]
    whole = answered(api.get("/sla/explain", category="complaint", priority="high", at=again["received_at"]))
    minutes = [sum(step["minutes"] for step in row["steps"]) for row in (explained, whole["clocks"]["resolve"])]
    assert again["clocks"]["resolve"]["state"] == "running"
    assert again["clocks"]["resolve"]["met_at"] is None
    assert 0 < minutes[0] < minutes[1]


def test_the_third_failed_call_closes(rig: Rig) -> None:
    api, number = rig.api("caller"), fresh(rig, "complaint")
    rig.api("kfb.agent").reply(number, PHONED, "final", via="phone")

    statuses = [api.act(number, "follow-up", result="unreachable")["status"] for _ in range(3)]

    assert statuses == ["answered", "answered", "closed"]


def test_a_complaint_without_a_final_answer_cannot_be_closed(rig: Rig) -> None:
    api, number = rig.api("supervisor"), fresh(rig, "complaint")
    api.act(number, "accept")

    assert api.attempt(number, "close", reason=REASON) == (409, "illegal_transition")
    assert api.ticket(number)["status"] == "in_progress"


def test_a_reply_given_by_phone_counts_and_sends_nothing(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么退订？")

    too_short = api.attempt(number, "reply", text="说了", kind="final", via="phone")
    message = api.reply(number, PHONED, "final", via="phone")

    ticket = api.ticket(number)
    assert too_short == (422, "invalid")
    assert message["delivery"] is None
    assert (ticket["status"], ticket["first_replied_at"]) == ("answered", message["at"])
    assert ticket["clocks"]["resolve"]["met_at"] == message["at"]
    assert phone.lines("reply") == []


def test_a_reopened_ticket_runs_on_at_least_half_its_target(rig: Rig) -> None:
    api, number = rig.api("supervisor"), fresh(rig)
    api.reply(number, PHONED, "final", via="phone")
    api.act(number, "follow-up", result="solved")

    again = api.act(number, "reopen", reason="客户来电说未解决")

    assert again["status"] == "in_progress"
    assert (again["closed_at"], again["clocks"]["resolve"]["met_at"]) == (None, None)
    assert again["clocks"]["resolve"]["state"] == "running"
    assert datetime.fromisoformat(again["clocks"]["resolve"]["due_at"]) > datetime.now().astimezone()
    assert api.events(number)[-1]["because"] == "客户来电说未解决"


def test_a_correction_moves_the_ticket_and_is_recorded_with_its_reason(rig: Rig) -> None:
    api, number = rig.api("intake.agent"), fresh(rig, "inquiry")

    moved = api.act(number, "classify", category="complaint", priority="urgent", reason="其实是投诉")

    assert (moved["category"], moved["priority"], moved["department"]) == ("complaint", "urgent", "KFB")
    assert moved["classification"]["source"] == "staff"
    event = api.events(number)[-1]
    assert (event["actor"], event["because"]) == ("intake.agent", "其实是投诉")
    assert (event["before"]["category"], event["after"]["category"]) == ("inquiry", "complaint")
    expected = answered(api.get("/sla/explain", category="complaint", priority="urgent", at=moved["received_at"]))
    assert moved["clocks"]["resolve"]["due_at"] == expected["clocks"]["resolve"]["due_at"]


TOUCHES: dict[str, Json] = {
    "accept": {},
    "reply": {"text": PHONED, "kind": "interim", "via": "phone"},
    "classify": {"category": "suggestion", "reason": REASON},
}


def test_once_a_person_has_a_ticket_in_hand_the_machine_only_proposes(rig: Rig) -> None:
    api, opened = rig.api("supervisor"), rig.open_many(["请问营业时间"] * len(TOUCHES))
    for (action, body), (_, number) in zip(TOUCHES.items(), opened, strict=True):
        api.act(number, action, **body)
    before = [api.ticket(number) for _, number in opened]

    for phone, _ in opened:
        phone.says("我要投诉！地下车库漏电，有人被电伤了，快来人")

    for action, ticket in zip(TOUCHES, before, strict=True):
        found = eventually(partial(proposed, api, ticket["number"]), what=f"a proposal after {action}")
        assert [found[name] for name in ("category", "department", "status")] == [
            ticket[name] for name in ("category", "department", "status")
        ]
        assert found["proposal"]["priority"] == "urgent"
        assert api.events(ticket["number"])[-1]["actor"] == "system"


def proposed(api: Api, number: str) -> Json | None:
    ticket = api.ticket(number)
    return ticket if ticket.get("proposal") else None


def test_restricted_tickets_are_seen_by_few(rig: Rig) -> None:
    number = fresh(rig, "report", "我要举报仓库主管收回扣")
    sees = {
        name: rig.api(name).get(f"/tickets/{number}").status_code for name in ("intake.agent", "caller", "kfb.head")
    }
    sees |= {name: rig.api(name).get(f"/tickets/{number}").status_code for name in ("dispatcher", "supervisor", "root")}

    rig.api("dispatcher").act(number, "assign", assignee="intake.agent")

    assert sees == {
        "intake.agent": 404, "caller": 404, "kfb.head": 404, "dispatcher": 200, "supervisor": 200, "root": 200,
    }  # fmt: skip
    assert rig.api("intake.agent").ticket(number)["assignee"] == "intake.agent"
    assert rig.api("intake.agent").get("/tickets", q=number).json()["items"][0]["number"] == number
    assert rig.api("kfb.agent").get("/tickets", q=number).json()["items"] == []


def test_a_ticket_that_moves_out_of_sight_is_still_the_answer(rig: Rig) -> None:
    api, number = rig.api("kfb.agent"), fresh(rig, "complaint")

    moved = api.act(number, "transfer", department="JSB", reason="技术问题")

    assert (moved["department"], moved["number"]) == ("JSB", number)
    assert api.get(f"/tickets/{number}").status_code == 404
    assert rig.api("jsb.agent").ticket(number)["status"] == "pending_acceptance"
    assert rig.api("intake.agent").ticket(number)["department"] == "JSB"


def test_of_many_who_accept_at_once_one_has_the_ticket(rig: Rig) -> None:
    number = fresh(rig, "complaint")
    people = ["kfb.agent", "kfb.colleague", "kfb.head", "supervisor", "dispatcher", "root"]

    with ThreadPoolExecutor(len(people)) as threads:
        answers = dict(zip(people, threads.map(lambda p: rig.api(p).attempt(number, "accept"), people), strict=True))

    winners = [person for person, answer in answers.items() if answer == (200, "")]
    assert sorted(answers.values()) == [(200, "")] + [(409, "illegal_transition")] * (len(people) - 1)
    assert rig.api("root").ticket(number)["assignee"] == winners[0]


def test_notes_are_for_staff_only(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么退订？")

    api.act(number, "note", text="此客户上月来过")

    (note,) = api.messages(number, "note")
    assert (note["text"], note["author"], note["delivery"]) == ("此客户上月来过", "intake.agent", None)
    assert api.ticket(number)["clocks"]["first_reply"]["state"] == "running"
    assert phone.lines("reply") == []


def test_a_promise_and_a_plan_are_kept_with_the_acceptance(rig: Rig) -> None:
    api, number = rig.api("intake.agent"), fresh(rig)
    promised = later(hours=5)

    api.act(number, "accept", promise_at=promised, plan="先查合同，再回电")

    event = api.events(number)[-1]
    assert event["because"] == "先查合同，再回电"
    assert datetime.fromisoformat(event["after"]["promise_at"]) == datetime.fromisoformat(promised)


def test_the_accept_clock_of_an_old_message_is_breached_and_the_ticket_overdue(rig: Rig) -> None:
    month_ago = int((datetime.now().astimezone() - timedelta(days=30)).timestamp())
    number = rig.phone().opens("请问怎么退订？", create_time=month_ago)
    api = rig.api("intake.agent")

    ticket = eventually(lambda: found if (found := api.ticket(number))["overdue"] else None, what="overdue")
    accepted = api.act(number, "accept")

    assert {ticket["clocks"][kind]["state"] for kind in ("accept", "first_reply", "resolve")} == {"breached"}
    assert accepted["clocks"]["accept"]["state"] == "met"
    assert accepted["clocks"]["accept"]["met_at"] > accepted["clocks"]["accept"]["due_at"]
    assert accepted["overdue"] is True
