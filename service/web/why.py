"""Why a clock is due when it is: the rule, each step with the sum so far, and the same as a bar on a line of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from flask import g, render_template
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.people import Permission
from service.policy_versions import PolicyVersion
from service.sla.calendar import Calendar
from service.sla.clocks import Clock, open_pause
from service.sla.explain import Step, explain
from service.sla.policy import ClockKind, Policy, Target
from service.sla.words import Lang
from service.tickets import access, extensions, queries
from service.tickets.clocks import clock_of, policy_of
from service.tickets.models import Ticket
from service.web import chips, formats
from service.web.auth import me, needs
from service.web.languages import language
from service.web.pages import desk, is_fragment, looking

LINE = 1000.0  # length of the line of time in units of its drawing
LEAST = 6.0  # width of a stretch that would be too narrow to see
MOST_DAYS = 40  # for more than that, midnights are not drawn
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A step, how it counts, and the minutes counted when it has ended."""

    step: Step
    kind: str  # counted closed paused
    so_far: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the line of time: x and width in units of the drawing, and how it counts."""

    x: float
    width: float
    kind: str  # counted closed paused late
    why: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The line of time from the clock's start to its due time, or to now or its end where that is later.

    What has passed since the due time is cut where it would leave no room for the steps.
    """

    start: datetime
    end: datetime
    is_cut: bool
    stretches: Sequence[Stretch]
    midnights: Sequence[float]
    now_x: float | None  # None once it is met
    due_x: float
    met_x: float | None


@dataclass(frozen=True, slots=True)
class Why:
    """An explanation as it is shown."""

    ticket: Ticket
    clock: Clock
    policy: Policy
    policy_target: Target | None  # what the policy says; the clock may run on another
    version: int  # of the targets that the ticket has
    since: datetime | None  # when that version was saved; None: as shipped
    newest: int
    extended: int  # working days that were granted beyond it
    steps: Sequence[Reckoned]
    bar: Bar

    @property
    def minutes(self) -> int:
        return sum(reckoned.step.minutes for reckoned in self.steps)

    def count(self, kind: str) -> int:
        """How many steps count so."""
        return sum(reckoned.kind == kind for reckoned in self.steps)


@desk.get("/tickets/<number>/why/<kind>")
@needs(Permission.SEE)
def why(number: str, kind: str) -> str:
    """Why a clock of the ticket is due when it is; a part of the ticket's page, and a page of its own."""
    with looking() as session:
        found = why_of(session, access.ticket_for(session, me(), number), kind)
        return render_template("desk/_why.html" if is_fragment() else "desk/why.html", why=found)


def why_of(session: Session, ticket: Ticket, kind: str) -> Why:
    """The explanation of one clock. Raises NotFound where the ticket has no such clock."""
    ticket = queries.loaded(session, ticket)
    row = next((row for row in ticket.clocks if row.kind == kind), None)
    if row is None:
        raise NotFound
    clock, calendar = clock_of(row), g.rules.calendar_for(ticket.department_id)
    policy, saved = policy_of(ticket, g.rules), session.get(PolicyVersion, ticket.policy_version)
    lang: Lang = "en" if language() == "en" else "zh"
    extended = extensions.days_in(session, ticket, clock)
    steps = explain(clock, calendar, lang, extended=extended)
    sums = accumulate(step.minutes for step in steps)
    return Why(
        ticket=ticket,
        clock=clock,
        policy=policy,
        policy_target=policy.target(ClockKind(kind)),
        version=ticket.policy_version,
        since=saved.at if saved else None,
        newest=g.rules.policy_version,
        extended=extended,
        steps=[Reckoned(step, kind_of(step, clock), so_far) for step, so_far in zip(steps, sums, strict=True)],
        bar=bar_of(clock, steps, calendar, formats.now()),
    )


def kind_of(step: Step, clock: Clock) -> str:
    if any(taken.start <= step.start and step.end <= (taken.end or step.start) for taken in clock.pauses):
        return "paused"
    return "counted" if step.minutes else "closed"


def bar_of(clock: Clock, steps: Sequence[Step], calendar: Calendar, now: datetime) -> Bar:
    """The steps to scale, what has passed since the due time, and the marks."""
    due_at, met, started_at = chips.due_at_of(clock), clock.met_at, clock.started_at or now
    end = max(due_at, met or now)
    line = Line(started_at, min(end, due_at + (due_at - started_at) / 2))
    return Bar(
        start=started_at,
        end=end,
        is_cut=line.end < end,
        stretches=list(stretches_of(clock, steps, line)),
        midnights=[line.x(at) for at in midnights_of(line, calendar)],
        now_x=None if met else line.x(now),
        due_x=line.x(due_at),
        met_x=line.x(met) if met else None,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A span of time drawn from 0 to LINE."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        whole = (self.end - self.start).total_seconds()
        return round(min(1.0, max(0.0, (at - self.start).total_seconds() / whole)) * LINE, 1) if whole > 0 else 0.0

    def stretch(self, start: datetime, end: datetime, kind: str, why: str = "") -> Stretch:
        """A stretch wide enough to see and within the line."""
        width = max(LEAST, self.x(end) - self.x(start))
        return Stretch(min(self.x(start), LINE - width), round(width, 1), kind, why)


def stretches_of(clock: Clock, steps: Sequence[Step], line: Line) -> Iterator[Stretch]:
    """What is drawn, in that order: a narrow stretch that counts lies above a wide one that does not."""
    drawn = [
        line.stretch(step.start, step.end, kind_of(step, clock), step.why) for step in steps if step.end > step.start
    ]
    yield from sorted(drawn, key=lambda stretch: stretch.kind == "counted")
    due_at, lasting = chips.due_at_of(clock), open_pause(clock)
    if lasting is not None:
        yield line.stretch(lasting.start, line.end, "paused")
    elif line.end > due_at:
        yield line.stretch(due_at, line.end, "late")


def midnights_of(line: Line, calendar: Calendar) -> Iterator[datetime]:
    """Where days end, unless there are too many to tell them apart."""
    at = calendar.midnight_after(line.start)
    while at < line.end and line.end - line.start < MOST_DAYS * DAY:
        yield at
        at = calendar.midnight_after(at)
