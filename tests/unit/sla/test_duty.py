"""When somebody is next on duty: after their shift, after the day, or where others are rostered."""

from datetime import date, datetime

import pytest

from service.sla.calendar import SHANGHAI, Calendar, calendar_from
from service.sla.duty import Workplace, is_break, next_start
from service.sla.hours import intervals_from
from service.sla.shifts import Shift, Shifts

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
HOURS = {"key": "hours", **{day: [["09:00", "12:00"], ["13:30", "18:00"]] for day in WEEKDAYS}}


def calendar() -> Calendar:
    return calendar_from([HOURS, {"key": "2026", "confirmed": True}])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def roster(*rows: tuple[str, str, str, str]) -> Shifts:
    """(day, opens, closes, person) each."""
    found: dict[date, tuple[Shift, ...]] = {}
    for day, opens, closes, person in rows:
        (hours,) = intervals_from([[opens, closes]])
        found[date.fromisoformat(day)] = (*found.get(date.fromisoformat(day), ()), Shift(hours, (person,)))
    return found


NIGHT = roster(("2026-11-24", "22:00", "24:00", "li"), ("2026-11-25", "00:00", "06:00", "li"))
LONG = roster(("2026-11-24", "18:00", "24:00", "li"), ("2026-11-25", "00:00", "10:00", "li"))
OTHERS = roster(("2026-11-25", "08:00", "18:00", "wang"))


@pytest.mark.parametrize(
    ("now", "own", "company", "expected", "why"),
    [
        ("2026-11-24 17:30", {}, {}, "2026-11-25 09:00", "the next working day"),
        ("2026-11-24 18:30", {}, {}, "2026-11-25 09:00", "gone home already"),
        ("2026-11-27 17:30", {}, {}, "2026-11-30 09:00", "over a weekend"),
        ("2026-11-24 08:30", {}, {}, "2026-11-24 09:00", "before the day begins it is today"),
        ("2026-11-24 12:30", {}, {}, "2026-11-25 09:00", "who goes home at noon is not back after lunch"),
        ("2026-11-24 17:30", NIGHT, {}, "2026-11-24 22:00", "a shift of this very night comes first"),
        ("2026-11-24 17:30", {}, NIGHT, "2026-11-24 22:00", "a shift of the whole company too"),
        ("2026-11-24 23:00", NIGHT, {}, "2026-11-25 09:00", "the half of the night after midnight is the same shift"),
        (
            "2026-11-24 23:00",
            LONG,
            {},
            "2026-11-26 09:00",
            "a shift that ends after the opening is not interrupted by it",
        ),
        ("2026-11-24 17:30", OTHERS, {}, "2026-11-26 09:00", "on a day on which others are rostered they stay at home"),
    ],
)
def test_the_next_start(now: str, own: Shifts, company: Shifts, expected: str, why: str):
    assert next_start("li", Workplace(calendar(), own, company), at(now)) == at(expected), why


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-24 12:30", True),
        ("2026-11-24 11:59", False),
        ("2026-11-24 18:30", False),
        ("2026-11-24 08:30", False),
        ("2026-11-28 12:30", False),
    ],
)
def test_lunch_is_a_break_and_evening_is_not(now: str, expected: bool):
    assert is_break(Workplace(calendar(), {}, {}), at(now)) is expected


def test_where_a_shift_covers_lunch_the_others_are_not_only_at_lunch():
    others = roster(("2026-11-24", "08:00", "18:00", "wang"))

    assert not is_break(Workplace(calendar(), others, {}), at("2026-11-24 12:30"))
