"""The board for a screen on the wall: numbers alone, no person and no word of a customer, and nothing restricted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import g, render_template
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from service.people import Department, Permission, Scope, User
from service.sla.forecast import STRETCHES, Stretch
from service.tickets import access, load
from service.tickets.load import LateClocks, Today
from service.web import board_forecast, formats, labels
from service.web.auth import me, needs
from service.web.board_forecast import Outlook
from service.web.naming import department_name
from service.web.pages import desk, looking

P = Permission
COLUMNS = 7  # departments that can be read from across the room
PER_DEPARTMENT = ("late", "soon", "open", "unclaimed")
PER_CLOCK = ("late", "soon")


@dataclass(slots=True)
class Column:
    """A department's numbers, or a clock's; the last column may be all departments that found no room."""

    name: str
    numbers: Counter[str] = field(default_factory=Counter)
    oldest_at: datetime | None = None
    foreseen: int | None = None  # how many will be late in two working hours; None: not known

    def waits(self, at: datetime | None) -> None:
        self.oldest_at = min((each for each in (self.oldest_at, at) if each), default=None)

    def takes(self, other: "Column") -> None:
        self.numbers.update(other.numbers)
        self.waits(other.oldest_at)
        if other.foreseen is not None:
            self.foreseen = (self.foreseen or 0) + other.foreseen


@dataclass(frozen=True, slots=True)
class Slot:
    """Half an hour of all departments together."""

    end: datetime
    due: int
    late: int


@dataclass(frozen=True, slots=True)
class Wall:
    at: datetime
    title: str  # the department where it is of one; "" of all
    whole: Column
    columns: Sequence[Column]  # departments; of a wall that is of one, its clocks
    rows: Sequence[str]
    slots: Sequence[Slot]
    unknown: int  # departments with something due whose pace is not known
    received: int
    answered: int
    judged: int
    in_time: int

    @property
    def foreseen(self) -> int:
        return sum(slot.late for slot in self.slots)

    @property
    def longest(self) -> timedelta | None:
        return self.at - self.whole.oldest_at if self.whole.oldest_at else None


@desk.get("/wall")
@needs(P.OVERSEE)
def wall() -> str:
    with looking() as session:
        shown = wall_for(session, me(), formats.now())
        return render_template("desk/wall.html", wall=shown, zone=g.rules.zone.key)


@desk.get("/wall/live")
@needs(P.OVERSEE)
def wall_live() -> str:
    """The numbers alone, for a screen that is on."""
    with looking() as session:
        return render_template("desk/_wall.html", wall=wall_for(session, me(), formats.now()))


def wall_for(session: Session, user: User, now: datetime) -> Wall:
    """What may hang on a wall of what the person oversees: restricted tickets are not counted for anybody."""
    seen, rules = and_(access.overseen_by(user), load.CLOSED_TO_ALL), g.rules
    departments = session.scalars(select(Department).order_by(Department.position, Department.id)).all()
    columns = {department.id: Column(department_name(department)) for department in departments}
    ahead, is_of_all = board_forecast.ahead_of(rules, now), Scope.ALL in user.scopes(P.OVERSEE)
    dues = load.due_by_place(session, seen, ahead)
    outlooks = board_forecast.outlooks(session, rules, dues, columns, now)
    count(session, seen, columns, dues)
    for outlook in outlooks:
        columns[outlook.department_id].foreseen = outlook.forecast.late if outlook.forecast.is_known else None
    whole, shown = together(columns.values()), busy(columns.values())
    day = days_of(load.today_by_department(session, seen, midnight(now)))
    return Wall(
        at=now,
        title="" if is_of_all else department_name(user.department),
        whole=whole,
        columns=fitted(shown) if is_of_all or not shown else clock_columns(load.clocks_by_place(session, seen, ahead)),
        rows=PER_DEPARTMENT if is_of_all else PER_CLOCK,
        slots=slots_of(outlooks),
        unknown=sum(not each.forecast.is_known for each in outlooks),
        received=day.received,
        answered=day.answered,
        judged=day.judged,
        in_time=day.in_time,
    )


def count(session: Session, seen: ColumnElement[bool], columns: dict[int, Column], dues: Iterable[load.Due]) -> None:
    """Fill in the numbers."""
    for found in load.open_by_place(session, seen):
        column = columns[found.place.department_id]
        column.numbers.update(open=found.number, late=found.late, unclaimed=found.unclaimed)
        column.waits(found.oldest_at)
    for due in dues:
        columns[due.place.department_id].numbers.update({"soon" if due.stretch else "late": due.number})
    for mark in load.marked_by_place(session, seen):
        columns[mark.place.department_id].numbers.update({mark.mark: mark.number})


def clock_columns(found: Iterable[LateClocks]) -> list[Column]:
    """What is late and soon will be, by clock."""
    columns = {kind: Column(str(words)) for kind, words in labels.CLOCKS.items()}
    for clocks in found:
        columns[clocks.kind].numbers.update({"late" if clocks.is_late else "soon": clocks.number})
    return list(columns.values())


def busy(columns: Iterable[Column]) -> list[Column]:
    return [column for column in columns if any(column.numbers[name] for name in PER_DEPARTMENT)]


def fitted(columns: list[Column]) -> list[Column]:
    """As many as can be read; the others are added up, those with the least to show."""
    if len(columns) <= COLUMNS:
        return columns
    by_size = sorted(columns, key=lambda c: (c.numbers["late"], c.numbers["open"]), reverse=True)
    shown = by_size[: COLUMNS - 1]
    return [*(column for column in columns if column in shown), together(by_size[COLUMNS - 1 :])]


def together(columns: Iterable[Column]) -> Column:
    """All of them as one, without a name."""
    whole = Column("")
    for column in columns:
        whole.takes(column)
    return whole


def slots_of(outlooks: Iterable[Outlook]) -> list[Slot]:
    """The half hours of all departments added up; of one whose pace is not known nothing is foreseen."""
    rows: list[tuple[Stretch, ...]] = [each.forecast.stretches for each in outlooks]
    if not rows:
        return []
    return [
        Slot(rows[0][number].end, sum(row[number].due for row in rows), sum(row[number].late for row in rows))
        for number in range(STRETCHES)
    ]


def days_of(days: Iterable[Today]) -> Today:
    whole = list(days)
    return Today(
        0,
        sum(day.received for day in whole),
        sum(day.answered for day in whole),
        sum(day.judged for day in whole),
        sum(day.in_time for day in whole),
    )


def midnight(now: datetime) -> datetime:
    """When the day of the service's zone began."""
    return formats.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
