"""The ladder at work: a clock that reaches a rung tells those who should know, once, however many schedulers look."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from service.rulebook import Rulebook
from service.sla.ladder import Rung
from service.sla.policy import ClockKind
from service.tickets import custody, notifying, supervision
from service.tickets.changes import Deed, mention
from service.tickets.clocks import clock_of
from service.tickets.models import ClockRow, Ticket
from service.tickets.notifying import Matter
from service.tickets.register import Escalation
from service.tickets.states import Action

BATCH = 200  # clocks of one transaction
RUN_AND_RUNG = (Escalation.ticket_id, Escalation.clock, Escalation.started_at, Escalation.rung)


@dataclass(frozen=True, slots=True)
class Taken:
    """A rung that a ticket's clock has taken, and the row that says so."""

    ticket: Ticket
    rung: Rung
    step: Escalation


def escalate_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Take the rungs that clocks have reached; returns how many clocks were looked at.

    A ticket is locked, its rungs noted and its next instant moved in one transaction: none is skipped after a rest of
    any length, and none taken twice. Those locked elsewhere come with the next round. As with what is due, an instant
    has to have passed.
    """
    query = select(Ticket).join(ClockRow, ClockRow.ticket_id == Ticket.id).where(ClockRow.next_rung_at < now)
    query = query.order_by(ClockRow.next_rung_at, ClockRow.ticket_id, ClockRow.kind).limit(BATCH)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    # the clocks are read once the tickets are locked: they are what they are now
    query = query.options(joinedload(Ticket.follower), selectinload(Ticket.clocks))
    found = session.scalars(query.execution_options(populate_existing=True)).all()
    deed = Deed(by=None, now=now, rules=rules)
    taken = _new(session, [step for ticket in dict.fromkeys(found) for step in _climb(ticket, deed)])
    session.add_all(each.step for each in taken)
    session.flush()  # together, as what follows names them
    notifying.tell_all(session, [_told(session, each, deed) for each in taken], deed)
    return len(found)


def _climb(ticket: Ticket, deed: Deed) -> Iterator[Taken]:
    """All rungs up to now, of each clock one after the other; each clock is left with the instant of its next."""
    calendar = deed.rules.calendar_for(ticket.department_id)
    for row in sorted(ticket.clocks, key=lambda row: (row.due_at, row.kind)):
        if row.next_rung_at is None or row.next_rung_at >= deed.now:
            continue
        clock, behind = clock_of(row), row.rungs.split()
        while (reached := deed.rules.ladder.next(clock, behind, calendar)) is not None and reached.at < deed.now:
            behind.append(reached.rung.key)
            step = Escalation(ticket_id=ticket.id, clock=row.kind, started_at=row.started_at, due_at=row.due_at)
            step.rung, step.reached_at, step.at = reached.rung.key, reached.at, deed.now
            yield Taken(ticket, reached.rung, step)
        row.rungs, row.next_rung_at = " ".join(behind), reached.at if reached else None


def _new(session: Session, climbed: Sequence[Taken]) -> list[Taken]:
    """Without the rungs of a run that was dropped and runs again from its start: its row was new, and knew of none."""
    if not climbed:
        return []
    ids = {each.ticket.id for each in climbed}
    known = session.execute(select(*RUN_AND_RUNG).where(Escalation.ticket_id.in_(ids))).all()
    before = {tuple(row) for row in known}
    return [each for each in climbed if tuple(getattr(each.step, c.key) for c in RUN_AND_RUNG) not in before]


def _told(session: Session, taken: Taken, deed: Deed) -> Matter:
    """The event, the order that the rung opens or raises, and what people should know of it."""
    ticket, rung, step = taken.ticket, taken.rung, taken.step
    after = {"rung": rung.key, "clock": step.clock, "due_at": step.due_at.isoformat()}
    mention(session, ticket, Action.ESCALATE, now=deed.now, because=rung.names["zh"], after=after)
    # a ticket that lies unclaimed looks for somebody where its department has the rule
    custody.follow(ticket, had_by=ticket.assignee_id, now=deed.now, rules=deed.rules)
    if rung.level is not None:
        supervision.raise_level(session, ticket, deed, level=rung.level, clock=ClockKind(step.clock))
    facts: dict[str, object] = {**after, "share": rung.share, "level": rung.level, "number": ticket.number}
    return Matter(f"escalation:{step.id}", "escalation", ticket, facts, who=rung.who, how=rung.how)
