"""Documents that speak to followers in the company's name: drafted, reviewed, published by another person, kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service import audit
from service.database import BigId, Model, partial_index
from service.errors import Forbidden, IllegalTransition, NotFound

HISTORY = 200  # versions that a page lists


class State(StrEnum):
    DRAFT = "draft"  # its author writes
    SUBMITTED = "submitted"  # waits for another person
    PUBLISHED = "published"  # in force
    RETIRED = "retired"  # was in force
    REJECTED = "rejected"


class Publication(Model):
    """One version of one document: `kind` says what it is, `scope` whose (the name of a channel)."""

    __tablename__ = "publications"
    __table_args__ = (
        UniqueConstraint("kind", "scope", "version"),
        partial_index("uq_publications_published", "state = 'published'", "kind", "scope", unique=True),
        partial_index("uq_publications_open", "state IN ('draft', 'submitted')", "kind", "scope", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    scope: Mapped[str]
    version: Mapped[int]
    state: Mapped[str]
    content: Mapped[dict[str, object]] = mapped_column(JSON)
    author: Mapped[str]  # username of whoever wrote last
    writers: Mapped[list[str]] = mapped_column(JSON)  # everybody who wrote it: none of them decides on it
    reviewer: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")  # the author's words on the change, then the reviewer's on a refusal
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    restored_from: Mapped[int | None]  # the version that this one brings back

    @property
    def mark(self) -> str:
        """What a reviewer has read: another one once its author has taken it back and handed it in again."""
        return f"{self.version} {self.submitted_at.isoformat() if self.submitted_at else ''}"


def published(session: Session, kind: str, scope: str) -> Publication | None:
    """The version in force."""
    query = select(Publication).where(Publication.kind == kind, Publication.scope == scope)
    return session.scalar(query.where(Publication.state == State.PUBLISHED))


def in_work(session: Session, kind: str, scope: str, *, lock: bool = False) -> Publication | None:
    """The version that is being written or waits for review; there is at most one."""
    query = select(Publication).where(Publication.kind == kind, Publication.scope == scope)
    query = query.where(Publication.state.in_((State.DRAFT, State.SUBMITTED)))
    return session.scalar(query.with_for_update(key_share=True) if lock else query)


def history(session: Session, kind: str, scope: str) -> Sequence[Publication]:
    """All versions, the newest first."""
    query = select(Publication).where(Publication.kind == kind, Publication.scope == scope)
    return session.scalars(query.order_by(Publication.version.desc()).limit(HISTORY)).all()


def version_of(session: Session, kind: str, scope: str, version: int) -> Publication:
    """One version. Raises NotFound."""
    query = select(Publication).where(Publication.kind == kind, Publication.scope == scope)
    found = session.scalar(query.where(Publication.version == version))
    if found is None:
        raise NotFound(f"{kind} of {scope} has no version {version}")
    return found


def write(
    session: Session,
    kind: str,
    scope: str,
    content: Mapping[str, object],
    *,
    author: str,
    now: datetime,
    note: str = "",
    restored_from: int | None = None,
) -> Publication:
    """Save the draft: the open one, or a new version. Raises IllegalTransition while one waits for review.

    The caller has checked the content.
    """
    draft = in_work(session, kind, scope, lock=True)
    if draft is None:
        newest = select(func.max(Publication.version)).where(Publication.kind == kind, Publication.scope == scope)
        draft = Publication(kind=kind, scope=scope, version=(session.scalar(newest) or 0) + 1, state=State.DRAFT.value)
        draft.created_at, draft.writers = now, []
        session.add(draft)
    elif draft.state != State.DRAFT:
        raise IllegalTransition("a version waits for review: take it back or decide on it first", state=draft.state)
    draft.content, draft.author, draft.note, draft.restored_from = dict(content), author, note, restored_from
    draft.writers = sorted({*draft.writers, author})
    session.flush()
    return draft


def submit(session: Session, draft: Publication, *, by: str, now: datetime) -> None:
    """Hand the draft in for review. Raises IllegalTransition."""
    _move(session, draft, State.DRAFT, State.SUBMITTED, by=by, now=now)
    draft.submitted_at = now


def take_back(session: Session, draft: Publication, *, by: str, now: datetime) -> None:
    """Its author goes on writing. Raises IllegalTransition."""
    _move(session, draft, State.SUBMITTED, State.DRAFT, by=by, now=now)
    draft.submitted_at = None


def discard(session: Session, draft: Publication, *, by: str, now: datetime) -> None:
    """Nobody wants the draft any more; it stays in the history. Raises IllegalTransition."""
    _move(session, draft, State.DRAFT, State.REJECTED, by=by, now=now)
    draft.decided_at = now


def reject(session: Session, draft: Publication, *, by: str, reason: str, now: datetime) -> None:
    """Refuse what was handed in. Raises Forbidden for its author, IllegalTransition."""
    _refuse_author(draft, by)
    _move(session, draft, State.SUBMITTED, State.REJECTED, by=by, now=now, because=reason)
    draft.reviewer, draft.note, draft.decided_at = by, reason, now


def publish(session: Session, draft: Publication, *, by: str, now: datetime, seen: str = "") -> None:
    """Put it in force, by another person than its author; what was in force retires.

    `seen` is the mark of what that person read. Raises Forbidden, IllegalTransition, also where it is another by now.
    """
    _refuse_author(draft, by)
    if seen and seen != draft.mark:
        raise IllegalTransition("the version has changed meanwhile", state=draft.state)
    earlier = published(session, draft.kind, draft.scope)
    if earlier is not None:
        earlier.state = State.RETIRED.value
        session.flush()
    _move(session, draft, State.SUBMITTED, State.PUBLISHED, by=by, now=now)
    draft.reviewer, draft.decided_at = by, now
    session.flush()


def restore(session: Session, kind: str, scope: str, version: int, *, by: str, now: datetime) -> Publication:
    """The way back: an earlier version as a new draft for another person to publish. Raises as `write` does."""
    old = version_of(session, kind, scope, version)
    return write(session, kind, scope, old.content, author=by, now=now, restored_from=old.version)


def _refuse_author(draft: Publication, by: str) -> None:
    if by in draft.writers:
        raise Forbidden("another person than its authors has to decide on this version")


def _move(
    session: Session, draft: Publication, old: State, new: State, *, by: str, now: datetime, because: str = ""
) -> None:
    """Change the state and record who did it."""
    if draft.state != old:
        raise IllegalTransition(f"version {draft.version} is {draft.state}, not {old.value}", state=draft.state)
    draft.state = new.value
    after = {"kind": draft.kind, "scope": draft.scope, "version": draft.version, "state": new.value}
    audit.record(
        session,
        at=now,
        actor=by,
        action=f"publication.{new.value}",
        before={"state": old.value},
        after=after,
        because=because,
    )
