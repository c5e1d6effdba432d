"""A calendar that changes: due times move later or stay, a promise is never shortened, and the explanation says so."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sla import clocks
from service.sla.calendar import Calendar, DayException, calendar_from
from service.sla.clocks import Clock, ClockKind, ClockState, Target, Unit
from service.sla.explain import explain

SHANGHAI = ZoneInfo("Asia/Shanghai")
OLD = calendar_from(json.loads(Path("service/defaults/calendar_cn.json").read_text("utf-8")))
FIVE_DAYS = Target(5, Unit.WORKING_DAYS)
HOLIDAY = DayException("元旦", "holiday")
WORK = DayException("元旦", "makeup_workday", OLD.week[0])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def confirmed(**days: DayException) -> Calendar:
    """2027 as announced: January as expected but for these days of it."""
    changed = {date(2027, 1, int(day.removeprefix("d"))): exception for day, exception in days.items()}
    return replace(
        OLD, days={**OLD.days, date(2027, 1, 1): HOLIDAY, **changed}, confirmed_years=frozenset({2026, 2027})
    )


def started(target: Target = FIVE_DAYS, when: str = "2026-12-30 10:00") -> Clock:
    return clocks.start(ClockKind.RESOLVE, target, at(when), OLD)


def test_a_due_time_that_reaches_into_an_unannounced_year_is_provisional() -> None:
    assert (started().due_at, started().provisional) == (at("2027-01-07 18:00"), True)


@pytest.mark.parametrize(
    ("calendar", "due", "why"),
    [
        (confirmed(), "2027-01-07 18:00", "as expected: no longer provisional"),
        (confirmed(d4=HOLIDAY), "2027-01-08 18:00", "a day off more: later"),
        (confirmed(d3=WORK), "2027-01-07 18:00", "a make-up day would make it earlier: what was promised stands"),
    ],
)
def test_confirming_a_year_shortens_no_promise(calendar: Calendar, due: str, why: str) -> None:
    found = clocks.recalculated(started(), calendar, at("2026-12-31 09:00"))

    assert (found.due_at, found.provisional) == (at(due), False), why
    assert clocks.recalculated(found, calendar, at("2026-12-31 09:00")) == found


def test_a_breached_clock_runs_again_where_the_day_was_a_holiday() -> None:
    clock = clocks.start(ClockKind.ACCEPT, Target(30, Unit.WORKING_MINUTES), at("2026-03-04 09:00"), OLD)
    breached = clocks.breach(clock, at("2026-03-04 10:00"))
    party = replace(OLD, days={**OLD.days, date(2026, 3, 4): DayException("司庆", "holiday")})

    found = clocks.recalculated(breached, party, at("2026-03-04 10:00"))

    assert (found.state, found.due_at) == (ClockState.RUNNING, at("2026-03-05 09:30"))


def test_pauses_count_on_the_new_calendar() -> None:
    clock = clocks.pause(started(), at("2026-12-31 09:00"), "suspended")
    resumed = clocks.resume(clock, at("2027-01-04 18:00"), OLD)
    assert resumed.due_at == at("2027-01-11 18:00")  # two working days later

    found = clocks.recalculated(resumed, confirmed(d4=HOLIDAY), at("2027-01-05 09:00"))

    assert found.due_at == at("2027-01-11 18:00")  # a day off more, of which the pause took one less
    assert found.pauses == resumed.pauses


@pytest.mark.parametrize("change", ["met", "none"])
def test_history_stays_as_it_is(change: str) -> None:
    clock = clocks.meet(started(), at("2026-12-31 10:00"))
    clock = clock if change == "met" else replace(clock, target=None, met_at=None, due_at=None, state=ClockState.NONE)

    assert clocks.recalculated(clock, confirmed(d4=HOLIDAY), at("2027-02-01 09:00")) == clock


def test_a_kept_promise_is_explained_honestly() -> None:
    kept = clocks.recalculated(started(), confirmed(d3=WORK), at("2026-12-31 09:00"))

    steps = explain(kept, confirmed(d3=WORK))

    assert steps[-1].why == "原承诺不缩短：按现行日历和规则 1月6日 周三 18:00 到期，仍以先前的时限为准"
    assert (steps[-1].start, steps[-1].end, steps[-1].minutes) == (at("2027-01-06 18:00"), kept.due_at, 0)
    assert sum(step.minutes for step in steps) == 5 * 450
    assert all(earlier.end == later.start for earlier, later in pairwise(steps))


def test_a_kept_promise_in_minutes_adds_up_too() -> None:
    clock = started(Target(60, Unit.WORKING_MINUTES), "2027-01-04 17:30")
    later = replace(OLD, days={**OLD.days, date(2027, 1, 4): DayException("晚班", "holiday", OLD.week[0])})
    moved = replace(clock, due_at=clock.due_at + timedelta(hours=1))

    steps = explain(moved, later)

    assert sum(step.minutes for step in steps) == 60
    assert steps[-1].why.startswith("原承诺不缩短")


days = st.dates(date(2026, 12, 28), date(2027, 3, 1))
changes = st.dictionaries(days, st.sampled_from([HOLIDAY, WORK, DayException("", "normal", OLD.week[0])]), max_size=12)
targets = st.builds(Target, st.integers(1, 20), st.sampled_from(Unit))


@given(changed=changes, target=targets, minutes=st.integers(0, 60 * 24 * 5), years=st.sets(st.sampled_from([2027])))
def test_whatever_changes_no_promise_is_shortened_and_twice_is_once(
    changed: dict[date, DayException], target: Target, minutes: int, years: set[int]
) -> None:
    clock, now = started(target, "2026-12-29 09:00"), at("2026-12-29 09:00") + timedelta(minutes=minutes)
    calendar = replace(OLD, days={**OLD.days, **changed}, confirmed_years=OLD.confirmed_years | years)

    found = clocks.recalculated(clock, calendar, now)

    assert found.due_at == max(clock.due_at, clocks.due(target, clock.started_at, calendar)[0])
    assert clocks.recalculated(found, calendar, now) == found
    if target.unit is not Unit.WORKING_DAYS:
        assert sum(step.minutes for step in explain(found, calendar)) == target.amount
