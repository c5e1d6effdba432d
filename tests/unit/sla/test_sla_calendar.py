"""Working time: the vectors that everyone agreed on, the edges, and any calendar against a count by minutes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sla_makers import (
    MINUTE,
    OFFICE,
    SHANGHAI,
    checked,
    instants,
    local,
    shipped_calendar,
    shown,
)

from service.sla.calendar import Calendar, DayException

CALENDAR = shipped_calendar()
WEEK = dict.fromkeys(range(5), OFFICE)


@pytest.mark.parametrize(
    ("start", "minutes", "due", "why"),
    [
        ("2026-02-13 17:45", 30, "2026-02-14 09:15", "the next day is a make-up Saturday"),
        ("2026-02-14 17:45", 30, "2026-02-24 09:15", "over nine days of Spring Festival"),
        ("2026-02-15 10:00", 30, "2026-02-24 09:30", "arrives in the holiday: from the next opening"),
        ("2026-02-28 16:00", 120, "2026-02-28 18:00", "ends at closing time of a make-up Saturday"),
        ("2026-05-09 11:45", 30, "2026-05-09 13:45", "over the lunch break of a make-up Saturday"),
        ("2026-09-30 17:50", 30, "2026-10-08 09:20", "over National Day"),
        ("2026-10-10 17:40", 60, "2026-10-12 09:40", "from a make-up Saturday over the Sunday"),
        ("2026-01-04 08:00", 30, "2026-01-04 09:30", "before opening of a make-up Sunday"),
        ("2026-03-04 12:10", 30, "2026-03-04 14:00", "arrives in the lunch break"),
        ("2026-03-06 18:00", 30, "2026-03-09 09:30", "arrives at closing time on a Friday"),
    ],
)
def test_minutes_run_in_opening_hours_only(start: str, minutes: int, due: str, why: str) -> None:
    assert shown(CALENDAR.add(local(start), minutes * MINUTE)) == due, why


@pytest.mark.parametrize(
    ("start", "days", "due", "why"),
    [
        ("2026-02-13 17:00", 5, "2026-02-27 18:00", "counts the make-up Saturday, then 24 to 27 February"),
        ("2026-02-14 09:00", 1, "2026-02-24 18:00", "the make-up day of arrival does not count"),
        ("2026-04-30 17:00", 5, "2026-05-11 18:00", "Labour Day, then a make-up Saturday"),
        ("2026-09-20 14:00", 1, "2026-09-21 18:00", "from a make-up Sunday"),
        ("2026-02-15 10:00", 1, "2026-02-24 18:00", "arrives in a holiday: its first day after counts"),
        ("2026-03-06 20:00", 1, "2026-03-09 18:00", "arrives after closing: still that calendar day"),
        ("2026-03-07 10:00", 1, "2026-03-09 18:00", "arrives on a Saturday"),
        ("2026-03-09 08:00", 1, "2026-03-10 18:00", "arrives before opening: that day does not count"),
        ("2026-12-30 10:00", 5, "2027-01-07 18:00", "31st, New Year's Day, a weekend, 4th to 7th"),
    ],
)
def test_working_days_end_at_the_close_of_the_nth_day_after_arrival(start: str, days: int, due: str, why: str) -> None:
    assert shown(CALENDAR.end_of_working_day(local(start), days)) == due, why


@pytest.mark.parametrize(
    ("start", "end", "provisional", "why"),
    [
        ("2026-12-30 10:00", "2027-01-07 18:00", True, "2027 is not announced"),
        ("2026-12-31 17:30", "2026-12-31 18:00", False, "the last evening of 2026 is"),
        ("2026-12-31 23:59", "2027-01-01 00:00", True, "the first local instant of 2027"),
        ("2024-12-31 23:59", "2025-01-02 09:30", True, "nor is 2024 in the shipped calendar"),
        ("2025-01-01 00:00", "2026-12-31 23:59", False, "two announced years"),
    ],
)
def test_a_due_time_that_touches_an_unannounced_year_is_provisional(
    start: str, end: str, provisional: bool, why: str
) -> None:
    assert CALENDAR.is_provisional(local(start), local(end)) is provisional, why
    assert CALENDAR.is_provisional(local(start).astimezone(UTC), local(end).astimezone(UTC)) is provisional, why


def test_an_unannounced_year_between_two_announced_ones_is_touched() -> None:
    patchy = replace(CALENDAR, confirmed_years=frozenset({2025, 2027}))

    assert patchy.is_provisional(local("2025-12-31 10:00"), local("2027-01-04 10:00"))


@pytest.mark.parametrize("year", [2025, 2026])
def test_shipped_years_have_the_announced_number_of_working_days(year: int) -> None:
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(365))

    assert sum(bool(CALENDAR.intervals_on(day)) for day in days) == 248


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2027-01-01", "New Year's Day"),
        ("2027-02-05", "New Year's Eve of the lunar year"),
        ("2027-02-08", "third day of the lunar year"),
        ("2027-04-05", "Qingming"),
        ("2027-05-02", "a Sunday, second day of Labour Day"),
        ("2027-06-09", "Dragon Boat Festival"),
        ("2027-09-15", "Mid-Autumn Festival"),
        ("2028-10-03", "National Day and Mid-Autumn on one day"),
        ("2035-10-01", "National Day in a year without lunar dates"),
    ],
)
def test_statutory_days_are_off_before_they_are_announced(day: str, why: str) -> None:
    assert CALENDAR.intervals_on(date.fromisoformat(day)) == (), why


def test_an_unannounced_year_has_no_makeup_days_and_no_bridge_days() -> None:
    days = [date(2027, 1, 1) + timedelta(days=number) for number in range(365)]

    weekends_worked = [day for day in days if day.weekday() >= 5 and CALENDAR.intervals_on(day)]
    weekdays_off = [day for day in days if day.weekday() < 5 and not CALENDAR.intervals_on(day)]

    assert weekends_worked == []
    assert len(weekdays_off) == 7  # the thirteen statutory days of 2027 less six on weekends


def test_a_day_of_the_calendar_stands_before_the_statutory_guess() -> None:
    worked = replace(CALENDAR, days={date(2027, 1, 1): DayException("盘点", "makeup_workday", OFFICE)})

    assert worked.is_open(local("2027-01-01 10:00"))


@pytest.mark.parametrize(
    ("at", "is_open", "opening"),
    [
        ("2026-03-04 08:59", False, "2026-03-04 09:00"),
        ("2026-03-04 09:00", True, "2026-03-04 09:00"),
        ("2026-03-04 11:59", True, "2026-03-04 11:59"),
        ("2026-03-04 12:00", False, "2026-03-04 13:30"),
        ("2026-03-04 18:00", False, "2026-03-05 09:00"),
        ("2026-03-06 18:00", False, "2026-03-09 09:00"),
        ("2026-02-14 18:00", False, "2026-02-24 09:00"),
        ("2026-12-31 18:00", False, "2027-01-04 09:00"),
    ],
)
def test_the_next_opening_is_now_when_open(at: str, is_open: bool, opening: str) -> None:
    assert CALENDAR.is_open(local(at)) is is_open
    assert shown(CALENDAR.next_opening(local(at))) == opening


@pytest.mark.parametrize(
    ("start", "end", "minutes", "why"),
    [
        ("2026-03-04 10:00", "2026-03-04 10:00", 0, "no time"),
        ("2026-03-04 11:00", "2026-03-04 10:00", 0, "backwards"),
        ("2026-03-04 11:30", "2026-03-04 14:00", 60, "lunch"),
        ("2026-12-31 17:00", "2027-01-04 10:00", 120, "into the next year"),
        ("2026-01-01 00:00", "2027-01-01 00:00", 248 * 450, "a whole year"),
        ("2025-01-01 00:00", "2027-01-01 00:00", 2 * 248 * 450, "two whole years"),
    ],
)
def test_working_time_between_instants(start: str, end: str, minutes: int, why: str) -> None:
    assert CALENDAR.working_time(local(start), local(end)) == minutes * MINUTE, why


def test_nothing_added_is_the_instant_itself_in_utc() -> None:
    added = CALENDAR.add(local("2026-03-07 10:00"), timedelta())

    assert added == local("2026-03-07 10:00")
    assert added.tzinfo is UTC


@pytest.mark.parametrize(
    "ask",
    [
        lambda at: CALENDAR.add(at, MINUTE),
        lambda at: CALENDAR.end_of_working_day(at, 1),
        lambda at: CALENDAR.working_time(at, at),
        lambda at: CALENDAR.is_open(at),
        lambda at: CALENDAR.next_opening(at),
        lambda at: CALENDAR.is_provisional(at, at),
        lambda at: CALENDAR.pieces(at, at),
    ],
)
def test_an_instant_without_zone_is_refused(ask: Callable[[datetime], object]) -> None:
    naive = datetime(2026, 3, 4, 10)  # noqa: DTZ001

    with pytest.raises(ValueError, match="time zone"):
        ask(naive)


@pytest.mark.parametrize(
    "ask",
    [
        lambda calendar, at: calendar.add(at, MINUTE),
        lambda calendar, at: calendar.end_of_working_day(at, 1),
        lambda calendar, at: calendar.next_opening(at),
    ],
)
def test_a_year_in_which_nothing_is_open_is_an_error(ask: Callable[[Calendar, datetime], object]) -> None:
    closed = Calendar(SHANGHAI, week={})

    with pytest.raises(ValueError, match="no working time in 20"):
        ask(closed, local("2026-12-31 20:00"))


def test_a_target_beyond_a_working_life_is_an_error() -> None:
    with pytest.raises(ValueError, match="more than 30 years"):
        CALENDAR.add(local("2026-03-04 10:00"), timedelta(days=100_000))
    with pytest.raises(ValueError, match="more than 30 years"):
        CALENDAR.end_of_working_day(local("2026-03-04 10:00"), 100_000)


@pytest.mark.parametrize("year", [1, 1968, 2200, 9999])
def test_a_year_out_of_reach_is_an_error(year: int) -> None:
    with pytest.raises(ValueError, match="from 1969 to 2199"):
        CALENDAR.add(datetime(year, 7, 1, tzinfo=UTC), MINUTE)


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        CALENDAR.add(local("2026-03-04 10:00"), -MINUTE)
    with pytest.raises(ValueError, match="at least 1"):
        CALENDAR.end_of_working_day(local("2026-03-04 10:00"), 0)


def test_hours_follow_the_wall_clock_and_targets_the_real_one_when_summer_time_begins() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    around_the_clock = dict.fromkeys(range(7), ((time(), time()),))
    night = Calendar(berlin, around_the_clock, confirmed_years=frozenset({2026}), holidays_apply=False)
    office = Calendar(berlin, WEEK, confirmed_years=frozenset({2026}))

    assert night.add(datetime(2026, 3, 28, 12, tzinfo=berlin), timedelta(hours=24)) == datetime(
        2026, 3, 29, 13, tzinfo=berlin
    )
    assert office.next_opening(datetime(2026, 3, 29, 12, tzinfo=berlin)) == datetime(2026, 3, 30, 7, tzinfo=UTC)


def test_a_short_day_closes_early() -> None:
    short = replace(CALENDAR, days={date(2026, 3, 4): DayException("年会", "holiday", ((time(9), time(12)),))})

    assert shown(short.add(local("2026-03-04 11:30"), 60 * MINUTE)) == "2026-03-05 09:30"
    assert short.pieces(local("2026-03-04 11:00"), local("2026-03-04 12:00"))[0].why == "工作时间（年会当天缩短）"


def test_pieces_name_what_counts_and_what_does_not() -> None:
    pieces = CALENDAR.pieces(local("2026-02-13 17:45"), local("2026-02-24 09:15"))

    assert [(shown(piece.start)[5:], piece.minutes, piece.why) for piece in pieces] == [
        ("02-13 17:45", 15, "工作时间"),
        ("02-13 18:00", 0, "非工作时间"),
        ("02-14 09:00", 180, "工作时间（春节调休上班）"),
        ("02-14 12:00", 0, "午休"),
        ("02-14 13:30", 270, "工作时间（春节调休上班）"),
        ("02-14 18:00", 0, "非工作时间"),
        ("02-15 00:00", 0, "节假日（春节）"),
        ("02-24 00:00", 0, "非工作时间"),
        ("02-24 09:00", 15, "工作时间"),
    ]


def test_neighbouring_holidays_are_told_apart() -> None:
    days = {date(2026, 3, 4): DayException("年会", "holiday"), date(2026, 3, 5): DayException("厂庆", "holiday")}
    calendar = replace(CALENDAR, days=days)

    whys = [piece.why for piece in calendar.pieces(local("2026-03-04 00:00"), local("2026-03-06 00:00"))]

    assert whys == ["节假日（年会）", "节假日（厂庆）"]


def test_pieces_say_where_the_calendar_is_a_guess() -> None:
    pieces = CALENDAR.pieces(local("2026-12-31 18:00"), local("2027-01-04 10:00"), "en")

    assert [piece.why for piece in pieces] == [
        "outside opening hours",
        "holiday (New Year's Day), calendar of 2027 not confirmed",
        "weekend",
        "outside opening hours",
        "opening hours, calendar of 2027 not confirmed",
    ]


@checked(50)
@given(instants, st.timedeltas(timedelta(microseconds=1), timedelta(days=400)), st.timedeltas(timedelta(), MINUTE))
def test_added_time_is_found_again_to_the_microsecond(at: datetime, amount: timedelta, late: timedelta) -> None:
    start = at + late

    assert CALENDAR.working_time(start, CALENDAR.add(start, amount)) == amount
