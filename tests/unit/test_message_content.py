"""What a message shows beside its words: places, cards, and what a follower did rather than said."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask_babel import Babel

from service.tickets.models import Message
from service.web.content import card_of, event_words, is_event, recognised


@pytest.fixture(autouse=True)
def _in_chinese():
    app = Flask("words")
    Babel(app, default_locale="zh")
    with app.test_request_context():
        yield


def message(kind: str, text: str = "", **extra: str) -> Message:
    return Message(direction="inbound", kind=kind, text=text, extra=extra)


def test_a_place_leads_to_a_map_at_its_coordinates():
    card = card_of(message("location", Location_X="30.27", Location_Y="120.15", Label="样例路 8 号 & 东门"))

    assert card is not None
    address = urlsplit(card.href)
    assert (address.scheme, address.hostname) == ("https", "uri.amap.com")
    query = parse_qs(address.query)
    assert (query["position"], query["name"]) == (["120.15,30.27"], ["样例路 8 号 & 东门"])
    assert card.title == "样例路 8 号 & 东门"


@pytest.mark.parametrize(
    ("latitude", "longitude"), [("", ""), ("nan", "1"), ("91", "1"), ("1", "-181"), ("inf", "1"), ("30&x=1", "120")]
)
def test_coordinates_that_are_none_lead_nowhere(latitude: str, longitude: str):
    card = card_of(message("location", Location_X=latitude, Location_Y=longitude, Label="门口"))

    assert card is not None
    assert (card.href, card.title) == ("", "门口")


def test_a_link_says_where_it_leads():
    card = card_of(message("link", Title="停水通知", Description="周六 9 点", Url="https://news.example.org/a?b=1"))

    assert card is not None
    assert (card.title, card.detail, card.foot) == ("停水通知", "周六 9 点", "news.example.org")
    assert card.href == "https://news.example.org/a?b=1"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://[", "", "x"])
def test_a_link_that_is_no_web_address_is_shown_and_leads_nowhere(url: str):
    card = card_of(message("link", Title="点我", Url=url))

    assert card is not None
    assert (card.href, card.title) == ("", "点我")


def test_a_mini_program_is_a_card_without_an_address():
    card = card_of(message("miniprogrampage", Title="报修", AppId="wx1", PagePath="pages/index"))

    assert card is not None
    assert (card.title, card.foot, card.href) == ("报修", "小程序 wx1 pages/index", "")


@pytest.mark.parametrize("kind", ["text", "image", "unknown", "click"])
def test_other_messages_have_no_card(kind: str):
    assert card_of(message(kind, Title="x", Url="https://example.org")) is None


@pytest.mark.parametrize(
    ("kind", "extra", "words"),
    [
        ("subscribe", {"scene": "lobby", "EventKey": "qrscene_lobby"}, "关注了公众号 lobby"),
        ("click", {"EventKey": "REPAIR"}, "点击了菜单 REPAIR"),
        ("scan", {"scene": "lobby"}, "扫描了二维码 lobby"),
        ("event:scancode_push", {"EventKey": "BOX", "ScanResult": "EAN_13,69"}, "用菜单扫了码 EAN_13,69"),
        ("event:kf_switch_session", {"FromKfAccount": "a", "ToKfAccount": "b"}, "平台客服转接 b"),
        ("unsubscribe", {}, "取消了关注"),
    ],
)
def test_what_a_follower_did_is_said_in_words(kind: str, extra: dict[str, str], words: str):
    assert is_event(message(kind, **extra))
    assert event_words(message(kind, **extra)) == words


def test_an_event_that_has_no_words_of_ours_keeps_its_own():
    assert event_words(message("event:teleport", "[传送]")) == "[传送]"


def test_only_a_voice_was_recognised():
    assert recognised(message("voice", Recognition="水管漏了")) == "水管漏了"
    assert recognised(message("voice")) == ""
    assert recognised(message("text", Recognition="x")) == ""
