"""The platform's reply window: what does not fit waits, is shown as waiting, and goes out by itself, in order."""

import time

from scenario_clients import Api, Json
from scenario_processes import eventually
from scenario_rig import Rig

WINDOW_MESSAGES = 5
TEXT_BYTES = 2048
DAY = 86_400


def arrives(api: Api, number: str, message: Json, state: str = "sent") -> Json:
    """The message once its delivery is in this state."""
    eventually(lambda: api.state(number, message["id"]) == state, what=f"{message['text'][:20]} {state}")
    return api.message(number, message["id"])


def clocks(api: Api, number: str) -> dict[str, str]:
    return {kind: clock["state"] for kind, clock in api.ticket(number)["clocks"].items()}


def test_the_sixth_reply_of_a_window_waits_and_goes_out_first_when_the_follower_writes(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    first = [api.reply(number, f"第{n}条", force=True) for n in range(1, WINDOW_MESSAGES + 1)]
    for message in first:
        arrives(api, number, message)

    sixth = api.reply(number, "第6条：这是正式答复", "final")
    seventh = api.reply(number, "第7条：补充一句")
    waiting = [arrives(api, number, message, "waiting_for_window") for message in (sixth, seventh)]
    paused = api.ticket(number)

    assert [message["delivery"]["state"] for message in waiting] == ["waiting_for_window"] * 2
    assert paused["status"] == "in_progress"
    assert paused["clocks"]["resolve"]["state"] == "paused"
    assert paused["reply_window"]["messages_left"] == 0
    assert phone.hears(WINDOW_MESSAGES) == [message["text"] for message in first]

    phone.says("我还在等你们的答复呢")
    eighth = api.reply(number, "第8条", force=True)

    joined = f"{sixth['text']}\n{seventh['text']}"  # what waited together is one message of the new window
    assert phone.hears(7) == [*(message["text"] for message in first), joined, eighth["text"]]
    answered = arrives(api, number, sixth) and api.ticket(number)
    assert answered["clocks"]["resolve"]["met_at"] == answered["answered_at"] == sixth["at"]


def test_an_interim_reply_does_not_spend_the_last_message_unless_forced(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    for n in range(WINDOW_MESSAGES - 1):
        api.reply(number, f"第{n}条")

    at_once = api.attempt(number, "reply", text="第5条", kind="interim")
    phone.hears(WINDOW_MESSAGES - 1)
    later = api.attempt(number, "reply", text="第5条", kind="interim")
    asked = api.attempt(number, "ask", text="请问您的单号？")
    forced = api.attempt(number, "reply", text="第5条", kind="interim", force=True)

    assert at_once == later == asked == (409, "last_message")
    assert forced == (201, "")
    assert phone.hears(WINDOW_MESSAGES)[-1] == "第5条"


def test_the_last_message_of_the_window_is_there_for_the_final_answer(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    for n in range(WINDOW_MESSAGES - 1):
        api.reply(number, f"第{n}条")

    api.reply(number, "正式答复", "final")

    assert phone.hears(WINDOW_MESSAGES)[-1] == "正式答复"


def test_the_follower_writing_again_fills_the_window(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    api.reply(number, "请稍等")
    eventually(lambda: api.ticket(number)["reply_window"]["messages_left"] == WINDOW_MESSAGES - 1)

    phone.says("好的，我想报周六的班")

    assert api.ticket(number)["reply_window"]["messages_left"] == WINDOW_MESSAGES


def test_a_refusal_for_a_closed_window_corrects_ours_and_keeps_the_reply(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    phone.window(seconds=-1)

    reply = arrives(api, number, api.reply(number, "您好，周六九点开始"), "waiting_for_window")

    assert reply["delivery"]["errcode"] == 45015
    ticket = api.ticket(number)
    assert ticket["reply_window"] is None
    assert ticket["clocks"]["first_reply"]["state"] == "paused"
    assert ticket["first_replied_at"] is None
    phone.says("周六几点开始？在哪里？")
    assert phone.hears(1) == ["您好，周六九点开始"]
    assert arrives(api, number, reply)
    assert api.ticket(number)["clocks"]["first_reply"]["met_at"] == reply["at"]


def test_a_refusal_for_a_used_quota_corrects_ours_and_keeps_the_reply(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    phone.window(remaining=0)

    first = arrives(api, number, api.reply(number, "第一条"), "waiting_for_window")
    second = api.reply(number, "第二条", "final")

    assert first["delivery"]["errcode"] == 45047
    assert api.ticket(number)["reply_window"]["messages_left"] == 0
    assert second["delivery"]["state"] == "waiting_for_window"
    assert clocks(api, number) == {
        "accept": "met", "first_reply": "paused", "resolve": "paused", "follow_up": "none",
    }  # fmt: skip
    phone.says("请问周末可以吗？")
    assert phone.hears(1) == ["第一条\n第二条"]


def test_a_reply_to_a_message_of_three_days_ago_waits_and_is_never_tried(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？", create_time=int(time.time()) - 3 * DAY)

    reply = api.reply(number, "您好，请再发一条消息给我们")

    assert reply["delivery"]["state"] == "waiting_for_window"
    assert reply["delivery"]["attempts"] == 0
    phone.says("有人吗？我想报名")
    assert phone.hears(1) == ["您好，请再发一条消息给我们"]


def test_what_waits_can_be_taken_back_and_what_was_sent_cannot(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    sent = arrives(api, number, api.reply(number, "请稍等"))
    phone.window(remaining=0)
    waiting = arrives(api, number, api.reply(number, "这句说错了"), "waiting_for_window")

    refused = api.attempt(number, f"messages/{sent['id']}/cancel")
    cancelled = api.attempt(number, f"messages/{waiting['id']}/cancel")

    assert (refused, cancelled) == ((409, "illegal_transition"), (200, ""))
    assert api.state(number, waiting["id"]) == "cancelled"
    phone.says("请问怎么交费？")
    api.reply(number, "可以扫码交费")
    assert phone.hears(2) == ["请稍等", "可以扫码交费"]
    assert api.attempt(number, f"messages/{waiting['id']}/cancel") == (409, "illegal_transition")


def test_a_long_reply_arrives_whole_in_parts_that_the_platform_takes(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请把全部条款发给我")
    text = "".join("乙方应当按时缴纳费用。😊\n" if n % 5 else "一二三四五六七八九十" * 99 for n in range(1, 500))[:3000]

    reply = arrives(api, number, api.reply(number, text, "final"))

    heard = phone.hears(WINDOW_MESSAGES)
    assert "".join(heard) == text == reply["text"]
    assert max(len(part.encode()) for part in heard) <= TEXT_BYTES
    assert [part["state"] for part in reply["delivery"]["parts"]] == ["sent"] * len(heard)
    assert len(api.messages(number, "outbound")) == 1
    assert api.ticket(number)["status"] == "answered"


def test_of_a_reply_longer_than_the_window_the_rest_waits_and_it_counts_when_all_is_there(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请把全部条款发给我")
    text = "条" * 4000

    reply = arrives(api, number, api.reply(number, text, "final"), "waiting_for_window")

    states = [part["state"] for part in reply["delivery"]["parts"]]
    assert states == ["sent"] * WINDOW_MESSAGES + ["waiting_for_window"]
    assert api.ticket(number)["status"] == "in_progress"
    phone.says("后面的呢？请继续发")
    assert "".join(phone.hears(len(states))) == text
    arrives(api, number, reply)
    assert api.ticket(number)["status"] == "answered"


def test_an_uncertified_account_answers_in_the_reply_to_the_next_message(rig: Rig) -> None:
    phone, api = rig.phone("passive"), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    reply = api.reply(number, "周六上午九点，一楼大厅。", "final")

    waiting = api.state(number, reply["id"])
    phone.says("收到请回复，谢谢你们，另外需要带什么？")

    assert waiting == "waiting_for_window"
    assert "周六上午九点，一楼大厅。" in phone.lines("receipt")[-1]
    assert phone.lines("reply") == []
    assert api.state(number, reply["id"]) == "sent"


def test_whoever_unfollows_cannot_be_reached_until_they_are_back(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    phone.does("unsubscribe")

    reply = api.reply(number, "您好，请问还需要报名吗？")

    assert api.ticket(number)["reply_window"] is None
    assert reply["delivery"]["state"] == "waiting_for_window"
    phone.does("subscribe")
    phone.says("我又回来了，请问还有名额吗？")
    assert phone.hears(1) == ["您好，请问还需要报名吗？"]
