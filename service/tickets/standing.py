"""Who is at work in each department, what they have in hand, and what waits there for somebody to take it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.people import User
from service.rulebook import Rulebook
from service.tickets import assigning
from service.tickets.models import Ticket
from service.tickets.states import Status

IS_IN_HAND = (Ticket.closed_at.is_(None), assigning.COUNTS)


@dataclass(frozen=True, slots=True)
class Standing:
    """A person now. `is_rostered`: on duty by a shift or the department's hours, whatever they say themselves."""

    user: User
    is_rostered: bool
    in_hand: int
    unaccepted: int
    limit: int | None

    @property
    def is_here(self) -> bool:
        return self.is_rostered and self.user.presence == "present"

    @property
    def has_room(self) -> bool:
        return self.limit is None or self.in_hand < self.limit


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in a department for somebody to take it."""

    number: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastGiven:
    """What the rule gave last in a department; `ticket` None: it has ended or gone on since."""

    user: User
    at: datetime
    ticket: Ticket | None


def standings(session: Session, people: Sequence[User], rules: Rulebook, now: datetime) -> list[Standing]:
    """These people as they stand now, in the same order."""
    counts = _counts(session, people)
    there = {d: assigning.on_duty(rules, d, now) for d in {user.department_id for user in people}}
    found = []
    for user in people:
        rostered = there[user.department_id]
        limit = user.ticket_limit or rules.assignment_for(user.department_id).limit
        in_hand, unaccepted = counts.get(user.id, (0, 0))
        found.append(Standing(user, rostered is None or user.username in rostered, in_hand, unaccepted, limit))
    return found


def _counts(session: Session, people: Iterable[User]) -> dict[int, tuple[int, int]]:
    """Tickets on which each still owes an answer, and how many of them they have not accepted."""
    ids = sorted(user.id for user in people)
    pending = func.count().filter(Ticket.status == Status.PENDING_ACCEPTANCE)
    query = select(Ticket.assignee_id, func.count(), pending).where(*IS_IN_HAND, Ticket.assignee_id.in_(ids))
    rows = session.execute(query.group_by(Ticket.assignee_id))
    return {user_id: (number, unaccepted) for user_id, number, unaccepted in rows if user_id is not None}


def queues(session: Session, department_ids: Collection[int]) -> Mapping[int, Queue]:
    """What waits, by department."""
    query = select(Ticket.department_id, func.count(), func.min(Ticket.received_at))
    query = query.where(Ticket.wants_assignee_at.is_not(None), Ticket.department_id.in_(sorted(department_ids)))
    rows = session.execute(query.group_by(Ticket.department_id))
    return {department_id: Queue(number, oldest_at) for department_id, number, oldest_at in rows}


def last_given(session: Session, people: Iterable[User], seen: ColumnElement[bool]) -> LastGiven | None:
    """What the rule gave last to one of these people; the ticket only where it may be `seen`."""
    given = [(user.last_assigned_at, user.id, user) for user in people if user.last_assigned_at is not None]
    if not given:
        return None
    at, _, user = max(given, key=lambda each: each[:2])
    query = select(Ticket).where(*IS_IN_HAND, Ticket.assignee_id == user.id, Ticket.assigned_by_rule.expression, seen)
    return LastGiven(user, at, session.scalar(query.order_by(Ticket.assigned_at.desc(), Ticket.id.desc()).limit(1)))
