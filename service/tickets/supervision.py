"""Supervision orders: a supervisor, or the ladder, demands an answer about a ticket."""

from sqlalchemy.orm import Session

from service.sla.policy import ClockKind
from service.tickets.changes import Deed
from service.tickets.models import Ticket


def raise_level(session: Session, ticket: Ticket, deed: Deed, *, level: str, clock: ClockKind) -> None:
    """Open an order of this level, or raise the open one to it; a higher one stays."""
