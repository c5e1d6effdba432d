"""Shifts: hours in which natural time runs although the house is closed, and who is there."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from service.sla import clocks as sla
from service.sla.calendar import SHANGHAI, Calendar
from service.sla.layers import calendars_from, shifts_by_scope
from service.sla.policy import ClockKind, Target, Unit
from service.sla.rows import Row
from service.sla.shifts import joined, on_duty, shifts_from

OFFICE = [["09:00", "12:00"], ["13:30", "18:00"]]
WEEK = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), OFFICE)
HOURS: Row = {"key": "hours", **WEEK}
YEAR: Row = {"key": "2026", "confirmed": True}
SATURDAY: Row = {"key": "duty:2026-11-28", "shifts": [{"hours": ["09:00", "12:00"], "people": ["chenjing", "wuhao"]}]}
FRIDAY_NIGHT: Row = {"key": "duty:2026-11-27", "shifts": [{"hours": ["18:00", "24:00"], "people": ["wuhao"]}]}
NIGHTS: Row = {"key": "duty", "friday": [["18:00", "20:00"]]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def calendar(*rows: Row) -> Calendar:
    return calendars_from([HOURS, YEAR, *rows])[0]


@pytest.mark.parametrize(
    ("rows", "start", "minutes", "due", "why"),
    [
        ((), "2026-11-27 17:50", 30, "2026-11-30 09:20", "nobody is there over the weekend"),
        ((SATURDAY,), "2026-11-27 17:50", 30, "2026-11-28 09:20", "somebody is there on Saturday"),
        ((FRIDAY_NIGHT,), "2026-11-27 17:50", 30, "2026-11-27 18:20", "the evening follows the day without a gap"),
        ((FRIDAY_NIGHT, SATURDAY), "2026-11-27 23:50", 30, "2026-11-28 09:20", "the end of the day is 24:00"),
        ((NIGHTS, SATURDAY), "2026-11-27 19:50", 30, "2026-11-28 09:20", "beside the weekly roster"),
        ((NIGHTS, SATURDAY), "2026-11-28 11:50", 30, "2026-12-04 18:20", "the weekly roster is no opening hours"),
    ],
)
def test_natural_time_runs_in_shifts(rows: tuple[Row, ...], start: str, minutes: int, due: str, why: str):
    target = Target(minutes, Unit.NATURAL_MINUTES)

    clock = sla.start(ClockKind.ACCEPT, target, at(start), calendar(*rows))

    assert clock.due_at == at(due), why


def test_working_time_knows_no_shifts():
    clock = sla.start(
        ClockKind.ACCEPT, Target(30, Unit.WORKING_MINUTES), at("2026-11-27 17:50"), calendar(SATURDAY, FRIDAY_NIGHT)
    )

    assert clock.due_at == at("2026-11-30 09:20")


def test_a_department_has_its_own_shifts():
    own: Row = {**SATURDAY, "key": "KFB:duty:2026-11-28"}

    common, departments = calendars_from([HOURS, YEAR, own])

    assert common.natural.next_opening(at("2026-11-28 08:00")) == at("2026-11-30 09:00")
    assert departments["KFB"].natural.next_opening(at("2026-11-28 08:00")) == at("2026-11-28 09:00")
    assert list(shifts_by_scope([HOURS, YEAR, own])) == ["KFB"]


def test_a_departments_shift_takes_none_of_everybodys_hours_away():
    evening: Row = {"key": "KFB:duty:2026-11-28", "shifts": [{"hours": ["18:00", "20:00"], "people": ["zhaolei"]}]}

    common, departments = calendars_from([HOURS, YEAR, SATURDAY, evening])

    day, hours = date(2026, 11, 28), ((time(9), time(12)), (time(18), time(20)))
    assert departments["KFB"].natural.intervals_on(day) == hours
    assert common.natural.intervals_on(day) == hours[:1]


@pytest.mark.parametrize(
    ("moment", "people"),
    [
        ("2026-11-28 08:59", ()),
        ("2026-11-28 09:00", ("chenjing", "wuhao")),
        ("2026-11-28 11:59", ("chenjing", "wuhao")),
        ("2026-11-28 12:00", ()),
        ("2026-11-27 23:59", ("wuhao",)),
        ("2026-11-29 09:00", ()),
    ],
)
def test_who_is_on_duty(moment: str, people: tuple[str, ...]):
    assert on_duty(shifts_from([SATURDAY, FRIDAY_NIGHT]), at(moment), SHANGHAI) == people


def test_who_has_two_shifts_at_once_is_named_once():
    shifts = [{"hours": ["09:00", "12:00"], "people": ["a", "b"]}, {"hours": ["11:00", "13:00"], "people": ["b", "c"]}]

    found = shifts_from([{"key": "duty:2026-11-28", "shifts": shifts}])

    assert on_duty(found, at("2026-11-28 11:30").astimezone(UTC), SHANGHAI) == ("a", "b", "c")
    assert calendar({"key": "duty:2026-11-28", "shifts": shifts}).natural.intervals_on(date(2026, 11, 28)) == (
        (time(9), time(13)),
    )


def test_hours_that_touch_are_one_stretch():
    assert joined([(time(13), time(18)), (time(9), time(12)), (time(12), time(13))]) == ((time(9), time(18)),)
    assert joined([(time(18), time(0)), (time(20), time(22))]) == ((time(18), time(0)),)


@pytest.mark.parametrize(
    "shifts",
    [None, [], [{"hours": ["09:00", "12:00"]}], [{"hours": ["12:00", "09:00"], "people": ["a"]}], [{"people": ["a"]}]],
)
def test_shifts_that_make_no_sense_are_refused(shifts: object):
    with pytest.raises(ValueError, match=r".+"):
        calendar({"key": "duty:2026-11-28", "shifts": shifts})


def test_a_year_of_shifts_adds_up():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    rows = [{"key": f"duty:{day}", "shifts": [{"hours": ["20:00", "21:00"], "people": ["a"]}]} for day in days]

    natural, plain = calendar(*rows).natural, calendar()

    span = at("2026-01-01 00:00"), at("2027-01-01 00:00")
    assert natural.working_time(*span) == plain.working_time(*span) + timedelta(hours=365)
