"""Clocks: what each function does to each state, and due times under pauses against a count by minutes."""

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
from service.sla.calendar import AROUND_THE_CLOCK, SHANGHAI, Calendar
from service.sla.clocks import Clock, ClockKind, ClockState, Pause
from service.sla.policy import Target

CALENDAR = shipped_calendar()
STAFFED = replace(CALENDAR, duty=Calendar(SHANGHAI, AROUND_THE_CLOCK, holidays_apply=False))


@pytest.mark.parametrize(
    ("target", "at", "due", "provisional", "why"),
    [
        (working_minutes(30), "2026-02-13 17:45", "2026-02-14 09:15", False, "minutes in opening hours"),
        (working_days(5), "2026-02-13 17:00", "2026-02-27 18:00", False, "days to closing time"),
        (natural_minutes(10), "2026-03-06 17:55", "2026-03-09 09:05", False, "nobody on duty at the weekend"),
        (working_days(5), "2026-12-30 10:00", "2027-01-07 18:00", True, "into a year not announced"),
        (working_minutes(30), "2026-12-31 17:45", "2027-01-04 09:15", True, "minutes likewise"),
    ],
)
def test_a_started_clock_runs_to_its_due_time(target: Target, at: str, due: str, provisional: bool, why: str) -> None:
    clock = clocks.start(ClockKind.ACCEPT, target, local(at), CALENDAR)

    assert clock == Clock(
        ClockKind.ACCEPT, ClockState.RUNNING, target, local(at), local(due), None, provisional=provisional
    ), why


def test_natural_minutes_run_at_night_where_nights_are_staffed() -> None:
    due, provisional = clocks.due(natural_minutes(720), local("2026-12-31 18:00"), STAFFED)

    assert shown(due) == "2027-01-01 06:00"
    assert not provisional


def test_without_target_there_is_no_clock_but_its_start_is_kept() -> None:
    clock = without_clock()

    assert (clock.state, clock.due_at, clock.started_at) == (ClockState.NONE, None, NINE)


@pytest.mark.parametrize("clock", [running(), paused(), breached()])
def test_meeting_a_clock_notes_when_whatever_its_state(clock: Clock) -> None:
    at = local("2026-03-25 10:00")

    done = clocks.meet(clock, at)

    assert (done.state, done.met_at, done.due_at) == (ClockState.MET, at, clock.due_at)


@pytest.mark.parametrize("clock", [met(), without_clock()])
def test_meeting_twice_or_nothing_changes_nothing(clock: Clock) -> None:
    assert clocks.meet(clock, local("2026-03-25 10:00"), CALENDAR) == clock


def test_a_clock_met_out_of_a_pause_compares_with_a_due_time_that_knows_the_pause() -> None:
    done = clocks.meet(paused(), local("2026-03-05 10:00"), CALENDAR)

    assert shown(done.due_at) == "2026-03-05 11:00"
    assert done.pauses[-1].end == done.met_at


@pytest.mark.parametrize(
    ("now", "state"),
    [("2026-03-04 11:00", ClockState.RUNNING), ("2026-03-04 11:01", ClockState.BREACHED)],
)
def test_a_failed_delivery_lets_a_met_clock_run_again(now: str, state: ClockState) -> None:
    again = clocks.run_again(met(), local(now), CALENDAR)

    assert again == replace(running(), state=state)


def test_a_reply_that_waited_for_the_window_and_failed_counts_from_when_it_was_written() -> None:
    written = local("2026-03-04 10:00")
    waiting = clocks.pause(running(), written, "waiting_for_window")

    again = clocks.run_again(clocks.meet(waiting, written), local("2026-03-04 10:30"), CALENDAR)

    assert (again.state, shown(again.due_at)) == (ClockState.RUNNING, "2026-03-04 11:00")
    assert again.pauses == (Pause(written, written, "waiting_for_window"),)


@pytest.mark.parametrize("clock", [running(), paused(), breached(), without_clock()])
def test_only_a_met_clock_runs_again(clock: Clock) -> None:
    assert clocks.run_again(clock, NINE, CALENDAR) == clock


def test_a_running_clock_pauses_with_a_reason() -> None:
    clock = paused()

    assert clock.state is ClockState.PAUSED
    assert clock.pauses == (Pause(local("2026-03-04 10:00"), None, "waiting_customer"),)
    assert clock.due_at == running().due_at


def test_a_breached_clock_stays_breached_in_a_pause_and_after_it() -> None:
    start, end = local("2026-03-20 10:00"), local("2026-03-20 11:00")

    noted = clocks.pause(breached(), start, "suspended")
    ended = clocks.resume(noted, end, CALENDAR)

    assert (noted.state, ended.state) == (ClockState.BREACHED, ClockState.BREACHED)
    assert ended.due_at == breached().due_at
    assert ended.pauses == (Pause(start, end, "suspended"),)


def test_a_clock_overdue_before_the_sweep_saw_it_does_not_hide_in_a_pause() -> None:
    assert paused("2026-03-04 11:01").state is ClockState.BREACHED


@pytest.mark.parametrize("clock", [paused(), met(), without_clock()])
def test_a_paused_met_or_missing_clock_does_not_pause(clock: Clock) -> None:
    assert clocks.pause(clock, local("2026-03-04 10:30"), "suspended") == clock


@pytest.mark.parametrize(
    ("target", "start", "end", "due", "why"),
    [
        (working_minutes(120), "2026-03-04 10:00", "2026-03-04 10:40", "2026-03-04 11:40", "within the morning"),
        (working_minutes(120), "2026-03-04 10:00", "2026-03-04 12:30", "2026-03-04 14:30", "lunch was no paused time"),
        (working_minutes(120), "2026-03-04 10:00", "2026-03-09 10:00", "2026-03-09 11:00", "over a weekend"),
        (working_minutes(120), "2026-03-04 11:00", "2026-03-04 11:30", "2026-03-04 11:30", "on its last instant"),
        (working_days(1), "2026-03-05 10:00", "2026-03-05 11:30", "2026-03-06 10:30", "a day target moves by minutes"),
        (working_days(1), "2026-03-04 17:00", "2026-03-04 18:00", "2026-03-06 10:00", "on the day of arrival too"),
        (working_days(1), "2026-03-04 19:00", "2026-03-05 08:00", "2026-03-05 18:00", "a night has no working time"),
        (natural_minutes(120), "2026-03-04 10:00", "2026-03-05 10:00", "2026-03-05 11:00", "office hours"),
    ],
)  # fmt: skip
def test_a_pause_moves_the_due_time_by_its_working_time(
    target: Target, start: str, end: str, due: str, why: str
) -> None:
    clock = clocks.resume(paused(start, target), local(end), CALENDAR)

    assert (clock.state, shown(clock.due_at)) == (ClockState.RUNNING, due), why


def test_a_pause_of_natural_time_moves_by_every_minute_where_nights_are_staffed() -> None:
    clock = clocks.start(ClockKind.RESOLVE, natural_minutes(120), NINE, STAFFED)

    clock = clocks.resume(
        clocks.pause(clock, local("2026-03-04 10:00"), "suspended"), local("2026-03-05 10:00"), STAFFED
    )

    assert shown(clock.due_at) == "2026-03-05 11:00"


def test_a_pause_into_an_unannounced_year_makes_the_due_time_provisional() -> None:
    clock = clocks.start(ClockKind.RESOLVE, working_days(1), local("2026-12-30 10:00"), CALENDAR)

    clock = clocks.resume(clocks.pause(clock, local("2026-12-31 10:00"), "x"), local("2026-12-31 11:00"), CALENDAR)

    assert (shown(clock.due_at), clock.provisional) == ("2027-01-04 10:00", True)


@pytest.mark.parametrize("clock", [running(), met(), breached(), without_clock()])
def test_what_is_not_paused_does_not_resume(clock: Clock) -> None:
    assert clocks.resume(clock, local("2026-03-25 10:00"), CALENDAR) == clock


def test_a_pause_that_ends_before_it_began_takes_no_time() -> None:
    clock = clocks.resume(paused(), local("2026-03-04 09:59"), CALENDAR)

    assert (clock.due_at, clock.pauses[-1].end) == (running().due_at, clock.pauses[-1].start)


@pytest.mark.parametrize(
    ("now", "state"),
    [("2026-03-04 11:00", ClockState.RUNNING), ("2026-03-04 11:01", ClockState.BREACHED)],
)
def test_due_exactly_now_is_not_yet_late(now: str, state: ClockState) -> None:
    assert clocks.breach(running(), local(now)).state is state


@pytest.mark.parametrize("clock", [paused(), met(), without_clock()])
def test_only_a_running_clock_is_breached(clock: Clock) -> None:
    assert clocks.breach(clock, local("2027-03-04 09:00")) == clock
