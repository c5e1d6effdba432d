"""What followers write on their pages: the same to a ticket as a message by WeChat, but about the ticket they chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service.messaging import inbox
from service.messaging.followers import Follower
from service.messaging.ports import Contact, Inbound, Limits
from service.rulebook import Rulebook
from service.tickets import intake, locks
from service.tickets.models import Attachment, Message, Ticket
from service.tickets.states import LIVE, Status

PICTURE = "[图片]"
BY_PAGE = {"via": "page"}  # in the message's extra: not by WeChat, so it opens no reply window


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that lies in the file store."""

    digest: str
    content_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Addition:
    """What a follower sent off; `once` tells a second sending of the same form."""

    text: str
    pictures: Sequence[Picture]
    once: str


@dataclass(frozen=True, slots=True)
class Added:
    """Where it went; `is_new`: to a ticket that it opened. `number` None: it is kept and belongs to no ticket.

    `reply` is what a message by WeChat would have been answered at once, "" for nothing.
    """

    number: str | None
    is_new: bool
    reply: str


def add(
    session: Session, ticket_id: int, addition: Addition, *, limits: Limits, rules: Rulebook, now: datetime
) -> Added | None:
    """Take the addition in: it joins a ticket that is open, else it opens a new one that is linked with it.

    None if this very form came before.
    """
    ticket = _live_one(session, locks.lock_ticket(session, ticket_id))
    follower = session.get_one(Follower, ticket.follower_id)
    message = _inbound(follower, addition, now)
    item_id = inbox.keep(session, message, now=now, handled_at=now)
    if item_id is None:
        return None
    is_open = ticket.status in LIVE
    _point(session, follower, ticket.id if is_open else None)
    reply = intake.receive(session, message, item_id=item_id, limits=limits, rules=rules, now=now)
    written = _written(session, follower.id, now)
    for picture in addition.pictures:
        session.add(_attachment(written, picture, now))
    _point(session, follower, _newest_open(session, follower.id))
    session.flush()
    if written.ticket_id is None:
        return Added(None, is_new=False, reply=reply)
    joined = session.get_one(Ticket, written.ticket_id, populate_existing=True)
    if not is_open and joined.repeat_of_id is None and joined.id != ticket.id:
        joined.repeat_of_id = ticket.id
    return Added(joined.number, is_new=not is_open, reply=reply)


def _live_one(session: Session, ticket: Ticket) -> Ticket:
    """The ticket, or the one that it was merged into, however often."""
    seen = {ticket.id}
    while ticket.status is Status.MERGED and ticket.merged_into_id is not None and ticket.merged_into_id not in seen:
        seen.add(ticket.merged_into_id)
        ticket = locks.lock_ticket(session, ticket.merged_into_id)
    return ticket


def _inbound(follower: Follower, addition: Addition, now: datetime) -> Inbound:
    return Inbound(
        channel=follower.channel,
        key=f"p:{follower.id}:{addition.once}",
        follower=follower.address,
        kind="image" if addition.pictures else "text",
        text=addition.text or PICTURE,
        sent_at=now,
        raw="",
        contact=Contact.NONE,
        extra=BY_PAGE,
    )


def _point(session: Session, follower: Follower, ticket_id: int | None) -> None:
    """Let the next message join this ticket, or open one."""
    session.flush()
    session.execute(update(Follower).where(Follower.id == follower.id).values(open_ticket_id=ticket_id))
    session.expire(follower)


def _newest_open(session: Session, follower_id: int) -> int | None:
    query = select(func.max(Ticket.id)).where(Ticket.follower_id == follower_id, Ticket.status.in_(LIVE))
    newest: int | None = session.scalar(query)
    return newest


def _written(session: Session, follower_id: int, now: datetime) -> Message:
    """The message that intake has just made of it; nobody else writes one while the follower is locked."""
    query = select(Message).where(Message.follower_id == follower_id, Message.at == now, Message.direction == "inbound")
    return session.scalars(query.order_by(Message.id.desc()).limit(1)).one()


def _attachment(message: Message, picture: Picture, now: datetime) -> Attachment:
    stored = Attachment(message_id=message.id, media_id="", kind="image", state="stored", attempts=0, retry_at=now)
    stored.digest, stored.content_type, stored.size_bytes = picture.digest, picture.content_type, picture.size_bytes
    return stored
