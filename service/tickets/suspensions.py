"""How long a ticket may stand suspended (挂起), and the reminders to ask the customer again meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit import Event
from service.errors import InvalidInput
from service.rulebook import Rulebook
from service.sla.allowances import days_between, latest_end, opening_of_day
from service.sla.calendar import Calendar
from service.tickets import locks, notifying, receipts
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.notifying import Matter
from service.tickets.states import Action, Status

MOST_EVENTS = 2_000


@dataclass(frozen=True, slots=True)
class Room:
    """What a suspension that begins now may last: `days` working days of `left` that the ticket has, up to `latest`."""

    days: int
    left: int
    latest: datetime


def room(session: Session, ticket: Ticket, rules: Rulebook, now: datetime) -> Room:
    allowed, calendar = rules.allowances.suspension, rules.calendar_for(ticket.department_id)
    left = max(0, allowed.days_in_all - days_used(session, ticket, calendar, now))
    days = min(left, allowed.days_each)
    return Room(days, left, latest_end(now, days, calendar))


def refuse_longer(session: Session, ticket: Ticket, deed: Deed, until: datetime) -> None:
    """Raises InvalidInput where a suspension until then would be longer than what is left."""
    allowed, calendar = deed.rules.allowances.suspension, deed.rules.calendar_for(ticket.department_id)
    left = room(session, ticket, deed.rules, deed.now)
    wanted = days_between(deed.now, until, calendar, most=allowed.days_in_all)
    if wanted <= left.days:
        return
    if not left.left:
        raise InvalidInput(until=f"the ticket has been suspended for all of its {allowed.days_in_all} working days")
    latest = f"{left.latest.astimezone(deed.rules.zone):%Y-%m-%d %H:%M}"
    if left.left < allowed.days_each:
        raise InvalidInput(
            until=f"{left.left} of {allowed.days_in_all} working days of suspension are left: {latest} at the latest"
        )
    raise InvalidInput(until=f"a suspension lasts at most {allowed.days_each} working days: {latest} at the latest")


def days_used(session: Session, ticket: Ticket, calendar: Calendar, now: datetime) -> int:
    """Working days for which the ticket has stood suspended, as its history tells."""
    return sum(days_between(start, end or now, calendar) for start, end in spans(session, ticket))


def spans(session: Session, ticket: Ticket) -> Iterator[tuple[datetime, datetime | None]]:
    """From when to when it was suspended; None for the one that lasts."""
    query = select(Event.at, Event.before, Event.after).where(Event.ticket_id == ticket.id)
    began = None
    for at, before, after in session.execute(query.order_by(Event.at, Event.id).limit(MOST_EVENTS)):
        if after.get("status") == Status.SUSPENDED.value:
            began = at
        elif began is not None and before.get("status") == Status.SUSPENDED.value:
            yield began, at
            began = None
    if began is not None:
        yield began, None


# ---- reminders


def next_reminder(
    start: datetime, until: datetime, now: datetime, rules: Rulebook, calendar: Calendar
) -> datetime | None:
    """When the handler is next told to ask the customer again; None: no more before it ends."""
    days = rules.allowances.suspension.remind_on_days
    ahead = (opening_of_day(start, day, calendar) for day in days)
    return min((at for at in ahead if now < at < until), default=None)


def remind_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Tell handlers that it is time to ask the customer again; returns how many tickets were looked at."""
    due = locks.lock_due(session, Ticket.remind_at, now=now)
    for ticket in due:
        at, ticket.remind_at = ticket.remind_at, None
        if ticket.status is not Status.SUSPENDED or ticket.wake_at is None or at is None:
            continue
        start = suspended_since(session, ticket) or at
        calendar = rules.calendar_for(ticket.department_id)
        ticket.remind_at = next_reminder(start, ticket.wake_at, now, rules, calendar)
        facts = {"what": "remind", "number": ticket.number, "text": reminder(ticket, rules, now)}
        matter = Matter(f"suspension:{ticket.id}:{at.isoformat()}", "suspension", ticket, facts, who=("handler",))
        notifying.tell(session, matter, Deed(by=None, now=now, rules=rules))
    return len(due)


def suspended_since(session: Session, ticket: Ticket) -> datetime | None:
    """Since when it stands suspended."""
    query = select(Event.at).where(Event.ticket_id == ticket.id, Event.action == Action.SUSPEND.value)
    return session.scalar(query.order_by(Event.at.desc(), Event.id.desc()).limit(1))


def reminder_since(session: Session, ticket: Ticket, rules: Rulebook, now: datetime) -> datetime | None:
    """The last time that a reminder fell due in the suspension that lasts; None before the first."""
    if ticket.status is not Status.SUSPENDED:
        return None
    start, calendar = suspended_since(session, ticket), rules.calendar_for(ticket.department_id)
    if start is None:
        return None
    days = rules.allowances.suspension.remind_on_days
    return max((at for day in days if (at := opening_of_day(start, day, calendar)) <= now), default=None)


def reminder(ticket: Ticket, rules: Rulebook, now: datetime) -> str:
    """The draft that asks the customer again; sent by the handler, never by itself."""
    promise = receipts.local(ticket.wake_at, now, rules) if ticket.wake_at else ""
    values = {"number": ticket.number, "reason": ticket.suspend_reason or "", "promise": promise}
    return receipts.filled(rules.text("suspension_reminder", ticket.channel), values)
