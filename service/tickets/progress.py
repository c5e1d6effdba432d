"""A ticket as its follower knows it: where it stands, by when an answer comes, and what was said to them."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from service.messaging.outbox import Delivery
from service.sla.clocks import ClockState
from service.sla.policy import ClockKind
from service.tickets import queries
from service.tickets.models import Attachment, Message, Ticket
from service.tickets.queries import Page
from service.tickets.states import LIVE, Status

OPEN_SHOWN = 50
FINISHED_PAGE = 20
LINES = 50
NO_CODE = "------"  # what a wrong number's code is compared with, so that both refusals take as long
ANSWERED = (Status.ANSWERED, Status.CLOSED)
DROPPED = (Status.DECLINED, Status.WITHDRAWN, Status.MERGED, Status.INVALID)  # ended without an answer
NOT_ARRIVED = (Delivery.WAITING.value, Delivery.FAILED.value)  # read here or nowhere


@dataclass(frozen=True, slots=True)
class Step:
    """A station of the way: received, accepted, answered, closed, or ended for a ticket that ended without an answer.

    `at` None: not reached, or reached without a time of its own.
    """

    kind: str
    at: datetime | None
    is_done: bool
    is_next: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """By when an answer comes. `provisional`: the holidays of that year are not published yet."""

    at: datetime
    is_late: bool
    provisional: bool


def steps(ticket: Ticket) -> list[Step]:
    """The stations in their order; the first that is not reached is what comes next."""
    accepted = ticket.accepted_at is not None or ticket.status in ANSWERED
    answered = ticket.status in ANSWERED and ticket.answered_at is not None
    closed = ticket.status is Status.CLOSED
    way: list[tuple[str, datetime | None, bool]] = [("received", ticket.received_at, True)]
    if ticket.status in DROPPED:
        if accepted:
            way.append(("accepted", ticket.accepted_at, True))
        way.append(("ended", ticket.closed_at, True))
    else:
        way.append(("accepted", ticket.accepted_at, accepted))
        if answered or not closed:
            way.append(("answered", ticket.answered_at if answered else None, answered))
        way.append(("closed", ticket.closed_at if closed else None, closed))
    first_open = next((place for place, (_, _, done) in enumerate(way) if not done), None)
    return [Step(kind, at, done, place == first_open) for place, (kind, at, done) in enumerate(way)]


def promise(ticket: Ticket, now: datetime) -> Promise | None:
    """What the handler promised, else when the answer is due; None where nothing runs. Needs the clocks loaded."""
    if ticket.status not in LIVE or ticket.status is Status.ANSWERED:
        return None
    clock = next((row for row in ticket.clocks if row.kind == ClockKind.RESOLVE), None)
    if ticket.promise_at is not None:
        return Promise(ticket.promise_at, ticket.promise_at < now, provisional=False)
    if clock is None or clock.state not in (ClockState.RUNNING, ClockState.BREACHED):
        return None
    return Promise(clock.due_at, clock.due_at < now, clock.provisional)


def open_tickets(session: Session, follower_id: int) -> Sequence[Ticket]:
    """What is still being dealt with, newest first."""
    query = select(Ticket).where(Ticket.follower_id == follower_id, Ticket.status.in_(LIVE))
    query = query.options(selectinload(Ticket.clocks)).order_by(Ticket.id.desc())
    return session.scalars(query.limit(OPEN_SHOWN)).all()


def finished_tickets(session: Session, follower_id: int, before: int | None = None) -> Page[Ticket]:
    """What has ended, newest first; `next_cursor` is what to give as `before` for older ones."""
    query = select(Ticket).where(Ticket.follower_id == follower_id, Ticket.status.not_in(LIVE))
    if before is not None:
        query = query.where(Ticket.id < before)
    query = query.options(selectinload(Ticket.clocks)).order_by(Ticket.id.desc())
    found = session.scalars(query.limit(FINISHED_PAGE + 1)).all()
    shown = found[:FINISHED_PAGE]
    return Page(shown, str(shown[-1].id) if len(found) > FINISHED_PAGE else None)


def own_ticket(session: Session, follower_id: int, number: str) -> Ticket | None:
    """The follower's ticket of that number, with its clocks; None for another's as for one that is not there."""
    query = select(Ticket).where(Ticket.number == number, Ticket.follower_id == follower_id)
    return session.scalar(query.options(selectinload(Ticket.clocks)))


def ticket_by_code(session: Session, number: str, query_code: str) -> Ticket | None:
    """The ticket if the code is the one of its receipt; a wrong number looks like a wrong code."""
    ticket = session.scalar(select(Ticket).where(Ticket.number == number).options(selectinload(Ticket.clocks)))
    known = ticket.query_code if ticket is not None else NO_CODE
    same = hmac.compare_digest(known.encode(), query_code.encode("utf-8", "replace"))
    return ticket if same and ticket is not None else None


def lines(session: Session, ticket: Ticket, cursor: str | None = None) -> Page[Message]:
    """What the follower said and was told, oldest first; `next_cursor` leads to what came before."""
    query = select(Message).where(Message.ticket_id == ticket.id, _is_theirs())
    query = query.options(selectinload(Message.attachments))
    if cursor:
        at, message_id = queries.decode_cursor(cursor)
        query = query.where(or_(Message.at < at, and_(Message.at == at, Message.id < message_id)))
    found = session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(LINES + 1)).all()
    shown = list(reversed(found[:LINES]))
    return Page(shown, queries.encode_cursor(shown[0].at, shown[0].id) if len(found) > LINES else None)


def unread_answers(session: Session, ticket: Ticket) -> Sequence[Message]:
    """Answers that have not reached the follower by WeChat, oldest first."""
    query = select(Message).where(
        Message.ticket_id == ticket.id, Message.direction == "outbound", Message.delivery.in_(NOT_ARRIVED)
    )
    return session.scalars(query.order_by(Message.at, Message.id).limit(LINES)).all()


def own_file(session: Session, ticket: Ticket, attachment_id: int) -> Attachment | None:
    """A file of this conversation, as far as the follower knows it."""
    query = select(Attachment).join(Message, Message.id == Attachment.message_id)
    return session.scalar(query.where(Attachment.id == attachment_id, Message.ticket_id == ticket.id, _is_theirs()))


def _is_theirs() -> ColumnElement[bool]:
    """Neither notes nor what only the system wrote; no reply that was taken back."""
    kept = or_(Message.delivery.is_(None), Message.delivery != Delivery.CANCELLED.value)
    return and_(Message.direction.in_(("inbound", "outbound")), kept)
