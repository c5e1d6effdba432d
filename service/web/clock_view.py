"""A ticket's clocks as a person reads them: state, time left, why it is due then, and a bar on a line of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.sla.calendar import Calendar
from service.sla.clocks import Clock, ClockState, open_pause
from service.sla.explain import Step, explain
from service.sla.policy import Unit
from service.sla.words import Lang
from service.tickets.models import ClockRow
from service.web import chips, presenting
from service.web.chips import DueChip

LINE = 1000.0  # length of the line of time in units of its drawing


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the line of time: x and width in units of the drawing, and how it counts."""

    x: float
    width: float
    kind: str  # counted closed paused late
    why: str


@dataclass(frozen=True, slots=True)
class ClockView:
    clock: Clock
    chip: DueChip | None  # None once it is met
    late_by: timedelta | None  # a clock met late: by how much
    steps: Sequence[Step]
    stretches: Sequence[Stretch]
    now_x: float | None  # None once it is met
    due_x: float
    met_x: float | None

    @property
    def is_paused(self) -> bool:
        return self.clock.state is ClockState.PAUSED

    @property
    def unit(self) -> Unit | None:
        return self.clock.target.unit if self.clock.target else None


def views_of(rows: Iterable[ClockRow], calendar: Calendar, now: datetime, lang: Lang) -> list[ClockView]:
    """The ticket's clocks in their order."""
    return [view_of(clock, calendar, now, lang) for clock in presenting.clocks_of(rows)]


def view_of(clock: Clock, calendar: Calendar, now: datetime, lang: Lang) -> ClockView:
    met, due_at, started_at = clock.met_at, chips.due_at_of(clock), clock.started_at or now
    steps = explain(clock, calendar, lang)
    end = max(due_at, met or now)
    line = Line(started_at, end)
    late = (
        [Stretch(line.x(due_at), line.width(due_at, end), "late", "")] if end > due_at and not open_pause(clock) else []
    )
    return ClockView(
        clock=clock,
        chip=None if met else chips.due_chip(clock, calendar, now),
        late_by=met - due_at if met and met > due_at else None,
        steps=steps,
        stretches=[stretch_of(step, line, clock) for step in steps if step.end > step.start] + late,
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

    def width(self, start: datetime, end: datetime) -> float:
        return round(max(1.0, self.x(end) - self.x(start)), 1)


def stretch_of(step: Step, line: Line, clock: Clock) -> Stretch:
    paused = any(p.start <= step.start and p.end is not None and step.end <= p.end for p in clock.pauses)
    kind = "paused" if paused else "counted" if step.minutes else "closed"
    return Stretch(line.x(step.start), line.width(step.start, step.end), kind, step.why)
