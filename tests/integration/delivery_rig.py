"""What tests of delivery share: how a send goes wrong, and what is left in the outbox afterwards."""

from sqlalchemy import select

from service.database import reading, transaction
from service.messaging import outbox
from service.messaging.followers import Follower
from service.messaging.outbox import OutboxItem
from service.messaging.ports import DeliveryError, Failure
from service.tickets import delivery
from service.tickets.models import Message, Ticket
from tests.factories import Desk

BUSY = DeliveryError("system busy", kind=Failure.PASSING, code=-1)
SHUT = DeliveryError("response out of time limit", kind=Failure.WINDOW_CLOSED, code=45015)
SPENT = DeliveryError("out of response count limit", kind=Failure.QUOTA_USED, code=45047)
GONE = DeliveryError("require subscribe", kind=Failure.UNREACHABLE, code=43004)
BAD = DeliveryError("content refused", kind=Failure.PERMANENT, code=87014)
LOST = DeliveryError("time-out", kind=Failure.UNKNOWN)


def items(ticket: Ticket) -> list[OutboxItem]:
    with reading() as session:
        ids = session.scalars(select(Message.id).where(Message.ticket_id == ticket.id)).all()
        found = list(outbox.items_of(session, ids))
        session.expunge_all()
    return found


def state(desk: Desk, ticket: Ticket) -> str | None:
    """How the newest reply fared."""
    return next(m.delivery for m in reversed(desk.messages(ticket)) if m.direction == "outbound")


def follower_of(ticket: Ticket) -> Follower:
    with reading() as session:
        found = session.get_one(Follower, ticket.follower_id, populate_existing=True)
        session.expunge(found)
    return found


def shut_window(desk: Desk, ticket: Ticket) -> None:
    """The 48 hours pass with nobody writing."""
    desk.later(days=3)
    desk.sweep()


def state_of(desk: Desk, message: Message) -> str | None:
    with reading() as session:
        return session.scalar(select(Message.delivery).where(Message.id == message.id))


def claim(desk: Desk, ticket: Ticket) -> outbox.Claim:
    """What a worker does before it dies."""
    (item,) = items(ticket)
    with transaction() as session:
        claimed = outbox.claim(session, item.id, now=desk.now)
        delivery.started(session, item.id)
    assert claimed is not None
    return claimed


def expire(desk: Desk) -> None:
    with reading() as session:
        lost = list(outbox.expired(session, desk.now))
    for item_id in lost:
        with transaction() as session:
            delivery.lock_for(session, item_id)
            item = outbox.expire(session, item_id, now=desk.now)
            if item is not None:
                delivery.settled(session, item, now=desk.now, rules=desk.rules)
