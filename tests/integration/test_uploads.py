"""Files for a reply: told by their first bytes, within the platform's limits, and only their author's to send."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service.database import reading, transaction
from service.errors import InvalidInput, LastMessage, NotFound
from service.files import FileStore
from service.people import User
from service.tickets import uploads
from service.tickets.handling import Link
from service.tickets.models import Attachment, Ticket
from service.tickets.uploads import Upload
from tests.factories import Desk
from tests.fakes import PNG, FakeChannel
from tests.integration.delivery_rig import items

AMR = b"#!AMR\n" + b"\x7c" * 100
LINK = Link("https://example.org/t/1", "办理指南", "共三步")


@pytest.fixture
def files(app: Flask) -> FileStore:
    found: FileStore = app.extensions["files"]
    return found


def upload(desk: Desk, files: FileStore, user: User, content: bytes = PNG) -> int:
    with transaction() as session:
        return uploads.keep(session, user, uploads.checked(content), files=files, now=desk.now).id


def attachments(ticket: Ticket, desk: Desk) -> list[Attachment]:
    message = desk.messages(ticket)[-1]
    with reading() as session:
        found = list(session.scalars(select(Attachment).where(Attachment.message_id == message.id)))
        session.expunge_all()
    return found


def huge_png(width: int, height: int) -> bytes:
    return PNG[:8] + b"\x00\x00\x00\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes(8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7", "PNG, JPEG or GIF"),
        (b"", "PNG, JPEG or GIF"),
        (b"<svg onload=alert(1)>", "PNG, JPEG or GIF"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(99), "PNG, JPEG or GIF"),
        (PNG + bytes(10 * 1024 * 1024), "10 MB"),
        (b"#!AMR\n" + b"\x3c" * (2 * 1024 * 1024), "2 MB"),
        (b"#!AMR\n" + b"\x7c" * 3001, "60 seconds"),
        (b"#!AMR-WB\n" + b"\x7c" * 10, "cannot be read"),
        (b"ID3" + bytes(20), "cannot be read"),
        (huge_png(60_000, 60_000), "too many pixels"),
    ],
)
def test_what_a_telephone_would_not_take_is_refused_with_the_reason(content: bytes, sentence: str):
    with pytest.raises(InvalidInput) as refused:
        uploads.checked(content)

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("content", "kind", "seconds"), [(PNG, "image", None), (b"GIF89a" + bytes(9), "image", None), (AMR, "voice", 2.0)]
)
def test_a_file_is_told_by_its_first_bytes(content: bytes, kind: str, seconds: float | None):
    file = uploads.checked(content)

    assert (file.kind, file.seconds) == (kind, seconds)


def test_a_reply_with_files_and_a_link_is_one_message_in_several_sends(
    desk: Desk, channel: FakeChannel, files: FileStore, agent: User
):
    ticket = desk.ticket()
    picture, voice = upload(desk, files, agent), upload(desk, files, agent, AMR)

    desk.reply(ticket, agent, "请看附件", files=[voice, picture], link=LINK)
    desk.deliver()

    assert [(m.kind, m.text) for m in channel.sent] == [
        ("text", "请看附件"),
        ("voice", "[语音]"),
        ("image", "[图片]"),
        ("news", "办理指南\nhttps://example.org/t/1"),
    ]
    assert channel.sent[-1].content["description"] == "共三步"
    assert files.path(str(channel.sent[2].content["digest"])).read_bytes() == PNG
    message = desk.messages(ticket)[-1]
    assert (message.kind, message.text, message.delivery) == ("text", "请看附件", "sent")
    assert message.extra is not None
    assert message.extra["Url"] == "https://example.org/t/1"
    assert [(a.kind, a.state) for a in attachments(ticket, desk)] == [("voice", "stored"), ("image", "stored")]
    assert desk.reread(ticket).follower.messages_left == 1


def test_a_reply_of_a_file_alone_says_so_in_words(desk: Desk, channel: FakeChannel, files: FileStore, agent: User):
    ticket = desk.ticket()

    desk.reply(ticket, agent, " ", files=[upload(desk, files, agent)])
    desk.deliver()

    message = desk.messages(ticket)[-1]
    assert (message.kind, message.text) == ("image", "[图片]")
    assert [m.kind for m in channel.sent] == ["image"]


def test_every_file_counts_when_the_last_message_is_kept(desk: Desk, files: FileStore, agent: User):
    ticket = desk.ticket()
    ids = [upload(desk, files, agent) for _ in range(4)]

    with pytest.raises(LastMessage):
        desk.reply(ticket, agent, "请看附件", "interim", files=ids)

    desk.reply(ticket, agent, "请看附件", "interim", files=ids[1:])
    assert len(items(ticket)) == 4


@pytest.mark.parametrize("via", ["phone", "in_person"])
def test_files_and_links_go_out_by_the_channel_only(desk: Desk, files: FileStore, agent: User, via: str):
    ticket = desk.ticket()

    with pytest.raises(InvalidInput):
        desk.reply(ticket, agent, "已电话告知王先生结果", via=via, files=[upload(desk, files, agent)])
    with pytest.raises(InvalidInput):
        desk.reply(ticket, agent, "已电话告知王先生结果", via=via, link=LINK)


def test_nobody_sends_a_colleagues_upload(desk: Desk, files: FileStore, agent: User):
    ticket, other = desk.ticket(), desk.person("wang", "agent", "QGB")
    theirs = upload(desk, files, other)

    with pytest.raises(InvalidInput):
        desk.reply(ticket, agent, "请看附件", files=[theirs])
    with reading() as session, pytest.raises(NotFound):
        uploads.get_own(session, agent, theirs)

    assert items(ticket) == []


def test_a_reply_carries_nine_files_at_most(desk: Desk, files: FileStore, agent: User):
    ids = [upload(desk, files, agent) for _ in range(10)]

    with pytest.raises(InvalidInput):
        desk.reply(desk.ticket(), agent, "请看附件", files=ids)


def test_a_blank_stretch_of_a_long_text_does_not_become_a_message(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()

    desk.reply(ticket, agent, "字" * 682 + "\n" * 2048)
    desk.deliver()

    assert channel.texts
    assert all(text.strip() for text in channel.texts)
    assert desk.messages(ticket)[-1].delivery == "sent"


def test_an_account_that_cannot_send_gives_a_link_in_words_and_refuses_files(
    app: Flask, desk: Desk, files: FileStore, agent: User
):
    ticket = desk.ticket()
    app.extensions["channels"]["wechat:main"] = FakeChannel("wechat:main", can_send=False)

    with pytest.raises(InvalidInput):
        desk.reply(ticket, agent, "请看附件", files=[upload(desk, files, agent)])
    desk.reply(ticket, agent, "请看", link=LINK)

    assert [(i.kind, i.text) for i in items(ticket)] == [
        ("text", "请看"),
        ("text", "办理指南\nhttps://example.org/t/1"),
    ]


def test_an_upload_that_lay_for_a_day_is_forgotten(desk: Desk, files: FileStore, agent: User):
    upload(desk, files, agent)
    desk.now += timedelta(hours=25)
    upload(desk, files, agent, AMR)

    with reading() as session:
        assert list(session.scalars(select(Upload.kind))) == ["voice"]
