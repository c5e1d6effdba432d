"""The open supervision order of a ticket as a row, for those who must know of it below what is done with it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.tickets.models import Ticket
from service.tickets.register import SupervisionOrder
from service.tickets.states import Action

ENDED = "工单已结束，督办随之结束"


def find_open(session: Session, ticket: Ticket) -> SupervisionOrder | None:
    """The ticket's open order, if there is one."""
    if ticket.supervision is None:
        return None
    query = select(SupervisionOrder).where(SupervisionOrder.ticket_id == ticket.id)
    return session.scalar(query.where(SupervisionOrder.closed_at.is_(None)))


def open_ones(session: Session, tickets: Collection[Ticket]) -> dict[int, SupervisionOrder]:
    """The open orders of these tickets by the ticket's id; no query where none of them is supervised."""
    ids = [ticket.id for ticket in tickets if ticket.supervision is not None]
    if not ids:
        return {}
    query = select(SupervisionOrder).where(SupervisionOrder.ticket_id.in_(ids), SupervisionOrder.closed_at.is_(None))
    return {order.ticket_id: order for order in session.scalars(query)}


def end(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """The ticket has ended, and its open order with it: an event of its own."""
    order = find_open(session, ticket)
    if order is None:
        return
    order.closed_at, order.closed_by, order.verdict = now, audit.SYSTEM, ENDED
    ticket.supervision = None
    audit.record(
        session,
        at=now,
        actor=audit.SYSTEM,
        action=Action.CLOSE_ORDER.value,
        ticket_id=ticket.id,
        before={"level": order.level},
        after={"level": None},
        because=ENDED,
    )
