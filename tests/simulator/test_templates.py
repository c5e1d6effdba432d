"""Template messages and subscription notices: who gets one, what comes back, and that nothing is sent twice."""

import pytest
from simulator_rig import Simulator, Start, Webhook, make_account

TEMPLATE, NOTICE = "SIMTPL_TICKET_PROGRESS", "SIMSUB_TICKET_REPLY"
DATA = {
    "character_string1": {"value": "T-2001"},
    "phrase2": {"value": "已回复"},
    "thing3": {"value": "请点开查看"},
    "time4": {"value": "2026年11月20日 10:00"},
}


def send(simulator: Simulator, **change: object) -> dict:
    """What template/send answers."""
    body = {"touser": simulator.openid(), "template_id": TEMPLATE, "data": DATA, "url": "https://example.com/t"}
    return simulator.api("message/template/send", body | change)


def notify(simulator: Simulator, **change: object) -> dict:
    """What subscribe/bizsend answers."""
    body = {"touser": simulator.openid(), "template_id": NOTICE, "data": DATA, "page": "https://example.com/t"}
    return simulator.api("message/subscribe/bizsend", body | change)


def receipts(simulator: Simulator) -> list[str]:
    """The documents of the follower's pushes, oldest first, when all are through."""
    simulator.wait_until_quiet()
    pushes = simulator.get(f"/_control/followers/{simulator.openid()}/pushes").json()["pushes"]
    return [push["xml"] for push in reversed(pushes)]


def test_a_template_message_needs_no_window_and_its_receipt_comes_later(start: Start) -> None:
    simulator = start(receipt_delay=0.0)
    answer = send(simulator)

    (receipt,) = receipts(simulator)
    assert answer["errcode"] == 0
    assert f"<MsgID>{answer['msgid']}</MsgID><Status><![CDATA[success]]></Status>" in receipt
    assert "<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>" in receipt
    (card,) = simulator.transcript(simulator.openid(), kind="notice")
    assert (card["type"], card["text"], card["url"]) == ("template", "工单处理进度通知", "https://example.com/t")
    assert card["rows"][1] == ["处理状态", "已回复"]


def test_the_same_client_id_is_sent_once_for_ten_minutes(start: Start) -> None:
    simulator = start(receipt_delay=0.0)
    first, again = send(simulator, client_msg_id="T-1"), send(simulator, client_msg_id="T-1")
    other = send(simulator, client_msg_id="T-2")
    simulator.clock.now += 601
    late = send(simulator, client_msg_id="T-1")

    assert again["msgid"] == first["msgid"]
    assert len({first["msgid"], other["msgid"], late["msgid"]}) == 3
    assert len(simulator.transcript(simulator.openid(), kind="notice")) == 3
    assert len(receipts(simulator)) == 3


@pytest.mark.parametrize("outcome", ["failed:user block", "failed: system failed"])
def test_the_outcome_can_be_chosen_and_nothing_is_shown_then(start: Start, outcome: str) -> None:
    simulator = start(receipt_delay=0.0)
    simulator.control("/accounts/main/knobs", {"template_outcome": outcome})

    assert send(simulator)["errcode"] == 0

    assert f"<Status><![CDATA[{outcome}]]></Status>" in receipts(simulator)[0]
    assert simulator.transcript(simulator.openid(), kind="notice") == []


def test_a_follower_who_muted_templates_blocks_them(start: Start) -> None:
    simulator = start(receipt_delay=0.0)
    simulator.control(f"/followers/{simulator.openid()}/traits", {"muted": True})
    send(simulator)

    assert "failed:user block" in receipts(simulator)[0]


REFUSED = [
    ({"template_id": "nothing"}, 40037, "an unknown template"),
    ({"touser": "o" * 28}, 40003, "nobody's openid"),
    ({"client_msg_id": "x" * 65}, 45067, "65 bytes of client id"),
    ({"data": DATA | {"thing3": {"value": "字" * 21}}}, 47003, "21 characters in a thing"),
    ({"data": DATA | {"thing3": {"value": "两\n行"}}}, 47003, "a line break"),
    ({"data": DATA | {"phrase2": {"value": "六个字的短语"}}}, 47003, "six characters in a phrase"),
    ({"data": DATA | {"character_string1": {"value": "工单一"}}}, 47003, "Chinese in a character string"),
    ({"data": DATA | {"time4": {"value": ""}}}, 47003, "no time"),
    ({"data": {}}, 47003, "no data"),
]


@pytest.mark.parametrize(("change", "errcode", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_template_message_that_breaks_a_rule_is_refused(
    simulator: Simulator, change: dict, errcode: int, why: str
) -> None:
    assert send(simulator, **change)["errcode"] == errcode, why


def test_an_argument_that_is_not_right_is_named(simulator: Simulator) -> None:
    answer = send(simulator, data=DATA | {"time4": {"value": "昨天"}})

    assert answer["errcode"] == 47003
    assert "data.time4.value" in answer["errmsg"]


def test_templates_need_a_follower_and_a_certified_service_account(start: Start) -> None:
    simulator, small = start(), start(account=make_account(kind="subscription"))
    simulator.say(simulator.openid(), type="unsubscribe")

    assert send(simulator)["errcode"] == 43004
    assert send(small)["errcode"] == 48001
    assert small.api("template/get_all_private_template")["errcode"] == 48001


def test_the_account_sees_its_templates(simulator: Simulator) -> None:
    mine = {"id": "T1", "title": "我的模板", "content": "内容:{{thing1.DATA}}"}
    simulator.control("/accounts/main/templates", {"templates": [mine]})

    (found,) = simulator.api("template/get_all_private_template")["template_list"]

    assert (found["template_id"], found["title"], found["content"]) == ("T1", "我的模板", "内容:{{thing1.DATA}}")
    assert send(simulator, template_id="T1", data={"thing1": {"value": "好"}})["errcode"] == 0


def test_one_agreement_is_good_for_one_notice(start: Start) -> None:
    simulator = start(receipt_delay=0.0)
    openid = simulator.openid()
    before = notify(simulator)["errcode"]
    asked = simulator.say(openid, type="subscribe_popup", answers={NOTICE: "accept"})["xml"]
    codes = [notify(simulator)["errcode"], notify(simulator)["errcode"]]

    assert (before, codes) == (43101, [0, 43101])
    assert f"<List><TemplateId><![CDATA[{NOTICE}]]></TemplateId><SubscribeStatusString><![CDATA[accept]]>" in asked
    receipt = receipts(simulator)[-1]
    assert "<Event><![CDATA[subscribe_msg_sent_event]]></Event>" in receipt
    assert "<ErrorCode>0</ErrorCode>" in receipt
    assert simulator.transcript(openid, kind="notice")[0]["type"] == "subscription"


def test_a_rejection_takes_every_agreement_away(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.control(f"/followers/{openid}/traits", {"grants": {NOTICE: 3}})
    changed = simulator.say(openid, type="subscribe_change", answers={NOTICE: "reject"})["xml"]

    assert notify(simulator)["errcode"] == 43101
    assert "<SubscribeMsgChangeEvent><List>" in changed


def test_a_long_term_template_needs_one_agreement_only(simulator: Simulator) -> None:
    row = {"id": "LONG", "title": "长期", "content": "内容:{{thing1.DATA}}", "is_long_term": True}
    simulator.control("/accounts/main/notifications", {"notifications": [row]})
    simulator.say(simulator.openid(), type="subscribe_popup", answers={"LONG": "accept"})
    codes = [notify(simulator, template_id="LONG", data={"thing1": {"value": "好"}})["errcode"] for _ in range(3)]

    assert codes == [0, 0, 0]


def test_a_notice_that_is_not_delivered_says_so_in_its_receipt(start: Start) -> None:
    simulator = start(receipt_delay=0.0, subscribe_error_code=43101, subscribe_answers_msgid=True)
    simulator.control(f"/followers/{simulator.openid()}/traits", {"grants": {NOTICE: 1}})
    answer = notify(simulator)

    receipt = receipts(simulator)[-1]
    assert f"<MsgID>{answer['msgid']}</MsgID><ErrorCode>43101</ErrorCode>" in receipt
    assert simulator.transcript(simulator.openid(), kind="notice") == []


def test_a_notice_that_breaks_a_rule_costs_no_agreement(simulator: Simulator) -> None:
    simulator.control(f"/followers/{simulator.openid()}/traits", {"grants": {NOTICE: 1}})

    assert notify(simulator, data=DATA | {"thing3": {"value": ""}})["errcode"] == 47003
    assert notify(simulator, template_id="nothing")["errcode"] == 40037
    assert notify(simulator)["errcode"] == 0


def test_a_receipt_reaches_the_webhook(start: Start, webhook: Webhook) -> None:
    simulator = start(receipt_delay=0.0)
    send(simulator)
    simulator.wait_until_quiet()

    assert [received.query["openid"] for received in webhook.received] == [simulator.openid()]
