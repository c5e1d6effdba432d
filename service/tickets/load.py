"""What lies where, counted for the board, the wall and the forecast: a statement each, served by partial indexes.

`seen` is the condition of the tickets that may be counted (`access.overseen_by`). Groups are small: departments times
people, times clocks or half hours.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from service.people import Permission, Scope, User
from service.sla.clocks import ClockState
from service.sla.policy import ClockKind
from service.tickets.models import ClockRow, Ticket
from service.tickets.states import WORKABLE, Status

MOST_PEOPLE = 1_000
IS_OPEN = Ticket.closed_at.is_(None)
IS_WORKED_ON = Ticket.status.in_(WORKABLE)
IS_OWED = or_(IS_WORKED_ON, Ticket.follow_up_open.expression)  # by us, or a follow-up
IS_UNCLAIMED = and_(IS_WORKED_ON, Ticket.assignee_id.is_(None))
OWED, UNCLAIMED = and_(IS_OPEN, IS_OWED), and_(IS_OPEN, IS_UNCLAIMED)
CLOSED_TO_ALL = Ticket.restricted.is_(False)  # what may be counted on a wall


@dataclass(frozen=True, slots=True)
class Ahead:
    """Departments that keep the same hours, and the instants between the half hours ahead of them."""

    department_ids: frozenset[int]
    bounds: tuple[datetime, ...]

    @property
    def now(self) -> datetime:
        return self.bounds[0]

    @property
    def until(self) -> datetime:
        """What is due by then is due soon."""
        return self.bounds[-1]


@dataclass(frozen=True, slots=True)
class Place:
    """The tickets of one department that one person has, or nobody: None."""

    department_id: int
    person_id: int | None


@dataclass(frozen=True, slots=True)
class Open:
    """What is open in a place. `oldest_at`: when the oldest came that nobody has accepted."""

    place: Place
    number: int
    late: int
    unclaimed: int
    oldest_at: datetime | None


def open_by_place(session: Session, seen: ColumnElement[bool]) -> list[Open]:
    """What is open, by department and person."""
    place = (Ticket.department_id, Ticket.assignee_id)
    pending = case((Ticket.status == Status.PENDING_ACCEPTANCE, Ticket.received_at))
    query = select(
        *place,
        func.count().filter(IS_OWED),
        func.count().filter(Ticket.overdue.expression),
        func.count().filter(IS_UNCLAIMED),
        func.min(pending),
    )
    rows = session.execute(query.where(IS_OPEN, seen).group_by(*place))
    return [Open(Place(*row[:2]), *row[2:]) for row in rows]


@dataclass(frozen=True, slots=True)
class Due:
    """Tickets that are not late and will be due. `stretch`: in which half hour ahead, 0 for due and not yet marked."""

    place: Place
    stretch: int
    number: int


def due_by_place(session: Session, seen: ColumnElement[bool], ahead: Iterable[Ahead]) -> list[Due]:
    """What is due soon, by department, person and half hour."""
    found = []
    for group in ahead:
        stretch = case(*((Ticket.breach_at <= end, number) for number, end in enumerate(group.bounds)))
        columns = (Ticket.department_id, Ticket.assignee_id, stretch.label("stretch"))
        query = select(*columns, func.count()).where(
            Ticket.breach_at <= group.until, ~Ticket.overdue, Ticket.department_id.in_(group.department_ids), seen
        )
        rows = session.execute(query.group_by("department_id", "assignee_id", "stretch"))
        found += [Due(Place(*row[:2]), row[2], row[3]) for row in rows]
    return found


@dataclass(frozen=True, slots=True)
class LateClocks:
    """How many clocks of a kind are late in a place, or due soon."""

    place: Place
    kind: ClockKind
    is_late: bool
    number: int


def clocks_by_place(session: Session, seen: ColumnElement[bool], ahead: Iterable[Ahead]) -> list[LateClocks]:
    """Which clocks are late or due soon, by department, person and kind."""
    columns = (Ticket.department_id, Ticket.assignee_id, ClockRow.kind)
    joined = select(*columns, func.count()).join(ClockRow, ClockRow.ticket_id == Ticket.id).where(seen)
    breached = joined.where(Ticket.overdue.expression, ClockRow.state == ClockState.BREACHED.value)
    found = [_clocks(row, is_late=True) for row in session.execute(breached.group_by(*columns))]
    for group in ahead:
        is_late = ClockRow.due_at <= group.now
        running = joined.add_columns(is_late.label("is_late")).where(
            Ticket.breach_at <= group.until,
            Ticket.department_id.in_(group.department_ids),
            *(ClockRow.state == ClockState.RUNNING.value, ClockRow.due_at <= group.until),
        )
        rows = session.execute(running.group_by("department_id", "assignee_id", "kind", "is_late"))
        found += [_clocks(row, is_late=bool(row[4])) for row in rows]
    return found


def _clocks(row: Sequence[object], *, is_late: bool) -> LateClocks:
    department_id, person_id, kind, number = row[:4]
    return LateClocks(Place(department_id, person_id), ClockKind(kind), is_late, number)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Marked:
    """Tickets of a place with a mark: the level of their supervision order, or "waiting" for the reply window."""

    place: Place
    mark: str
    number: int


def marked_by_place(session: Session, seen: ColumnElement[bool]) -> list[Marked]:
    """What is under supervision, and what waits for the window so that somebody has to call."""
    place = (Ticket.department_id, Ticket.assignee_id)
    supervised = select(*place, Ticket.supervision, func.count()).where(Ticket.supervision.is_not(None), seen)
    waiting = select(*place, func.count()).where(Ticket.callback_due_at.is_not(None), seen).group_by(*place)
    found = [
        Marked(Place(*row[:2]), row[2], row[3])
        for row in session.execute(supervised.group_by(*place, Ticket.supervision))
        if row[2] is not None
    ]
    return found + [Marked(Place(*row[:2]), "waiting", row[2]) for row in session.execute(waiting)]


def done_since(session: Session, since: datetime, department_ids: Collection[int]) -> Counter[int]:
    """How many acceptances and final answers a department has had from then on; nothing restricted tells a pace."""
    found = Counter[int]()
    for instant in (Ticket.accepted_at, Ticket.answered_at):
        query = select(Ticket.department_id, func.count()).where(instant >= since, Ticket.restricted.is_(False))
        query = query.where(Ticket.department_id.in_(department_ids)).group_by(Ticket.department_id)
        found.update({row[0]: row[1] for row in session.execute(query)})
    return found


@dataclass(frozen=True, slots=True)
class Today:
    """A department's day: what came, what was answered, and of the answers with a resolve clock how many in time."""

    department_id: int
    received: int = 0
    answered: int = 0
    judged: int = 0
    in_time: int = 0


def today_by_department(session: Session, seen: ColumnElement[bool], since: datetime) -> list[Today]:
    """The day since midnight."""
    received = select(Ticket.department_id, func.count()).where(Ticket.received_at >= since, seen)
    came = {row[0]: row[1] for row in session.execute(received.group_by(Ticket.department_id))}
    resolve = and_(ClockRow.ticket_id == Ticket.id, ClockRow.kind == ClockKind.RESOLVE.value)
    answers = select(
        Ticket.department_id,
        func.count(),
        func.count(ClockRow.met_at),
        func.count().filter(ClockRow.met_at <= ClockRow.due_at),
    )
    answers = answers.outerjoin(ClockRow, resolve).where(Ticket.answered_at >= since, seen)
    rows = {row[0]: row[1:] for row in session.execute(answers.group_by(Ticket.department_id))}
    return [Today(i, came.get(i, 0), *rows.get(i, ())) for i in sorted(came.keys() | rows.keys())]


def workers(session: Session) -> Sequence[User]:
    """Active people who work on tickets of their own department."""
    people = session.scalars(select(User).where(User.active).order_by(User.name, User.id).limit(MOST_PEOPLE))
    return [user for user in people if Scope.DEPARTMENT in user.scopes(Permission.HANDLE)]


# ---- the same as conditions of a list


def late(now: datetime, clock: ClockKind | None = None) -> ColumnElement[bool]:
    """Something is late, or this clock is."""
    is_late = or_(Ticket.overdue.expression, Ticket.breach_at <= now)
    return is_late if clock is None else and_(is_late, _has_clock(clock, None, now))


def soon(ahead: Iterable[Ahead], clock: ClockKind | None = None) -> ColumnElement[bool]:
    """Nothing is late and something is due soon, or this clock is due soon whatever the others are."""
    return or_(*(_soon(group, clock) for group in ahead))


def _soon(group: Ahead, clock: ClockKind | None) -> ColumnElement[bool]:
    there = Ticket.department_id.in_(group.department_ids)
    if clock is None:
        return and_(Ticket.breach_at > group.now, Ticket.breach_at <= group.until, ~Ticket.overdue, there)
    return and_(Ticket.breach_at <= group.until, there, _has_clock(clock, group.now, group.until))


def _has_clock(clock: ClockKind, after: datetime | None, until: datetime) -> ColumnElement[bool]:
    """A running clock of this kind due after one instant and by the other; without the first, a late one too."""
    running = and_(ClockRow.state == ClockState.RUNNING.value, ClockRow.due_at <= until)
    fits = or_(ClockRow.state == ClockState.BREACHED.value, running)
    if after is not None:
        fits = and_(running, ClockRow.due_at > after)
    own = select(ClockRow.ticket_id).where(ClockRow.ticket_id == Ticket.id, ClockRow.kind == clock.value, fits)
    return own.exists()
