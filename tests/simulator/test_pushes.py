"""What a follower does reaches the webhook as the platform sends it, and its answer is judged as the platform does."""

import threading

import pytest
from simulator_rig import AES_KEY, Received, Simulator, Start, Webhook, make_account
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import TextReply
from wechatpy.utils import check_signature

from simulator.answers import FAILURE_LINE

CRYPTO = WeChatCrypto("tokenOfMain", AES_KEY, "wx0000000000000001")


def opened(received: Received) -> str:
    """The inner document as an independent library decrypts it."""
    query = received.query
    return CRYPTO.decrypt_message(received.body, query["msg_signature"], query["timestamp"], query["nonce"])


def reply_to(openid: str, text: str) -> str:
    """A passive text reply."""
    return TextReply(source="gh_5f2c91ab77de", target=openid, content=text).render()


def sealed(document: str) -> bytes:
    """A reply as safe mode wants it."""
    return CRYPTO.encrypt_message(document, "n0nce").encode()


def test_a_text_in_safe_mode_arrives_signed_and_encrypted(simulator: Simulator, webhook: Webhook) -> None:
    openid = simulator.openid()

    push = simulator.say(openid, type="text", text="]]>你好 <b>&😀")

    (received,) = webhook.received
    check_signature("tokenOfMain", received.query["signature"], received.query["timestamp"], received.query["nonce"])
    document = opened(received)
    assert f"<FromUserName><![CDATA[{openid}]]></FromUserName>" in document
    assert "]]]]><![CDATA[>你好 <b>&😀]]></Content>" in document
    assert "<Content>" not in received.body
    assert received.query["openid"] == openid
    assert push["state"] == "handled"


def test_plain_mode_sends_the_document_as_it_is(start: Start, webhook: Webhook) -> None:
    simulator = start(account=make_account(mode="plain", aes_key="", webhook_url=webhook.url))

    push = simulator.say(simulator.openid(), text="明文")

    assert webhook.received[0].body == push["xml"]
    assert "encrypt_type" not in webhook.received[0].query


def test_compat_mode_sends_both_and_takes_a_plaintext_reply(start: Start, webhook: Webhook) -> None:
    simulator = start(account=make_account(mode="compat", webhook_url=webhook.url))
    openid = simulator.openid()
    webhook.answers.append(reply_to(openid, "收到").encode())

    simulator.say(openid, text="兼容")

    assert "<Content><![CDATA[兼容]]></Content>" in webhook.received[0].body
    assert "<Content><![CDATA[兼容]]></Content>" in opened(webhook.received[0])
    assert simulator.lines(openid) == [("mine", "兼容"), ("receipt", "收到")]


def test_an_encrypted_reply_is_shown_as_the_receipt(simulator: Simulator, webhook: Webhook) -> None:
    openid = simulator.openid()
    webhook.answers.append(sealed(reply_to(openid, "已收到，工单号 1\n我们会尽快回复")))

    push = simulator.say(openid, text="坏了")

    assert push["state"] == "shown"
    assert simulator.lines(openid)[-1] == ("receipt", "已收到，工单号 1\n我们会尽快回复")


def test_an_empty_answer_is_handled_and_shows_nothing(simulator: Simulator, webhook: Webhook) -> None:
    openid = simulator.openid()
    webhook.answers.append(b"")

    push = simulator.say(openid, text="在吗")

    assert push["state"] == "handled"
    assert simulator.lines(openid) == [("mine", "在吗")]


BAD_ANSWERS = [
    (500, "a server error"),
    (302, "a redirect"),
    (b'{"ok": true}', "JSON"),
    (b"success\n", "not exactly success"),
    (b"<html><body>oops</body></html>", "an HTML page"),
    (b"<xml><ToUserName>x</ToUserName></xml>", "a plaintext document in safe mode"),
    (b"<xml><Encrypt>AAAA</Encrypt></xml>", "an envelope without signature"),
    (sealed("<xml><MsgType>text</MsgType></xml>"), "a reply without addressee"),
    (sealed(reply_to("o-somebody-else", "hi")), "a reply to somebody else"),
    (sealed('<!DOCTYPE xml [<!ENTITY a "b">]><xml><ToUserName>&a;</ToUserName></xml>'), "declares an entity"),
]


@pytest.mark.parametrize(("answer", "why"), BAD_ANSWERS, ids=[why for _, why in BAD_ANSWERS])
def test_three_bad_answers_show_the_failure_line(
    simulator: Simulator, webhook: Webhook, answer: bytes | int, why: str
) -> None:
    openid = simulator.openid()
    webhook.answers += [answer] * 3

    push = simulator.say(openid, text="你好")

    assert push["state"] == "failed", why
    assert [attempt["outcome"] for attempt in push["attempts"]] == ["failed"] * 3
    assert simulator.lines(openid) == [("mine", "你好"), ("failure", FAILURE_LINE)]


def test_each_attempt_repeats_the_document_in_a_fresh_envelope(simulator: Simulator, webhook: Webhook) -> None:
    webhook.answers += [500, 500]

    push = simulator.say(simulator.openid(), text="再来一次")

    assert push["state"] == "handled"
    assert {opened(received) for received in webhook.received} == {push["xml"]}
    assert len({received.query["nonce"] for received in webhook.received}) == 3
    assert len({received.body for received in webhook.received}) == 3


def test_an_answer_that_comes_too_late_counts_as_none(start: Start, webhook: Webhook) -> None:
    simulator = start(push_timeout=0.5)
    release = threading.Event()

    def late(received: Received) -> tuple[int, bytes]:
        release.wait(10)
        return 200, b"success"

    webhook.answers.append(late)
    push = simulator.say(simulator.openid(), text="慢")
    release.set()

    assert push["state"] == "handled"
    assert push["attempts"][0]["status"] is None
    assert 0.5 <= push["attempts"][0]["duration"] < 5


def test_a_webhook_that_is_down_shows_the_failure_line(start: Start) -> None:
    simulator = start(account=make_account(webhook_url="http://127.0.0.1:9/wechat/main"))
    openid = simulator.openid()

    push = simulator.say(openid, text="有人吗")

    assert push["attempts"][0]["why"] == "ConnectionError"
    assert simulator.lines(openid)[-1][0] == "failure"


def test_messages_of_one_follower_arrive_in_order_though_the_first_is_tried_again(
    simulator: Simulator, webhook: Webhook
) -> None:
    openid = simulator.openid()
    webhook.answers += [500, 500]

    for number in range(5):
        simulator.control(f"/followers/{openid}/say", {"text": f"第{number}条"})
    quiet = simulator.get("/_control/pushes", wait="true").json()

    assert quiet["quiet"] is True
    texts = [opened(received).partition("[CDATA[第")[2][0] for received in webhook.received]
    assert texts == ["0", "0", "0", "1", "2", "3", "4"]


def test_a_slow_follower_does_not_hold_up_another(simulator: Simulator, webhook: Webhook) -> None:
    release = threading.Event()

    def slow(received: Received) -> tuple[int, bytes]:
        release.wait(10)
        return 200, b"success"

    webhook.answers.append(slow)
    first = simulator.control(f"/followers/{simulator.openid(0)}/say", {"text": "一"})
    second = simulator.say(simulator.openid(1), text="二")
    first_meanwhile = simulator.get(f"/_control/pushes/{first['id']}").json()
    release.set()

    assert second["state"] == "handled"
    assert first_meanwhile["finished"] is False
    assert simulator.get(f"/_control/pushes/{first['id']}", wait="true").json()["state"] == "handled"


def test_copies_push_one_document_several_times_at_once(simulator: Simulator, webhook: Webhook) -> None:
    together = threading.Barrier(3, timeout=10)

    def meet(received: Received) -> tuple[int, bytes]:
        together.wait()
        return 200, b"success"

    webhook.answers += [meet, meet, meet]
    push = simulator.say(simulator.openid(), text="三遍", copies=3)

    assert [copy["state"] for copy in push["copies"]] == ["handled", "handled"]
    assert len({opened(received) for received in webhook.received}) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"type": "image"}, ["<MsgType><![CDATA[image]]>", "<PicUrl>", "<MediaId><![CDATA[SIMimage_", "<MsgId>"]),
        ({"type": "voice"}, ["<Format><![CDATA[amr]]>", "<MediaId16K>"]),
        ({"type": "voice", "recognition": "喂"}, ["<Recognition><![CDATA[喂]]>"]),
        ({"type": "video"}, ["<ThumbMediaId><![CDATA[SIMthumb_"]),
        ({"type": "location", "latitude": 31.5}, ["<Location_X>31.5</Location_X>", "<Label><![CDATA[上海市"]),
        ({"type": "link", "title": "文章"}, ["<Title><![CDATA[文章]]>", "<Url>"]),
        ({"type": "click", "key": "HUMAN"}, ["<Event><![CDATA[CLICK]]>", "<EventKey><![CDATA[HUMAN]]>"]),
        ({"type": "scan", "scene": "shop"}, ["<Event><![CDATA[SCAN]]>", "<EventKey><![CDATA[shop]]>", "<Ticket>"]),
        ({"type": "subscribe", "scene": "shop"}, ["<EventKey><![CDATA[qrscene_shop]]>"]),
        ({"type": "unsubscribe"}, ["<Event><![CDATA[unsubscribe]]>"]),
        ({"type": "text", "text": "满意", "menu_id": "101"}, ["<bizmsgmenuid><![CDATA[101]]>", "满意"]),
        ({"type": "event", "event": "VIEW", "key": "https://example.com"}, ["<Event><![CDATA[VIEW]]>"]),
        ({"type": "text", "text": "旧", "create_time": 5, "msg_id": 77}, ["<CreateTime>5<", "<MsgId>77<"]),
    ],
    ids=lambda value: str(value.get("type")) if isinstance(value, dict) else "",
)
def test_every_kind_is_pushed_with_its_own_nodes(
    simulator: Simulator, webhook: Webhook, values: dict, expected: list[str]
) -> None:
    push = simulator.say(simulator.openid(), **values)

    document = opened(webhook.received[0])
    assert [part for part in expected if part not in document] == []
    assert document == push["xml"]


def test_events_have_no_msgid(simulator: Simulator, webhook: Webhook) -> None:
    simulator.say(simulator.openid(), type="click", key="HUMAN")

    assert "<MsgId>" not in opened(webhook.received[0])


def test_a_raw_document_is_pushed_untouched(simulator: Simulator, webhook: Webhook) -> None:
    odd = "<xml><MsgType>text</MsgType><MsgType>image</MsgType>\x1d</xml>"

    simulator.say(simulator.openid(), type="raw", xml=odd)

    assert opened(webhook.received[0]) == odd


def test_a_follower_who_left_cannot_write_until_back(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, type="unsubscribe")

    refused = simulator.post(f"/_control/followers/{openid}/say", {"text": "喂"})
    simulator.say(openid, type="subscribe")
    again = simulator.say(openid, text="回来了")

    assert refused.status_code == 409
    assert again["state"] == "handled"


def test_an_answer_lost_on_the_way_makes_the_platform_push_again(simulator: Simulator, webhook: Webhook) -> None:
    simulator.control("/faults", {"endpoint": "push", "kind": "drop_after_accept", "times": 1})

    push = simulator.say(simulator.openid(), text="答复丢了")

    assert [attempt["outcome"] for attempt in push["attempts"]] == ["failed", "handled"]
    assert len(webhook.received) == 2


def test_a_reply_above_the_limit_is_taken_but_not_shown(simulator: Simulator, webhook: Webhook) -> None:
    openid = simulator.openid()
    webhook.answers.append(sealed(reply_to(openid, "长" * 683)))

    push = simulator.say(openid, text="说来话长")

    assert push["attempts"][0]["why"] == "text above the limit: not shown"
    assert simulator.lines(openid) == [("mine", "说来话长")]
