"""In whose hands a ticket lies: what a change of it means for the search for a person, and who must keep away."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import Recused
from service.people import User
from service.rulebook import Rulebook
from service.tickets.models import Recusal, Ticket
from service.tickets.states import WORKABLE, Action, Status

# what is left to somebody whom the matter is about: to say what they know, and to speak for themselves
LEFT_TO_RECUSED = (Action.NOTE, Action.APPEAL)


def follow(ticket: Ticket, *, had_by: int | None, now: datetime, rules: Rulebook) -> None:
    """Note since when somebody has it, and whether the rule is to look for somebody; `had_by`: id of who had it."""
    if ticket.assignee_id != had_by:
        ticket.assigned_at = now if ticket.assignee_id else None
        ticket.assigned_by_rule, ticket.assigned_because, ticket.pool_return_at = False, None, None
    if ticket.status is not Status.PENDING_ACCEPTANCE:
        ticket.pool_return_at = None
    if not wants_assignee(ticket, rules):
        ticket.wants_assignee_at = None
    elif ticket.wants_assignee_at is None:
        ticket.wants_assignee_at = now


def wants_assignee(ticket: Ticket, rules: Rulebook) -> bool:
    """Whether the rule looks for a person: nobody has it, it is known what it is, and its department wants that."""
    is_free = ticket.assignee_id is None and ticket.status in WORKABLE and ticket.category is not None
    return is_free and rules.assignment_for(ticket.department_id).is_on


def refuse_recused(session: Session, ticket: Ticket, user: User, action: Action) -> None:
    """Raise Recused where the matter is about this person and the action is more than a word."""
    if action not in LEFT_TO_RECUSED and is_recused(session, ticket, user):
        raise Recused("the matter is about you: a colleague handles it; a supervisor can lift this")


def is_recused(session: Session, ticket: Ticket, user: User) -> bool:
    """Whether the person keeps away from this ticket."""
    return _keeps_away(session, ticket, user.id)


def is_with_recused(session: Session, ticket: Ticket) -> bool:
    """Whether somebody has the ticket who keeps away from it."""
    return ticket.assignee_id is not None and _keeps_away(session, ticket, ticket.assignee_id)


def _keeps_away(session: Session, ticket: Ticket, user_id: int) -> bool:
    found = session.get(Recusal, (ticket.id, user_id))
    return found is not None and found.lifted_at is None


def recusals_of(session: Session, ticket_ids: list[int]) -> dict[int, list[tuple[User, Recusal]]]:
    """Ticket id -> who keeps away from it, and why; by username."""
    query = select(User, Recusal).join(Recusal, Recusal.user_id == User.id)
    query = query.where(Recusal.ticket_id.in_(ticket_ids), Recusal.lifted_at.is_(None)).order_by(User.username)
    found: dict[int, list[tuple[User, Recusal]]] = {}
    for user, recusal in session.execute(query):
        found.setdefault(recusal.ticket_id, []).append((user, recusal))
    return found
