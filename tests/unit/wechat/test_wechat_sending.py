"""Every kind of message as the platform wants it, files by an upload that is made once, and the error table."""

import json
import logging

import pytest
from redis import Redis

from service.channels.wechat.errcodes import VERDICTS, pause_after
from service.channels.wechat.mediaids import MediaIds
from service.channels.wechat.sender import WeChatChannel
from service.channels.wechat.tokens import TokenProvider
from service.files import FileStore
from service.messaging.ports import DeliveryError, Failure, Outbound
from tests.factories import MORNING
from tests.fakes import PNG
from tests.wechat_fakes import OPENID, as_json, make_account

SEND, TEMPLATE, SUBSCRIPTION, TYPING, UPLOAD = (
    f"/cgi-bin/{path}"
    for path in (
        "message/custom/send",
        "message/template/send",
        "message/subscribe/bizsend",
        "message/custom/typing",
        "media/upload",
    )
)


@pytest.fixture
def files(tmp_path):
    return FileStore(tmp_path)


@pytest.fixture
def make_channel(redis, platform, files):
    platform.lay(UPLOAD, as_json(type="image", media_id="MEDIA-1", created_at=1))

    def make(**changes: object) -> WeChatChannel:
        url = platform.base_url
        return WeChatChannel(make_account(**changes), TokenProvider(redis, url), url, MediaIds(redis, files, url))

    return make


@pytest.fixture
def channel(make_channel):
    return make_channel()


def outbound(kind: str, **content: object) -> Outbound:
    return Outbound("wechat:main", OPENID, "您好", kind, content)


def bodies(platform, path: str = SEND) -> list[dict[str, object]]:
    return [json.loads(body) for _, body in platform.asked(path)]


def failure_of(channel: WeChatChannel, message: Outbound) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        channel.send(message)
    return raised.value


def test_a_link_card_goes_out_as_one_article(channel, platform):
    channel.send(outbound("news", title="进度 <1>", description="", url="https://x.cn/?a=1&b=2", picurl=""))

    article = {"title": "进度 <1>", "description": "", "url": "https://x.cn/?a=1&b=2", "picurl": ""}
    assert bodies(platform) == [{"touser": OPENID, "msgtype": "news", "news": {"articles": [article]}}]
    assert "<1>" in platform.asked(SEND)[0][1].decode()


def test_a_menu_carries_its_items_and_only_the_words_that_there_are(channel, platform):
    channel.send(outbound("msgmenu", head="请评价", items=[["20015", "满意"], ["20011", "不满意"]], tail=""))

    items = [{"id": "20015", "content": "满意"}, {"id": "20011", "content": "不满意"}]
    assert bodies(platform)[0]["msgmenu"] == {"head_content": "请评价", "list": items}


def test_a_template_message_carries_its_client_id_and_answers_with_the_platforms(channel, platform):
    platform.lay(TEMPLATE, as_json(errcode=0, errmsg="ok", msgid=200228332))

    vendor_id = channel.send(outbound("template", template_id="T1", data={"thing1": "已答复"}, url="u", client_id="c7"))

    assert vendor_id == "200228332"
    body = {"touser": OPENID, "template_id": "T1", "data": {"thing1": {"value": "已答复"}}, "url": "u"}
    assert bodies(platform, TEMPLATE) == [body | {"client_msg_id": "c7"}]


def test_a_subscription_notice_names_its_page(channel, platform):
    platform.lay(SUBSCRIPTION, as_json(errcode=0, msgid="m1"))

    channel.send(outbound("subscription", template_id="T2", data={"phrase2": {"value": "已回复"}}, url="https://x.cn"))

    body = {"touser": OPENID, "template_id": "T2", "page": "https://x.cn", "data": {"phrase2": {"value": "已回复"}}}
    assert bodies(platform, SUBSCRIPTION) == [body]


@pytest.mark.parametrize("code", [40241, 45065])
def test_a_notice_that_the_platform_has_had_already_counts_as_sent(channel, platform, code):
    platform.lay(TEMPLATE, as_json(errcode=code, errmsg="duplicate"))

    assert channel.send(outbound("template", template_id="T1", data={}, client_id="c7")) == ""


@pytest.mark.parametrize("code", [48001, 40200])
def test_a_right_that_is_missing_for_notices_does_not_stop_replies(channel, platform, code):
    platform.lay(TEMPLATE, as_json(errcode=code))
    platform.lay(UPLOAD, as_json(errcode=code))

    assert failure_of(channel, outbound("template", template_id="T1", data={})).kind is Failure.PERMANENT
    assert failure_of(channel, outbound("image", digest=channel.media_ids._files.put(PNG))).kind is Failure.PERMANENT
    platform.lay(SEND, as_json(errcode=code))
    assert failure_of(channel, outbound("news", title="t", url="u")).kind is Failure.HALTED


def test_a_kind_that_nobody_knows_calls_nobody(channel, platform):
    assert failure_of(channel, outbound("wxcard")).kind is Failure.PERMANENT
    assert platform.calls == []


@pytest.mark.parametrize(
    ("kind", "content_type", "suffix"), [("image", "image/png", "png"), ("voice", "audio/amr", "amr")]
)
def test_a_file_is_uploaded_once_and_sent_by_its_id(make_channel, files, platform, kind, content_type, suffix):
    content = {"digest": files.put(PNG), "content_type": content_type}

    for channel in (make_channel(), make_channel()):  # another process does not upload it again
        channel.send(outbound(kind, **content))

    [(query, body)] = platform.asked(UPLOAD)
    assert query == {"access_token": "token-1", "type": kind}
    assert b'name="media"; filename="' in body
    assert f'.{suffix}"'.encode() in body
    assert PNG in body
    assert bodies(platform) == [{"touser": OPENID, "msgtype": kind, kind: {"media_id": "MEDIA-1"}}] * 2


def test_another_account_uploads_the_file_for_itself(make_channel, files, platform):
    content = {"digest": files.put(PNG), "content_type": "image/png"}

    make_channel().send(outbound("image", **content))
    make_channel(slug="second", app_id="wxother").send(outbound("image", **content))

    assert len(platform.asked(UPLOAD)) == 2


def test_the_id_of_an_upload_is_forgotten_before_the_platform_forgets_the_file(channel, files, redis):
    channel.send(outbound("image", digest=files.put(PNG), content_type="image/png"))

    [key] = redis.keys("gongdan:wechat:media:*")
    assert 0 < redis.ttl(key) < 3 * 24 * 3600


def test_a_file_that_the_platform_has_lost_is_uploaded_once_more(channel, files, platform):
    content = {"digest": files.put(PNG), "content_type": "image/png"}
    channel.send(outbound("image", **content))
    platform.lay(UPLOAD, as_json(media_id="MEDIA-2"))
    platform.lay(SEND, as_json(errcode=40007, errmsg="invalid media_id"), as_json(errcode=0))

    channel.send(outbound("image", **content))

    assert [body["image"] for body in bodies(platform)] == [{"media_id": f"MEDIA-{n}"} for n in (1, 1, 2)]
    assert len(platform.asked(UPLOAD)) == 2


def test_a_platform_that_loses_every_upload_is_asked_twice(channel, files, platform):
    platform.lay(SEND, as_json(errcode=40007))

    error = failure_of(channel, outbound("image", digest=files.put(PNG), content_type="image/png"))

    assert (error.kind, error.code) == (Failure.PERMANENT, 40007)
    assert len(platform.asked(SEND)) == len(platform.asked(UPLOAD)) == 2


def test_without_redis_files_are_still_sent(redis, files, platform):
    away = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    platform.lay(UPLOAD, as_json(media_id="MEDIA-1"))
    url = platform.base_url
    channel = WeChatChannel(make_account(), TokenProvider(redis, url), url, MediaIds(away, files, url))

    channel.send(outbound("image", digest=files.put(PNG), content_type="image/png"))

    assert bodies(platform)[0]["image"] == {"media_id": "MEDIA-1"}


@pytest.mark.parametrize("reply", [(0, b"", ""), (502, b"<html>", "text/html"), as_json(errcode=-1), as_json()])
def test_an_upload_that_came_to_nothing_sent_nothing_and_is_tried_again(channel, files, platform, reply):
    platform.lay(UPLOAD, reply)

    error = failure_of(channel, outbound("image", digest=files.put(PNG), content_type="image/png"))

    assert error.kind is Failure.PASSING
    assert platform.asked(SEND) == []


def test_a_file_that_is_gone_from_the_store_fails_at_once(channel, platform):
    error = failure_of(channel, outbound("image", digest="0" * 64, content_type="image/png"))

    assert error.kind is Failure.PERMANENT
    assert platform.asked(UPLOAD) == []


# --- typing


def test_typing_is_shown_and_taken_back(channel, platform):
    platform.lay(TYPING, as_json(errcode=0))

    channel.show_typing(OPENID, on=True)
    channel.show_typing(OPENID, on=False)

    assert bodies(platform, TYPING) == [{"touser": OPENID, "command": c} for c in ("Typing", "CancelTyping")]


@pytest.mark.parametrize("reply", [as_json(errcode=45080), as_json(errcode=45081), (502, b"", ""), (0, b"", "")])
def test_typing_that_the_platform_will_not_show_troubles_nobody(channel, platform, reply, caplog):
    platform.lay(TYPING, reply)

    channel.show_typing(OPENID, on=True)

    assert len(platform.asked(TYPING)) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "changes", [{"notices": {"typing": False}}, {"halted_reason": "x"}, {"active": False}, {"certified": False}]
)
def test_an_account_that_shows_no_typing_calls_nobody(make_channel, platform, changes):
    make_channel(**changes).show_typing(OPENID, on=True)

    assert platform.calls == []


# --- the error table

NAMED = """
-1 40001 40014 42001 40003 40007 40008 40200 43004 50005 43019 44004 45002 45008 45009 45011 45015 45047 45064 48001
48002 48004 48008 50002 70000 88000 40130 40002 40013 40125 40164 40243 41002 41004 43002 50004 50007 89501 89503 89506
89507 41001 40249 43116 43117 40241 43101 47003 40037 41030 45056 45157 45158 45159 45058 45059 45169 45171 45072 45080
45081 40004 40005 40009 40010 40011 40012 45007 45001
"""


def test_every_code_that_the_platform_names_is_in_the_table():
    assert {int(code) for code in NAMED.split()} <= VERDICTS.keys()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (45009, Failure.PASSING),
        (70000, Failure.UNREACHABLE),
        (48008, Failure.PERMANENT),
        (43101, Failure.PERMANENT),
        (40130, Failure.PERMANENT),
    ],
)
def test_what_a_code_means_for_the_message(code, kind):
    assert VERDICTS[code].kind is kind


def test_after_a_limit_nobody_asks_before_the_platforms_next_minute_or_day(channel, platform):
    assert pause_after(45011, MORNING).total_seconds() == 60
    assert (MORNING + pause_after(45009, MORNING)).isoformat() == "2026-03-04T16:01:00+00:00"
    assert not pause_after(-1, MORNING)

    platform.lay(SEND, as_json(errcode=45011))
    assert failure_of(channel, outbound("text")).pause.total_seconds() == 60
