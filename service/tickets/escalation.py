"""The ladder at work: a clock that reaches a rung tells those who should know, once, however many schedulers look."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.rulebook import Rulebook
from service.sla.ladder import Reached
from service.sla.policy import ClockKind
from service.tickets import locks, notifying, supervision
from service.tickets.changes import Deed, mention
from service.tickets.clocks import clock_of
from service.tickets.models import ClockRow, Ticket
from service.tickets.register import Escalation
from service.tickets.states import Action

BATCH = 100  # tickets of one transaction


def escalate_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Take the rungs that clocks have reached; returns how many tickets were looked at.

    A ticket is locked, its rungs noted and its next instant moved in one transaction: none is skipped after a rest of
    any length, and none taken twice. Those locked elsewhere come with the next round.
    """
    due = select(Ticket.follower_id, Ticket.id).join(ClockRow, ClockRow.ticket_id == Ticket.id)
    due = due.where(ClockRow.next_rung_at <= now).order_by(ClockRow.next_rung_at).limit(BATCH)
    found = sorted({tuple(row) for row in session.execute(due)})  # followers are locked in the order of their ids
    for _, ticket_id in found:
        ticket = locks.lock_ticket(session, ticket_id)
        reached = select(ClockRow).where(ClockRow.ticket_id == ticket_id, ClockRow.next_rung_at <= now)
        rows = session.scalars(reached.execution_options(populate_existing=True)).all()
        for row in sorted(rows, key=lambda row: (row.due_at, row.kind)):
            _climb(session, ticket, row, Deed(by=None, now=now, rules=rules))
    return len(found)


def _climb(session: Session, ticket: Ticket, row: ClockRow, deed: Deed) -> None:
    """All rungs up to now, one after the other, and when the next is reached."""
    clock, calendar = clock_of(row), deed.rules.calendar_for(ticket.department_id)
    while True:
        reached = deed.rules.ladder.next(clock, row.rungs.split(), calendar)
        if reached is None or reached.at > deed.now:
            row.next_rung_at = reached.at if reached else None
            return
        row.rungs = f"{row.rungs} {reached.rung.key}".strip()
        _take(session, ticket, row, reached, deed)


def _take(session: Session, ticket: Ticket, row: ClockRow, reached: Reached, deed: Deed) -> None:
    rung = reached.rung
    step = Escalation(ticket_id=ticket.id, clock=row.kind, started_at=row.started_at, rung=rung.key, due_at=row.due_at)
    step.reached_at, step.at = reached.at, deed.now
    session.add(step)
    session.flush()
    after = {"rung": rung.key, "clock": row.kind, "due_at": row.due_at.isoformat()}
    mention(session, ticket, Action.ESCALATE, now=deed.now, because=rung.names["zh"], after=after)
    if rung.level is not None:
        supervision.raise_level(session, ticket, deed, level=rung.level, clock=ClockKind(row.kind))
    facts: dict[str, object] = {**after, "share": rung.share, "level": rung.level, "number": ticket.number}
    matter = notifying.Matter(
        cause=f"escalation:{step.id}", kind="escalation", ticket=ticket, facts=facts, who=rung.who, how=rung.how
    )
    notifying.tell(session, matter, deed)
