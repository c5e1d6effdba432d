"""Robots are called where they may be, signed as their vendors want it, and their answers understood."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.messengers import robots
from service.messengers.outcome import PROBLEMS, Fate, SendError
from service.messengers.robots import DINGTALK, FEISHU, WECOM, Address
from tests.messenger_rig import HANG_UP, Answer, FakeVendor, as_json, running_vendor

NOW = datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
STAMP = 1772587800  # the same in seconds
SECRET = "SECabc"


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with running_vendor() as found:
        yield found


def say(vendor: FakeVendor, kind: str, secret: str | None = None, path: str = "/robot/send?access_token=t0ken") -> None:
    robots.send(Address(kind, vendor.url(path), secret), "【工单台】超时", now=NOW, more_hosts=(vendor.origin,))


def refused(vendor: FakeVendor, kind: str, answer: Answer) -> SendError:
    vendor.answers.append(answer)
    with pytest.raises(SendError) as caught:
        say(vendor, kind)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (WECOM, {"msgtype": "text", "text": {"content": "【工单台】超时"}}),
        (DINGTALK, {"msgtype": "text", "text": {"content": "【工单台】超时"}}),
        (FEISHU, {"msg_type": "text", "content": {"text": "【工单台】超时"}}),
    ],
)
def test_each_vendor_gets_a_text_in_its_own_shape(vendor: FakeVendor, kind: str, body: dict[str, object]):
    say(vendor, kind)

    assert vendor.said == [body]


def test_dingtalk_is_signed_in_the_address(vendor: FakeVendor):
    say(vendor, DINGTALK, SECRET)

    digest = hmac.new(SECRET.encode(), f"{STAMP}000\n{SECRET}".encode(), hashlib.sha256).digest()
    assert vendor.queries == [
        {"access_token": "t0ken", "timestamp": f"{STAMP}000", "sign": base64.b64encode(digest).decode()}
    ]


def test_feishu_is_signed_in_the_body_with_the_secret_as_part_of_the_key(vendor: FakeVendor):
    say(vendor, FEISHU, SECRET)

    digest = hmac.new(f"{STAMP}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert (vendor.said[0]["timestamp"], vendor.said[0]["sign"]) == (str(STAMP), base64.b64encode(digest).decode())


@pytest.mark.parametrize(
    ("kind", "answer", "problem", "fate"),
    [
        (WECOM, as_json(errcode=93000, errmsg="invalid webhook url"), "gone", Fate.NOT_SENT),
        (WECOM, as_json(errcode=45009, errmsg="api freq out of limit"), "often", Fate.NOT_SENT),
        (DINGTALK, as_json(errcode=310000, errmsg="keywords not in content"), "keyword", Fate.NOT_SENT),
        (DINGTALK, as_json(errcode=310000, errmsg="sign not match"), "signature", Fate.NOT_SENT),
        (DINGTALK, as_json(errcode=310000, errmsg="ip 203.0.113.7 not in whitelist"), "ip", Fate.NOT_SENT),
        (DINGTALK, as_json(errcode=310000, errmsg="?"), "security", Fate.NOT_SENT),
        (DINGTALK, as_json(errcode=130101, errmsg="send too fast"), "often", Fate.NOT_SENT),
        (DINGTALK, as_json(errcode=-1, errmsg="系统繁忙"), "busy", Fate.NOT_SENT),
        (FEISHU, as_json(400, code=19021, msg="sign match fail"), "signature", Fate.NOT_SENT),
        (FEISHU, as_json(StatusCode=19024, msg="Key Words Not Found"), "keyword", Fate.NOT_SENT),
        (FEISHU, as_json(code=9499, msg="Bad Request"), "robot", Fate.NOT_SENT),
        (WECOM, (404, b"<html>"), "http", Fate.NOT_SENT),
        (WECOM, (429, b""), "often", Fate.NOT_SENT),
        (WECOM, (302, b""), "redirect", Fate.NOT_SENT),
        (WECOM, (502, b"<html>"), "unreadable", Fate.UNKNOWN),
        (WECOM, (200, b"<html>"), "unreadable", Fate.UNKNOWN),
        (WECOM, (200, b"[]"), "unreadable", Fate.UNKNOWN),
        (WECOM, (200, b'{"errcode":0,"x":"' + b"y" * 20_000 + b'"}'), "unreadable", Fate.UNKNOWN),
        (WECOM, HANG_UP, "broken", Fate.UNKNOWN),
    ],
)
def test_what_a_robot_says_is_understood(vendor: FakeVendor, kind: str, answer: Answer, problem: str, fate: Fate):
    error = refused(vendor, kind, answer)

    assert (error.problem, error.fate) == (problem, fate)
    assert "t0ken" not in error.sentence() + error.sentence("en")
    assert len(vendor.said) == 1  # nothing was repeated or followed


def test_a_server_that_is_not_there_surely_got_nothing():
    with pytest.raises(SendError) as caught:
        robots.send(Address(WECOM, "http://127.0.0.1:9/x", None), "", now=NOW, more_hosts=("http://127.0.0.1:9",))

    assert (caught.value.problem, caught.value.fate) == ("unreachable", Fate.NOT_SENT)


@pytest.mark.parametrize(
    ("kind", "url", "is_allowed", "why"),
    [
        (WECOM, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a", True, "as it is copied"),
        (DINGTALK, "https://oapi.dingtalk.com/robot/send?access_token=a", True, "as it is copied"),
        (FEISHU, "https://open.feishu.cn/open-apis/bot/v2/hook/a", True, "as it is copied"),
        (FEISHU, "https://open.larksuite.com/open-apis/bot/v2/hook/a", True, "outside China"),
        (WECOM, "https://oapi.dingtalk.com/robot/send?access_token=a", False, "another vendor's"),
        (WECOM, "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a", False, "in the clear"),
        (WECOM, "https://qyapi.weixin.qq.com:8443/x", False, "another port"),
        (WECOM, "https://qyapi.weixin.qq.com@127.0.0.1/x", False, "a user, not the host"),
        (WECOM, "https://127.0.0.1\\@qyapi.weixin.qq.com/x", False, "a backslash that some take for a slash"),
        (WECOM, "https://qyapi.weixin.qq.com.evil.example/x", False, "a longer name"),
        (WECOM, "https://169.254.169.254/latest/meta-data", False, "the cloud's own"),
        (WECOM, "https://localhost/x", False, "this machine"),
        (WECOM, "file:///etc/passwd", False, "no web address"),
        (WECOM, "https://[::1/x", False, "not readable"),
        (WECOM, "https://own.example.com/x", True, "named by the operator"),
        (WECOM, "http://own.example.com/x", False, "named with https"),
        (WECOM, "http://127.0.0.1:9000/x", True, "named with its port"),
        (WECOM, "http://127.0.0.1:9001/x", False, "another port of it"),
    ],
)
def test_only_known_places_are_called(kind: str, url: str, is_allowed: bool, why: str):
    more = ("https://own.example.com", "http://127.0.0.1:9000")

    assert robots.is_allowed(kind, url, more) is is_allowed, why


def test_an_address_that_is_not_allowed_is_not_called_whatever_the_row_says(vendor: FakeVendor):
    with pytest.raises(SendError) as caught:
        robots.send(Address(WECOM, vendor.url(), None), "", now=NOW)

    assert caught.value.problem == "address"
    assert vendor.said == []


def test_every_problem_has_a_sentence_in_both_languages():
    errors = [SendError(problem, fate=Fate.NOT_SENT, told="1 x") for problem in PROBLEMS]

    assert all("（1 x）：" in error.sentence() and " (1 x): " in error.sentence("en") for error in errors)
