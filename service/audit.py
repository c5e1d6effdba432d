"""The append-only history: who did what to which ticket, before, after and why."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model

SYSTEM = "system"
FOLLOWER = "follower"


class Event(Model):
    __tablename__ = "events"
    __table_args__ = (Index("ix_events_ticket_id_at_id", "ticket_id", "at", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("tickets.id"))
    at: Mapped[datetime]
    actor: Mapped[str]  # a username, "follower" or "system"
    action: Mapped[str]
    before: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)
    because: Mapped[str] = mapped_column(default="")


def record(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    ticket_id: int | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    because: str = "",
) -> None:
    """Add one event; nothing in the product changes or deletes it."""
    event = Event(ticket_id=ticket_id, at=at, actor=actor, action=action, because=because)
    event.before, event.after = dict(before or {}), dict(after or {})
    session.add(event)
