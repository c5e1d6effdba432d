"""Second opinions: for which tickets one is asked, within a day's budget, each request claimed with a lease."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model
from service.masking import masked
from service.routing.classifier import Verdict
from service.rulebook import Rulebook
from service.tickets import classification
from service.tickets.models import Message, Ticket

SENDING, DONE, FAILED, SKIPPED = "sending", "done", "failed", "skipped"
LEASE = timedelta(minutes=1)  # a request waits 20 s at most; a claim older than this has lost its worker
AT_ONCE = 4  # requests of one claim: the same process sends followers' messages
STALE = timedelta(hours=2)  # by then a person has looked
MOST_FAILED, MOST_ASKED = 2, 4  # requests about one ticket, however much is written
SUSPECTED = 0.15  # from this probability of a restricted matter on, the words stay here
LONGEST_TEXT = 1000  # characters that leave the house
BURST = 30  # messages of one ticket that are read
SPOKEN = ("text", "voice")  # places, links and files say where somebody is, or who
NO_WORDS = "[语音]"  # how a voice's words begin, and all there is of one that nobody understood
TALK = "other"  # may be answered beside the categories of tickets
LOST, OVER_BUDGET, WITHDRAWN = "lost", "budget", "withdrawn"


class Opinion(Model):
    """One request for a second opinion, and what came of it."""

    __tablename__ = "opinions"
    __table_args__ = (
        CheckConstraint("state IN ('sending', 'done', 'failed', 'skipped')", name="state"),
        Index("ix_opinions_ticket_id_id", "ticket_id", "id"),
        Index("ix_opinions_at_state", "at", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    at: Mapped[datetime]
    state: Mapped[str]  # sending done failed skipped
    guess: Mapped[str | None]  # what our own classifier took it for
    guess_confidence: Mapped[float | None]
    category: Mapped[str | None]
    confidence: Mapped[float | None]
    reason: Mapped[str | None]
    detail: Mapped[str | None]  # why there is none, or what became of it: a code
    milliseconds: Mapped[int | None]
    tokens: Mapped[int | None]


class OpinionGate(Model):
    """One row, which every process locks before it asks: how the model has done, until when it is left alone."""

    __tablename__ = "opinion_gate"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    paused_until: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Request:
    """A right to ask once. The text is masked; neither name nor id is in it."""

    opinion_id: int
    ticket_id: int
    text: str
    heard_until: datetime  # the follower's last word that it knows


@dataclass(frozen=True, slots=True)
class Use:
    """How it stands: requests of the day, the last answer, until when the model is left alone."""

    asked: int
    succeeded_at: datetime | None
    paused_until: datetime | None


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether there is anything to ask: a look that locks nothing."""
    return session.scalar(select(Ticket.id).where(Ticket.opinion_at <= now).limit(1)) is not None


def claim(session: Session, *, now: datetime, rules: Rulebook, daily: int) -> list[Request]:
    """Lease the next few tickets for one request each. Empty while the model is left alone or nothing is due."""
    gate = _gate(session)
    if gate.paused_until is not None and gate.paused_until > now:
        return []
    width = 1 if gate.failures else AT_ONCE  # after failures one is sent ahead
    left = daily - asked_on_day(session, now, rules)
    query = select(Ticket).where(Ticket.opinion_at <= now).order_by(Ticket.opinion_at, Ticket.id).limit(width)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    tickets = session.scalars(query.execution_options(populate_existing=True)).all()
    earlier, found = _earlier(session, tickets), []
    for ticket in tickets:
        _lose(earlier[ticket.id])
        since, ticket.opinion_at = ticket.opinion_at, None
        if since is None or now - since > STALE or not _may_ask(ticket, earlier[ticket.id]):
            continue
        if left <= 0:
            _skip(session, ticket, earlier[ticket.id], now)
            continue
        request = _request(session, ticket, rules, now)
        if request is not None:
            ticket.opinion_at = now + LEASE
            left -= 1
            found.append(request)
    session.flush()
    return found


def _gate(session: Session) -> OpinionGate:
    """The one row, locked; made by whoever comes first."""
    query = select(OpinionGate).where(OpinionGate.id == 1).with_for_update(key_share=True)
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        try:
            with session.begin_nested():
                session.add(OpinionGate(id=1, failures=0))
        except IntegrityError:  # somebody else has made it at this moment
            pass
        found = session.scalars(query.execution_options(populate_existing=True)).one()
    return found


def asked_on_day(session: Session, now: datetime, rules: Rulebook) -> int:
    """Requests since midnight in the service's zone, whatever came of them."""
    midnight = now.astimezone(rules.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    query = select(func.count()).select_from(Opinion).where(Opinion.at >= midnight, Opinion.state != SKIPPED)
    return session.scalar(query) or 0


def _earlier(session: Session, tickets: Sequence[Ticket]) -> Mapping[int, Sequence[Opinion]]:
    """What was asked about each of them; there are few."""
    query = select(Opinion).where(Opinion.ticket_id.in_([ticket.id for ticket in tickets])).order_by(Opinion.id)
    rows: dict[int, list[Opinion]] = defaultdict(list)
    for row in session.scalars(query.limit(100 * AT_ONCE).execution_options(populate_existing=True)):
        rows[row.ticket_id].append(row)
    return rows


def _lose(rows: Sequence[Opinion]) -> None:
    """Whoever claimed it is gone: the ticket would not be due otherwise."""
    for row in rows:
        if row.state == SENDING:
            row.state, row.detail = FAILED, LOST


def _may_ask(ticket: Ticket, rows: Sequence[Opinion]) -> bool:
    """Whether nobody has decided meanwhile, and it was not asked too often."""
    if not ticket.triage or ticket.restricted or classification.is_in_hand(ticket):
        return False
    failed, asked = (sum(row.state in states for row in rows) for states in ((FAILED,), (FAILED, DONE)))
    return failed < MOST_FAILED and asked < MOST_ASKED


def _skip(session: Session, ticket: Ticket, rows: Sequence[Opinion], now: datetime) -> None:
    """The day's budget is spent: noted once a ticket."""
    if not any(row.state == SKIPPED for row in rows):
        session.add(Opinion(ticket_id=ticket.id, at=now, state=SKIPPED, detail=OVER_BUDGET))


def _request(session: Session, ticket: Ticket, rules: Rulebook, now: datetime) -> Request | None:
    """The row of the request, and what is sent. None where the words stay here."""
    text = _words_of(session, ticket)
    verdict = rules.classifier.classify(text)
    if not text or is_delicate(verdict, rules):
        return None
    guess = {"guess": verdict.category, "guess_confidence": verdict.confidence}
    row = Opinion(ticket_id=ticket.id, at=now, state=SENDING, **guess)
    session.add(row)
    session.flush()
    return Request(row.id, ticket.id, masked(text)[:LONGEST_TEXT], ticket.last_inbound_at)


def is_delicate(verdict: Verdict, rules: Rulebook) -> bool:
    """Whether it may be a matter that few may see: a report of wrongdoing, a request about personal data."""
    suspected = {verdict.category, *(code for code, chance in verdict.ranked if chance >= SUSPECTED)}
    return any(rules.categories[code].restricted for code in suspected if code in rules.categories)


def _words_of(session: Session, ticket: Ticket) -> str:
    """What the follower wrote or said."""
    query = select(Message.text).where(Message.ticket_id == ticket.id, Message.direction == "inbound")
    query = query.where(Message.kind.in_(SPOKEN)).order_by(Message.at.desc(), Message.id.desc()).limit(BURST)
    texts = [text.removeprefix(NO_WORDS).strip() for text in session.scalars(query)]
    return "\n".join(text for text in reversed(texts) if text)


def concluded(session: Session, *, now: datetime) -> bool:
    """The model answered as it should: whatever was wrong is over. Returns whether something was."""
    gate = _gate(session)
    was_wrong = gate.failures > 0
    gate.failures, gate.paused_until, gate.succeeded_at = 0, None, now
    return was_wrong


def faltered(session: Session) -> int:
    """One failure more; returns how many in a row."""
    gate = _gate(session)
    gate.failures += 1
    return gate.failures


def leave_alone(session: Session, *, until: datetime) -> None:
    """Nobody asks before then."""
    gate = _gate(session)
    gate.paused_until = max(until, gate.paused_until or until)


def use(session: Session, *, now: datetime, rules: Rulebook) -> Use:
    """For the self-check."""
    gate = session.get(OpinionGate, 1)
    asked = asked_on_day(session, now, rules)
    return Use(asked, gate.succeeded_at if gate else None, gate.paused_until if gate else None)


def newest(session: Session, ticket: Ticket) -> Opinion | None:
    """The last one about the ticket that came to something: what its page shows."""
    query = select(Opinion).where(Opinion.ticket_id == ticket.id, Opinion.state == DONE)
    return session.scalar(query.order_by(Opinion.id.desc()).limit(1))


def forget(session: Session, follower_id: int) -> None:
    """Nothing more of what a follower wrote leaves the house; reasons are about it and go with the rest."""
    due = update(Ticket).where(Ticket.follower_id == follower_id, Ticket.opinion_at.is_not(None))
    theirs = Opinion.ticket_id.in_(select(Ticket.id).where(Ticket.follower_id == follower_id))
    asking, told = theirs & (Opinion.state == SENDING), theirs & Opinion.reason.is_not(None)
    for statement in (
        due.values(opinion_at=None),
        update(Opinion).where(asking).values(state=FAILED, detail=WITHDRAWN),  # an answer on its way is not kept
        update(Opinion).where(told).values(reason=None),
    ):
        session.execute(statement, execution_options={"synchronize_session": False})
