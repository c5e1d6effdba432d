"""A ticket's clocks as a person reads them at a glance: state, time left, how late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.sla.calendar import Calendar
from service.sla.clocks import Clock
from service.tickets.models import ClockRow
from service.web import chips, presenting
from service.web.chips import DueChip


@dataclass(frozen=True, slots=True)
class ClockView:
    clock: Clock
    chip: DueChip | None  # None once it is met
    late_by: timedelta | None  # a clock met late: by how much


def views_of(rows: Iterable[ClockRow], calendar: Calendar, now: datetime) -> list[ClockView]:
    """The ticket's clocks in their order."""
    return [view_of(clock, calendar, now) for clock in presenting.clocks_of(rows)]


def view_of(clock: Clock, calendar: Calendar, now: datetime) -> ClockView:
    met, due_at = clock.met_at, chips.due_at_of(clock)
    return ClockView(
        clock=clock,
        chip=None if met else chips.due_chip(clock, calendar, now),
        late_by=met - due_at if met and met > due_at else None,
    )
