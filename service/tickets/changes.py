"""The one way a ticket changes: status by the table, clocks by its state, one event, one version more."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import audit
from service.doorbell import announce
from service.messaging.followers import Follower
from service.people import User
from service.rulebook import Rulebook
from service.sla.policy import ClockKind
from service.tickets import breaches, custody, orders
from service.tickets.breaches import Holder
from service.tickets.clocks import Clocks
from service.tickets.models import Ticket
from service.tickets.states import LIVE, OURS, WORKABLE, Action, Status, after

FINISHED = (Status.CLOSED, Status.DECLINED, Status.WITHDRAWN, Status.MERGED, Status.INVALID)
STANDSTILL = {
    Action.NOTE,
    Action.PROPOSE,
    Action.SEND_AGAIN,
    Action.CANCEL,
    Action.DELIVERY,
    Action.OVERDUE,
    Action.CALENDAR,
    Action.CUSTOMER_URGE,
    Action.URGE,
    Action.ESCALATE,
    Action.SUPERVISE,
    Action.ANSWER_ORDER,
    Action.CLOSE_ORDER,
    Action.ASK_EXTENSION,
    Action.EXTEND,
    Action.REFUSE_EXTENSION,
    Action.JUDGE_BREACH,
    Action.APPEAL,
    Action.JUDGE_APPEAL,
    Action.POLICY,
    Action.RATE,
    Action.RECUSE,
    Action.UNRECUSE,
}  # move nothing


@dataclass(frozen=True, slots=True)
class Deed:
    """Who does something, when, and under which rules. `by` None: the system, or the follower."""

    by: User | None
    now: datetime
    rules: Rulebook
    actor_name: str = audit.SYSTEM

    @property
    def actor(self) -> str:
        return self.by.username if self.by else self.actor_name


@contextmanager
def change(
    session: Session,
    ticket: Ticket,
    action: Action,
    deed: Deed,
    *,
    because: str = "",
    was: Mapping[str, object] | None = None,
    also: Mapping[str, object] | None = None,
) -> Iterator[Clocks]:
    """Do `action`: yields the clocks to work on, then writes what follows from it and the event.

    `was` and `also` stand in the event's `before` and `after` beside what changed. Raises IllegalTransition, or
    Recused where the matter is about whoever does it, before anything is changed.
    """
    if deed.by is not None:
        custody.refuse_recused(session, ticket, deed.by, action)
    before = snapshot(session, ticket, deed.rules)
    holder = Holder(ticket.department_id, ticket.assignee_id)
    move(ticket, action)
    clocks = Clocks(session, ticket, deed.rules)
    yield clocks
    if ticket.status in FINISHED:
        _finish(session, ticket, clocks, deed)
    _leave_recused(session, ticket, before["status"])
    custody.follow(ticket, had_by=holder.user_id, now=deed.now, rules=deed.rules)
    clocks.follow_department(now=deed.now)
    clocks.settle_pauses(now=deed.now)
    clocks.breach(now=deed.now)
    clocks.save(now=deed.now)
    breaches.settle(session, ticket, clocks, now=deed.now, holder=holder)
    if ticket.status.value != before["status"]:
        _point_follower(session, ticket)
        if ticket.status in OURS:  # the sweep looks when its window shuts
            ticket.window_warn_at = deed.now
    ticket.version, ticket.updated_at = ticket.version + 1, deed.now
    now_is = snapshot(session, ticket, deed.rules)
    changed = [name for name, value in now_is.items() if value != before[name]]
    audit.record(
        session,
        at=deed.now,
        actor=deed.actor,
        action=action.value,
        ticket_id=ticket.id,
        before={name: before[name] for name in changed} | dict(was or {}),
        after={name: now_is[name] for name in changed} | dict(also or {}),
        because=because,
    )
    tell(session, ticket)


def _finish(session: Session, ticket: Ticket, clocks: Clocks, deed: Deed) -> None:
    """Nothing runs on, and nothing happens by itself any more."""
    orders.end(session, ticket, now=deed.now)
    clocks.cancel(*ClockKind)
    ticket.closed_at, ticket.wake_at, ticket.follow_up_open = ticket.closed_at or deed.now, None, False
    ticket.callback_due_at = ticket.awaits_window = ticket.classify_at = ticket.notice_at = None
    ticket.window_warned = ticket.window_warn_at = None


def _leave_recused(session: Session, ticket: Ticket, was: object) -> None:
    """What is open again does not stay with somebody who keeps away, and may do nothing with it."""
    if ticket.status in WORKABLE and was not in WORKABLE and custody.is_with_recused(session, ticket):
        ticket.assignee_id = None
        move(ticket, Action.HAND_BACK)


def move(ticket: Ticket, action: Action) -> None:
    """Take the ticket where the table says; the only place that assigns a status."""
    if action not in STANDSTILL:
        ticket.status = after(ticket.status, action)


def snapshot(session: Session, ticket: Ticket, rules: Rulebook) -> dict[str, object]:
    """What an event compares: plain values a person can read."""
    assignee = session.get(User, ticket.assignee_id) if ticket.assignee_id else None
    return {
        "status": ticket.status.value,
        "category": ticket.category,
        "priority": ticket.priority,
        "department": rules.department_codes[ticket.department_id],
        "assignee": assignee.username if assignee else None,
        "overdue": ticket.overdue,
        "wake_at": ticket.wake_at and ticket.wake_at.isoformat(),
    }


def mention(
    session: Session,
    ticket: Ticket,
    action: Action,
    *,
    now: datetime,
    because: str = "",
    after: Mapping[str, object] | None = None,
) -> None:
    """An event of the system that changes nothing about the ticket: it was told, tried or noticed."""
    audit.record(
        session,
        at=now,
        actor=audit.SYSTEM,
        action=action.value,
        ticket_id=ticket.id,
        after=after,
        because=because,
    )
    tell(session, ticket)


def tell(session: Session, ticket: Ticket) -> None:
    """Open pages of this ticket and of the queues refetch what they show."""
    announce(session, f"ticket:{ticket.number}", "queue")


def _point_follower(session: Session, ticket: Ticket) -> None:
    """A follower's next message joins the newest live ticket."""
    follower = session.get_one(Follower, ticket.follower_id)
    if ticket.status in LIVE:
        if follower.open_ticket_id is None or follower.open_ticket_id < ticket.id:
            follower.open_ticket_id = ticket.id
    elif follower.open_ticket_id == ticket.id:
        others = select(func.max(Ticket.id)).where(Ticket.follower_id == follower.id, Ticket.status.in_(LIVE))
        follower.open_ticket_id = session.scalar(others)
