"""What is known of a year, when to remind of the next, and whose hours hold where."""

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.sla.calendar import calendar_from
from service.sla.hours import DayException
from service.sla.layers import calendars_from, key_of, split
from service.sla.written import hours_in, hours_text
from service.sla.yearbook import DayState, YearState, day_at, days_of, reminder, year_state

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROWS = json.loads(Path("service/defaults/calendar_cn.json").read_text("utf-8"))
MORNINGS = {"key": "QGB:hours", **{day: [["08:00", "12:00"]] for day in ("monday", "tuesday", "saturday")}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("today", "confirmed", "expected", "why"),
    [
        ("2026-10-31", {2026}, None, "too early"),
        ("2026-11-01", {2026}, (2027, False), "it is out about now"),
        ("2026-12-14", {2026}, (2027, False), "still mild"),
        ("2026-12-15", {2026}, (2027, True), "red"),
        ("2026-12-31", {2026}, (2027, True), "the last day"),
        ("2026-12-31", {2026, 2027}, None, "imported"),
        ("2027-01-01", {2026}, (2027, True), "the year itself is not known"),
        ("2027-06-01", {2026, 2028}, (2027, True), "this year comes first"),
    ],
)
def test_administrators_are_reminded_of_a_year_that_is_missing(
    today: str, confirmed: set[int], expected: tuple[int, bool] | None, why: str
) -> None:
    found = reminder(date.fromisoformat(today), confirmed)

    assert (found and (found.year, found.is_pressing)) == expected, why


def test_a_year_is_confirmed_provisional_or_missing() -> None:
    states = [year_state(year, {2025, 2026}) for year in (2024, 2026, 2027, 2031)]

    assert states == [YearState.MISSING, YearState.CONFIRMED, YearState.PROVISIONAL, YearState.MISSING]


def test_the_year_at_a_glance_counts_as_the_notice_does() -> None:
    days = list(days_of(calendar_from(ROWS), 2026))
    count = {state: sum(day.state is state for day in days) for state in DayState}

    assert len(days) == 365
    assert count[DayState.WORKING] + count[DayState.MAKEUP] == 248
    assert (count[DayState.HOLIDAY], count[DayState.MAKEUP], count[DayState.SHORT]) == (33, 6, 0)


def test_an_unannounced_year_has_no_make_up_day() -> None:
    assert not [day for day in days_of(calendar_from(ROWS), 2027) if day.state is DayState.MAKEUP]


def test_a_short_day_and_a_duty_day_are_told_apart() -> None:
    own = {"key": "*:2026-12-31", "name": "年终盘点", "kind": "holiday", "hours": [["09:00", "12:00"]]}
    duty = {"key": "duty", "sunday": [["10:00", "16:00"]]}
    calendar, _ = calendars_from([*(row for row in ROWS if row["key"] != "duty"), duty, own])

    assert day_at(calendar, date(2026, 12, 31)).state is DayState.SHORT
    assert day_at(calendar, date(2026, 12, 27)).duty == ((time(10), time(16)),)
    assert day_at(calendar, date(2026, 12, 28)).duty == ()


def test_the_companys_own_day_lies_over_the_announced_one() -> None:
    day = date(2026, 10, 1)
    own = {"key": "*:2026-10-01", "name": "展会", "kind": "makeup_workday", "hours": [["10:00", "15:00"]]}

    calendar, departments = calendars_from([*ROWS, own])

    assert calendar.exception_on(day) == DayException("展会", "makeup_workday", ((time(10), time(15)),))
    assert departments == {}


def test_an_ordinary_day_in_place_of_a_holiday_is_as_its_week_says() -> None:
    calendar, _ = calendars_from([*ROWS, {"key": "*:2026-10-01", "kind": "normal"}])

    assert calendar.add(at("2026-10-01 08:00"), timedelta(minutes=30)) == at("2026-10-01 09:30")
    assert [piece.why for piece in calendar.pieces(at("2026-10-01 09:00"), at("2026-10-01 13:00"))] == [
        "工作时间",
        "午休",
    ]


def test_an_ordinary_day_in_place_of_a_statutory_one_too() -> None:
    calendar, _ = calendars_from([*ROWS, {"key": "*:2027-10-01", "kind": "normal"}])

    assert calendar.is_open(at("2027-10-01 10:00"))
    assert not calendar.is_open(at("2027-10-03 10:00"))


def test_a_department_has_hours_and_days_of_its_own_over_the_companys() -> None:
    party = {"key": "*:2026-03-04", "name": "年会", "kind": "holiday"}
    own = {"key": "QGB:2026-03-04", "kind": "normal"}

    company, departments = calendars_from([*ROWS, MORNINGS, party, own])

    assert set(departments) == {"QGB"}
    assert company.add(at("2026-03-07 09:00"), timedelta(minutes=30)) == at("2026-03-09 09:30")
    assert departments["QGB"].add(at("2026-03-07 09:00"), timedelta(minutes=30)) == at("2026-03-07 09:30")
    assert not company.is_open(at("2026-03-04 10:00"))
    assert departments["QGB"].is_open(at("2026-03-10 10:00"))


def test_a_department_has_no_year_of_its_own() -> None:
    with pytest.raises(ValueError, match="QGB:2027"):
        calendars_from([*ROWS, {"key": "QGB:2027", "confirmed": True}])


@pytest.mark.parametrize(
    ("key", "parts"), [("hours", ("", "hours")), ("QGB:hours", ("QGB", "hours")), ("*:x", ("*", "x"))]
)
def test_a_key_says_whose_row_it_is(key: str, parts: tuple[str, str]) -> None:
    assert split(key) == parts
    assert key_of(*parts) == key


@pytest.mark.parametrize(
    ("text", "hours", "why"),
    [
        ("09:00-12:00, 13:30-18:00", [["09:00", "12:00"], ["13:30", "18:00"]], "as shown"),
        ("9:00－12:00", None, "a sign that nobody uses for this"),
        ("9：00~12：00；13:30 至 18:00", [["09:00", "12:00"], ["13:30", "18:00"]], "as phones write it"),
        ("20:00-24:00", [["20:00", "24:00"]], "to midnight"),
        ("", [], "closed"),
        ("13:00-12:00", None, "backwards"),
        ("09:00-12:00 11:00-13:00", None, "overlapping"),
        ("25:00-26:00", None, "no such time"),
        ("上午", None, "words"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, hours: list[list[str]] | None, why: str) -> None:
    if hours is None:
        with pytest.raises(ValueError, match=r"hour|written"):
            hours_in(text)
        return
    assert hours_in(text) == hours, why


def test_hours_are_written_as_they_are_read() -> None:
    assert hours_text(((time(9), time(12)), (time(20), time()))) == "09:00-12:00, 20:00-24:00"
