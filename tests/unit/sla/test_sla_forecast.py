"""The forecast by table: what is due, who is there and how fast they are; and the hours that it looks at."""

from datetime import UTC, datetime, timedelta

import pytest

from service.sla import forecast as sla
from service.sla.forecast import Pace
from tests.unit.sla.sla_makers import local, shipped_calendar

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
ENDS = tuple(NINE + timedelta(minutes=30 * number) for number in range(5))
DAY = timedelta(hours=7)


def pace(per_hour: float) -> Pace:
    """Of three people in ten hours."""
    return Pace(round(per_hour * 30), 3, timedelta(hours=10))


@pytest.mark.parametrize(
    ("due", "people", "per_hour", "late", "why"),
    [
        ([3, 3, 3, 3], [3] * 4, 2.0, [0, 0, 0, 0], "as much is done as is due"),
        ([3, 3, 3, 3], [3] * 4, 1.0, [2, 1, 2, 1], "one and a half fit: what was begun is finished in the next"),
        ([0, 0, 0, 12], [3] * 4, 2.0, [0, 0, 0, 0], "time that is left goes into what is due later"),
        ([12, 0, 0, 0], [3] * 4, 2.0, [9, 0, 0, 0], "time that comes later is too late"),
        ([2, 2, 2, 2], [0] * 4, 2.0, [2, 2, 2, 2], "nobody is there"),
        ([2, 2, 2, 2], [0, 0, 4, 4], 1.0, [2, 2, 0, 0], "somebody comes later"),
        ([0, 0, 0, 0], [3] * 4, 1.0, [0, 0, 0, 0], "nothing is due"),
        ([1, 1, 1, 1], [1] * 4, 0.7, [1, 1, 0, 1], "a third of an hour each time, added up"),
    ],
)
def test_what_will_be_late(due: list[int], people: list[int], per_hour: float, late: list[int], why: str) -> None:
    ahead = sla.forecast(ENDS, due, people, pace(per_hour))

    assert [stretch.late for stretch in ahead.stretches] == late, why
    assert (ahead.late, ahead.in_time + ahead.late) == (sum(late), sum(due))


def test_the_sum_in_words_adds_up() -> None:
    ahead = sla.forecast(ENDS, [3, 3, 3, 3], [3] * 4, pace(1.8))

    assert (ahead.due, ahead.person_hours, ahead.per_hour) == (12, 6, 1.8)
    assert ahead.deeds == pytest.approx(6 * 1.8)
    assert (ahead.in_time, ahead.late, ahead.is_crowded) == (10, 2, False)


def test_it_is_said_where_more_is_late_than_the_sum_tells() -> None:
    assert sla.forecast(ENDS, [12, 0, 0, 0], [3] * 4, pace(1.8)).is_crowded


@pytest.mark.parametrize(
    ("deeds", "people", "worked", "per_hour"),
    [
        (126, 1, 10 * DAY, 1.8),
        (126, 3, 10 * DAY, 0.6),
        (9, 3, 10 * DAY, None),  # too few to tell
        (10, 3, 10 * DAY, 0.1),  # never nothing, where something was done
        (50, 0, 10 * DAY, None),
        (50, 3, timedelta(), None),
    ],
)
def test_the_pace_of_a_person(deeds: int, people: int, worked: timedelta, per_hour: float | None) -> None:
    assert Pace(deeds, people, worked).per_hour == per_hour


def test_nothing_is_foretold_without_a_history() -> None:
    ahead = sla.forecast(ENDS, [5, 0, 0, 0], [3] * 4, Pace(2, 3, 10 * DAY))

    assert (ahead.is_known, ahead.due, ahead.late) == (False, 5, 0)


def test_where_nobody_is_there_no_history_is_needed() -> None:
    ahead = sla.forecast(ENDS, [5, 0, 0, 0], [0] * 4, Pace(2, 0, 10 * DAY))

    assert (ahead.is_known, ahead.late) == (True, 5)


@pytest.mark.parametrize(
    ("now", "ends", "why"),
    [
        ("2026-03-04 09:30", ["09:30", "10:00", "10:30", "11:00", "11:30"], "in the morning"),
        ("2026-03-04 17:00", ["17:00", "17:30", "18:00", "09:30", "10:00"], "over the night"),
        ("2026-03-07 12:00", ["12:00", "09:30", "10:00", "10:30", "11:00"], "from the weekend to Monday"),
    ],
)
def test_the_half_hours_ahead_are_working_time(now: str, ends: list[str], why: str) -> None:
    calendar = shipped_calendar()

    found = [end.astimezone(calendar.zone).strftime("%H:%M") for end in sla.bounds(calendar, local(now))]

    assert found == ends, why


@pytest.mark.parametrize(
    ("now", "since", "why"),
    [
        ("2026-03-20 10:00", "2026-03-06 00:00", "two weeks"),
        ("2026-03-22 10:00", "2026-03-09 00:00", "a Sunday looks at the same ten days all day"),
        ("2026-02-27 10:00", "2026-02-06 00:00", "over the spring festival, with its make-up days"),
    ],
)
def test_the_last_ten_working_days_end_yesterday(now: str, since: str, why: str) -> None:
    assert sla.lately(shipped_calendar(), local(now)) == local(since), why
