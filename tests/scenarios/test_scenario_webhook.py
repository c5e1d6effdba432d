"""What the address of the pushes promises the platform: who is let in, what is answered, what is kept."""

import time

import pytest
import requests
from scenario_clients import NUMBER, answered
from scenario_processes import eventually
from scenario_pushes import account, document, push
from scenario_rig import Rig

from simulator import wire

MODES = ("main", "plain", "compat")  # safe, plain, compat
PROMPT = 5.0  # seconds that the platform waits


@pytest.mark.parametrize("slug", MODES)
def test_the_operators_save_is_echoed_each_time(rig: Rig, slug: str) -> None:
    said = [answered(rig.control.post(f"/accounts/{slug}/verify")) for _ in range(2)]

    assert said == [{"ok": True, "status": 200}] * 2


@pytest.mark.parametrize(
    "spoilt", [{"signature": "0" * 40}, {"signature": ""}, {"timestamp": "1"}, {"nonce": ""}], ids=str
)
def test_a_handshake_that_is_not_signed_is_refused_and_echoes_nothing(rig: Rig, spoilt: dict[str, str]) -> None:
    stamp = str(int(time.time()))
    query = {"timestamp": stamp, "nonce": "7", "echostr": "echo-me"}
    query["signature"] = wire.signature(account("main").token, stamp, "7")

    answer = requests.get(f"{rig.url}/wechat/main", params=query | spoilt, timeout=10)

    assert answer.status_code == 403
    assert "echo-me" not in answer.text


@pytest.mark.parametrize("slug", MODES)
def test_a_message_is_answered_with_a_receipt_that_the_platform_shows(rig: Rig, slug: str) -> None:
    phone = rig.phone(slug)

    done = phone.says("请问怎么办理退订？")

    assert done["state"] == "shown"
    assert len(done["attempts"]) == 1
    assert done["attempts"][0]["duration"] < PROMPT
    ticket = rig.api("supervisor").ticket(phone.number())
    assert ticket["account"] == slug
    assert rig.api("supervisor").messages(ticket["number"])[0]["text"] == "请问怎么办理退订？"


def test_only_a_signed_push_for_this_account_is_kept(rig: Rig) -> None:
    phone, sender = rig.phone(), account("main")
    text = document("main", phone.openid, "伪造的消息")
    elsewhere = account("main", app_id="wx9999999999999999")
    attempts = {
        "wrong msg_signature": push(rig, sender, text, msg_signature="0" * 40),
        "the plain signature in its place": push(rig, sender, text, msg_signature="", signature="0" * 40),
        "no msg_signature": push(rig, sender, text, msg_signature=""),
        "another token": push(rig, account("main", token="guessed"), text),
        "another key": push(rig, account("main", aes_key="B" * 43), text),
        "a foreign appid": push(rig, elsewhere, text),
        "plaintext for a safe account": push(rig, account("main", mode="plain"), text),
        "plaintext said to be sealed": push(rig, account("main", mode="plain"), text, encrypt_type="aes"),
        "too old": push(rig, sender, text, age=310),
        "from the future": push(rig, sender, text, age=-310),
    }

    assert {what: answer.status_code for what, answer in attempts.items()} == dict.fromkeys(attempts, 403)
    number = phone.opens("真正的消息")
    assert [m["text"] for m in rig.api("supervisor").messages(number)] == ["真正的消息"]


@pytest.mark.parametrize("age", [290, -290])
def test_a_clock_that_is_a_little_off_is_tolerated(rig: Rig, age: int) -> None:
    phone = rig.phone()

    phone.says("时间差一点也要收到", timestamp_offset=-age)

    assert phone.number()


def test_a_plain_account_needs_the_signature_too(rig: Rig) -> None:
    sender = account("plain")

    answer = push(rig, sender, document("plain", rig.phone("plain").openid, "x"), signature="f" * 40)

    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_account_is_not_found(rig: Rig, method: str) -> None:
    answer = requests.request(method, f"{rig.url}/wechat/nobody", data=b"<xml></xml>", timeout=10)

    assert answer.status_code == 404


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "in chunks"])
def test_a_body_over_a_mebibyte_is_refused_before_it_is_read(rig: Rig, announced: bool) -> None:
    body = b"x" * (1024 * 1024 + 1)
    query, _ = wire.envelope(account("plain"), "", openid="o", timestamp=int(time.time()))

    answer = requests.post(
        f"{rig.url}/wechat/plain?{query}",
        data=body if announced else iter([body[:700_000], body[700_000:]]),
        timeout=10,
    )

    assert answer.status_code == 413


def with_nodes(**nodes: object) -> str:
    return wire.render({"ToUserName": account("plain").original_id, "FromUserName": "o" * 28, **nodes})


ENTITIES = '<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
ODD = {
    "empty": "",
    "no XML": "hello",
    "broken off": "<xml><ToUserName>",
    "another root": "<html><body/></html>",
    "empty root": "<xml></xml>",
    "a DTD with entities": ENTITIES + "<xml><Content>&b;</Content></xml>",
    "an outside entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>',
    "very deep": "<xml>" + "<a>" * 500 + "</a>" * 500 + "</xml>",
    "very many nodes": "<xml>" + "<a>1</a>" * 20_000 + "</xml>",
    "a node twice": with_nodes(MsgType="text", Content=["a", "b"], MsgId=["1", "2"]),
    "no MsgType": with_nodes(CreateTime=1, Content="x"),
    "no sender": wire.render({"ToUserName": account("plain").original_id, "MsgType": "text", "Content": "x"}),
    "for somebody else": wire.render({"ToUserName": "gh_else", "FromUserName": "o", "MsgType": "text", "Content": "x"}),
    "an unknown type": with_nodes(CreateTime=1, MsgType="hologram", MsgId="77"),
    "an unknown event": with_nodes(CreateTime=1, MsgType="event", Event="dance"),
    "an event without a name": with_nodes(CreateTime=1, MsgType="event"),
    "a sender of a megabyte": with_nodes(MsgType="event", Event="VIEW", FromUserName="o" * 500_000),
    "an endless number": with_nodes(CreateTime="9" * 4000, MsgType="event", Event="VIEW", EventKey="k" * 50_000),
    "a negative time": with_nodes(CreateTime="-5", MsgType="event", Event="VIEW"),
    "a NUL": with_nodes(CreateTime=1, MsgType="event", Event="VI\x00EW"),
}


@pytest.mark.parametrize("what", ODD)
def test_anything_well_signed_is_acknowledged_however_odd(rig: Rig, what: str) -> None:
    before = rig.output.stat().st_size

    answer = push(rig, account("plain"), ODD[what])

    assert (answer.status_code, answer.text) == (200, "success")
    assert answer.headers["Content-Type"].partition(";")[0] == "text/plain"
    assert b"Traceback" not in rig.output.read_bytes()[before:]


@pytest.mark.parametrize("slug", ["main", "compat"])
def test_odd_things_in_an_envelope_are_acknowledged_too(rig: Rig, slug: str) -> None:
    answers = [push(rig, account(slug), "<xml><a/></xml>"), push(rig, account(slug), with_nodes(MsgType="hologram"))]

    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "success")] * 2


def test_a_control_character_in_a_text_does_not_lose_the_message(rig: Rig) -> None:
    phone = rig.phone("plain")

    answer = push(rig, account("plain"), document("plain", phone.openid, "你好\x1d，请问\x0b几点开门\x00？"))

    (number,) = NUMBER.findall(answer.text)
    assert rig.api("supervisor").messages(number)[0]["text"] == "你好，请问几点开门？"


WORDS = (
    '<b onclick="x">粗体</b> &amp; ]]> <![CDATA[x]]>',
    "'; DROP TABLE tickets; -- %s %d {number} {{ 7*7 }}",
    "第一行\n\n  第三行，前面有空格",
    "👨‍👩‍👧‍👦🇨🇳 e\u0301 \u200b零宽 \u202e反向",
    "龘" * 600,
)


def test_what_a_follower_writes_is_kept_word_for_word(rig: Rig) -> None:
    phone = rig.phone()

    for text in WORDS:
        phone.says(text)

    kept = [message["text"] for message in rig.api("supervisor").messages(phone.number(), "inbound")]
    assert kept == list(WORDS)


@pytest.mark.parametrize("text", [" ", "\n", "。", "？？", "\u200b"], ids=repr)
def test_a_message_that_is_hardly_one_is_acknowledged(rig: Rig, text: str) -> None:
    assert rig.phone().says(text)["state"] in ("handled", "shown")


def test_every_kind_of_message_opens_a_ticket_and_has_a_text(rig: Rig) -> None:
    kinds = ("image", "voice", "video", "shortvideo", "location", "link")
    phones = dict(zip(kinds, rig.phones(len(kinds)), strict=True))

    for kind, phone in phones.items():
        phone.does(kind)

    messages = {kind: rig.api("supervisor").messages(phone.number())[0] for kind, phone in phones.items()}
    assert [kind for kind, message in messages.items() if not message["text"]] == []
    assert {kind: message["type"] for kind, message in messages.items()} == {kind: kind for kind in kinds}


def test_a_picture_is_fetched_and_can_be_seen_by_those_who_see_the_ticket(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    phone.does("image")
    number = phone.number()

    (picture,) = eventually(lambda: api.messages(number)[0]["attachments"], what="the picture is here")

    content = api.session.get(rig.url + picture["url"], timeout=10)
    assert content.status_code == 200
    assert content.headers["Content-Type"] == picture["content_type"]
    assert picture["content_type"].startswith("image/")
    assert len(content.content) == picture["size_bytes"]
    assert rig.api("jsb.agent").session.get(rig.url + picture["url"], timeout=10).status_code == 404


@pytest.mark.parametrize(
    "talk",
    [
        ("text", {"text": "谢谢"}),
        ("text", {"text": "您好"}),
        ("text", {"text": "[玫瑰][玫瑰]"}),
        ("text", {"text": "【收到不支持的消息类型，暂无法显示】"}),
        ("text", {"text": "满意", "menu_id": "101"}),
        ("click", {"key": "INQUIRY"}),
        ("scan", {"scene": "12"}),
    ],
    ids=str,
)
def test_talk_and_taps_open_no_ticket(rig: Rig, talk: tuple[str, dict[str, str]]) -> None:
    phone, (kind, values) = rig.phone(), talk

    phone.does(kind, **values)

    assert [line for line in phone.lines("receipt") if NUMBER.search(line)] == []
    assert len(phone.opens("请问怎么退款")) > 0


def test_whoever_follows_is_welcomed_and_gets_no_ticket(rig: Rig) -> None:
    phone = rig.phone()

    phone.does("subscribe", scene="shop-7")

    (welcome,) = phone.lines("receipt")
    assert not NUMBER.search(welcome)


def test_health_pages_tell_that_everything_is_there(rig: Rig) -> None:
    answers = {path: requests.get(rig.url + path, timeout=10) for path in ("/healthz", "/readyz", "/metrics")}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert "wechat_pushes_total" in answers["/metrics"].text
