"""Promises about how much more time may be given: working days counted as people count them, and rows checked."""

import json
from datetime import UTC, datetime
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from service.sla.allowances import allowances_from, days_between, latest_end, opening_of_day
from service.sla.calendar import calendar_from

ZONE = ZoneInfo("Asia/Shanghai")


def shipped(name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(resources.files("service.defaults").joinpath(name).read_text("utf-8"))
    return rows


CALENDAR = calendar_from(shipped("calendar_cn.json"), ZONE)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "end", "days", "why"),
    [
        ("2026-03-04 09:30", "2026-03-04 18:00", 0, "the same day"),
        ("2026-03-04 09:30", "2026-03-05 08:00", 1, "any moment of the next day counts it"),
        ("2026-03-04 09:30", "2026-03-11 18:00", 5, "over a weekend"),
        ("2026-03-06 17:59", "2026-03-08 20:00", 0, "a weekend alone"),
        ("2026-02-13 10:00", "2026-02-14 18:00", 1, "a make-up Saturday is a working day"),
        ("2026-02-14 10:00", "2026-02-24 09:00", 1, "a long holiday counts nothing"),
    ],
)
def test_working_days_are_counted_as_people_count_them(start: str, end: str, days: int, why: str):
    assert days_between(local(start), local(end), CALENDAR) == days, why


def test_counting_ends_where_it_no_longer_matters():
    assert days_between(local("2026-03-04 09:30"), datetime(2200, 1, 1, tzinfo=UTC), CALENDAR, most=10) == 11


def test_the_latest_end_is_the_last_that_counts_so_many_days():
    start = local("2026-03-04 09:30")

    assert latest_end(start, 5, CALENDAR) == local("2026-03-11 18:00")
    assert days_between(start, latest_end(start, 5, CALENDAR), CALENDAR) == 5
    assert latest_end(start, 0, CALENDAR) == start


def test_a_day_opens_on_the_morning_after_a_holiday():
    assert opening_of_day(local("2026-02-13 10:00"), 1, CALENDAR) == local("2026-02-14 09:00")
    assert opening_of_day(local("2026-02-13 10:00"), 2, CALENDAR) == local("2026-02-24 09:00")


def test_the_shipped_allowances():
    found = allowances_from(shipped("extensions.json"))

    assert (found.extension_for("complaint").times, found.extension_for("complaint").days) == (2, 5)
    assert found.extension_for("inquiry") == found.extension_for("fault") == found.extension_for(None)
    assert (found.extension_for(None).times, found.extension_for(None).days) == (1, 1)
    assert (found.suspension.days_each, found.suspension.days_in_all) == (5, 10)
    assert found.suspension.remind_on_days == (2, 4)
    assert (found.appeal.file_within_days, found.appeal.answer_within_days) == (5, 5)


@pytest.mark.parametrize(
    ("key", "changed", "says"),
    [
        ("extension/complaint", {"days": 0}, "between 1 and"),
        ("extension/complaint", {"days": "5"}, "whole number"),
        ("extension/complaint", {"category": None}, "two rows"),
        ("extension/any", {"category": "fault"}, "without one of their own"),
        ("suspension", {"days_each": 9999}, "between 1 and"),
        ("suspension", {"remind_on_days": ["2"]}, "list of working days"),
        ("suspension", {"key": "suspensions"}, "missing or unknown"),
        ("appeal", {"answer_within_days": None}, "whole number"),
    ],
)
def test_a_wrong_row_is_refused_by_name(key: str, changed: dict[str, object], says: str):
    rows = [row | changed if row["key"] == key else row for row in shipped("extensions.json")]

    with pytest.raises(ValueError, match=says):
        allowances_from(rows)
