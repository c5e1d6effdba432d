"""Working time counted minute by minute, slowly and on its own, and makers for the tests of service/sla."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from service.sla import clocks
from service.sla.calendar import Calendar, DayException, Interval, calendar_from
from service.sla.clocks import Clock, ClockKind
from service.sla.policy import PolicyTable, Target, Unit, policies_from

DEFAULTS = Path(__file__).parents[3] / "service" / "defaults"
SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
OFFICE: tuple[Interval, ...] = ((time(9), time(12)), (time(13, 30), time(18)))


@cache
def shipped_calendar() -> Calendar:
    """The calendar as shipped."""
    return calendar_from(json.loads((DEFAULTS / "calendar_cn.json").read_text("utf-8")))


def checked(examples: int) -> settings:
    """How a property is tried: the same examples each time, however loaded the machine is.

    With EXAMPLES=40 in the environment 40 times as many, at random.
    """
    factor = int(os.environ.get("EXAMPLES", "0"))
    return settings(
        max_examples=examples * max(1, factor),
        derandomize=not factor,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def shipped_policies() -> PolicyTable:
    """The policies as shipped."""
    return policies_from(json.loads((DEFAULTS / "sla_policies.json").read_text("utf-8")))


def local(text: str) -> datetime:
    """An instant from local time in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def shown(at: datetime | None) -> str:
    """An instant as local time in Shanghai."""
    return "" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def working_minutes(amount: int) -> Target:
    return Target(amount, Unit.WORKING_MINUTES)


def working_days(amount: int) -> Target:
    return Target(amount, Unit.WORKING_DAYS)


def natural_minutes(amount: int) -> Target:
    return Target(amount, Unit.NATURAL_MINUTES)


NINE = local("2026-03-04 09:00")  # a Wednesday


def running(target: Target | None = None, at: datetime = NINE, kind: ClockKind = ClockKind.RESOLVE) -> Clock:
    return clocks.start(kind, target or working_minutes(120), at, shipped_calendar())


def paused(at: str = "2026-03-04 10:00", target: Target | None = None) -> Clock:
    return clocks.pause(running(target), local(at), "waiting_customer")


def breached(target: Target | None = None) -> Clock:
    return clocks.breach(running(target), local("2026-03-20 09:00"))


def met(at: str = "2026-03-04 10:00", target: Target | None = None) -> Clock:
    return clocks.meet(running(target), local(at))


def without_clock() -> Clock:
    return clocks.start(ClockKind.RESOLVE, None, NINE, shipped_calendar())


def is_working_minute(calendar: Calendar, at: datetime) -> bool:
    """Whether the minute that begins at `at` is worked, read from the calendar's data alone."""
    here = at.astimezone(SHANGHAI)
    exception = calendar.days.get(here.date())
    intervals = exception.intervals if exception else calendar.week.get(here.weekday(), ())
    now = here.hour * 60 + here.minute
    ends = [(o.hour * 60 + o.minute, (e.hour * 60 + e.minute) or 1440) for o, e in intervals]
    return any(opens <= now < closes for opens, closes in ends)


def minutes_from(at: datetime) -> Iterator[datetime]:
    """Every minute from `at` on."""
    while True:
        yield at
        at += MINUTE


def count_on(calendar: Calendar, start: datetime, amount: int, *, skip: list[tuple[datetime, datetime]]) -> datetime:
    """The end of the `amount`th working minute from `start` that lies in none of the skipped times."""
    for minute in minutes_from(start.astimezone(UTC)):
        if is_working_minute(calendar, minute) and not any(begins <= minute < ends for begins, ends in skip):
            amount -= 1
        if amount == 0:
            return minute + MINUTE
    raise AssertionError


def count_between(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Working minutes in [start, end)."""
    span = range(max(0, (end - start) // MINUTE))
    return sum(is_working_minute(calendar, start.astimezone(UTC) + number * MINUTE) for number in span)


def day_closing(calendar: Calendar, start: datetime, days: int) -> datetime:
    """The last working minute's end of the Nth day after `start`'s that has one."""
    day = start.astimezone(SHANGHAI).replace(hour=0, minute=0)
    while days:
        day += timedelta(days=1)
        worked = [m for n in range(1440) if is_working_minute(calendar, m := (day + n * MINUTE).astimezone(UTC))]
        days -= bool(worked)
    return worked[-1] + MINUTE


@st.composite
def opening_hours(draw: st.DrawFn) -> tuple[Interval, ...]:
    """One or two intervals on quarters of an hour, at least an hour in all; the last may end at midnight."""
    first = draw(st.integers(0, 60))
    length = draw(st.integers(4, 96 - first))
    gap = draw(st.integers(0, 8))
    second = first + length + gap
    cuts = [(first, first + length)]
    if second < 96:
        cuts.append((second, draw(st.integers(second + 1, 96))))
    return tuple((quarter(opens), quarter(ends)) for opens, ends in cuts)


def quarter(number: int) -> time:
    """A time of day by quarters of an hour; 96 is midnight at the end of the day."""
    return time(number // 4 % 24, number % 4 * 15)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A calendar of 2026 with at least three open weekdays and a few exceptional days in March."""
    closed = draw(st.sets(st.integers(0, 6), max_size=4))
    week = {number: () if number in closed else draw(opening_hours()) for number in range(7)}
    numbers = draw(st.sets(st.integers(1, 31), max_size=6))
    days = {}
    for number in sorted(numbers):
        kind = draw(st.sampled_from(["holiday", "makeup_workday"]))
        hours = () if kind == "holiday" else draw(opening_hours())
        days[datetime(2026, 3, number, tzinfo=SHANGHAI).date()] = DayException("节", kind, hours)
    return Calendar(SHANGHAI, week, days, confirmed_years=frozenset({2026}))


instants = st.integers(0, 45 * 1440).map(lambda minutes: local("2026-02-20 00:00") + minutes * MINUTE)
"""Minutes from 20 February 2026 on, over a month and a half."""
