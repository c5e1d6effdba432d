"""What happens by itself when a stored instant has passed. Each sweep looks at an index of only such rows."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from service.rulebook import Rulebook
from service.tickets import closing, handling, locks
from service.tickets.changes import Deed, change
from service.tickets.models import Ticket
from service.tickets.states import Action, Status

BATCH = 200


def mark_overdue(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Breach the clocks whose due time has passed; returns how many tickets were looked at."""
    query = select(Ticket).where(Ticket.breach_at < now).order_by(Ticket.breach_at).limit(BATCH)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    query = query.options(joinedload(Ticket.follower), selectinload(Ticket.clocks))
    tickets = session.scalars(query.execution_options(populate_existing=True)).all()
    with session.no_autoflush:  # nothing is read of what is written: all tickets are written together
        for ticket in tickets:
            late: dict[str, object] = {}  # which clocks it were, known within
            with change(session, ticket, Action.OVERDUE, Deed(by=None, now=now, rules=rules), also=late) as clocks:
                late["clocks"] = [kind.value for kind in clocks.breach(now=now)]
    return len(tickets)


def wake(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """End suspensions whose date has come, and close answered tickets that nobody took up again."""
    due = locks.lock_due(session, Ticket.wake_at, now=now)
    for ticket in due:
        deed = Deed(by=None, now=now, rules=rules)
        if ticket.status is Status.SUSPENDED:
            handling.resume(session, ticket, deed, because="挂起日期已到")
        elif ticket.status is Status.ANSWERED:
            closing.close(session, ticket, deed, reason="答复后 7 天没有新的留言")
        ticket.wake_at = None
    return len(due)
