"""Shifts: who is on duty on which days, and when. They add hours in which natural time runs. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from service.sla.hours import MIDNIGHT, Interval, check_intervals, end_minute, intervals_from, minute
from service.sla.rows import Row, texts_in

SHIFT_DAY = re.compile(r"duty:(\d{4}-\d{2}-\d{2})")
MOST_ON_A_DAY = 20


@dataclass(frozen=True, slots=True)
class Shift:
    """One stretch of a day, and the usernames of those who are on duty in it."""

    hours: Interval
    people: tuple[str, ...]


Shifts = Mapping[date, tuple[Shift, ...]]


def key_of_day(day: date) -> str:
    """The name of a day's row: "duty:2026-11-28"."""
    return f"duty:{day.isoformat()}"


def shifts_from(rows: Iterable[Row]) -> dict[date, tuple[Shift, ...]]:
    """The shifts among a calendar's rows; other rows are left out. Raises ValueError that names what is wrong.

    A row: {"key": "duty:2026-11-28", "shifts": [{"hours": ["18:00", "22:00"], "people": ["chenjing"]}]}.
    """
    found = ((SHIFT_DAY.fullmatch(str(row["key"])), row) for row in rows)
    return {date.fromisoformat(match[1]): tuple(shifts_in(row)) for match, row in found if match}


def shifts_in(row: Row) -> Iterator[Shift]:
    """The shifts of one day; two may overlap, as several people may be on duty."""
    shifts = row.get("shifts")
    if not isinstance(shifts, list) or not 1 <= len(shifts) <= MOST_ON_A_DAY:
        raise ValueError(f"{row['key']}: a day has between 1 and {MOST_ON_A_DAY} shifts")
    for shift in shifts:
        if not isinstance(shift, Mapping) or not texts_in(shift, "people"):
            raise ValueError(f"{row['key']}: a shift has hours and people")
        hours = intervals_from([shift.get("hours")])
        check_intervals(hours)
        yield Shift(hours[0], texts_in(shift, "people"))


def joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Intervals in order, those that touch or overlap made one."""
    whole: list[tuple[int, int]] = []
    for opens, ends in sorted((minute(opens), end_minute(ends)) for opens, ends in intervals):
        if whole and opens <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(ends, whole[-1][1]))
        else:
            whole.append((opens, ends))
    return tuple((time_of(opens), time_of(ends)) for opens, ends in whole)


def time_of(minutes: int) -> time:
    """A time of day; the end of the day is 00:00."""
    hour, rest = divmod(minutes, 60)
    return MIDNIGHT if hour == 24 else time(hour, rest)


def on_duty(shifts: Shifts, at: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """Usernames of those on duty at an instant, each once."""
    local = at.astimezone(zone)
    now = local.hour * 60 + local.minute
    today = shifts.get(local.date(), ())
    there = (shift for shift in today if minute(shift.hours[0]) <= now < end_minute(shift.hours[1]))
    return tuple(dict.fromkeys(person for shift in there for person in shift.people))
