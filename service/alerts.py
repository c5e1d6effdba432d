"""What an operator has to do something about: one open row a matter, however often it shows itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model, partial_index

SAME_MATTER = timedelta(minutes=10)  # back so soon after it was over: it never was
SAME_SHOWING = timedelta(seconds=5)  # what several senders meet at the same moment is one time


class Alert(Model):
    """A matter for the operator. `scope` is what it concerns (a channel's name, or ""), `kind` says which matter."""

    __tablename__ = "alerts"
    __table_args__ = (
        partial_index("uq_alerts_open", "resolved_at IS NULL", "scope", "kind", unique=True),
        partial_index("ix_alerts_resolved", "resolved_at IS NOT NULL", "resolved_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    scope: Mapped[str]
    kind: Mapped[str]
    detail: Mapped[str]  # what is wrong and what to do; names no secret and no follower
    raised_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)
    resolved_at: Mapped[datetime | None]


def raised(session: Session, *, scope: str, kind: str, detail: str, now: datetime) -> bool:
    """Note that a matter shows itself; True if it is new, so that somebody is told once.

    A matter that comes back soon after it was over is the same matter: it is open again, and not new.
    """
    found = _open(session, scope, kind)
    if found is None:
        found = _over_since(session, scope, kind, now - SAME_MATTER)
    if found is None:
        try:
            with session.begin_nested():
                session.add(Alert(scope=scope, kind=kind, detail=detail, raised_at=now, last_seen_at=now))
            return True
        except IntegrityError:  # somebody else has raised it at this moment
            found = _open(session, scope, kind)
    if found is not None:
        found.times += now - found.last_seen_at > SAME_SHOWING
        found.last_seen_at, found.detail, found.resolved_at = now, detail, None
    session.flush()
    return False


def resolved(session: Session, *, scope: str, kind: str | None = None, now: datetime) -> int:
    """The matter is over (every matter of the scope, where no kind is named). Returns how many were open."""
    query = select(Alert).where(Alert.scope == scope, Alert.resolved_at.is_(None))
    found = session.scalars(query if kind is None else query.where(Alert.kind == kind)).all()
    for alert in found:
        alert.resolved_at = now
    session.flush()
    return len(found)


def find(session: Session, scope: str, kind: str) -> Alert | None:
    """The open matter."""
    return session.scalar(_query(scope, kind))


def open_alerts(session: Session, limit: int = 100) -> Sequence[Alert]:
    """What is open, the oldest first."""
    query = select(Alert).where(Alert.resolved_at.is_(None)).order_by(Alert.raised_at, Alert.id)
    return session.scalars(query.limit(limit)).all()


def of_kind(session: Session, kind: str, limit: int = 1000) -> Sequence[Alert]:
    """What is open of one kind, the oldest first."""
    query = select(Alert).where(Alert.resolved_at.is_(None), Alert.kind == kind)
    return session.scalars(query.order_by(Alert.raised_at, Alert.id).limit(limit)).all()


def settled(session: Session, alert_id: int, *, now: datetime) -> None:
    """A person has seen to it."""
    alert = session.get(Alert, alert_id)
    if alert is not None and alert.resolved_at is None:
        alert.resolved_at = now
        session.flush()


def _query(scope: str, kind: str) -> Select[Alert]:
    return select(Alert).where(Alert.scope == scope, Alert.kind == kind, Alert.resolved_at.is_(None))


def _open(session: Session, scope: str, kind: str) -> Alert | None:
    return session.scalar(_query(scope, kind).with_for_update())


def _over_since(session: Session, scope: str, kind: str, since: datetime) -> Alert | None:
    """The newest row of this matter that was resolved after that."""
    query = select(Alert).where(Alert.scope == scope, Alert.kind == kind, Alert.resolved_at > since)
    return session.scalar(query.order_by(Alert.resolved_at.desc()).limit(1).with_for_update())
