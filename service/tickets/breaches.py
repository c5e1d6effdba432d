"""The register of clocks that were not met in time, and what was decided about each."""

from sqlalchemy.orm import Session

from service.tickets.clocks import Clocks
from service.tickets.models import Ticket


def settle(session: Session, ticket: Ticket, clocks: Clocks, *, now: object) -> None:
    """Note clocks that are late, and forget drafts of those that no longer are."""
