"""What becomes of a send: sent, surely not sent, or nobody knows; and never more than two tries."""

import json
import logging
import socket
import threading

import pytest

from service.channels.wechat import api, downloads
from service.channels.wechat.errcodes import VERDICTS, advice
from service.channels.wechat.sender import WeChatChannel
from service.channels.wechat.tokens import TokenProvider
from service.messaging.ports import Contact, DeliveryError, Failure, Media, Outbound
from tests.wechat_fakes import OPENID, as_json, make_account

SEND = "/cgi-bin/message/custom/send"
TOKEN = "/cgi-bin/stable_token"
GET = "/cgi-bin/media/get"


@pytest.fixture
def make_channel(redis, platform):
    def make(base_url: str = "", **changes: object) -> WeChatChannel:
        return WeChatChannel(
            make_account(**changes), TokenProvider(redis, platform.base_url), base_url or platform.base_url
        )

    return make


@pytest.fixture
def channel(make_channel):
    return make_channel()


def message(text: str = "您好") -> Outbound:
    return Outbound("wechat:main", OPENID, text)


def failure_of(channel: WeChatChannel, text: str = "您好") -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        channel.send(message(text))
    return raised.value


@pytest.fixture
def closed_port():
    """An address of loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    "text", ["您好😀👨‍👩‍👧", '<a href="https://example.org/?a=1&b=2">详情</a>', 'a"b\\c\n第二行\t%s {x}']
)
def test_a_text_arrives_exactly_and_without_escapes(channel, platform, text):
    channel.send(message(text))

    [(query, body)] = platform.asked(SEND)
    assert json.loads(body) == {"touser": OPENID, "msgtype": "text", "text": {"content": text}}
    assert b"\\u" not in body
    assert query == {"access_token": "token-1"}


def test_a_send_that_the_platform_takes_is_asked_once(channel, platform):
    assert channel.send(message()) == ""
    assert len(platform.asked(SEND)) == 1


CODES = [
    (-1, Failure.PASSING),
    (45011, Failure.PASSING),
    (61450, Failure.PASSING),
    (45015, Failure.WINDOW_CLOSED),
    (45047, Failure.QUOTA_USED),
    (40003, Failure.UNREACHABLE),
    (43004, Failure.UNREACHABLE),
    (43019, Failure.UNREACHABLE),
    (48002, Failure.UNREACHABLE),
    (50002, Failure.UNREACHABLE),
    (50005, Failure.UNREACHABLE),
    (40164, Failure.HALTED),
    (48001, Failure.HALTED),
    (48004, Failure.HALTED),
    (45009, Failure.PASSING),
    (45002, Failure.PERMANENT),
    (47001, Failure.PERMANENT),
    (123456, Failure.PERMANENT),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
@pytest.mark.parametrize("as_text", [False, True])
def test_an_error_code_says_what_became_of_the_message(channel, platform, code, kind, as_text):
    platform.lay(SEND, as_json(errcode=str(code) if as_text else code, errmsg="no rid: 1-2-3"))

    error = failure_of(channel)

    assert (error.kind, error.code) == (kind, code)
    assert len(platform.asked(SEND)) == 1


def test_a_used_up_window_that_no_message_refills_is_shut(make_channel, platform):
    platform.lay(SEND, as_json(errcode=45047, errmsg="out of response count limit"))

    error = failure_of(make_channel(window_rules={"model": "cumulative"}))

    assert (error.kind, error.code) == (Failure.WINDOW_CLOSED, 45047)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_dead_token_is_renewed_once_and_the_message_sent_once(channel, platform, code):
    platform.lay(
        TOKEN, as_json(access_token="token-1", expires_in=7200), as_json(access_token="token-2", expires_in=7200)
    )
    platform.lay(SEND, as_json(errcode=code, errmsg="dead"), as_json(errcode=0))

    channel.send(message())

    assert [query["access_token"] for query, _ in platform.asked(SEND)] == ["token-1", "token-2"]
    assert len(platform.asked(TOKEN)) == 2


def test_a_platform_that_refuses_every_token_is_asked_twice_and_the_operator_told(channel, platform, caplog):
    platform.lay(SEND, as_json(errcode=40001, errmsg="invalid credential"))

    error = failure_of(channel)

    assert (error.kind, error.code) == (Failure.HALTED, 40001)  # a pause until a probe succeeds, not a loop
    assert len(platform.asked(SEND)) == 2
    assert "refused too" in caplog.text


@pytest.mark.parametrize(
    "reply",
    [
        (200, b"<html>welcome</html>", "text/html"),
        (502, b"<html>Bad Gateway</html>", "text/html"),
        (503, b"", "text/plain"),
        (200, b"", "application/json"),
        (200, b"ok", "text/plain"),
        (200, b"[0]", "application/json"),
        (200, b'{"errcode": "later"}', "application/json"),
        (200, b'{"errcode": null}', "application/json"),
        (200, b'{"errcode": 0', "application/json"),
        (500, b'{"errcode": 0}', "application/json"),
        (302, b"", "text/html"),
        (0, b"", ""),
    ],
)
def test_an_answer_that_is_not_the_platforms_leaves_the_outcome_unknown(channel, platform, reply):
    platform.lay(SEND, reply)

    error = failure_of(channel)

    assert (error.kind, error.code) == (Failure.UNKNOWN, None)
    assert len(platform.asked(SEND)) == 1


def test_a_platform_that_does_not_answer_in_time_leaves_the_outcome_unknown(channel, platform, monkeypatch):
    monkeypatch.setattr(api, "READ_TIMEOUT", 0.2)
    channel.tokens.token_for(channel.account)
    done = threading.Event()
    platform.lay(SEND, lambda: as_json(errcode=0, waited=done.wait(5)))

    error = failure_of(channel)
    done.set()

    assert error.kind is Failure.UNKNOWN


def test_a_refused_connection_is_surely_not_sent(make_channel, closed_port):
    assert failure_of(make_channel(closed_port)).kind is Failure.PASSING


def test_an_answer_with_control_characters_is_read(channel, platform):
    platform.lay(SEND, (200, b'{"errcode": 45015, "errmsg": "a\x01\nb"}', "application/json"))

    assert failure_of(channel).code == 45015


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x1d", "\ud800"])
def test_an_empty_text_is_not_sent(channel, platform, text):
    assert failure_of(channel, text).kind is Failure.PERMANENT
    assert platform.asked(SEND) == []


def test_a_halted_account_calls_nobody(make_channel, platform):
    error = failure_of(make_channel(halted_reason="IP 白名单"))

    assert (error.kind, error.reason) == (Failure.HALTED, "IP 白名单")
    assert failure_of(make_channel(active=False)).kind is Failure.HALTED
    assert platform.calls == []


def test_an_uncertified_account_waits_for_the_followers_next_message(make_channel, platform):
    channel = make_channel(certified=False)

    assert not channel.limits.can_send
    assert failure_of(channel).kind is Failure.WINDOW_CLOSED
    assert platform.calls == []


def test_the_windows_are_those_of_the_platform(channel):
    hours = {contact: (count, span.total_seconds()) for contact, (count, span) in channel.limits.windows.items()}

    assert hours == {
        Contact.MESSAGE: (5, 172800),
        Contact.FOLLOW: (3, 60),
        Contact.MENU: (3, 60),
        Contact.SCAN: (3, 60),
        Contact.TAP: (3, 60),
    }
    assert channel.limits.text_bytes == 2048


def test_no_token_openid_or_text_is_logged_or_kept_as_a_reason(channel, platform, caplog):
    caplog.set_level(logging.DEBUG)
    reasons = []
    for reply in (
        as_json(errcode=123456, errmsg="strange"),
        as_json(errcode=40001),
        (502, b"x", "text/html"),
        (0, b"", ""),
    ):
        platform.lay(SEND, reply)
        reasons.append(failure_of(channel, "机密内容").reason)

    logged = caplog.text + str([record.__dict__ for record in caplog.records]) + str(reasons)
    assert "123456" in logged
    assert not [secret for secret in ("token-1", OPENID, "机密内容") if secret in logged]


def test_every_code_has_advice_in_both_languages():
    for code in (*VERDICTS, 987654):
        assert advice(code, "zh") != advice(code, "en")
        assert advice(code, "en").isascii()


JPEG = b"\xff\xd8\xff\xe0" + bytes(5000)


def fetch_failure(channel: WeChatChannel) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        channel.fetch(Media("m1", "image"))
    return raised.value


def test_a_file_comes_back_byte_for_byte(channel, platform):
    platform.lay(GET, (200, JPEG, "image/jpeg"))

    assert channel.fetch(Media("m1", "image")) == JPEG
    assert platform.asked(GET) == [({"access_token": "token-1", "media_id": "m1"}, b"")]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/jpeg"])
def test_an_error_in_place_of_a_file_is_seen_by_its_content(channel, platform, content_type):
    platform.lay(GET, (200, b'{"errcode": 40007, "errmsg": "invalid media_id"}', content_type))

    error = fetch_failure(channel)

    assert (error.kind, error.code) == (Failure.PERMANENT, 40007)


def test_a_dead_token_is_renewed_for_a_file_too(channel, platform):
    platform.lay(
        TOKEN, as_json(access_token="token-1", expires_in=7200), as_json(access_token="token-2", expires_in=7200)
    )
    platform.lay(GET, as_json(errcode=42001), (200, JPEG, "image/jpeg"))

    assert channel.fetch(Media("m1", "image")) == JPEG


@pytest.mark.parametrize(
    "reply", [(200, b"", "image/jpeg"), (200, b"<html>", "text/html"), (502, b"<html>", "text/html"), (0, b"", "")]
)
def test_a_file_that_did_not_come_may_be_asked_for_again(channel, platform, reply):
    platform.lay(GET, reply)

    assert fetch_failure(channel).kind is Failure.PASSING


def test_a_file_that_is_too_large_is_not_taken(channel, platform, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_FILE", 4000)
    platform.lay(GET, (200, JPEG, "image/jpeg"))

    assert fetch_failure(channel).kind is Failure.PERMANENT


def test_a_video_is_fetched_from_the_address_that_the_platform_names(channel, platform):
    platform.lay(GET, as_json(video_url=f"{platform.base_url}/videos/1.mp4"))
    platform.lay("/videos/1.mp4", (200, b"\x00\x00\x00\x18ftypmp42", "video/mp4"))

    assert channel.fetch(Media("m1", "video")) == b"\x00\x00\x00\x18ftypmp42"
    assert platform.asked("/videos/1.mp4") == [({}, b"")]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://user@{host}/x",
        "http://{host}@127.0.0.1:1/x",
        "//{host}/x",
        "http://[::1",
        "http://example.org:99999/x",
    ],
)
def test_a_video_is_fetched_from_nowhere_else(channel, platform, address):
    platform.lay(GET, as_json(video_url=address.replace("{host}", platform.base_url.removeprefix("http://"))))

    assert fetch_failure(channel).kind is Failure.PERMANENT
    assert [path for path, _, _ in platform.calls] == [TOKEN, GET]


def test_a_redirect_is_not_followed(channel, platform):
    platform.lay(GET, as_json(video_url=f"{platform.base_url}/videos/1.mp4"))
    platform.lay("/videos/1.mp4", (302, b"", "text/html"))

    assert fetch_failure(channel).kind is Failure.PASSING


REAL = "https://api.weixin.qq.com"


@pytest.mark.parametrize(
    ("address", "base_url", "trusted"),
    [
        ("https://mpvideo.qpic.cn/0b2e.mp4?dis_k=1", REAL, True),
        ("http://mp.weixin.qq.com/video", REAL, True),
        ("https://api.weixin.qq.com:443/x", REAL, True),
        ("https://mpvideo.qpic.cn:8080/x", REAL, False),
        ("https://qpic.cn.example.org/x", REAL, False),
        ("https://notqpic.cn/x", REAL, False),
        ("https://10.0.0.1/x", REAL, False),
        ("https://mpvideo.qpic.cn/x", "http://127.0.0.1:9000", False),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000", True),
        ("http://127.0.0.1:9001/x", "http://127.0.0.1:9000", False),
        ("http://gateway/x", "http://gateway:80", True),
        ("https://weixin.qq.com.evil/x", "https://api.weixin.qq.com.evil", False),
    ],
)
def test_a_video_address_is_trusted_only_with_the_platform_that_we_use(address, base_url, trusted):
    assert downloads.is_trusted(address, base_url) is trusted
