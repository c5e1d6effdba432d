"""Followers' files: fetched by a worker while the platform has them, with a state that staff can see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import InvalidInput
from service.files import LARGEST_BYTES, LARGEST_PIXELS, UNTOLD, FileStore, content_type_of, pixels_of
from service.messaging.followers import Follower
from service.messaging.ports import DeliveryError, Failure, Media
from service.tickets.changes import tell
from service.tickets.models import Attachment, Message, Ticket

KEPT_FOR = timedelta(days=3)  # by the platform, from the message on: so long is it worth to try again
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=1)
LEASE = timedelta(minutes=2)  # longer than a download and its conversion may take
SPEEX = "audio/speex"  # the platform's own frames of it have no beginning that would tell


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to be fetched; `declared` is the format that the message names, "" for most."""

    channel: str
    media: Media
    declared: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file is; no content type: it is not kept, and `detail` says why."""

    content_type: str | None
    detail: str | None = None


def pending(session: Session, now: datetime, limit: int = 50) -> Sequence[int]:
    query = select(Attachment.id).where(Attachment.state == "pending", Attachment.retry_at <= now)
    return session.scalars(query.order_by(Attachment.retry_at, Attachment.id).limit(limit)).all()


def claim(session: Session, attachment_id: int, *, now: datetime) -> Wanted | None:
    """Take a due file in hand, so that no other worker fetches it meanwhile; None if there is nothing to do."""
    query = select(Attachment).where(
        Attachment.id == attachment_id, Attachment.state == "pending", Attachment.retry_at <= now
    )
    attachment = session.scalar(query.with_for_update(key_share=True, skip_locked=True))
    if attachment is None:
        return None
    attachment.retry_at = now + LEASE
    sender = select(Follower.channel, Message.extra).join(Message, Message.follower_id == Follower.id)
    row = session.execute(sender.where(Message.id == attachment.message_id)).one()
    media = Media(attachment.media_id, attachment.kind)
    return Wanted(row.channel, media, (row.extra or {}).get("Format", "").lower())


def judge(content: bytes, *, declared: str = "") -> Verdict:
    """Whether a file is a picture, voice or video, by its first bytes."""
    if len(content) > LARGEST_BYTES:
        return Verdict(None, f"文件超过 {LARGEST_BYTES // 1024 // 1024} MB，未保存")
    try:
        content_type = content_type_of(content)
    except InvalidInput:
        return Verdict(SPEEX) if declared == "speex" and content else Verdict(None, "不是图片、语音或视频，未保存")
    if pixels_of(content, content_type) > LARGEST_PIXELS:
        return Verdict(UNTOLD, "图片尺寸过大，只能下载后查看")
    return Verdict(content_type)


def store(
    session: Session,
    attachment_id: int,
    content: bytes,
    *,
    files: FileStore,
    declared: str = "",
    playable: bytes | None = None,
) -> None:
    """Keep the file if it is a picture, voice or video, else say why not; `playable` is a voice as browsers play it."""
    attachment = session.get_one(Attachment, attachment_id, with_for_update={"key_share": True})
    verdict = judge(content, declared=declared)
    attachment.content_type, attachment.detail = verdict.content_type, verdict.detail
    if verdict.content_type is None:
        attachment.state = "failed"
    else:
        attachment.digest, attachment.size_bytes, attachment.state = files.put(content), len(content), "stored"
    if playable is not None:
        attachment.playable_digest = files.put(playable)
    _tell(session, attachment)


def failed(session: Session, attachment_id: int, error: DeliveryError, *, now: datetime) -> None:
    """Count the attempt; try again later unless the platform refused for good or no longer has the file."""
    attachment = session.get_one(Attachment, attachment_id, with_for_update={"key_share": True})
    gone_at = session.get_one(Message, attachment.message_id).at + KEPT_FOR
    attachment.attempts += 1
    attachment.detail, attachment.retry_at = error.reason, now
    if now >= gone_at:
        attachment.state = "expired"
    elif error.kind is Failure.PERMANENT:
        attachment.state = "failed"
    else:
        attachment.retry_at = min(now + _wait(attachment.attempts), gone_at)
    _tell(session, attachment)


def _wait(attempts: int) -> timedelta:
    doublings = min(attempts - 1, 20)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _tell(session: Session, attachment: Attachment) -> None:
    message = session.get_one(Message, attachment.message_id)
    if message.ticket_id is not None:
        tell(session, session.get_one(Ticket, message.ticket_id))
