"""What the classifier thought of each ticket and what people made of it: what it learns from and is measured by."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import cast

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Executable,
    ForeignKey,
    Index,
    Table,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model, partial_index
from service.masking import masked
from service.messaging.followers import Follower
from service.routing.classifier import Verdict
from service.tickets.changes import Deed
from service.tickets.models import Message, Ticket

CONFIRMED, CORRECTED = "confirmed", "corrected"
LONGEST_TEXT = 2000  # characters
BURST = 30  # messages of one ticket that are read
FADED = 2000  # texts that one round takes away


class Judgement(Model):
    """The classifier's verdict on a ticket, and the category that it has by a person's word."""

    __tablename__ = "judgements"
    __table_args__ = (
        CheckConstraint("kind IN ('confirmed', 'corrected')", name="kind"),
        # all that the quality page counts
        partial_index(
            "ix_judgements_settled",
            "settled_at IS NOT NULL",
            *("settled_at", "ticket_id", "category", "final_category", "triage", "confidence"),
        ),
        partial_index("ix_judgements_corrected", "kind = 'corrected'", "settled_at", "ticket_id"),
        Index("ix_judgements_pair", "category", "final_category", "settled_at", "ticket_id"),
    )

    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    category: Mapped[str]
    priority: Mapped[str]
    confidence: Mapped[float]
    triage: Mapped[bool]
    source: Mapped[str]  # keyword model opinion
    model: Mapped[str]  # version of the model that was asked
    because: Mapped[list[str]] = mapped_column(JSON)
    final_category: Mapped[str | None]
    final_priority: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    kind: Mapped[str | None]  # None: nobody has had it in hand yet
    text: Mapped[str | None]  # what was judged, masked; goes with the follower's profile


IS_CORRECTED = Judgement.kind == literal_column(f"'{CORRECTED}'")  # as it stands in the index's condition


def note(session: Session, judged: Sequence[tuple[Ticket, Verdict]], deed: Deed) -> None:
    """Keep what the classifier says of tickets that nobody has in hand; one statement for all of them."""
    if judged:
        rows = [_verdict_row(ticket, verdict, deed) for ticket, verdict in judged]
        session.connection().execute(_noting(session.get_bind().dialect.name), rows)


def _verdict_row(ticket: Ticket, verdict: Verdict, deed: Deed) -> dict[str, object]:
    return {
        "ticket_id": ticket.id,
        "at": deed.now,
        "category": ticket.category,  # the verdict as it was applied
        "priority": verdict.priority,
        "confidence": round(verdict.confidence, 3),
        "triage": verdict.triage,
        "source": verdict.source,
        "model": deed.rules.model_version,
        "because": list(verdict.because),
    }


@cache
def _noting(dialect: str) -> Executable:
    """A later verdict replaces an earlier one, until a person has settled the matter."""
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = cast(Table, Judgement.__table__)
    upsert = build(table)
    names = ("at", "category", "priority", "confidence", "triage", "source", "model", "because")
    values = {name: upsert.excluded[name] for name in names}
    return upsert.on_conflict_do_update(index_elements=["ticket_id"], set_=values, where=table.c.settled_at.is_(None))


def accepted(session: Session, ticket: Ticket, deed: Deed) -> None:
    """A person takes the ticket as it stands, which confirms what the classifier made of it."""
    ours = (Judgement.ticket_id == ticket.id, Judgement.settled_at.is_(None), Judgement.category == ticket.category)
    if session.scalar(select(Judgement.ticket_id).where(*ours)) is not None:
        _settle(session, ticket, deed, CONFIRMED, text_of(session, ticket))


def stated(session: Session, ticket: Ticket, deed: Deed, *, category: str, priority: str) -> None:
    """A person says what the matter is.

    Where the classifier had said nothing yet, it is asked what it would have: every correction is an example.
    """
    text = text_of(session, ticket)
    found = session.scalar(select(Judgement.category).where(Judgement.ticket_id == ticket.id))
    if found is None:
        verdict = deed.rules.classifier.classify(text)
        found = "invalid" if verdict.category not in deed.rules.categories else verdict.category
        row = _verdict_row(ticket, verdict, deed) | {"category": found}
        session.connection().execute(_noting(session.get_bind().dialect.name), [row])
    kind = CONFIRMED if found == category else CORRECTED
    _settle(session, ticket, deed, kind, text, final_category=category, final_priority=priority)


def _settle(session: Session, ticket: Ticket, deed: Deed, kind: str, text: str, **final: str) -> None:
    is_erased = session.get_one(Follower, ticket.follower_id).erased_at is not None
    values: Mapping[str, object] = {
        "final_category": ticket.category,
        "final_priority": ticket.priority,
        "settled_at": deed.now,
        "settled_by_id": deed.by.id if deed.by else None,
        "kind": kind,
        "text": None if is_erased else masked(text)[:LONGEST_TEXT] or None,
        **final,
    }
    session.execute(update(Judgement).where(Judgement.ticket_id == ticket.id).values(values))


def text_of(session: Session, ticket: Ticket) -> str:
    """What the follower wrote on the ticket, as the classifier reads it."""
    query = select(Message.text).where(Message.ticket_id == ticket.id, Message.direction == "inbound")
    newest = session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(BURST)).all()
    return "\n".join(reversed(newest))


def forget(session: Session, follower_id: int) -> None:
    """What a follower wrote is no example any more; that a verdict was right or wrong stays, as a number."""
    theirs = select(Ticket.id).where(Ticket.follower_id == follower_id)
    told = update(Judgement).where(Judgement.ticket_id.in_(theirs), Judgement.text.is_not(None))
    session.execute(told.values(text=None, because=[]), execution_options={"synchronize_session": False})


def fade(session: Session, *, before: datetime) -> int:
    """Take away the texts of what was settled before then, FADED at a time; returns how many."""
    old = select(Judgement.ticket_id).where(Judgement.settled_at < before, Judgement.text.is_not(None))
    ids = session.scalars(old.order_by(Judgement.settled_at).limit(FADED)).all()
    session.execute(
        update(Judgement).where(Judgement.ticket_id.in_(ids)).values(text=None, because=[]),
        execution_options={"synchronize_session": False},
    )
    return len(ids)
