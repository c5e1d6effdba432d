"""Quiet hours: over midnight or not at all, and a digest that wakes nobody."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from service.sla.quiet import QuietHours, quiet_hours_from

ZONE = ZoneInfo("Asia/Shanghai")
SHIPPED = {"key": "hours", "from": "21:00", "to": "08:00", "digest": "08:30"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("moment", "is_quiet", "digest"),
    [
        ("2026-03-04 08:00", False, "2026-03-04 08:30"),
        ("2026-03-04 08:30", False, "2026-03-05 08:30"),
        ("2026-03-04 20:59", False, "2026-03-05 08:30"),
        ("2026-03-04 21:00", True, "2026-03-05 08:30"),
        ("2026-03-05 07:59", True, "2026-03-05 08:30"),
        ("2026-12-31 23:00", True, "2027-01-01 08:30"),
    ],
)
def test_the_night_is_quiet_and_the_morning_tells(moment: str, is_quiet: bool, digest: str):
    hours = quiet_hours_from([SHIPPED])

    assert hours.holds(at(moment), ZONE) is is_quiet
    assert hours.next_digest(at(moment), ZONE) == at(digest)


def test_hours_within_a_day_and_none_at_all():
    noon = QuietHours(time(12), time(13, 30), time(14))
    never = QuietHours(time(0), time(0), time(8))

    assert [noon.holds(at(f"2026-03-04 {hour}"), ZONE) for hour in ("11:59", "12:00", "13:30")] == [False, True, False]
    assert not never.holds(at("2026-03-04 00:00"), ZONE)


def test_a_later_row_stands_in_place_of_the_shipped_one():
    hours = quiet_hours_from([SHIPPED, SHIPPED | {"from": "22:00"}])

    assert (hours.begin, hours.end) == (time(22), time(8))


@pytest.mark.parametrize("change", [{"digest": "07:00"}, {"from": "9 pm"}, {"to": None}])
def test_hours_that_make_no_sense_are_refused(change: dict[str, object]):
    with pytest.raises(ValueError, match=r".+"):
        quiet_hours_from([SHIPPED | change])
