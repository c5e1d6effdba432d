"""Followers' files: fetched by a worker while the platform has them, with a state that staff can see."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import InvalidInput
from service.files import FileStore, content_type_of
from service.messaging.followers import Follower
from service.messaging.ports import DeliveryError, Failure, Media
from service.tickets.changes import tell
from service.tickets.models import Attachment, Message, Ticket

MAX_ATTEMPTS = 8


def pending(session: Session, now: datetime, limit: int = 50) -> Sequence[int]:
    query = select(Attachment.id).where(Attachment.state == "pending", Attachment.retry_at <= now)
    return session.scalars(query.order_by(Attachment.retry_at, Attachment.id).limit(limit)).all()


def wanted(session: Session, attachment_id: int) -> tuple[str, Media] | None:
    """Channel and media id of a file that is still to be fetched."""
    query = (
        select(Follower.channel, Attachment.media_id, Attachment.kind)
        .join(Message, Message.id == Attachment.message_id)
        .join(Follower, Follower.id == Message.follower_id)
        .where(Attachment.id == attachment_id, Attachment.state == "pending")
    )
    row = session.execute(query).one_or_none()
    return (row.channel, Media(row.media_id, row.kind)) if row else None


def store(session: Session, attachment_id: int, content: bytes, *, files: FileStore) -> None:
    """Keep the file if its first bytes are those of a picture, voice or video; else say why not."""
    attachment = session.get_one(Attachment, attachment_id, with_for_update={"key_share": True})
    try:
        attachment.content_type = content_type_of(content)
    except InvalidInput as error:
        attachment.state, attachment.detail = "failed", error.detail or str(error)
    else:
        attachment.digest, attachment.size_bytes, attachment.state = files.put(content), len(content), "stored"
    _tell(session, attachment)


def failed(session: Session, attachment_id: int, error: DeliveryError, *, now: datetime) -> None:
    """Count the attempt; try again later unless the platform says the file is gone."""
    attachment = session.get_one(Attachment, attachment_id, with_for_update={"key_share": True})
    attachment.attempts += 1
    attachment.detail = error.reason
    if error.kind is Failure.PERMANENT or attachment.attempts >= MAX_ATTEMPTS:
        attachment.state = "failed"
        _tell(session, attachment)
    else:
        attachment.retry_at = now + timedelta(seconds=5 * 2**attachment.attempts)


def _tell(session: Session, attachment: Attachment) -> None:
    message = session.get_one(Message, attachment.message_id)
    if message.ticket_id is not None:
        tell(session, session.get_one(Ticket, message.ticket_id))
