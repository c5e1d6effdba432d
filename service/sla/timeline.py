"""Opening intervals of one year as integers, so that sums over weeks are two bisections. Knows no calendar rules."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def ticks(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant. Raises ValueError on naive input."""
    try:
        return (instant - EPOCH) // MICROSECOND
    except TypeError:
        raise ValueError(f"an instant needs a time zone, {instant!r} has none") from None


def instant(tick: int) -> datetime:
    """The instant in UTC of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=tick)


@dataclass(frozen=True, slots=True)
class Day:
    """A working day in ticks: its local midnight and its opening intervals, earliest first."""

    midnight: int
    intervals: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Year:
    """A local year, [begin, finish) in ticks, with its working days and the running sum of working time."""

    begin: int
    finish: int
    opens: list[int]
    closes: list[int]
    worked: list[int]  # worked[i]: working time of the year up to closes[i]
    midnights: list[int]  # of working days
    ends: list[int]  # last closing of the working day at the same index
    total: int

    def elapsed(self, at: int) -> int:
        """Working time from the beginning of the year until `at`."""
        begun = bisect_right(self.opens, at)
        if begun == 0:
            return 0
        return self.worked[begun - 1] - max(0, self.closes[begun - 1] - at)

    def reached(self, amount: int) -> int:
        """Earliest tick at which `amount`, 1..total, has passed: the end of an interval, not the next beginning."""
        index = bisect_left(self.worked, amount)
        return self.closes[index] - (self.worked[index] - amount)

    def opening_after(self, at: int) -> int | None:
        """Earliest tick of working time from `at` on; None when the year has none left."""
        index = bisect_right(self.closes, at)
        return max(self.opens[index], at) if index < len(self.opens) else None

    def days_begun(self, at: int) -> int:
        """Working days of the year that have begun by `at`."""
        return bisect_right(self.midnights, at)


def year_of(begin: int, finish: int, days: Iterable[Day]) -> Year:
    """The table of a year from its working days in order."""
    working = list(days)
    intervals = [interval for day in working for interval in day.intervals]
    worked = list(accumulate(close - opening for opening, close in intervals))
    return Year(
        begin=begin,
        finish=finish,
        opens=[opening for opening, _ in intervals],
        closes=[close for _, close in intervals],
        worked=worked,
        midnights=[day.midnight for day in working],
        ends=[day.intervals[-1][1] for day in working],
        total=worked[-1] if worked else 0,
    )
