"""The platform's rules on content, cases 13 to 21: pushed to the whole application, looked at where staff look."""

import html
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import select
from werkzeug.test import TestResponse

from service import jobs
from service.channels.wechat import accounts
from service.database import reading, transaction
from service.messaging.followers import Follower
from service.messaging.inbox import InboxItem
from service.tickets.models import Message, Ticket
from tests.factories import Desk
from tests.fakes import PNG, FakeChannel
from tests.page_rig import Visitor, visitor, words_of
from tests.voices import NARROW
from tests.webhook_rig import Desk as Listener
from tests.webhook_rig import Platform, is_acknowledged, running_webhook
from tests.wechat_fakes import AES_KEY, APP_ID, ORIGINAL_ID, TOKEN, decrypt, document, nodes_of

FAMILY = "👨‍👩‍👧‍👦"  # seven code points that people see as one
STICKER = "【收到不支持的消息类型，暂无法显示】"


class WholePlatform(Platform):
    """Pushes to the account `main` of the whole application, in safe mode."""

    def says(self, text: str, *, message_id: str = "1", **nodes: str) -> TestResponse:
        return self.push(document(Content=text, MsgId=message_id, **nodes))

    def post(self, slug: str, query: dict[str, str], body: bytes) -> TestResponse:
        with self.app.app_context():
            return super().post("main", query, body)


@pytest.fixture
def platform(app: Flask) -> WholePlatform:
    names = {"slug": "main", "name": "物业服务号", "original_id": ORIGINAL_ID, "mode": "safe"}
    with transaction() as session:
        accounts.add(session, **names, app_id=APP_ID, app_secret="s", token=TOKEN, aes_key=AES_KEY)
    return WholePlatform(app)


@pytest.fixture
def staff(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("zhou", "supervisor", "LDS"))


def stored(model: type) -> list:
    with reading() as session:
        found = list(session.scalars(select(model).order_by(model.id)))
        session.expunge_all()
    return found


def replied(response: TestResponse) -> str:
    """The text of the passive reply, which is the acknowledgement too."""
    assert response.status_code == 200
    inner, app_id = decrypt(nodes_of(response.data)["Encrypt"])
    assert app_id == APP_ID
    return nodes_of(inner)["Content"]


def page_of(staff: Visitor) -> TestResponse:
    (ticket,) = stored(Ticket)
    return staff.get(f"/tickets/{ticket.number}")


XXE = '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><MsgType>text</MsgType><Content>&x;</Content></xml>'
BOMB = (
    "<!DOCTYPE xml [<!ENTITY a0 'lol'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><xml><MsgType>text</MsgType><Content>&a9;</Content></xml>"
)


@pytest.mark.parametrize("hostile", [XXE, BOMB], ids=["external entity", "entity bomb"])
def test_case_13_entities_are_neither_read_nor_expanded(platform: WholePlatform, hostile: str):
    platform.push("<xml/>")  # whatever is done once for a process is done
    before = time.process_time()

    response = platform.push(hostile)

    assert time.process_time() - before < 0.05
    assert is_acknowledged(response)
    assert [row.kind for row in stored(InboxItem)] == ["odd", "odd"]
    assert stored(InboxItem)[1].raw == hostile
    assert stored(Message) == []


def test_case_14_control_characters_cost_nobody_a_message(platform: WholePlatform, staff: Visitor):
    answer = replied(platform.says("复制\x1d来的\x00门牌\x0b号 12\x7f"))

    (message,) = stored(Message)
    assert message.text == "复制来的门牌号 12\x7f"
    assert "GD" in answer
    assert "复制来的门牌号 12" in page_of(staff).text


@pytest.mark.parametrize("text", ["谢谢👍🏽" + FAMILY + " 𠮷野家 🇨🇳", FAMILY * 30, "é" * 30 + "é" * 30])
def test_case_15_signs_of_several_code_points_stay_whole(
    platform: WholePlatform, staff: Visitor, desk: Desk, text: str
):
    platform.says(text)

    (message,), (ticket,) = stored(Message), stored(Ticket)
    assert message.text == text
    assert text in html.unescape(page_of(staff).text)
    caller = desk.client(desk.person("zhu", "supervisor", "LDS"))
    assert caller.get(f"/tickets/{ticket.number}/messages").json["items"][0]["text"] == text
    cut = ticket.subject.removesuffix("…")
    assert text.startswith(cut)
    assert text[len(cut) :][:1] not in ("\u200d", "\u0301", "\U0001f3fd")
    assert not cut.endswith("\u200d")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{x} {{7*7}} {% raw %}", "%s %(number)s %d", "&lt;b&gt; ' \" </p>"]
)
def test_case_16_what_looks_like_code_is_only_words(platform: WholePlatform, staff: Visitor, text: str):
    answer = replied(platform.says(text))

    assert stored(Message)[0].text == text
    page = page_of(staff)
    assert text in html.unescape(page.text)
    assert "<script>alert" not in page.text
    assert "49 " not in answer


@pytest.fixture
def echo(tmp_path) -> Iterator[Platform]:
    """A webhook behind which somebody repeats what is said."""
    with running_webhook(tmp_path) as app:
        yield Platform(app)


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
def test_case_17_the_end_of_a_section_is_words_too_in_both_directions(echo: Platform, mode: str):
    listener: Listener = echo.app.extensions["intake"]
    listener.answer = said = "a]]>b ]]]]>>"

    response = echo.push(
        document(MsgId="1").replace("</xml>", f"<Content>{in_sections(said)}</Content></xml>"), mode=mode
    )

    answer = nodes_of(response.data)
    if mode == "safe":
        answer = nodes_of(decrypt(answer["Encrypt"])[0])
    assert [message.text for message in listener.messages] == [said]
    assert answer["Content"] == said


def in_sections(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        ({"MsgType": "hologram", "MsgId": "7", "Depth": "3"}, "unknown"),
        ({"MsgType": "event", "Event": "teleport", "EventKey": "home"}, "event:teleport"),
    ],
)
def test_case_18_what_nobody_knows_yet_is_kept_and_counted(platform: WholePlatform, nodes: dict, kind: str):
    def count() -> float:
        return REGISTRY.get_sample_value("wechat_pushes_total", {"slug": "main", "outcome": "other"}) or 0

    before, pushed = count(), document(**nodes)

    response = platform.push(pushed)

    assert is_acknowledged(response)
    assert [(row.kind, row.raw) for row in stored(InboxItem)] == [(kind, pushed)]
    assert count() == before + 1
    assert stored(Ticket) == []


@pytest.mark.parametrize(
    "odd",
    [
        document(MsgId="1", Content="a").replace("<FromUserName>", "<FromUserName>oElse</FromUserName><FromUserName>"),
        document(MsgId="1", Content="a").replace("MsgType>", "Other>"),
        "<xml/>",
        "",
        "not xml at all",
        '{"MsgType": "text"}',
    ],
)
def test_case_19_a_document_that_is_no_message_makes_none(platform: WholePlatform, odd: str):
    response = platform.push(odd)

    assert is_acknowledged(response)
    assert [(row.kind, row.raw) for row in stored(InboxItem)] == [("odd", odd)]
    assert stored(Message) == []


@pytest.mark.parametrize(
    "more", [{}, {"Recognition": ""}, {"Recognition": "水管漏了"}], ids=["none", "empty", "filled"]
)
def test_case_20_a_voice_is_heard_whether_it_was_recognised_or_not(
    platform: WholePlatform, staff: Visitor, channel: FakeChannel, more: dict
):
    channel.files["V1"] = NARROW
    platform.push(document(MsgType="voice", MediaId="V1", MediaId16K="V16", Format="amr", MsgId="1", **more))
    assert "取回中" in words_of(page_of(staff))

    jobs.fetch_media()

    page = page_of(staff)
    assert "<audio controls" in page.text
    assert ("水管漏了" in words_of(page).split("平台识别")[-1]) is (more.get("Recognition") == "水管漏了")
    address = page.text.partition("<audio ")[2].partition('src="')[2].partition('"')[0]
    sound = staff.get(address)
    assert (sound.status_code, sound.content_type) == (200, "audio/mpeg")
    original = staff.get(address.removesuffix("/sound"))
    assert (original.data, original.content_type) == (NARROW, "audio/amr")
    assert original.headers["Content-Disposition"].startswith("attachment")


def test_case_21_a_sticker_is_marked_and_is_not_what_the_follower_said(
    platform: WholePlatform, staff: Visitor, desk: Desk
):
    platform.says("电梯坏了", message_id="1")
    assert is_acknowledged(platform.says(STICKER, message_id="2"))

    page = words_of(page_of(staff))
    assert "客户发来表情或文件，微信没有提供内容，无法显示" in page
    assert STICKER not in page
    caller = desk.client(desk.person("zhu", "supervisor", "LDS"))
    sticker = caller.get(f"/tickets/{stored(Ticket)[0].number}/messages").json["items"][-1]
    assert (sticker["type"], sticker["text"]) == ("unsupported", "[表情或暂不支持的消息]")


# --- how the rest is shown


def test_faces_places_and_cards_are_shown_as_a_person_wants_them(platform: WholePlatform, staff: Visitor):
    platform.says("谢谢/::) [捂脸]报修", message_id="1")
    platform.push(document(MsgType="location", Location_X="30.27", Location_Y="120.15", Label="样例路 8 号", MsgId="2"))
    platform.push(
        document(MsgType="link", Title="停水通知", Description="周六", Url="https://news.example.org/a", MsgId="3")
    )
    platform.push(document(MsgType="link", Title="点我", Url="javascript:alert(1)", MsgId="4"))
    platform.push(document(MsgType="miniprogrampage", Title="报修小程序", AppId="wx1", PagePath="p", MsgId="5"))

    page = page_of(staff).text

    assert stored(Message)[0].text == "谢谢/::) [捂脸]报修"
    assert '<span class="emoticon" title="/::)">😊</span>' in page
    assert '<span class="emoticon" title="[捂脸]">🤦</span>' in page
    assert 'href="https://uri.amap.com/marker?position=120.15%2C30.27' in page
    assert 'href="https://news.example.org/a" rel="noreferrer noopener nofollow"' in page
    assert "news.example.org" in words_of(page_of(staff))
    assert 'href="javascript:' not in page
    assert "报修小程序" in page


def test_what_a_follower_did_is_a_line_between_what_they_said(platform: WholePlatform, staff: Visitor):
    platform.says("电梯坏了", message_id="1")
    platform.push(document(MsgType="event", Event="CLICK", EventKey="SOME_KEY"))
    platform.push(document(MsgType="event", Event="SCAN", EventKey="lobby", Ticket="t"))
    platform.push(document(MsgType="event", Event="unsubscribe", EventKey=""))
    platform.push(document(MsgType="event", Event="subscribe", EventKey="qrscene_gate"))

    page = page_of(staff)

    assert "点击了菜单 SOME_KEY" in words_of(page)
    assert "扫描了二维码 lobby" in words_of(page)
    assert "取消了关注" in words_of(page)
    assert "关注了公众号 gate" in words_of(page)
    assert page.text.count('class="happened is-event"') == 4


@pytest.mark.parametrize("event", ["MASSSENDJOBFINISH", "verify_expired", "annual_renew"])
def test_what_concerns_the_account_makes_no_follower(platform: WholePlatform, event: str):
    response = platform.push(document(MsgType="event", Event=event, MsgID="1", FromUserName="weixinsystem"))

    assert is_acknowledged(response)
    assert [row.kind for row in stored(InboxItem)] == [f"event:{event.lower()}"]
    assert stored(Follower) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"state": "pending", "attempts": 0}, "取回中"),
        ({"state": "pending", "attempts": 3, "detail": "微信平台繁忙"}, "第 3 次取回失败，稍后再试"),
        ({"state": "expired", "attempts": 80}, "已过期：平台只保留三天"),
        ({"state": "failed", "attempts": 1, "detail": "不是图片、语音或视频，未保存"}, "不是图片、语音或视频，未保存"),
    ],
)
def test_how_a_file_stands_is_in_sight(
    platform: WholePlatform, staff: Visitor, desk: Desk, state: dict[str, object], words: str
):
    platform.push(document(MsgType="image", MediaId="P1", MsgId="1"))
    with transaction() as session:
        (message,) = session.scalars(select(Message)).all()
        session.refresh(message, ["attachments"])
        for name, value in state.items():
            setattr(message.attachments[0], name, value)

    assert words in words_of(page_of(staff))
    caller = desk.client(desk.person("zhu", "supervisor", "LDS"))
    shown = caller.get(f"/tickets/{stored(Ticket)[0].number}/messages").json["items"][0]
    assert shown["attachments"] == []
    assert (shown["files_missing"][0]["state"], shown["files_missing"][0]["attempts"]) == (
        state["state"],
        state["attempts"],
    )


def test_a_picture_is_shown_and_leads_to_its_full_size(platform: WholePlatform, staff: Visitor, channel: FakeChannel):
    channel.files["P1"] = PNG
    platform.push(document(MsgType="image", MediaId="P1", MsgId="1"))
    jobs.fetch_media()

    page = page_of(staff).text

    address = page.partition('<a class="picture" href="')[2].partition('"')[0]
    assert f'<img src="{address}"' in page
    assert staff.get(address).data == PNG
