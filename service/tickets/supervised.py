"""The list of supervision orders: bounded, with a tie-break, of the tickets that the person sees and answers for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from service.people import User
from service.sla.ladder import LEVELS
from service.tickets.access import overseen_by
from service.tickets.models import Ticket
from service.tickets.queries import COUNT_CAP, Page, decode_cursor, encode_cursor
from service.tickets.register import SupervisionOrder

Order = SupervisionOrder
OPEN = Order.closed_at.is_(None)
STATES: Mapping[str, ColumnElement[bool]] = {  # in the order of the tabs
    "open": OPEN,
    "missed": and_(OPEN, Order.answered_at.is_(None), Order.missed_at.is_not(None)),
    "answered": and_(OPEN, Order.answered_at.is_not(None)),
    "closed": Order.closed_at.is_not(None),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of orders is asked for; None means any."""

    state: str = "open"
    level: str | None = None
    department_id: int | None = None
    limit: int = 50
    cursor: str | None = None


def listing(session: Session, user: User, wanted: Wanted) -> Page[SupervisionOrder]:
    """One page: open ones by when their answer is due, closed ones with the newest first."""
    query = select(Order).join(Order.ticket).where(*_conditions(user, wanted))
    newest_first = wanted.state == "closed"
    column = Order.closed_at if newest_first else Order.due_at
    if wanted.cursor:
        at, row_id = decode_cursor(wanted.cursor)
        beyond = (column < at, Order.id < row_id) if newest_first else (column > at, Order.id > row_id)
        query = query.where(or_(beyond[0], and_(column == at, beyond[1])))
    order = (column.desc(), Order.id.desc()) if newest_first else (column, Order.id)
    what = contains_eager(Order.ticket).options(
        joinedload(Ticket.follower), joinedload(Ticket.department), joinedload(Ticket.assignee)
    )
    found = session.scalars(query.options(what).order_by(*order).limit(wanted.limit + 1)).all()
    if len(found) <= wanted.limit:
        return Page(found, None)
    last = found[wanted.limit - 1]
    return Page(found[: wanted.limit], encode_cursor(last.closed_at if newest_first else last.due_at, last.id))


def counts(session: Session, user: User, wanted: Wanted) -> dict[str, int]:
    """How many orders each tab of open ones holds; of closed ones there is no end."""
    return {state: count(session, user, replace(wanted, state=state)) for state in STATES if state != "closed"}


def count(session: Session, user: User, wanted: Wanted) -> int:
    """How many orders these are, counted up to COUNT_CAP."""
    some = select(Order.id).join(Order.ticket).where(*_conditions(user, wanted)).limit(COUNT_CAP).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def levels(session: Session, user: User, wanted: Wanted) -> dict[str, int]:
    """How many open orders of the wanted department have which level."""
    asked = replace(wanted, state="open", level=None)
    query = select(Order.level, func.count(Order.id)).join(Order.ticket).where(*_conditions(user, asked))
    found = {row[0]: row[1] for row in session.execute(query.group_by(Order.level))}
    return {level: found.get(level, 0) for level in LEVELS}


def _conditions(user: User, wanted: Wanted) -> list[ColumnElement[bool]]:
    parts = [STATES[wanted.state], overseen_by(user)]
    if wanted.level is not None:
        parts.append(Order.level == wanted.level)
    if wanted.department_id is not None:
        parts.append(Ticket.department_id == wanted.department_id)
    return parts


def state_of(order: SupervisionOrder) -> str:
    """Where an order stands: open, missed, answered or closed."""
    if order.closed_at is not None:
        return "closed"
    if order.answered_at is not None:
        return "answered"
    return "missed" if order.missed_at is not None else "open"
