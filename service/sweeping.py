"""The sweep: one look for rows whose instant has passed, then a batch of each kind in turn until none is full."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import ModuleType

from sqlalchemy import ColumnElement, ScalarSelect, func, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute

from service.channels.outages import is_database_away
from service.channels.registry import channel_named
from service.clock import utcnow
from service.database import reading, transaction
from service.errors import NotFound
from service.messaging import outbox
from service.messaging.outbox import OutboxItem
from service.messaging.ports import Limits
from service.rulebook import Rulebook
from service.tickets import (
    appeals,
    assigning,
    delivery,
    escalation,
    extensions,
    invitations,
    locks,
    notices,
    notifying,
    supervision,
    suspensions,
    sweeps,
    windows,
)
from service.tickets.models import ClockRow, Ticket
from service.tickets.register import Appeal, ExtensionRequest, Notification, SupervisionOrder

log = logging.getLogger(__name__)

SECONDS = 3.0  # of one ring: whoever has just written waits behind it to be classified
Instant = InstrumentedAttribute[datetime | None]


def limits_of(channel: str) -> Limits | None:
    try:
        return channel_named(channel).limits
    except NotFound:
        return None


def earliest(instant: Instant, *more: ColumnElement[bool]) -> ScalarSelect[datetime | None]:
    """The first of the instants that are set; an index of only such rows has it in front.

    Not "is there one that has passed": PostgreSQL would sooner or later look for that in the whole table, for it does
    not know what "now" stands for.
    """
    return select(func.min(instant)).where(instant.is_not(None), *more).scalar_subquery()


def is_one(column: InstrumentedAttribute[str | None], value: str) -> ColumnElement[bool]:
    """Said as it stands in the condition of the index, which no parameter would match."""
    return column == literal_column(f"'{value}'")


@dataclass(frozen=True, slots=True)
class Sweep:
    """Something that happens by itself: from `due_at` on `step` has something to look at, so many rows at a time."""

    module: ModuleType  # says how many: its BATCH
    step: Callable[..., int]
    due_at: ScalarSelect[datetime | None]


UNANSWERED = (SupervisionOrder.answered_at, SupervisionOrder.closed_at, SupervisionOrder.missed_at)
UNDECIDED = (Appeal.decided_at, Appeal.missed_at)
RED = (SupervisionOrder.closed_at.is_(None), is_one(SupervisionOrder.level, notifying.RED))
SWEEPS = (  # the most urgent first
    Sweep(sweeps, sweeps.mark_overdue, earliest(Ticket.breach_at)),
    Sweep(assigning, assigning.assign_due, earliest(Ticket.wants_assignee_at)),
    Sweep(locks, assigning.return_due, earliest(Ticket.pool_return_at)),
    Sweep(escalation, escalation.escalate_due, earliest(ClockRow.next_rung_at)),
    Sweep(supervision, supervision.miss_due, earliest(SupervisionOrder.due_at, *(at.is_(None) for at in UNANSWERED))),
    Sweep(locks, sweeps.wake, earliest(Ticket.wake_at)),
    Sweep(extensions, extensions.lapse_due, earliest(ExtensionRequest.at, is_one(ExtensionRequest.state, "pending"))),
    Sweep(locks, suspensions.remind_due, earliest(Ticket.remind_at)),
    Sweep(appeals, appeals.late_due, earliest(Appeal.answer_by, *(at.is_(None) for at in UNDECIDED))),
    Sweep(notifying, notifying.unread_due, earliest(Notification.answer_by)),
    Sweep(notifying, notifying.remind_red, earliest(SupervisionOrder.opened_at, *RED)),
    Sweep(windows, partial(windows.warn_due, limits_of=limits_of), earliest(Ticket.window_warn_at)),
    Sweep(locks, partial(notices.send_due, limits_of=limits_of), earliest(Ticket.notice_at)),
    Sweep(locks, partial(invitations.invite_due, limits_of=limits_of), earliest(Ticket.invite_at)),
)
LEASES = earliest(OutboxItem.leased_until, is_one(OutboxItem.state, outbox.Delivery.SENDING.value))
# one question for all of them: a transaction for each cost ten times as much, with nothing due
LOOK = select(*(sweep.due_at for sweep in SWEEPS), LEASES)


def sweep(rules: Rulebook) -> bool:
    """Take all that is due, each batch in its own transaction; False where that is more than one ring is for."""
    with reading() as session:
        *due, leases_end_at = session.execute(LOOK).one()
    now, until = utcnow(), time.monotonic() + SECONDS
    left = _turn([each for each, at in zip(SWEEPS, due, strict=True) if at is not None and at <= now], rules)
    while left and time.monotonic() < until:
        left = _turn(left, rules)
    if leases_end_at is not None and leases_end_at <= now:
        _expire_leases(rules)
    return not left


def _turn(due: Sequence[Sweep], rules: Rulebook) -> Sequence[Sweep]:
    """A batch of each; those that had a whole one, and perhaps have more."""
    return [each for each in due if _batch(each, rules) >= each.module.BATCH]


def _batch(due: Sweep, rules: Rulebook) -> int:
    """How many rows a step looked at; one that fails must not hold up the others."""
    try:
        with transaction() as session:
            return due.step(session, now=utcnow(), rules=rules)
    except Exception as error:
        if is_database_away(error):
            raise
        log.exception("sweep failed", extra={"step": getattr(due.step, "func", due.step).__name__})
        return 0


def _expire_leases(rules: Rulebook) -> None:
    """Messages whose sender has died have perhaps arrived."""
    with reading() as session:
        lost = list(outbox.expired(session, utcnow()))
    for item_id in lost:
        with transaction() as session:
            delivery.lock_for(session, item_id)
            item = outbox.expire(session, item_id, now=utcnow())
            if item is not None:
                delivery.settled(session, item, now=utcnow(), rules=rules)
