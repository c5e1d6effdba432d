"""Haste: a colleague urges a ticket (催办), the follower asks again (催单). Both are counted; many open an order."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit import Event
from service.errors import IllegalTransition, TooSoon
from service.tickets import notifying, supervision
from service.tickets.changes import Deed, change
from service.tickets.models import Ticket
from service.tickets.notifying import Matter
from service.tickets.states import WORKABLE, Action


def urge(session: Session, ticket: Ticket, deed: Deed, *, text: str = "") -> None:
    """A colleague asks for haste. Raises TooSoon where the same person has just done so."""
    if ticket.status not in WORKABLE:
        raise IllegalTransition("nobody owes an answer on this ticket any more", ticket_status=ticket.status.value)
    again_at = again_from(session, ticket, deed)
    if again_at is not None:
        raise TooSoon("you have urged this ticket a short while ago", again_at=again_at)
    count = ticket.urges + 1
    with change(session, ticket, Action.URGE, deed, because=text, was={"urges": ticket.urges}, also={"urges": count}):
        ticket.urges = count
    _tell(session, ticket, deed, cause=f"urge:{ticket.id}:{count}", count=count, text=text)
    level = deed.rules.orders.urges.level_at(count)
    if level is not None:
        supervision.demand(session, ticket, deed, level=level, reason=f"第 {count} 次催办")


def again_from(session: Session, ticket: Ticket, deed: Deed) -> datetime | None:
    """When this person may urge the ticket again; None: now."""
    pause = deed.rules.orders.urge_again
    query = select(Event.at).where(Event.ticket_id == ticket.id, Event.at > deed.now - pause)
    query = query.where(Event.action == Action.URGE.value, Event.actor == deed.actor)
    last_at = session.scalar(query.order_by(Event.at.desc()).limit(1))
    return last_at + pause if last_at else None


def urge_by_customer(session: Session, ticket: Ticket, deed: Deed, *, because: str) -> None:
    """The follower asks for haste; how often at most is said where their words are read."""
    count, was = ticket.customer_urges + 1, {"customer_urges": ticket.customer_urges}
    also = {"customer_urges": count}
    with change(session, ticket, Action.CUSTOMER_URGE, deed, because=because, was=was, also=also):
        ticket.customer_urges = count
    _tell(session, ticket, deed, cause=f"customer_urge:{ticket.id}:{count}", count=count, text=because)
    level = deed.rules.orders.customer_urges.level_at(count)
    if level is not None:
        supervision.demand(session, ticket, deed, level=level, reason=f"客户第 {count} 次催单")


def _tell(session: Session, ticket: Ticket, deed: Deed, *, cause: str, count: int, text: str) -> None:
    """The handler hears, and the head too where a colleague urges or nobody has the ticket.

    Facts: count, number, text, actor.
    """
    who = ("handler",) if deed.by is None and ticket.assignee_id is not None else supervision.HANDLERS
    facts = {"count": count, "number": ticket.number, "text": text, "actor": deed.actor}
    notifying.tell(session, Matter(cause, "urge", ticket, facts, who=who), deed)
