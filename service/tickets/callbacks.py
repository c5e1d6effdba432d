"""Whom to call: followers whose answer waits, or whose reply window shuts before the desk opens again."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from service.messaging.followers import Follower
from service.messaging.outbox import Delivery
from service.people import User
from service.sla.calendar import Calendar
from service.tickets import access, queries
from service.tickets.models import Message, Ticket
from service.tickets.states import OURS
from service.tickets.windows import SHUT

MOST = 200
COUNT_CAP = 1_000


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tickets ask for a call, each counted once; up to COUNT_CAP."""

    waiting: int  # an answer waits for the follower's next contact
    shut: int  # the window has shut while the ticket waits for us
    shutting: int  # the window will shut before the desk opens on the next working day

    @property
    def whole(self) -> int:
        return self.waiting + self.shut + self.shutting


def horizon(calendar: Calendar, now: datetime) -> datetime:
    """When the desk opens on the next working day after today: what WeChat has to carry must be said before."""
    return calendar.next_opening(calendar.midnight_after(now))


def listing(session: Session, user: User, *, now: datetime, until: datetime) -> Sequence[Ticket]:
    """Whom to call, by the time it is due: the call-back, else the window's end, else what the ticket owes."""
    query = queries.for_lists(select(Ticket)).join(Follower, Follower.id == Ticket.follower_id)
    query = query.where(access.visible_to(user), _to_call(until))
    ends = case((Follower.window_closes_at > now, Follower.window_closes_at))
    due = func.coalesce(Ticket.callback_due_at, ends, Ticket.due_at)
    return session.scalars(query.order_by(due.nulls_last(), Ticket.id).limit(MOST)).all()


def tally(
    session: Session, user: User, *, now: datetime, until: datetime, also: ColumnElement[bool] | None = None
) -> Tally:
    """The counts beside the list; `also` narrows them."""
    closes_at = Follower.window_closes_at
    waits, shut = Ticket.callback_due_at.is_not(None), or_(closes_at.is_(None), closes_at <= now)
    kind = select(waits.label("waits"), shut.label("shut")).join(Follower, Follower.id == Ticket.follower_id)
    kind = kind.where(access.visible_to(user), _to_call(until), *([] if also is None else [also]))
    rows = session.execute(kind.limit(COUNT_CAP)).all()
    waiting = sum(bool(row.waits) for row in rows)
    gone = sum(bool(row.shut) for row in rows if not row.waits)
    return Tally(waiting, gone, len(rows) - waiting - gone)


def waiting_words(session: Session, ticket_ids: Sequence[int]) -> dict[int, str]:
    """What each ticket's follower has not been told yet: the replies that wait, in order."""
    query = select(Message.ticket_id, Message.text).where(
        Message.ticket_id.in_(ticket_ids), Message.delivery == Delivery.WAITING.value, Message.direction == "outbound"
    )
    texts: dict[int, list[str]] = defaultdict(list)
    for ticket_id, text in session.execute(query.order_by(Message.id).limit(COUNT_CAP)):
        texts[ticket_id or 0].append(text)
    return {ticket_id: "\n".join(lines) for ticket_id, lines in texts.items()}


def _to_call(until: datetime) -> ColumnElement[bool]:
    return or_(Ticket.callback_due_at.is_not(None), _shuts_before(until))


def _shuts_before(until: datetime) -> ColumnElement[bool]:
    """Tickets that wait for us and whose window has shut, or will by then.

    The ticket's own columns are served by indexes and never say less than the follower's window does.
    """
    looked_up = or_(Ticket.window_warned == SHUT, Ticket.window_warn_at <= until)
    shut = or_(Follower.window_closes_at.is_(None), Follower.window_closes_at <= until)
    return and_(looked_up, Ticket.status.in_(OURS), shut)
