"""Tickets that say much the same as an earlier one: found by the worker once they are classified, and kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import Session

from service.people import User
from service.routing.likeness import ALIKE, SAME_EVENT, Gist, are_apart, gist_of, likeness, numbers_in, read
from service.rulebook import Rulebook
from service.tickets import notifying
from service.tickets.access import visible_to
from service.tickets.changes import FINISHED, Deed
from service.tickets.models import Likeness, Message, Ticket
from service.tickets.notifying import Matter
from service.tickets.states import Status

DUPLICATE: Final = "duplicate"  # the same follower's, open
REPEAT: Final = "repeat"  # the same follower's, settled
INCIDENT: Final = "incident"  # another follower's
BATCH = 50
OWN = 20  # newest earlier tickets of the same follower
OTHERS = 200  # newest tickets of the same department
SINCE = timedelta(hours=24)
KEPT = 8  # likenesses of one ticket
SHOWN = 4  # beside a conversation
MANY, WITHIN = 5, timedelta(hours=1)  # followers who tell of the same thing, from which supervisors hear of it
TROUBLE = ("complaint", "fault", "help_request")  # one of these among many questions, and something has happened
QUIET_CATEGORIES = ("invalid", "praise", "report", "privacy_request")  # tell of nothing that befell many
COLUMNS = (Ticket.id, Ticket.follower_id, Ticket.status, Ticket.subject, Ticket.gist, Ticket.incident_id)


@dataclass(frozen=True, slots=True)
class Other:
    """What is read of a ticket with which one is compared."""

    id: int
    follower_id: int
    status: Status
    subject: str
    gist: str | None
    incident_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    other: Other
    kind: str
    score: float


@dataclass(slots=True)
class Neighbours:
    """What tickets of one transaction are compared with: a department's newest are read once."""

    session: Session
    now: datetime
    _of: dict[int, Sequence[tuple[Other, Gist]]] = field(default_factory=dict)

    def of(self, ticket: Ticket) -> Iterable[tuple[Other, Gist]]:
        """Earlier tickets of other followers in the ticket's department, the newest first."""
        department_id = ticket.department_id
        if department_id not in self._of:
            query = select(*COLUMNS).where(Ticket.department_id == department_id, Ticket.received_at > self.now - SINCE)
            query = query.where(Ticket.gist.is_not(None), Ticket.restricted.is_(False))
            query = query.order_by(Ticket.received_at.desc(), Ticket.id.desc()).limit(OTHERS)
            rows = [Other(*row) for row in self.session.execute(query)]
            self._of[department_id] = [(row, read(row.gist or "")) for row in rows]
        return ((row, gist) for row, gist in self._of[department_id] if _is_earlier(row, ticket))


def want(ticket: Ticket, text: str, now: datetime) -> None:
    """The ticket has been classified by this text: the worker compares it with others next."""
    ticket.gist, ticket.compare_at = gist_of(text), now


def compare_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Compare up to BATCH tickets, the earlier first; returns how many. Safe beside other workers."""
    query = select(Ticket).where(Ticket.compare_at <= now).order_by(Ticket.compare_at, Ticket.id).limit(BATCH)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    tickets = session.scalars(query.execution_options(populate_existing=True)).all()
    neighbours, deed = Neighbours(session, now), Deed(by=None, now=now, rules=rules)
    for ticket in sorted(tickets, key=lambda t: t.id):
        ticket.compare_at = None
        if ticket.gist:
            compare(session, ticket, neighbours, deed)
    return len(tickets)


def compare(session: Session, ticket: Ticket, neighbours: Neighbours, deed: Deed) -> None:
    """Write what the ticket is like, in place of what was found before."""
    gist = read(ticket.gist or "")
    own, others = _own(session, ticket, gist), _others(ticket, gist, neighbours)
    session.execute(delete(Likeness).where(Likeness.ticket_id == ticket.id))
    best = sorted([*own, *others], key=lambda found: (found.kind == INCIDENT, -found.score, -found.other.id))[:KEPT]
    if best:
        rows = [{"ticket_id": ticket.id, "other_id": f.other.id, "kind": f.kind, "score": f.score} for f in best]
        session.execute(insert(Likeness), rows)
    ticket.incident_id = min((f.other.incident_id or f.other.id for f in others), default=None)
    if ticket.incident_id is not None:
        _tell(session, ticket, ticket.incident_id, deed)


def _own(session: Session, ticket: Ticket, gist: Gist) -> list[Found]:
    """Of the follower's own earlier tickets those that are alike, but for those about another order."""
    query = select(*COLUMNS).where(Ticket.follower_id == ticket.follower_id, Ticket.id < ticket.id)
    query = query.order_by(Ticket.id.desc()).limit(OWN)
    found = [
        Found(row, REPEAT if row.status in (*FINISHED, Status.ANSWERED) else DUPLICATE, score)
        for row in (Other(*found) for found in session.execute(query))
        if row.status not in (Status.MERGED, Status.INVALID)
        if (score := likeness(gist, read(row.gist or gist_of(row.subject)))) >= ALIKE
    ]
    if not found:
        return []
    numbers = _numbers(session, [ticket.id, *(f.other.id for f in found)])
    return [f for f in found if not are_apart(numbers.get(ticket.id, ()), numbers.get(f.other.id, ()))]


def _numbers(session: Session, ticket_ids: Sequence[int]) -> dict[int, set[str]]:
    """Order numbers and the like that the follower named on each ticket."""
    query = select(Message.ticket_id, Message.text).where(Message.ticket_id.in_(ticket_ids))
    numbers: dict[int, set[str]] = {}
    for ticket_id, text in session.execute(query.where(Message.direction == "inbound").limit(OWN * 50)):
        numbers.setdefault(ticket_id or 0, set()).update(numbers_in(text))
    return numbers


def _others(ticket: Ticket, gist: Gist, neighbours: Neighbours) -> list[Found]:
    """Of other followers' tickets those that tell of the same thing."""
    if ticket.restricted or ticket.category in QUIET_CATEGORIES:
        return []
    return [
        Found(row, INCIDENT, score)
        for row, other in neighbours.of(ticket)
        if (score := likeness(gist, other)) >= SAME_EVENT
    ]


def _is_earlier(row: Other, ticket: Ticket) -> bool:
    return row.id < ticket.id and row.follower_id != ticket.follower_id and row.status is not Status.INVALID


def _tell(session: Session, ticket: Ticket, incident_id: int, deed: Deed) -> None:
    """Supervisors hear once of what befalls many, by the first ticket of them all. Questions alone are no alarm."""
    since = deed.now - WITHIN
    part = (Ticket.incident_id == incident_id) | (Ticket.id == incident_id)
    troubles = func.count().filter(Ticket.category.in_(TROUBLE))
    query = select(func.count(Ticket.follower_id.distinct()), troubles).where(part, Ticket.received_at > since)
    many, troubled = session.execute(query).one()
    if many >= MANY and troubled:
        facts = {"what": "many", "count": many, "number": ticket.number}
        cause = f"incident:{incident_id}"
        notifying.tell(session, Matter(cause, INCIDENT, ticket, facts, who=("supervisor",)), deed)


def alike_since(session: Session, ticket: Ticket, since: datetime, *also: ColumnElement[bool]) -> int:
    """How many tickets since then tell of the same thing, itself among them; 0 where it stands alone."""
    incident_id = ticket.incident_id or ticket.id
    query = select(func.count()).select_from(Ticket).where(Ticket.incident_id == incident_id)
    later = session.scalar(query.where(Ticket.received_at >= since, *also)) or 0
    first = select(func.count()).select_from(Ticket).where(Ticket.id == incident_id, Ticket.received_at >= since, *also)
    return later + (session.scalar(first) or 0) if later else 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A ticket that is like another, as somebody who may see it is told."""

    ticket: Ticket
    kind: str
    answer: str  # of the last final reply; "" where there is none


def shown_to(session: Session, user: User, ticket: Ticket, limit: int = SHOWN) -> list[Shown]:
    """What the ticket is like, found from either side: the follower's own first. Only what the user may see."""
    pairs = select(Likeness.ticket_id, Likeness.other_id, Likeness.kind, Likeness.score)
    found = [
        *session.execute(pairs.where(Likeness.ticket_id == ticket.id).limit(KEPT)),
        *session.execute(pairs.where(Likeness.other_id == ticket.id).order_by(Likeness.ticket_id.desc()).limit(KEPT)),
    ]
    kinds = {(row.other_id if row.ticket_id == ticket.id else row.ticket_id): (row.kind, row.score) for row in found}
    query = select(Ticket).where(Ticket.id.in_(kinds), visible_to(user), Ticket.status != Status.MERGED)
    tickets = sorted(session.scalars(query), key=lambda t: (kinds[t.id][0] == INCIDENT, -kinds[t.id][1], -t.id))[:limit]
    answers = _last_answers(session, [t.id for t in tickets])
    return [Shown(t, kinds[t.id][0], answers.get(t.id, "")) for t in tickets]


def _last_answers(session: Session, ticket_ids: Sequence[int]) -> dict[int, str]:
    """The text of each ticket's newest final reply."""
    newest = select(func.max(Message.id)).where(Message.ticket_id.in_(ticket_ids), Message.direction == "outbound")
    newest = newest.where(Message.reply_kind == "final").group_by(Message.ticket_id)
    query = select(Message.ticket_id, Message.text).where(Message.id.in_(newest))
    return {row.ticket_id or 0: row.text for row in session.execute(query)}
