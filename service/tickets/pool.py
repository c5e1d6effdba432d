"""Back to the pool of its department: a ticket that somebody has given up, or has not accepted in time."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.errors import Forbidden, InvalidInput
from service.people import Permission, User
from service.rulebook import Rulebook
from service.tickets import access, locks
from service.tickets.changes import Deed, change
from service.tickets.models import Ticket
from service.tickets.states import Action, Status


def hand_back(session: Session, ticket: Ticket, deed: Deed, *, because: str) -> None:
    """Nobody has it any more; whoever had it is not the next to whom the rule gives it.

    Raises InvalidInput where nobody has it, Forbidden for anybody but them and those who assign tickets.
    """
    if ticket.assignee_id is None:
        raise InvalidInput(assignee="nobody has this ticket")
    if deed.by is not None and not may_hand_back(deed.by, ticket):
        raise Forbidden("only whoever has the ticket hands it back, or somebody who assigns tickets")
    had_by = session.get_one(User, ticket.assignee_id)
    with change(session, ticket, Action.HAND_BACK, deed, because=because):
        ticket.assignee_id = None
        ticket.passed_over, ticket.passed_over_at = had_by.username, deed.now


def may_hand_back(user: User, ticket: Ticket) -> bool:
    return ticket.assignee_id == user.id or access.may(user, Permission.ASSIGN, ticket)


def return_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Take back what the rule gave to people who have not accepted it in time; returns how many were looked at."""
    due = locks.lock_due(session, Ticket.pool_return_at, now=now)
    for ticket in due:
        ticket.pool_return_at = None
        minutes = rules.assignment_for(ticket.department_id).return_minutes  # 0 by now: it stays for ever
        if minutes and ticket.status is Status.PENDING_ACCEPTANCE and ticket.assignee_id is not None:
            hand_back(session, ticket, Deed(by=None, now=now, rules=rules), because=f"派单后 {minutes} 分钟未受理")
    return len(due)
