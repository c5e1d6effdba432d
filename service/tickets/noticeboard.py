"""What a person is told in the app: their own notifications, unread first, and that they have read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, func, select, update
from sqlalchemy.orm import Session

from service.doorbell import announce
from service.errors import InvalidInput, NotFound
from service.people import User
from service.tickets.access import visible_to
from service.tickets.models import Ticket
from service.tickets.notifying import IN_APP, topic_of
from service.tickets.register import Notification

COUNT_CAP = 100  # the bell says "99+" beyond this
NEWS = 5  # toasts of one look
LONGEST_ID = 18  # digits
UNREAD, READ = "u", "r"  # halves of the list, as its cursor has them


@dataclass(frozen=True, slots=True)
class Told:
    """A notification, and its ticket where the person may still see it."""

    row: Notification
    ticket: Ticket | None

    @property
    def number(self) -> str:
        """Of the ticket that it leads to, "" where it leads nowhere."""
        return self.ticket.number if self.ticket else ""


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Told]
    next_cursor: str | None


def page(
    session: Session, user: User, *, kind: str | None = None, unread_only: bool = False, cursor: str | None, limit: int
) -> Page:
    """The person's notifications, unread ones first, of each half the newest first."""
    half, before = _place(cursor) if cursor else (UNREAD, None)
    rows: list[Notification] = []
    if half == UNREAD:
        rows += session.scalars(_half(user, kind, before, is_read=False).limit(limit + 1)).all()
        before = None
    if len(rows) <= limit and not unread_only:
        rows += session.scalars(_half(user, kind, before, is_read=True).limit(limit + 1 - len(rows))).all()
    shown = rows[:limit]
    more = len(rows) > limit
    last = f"{READ if shown[-1].read_at else UNREAD}{shown[-1].id}" if more else None
    return Page(_with_tickets(session, user, shown), last)


def news(session: Session, user: User, *, after: int) -> Sequence[Told]:
    """What came after this one and is unread, the oldest first; the newest few where it is much."""
    query = select(Notification).where(*_of(user), Notification.read_at.is_(None), Notification.id > after)
    rows = session.scalars(query.order_by(Notification.id.desc()).limit(NEWS)).all()
    return _with_tickets(session, user, list(reversed(rows)))


def unread(session: Session, user: User) -> int:
    """How many are unread, counted up to COUNT_CAP."""
    query = select(Notification.id).where(*_of(user), Notification.read_at.is_(None)).limit(COUNT_CAP)
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def newest(session: Session, user: User) -> int:
    """Id of the person's newest notification, 0 if they have none."""
    query = select(Notification.id).where(*_of(user)).order_by(Notification.id.desc()).limit(1)
    return session.scalar(query) or 0


def read(session: Session, user: User, notification_id: int, *, now: datetime) -> Told:
    """The person has read it, which is what its sender waits for. Raises NotFound for another person's."""
    row = session.scalar(select(Notification).where(*_of(user), Notification.id == notification_id).with_for_update())
    if row is None:
        raise NotFound("no such notification")
    if row.read_at is None:
        row.read_at = now
        announce(session, topic_of(user.id))
    return _with_tickets(session, user, [row])[0]


def read_all(session: Session, user: User, *, up_to: int | None, now: datetime) -> int:
    """The person has read everything, or everything up to this one; returns how many were unread."""
    known = () if up_to is None else (Notification.id <= up_to,)
    return _mark(session, user, *known, now=now)


def seen(session: Session, user: User, ticket: Ticket, *, now: datetime) -> int:
    """The person looks at the ticket: what they were told of it is read."""
    return _mark(session, user, Notification.ticket_id == ticket.id, now=now)


def _mark(session: Session, user: User, *condition: ColumnElement[bool], now: datetime) -> int:
    statement = update(Notification).where(*_of(user), Notification.read_at.is_(None), *condition).values(read_at=now)
    done = cast(CursorResult[Any], session.execute(statement.execution_options(synchronize_session=False)))
    if done.rowcount:
        announce(session, topic_of(user.id))
    return done.rowcount


def _of(user: User) -> tuple[ColumnElement[bool], ...]:
    return Notification.user_id == user.id, Notification.way == IN_APP


def _half(user: User, kind: str | None, before: int | None, *, is_read: bool) -> Select[Notification]:
    query = select(Notification).where(*_of(user), _is_read(is_read))
    if kind is not None:
        query = query.where(Notification.kind == kind)
    if before is not None:
        query = query.where(Notification.id < before)
    return query.order_by(Notification.id.desc())


def _is_read(is_read: bool) -> ColumnElement[bool]:
    return Notification.read_at.is_not(None) if is_read else Notification.read_at.is_(None)


def _with_tickets(session: Session, user: User, rows: Sequence[Notification]) -> list[Told]:
    """What was told stays; its ticket is shown to those who may see it today."""
    ids = {row.ticket_id for row in rows if row.ticket_id is not None}
    query = select(Ticket).where(Ticket.id.in_(ids), visible_to(user))
    tickets = {ticket.id: ticket for ticket in session.scalars(query)} if ids else {}
    return [Told(row, tickets.get(row.ticket_id) if row.ticket_id is not None else None) for row in rows]


def _place(cursor: str) -> tuple[str, int]:
    half, text = cursor[:1], cursor[1:]
    if half in (UNREAD, READ) and half and text.isascii() and text.isdigit() and len(text) <= LONGEST_ID:
        return half, int(text)
    raise InvalidInput(cursor="not a cursor of this list")
