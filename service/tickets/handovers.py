"""Going home: what somebody has promised and leaves behind, and how it goes to a colleague or back to the pool."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.errors import Forbidden, InvalidInput, Recused, StaleVersion
from service.people import User
from service.routing.assignment import Candidate
from service.rulebook import Rulebook
from service.sla import duty
from service.sla.clocks import ClockState
from service.sla.policy import ClockKind
from service.tickets import access, assigning, custody, handling, notifying, queries
from service.tickets.changes import Deed, change
from service.tickets.models import Handover, Ticket
from service.tickets.notifying import Matter
from service.tickets.states import WORKABLE, Action

MOST = 200  # tickets of one person, handovers of one page
TO_POOL = "下班交接：退回公共池"
TO_COLLEAGUE = "下班交接"
DUE_STATES = (ClockState.RUNNING.value, ClockState.BREACHED.value)


class Owed(StrEnum):
    """What kind of thing somebody still has to do."""

    PROMISE = "promise"  # an answer by an instant that the handler named
    CALLBACK = "callback"  # the answer does not reach the follower: call
    WAITING = "waiting"  # an answer of ours lies ready until the follower writes
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that is owed on a ticket; `due_at` None: it waits without a time."""

    kind: Owed
    due_at: datetime | None
    clock: ClockKind | None = None


@dataclass(frozen=True, slots=True)
class InHand:
    """A ticket of somebody who goes home, with what is owed on it, the earliest first."""

    ticket: Ticket
    promises: Sequence[Promise]

    @property
    def due_at(self) -> datetime | None:
        return next((promise.due_at for promise in self.promises if promise.due_at), None)


def next_start(user: User, rules: Rulebook, at: datetime) -> datetime:
    """When the person is on duty again after this shift or this day."""
    return duty.next_start(user.username, workplace_of(user.department_id, rules), at)


def workplace_of(department_id: int, rules: Rulebook) -> duty.Workplace:
    own = rules.shifts.get(rules.department_codes.get(department_id, ""), {})
    return duty.Workplace(rules.calendar_for(department_id), own, rules.shifts.get("", {}))


def in_hand(session: Session, user: User, *, until: datetime) -> list[InHand]:
    """The person's open tickets: what is owed first comes first, then those on which nothing is owed before `until`."""
    query = queries.for_lists(select(Ticket).where(*_open_of([user.id])))
    tickets = session.scalars(query.order_by(Ticket.due_at.nulls_last(), Ticket.id).limit(MOST)).all()
    found = [InHand(ticket, promises_of(ticket, until)) for ticket in tickets]
    return sorted(found, key=_order)


def _order(each: InHand) -> tuple[bool, bool, float, int]:
    due_at = each.due_at
    return not each.promises, due_at is None, due_at.timestamp() if due_at else 0.0, each.ticket.id


def promises_of(ticket: Ticket, until: datetime) -> list[Promise]:
    """What is owed on a ticket: what was promised whenever it is due, and of the clocks those due before `until`."""
    found = []
    if ticket.promise_at is not None:
        found.append(Promise(Owed.PROMISE, ticket.promise_at))
    if ticket.callback_due_at is not None:
        found.append(Promise(Owed.CALLBACK, ticket.callback_due_at))
    if ticket.awaits_window is not None:
        found.append(Promise(Owed.WAITING, None))
    for clock in ticket.clocks:
        if clock.state in DUE_STATES and clock.due_at <= until:
            found.append(Promise(Owed.CLOCK, clock.due_at, ClockKind(clock.kind)))
    return sorted(found, key=lambda p: (p.due_at is None, p.due_at.timestamp() if p.due_at else 0.0, p.kind.value))


def _open_of(user_ids: Iterable[int]) -> tuple[ColumnElement[bool], ...]:
    return Ticket.closed_at.is_(None), Ticket.assignee_id.in_(sorted(user_ids)), Ticket.status.in_(WORKABLE)


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What somebody who has gone home left open and is due before they come again."""

    user: User
    number: int
    first_due_at: datetime
    until: datetime


def left_behind(session: Session, gone: Iterable[User], *, now: datetime, rules: Rulebook) -> list[LeftBehind]:
    """Those of them who left something that is due before they are back, the most pressing first."""
    by_return: dict[datetime, dict[int, User]] = {}
    for user in gone:
        by_return.setdefault(next_start(user, rules, now), {})[user.id] = user
    found = []
    for until, people in by_return.items():
        dues = (_by(Ticket.promise_at, until), _by(Ticket.callback_due_at, until), _by(Ticket.breach_at, until))
        late = case((Ticket.overdue.expression, Ticket.due_at))
        earliest = [func.min(due) for due in (*dues, late)]
        query = select(Ticket.assignee_id, func.count(), *earliest).where(*_open_of(people), _is_owed_by(until))
        for user_id, number, *instants in session.execute(query.group_by(Ticket.assignee_id)):
            first_due_at = min(instant for instant in instants if instant is not None)
            found.append(LeftBehind(people[user_id], number, first_due_at, until))
    return sorted(found, key=lambda each: (each.first_due_at, each.user.username))


def _by(instant: InstrumentedAttribute[datetime | None], until: datetime) -> ColumnElement[datetime | None]:
    return case((instant <= until, instant))


def _is_owed_by(until: datetime) -> ColumnElement[bool]:
    instants = (Ticket.promise_at, Ticket.callback_due_at, Ticket.breach_at)
    return or_(*(instant <= until for instant in instants), Ticket.overdue.expression)


# ---- handing over


@dataclass(frozen=True, slots=True)
class Passing:
    """What is said with a ticket that goes on. `version`: of the ticket as its handler last saw it."""

    note: str
    version: int
    batch: str  # the same for all that one person hands over at once: the receiver hears of it once


@dataclass(frozen=True, slots=True)
class Receiver:
    """A colleague who is there and has room."""

    username: str
    name: str
    in_hand: int
    limit: int | None
    takes_restricted: bool


def receivers(
    session: Session, department_ids: Iterable[int], *, without: User, now: datetime, rules: Rulebook
) -> dict[int, list[Receiver]]:
    """Who could take a ticket of each department over, those with the least in hand first."""
    found = {}
    for department_id in sorted(department_ids):
        people = assigning.loads_for(session, department_id, now=now, rules=rules)
        free = [_receiver(each) for each in people if each.is_free and each.username != without.username]
        found[department_id] = sorted(free, key=lambda each: (each.in_hand, each.username))
    return found


def _receiver(each: Candidate) -> Receiver:
    return Receiver(each.username, each.name, each.open_tickets, each.limit, each.takes_restricted)


def can_take(receiver: Receiver, ticket: Ticket) -> bool:
    """What only some may see goes to one of them."""
    return receiver.takes_restricted or not ticket.restricted


def hand_over(session: Session, ticket: Ticket, deed: Deed, passing: Passing, *, to: str) -> Handover:
    """The handler's ticket goes to a colleague who is there and has room, with a note, and they are told.

    `to`: their username. Raises StaleVersion where the ticket has changed since it was read, InvalidInput for a
    colleague who cannot have it.
    """
    giver = _giver(ticket, deed, passing)
    receiver = _locked_receiver(session, ticket, deed, giver, to)
    row = _record(session, ticket, deed, giver, passing, receiver)
    with change(session, ticket, Action.ASSIGN, deed, because=TO_COLLEAGUE):
        ticket.assignee_id = receiver.id
    facts = {"what": "handed", "actor": giver.username, "text": passing.note}
    cause = f"handover:{giver.id}:{receiver.id}:{passing.batch}"
    notifying.tell(session, Matter(cause, "handover", None, facts, users=(receiver.id,)), deed)
    return row


def _locked_receiver(session: Session, ticket: Ticket, deed: Deed, giver: User, username: str) -> User:
    """The colleague, locked as `assigning` locks people, so that nobody else fills their hands meanwhile."""
    query = select(User).where(User.username == username, User.active).with_for_update(key_share=True, of=User)
    person: User | None = session.scalar(query.execution_options(populate_existing=True))
    free = receivers(session, [ticket.department_id], without=giver, now=deed.now, rules=deed.rules)
    fit = [each for each in free[ticket.department_id] if can_take(each, ticket)]
    if person is None or username not in {each.username for each in fit}:
        raise InvalidInput(to="this colleague is not on duty, is away or has no room; choose another one")
    if custody.is_recused(session, ticket, person):
        raise Recused("the matter is about this person: choose somebody else")
    return person


def return_to_pool(session: Session, ticket: Ticket, deed: Deed, passing: Passing) -> Handover:
    """The handler's ticket goes back to the pool of its department, with a note."""
    row = _record(session, ticket, deed, _giver(ticket, deed, passing), passing, None)
    assigning.hand_back(session, ticket, deed, because=TO_POOL)
    return row


def _giver(ticket: Ticket, deed: Deed, passing: Passing) -> User:
    if deed.by is None or ticket.assignee_id != deed.by.id or ticket.closed_at is not None:
        raise Forbidden("only whoever has the ticket in hand hands it over")
    if ticket.version != passing.version:
        raise StaleVersion("the ticket has changed since you read it", version=ticket.version)
    return deed.by


def _record(session: Session, ticket: Ticket, deed: Deed, giver: User, passing: Passing, to: User | None) -> Handover:
    row = Handover(at=deed.now, from_user_id=giver.id, to_user_id=to.id if to else None, ticket_id=ticket.id)
    row.note = passing.note
    session.add(row)
    handling.note(session, ticket, passing.note, deed)
    return row


# ---- what was handed to somebody


def received(session: Session, user: User, *, since: datetime) -> Sequence[tuple[Handover, Ticket, User]]:
    """What colleagues gave this person and they have not acknowledged, or was given since then; the newest first."""
    is_shown = or_(Handover.acknowledged_at.is_(None), Handover.at >= since)
    mine = select(Handover, User).join(User, User.id == Handover.from_user_id)
    mine = mine.where(Handover.to_user_id == user.id, is_shown).order_by(Handover.id.desc()).limit(MOST)
    rows = session.execute(mine).all()
    query = select(Ticket).where(Ticket.id.in_([row.Handover.ticket_id for row in rows]), access.visible_to(user))
    seen = {ticket.id: ticket for ticket in session.scalars(query)} if rows else {}
    return [(row.Handover, seen[row.Handover.ticket_id], row.User) for row in rows if row.Handover.ticket_id in seen]


def acknowledge(session: Session, user: User, *, up_to: int, now: datetime) -> int:
    """The person has read what they were given, as far as it was shown; returns how many it were."""
    mine = update(Handover).where(Handover.to_user_id == user.id, Handover.acknowledged_at.is_(None))
    done = session.execute(mine.where(Handover.id <= up_to).values(acknowledged_at=now))
    return done.rowcount  # type: ignore[attr-defined, no-any-return]
