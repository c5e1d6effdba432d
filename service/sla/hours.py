"""Opening hours and exceptional days, and the rows in which they are kept. No arithmetic over instants."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Literal

from service.sla.rows import Row, text_in

Interval = tuple[time, time]  # an end of 00:00 is midnight at the end of the day
Week = Mapping[int, tuple[Interval, ...]]  # Monday = 0
# normal: as its week says, whatever was announced; duty: a day of a roster, which no row of days may say
DayKind = Literal["holiday", "makeup_workday", "normal", "duty"]

MIDNIGHT = time()
DAY_MINUTES = 24 * 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_KINDS: tuple[DayKind, ...] = ("holiday", "makeup_workday", "normal")


@dataclass(frozen=True, slots=True)
class DayException:
    """A day that differs from the week: closed where `intervals` is empty; a holiday with hours is a short day."""

    name: str
    kind: DayKind
    intervals: tuple[Interval, ...] = ()


def length_of(intervals: tuple[Interval, ...]) -> timedelta:
    """Opening time of a day by the wall clock."""
    return sum((timedelta(minutes=end_minute(ends) - minute(opens)) for opens, ends in intervals), timedelta())


def check_intervals(intervals: tuple[Interval, ...]) -> None:
    """Raise ValueError unless the intervals are whole minutes, in order and without overlap."""
    free_from = 0
    for opens, ends in intervals:
        if any((opens.second, ends.second, opens.microsecond, ends.microsecond)):
            raise ValueError(f"opening hours are whole minutes: {opens}-{ends}")
        if minute(opens) < free_from or end_minute(ends) <= minute(opens):
            raise ValueError(f"opening hours overlap or run backwards: {opens:%H:%M}-{ends:%H:%M}")
        free_from = end_minute(ends)


def minute(at: time) -> int:
    """Minutes since midnight."""
    return at.hour * 60 + at.minute


def end_minute(at: time) -> int:
    """Minutes since midnight of an interval's end; 00:00 is the end of the day."""
    return minute(at) or DAY_MINUTES


def week_from(row: Row) -> dict[int, tuple[Interval, ...]]:
    """A week from a row like {"monday": [["09:00", "12:00"], ["13:30", "18:00"]]}; a weekday left out is closed."""
    unknown = sorted(set(row) - set(WEEKDAYS) - {"key"})
    if unknown:
        raise ValueError(f"opening hours: unknown weekday {unknown[0]!r}, weekdays are {', '.join(WEEKDAYS)}")
    return {number: intervals_from(row.get(name, [])) for number, name in enumerate(WEEKDAYS)}


def intervals_from(pairs: object) -> tuple[Interval, ...]:
    """Intervals from a list of pairs of HH:MM; 24:00 is the end of the day."""
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise ValueError(f'opening hours are a list like [["09:00", "12:00"], ["13:30", "18:00"]], not {pairs!r}')
    return tuple((time_from(opens), time_from(ends)) for opens, ends in pairs)


def time_from(text: object) -> time:
    """A time of day from HH:MM."""
    return MIDNIGHT if text == "24:00" else time.fromisoformat(str(text))


def day_from(row: Row, week: Week) -> tuple[date, DayException]:
    """An exceptional day from a row like {"key": "2026-02-14", "name": "春节", "kind": "makeup_workday"}.

    Without `hours` a holiday is closed, a make-up day has the hours of the first open day of the week, and a normal
    day those of its weekday; a normal day needs no name.
    """
    day = date.fromisoformat(text_in(row, "key"))
    kind = next((known for known in DAY_KINDS if known == row.get("kind")), None)
    if kind is None:
        raise ValueError(f"{day}: unknown kind {row.get('kind')!r}, kinds are {', '.join(DAY_KINDS)}")
    if kind == "normal":
        return day, DayException("", kind, week.get(day.weekday(), ()))
    usual = () if kind == "holiday" else first_open_day(week)
    intervals = intervals_from(row["hours"]) if row.get("hours") is not None else usual
    return day, DayException(text_in(row, "name"), kind, intervals)


def first_open_day(week: Week) -> tuple[Interval, ...]:
    """Hours of the week's first open day; empty for a week without any."""
    return next((week[number] for number in sorted(week) if week[number]), ())
