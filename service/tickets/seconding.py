"""What becomes of a second opinion: it may move an undecided matter, and never lowers, hides or dismisses one."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.masking import masked
from service.routing.classifier import PRIORITIES, Verdict
from service.rulebook import Rulebook
from service.tickets import classification, cooperation, judgements, locks, matters, supervision
from service.tickets.changes import Deed, change, tell
from service.tickets.classification import BY_OPINION
from service.tickets.matters import Kind
from service.tickets.models import Ticket
from service.tickets.opinions import DONE, FAILED, LEASE, MOST_FAILED, SENDING, Opinion, Request
from service.tickets.states import WORKABLE, Action

SURE = 0.8  # from here on an opinion may decide against our own guess
LEANING = 0.5  # below, it is shown and moves nothing
SUPPORTED = 3  # it decides only among the likeliest of our own: no words of a follower lead elsewhere
COMPLAINT, SUSPECTED = "complaint", 0.15  # from this probability on only a person calls it anything else
AGREED, MOVED, SHOWN, PROPOSED, OVERTAKEN = "agreed", "moved", "shown", "proposed", "overtaken"


@dataclass(frozen=True, slots=True)
class Said:
    """The model's checked answer."""

    category: str
    confidence: float
    reason: str
    tokens: int | None = None


def answered(
    session: Session, request: Request, said: Said, *, now: datetime, rules: Rulebook, took: timedelta
) -> None:
    """Keep the opinion, and apply it as far as it goes. Does nothing for a claim that is not open any more."""
    ticket = locks.lock_ticket(session, request.ticket_id)
    row = _open_row(session, request)
    if row is None:
        return
    row.state, row.category, row.confidence = DONE, said.category, round(said.confidence, 3)
    row.reason, row.tokens = masked(said.reason), said.tokens
    row.milliseconds, ticket.opinion_at = round(took.total_seconds() * 1000), None
    row.detail = _apply(session, ticket, row, request, Deed(by=None, now=now, rules=rules))
    tell(session, ticket)


def failed(session: Session, request: Request, *, problem: str, now: datetime, pause: timedelta) -> None:
    """No answer of use: the ticket stays as it was, and is asked about once more at most."""
    ticket = locks.lock_ticket(session, request.ticket_id)
    row = _open_row(session, request)
    if row is None:
        return
    row.state, row.detail = FAILED, problem
    query = select(Opinion.id).where(Opinion.ticket_id == ticket.id, Opinion.state == FAILED).limit(MOST_FAILED)
    session.flush()
    again = len(session.scalars(query).all()) < MOST_FAILED
    ticket.opinion_at = now + max(pause, LEASE) if again else None


def _open_row(session: Session, request: Request) -> Opinion | None:
    row = session.get_one(Opinion, request.opinion_id, with_for_update={"key_share": True}, populate_existing=True)
    return row if row.state == SENDING else None


def _apply(session: Session, ticket: Ticket, row: Opinion, request: Request, deed: Deed) -> str:
    """What was done, as a code."""
    is_passed = ticket.last_inbound_at > request.heard_until or ticket.classify_at is not None
    if is_passed or ticket.status not in WORKABLE:
        return OVERTAKEN  # more was written, and the classifier will ask again
    in_hand = classification.is_in_hand(ticket)
    if ticket.restricted or not (in_hand or ticket.triage):
        return OVERTAKEN
    known = deed.rules.categories.get(str(row.category))
    if known is None or known.restricted or known.code == "invalid":
        return SHOWN  # who may see it, and whether it is a matter at all, is for people to say
    verdict = deed.rules.classifier.classify(judgements.text_of(session, ticket))
    if in_hand:
        return _propose(session, ticket, row, verdict, deed)
    if _settles(row, verdict):
        return _take(session, ticket, row, verdict, deed, triage=False)
    if (row.confidence or 0) < LEANING or _is_protected(row, verdict):
        return SHOWN
    return _take(session, ticket, row, verdict, deed, triage=True)


def _settles(row: Opinion, verdict: Verdict) -> bool:
    """Whether nobody has to decide any more: both say the same, or the opinion is sure and ours has some of it too."""
    if row.category == verdict.category:
        return True
    likely = [code for code, _ in verdict.ranked[:SUPPORTED]]
    return (row.confidence or 0) >= SURE and row.category in likely and not _is_protected(row, verdict)


def _is_protected(row: Opinion, verdict: Verdict) -> bool:
    """Whether we see a complaint where the opinion sees none."""
    seen = verdict.category == COMPLAINT or dict(verdict.ranked).get(COMPLAINT, 0) >= SUSPECTED
    return seen and row.category != COMPLAINT


def priority_for(row: Opinion, verdict: Verdict, ticket: Ticket, rules: Rulebook) -> str:
    """The highest of what the ticket has, our rules found and the category brings: an opinion lowers none."""
    usual = rules.categories[str(row.category)].default_priority
    return max(ticket.priority, verdict.priority, usual, key=PRIORITIES.index)


def _take(session: Session, ticket: Ticket, row: Opinion, verdict: Verdict, deed: Deed, *, triage: bool) -> str:
    """The ticket goes by the opinion; while a person still has to decide, our own reasons stand beside it."""
    because = [f"{BY_OPINION}{row.reason}", *verdict.because]
    category, heard = str(row.category), matters.of_one(session, ticket, deed.rules)
    picked = deed.rules.subcategories.pick(category, heard.text)
    priority = priority_for(row, verdict, ticket, deed.rules)
    kind = Kind(category, priority, picked.subcategory.code if picked else None)
    place = matters.place_for(session, ticket, kind, heard, deed.rules)
    place = replace(place, priority=max(place.priority, priority, key=PRIORITIES.index))  # a routing row lowers none
    also = {"source": "model", "confidence": row.confidence, "triage": triage} | place.told
    with change(session, ticket, Action.CLASSIFY, deed, because="、".join(because), also=also) as clocks:
        ticket.class_source, ticket.class_confidence = "model", row.confidence
        ticket.class_because, ticket.triage, ticket.proposal = because, triage, None
        cooperation.apply(ticket, clocks, place, deed)
    supervision.check_repeats(session, ticket, deed)
    noted = Verdict(category, place.priority, row.confidence or 0, triage, tuple(because), source="opinion")
    judgements.note(session, [(ticket, noted)], deed)
    return AGREED if row.category == verdict.category else MOVED


def _propose(session: Session, ticket: Ticket, row: Opinion, verdict: Verdict, deed: Deed) -> str:
    """Somebody has it in hand: they see what another thought, where that is worth a look."""
    if row.category == ticket.category or not _settles(row, verdict):
        return SHOWN
    priority = priority_for(row, verdict, ticket, deed.rules)
    proposal = {"category": row.category, "priority": priority, "confidence": row.confidence}
    reason = f"{BY_OPINION}{row.reason}"
    with change(session, ticket, Action.PROPOSE, deed, because=reason, also=proposal):
        ticket.proposal = proposal | {"because": [reason], "urgent": False}
    return PROPOSED
