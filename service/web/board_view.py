"""What the overdue board shows: an address narrows the list, and every number on it is what its link lists."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from flask import g
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import EXCLUDE, Schema, fields, validate
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from service.people import Department, Permission, User
from service.sla.clocks import counting_of
from service.sla.ladder import LEVELS
from service.sla.policy import ClockKind
from service.tickets import access, load, queries
from service.tickets.clocks import clock_of
from service.tickets.load import Ahead, Due, LateClocks, Marked, Open, Place
from service.tickets.models import Ticket
from service.tickets.queries import Search
from service.tickets.states import WORKABLE
from service.web import board_forecast, chips, formats, labels, queue_board
from service.web.board_forecast import Outlook
from service.web.chips import DueChip
from service.web.naming import department_name
from service.web.queue_board import Row

SHOWN = 200
KINDS = ("late", "soon", "open", "unclaimed", "waiting", *LEVELS)
KIND_WORDS: Mapping[str, LazyString] = {
    "late": _l("已超时"),
    "soon": _l("两小时内到期"),
    "open": _l("未办结"),
    "unclaimed": _l("未分派"),
    "waiting": _l("答复待送达"),
    **labels.ORDER_LEVELS,
}
TIMED = ("", "late", "soon")  # kinds that a clock narrows; "": what is late or soon will be


class BoardIn(Schema):
    """The address of the board; what it does not know is left out."""

    class Meta:
        unknown = EXCLUDE

    department = fields.String(load_default="")
    assignee = fields.String(load_default="")  # a username, or "none"
    kind = fields.String(load_default="", validate=validate.OneOf(("", *KINDS)))
    clock = fields.String(load_default="", validate=validate.OneOf(("", *(kind.value for kind in ClockKind))))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the list is narrowed to."""

    department: str = ""
    assignee: str = ""
    kind: str = ""
    clock: str = ""

    def address(self, **changed: str) -> dict[str, str]:
        """The values of an address with some of them other; a clock is dropped where it would narrow nothing."""
        there = replace(self, **changed)
        if there.kind not in TIMED:
            there = replace(there, clock="")
        return {name: value for name, value in asdict(there).items() if value}

    def toggled(self, **one: str) -> dict[str, str]:
        """The address with these values, or without them where they are chosen already."""
        is_chosen = all(getattr(self, name) == value for name, value in one.items())
        return self.address(**(dict.fromkeys(one, "") if is_chosen else one))

    @property
    def clock_kind(self) -> ClockKind | None:
        return ClockKind(self.clock) if self.clock else None


def choice_from(arguments: Mapping[str, str]) -> Choice:
    """The address as values. Raises ValidationError for a value that no page of ours makes."""
    values: dict[str, str] = BoardIn().load({name: value for name, value in arguments.items() if value})
    choice = Choice(**values)
    return choice if choice.kind in TIMED else replace(choice, clock="")


@dataclass(frozen=True, slots=True)
class Bar:
    """A department or a person: how much of what they have is late, due soon, and neither."""

    name: str
    code: str
    late: int
    soon: int
    open: int

    @property
    def rest(self) -> int:
        return max(0, self.open - self.late - self.soon)

    @property
    def whole(self) -> int:
        return self.late + self.soon + self.rest


@dataclass(frozen=True, slots=True)
class LateBy:
    """A clock that is late, and for how long people could have worked since. `day`: a working day, to tell it in."""

    kind: ClockKind
    due_at: datetime
    length: timedelta
    day: timedelta


@dataclass(frozen=True, slots=True)
class Line:
    """A ticket of the list; `late` begins with the clock that is later than the others, or with the one asked for.

    `due`: of the clock asked for, else what is owed next.
    """

    row: Row
    due: DueChip | None
    late: Sequence[LateBy]
    may_urge: bool

    @property
    def other_clocks(self) -> str:
        """What is late beside the first."""
        return _("、").join(str(labels.CLOCKS[each.kind]) for each in self.late[1:])


@dataclass(frozen=True, slots=True)
class Board:
    choice: Choice
    numbers: Mapping[str, int]  # by kind, under the choice of department, person and clock
    clocks: Mapping[ClockKind, int]  # late and due soon, under the choice of department, person and kind
    departments: Sequence[Bar]
    people: Sequence[Bar]
    outlooks: Sequence[Outlook]
    names: Mapping[int, str]  # of departments
    lines: Sequence[Line]
    chosen_words: Sequence[tuple[str, str]]  # what narrows the list, by its name in the address

    @property
    def listed(self) -> int:
        """How many the list would have if it were not cut."""
        if self.choice.kind:
            return self.numbers[self.choice.kind]
        return self.numbers["late"] + self.numbers["soon"]

    @property
    def largest(self) -> int:
        return max((bar.whole for bar in (*self.departments, *self.people)), default=0)


@dataclass(frozen=True, slots=True)
class Fact:
    """So many tickets of a kind in a place."""

    place: Place
    kind: str
    number: int


def board_for(session: Session, user: User, choice: Choice, now: datetime) -> Board:
    """The board of a person who oversees departments, or one."""
    seen, rules = access.overseen_by(user), g.rules
    ahead = board_forecast.ahead_of(rules, now)
    departments = session.scalars(select(Department).order_by(Department.position, Department.id)).all()
    chosen_id = rules.departments.get(choice.department, -1) if choice.department else None
    dues = load.due_by_place(session, seen, ahead)
    of_clocks = load.clocks_by_place(session, seen, ahead)
    standing = load.open_by_place(session, seen)
    facts = [
        *standing_facts(standing, load.marked_by_place(session, seen)),
        *timed_facts(standing, dues, of_clocks, choice.clock_kind),
    ]
    people = people_in(session, facts)
    person_id = person_chosen(people, choice.assignee)

    def there(place: Place) -> bool:
        return chosen_id in (None, place.department_id)

    def theirs(place: Place) -> bool:
        return not choice.assignee or place.person_id == person_id

    numbers = Counter[str]()
    for fact in facts:
        numbers[fact.kind] += fact.number if there(fact.place) and theirs(fact.place) else 0
    by_clock = Counter[ClockKind]()
    for found in of_clocks:
        fits = choice.kind not in ("late", "soon") or found.is_late == (choice.kind == "late")
        by_clock[found.kind] += found.number if fits and there(found.place) and theirs(found.place) else 0
    only = [d.id for d in departments if chosen_id in (None, d.id)]
    return Board(
        choice=choice,
        numbers=numbers,
        clocks={kind: by_clock[kind] for kind in ClockKind if by_clock[kind] or choice.clock_kind is kind},
        departments=department_bars(departments, [f for f in facts if theirs(f.place)]),
        people=people_bars(people, [f for f in facts if there(f.place)]),
        outlooks=board_forecast.outlooks(session, rules, dues, only, now),
        names={d.id: department_name(d) for d in departments},
        lines=lines_of(session, user, choice, seen, ahead),
        chosen_words=words_of(choice, departments, people),
    )


def words_of(choice: Choice, departments: Iterable[Department], people: Mapping[int, User]) -> list[tuple[str, str]]:
    """What the list is narrowed to, in words."""
    words = []
    if choice.department:
        name = next((department_name(d) for d in departments if d.code == choice.department), choice.department)
        words.append(("department", name))
    if choice.assignee:
        names = {user.username: user.name for user in people.values()} | {"none": _("未分派")}
        words.append(("assignee", names.get(choice.assignee, choice.assignee)))
    if choice.kind:
        words.append(("kind", str(KIND_WORDS[choice.kind])))
    if choice.clock_kind:
        words.append(("clock", str(labels.CLOCKS[choice.clock_kind])))
    return words


def standing_facts(standing: Iterable[Open], marked: Iterable[Marked]) -> list[Fact]:
    """What is open, unclaimed, supervised or waiting, whatever the clocks say."""
    facts = [Fact(mark.place, mark.mark, mark.number) for mark in marked]
    for found in standing:
        facts += [Fact(found.place, "open", found.number), Fact(found.place, "unclaimed", found.unclaimed)]
    return facts


def timed_facts(
    standing: Iterable[Open], dues: Iterable[Due], of_clocks: Iterable[LateClocks], clock: ClockKind | None
) -> list[Fact]:
    """What is late and what will be soon: by tickets, or by a clock if one is asked for."""
    if clock is not None:
        return [Fact(c.place, "late" if c.is_late else "soon", c.number) for c in of_clocks if c.kind is clock]
    coming = [Fact(due.place, "soon" if due.stretch else "late", due.number) for due in dues]
    return coming + [Fact(found.place, "late", found.late) for found in standing if found.late]


def people_in(session: Session, facts: Iterable[Fact]) -> dict[int, User]:
    """Those who have any of it, by id."""
    ids = {fact.place.person_id for fact in facts if fact.place.person_id is not None}
    return {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}


def person_chosen(people: Mapping[int, User], assignee: str) -> int | None:
    """Id of the person named; None for nobody's tickets, -1 for somebody who has none."""
    if assignee == "none":
        return None
    return next((user.id for user in people.values() if user.username == assignee), -1)


def department_bars(departments: Iterable[Department], facts: Sequence[Fact]) -> list[Bar]:
    sums = sums_by((fact.place.department_id, fact) for fact in facts)
    return by_size(bar(department_name(d), d.code, sums[d.id]) for d in departments if d.id in sums)


def people_bars(people: Mapping[int, User], facts: Sequence[Fact]) -> list[Bar]:
    """By person; what nobody has is called "none" and has no name."""
    sums = sums_by((fact.place.person_id, fact) for fact in facts)
    named = {i: (people[i].name, people[i].username) if i is not None else ("", "none") for i in sums}
    return by_size(bar(*named[i], numbers) for i, numbers in sums.items())


def sums_by(pairs: Iterable[tuple[int | None, Fact]]) -> dict[int | None, Counter[str]]:
    sums: dict[int | None, Counter[str]] = {}
    for key, fact in pairs:
        sums.setdefault(key, Counter())[fact.kind] += fact.number
    return sums


def bar(name: str, code: str, numbers: Mapping[str, int]) -> Bar:
    return Bar(name, code, numbers["late"], numbers["soon"], numbers["open"])


def by_size(bars: Iterable[Bar]) -> list[Bar]:
    return sorted((b for b in bars if b.whole), key=lambda b: (-b.late, -b.soon, -b.open, b.name))


# ---- the list


def lines_of(
    session: Session, user: User, choice: Choice, seen: ColumnElement[bool], ahead: Sequence[Ahead]
) -> list[Line]:
    """What the choice lists, the most late first; cut at SHOWN, the earliest due of all."""
    department = g.rules.departments.get(choice.department, -1) if choice.department else None
    search = Search(
        sort="due" if choice.kind in TIMED else "limit",
        limit=SHOWN,
        also=(seen, condition(choice, ahead)),
        department_id=department,
        assignee=choice.assignee or None,
    )
    rows = queue_board.rows_of(session, queries.search(session, user, search).items)
    lines = [line_of(row, choice, user) for row in rows]
    return sorted(lines, key=lateness, reverse=True) if choice.kind in TIMED else lines


def lateness(line: Line) -> timedelta:
    """Of what is late, how late; the order of what is not stays as it was."""
    return line.late[0].length if line.late else timedelta(-1)


def condition(choice: Choice, ahead: Sequence[Ahead]) -> ColumnElement[bool]:
    """What the kind asks for."""
    now, clock = ahead[0].now, choice.clock_kind
    kinds: dict[str, ColumnElement[bool]] = {
        "": load.late(now, clock) | load.soon(ahead, clock),
        "late": load.late(now, clock),
        "soon": load.soon(ahead, clock),
        "open": load.OWED,
        "unclaimed": load.UNCLAIMED,
        "waiting": Ticket.callback_due_at.is_not(None),
    }
    return kinds.get(choice.kind, Ticket.supervision == choice.kind)


def line_of(row: Row, choice: Choice, user: User) -> Line:
    """The row with how late its clocks are in working time."""
    now, calendar = formats.now(), g.rules.calendar_for(row.ticket.department_id)
    late, due = [], row.due
    for clock in (clock_of(each) for each in row.ticket.clocks):
        if clock.state not in chips.OWED or clock.due_at is None or clock.target is None:
            continue
        if clock.kind.value == choice.clock:
            due = chips.due_chip(clock, calendar, now)
        if clock.due_at <= now:
            counting = counting_of(clock.target, calendar)
            length = counting.working_time(clock.due_at, now)
            late.append(LateBy(clock.kind, clock.due_at, length, counting.normal_day))
    late.sort(key=lambda each: (each.kind.value != choice.clock, -each.length, each.due_at))
    may_urge = row.ticket.status in WORKABLE and access.may(user, Permission.URGE, row.ticket)
    return Line(row, due, late, may_urge)
