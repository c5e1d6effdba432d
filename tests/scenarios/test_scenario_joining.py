"""Which message belongs to which ticket: joining, reopening, taking up again, merging."""

import time
from datetime import datetime, timedelta

import pytest
from scenario_clients import NUMBER, Json, Phone
from scenario_processes import eventually
from scenario_rig import Rig

REASON = "测试"


def texts(rig: Rig, number: str) -> list[str]:
    return [message["text"] for message in rig.api("supervisor").messages(number, "inbound")]


def tickets_of(rig: Rig, number: str) -> list[str]:
    """Numbers of all tickets of this ticket's follower, oldest first."""
    api = rig.api("supervisor")
    follower = api.ticket(number)["follower"]["id"]
    return sorted(ticket["number"] for ticket in api.get(f"/followers/{follower}").json()["tickets"])


def answered_by_phone(rig: Rig, number: str) -> Json:
    rig.api("dispatcher").reply(number, "已电话答复王女士，问题解决", "final", via="phone")
    ticket = rig.api("supervisor").ticket(number)
    assert ticket["status"] == "answered"
    return ticket


def two_open_tickets(rig: Rig, phone: Phone) -> tuple[str, str]:
    """An older and a newer open ticket of one follower."""
    api = rig.api("dispatcher")
    older = phone.opens("第一件事：门禁卡坏了")
    api.act(older, "withdraw", reason=REASON)
    newer = phone.opens("第二件事：电梯里有异响")
    api.act(older, "reopen", reason=REASON)
    return older, newer


def test_messages_join_the_open_ticket_and_only_the_first_gets_a_receipt(rig: Rig) -> None:
    phone = rig.phone()
    number = phone.opens("请问怎么退订？")

    for text in ("我的手机号换了", "谢谢", "能快一点吗"):
        phone.says(text)

    assert texts(rig, number) == ["请问怎么退订？", "我的手机号换了", "谢谢", "能快一点吗"]
    assert len(phone.lines("receipt")) == 1
    assert tickets_of(rig, number) == [number]


def test_the_clocks_start_when_the_platform_says_that_the_first_message_was_sent(rig: Rig) -> None:
    written = int(time.time()) - 250

    number = rig.phone().opens("请问怎么退订？", create_time=written)

    ticket = rig.api("supervisor").ticket(number)
    assert datetime.fromisoformat(ticket["received_at"]).timestamp() == written
    expected = rig.api("supervisor").get(
        "/sla/explain", category="inquiry", priority="normal", at=ticket["received_at"]
    )
    assert ticket["clocks"]["accept"]["due_at"] == expected.json()["clocks"]["accept"]["due_at"]


@pytest.mark.parametrize("window_left", [120, 2 * 86_400 - 5], ids=["ends soon", "has just begun"])
def test_the_receipt_asks_for_a_word_later_where_the_window_ends_before_anybody_is_here(
    rig: Rig, window_left: int
) -> None:
    phone, api = rig.phone(), rig.api("supervisor")

    number = phone.opens("请问怎么退订？", create_time=int(time.time()) - 2 * 86_400 + window_left)

    closes_at = datetime.fromisoformat(api.ticket(number)["reply_window"]["closes_at"])
    now = datetime.now().astimezone()
    explained = api.get("/sla/explain", category="inquiry", priority="normal", at=now.isoformat()).json()
    # the first step that counts begins with the next working minute
    opening = next(step["from"] for step in explained["clocks"]["accept"]["steps"] if step["minutes"])
    is_too_late = datetime.fromisoformat(opening) - now > timedelta(minutes=1) and (
        datetime.fromisoformat(opening) >= closes_at
    )
    assert ("再发一条" in phone.lines("receipt")[0]) == is_too_late


def test_messages_are_shown_in_the_order_in_which_they_were_written(rig: Rig) -> None:
    phone, now = rig.phone(), int(time.time())
    number = phone.opens("写得晚的一句", create_time=now - 10)

    phone.says("写得早的一句", create_time=now - 60)

    assert texts(rig, number) == ["写得早的一句", "写得晚的一句"]


def test_a_transfer_does_not_reset_the_clocks(rig: Rig) -> None:
    api, number = rig.api("dispatcher"), rig.phone().opens("请问怎么退订？")
    before = api.ticket(number)

    after = api.act(number, "transfer", department="CWB", reason="财务处理")

    assert (after["department"], after["status"]) == ("CWB", "pending_acceptance")
    dues = [{kind: clock["due_at"] for kind, clock in ticket["clocks"].items()} for ticket in (before, after)]
    assert dues[0] == dues[1]


@pytest.mark.parametrize("talk", ["谢谢", "好的，谢谢", "[玫瑰]"])
def test_thanks_do_not_reopen_an_answered_ticket(rig: Rig, talk: str) -> None:
    phone = rig.phone()
    number = phone.opens("请问怎么退订？")
    answered_by_phone(rig, number)

    phone.says(talk)

    assert rig.api("supervisor").ticket(number)["status"] == "answered"
    assert texts(rig, number)[-1]
    assert len(phone.lines("receipt")) == 1


def test_a_survey_answer_does_not_reopen_an_answered_ticket(rig: Rig) -> None:
    phone = rig.phone()
    number = phone.opens("请问怎么退订？")
    answered_by_phone(rig, number)

    phone.says("不满意", menu_id="103")

    assert rig.api("supervisor").ticket(number)["status"] == "answered"


def test_a_follower_who_writes_on_an_answered_ticket_reopens_it(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("supervisor")
    number = phone.opens("我要投诉物业乱收费")
    api.act(number, "classify", category="complaint", reason=REASON)
    before = answered_by_phone(rig, number)

    phone.says("问题没有解决，今天又多扣了一次")

    after = api.ticket(number)
    assert (before["clocks"]["follow_up"]["state"], after["clocks"]["follow_up"]["state"]) == ("running", "none")
    assert after["status"] == "in_progress"
    assert after["clocks"]["resolve"]["state"] == "running"
    assert api.events(number)[-1]["actor"] == "follower"
    assert tickets_of(rig, number) == [number]


@pytest.mark.parametrize("end", ["closed", "declined", "withdrawn", "invalid"])
def test_after_the_end_a_new_matter_opens_a_new_ticket(rig: Rig, end: str) -> None:
    phone, api = rig.phone(), rig.api("supervisor")
    number = phone.opens("请问怎么退订？")
    if end == "closed":
        answered_by_phone(rig, number)
        api.act(number, "follow-up", result="solved")
    else:
        action = {"declined": "decline", "withdrawn": "withdraw", "invalid": "invalid"}[end]
        api.act(number, action, reason=REASON)

    later = phone.opens("我又有一个问题，怎么开发票？")

    assert api.ticket(number)["status"] == end
    assert tickets_of(rig, number) == [number, later]
    assert texts(rig, later) == ["我又有一个问题，怎么开发票？"]


def test_a_message_soon_after_the_close_opens_a_ticket_that_is_linked_to_the_closed_one(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("supervisor")
    number = phone.opens("请问怎么退订？")
    answered_by_phone(rig, number)
    api.act(number, "follow-up", result="solved")

    later = phone.opens("退订后还在扣费，怎么回事？")

    assert api.ticket(later)["repeat_of"] == number
    assert api.ticket(number)["repeat_of"] is None


def test_thanks_after_the_close_open_nothing(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("supervisor")
    number = phone.opens("请问怎么退订？")
    answered_by_phone(rig, number)
    api.act(number, "follow-up", result="solved")

    phone.says("谢谢你们")

    assert tickets_of(rig, number) == [number]
    assert len(phone.lines("receipt")) == 1
    follower = api.ticket(number)["follower"]["id"]
    kept = api.get(f"/followers/{follower}/messages").json()["items"]
    assert [message["text"] for message in kept if message["direction"] == "inbound"] == ["请问怎么退订？", "谢谢你们"]


def test_a_merged_ticket_gives_its_messages_and_changes_no_clock_of_the_other(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("dispatcher")
    older, newer = two_open_tickets(rig, phone)
    before = api.ticket(older)

    merged = api.act(newer, "merge", into=older)
    phone.says("还有，楼道灯也不亮")

    after = api.ticket(older)
    assert merged["status"] == "merged"
    assert texts(rig, older) == ["第一件事：门禁卡坏了", "第二件事：电梯里有异响", "还有，楼道灯也不亮"]
    assert after["status"] == before["status"]
    assert {k: c["due_at"] for k, c in after["clocks"].items()} == {k: c["due_at"] for k, c in before["clocks"].items()}
    assert after["received_at"] == before["received_at"]
    assert {clock["state"] for clock in merged["clocks"].values()} <= {"none", "met"}
    assert merged["merged_into"] == older


def test_only_open_tickets_of_the_same_follower_can_be_merged(rig: Rig) -> None:
    api = rig.api("dispatcher")
    older, newer = two_open_tickets(rig, rig.phone())
    strange = rig.phone().opens("请问怎么退订？")
    withdrawn = rig.phone().opens("请问怎么退订？")
    api.act(withdrawn, "withdraw", reason=REASON)

    tried = {into: api.attempt(newer, "merge", into=into) for into in (strange, newer, withdrawn, "GD20000101-0001")}

    assert tried == {
        strange: (422, "invalid"), newer: (422, "invalid"), withdrawn: (422, "invalid"),
        "GD20000101-0001": (404, "not_found"),
    }  # fmt: skip
    assert api.act(newer, "merge", into=older)["status"] == "merged"
    assert api.attempt(older, "merge", into=newer)[0] in (409, 422)


def test_a_question_waits_for_the_customer_whose_next_message_ends_the_waiting(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么退订？")

    asked = api.act(number, "ask", text="请问您的手机号？")
    heard = phone.hears(1)
    waiting = api.ticket(number)
    phone.says("尾号 0000")

    assert asked["status"] == waiting["status"] == "waiting_customer"
    assert heard == ["请问您的手机号？"]
    assert waiting["clocks"]["resolve"]["state"] == "paused"
    ticket = eventually(lambda: api.ticket(number))
    assert ticket["status"] == "in_progress"
    assert ticket["clocks"]["resolve"]["state"] == "running"
    assert ticket["clocks"]["resolve"]["due_at"] >= asked["clocks"]["resolve"]["due_at"]


def test_a_suspension_pauses_resolve_and_ends_by_word_by_date_or_by_the_follower(rig: Rig) -> None:
    phones, api = rig.phones(3), rig.api("intake.agent")
    numbers = [phone.opens("请问怎么退订？") for phone in phones]
    for number in numbers:
        api.act(number, "accept")
    far = (datetime.now().astimezone() + timedelta(days=2)).isoformat()
    near = (datetime.now().astimezone() + timedelta(seconds=2)).isoformat()

    suspended = [
        api.act(number, "suspend", reason="等厂家配件", until=until)
        for number, until in zip(numbers, (far, far, near), strict=True)
    ]
    api.act(numbers[0], "resume")
    phones[1].says("我的事情怎么样了？")

    assert [(t["status"], t["clocks"]["resolve"]["state"]) for t in suspended] == [("suspended", "paused")] * 3
    for number in numbers:
        eventually(lambda n=number: api.ticket(n)["status"] == "in_progress", what=f"{number} goes on")
        assert api.ticket(number)["clocks"]["resolve"]["state"] == "running"


def test_receipt_of_a_plain_greeting_is_not_given_and_the_matter_after_it_opens_the_ticket(rig: Rig) -> None:
    phone = rig.phone()
    phone.says("你好，在吗")

    number = phone.opens("我想问一下怎么办会员卡")

    assert NUMBER.findall("".join(phone.lines("receipt"))) == [number]
