"""What other keyword rules would have made of the newest tickets: both verdicts on the same words, nothing written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.people import User
from service.routing.classifier import Classifier, Verdict
from service.tickets.access import visible_to
from service.tickets.models import Message, Ticket

MOST = 500  # tickets of one trial
SINCE = timedelta(days=30)
BURST = 30  # messages of one ticket that are read, as in its classification
BATCH = 100
EXAMPLES = 50


@dataclass(frozen=True, slots=True)
class Changed:
    """A ticket of which the draft thinks otherwise."""

    number: str
    subject: str
    now_is: str | None  # its category as it stands
    before: Verdict
    after: Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """`changed`: the newest EXAMPLES of `count`; `right`: those that come to where a person put them."""

    read: int
    count: int
    right: int
    wrong: int  # those that leave where a person put them
    changed: Sequence[Changed]


def run(session: Session, user: User, before: Classifier, after: Classifier, *, now: datetime) -> Outcome:
    """Both verdicts on the newest classified tickets that the user may see."""
    query = select(Ticket.id, Ticket.number, Ticket.subject, Ticket.category, Ticket.class_source)
    query = query.where(visible_to(user), Ticket.received_at >= now - SINCE, Ticket.class_source.is_not(None))
    tickets = session.execute(query.order_by(Ticket.received_at.desc(), Ticket.id.desc()).limit(MOST)).all()
    found, right, wrong = [], 0, 0
    for at in range(0, len(tickets), BATCH):
        batch = tickets[at : at + BATCH]
        texts = _texts(session, [row.id for row in batch])
        for row in batch:
            was, becomes = before.classify(texts.get(row.id, "")), after.classify(texts.get(row.id, ""))
            if _decided(was) == _decided(becomes):
                continue
            found.append(Changed(row.number, row.subject, row.category, was, becomes))
            is_said = row.class_source == "staff" and was.category != becomes.category
            right += is_said and becomes.category == row.category
            wrong += is_said and was.category == row.category
    return Outcome(len(tickets), len(found), right, wrong, found[:EXAMPLES])


def _decided(verdict: Verdict) -> tuple[str, str, bool]:
    return verdict.category, verdict.priority, verdict.triage


def _texts(session: Session, ticket_ids: Sequence[int]) -> dict[int, str]:
    """What each follower wrote, as it is classified."""
    query = select(Message.ticket_id, Message.text).where(Message.ticket_id.in_(ticket_ids))
    query = query.where(Message.direction == "inbound").order_by(Message.at, Message.id)
    texts: dict[int, list[str]] = {}
    for ticket_id, text in session.execute(query.limit(BATCH * BURST)):
        texts.setdefault(ticket_id or 0, []).append(text)
    return {ticket_id: "\n".join(lines[-BURST:]) for ticket_id, lines in texts.items()}
