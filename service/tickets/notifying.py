"""Who hears of a matter, and how: rows that the app shows and a worker sends. Whoever calls decides what and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.tickets.changes import Deed
from service.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class Matter:
    """What people should know. `who` and `how` as in `sla.ladder`; `users`: ids of others who hear of it too."""

    cause: str  # the same cause is told once: "escalation:12"
    kind: str  # escalation urge supervision extension breach appeal unread
    ticket: Ticket | None
    facts: Mapping[str, object]
    who: tuple[str, ...] = ()
    how: tuple[str, ...] = ("in_app", "browser")
    users: tuple[int, ...] = ()
    answer_by: datetime | None = None  # unread by then, the next level hears of it


def tell(session: Session, matter: Matter, deed: Deed) -> None:
    """Write the notifications of a matter; the same cause again writes nothing."""
