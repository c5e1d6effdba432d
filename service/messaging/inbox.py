"""Every incoming message is a row before it is acknowledged, and is handled exactly once."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import cast

from sqlalchemy import JSON, Executable, Table, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model, partial_index
from service.messaging.ports import Contact, Inbound, Media

MAX_ATTEMPTS = 8  # then a person has to look: `desk check` and the health page name the row


class InboxItem(Model):
    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("channel", "key"),
        partial_index("ix_inbox_unhandled", "handled_at IS NULL", "retry_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    key: Mapped[str]
    follower: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str]
    sent_at: Mapped[datetime]
    raw: Mapped[str]
    contact: Mapped[str]
    matter: Mapped[bool]
    media: Mapped[list[list[str]]] = mapped_column(JSON)
    extra: Mapped[dict[str, str]] = mapped_column(JSON)
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    reply: Mapped[str] = mapped_column(default="")  # what the follower was answered; a repeat gets the same
    attempts: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime]

    def to_inbound(self) -> Inbound:
        return Inbound(
            channel=self.channel,
            key=self.key,
            follower=self.follower,
            kind=self.kind,
            text=self.text,
            sent_at=self.sent_at,
            raw=self.raw,
            contact=Contact(self.contact),
            matter=self.matter,
            media=tuple(Media(*pair) for pair in self.media),
            extra=self.extra,
        )


@cache
def _insert(dialect: str) -> Executable:
    """INSERT that leaves a row with the same key alone; both dialects know ON CONFLICT and spell it alike."""
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = cast(Table, InboxItem.__table__)
    return build(table).on_conflict_do_nothing(index_elements=["channel", "key"]).returning(table.c.id)


def row_of(message: Inbound, *, now: datetime) -> dict[str, object]:
    """The columns of a message that nobody has handled yet."""
    return {
        "channel": message.channel,
        "key": message.key,
        "follower": message.follower,
        "kind": message.kind,
        "text": message.text,
        "sent_at": message.sent_at,
        "raw": message.raw,
        "contact": message.contact.value,
        "matter": message.matter,
        "media": [[m.media_id, m.kind] for m in message.media],
        "extra": dict(message.extra),
        "received_at": now,
        "reply": "",
        "attempts": 0,
        "retry_at": now,
    }


def keep(session: Session, message: Inbound, *, now: datetime, handled_at: datetime | None) -> int | None:
    """Store the message and return its row's id; None if this very message was stored before."""
    row = row_of(message, now=now) | {"handled_at": handled_at}
    found = session.connection().execute(_insert(session.get_bind().dialect.name), row)
    item_id: int | None = found.scalar()
    return item_id


def accept(session: Session, message: Inbound, *, now: datetime) -> bool:
    """Store a message that a worker will handle; False if it was stored before."""
    return keep(session, message, now=now, handled_at=None) is not None


def answer(session: Session, item_id: int, reply: str) -> None:
    """Keep the passive reply for a repeat of the push."""
    session.execute(update(InboxItem).where(InboxItem.id == item_id).values(reply=reply))


def settle(session: Session, item_id: int, *, now: datetime) -> None:
    """Mark an item handled that a webhook had left to a worker."""
    session.execute(update(InboxItem).where(InboxItem.id == item_id).values(handled_at=now))


def earlier_reply(session: Session, channel: str, key: str) -> str:
    """What the first delivery of this message was answered; "" if nothing, or not yet."""
    query = select(InboxItem.reply).where(InboxItem.channel == channel, InboxItem.key == key)
    return session.scalar(query) or ""


def keep_oddity(session: Session, *, channel: str, kind: str, raw: str, now: datetime) -> None:
    """Keep a well-signed document that no message can be made of; the same one is kept once."""
    key = "odd:" + hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()
    message = Inbound(channel=channel, key=key, follower="", kind=kind, text="", sent_at=now, raw=raw, matter=False)
    keep(session, message, now=now, handled_at=now)


def claim(session: Session, item_id: int) -> InboxItem | None:
    """Lock an unhandled item for this transaction; None if it is handled or another worker has it."""
    query = select(InboxItem).where(InboxItem.id == item_id, InboxItem.handled_at.is_(None))
    return session.scalar(query.with_for_update(key_share=True, skip_locked=True))


def unhandled(session: Session, now: datetime, limit: int = 200) -> Sequence[int]:
    """Ids of items that were left behind and are due to be tried (again), oldest first."""
    query = select(InboxItem.id).where(
        InboxItem.handled_at.is_(None), InboxItem.retry_at <= now, InboxItem.attempts < MAX_ATTEMPTS
    )
    return session.scalars(query.order_by(InboxItem.retry_at, InboxItem.id).limit(limit)).all()


def postpone(session: Session, item_id: int, *, now: datetime) -> None:
    """Count a failed attempt and wait longer before the next: 10 s, 20 s, 40 s …"""
    item = session.get(InboxItem, item_id, with_for_update={"key_share": True})
    if item is not None and item.handled_at is None:
        item.attempts += 1
        item.retry_at = now + timedelta(seconds=10 * 2**item.attempts)
