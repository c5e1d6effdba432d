"""A message that opened no ticket becomes a matter after all, because a person says so."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.doorbell import announce
from service.errors import IllegalTransition, NotFound
from service.messaging.followers import Follower
from service.messaging.ports import Contact, Inbound
from service.tickets import intake
from service.tickets import intake_statements as statements
from service.tickets.answering import Case
from service.tickets.changes import Deed
from service.tickets.intake_statements import Met
from service.tickets.models import Message

BECAUSE = "由未建单的消息建单"


def open_from(session: Session, message_id: int, deed: Deed) -> str:
    """Put the message into its follower's open ticket, or open one whose clocks start when it was written.

    Returns the number. Nobody answers the follower by this: the receipt belongs to the answer of a message that has
    just come. Raises NotFound, and IllegalTransition where a colleague has just done it.
    """
    follower_id = session.scalar(select(Message.follower_id).where(Message.id == message_id))
    if follower_id is None:
        raise NotFound("no such message")
    follower = session.get_one(Follower, follower_id, with_for_update={"key_share": True}, populate_existing=True)
    message = session.get_one(Message, message_id, populate_existing=True)
    if message.kept is None or message.ticket_id is not None:
        raise IllegalTransition("the message belongs to a ticket already")
    case = Case(_inbound(message, follower), _met(follower), deed.rules, deed.now)
    if follower.open_ticket_id is not None:
        return _join(session, message, follower.open_ticket_id, case, deed)
    new = intake.new_ticket(case.message, follower.window_closes_at, deed.rules, deed.now)
    new = replace(new, event={**new.event, "actor": deed.actor, "because": BECAUSE})
    opened = statements.open_ticket(
        session, new, follower_id=follower.id, source=follower.last_source, kept_id=message.id
    )
    session.expire(message)
    session.expire(follower)
    announce(session, f"ticket:{opened.number}", "queue")
    return opened.number


def _join(session: Session, message: Message, ticket_id: int, case: Case, deed: Deed) -> str:
    number, asks = intake.customer_writes(session, ticket_id, case, deed)
    message.ticket_id, message.asks, message.kept = ticket_id, asks, None
    announce(session, f"ticket:{number}", "queue")
    return number


def _inbound(message: Message, follower: Follower) -> Inbound:
    """As it came in; no contact, as it is none now and grants nothing."""
    key = f"kept:{message.id}"
    extra = dict(message.extra or {})
    return Inbound(
        follower.channel,
        key,
        follower.address,
        message.kind,
        message.text,
        message.at,
        "",
        Contact.NONE,
        True,
        (),
        extra,
    )


def _met(follower: Follower) -> Met:
    return Met(**{name: getattr(follower, name) for name in Met.__dataclass_fields__})
