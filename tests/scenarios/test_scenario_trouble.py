"""When the platform errs: known refusals are tried again, what may have arrived waits for a person, nothing doubles."""

import pytest
from scenario_clients import Api, Json, Phone, answered
from scenario_processes import eventually
from scenario_rig import Rig

SEND = "message/custom/send"


def settles(api: Api, number: str, message: Json, state: str, *, within: float = 15.0) -> Json:
    eventually(lambda: api.state(number, message["id"]) == state, within=within, what=f"the reply is {state}")
    return api.message(number, message["id"])


def opened(rig: Rig, text: str = "请问在哪里缴费？") -> tuple[Phone, Api, str]:
    phone = rig.phone("unruly")
    return phone, rig.api("intake.agent"), phone.opens(text)


def calls(rig: Rig, endpoint: str, openid: str = "") -> int:
    query = {"endpoint": endpoint, "limit": 5000} | ({"openid": openid} if openid else {"account": "unruly"})
    return len(answered(rig.control.get("/calls", **query))["calls"])


def let_the_sweeps_look(rig: Rig) -> None:
    """Until another follower's reply has been refused, has waited, and has been sent."""
    _, api, number = opened(rig)
    with rig.fault(SEND, "errcode", value=-1, times=1):
        settles(api, number, api.reply(number, "稍等"), "sent")


def test_a_busy_platform_is_asked_again_and_the_reply_arrives_once(rig: Rig) -> None:
    phone, api, number = opened(rig)

    with rig.fault(SEND, "errcode", value=-1, times=1):
        reply = settles(api, number, api.reply(number, "一楼前台缴费"), "sent")

    assert phone.lines("reply") == ["一楼前台缴费"]
    assert reply["delivery"]["attempts"] == 2
    assert calls(rig, SEND, phone.openid) == 2


UNCLEAR = {  # what the platform does -> the fault, its values, how often the reply arrived all the same
    "loses the answer": ("drop_after_accept", {"value": 0}, 1),
    "answers too late": ("drop_after_accept", {"value": 8}, 1),
    "hangs up": ("timeout", {"value": 0}, 0),
    "answers with a page of HTML": ("html", {}, 0),
    "answers through a bad gateway": ("http", {"value": 502}, 0),
}


def test_what_may_have_arrived_is_unknown_until_a_person_sends_it_again(rig: Rig) -> None:
    cases = {what: opened(rig) for what in UNCLEAR}
    replies = {}
    for what, (fault, values, _) in UNCLEAR.items():
        _, api, number = cases[what]
        with rig.fault(SEND, fault, times=1, **values):
            replies[what] = settles(api, number, api.reply(number, "一楼前台缴费", "final"), "unknown")
    let_the_sweeps_look(rig)
    heard_before = {what: len(phone.lines("reply")) for what, (phone, _, _) in cases.items()}
    before = {what: api.ticket(number) for what, (_, api, number) in cases.items()}

    again = {
        what: api.attempt(number, f"messages/{replies[what]['id']}/send-again")
        for what, (_, api, number) in cases.items()
    }

    assert heard_before == {what: arrived for what, (_, _, arrived) in UNCLEAR.items()}
    assert {(t["status"], t["first_replied_at"]) for t in before.values()} == {("in_progress", None)}
    assert set(again.values()) == {(200, "")}
    for what, (phone, api, number) in cases.items():
        settles(api, number, replies[what], "sent")
        assert phone.lines("reply") == ["一楼前台缴费"] * (heard_before[what] + 1), what
        assert api.ticket(number)["status"] == "answered"
        assert api.attempt(number, f"messages/{replies[what]['id']}/send-again") == (409, "illegal_transition")


def test_later_replies_go_out_although_an_earlier_one_is_unknown(rig: Rig) -> None:
    phone, api, number = opened(rig)
    with rig.fault(SEND, "html", times=1):
        settles(api, number, api.reply(number, "第一条"), "unknown")

    settles(api, number, api.reply(number, "第二条"), "sent")

    assert phone.lines("reply") == ["第二条"]


@pytest.mark.parametrize("how", ["kill", "expire"])
def test_a_dead_token_is_renewed_once_and_the_reply_arrives(rig: Rig, how: str) -> None:
    phone, api, number = opened(rig)
    settles(api, number, api.reply(number, "第一条"), "sent")
    before = calls(rig, "stable_token")
    answered(rig.control.post(f"/accounts/unruly/tokens/{how}"))

    reply = settles(api, number, api.reply(number, "第二条"), "sent")

    assert phone.lines("reply") == ["第一条", "第二条"]
    assert reply["delivery"]["attempts"] == 1
    assert 1 <= calls(rig, "stable_token") - before <= 2  # the second asks by force for another than the dead one


def test_a_token_that_is_refused_for_ever_makes_no_storm(rig: Rig) -> None:
    phone, api, number = opened(rig)

    with rig.fault(SEND, "errcode", value=40001):
        before = calls(rig, "stable_token")
        reply = api.reply(number, "一楼前台缴费")
        eventually(lambda: calls(rig, SEND, phone.openid) >= 2)
        asked = calls(rig, "stable_token") - before

    assert asked <= 2
    assert settles(api, number, reply, "sent")
    assert phone.lines("reply") == ["一楼前台缴费"]


@pytest.mark.parametrize(("errcode", "advice"), [(43004, "关注"), (45002, "过长")])
def test_a_reply_that_can_never_arrive_has_failed_and_says_why(rig: Rig, errcode: int, advice: str) -> None:
    phone, api, number = opened(rig)

    with rig.fault(SEND, "errcode", value=errcode):
        reply = settles(api, number, api.reply(number, "一楼前台缴费", "final"), "failed")

    assert reply["delivery"]["errcode"] == errcode
    assert advice in reply["delivery"]["detail"]
    assert api.ticket(number)["status"] == "in_progress"
    assert calls(rig, SEND, phone.openid) == 1
    assert api.post(f"/tickets/{number}/messages/{reply['id']}/send-again").status_code == 200
    assert phone.hears(1) == ["一楼前台缴费"]


def test_a_question_that_cannot_arrive_does_not_wait_for_an_answer(rig: Rig) -> None:
    _, api, number = opened(rig)

    with rig.fault(SEND, "errcode", value=43004):
        asked = api.act(number, "ask", text="请问您的合同号？")
        eventually(lambda: api.ticket(number)["status"] == "in_progress", what="not waiting any more")

    assert asked["status"] == "waiting_customer"
    assert api.ticket(number)["clocks"]["resolve"]["state"] == "running"


def test_where_the_operator_has_to_act_sending_stops_until_then_and_the_self_check_says_so(rig: Rig) -> None:
    phone, api, number = opened(rig)
    other, _, its_number = opened(rig)

    with rig.fault(SEND, "errcode", value=48001):
        reply = api.reply(number, "第一条")
        eventually(lambda: api.message(number, reply["id"])["delivery"]["errcode"] == 48001, what="the refusal shown")
        check = rig.command("check")
    rig.must("account", "set", "unruly", "--active")
    settles(api, its_number, api.reply(its_number, "第二条"), "sent")

    assert api.state(number, reply["id"]) == "queued"
    assert calls(rig, SEND, phone.openid) == 1
    assert check.code == 1
    assert '"check": "account unruly", "ok": false' in check.out
    assert other.lines("reply") == ["第二条"]
