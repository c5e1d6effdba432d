"""A year of the calendar at a glance: what is known of it, what each day is, and when to remind. Pure."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from service.sla.calendar import Calendar
from service.sla.hours import Interval
from service.sla.statutory import LUNAR

ANNOUNCED = (11, 1)  # next year's arrangement is published about now: remind from here on,
PRESSING = (12, 15)  # and from here on in red


class YearState(StrEnum):
    """What is known of a year: announced; only its statutory days; hardly those."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"
    MISSING = "missing"


class DayState(StrEnum):
    """What a day is at a glance."""

    WORKING = "working"
    REST = "rest"
    HOLIDAY = "holiday"
    MAKEUP = "makeup"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the year."""

    day: date
    state: DayState
    name: str  # of the holiday it belongs to
    hours: tuple[Interval, ...]
    duty: tuple[Interval, ...]  # who is on duty on a closed day; empty on an open one


@dataclass(frozen=True, slots=True)
class Reminder:
    """A year whose arrangement is not imported although it is out, or soon will be."""

    year: int
    is_pressing: bool


def year_state(year: int, confirmed: Set[int]) -> YearState:
    """What is known of a year; provisional where an offline table gives its lunar days."""
    if year in confirmed:
        return YearState.CONFIRMED
    return YearState.PROVISIONAL if year in LUNAR else YearState.MISSING


def reminder(today: date, confirmed: Set[int]) -> Reminder | None:
    """What to remind administrators of today: this year's calendar first, from 1 November next year's."""
    if today.year not in confirmed:
        return Reminder(today.year, is_pressing=True)
    now, next_year = (today.month, today.day), today.year + 1
    if now < ANNOUNCED or next_year in confirmed:
        return None
    return Reminder(next_year, is_pressing=now >= PRESSING)


def days_of(calendar: Calendar, year: int) -> Iterator[Day]:
    """Every day of a year in order."""
    first = date(year, 1, 1)
    for offset in range((date(year + 1, 1, 1) - first).days):
        yield day_at(calendar, first + timedelta(days=offset))


def day_at(calendar: Calendar, day: date) -> Day:
    """What one day is."""
    exception, hours = calendar.exception_on(day), calendar.intervals_on(day)
    kind = exception.kind if exception else "normal"
    if kind == "holiday":
        state = DayState.SHORT if hours else DayState.HOLIDAY
    elif not hours:
        state = DayState.REST
    else:
        state = DayState.MAKEUP if kind == "makeup_workday" else DayState.WORKING
    duty = () if hours or calendar.duty is None else calendar.duty.intervals_on(day)
    return Day(day, state, exception.name if exception else "", hours, duty)
