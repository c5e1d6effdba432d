"""The calendar's rows as administrators edit them: duty, years, days, and mistakes that are named."""

import json
from datetime import date, time

import pytest
from sla_makers import DEFAULTS, MINUTE, local, shown

from service.sla.calendar import Calendar, calendar_from


def shipped_rows() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads((DEFAULTS / "calendar_cn.json").read_text("utf-8"))
    return rows


def with_duty(**duty: object) -> Calendar:
    """The shipped calendar with another row for duty."""
    rows = [row for row in shipped_rows() if row["key"] != "duty"]
    return calendar_from([*rows, {"key": "duty", **duty}])


@pytest.mark.parametrize(
    ("duty", "due", "why"),
    [
        ({"nights_staffed": False}, "2026-02-14 09:10", "nobody at night: opening hours"),
        ({}, "2026-02-14 09:10", "nothing said: opening hours"),
        ({"nights_staffed": True}, "2026-02-13 21:10", "around the clock"),
        (
            {"friday": [["08:00", "21:05"]], "sunday": [["10:00", "16:00"]]},
            "2026-02-15 10:05",
            "roster, holiday or not",
        ),
    ],
)
def test_natural_time_runs_where_somebody_is_on_duty(duty: dict[str, object], due: str, why: str) -> None:
    assert shown(with_duty(**duty).natural.add(local("2026-02-13 21:00"), 10 * MINUTE)) == due, why


def test_a_roster_does_not_wait_for_the_announcement_of_holidays() -> None:
    start, end = local("2026-12-31 10:00"), local("2027-01-01 10:00")

    assert not with_duty(nights_staffed=True).natural.is_provisional(start, end)
    assert with_duty(nights_staffed=False).natural.is_provisional(start, end)


def test_an_unconfirmed_row_of_a_year_leaves_it_provisional() -> None:
    rows = [*shipped_rows(), {"key": "2027", "confirmed": False}]

    assert calendar_from(rows).confirmed_years == {2025, 2026}


def test_a_makeup_day_without_hours_has_those_of_the_first_open_weekday() -> None:
    rows = [
        {"key": "hours", "tuesday": [["10:00", "24:00"]]},
        {"key": "2026-03-08", "name": "补", "kind": "makeup_workday"},
    ]

    assert calendar_from(rows).days[date(2026, 3, 8)].intervals == ((time(10), time(0)),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], 'no row "hours"'),
        ([{"key": "hours", "mon": []}], "unknown weekday 'mon'"),
        ([{"key": "hours", "monday": ["09:00-12:00"]}], "opening hours are a list"),
        ([{"key": "hours", "monday": [["9", "12:00"]]}], "isoformat"),
        ([{"key": "hours", "monday": [["12:00", "09:00"]]}], "run backwards"),
        ([{"key": "hours", "monday": [["09:00", "12:00"], ["11:00", "18:00"]]}], "overlap"),
        ([{"key": "hours", "monday": [["09:00:30", "12:00"]]}], "whole minutes"),
        ([{"key": "hours"}, {"key": "2026-02-30", "name": "x", "kind": "holiday"}], "day is out of range"),
        ([{"key": "hours"}, {"key": "2026-02-03", "name": "x", "kind": "party"}], "unknown kind 'party'"),
        ([{"key": "hours"}, {"key": "2026-02-03", "kind": "holiday"}], "'name' must be a text"),
        ([{"name": "x"}], "'key' must be a text"),
    ],
)
def test_a_mistake_in_the_rows_is_named(rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calendar_from(rows)
