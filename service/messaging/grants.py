"""How often a follower has agreed to be sent a notice of a template: one agreement is one notice."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model
from service.messaging.followers import Follower


class NoticeGrant(Model):
    __tablename__ = "notice_grants"

    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey(Follower.id), primary_key=True)
    template_id: Mapped[str] = mapped_column(primary_key=True)
    left: Mapped[int]  # notices that may still be sent
    changed_at: Mapped[datetime]


def find(session: Session, follower_id: int, template_id: str) -> NoticeGrant | None:
    return session.get(NoticeGrant, (follower_id, template_id))


def has(session: Session, follower_id: int, template_id: str) -> bool:
    """Whether a notice may be sent, as far as we have counted."""
    grant = find(session, follower_id, template_id)
    return grant is not None and grant.left > 0


def add(session: Session, follower_id: int, template_id: str, *, now: datetime) -> None:
    """The follower agreed once more. The follower is locked."""
    grant = find(session, follower_id, template_id) or NoticeGrant(
        follower_id=follower_id, template_id=template_id, left=0
    )
    grant.left, grant.changed_at = grant.left + 1, now
    session.add(grant)
    session.flush()


def spend(session: Session, follower_id: int, template_id: str, *, now: datetime) -> None:
    """A notice went out."""
    grant = find(session, follower_id, template_id)
    if grant is not None:
        grant.left, grant.changed_at = max(0, grant.left - 1), now


def withdraw(session: Session, follower_id: int, template_id: str, *, now: datetime) -> None:
    """The follower wants none any more, or the platform says that none is left."""
    grant = find(session, follower_id, template_id)
    if grant is not None:
        grant.left, grant.changed_at = 0, now
