"""Due times of open tickets after a change of the calendar: each ticket once, in batches, no promise shortened.

A ticket keeps the version of the calendar with which its clocks were computed, and takes the new one in the same
transaction: a killed worker leaves whole batches behind, and two workers never meet on a ticket.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from service.rulebook import Rulebook
from service.sla.calendar import Calendar
from service.sla.clocks import Clock, derived_due
from service.sla.policy import ClockKind
from service.tickets.changes import Deed, change
from service.tickets.clocks import Clocks
from service.tickets.models import Ticket
from service.tickets.states import Action

BATCH = 200
Changed = Mapping[ClockKind, tuple[Clock, Clock]]


def recompute_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Bring up to BATCH open tickets to the present calendar; returns how many. Safe beside other workers."""
    query = select(Ticket).where(Ticket.closed_at.is_(None), Ticket.calendar_version < rules.calendar_version)
    query = query.order_by(Ticket.calendar_version, Ticket.id).limit(BATCH)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    query = query.options(joinedload(Ticket.follower), selectinload(Ticket.clocks))
    tickets = session.scalars(query.execution_options(populate_existing=True)).all()
    for ticket in tickets:
        recompute(session, ticket, Deed(by=None, now=now, rules=rules))
    return len(tickets)


def recompute(session: Session, ticket: Ticket, deed: Deed) -> None:
    """One ticket on the present calendar; an event where a clock is due later, or no longer provisionally."""
    changed = Clocks(session, ticket, deed.rules).recalculate(now=deed.now)
    if changed:
        calendar = deed.rules.calendar_for(ticket.department_id)
        was = told({kind: before for kind, (before, _) in changed.items()})
        also = told({kind: after for kind, (_, after) in changed.items()})
        because = reason(changed, calendar)
        with change(session, ticket, Action.CALENDAR, deed, because=because, was=was, also=also) as clocks:
            clocks.recalculate(now=deed.now)
    ticket.calendar_version = deed.rules.calendar_version


def told(clocks: Mapping[ClockKind, Clock]) -> dict[str, object]:
    """What an event keeps of clocks."""
    due = {f"{kind.value}_due_at": clock.due_at and clock.due_at.isoformat() for kind, clock in clocks.items()}
    return due | {"provisional": any(clock.provisional for clock in clocks.values())}


def reason(changed: Changed, calendar: Calendar) -> str:
    """Which year's calendar it is, and whether a promise stands although it would be due earlier."""
    words = []
    for before, after in changed.values():
        assert before.due_at is not None and after.due_at is not None  # noqa: S101, PT018 - a stored clock is due
        year = calendar.day_of(after.due_at).year
        announced = before.provisional and not after.provisional
        words.append(f"{year} 年日历已确认" if announced else f"{year} 年日历有变更")
    kept = any(is_kept(clock, calendar) for _, clock in changed.values())
    return "；".join([*dict.fromkeys(words), *(["原承诺不缩短"] if kept else [])])


def is_kept(clock: Clock, calendar: Calendar) -> bool:
    """Whether the clock would be due earlier on this calendar than it is."""
    if clock.target is None or clock.started_at is None or clock.due_at is None:
        return False
    return derived_due(clock.target, clock.started_at, clock.pauses, calendar)[0] < clock.due_at
