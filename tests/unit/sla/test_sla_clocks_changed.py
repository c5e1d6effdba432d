"""Clocks whose target changes: a correction, a reopening, an unsolved follow-up."""

from dataclasses import replace

import pytest
from sla_makers import (
    NINE,
    breached,
    local,
    met,
    natural_minutes,
    paused,
    running,
    shipped_calendar,
    shown,
    without_clock,
    working_days,
    working_minutes,
)

from service.sla import clocks
from service.sla.clocks import Clock, ClockKind, ClockState
from service.sla.policy import Target

CALENDAR = shipped_calendar()


@pytest.mark.parametrize(
    ("clock", "target", "now", "state", "due", "why"),
    [
        (running(), working_days(5), "2026-03-04 10:00", ClockState.RUNNING, "2026-03-11 18:00", "longer"),
        (running(), working_minutes(30), "2026-03-04 10:00", ClockState.BREACHED, "2026-03-04 09:30", "shorter, late"),
        (breached(), working_days(20), "2026-03-20 09:00", ClockState.RUNNING, "2026-04-01 18:00", "late no more"),
        (met(), working_minutes(30), "2026-03-20 09:00", ClockState.MET, "2026-03-04 09:30", "met stays met"),
        (met(), None, "2026-03-20 09:00", ClockState.MET, "2026-03-04 11:00", "met for good"),
        (running(), None, "2026-03-04 10:00", ClockState.NONE, "", "no such clock"),
        (without_clock(), working_minutes(60), "2026-03-04 09:30", ClockState.RUNNING, "2026-03-04 10:00", "from none"),
        (paused(), working_minutes(240), "2026-03-06 10:30", ClockState.PAUSED, "2026-03-04 14:30", "the pause lasts"),
        (paused(), working_minutes(30), "2026-03-04 10:30", ClockState.BREACHED, "2026-03-04 09:30", "late earlier"),
    ],
)  # fmt: skip
def test_another_target_counts_from_the_same_start(
    clock: Clock, target: Target | None, now: str, state: ClockState, due: str, why: str
) -> None:
    changed = clocks.retarget(clock, target, CALENDAR, local(now))

    assert (changed.state, shown(changed.due_at)) == (state, due), why
    assert (changed.started_at, changed.pauses, changed.met_at) == (clock.started_at, clock.pauses, clock.met_at)


def test_another_target_keeps_the_pauses_that_were_taken() -> None:
    clock = clocks.resume(paused(), local("2026-03-04 11:00"), CALENDAR)

    changed = clocks.retarget(clock, working_days(1), CALENDAR, local("2026-03-04 11:00"))

    assert shown(changed.due_at) == "2026-03-06 10:00"


def test_a_pause_after_a_breach_counts_once_a_longer_target_covers_it() -> None:
    late = clocks.breach(running(), local("2026-03-04 14:00"))
    late = clocks.resume(
        clocks.pause(late, local("2026-03-04 14:00"), "suspended"), local("2026-03-04 15:00"), CALENDAR
    )

    changed = clocks.retarget(late, working_minutes(300), CALENDAR, local("2026-03-04 15:00"))

    assert (changed.state, shown(changed.due_at)) == (ClockState.RUNNING, "2026-03-04 16:30")


def test_a_confirmed_year_is_taken_in_by_the_same_target() -> None:
    clock = clocks.start(ClockKind.RESOLVE, working_days(1), local("2026-12-31 10:00"), CALENDAR)
    announced = replace(CALENDAR, confirmed_years=CALENDAR.confirmed_years | {2027})

    anew = clocks.retarget(clock, clock.target, announced, local("2026-12-31 11:00"))

    assert (clock.provisional, shown(clock.due_at)) == (True, "2027-01-04 18:00")
    assert (anew.provisional, shown(anew.due_at)) == (False, "2027-01-01 18:00")


@pytest.mark.parametrize(
    ("target", "met_at", "left", "due", "why"),
    [
        (working_minutes(120), "2026-03-04 09:30", 90, "2026-03-09 10:30", "three quarters were left"),
        (working_minutes(120), "2026-03-04 10:45", 60, "2026-03-09 10:00", "less than half was left: half"),
        (working_minutes(120), "2026-03-05 10:45", 60, "2026-03-09 10:00", "met late: half"),
        (working_minutes(25), "2026-03-04 09:25", 13, "2026-03-09 09:13", "half a minute is rounded up"),
        (working_days(5), "2026-03-11 17:00", 1125, "2026-03-11 14:15", "half of five days of 450 minutes"),
        (working_days(1), "2026-03-05 10:00", 390, "2026-03-09 17:00", "what was left of the day"),
    ],
)
def test_a_reopened_clock_runs_on_what_was_left_but_at_least_half(
    target: Target, met_at: str, left: int, due: str, why: str
) -> None:
    at = local("2026-03-09 09:00")

    clock = clocks.reopen(met(met_at, target), at, CALENDAR)

    assert (clock.state, clock.target, clock.started_at) == (ClockState.RUNNING, working_minutes(left), at), why
    assert shown(clock.due_at) == due
    assert clock.met_at is None


def test_a_clock_reopened_twice_has_half_of_the_policys_target_where_that_is_given() -> None:
    once = clocks.reopen(met("2026-03-04 11:00"), local("2026-03-05 09:00"), CALENDAR)
    again = clocks.meet(once, local("2026-03-05 10:00"))

    twice = clocks.reopen(again, local("2026-03-06 09:00"), CALENDAR, of=working_minutes(120))

    assert twice.target == working_minutes(60)
    assert clocks.reopen(again, local("2026-03-06 09:00"), CALENDAR).target == working_minutes(30)


def test_a_reopened_clock_in_natural_time_stays_in_natural_time() -> None:
    clock = clocks.reopen(met("2026-03-04 09:30", natural_minutes(120)), local("2026-03-05 09:00"), CALENDAR)

    assert clock.target == natural_minutes(90)


@pytest.mark.parametrize("clock", [running(), paused(), breached(), without_clock()])
def test_only_a_met_clock_reopens(clock: Clock) -> None:
    assert clocks.reopen(clock, local("2026-03-05 09:00"), CALENDAR) == clock


@pytest.mark.parametrize("clock", [met("2026-03-10 10:00", working_days(5)), breached(working_days(5))])
def test_an_unsolved_follow_up_gives_half_the_target_from_now(clock: Clock) -> None:
    at = local("2026-03-23 09:00")

    again = clocks.restart(clock, 0.5, at, CALENDAR)

    assert again == running(working_minutes(1125), at)
    assert clocks.restart(again, 0.5, at, CALENDAR, of=working_days(5)) == again


def test_nothing_restarts_without_a_target() -> None:
    assert clocks.restart(without_clock(), 0.5, NINE, CALENDAR, of=working_days(5)) == without_clock()
