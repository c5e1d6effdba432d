"""What the code above the channels may rely on, for every channel: a channel joins with a line in MAKERS."""

from datetime import timedelta

import pytest

from service.channels.registry import VENDORS
from service.channels.wechat.sender import WeChatChannel
from service.channels.wechat.tokens import TokenProvider
from service.messaging.ports import Contact, DeliveryError, Failure, Media, Outbound
from tests.wechat_fakes import OPENID, FakePlatform, as_json, make_account


class WeChatRig:
    """An official account on a platform of the tests' own, with the platform's mood as a switch."""

    follower = OPENID

    def __init__(self, platform: FakePlatform, redis) -> None:
        self.platform = platform
        self.redis = redis

    def channel(self, slug: str = "main"):
        return WeChatChannel(
            make_account(slug=slug), TokenProvider(self.redis, self.platform.base_url), self.platform.base_url
        )

    def received(self) -> list[str]:
        """What followers have on their phones."""
        return [body.decode() for _, body in self.platform.asked("/cgi-bin/message/custom/send")]

    def refuse(self) -> None:
        self.platform.lay("/cgi-bin/message/custom/send", as_json(errcode=45015, errmsg="out of time"))

    def fall_silent(self) -> None:
        self.platform.lay("/cgi-bin/message/custom/send", (0, b"", ""))
        self.platform.lay("/cgi-bin/media/get", (0, b"", ""))

    def hold_file(self, content: bytes) -> Media:
        self.platform.lay("/cgi-bin/media/get", (200, content, "image/png"))
        return Media("file-1", "image")


MAKERS = {"wechat": WeChatRig}


@pytest.fixture(params=sorted(VENDORS))
def rig(request, platform, redis):
    return MAKERS[request.param](platform, redis)


def test_a_channel_is_named_after_its_vendor_and_its_account(rig):
    first, second = rig.channel("main"), rig.channel("second")

    assert first.name != second.name
    assert first.name.partition(":")[0] in VENDORS


def test_its_limits_are_usable(rig):
    limits = rig.channel().limits

    assert limits.text_bytes is None or limits.text_bytes >= 100
    assert all(isinstance(contact, Contact) and contact is not Contact.NONE for contact in limits.windows)
    assert all(count > 0 and span > timedelta(0) for count, span in limits.windows.values())


def test_a_message_arrives_once_and_word_for_word(rig):
    channel = rig.channel()

    sent_id = channel.send(Outbound(channel.name, rig.follower, "第一行\n“第二行” <b> & 😀"))

    assert isinstance(sent_id, str)
    assert len(rig.received()) == 1
    assert "“第二行” <b> & 😀" in rig.received()[0]


def test_a_text_of_the_longest_size_is_sent_in_one_piece(rig):
    channel = rig.channel()
    text = "字" * ((channel.limits.text_bytes or 3000) // 3)

    channel.send(Outbound(channel.name, rig.follower, text))

    assert text in rig.received()[0]


def test_a_refusal_is_a_delivery_error_with_a_reason_and_the_vendors_code(rig):
    channel = rig.channel()
    rig.refuse()

    with pytest.raises(DeliveryError) as raised:
        channel.send(Outbound(channel.name, rig.follower, "您好"))

    assert raised.value.kind is not Failure.UNKNOWN
    assert raised.value.reason
    advice = VENDORS[channel.name.partition(":")[0]].advice
    assert raised.value.code is not None
    assert advice(raised.value.code, "zh") != advice(raised.value.code, "en")


def test_silence_after_a_send_is_unknown_and_never_repeated(rig):
    channel = rig.channel()
    rig.fall_silent()

    with pytest.raises(DeliveryError) as raised:
        channel.send(Outbound(channel.name, rig.follower, "您好"))

    assert raised.value.kind is Failure.UNKNOWN
    assert len(rig.received()) == 1


def test_a_file_is_fetched_byte_for_byte(rig):
    media = rig.hold_file(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))

    assert rig.channel().fetch(media) == b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_silence_during_a_download_is_passing(rig):
    media = rig.hold_file(b"x")
    rig.fall_silent()

    with pytest.raises(DeliveryError) as raised:
        rig.channel().fetch(media)

    assert raised.value.kind is Failure.PASSING
