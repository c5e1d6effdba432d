"""Followers' files: fetched while the platform has them, and told by their first bytes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels.registry import channel_named
from service.database import reading, transaction
from service.files import FileStore
from service.messaging.ports import DeliveryError, Failure, Media
from service.tickets import attachments
from service.tickets.models import Attachment
from tests.factories import Desk
from tests.fakes import PNG, FakeChannel

GONE = DeliveryError("invalid media_id", kind=Failure.PERMANENT, code=40007)
BUSY = DeliveryError("system busy", kind=Failure.PASSING, code=-1)


@pytest.fixture
def files(desk: Desk) -> FileStore:
    found: FileStore = desk.app.extensions["files"]
    return found


def picture(desk: Desk) -> None:
    desk.says("[图片]", kind="image", media=(Media("MEDIA1", "image"),))


def fetch(desk: Desk, files: FileStore) -> None:
    """What the worker does with files, at this desk's time."""
    with reading() as session:
        ids = list(attachments.pending(session, desk.now))
    for attachment_id in ids:
        with transaction() as session:
            wanted = attachments.claim(session, attachment_id, now=desk.now)
        assert wanted is not None
        try:
            content = channel_named(wanted.channel).fetch(wanted.media)
        except DeliveryError as error:
            with transaction() as session:
                attachments.failed(session, attachment_id, error, now=desk.now)
            continue
        with transaction() as session:
            attachments.store(session, attachment_id, content, files=files, declared=wanted.declared)


def kept() -> Attachment:
    with reading() as session:
        found = session.scalars(select(Attachment).execution_options(populate_existing=True)).one()
        session.expunge(found)
    return found


def test_a_picture_is_stored_by_its_content(desk: Desk, files: FileStore):
    picture(desk)

    fetch(desk, files)

    found = kept()
    assert (found.state, found.content_type, found.size_bytes) == ("stored", "image/png", len(PNG))
    assert files.path(found.digest).read_bytes() == PNG


def test_open_pages_are_told(desk: Desk, files: FileStore, bell):
    picture(desk)
    bell.announced.clear()

    fetch(desk, files)

    assert f"ticket:{desk.newest().number}" in bell.announced


@pytest.mark.parametrize("content", [b"<html><script>alert(1)</script>", b"", b"GIF", b"\x89PNG" + bytes(21 * 2**20)])
def test_what_is_no_picture_voice_or_video_is_not_kept(
    desk: Desk, files: FileStore, channel: FakeChannel, content: bytes
):
    channel.files["MEDIA1"] = content
    picture(desk)

    fetch(desk, files)

    found = kept()
    assert (found.state, found.digest) == ("failed", None)
    assert found.detail


def test_what_fails_is_tried_again_later_each_time_until_the_platform_has_it_no_more(
    desk: Desk, files: FileStore, channel: FakeChannel
):
    channel.fetch_failures = [BUSY] * 200
    picture(desk)
    began, waits = desk.now, []
    while kept().state == "pending":
        fetch(desk, files)
        waits.append(kept().retry_at - desk.now)
        desk.now = max(kept().retry_at, desk.now)

    assert (kept().state, desk.now) == ("expired", began + timedelta(days=3))
    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert max(waits) == timedelta(hours=1)
    assert kept().attempts == len(waits)


def test_a_file_in_the_hands_of_one_worker_is_not_fetched_by_another(desk: Desk):
    picture(desk)
    with transaction() as session:
        file_id = attachments.pending(session, desk.now)[0]
        first = attachments.claim(session, file_id, now=desk.now)
    with transaction() as session:
        second = attachments.claim(session, file_id, now=desk.now)
    desk.later(minutes=2)
    with transaction() as session:
        after_its_worker_died = attachments.claim(session, file_id, now=desk.now)

    assert (first, second) == (attachments.Wanted("wechat:main", Media("MEDIA1", "image"), ""), None)
    assert after_its_worker_died == first


def test_what_the_platform_no_longer_has_is_given_up_at_once(desk: Desk, files: FileStore, channel: FakeChannel):
    channel.fetch_failures = [GONE]
    picture(desk)

    fetch(desk, files)

    assert (kept().state, kept().detail) == ("failed", "invalid media_id")


def test_one_file_sent_twice_is_stored_once(desk: Desk, files: FileStore):
    picture(desk)
    picture(desk)
    fetch(desk, files)

    with reading() as session:
        digests = session.scalars(select(Attachment.digest)).all()
    assert len(digests) == 2
    assert len({files.path(digest) for digest in digests}) == 1
