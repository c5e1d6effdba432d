"""The worker that brings files: at once, several at a time, playable where that can be had, and never held up."""

import pytest
from sqlalchemy import select

from service import jobs, playable
from service.channels import intake
from service.database import reading
from service.files import FileStore, content_type_of
from service.messaging.ports import DeliveryError, Failure, Inbound, Media
from service.tickets.models import Attachment
from tests.factories import Desk
from tests.fakes import PNG, FakeBell, FakeChannel
from tests.unit.test_files import PNG_OF_A_WALL
from tests.voices import NARROW

BUSY = DeliveryError("微信平台繁忙", kind=Failure.PASSING, code=-1)


@pytest.fixture
def files(desk: Desk) -> FileStore:
    found: FileStore = desk.app.extensions["files"]
    return found


def sends(desk: Desk, content: bytes, channel: FakeChannel, kind: str = "voice", name: str = "V1") -> None:
    channel.files[name] = content
    desk.says(f"[{kind}]", kind=kind, media=(Media(name, kind),))


def kept() -> list[Attachment]:
    with reading() as session:
        found = list(session.scalars(select(Attachment).order_by(Attachment.id)))
        session.expunge_all()
    return found


def test_a_file_is_fetched_as_soon_as_its_message_is_there(now_desk: Desk, bell: FakeBell):
    now_desk.says("[图片]", kind="image", media=(Media("P1", "image"),))

    assert "fetch_media" in bell.rung


def test_a_voice_is_kept_as_it_came_and_as_mp3(now_desk: Desk, channel: FakeChannel, files: FileStore):
    sends(now_desk, NARROW, channel)

    jobs.fetch_media()

    (voice,) = kept()
    assert (voice.state, voice.content_type, voice.size_bytes) == ("stored", "audio/amr", len(NARROW))
    assert voice.digest is not None
    assert voice.playable_digest is not None
    assert files.path(voice.digest).read_bytes() == NARROW
    assert content_type_of(files.path(voice.playable_digest).read_bytes()) == "audio/mpeg"


@pytest.mark.parametrize("content", [b"#!AMR\n", b"#!AMR\n\xff\xff", b"OggS" + bytes(60)])
def test_a_voice_that_cannot_be_decoded_is_kept_for_download(now_desk: Desk, channel: FakeChannel, content: bytes):
    sends(now_desk, content, channel)

    jobs.fetch_media()

    (voice,) = kept()
    assert (voice.state, voice.size_bytes, voice.playable_digest) == ("stored", len(content), None)


def test_a_decoder_that_hangs_holds_nothing_up(now_desk: Desk, channel: FakeChannel, monkeypatch: pytest.MonkeyPatch):
    def gives_up(content: bytes, content_type: str) -> bytes:
        raise playable.NotPlayableError("decoding took too long")

    monkeypatch.setattr(playable, "as_mp3", gives_up)
    sends(now_desk, NARROW, channel)
    sends(now_desk, PNG, channel, "image", "P1")

    jobs.fetch_media()

    assert [(file.state, file.playable_digest) for file in kept()] == [("stored", None)] * 2


def test_speex_of_the_platforms_own_is_taken_at_the_messages_word(now_desk: Desk, channel: FakeChannel):
    channel.files["V1"] = b"\x0f\x00frames"
    for named in ("speex", "amr"):
        media, key = (Media("V1", "voice"),), f"m:{named}"
        message = Inbound(
            "wechat:main", key, "oA", "voice", "[语音]", now_desk.now, "<xml/>", media=media, extra={"Format": named}
        )
        intake.handle(message, now=now_desk.now)

    jobs.fetch_media()

    assert [(file.state, file.content_type) for file in kept()] == [("stored", "audio/speex"), ("failed", None)]


def test_a_picture_that_would_fill_a_browser_is_only_for_download(now_desk: Desk, channel: FakeChannel):
    sends(now_desk, PNG_OF_A_WALL, channel, "image", "P1")

    jobs.fetch_media()

    (picture,) = kept()
    assert (picture.state, picture.content_type) == ("stored", "application/octet-stream")
    assert picture.detail == "图片尺寸过大，只能下载后查看"


def test_one_refusal_does_not_hold_up_the_other_files(now_desk: Desk, channel: FakeChannel):
    for number in range(6):
        sends(now_desk, PNG, channel, "image", f"P{number}")
    channel.fetch_failures = [BUSY]

    jobs.fetch_media()

    states = sorted((file.state, file.attempts, file.detail) for file in kept())
    assert states == [("pending", 1, "微信平台繁忙"), *[("stored", 0, None)] * 5]


def test_messages_get_their_turn_between_many_files(now_desk: Desk, channel: FakeChannel, bell: FakeBell):
    for number in range(jobs.FILES + 1):
        sends(now_desk, PNG, channel, "image", f"P{number}")
    bell.rung.clear()

    jobs.fetch_media()

    assert [file.state for file in kept()].count("stored") == jobs.FILES
    assert bell.rung == ["fetch_media"]


def test_a_fault_of_our_own_is_tried_again_later(now_desk: Desk, channel: FakeChannel, monkeypatch: pytest.MonkeyPatch):
    def breaks(media: Media) -> bytes:
        raise RuntimeError("boom")

    monkeypatch.setattr(channel, "fetch", breaks)
    now_desk.says("[图片]", kind="image", media=(Media("P1", "image"),))

    jobs.fetch_media()

    assert [(file.state, file.attempts) for file in kept()] == [("pending", 1)]
