"""What a burst of messages is about: judged once the follower is quiet; a person's word is never overruled."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from service.messaging.followers import Follower
from service.routing.classifier import IDLE, PRIORITIES, Verdict
from service.rulebook import Rulebook
from service.tickets import cooperation, judgements, likenesses, matters, notifying, recusals, supervision, windows
from service.tickets.changes import Deed, change
from service.tickets.matters import Heard, Kind
from service.tickets.models import Message, Ticket
from service.tickets.states import WORKABLE, Action, Status

BATCH = 100
INVALID = "invalid"
BURST = 30  # messages of one ticket that are read
BY_MENU, BY_WORD = "菜单：", "关键词："  # how a reason begins that is the follower's own choice
BY_OPINION = "第二意见："  # and one that is a language model's


def classify_due(session: Session, *, now: datetime, rules: Rulebook, seconds: bool = False) -> int:
    """Classify up to BATCH tickets whose followers have gone quiet; returns how many. Safe beside other workers.

    `seconds`: of what is left to a person, a second opinion is asked.
    """
    query = select(Ticket).where(Ticket.classify_at <= now).order_by(Ticket.classify_at, Ticket.id).limit(BATCH)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    query = query.options(joinedload(Ticket.follower), selectinload(Ticket.clocks))
    tickets = session.scalars(query.execution_options(populate_existing=True)).all()
    bursts, closings = _bursts(session, [t.id for t in tickets]), _windows(session, tickets)
    deed, judged = Deed(by=None, now=now, rules=rules), []
    heard = matters.heard(session, tickets, rules, bursts)
    for ticket in tickets:
        windows.arm(ticket, closings[ticket.follower_id], now)
        ticket.classify_at = None
        likenesses.want(ticket, bursts[ticket.id], now)
        if ticket.status in WORKABLE:
            verdict = rules.classifier.classify(bursts[ticket.id])
            if _apply(session, ticket, verdict, deed, heard[ticket.id]):
                judged.append((ticket, verdict))
            ticket.opinion_at = now if seconds and _wants_opinion(ticket, verdict) else None
    judgements.note(session, judged, deed)
    recusals.notice(session, {ticket: bursts[ticket.id] for ticket in tickets}, deed)
    return len(tickets)


def _windows(session: Session, tickets: Sequence[Ticket]) -> dict[int, datetime | None]:
    """When the window of each ticket's follower closes."""
    ids = {t.follower_id for t in tickets}
    rows = session.execute(select(Follower.id, Follower.window_closes_at).where(Follower.id.in_(ids)))
    return {row.id: row.window_closes_at for row in rows}


def _bursts(session: Session, ticket_ids: Sequence[int]) -> dict[int, str]:
    """All that each follower wrote on the ticket, in order."""
    query = select(Message.ticket_id, Message.text).where(
        Message.ticket_id.in_(ticket_ids), Message.direction == "inbound"
    )
    texts: dict[int, list[str]] = defaultdict(list)
    for ticket_id, text in session.execute(query.order_by(Message.at, Message.id)):
        texts[ticket_id or 0].append(text)
    return {ticket_id: "\n".join(texts[ticket_id][-BURST:]) for ticket_id in ticket_ids}


def judge(session: Session, ticket: Ticket, verdict: Verdict, deed: Deed) -> None:
    """Apply the verdict to an untouched ticket; on one that a person has in hand, only propose.

    What the follower chose stands too, unless the matter is clearly urgent.
    """
    heard = matters.of_one(session, ticket, deed.rules)
    if _apply(session, ticket, verdict, deed, heard) and not is_chosen(ticket):
        judgements.note(session, [(ticket, verdict)], deed)


def _apply(session: Session, ticket: Ticket, verdict: Verdict, deed: Deed, heard: Heard) -> bool:
    """Whether the ticket goes by this verdict from now on, or went by it already."""
    category = category_of(verdict)
    if is_in_hand(ticket) or (is_chosen(ticket) and (verdict.priority != "urgent" or verdict.triage)):
        _propose(session, ticket, category, verdict, deed)
        return False
    if is_seconded(ticket) and verdict.triage and _rank(verdict.priority) <= _rank(ticket.priority):
        return False  # a guess does not overrule an opinion
    picked = deed.rules.subcategories.pick(category, heard.text)
    kind = Kind(category, verdict.priority, picked.subcategory.code if picked else None)
    place = matters.place_for(session, ticket, kind, heard, deed.rules)
    if ticket.class_source and place.is_of(ticket):
        ticket.triage = verdict.triage
        return True
    also = {"source": verdict.source, "confidence": round(verdict.confidence, 3), "triage": verdict.triage}
    also |= place.told
    with change(session, ticket, Action.CLASSIFY, deed, because="、".join(verdict.because), also=also) as clocks:
        ticket.class_source, ticket.class_confidence = verdict.source, round(verdict.confidence, 3)
        ticket.class_because, ticket.triage, ticket.proposal = list(verdict.because), verdict.triage, None
        cooperation.apply(ticket, clocks, place, deed)
    supervision.check_repeats(session, ticket, deed)
    return True


def category_of(verdict: Verdict) -> str:
    """What the ticket is filed as: without clocks, as invalid, only where nobody needs to look."""
    if verdict.category not in IDLE:
        return verdict.category
    likeliest = (code for code, _ in verdict.ranked if code not in IDLE)
    return next(likeliest, INVALID) if verdict.triage else INVALID


def is_in_hand(ticket: Ticket) -> bool:
    """Whether a person has accepted, replied to or corrected it."""
    return (
        ticket.accepted_at is not None
        or ticket.class_source == "staff"
        or ticket.status is not Status.PENDING_ACCEPTANCE
    )


def is_chosen(ticket: Ticket) -> bool:
    """Whether its category is the follower's own choice, by the menu or by a keyword."""
    because = ticket.class_because
    return bool(because and because[0].startswith((BY_MENU, BY_WORD)))


def is_seconded(ticket: Ticket) -> bool:
    """Whether its category is a second opinion's."""
    because = ticket.class_because
    return bool(because and because[0].startswith(BY_OPINION))


def _wants_opinion(ticket: Ticket, verdict: Verdict) -> bool:
    """Whether a person would have to decide, and none has yet."""
    return verdict.triage and ticket.triage and not is_in_hand(ticket) and not is_chosen(ticket)


def _rank(priority: str) -> int:
    return PRIORITIES.index(priority)


def _propose(session: Session, ticket: Ticket, category: str, verdict: Verdict, deed: Deed) -> None:
    """Keep the opinion where the handler sees it; an urgent finding is an event of its own and reaches them at once."""
    urgent = verdict.priority == "urgent" and ticket.priority != "urgent"
    if category == INVALID or (not urgent and (category == ticket.category or verdict.triage)):
        return
    proposal = {"category": category, "priority": verdict.priority, "confidence": round(verdict.confidence, 3)}
    said = {"category": category, "priority": verdict.priority, "urgent": urgent}
    if ticket.proposal is not None and all(ticket.proposal.get(name) == value for name, value in said.items()):
        return  # each further message moves the confidence a little: that is no news
    with change(session, ticket, Action.PROPOSE, deed, because="、".join(verdict.because), also=proposal):
        ticket.proposal = proposal | {"because": list(verdict.because), "urgent": urgent}
    if urgent:
        facts = {"what": "found", "number": ticket.number, "text": "、".join(verdict.because)}
        cause = f"urgent:{ticket.id}:{ticket.version}"
        notifying.tell(session, notifying.Matter(cause, "urgent", ticket, facts, who=("handler",)), deed)
