"""What a ticket's page says of how it found its assignee, why it has none, and who keeps away from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g
from sqlalchemy.orm import Session

from service.people import Permission, User
from service.tickets import access, assigning, custody
from service.tickets.models import Recusal, Ticket
from service.tickets.states import LIVE


@dataclass(frozen=True, slots=True)
class Custody:
    recusals: Sequence[tuple[User, Recusal]]
    is_recused: bool  # whoever looks
    may_lift: bool
    why_nobody: str | None  # the rule can give it to nobody at present


def view_of(session: Session, user: User, ticket: Ticket, now: datetime) -> Custody | None:
    """None where nobody keeps away and the rule has nothing to do with the ticket."""
    away = custody.recusals_of(session, [ticket.id]).get(ticket.id, [])
    waits = ticket.wants_assignee_at is not None
    if not away and not waits and not ticket.assigned_by_rule:
        return None
    is_recused = any(person.id == user.id for person, _ in away)
    lifts = access.may(user, Permission.SUPERVISE, ticket) and ticket.status in LIVE
    why = assigning.why_nobody(session, ticket, now=now, rules=g.rules) if waits else None
    return Custody(away, is_recused, lifts and not is_recused, why)
