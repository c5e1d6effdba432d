"""The same calendars and clocks once more, from plain data and by plain loops over minutes.

Nothing of service/sla is used here. An instant is a number of seconds since 1970 by the wall clock of Shanghai.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

DAY = 86_400
HOUR_FROM_UTC = 8
FIRST = date(1970, 1, 1).toordinal()
MINUTES, DAYS, NATURAL = "working_minutes", "working_days", "natural_minutes"

Hours = Sequence[tuple[int, int]]  # open from one minute of the day until another; 1440 is midnight
# days off of a year whose arrangement is not announced; the lunar ones of 2026 nobody has written down
NATIONAL = ("01-01", "05-01", "05-02", "10-01", "10-02", "10-03")
LUNAR = {
    2027: ("02-05", "02-06", "02-07", "02-08", "04-05", "06-09", "09-15"),
    2028: ("01-25", "01-26", "01-27", "01-28", "04-04", "05-28", "10-03"),
}


class Exceptional(NamedTuple):
    """A day unlike its weekday; hours None: closed on a holiday, else like the first open day of the week."""

    is_holiday: bool
    hours: Hours | None


class Target(NamedTuple):
    amount: int
    unit: str


@dataclass
class Book:
    """Which minutes of a day are open, by a table of 1440 noughts and ones."""

    hours_on: Callable[[int], Hours]
    _tables: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def table(self, day: int) -> tuple[bytes, int]:
        """A day's minutes and how many of them are open."""
        if day not in self._tables:
            minutes = bytearray(1440)
            for opens, ends in self.hours_on(day):
                for minute in range(opens, ends):
                    minutes[minute] = 1
            self._tables[day] = bytes(minutes), sum(minutes)
        return self._tables[day]

    def is_open(self, at: int) -> bool:
        return self.table(at // DAY)[0][at % DAY // 60] == 1

    def count(self, start: int, end: int) -> int:
        """Open seconds from start to end."""
        total = 0
        for day in range(start // DAY, (end - 1) // DAY + 1) if start < end else ():
            minutes, open_minutes = self.table(day)
            begins, ends = max(start - day * DAY, 0), min(end - day * DAY, DAY)
            first, last = begins // 60, (ends - 1) // 60
            total += 60 * (open_minutes if ends - begins == DAY else sum(minutes[first : last + 1]))
            total -= minutes[first] * (begins % 60) + minutes[last] * (-ends % 60)
        return total

    def add(self, at: int, owed: int) -> int:
        """The end of the last of so many open seconds; `at` itself for none."""
        while owed:
            midnight = at - at % DAY
            minutes, open_minutes = self.table(at // DAY)
            if open_minutes * 60 < owed:
                owed, at = owed - self.count(at, midnight + DAY), midnight + DAY
                continue
            for minute in range(at % DAY // 60, 1440):
                if minutes[minute]:
                    at, edge = max(at, midnight + minute * 60), midnight + minute * 60 + 60
                    if owed <= edge - at:
                        return at + owed
                    owed, at = owed - (edge - at), edge
            at = midnight + DAY
        return at

    def closing(self, at: int, days: int) -> int:
        """The end of the last open minute of the Nth day with one, the day of `at` not counted."""
        day = at // DAY
        while days:
            day += 1
            days -= self.table(day)[1] > 0
        return day * DAY + (self.table(day)[0].rindex(1) + 1) * 60

    def opening(self, at: int) -> int:
        """The first open second from `at` on."""
        day = at // DAY
        minute = self.table(day)[0].find(1, at % DAY // 60)
        while minute < 0:
            day += 1
            minute = self.table(day)[0].find(1)
        return max(at, day * DAY + minute * 60)


@dataclass
class Almanac:
    """A calendar as somebody would write it on paper."""

    week: Sequence[Hours]
    days: dict[date, Exceptional]
    confirmed: frozenset[int]
    duty: Sequence[Hours] | None  # None: nobody is on duty outside working hours
    working: Book = field(init=False)
    natural: Book = field(init=False)

    def __post_init__(self) -> None:
        self.working = Book(self._hours_on)
        duty = self.duty
        self.natural = Book(lambda day: duty[weekday(day)]) if duty else self.working

    def book(self, unit: str) -> Book:
        return self.natural if unit == NATURAL else self.working

    def is_provisional(self, unit: str, start: int, end: int) -> bool:
        """Whether some day from start to end is of a year that nobody has announced, and that matters."""
        if self.duty and unit == NATURAL:
            return False
        return any(date_of(day).year not in self.confirmed for day in range(start // DAY, end // DAY + 1))

    def normal_day(self) -> int:
        """Seconds of the commonest working day of the week; of two as common, the longer."""
        lengths = Counter(60 * sum(ends - opens for opens, ends in hours) for hours in self.week if hours)
        most = max(lengths.values())
        return max(length for length, times in lengths.items() if times == most)

    def _hours_on(self, day: int) -> Hours:
        at = date_of(day)
        if at in self.days:
            exceptional = self.days[at]
            if exceptional.hours is not None:
                return exceptional.hours
            return () if exceptional.is_holiday else next(hours for hours in self.week if hours)
        if at.year not in self.confirmed and f"{at:%m-%d}" in (*NATIONAL, *LUNAR.get(at.year, ())):
            return ()
        return self.week[weekday(day)]


def date_of(day: int) -> date:
    return date.fromordinal(FIRST + day)


def weekday(day: int) -> int:
    return (day + 3) % 7  # 1 January 1970 was a Thursday


@dataclass
class Life:
    """One clock, told by what has happened to it."""

    almanac: Almanac
    target: Target | None
    started: int
    due: int | None = None
    met: int | None = None
    state: str = "none"
    provisional: bool = False
    pauses: list[tuple[int, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.compute()
        self.state = "none" if self.target is None else "running"

    def compute(self) -> None:
        """The due time from the beginning, and what follows from it."""
        self.due = None if self.target is None else self.due_from_the_beginning(self.target)
        self.see()

    def see(self) -> None:
        if self.target is None or self.due is None:
            self.provisional = False
        else:
            self.provisional = self.almanac.is_provisional(self.target.unit, self.started, self.due)

    def due_from_the_beginning(self, target: Target) -> int:
        """The end of the last minute of the target that lies in no pause; a pause begun by then is made good."""
        book, at, owed, due = self.almanac.book(target.unit), self.started, target.amount * 60, None
        if target.unit == DAYS:
            due = book.closing(self.started, target.amount)
        for begins, ends in self.pauses:
            if ends is None:
                continue
            if due is None and book.count(at, begins) < owed:
                owed, at = owed - book.count(at, begins), ends
                continue
            due = book.add(at, owed) if due is None else due
            due = book.add(due, book.count(begins, ends)) if begins <= due else due
        return book.add(at, owed) if due is None else due

    def used(self, percent: int) -> int:
        """When so much of the target's time has passed; a pause begun by then is made good."""
        assert self.target is not None
        assert self.due is not None
        book, begins = self.almanac.book(self.target.unit), self.started
        if self.target.unit == DAYS:
            begins = (self.started // DAY + 1) * DAY
            whole = book.count(begins, book.closing(self.started, self.target.amount))
        else:
            whole = self.target.amount * 60
        at = self.made_good(book, book.add(begins, whole * percent // 100), since=0)
        return self.due if percent == 100 else min(at, self.due)  # a promise that is kept is due when it was

    def late_by(self, length: Target) -> int:
        """When it is late by so much; the pauses begun when it was late already do not count."""
        assert self.due is not None
        book = self.almanac.book(length.unit)
        at = book.closing(self.due, length.amount) if length.unit == DAYS else book.add(self.due, length.amount * 60)
        return self.made_good(book, at, since=self.due + 1)

    def made_good(self, book: Book, at: int, since: int) -> int:
        """The instant after the pauses that began from `since` on and by then."""
        for begins, ends in self.pauses:
            if ends is not None and since <= begins <= at:
                at = book.add(at, book.count(begins, ends))
        return at

    @property
    def open_pause(self) -> int | None:
        return self.pauses[-1][0] if self.pauses and self.pauses[-1][1] is None else None

    def judge(self, now: int) -> None:
        """Met, late, standing or running, as seen at an instant; a pause stops the sight at its beginning."""
        seen = now if self.open_pause is None else self.open_pause
        if self.met is not None:
            self.state = "met"
        elif self.due is None:
            self.state = "none"
        elif self.due < seen:
            self.state = "breached"
        else:
            self.state = "running" if self.open_pause is None else "paused"

    def pause(self, now: int) -> None:
        if self.state in ("running", "breached") and self.open_pause is None:
            self.pauses.append((now, None))
            self.judge(now)

    def resume(self, now: int) -> None:
        begins = self.open_pause
        if begins is None:
            return
        ends = max(now, begins)
        self.pauses[-1] = (begins, ends)
        if self.target is None or self.due is None:
            return
        book = self.almanac.book(self.target.unit)
        if begins <= self.due:
            self.due = book.add(self.due, book.count(begins, ends))
        self.see()
        self.state = "running" if self.state == "paused" else self.state

    def breach(self, now: int) -> None:
        if self.state == "running":
            self.judge(now)

    def meet(self, now: int) -> None:
        if self.state not in ("met", "none"):
            self.resume(now)
            self.met, self.state = now, "met"

    def meet_in_pause(self, now: int) -> None:
        """Met, the pause left open."""
        if self.state not in ("met", "none"):
            self.met, self.state = now, "met"

    def run_again(self, now: int) -> None:
        if self.met is not None:
            ended, self.met = self.met, None
            self.resume(ended)
            self.judge(now)

    def retarget(self, now: int, target: Target | None) -> None:
        if target is None and self.met is not None:
            return
        self.target = target
        self.compute()
        self.judge(now)

    def recalculate(self, now: int) -> None:
        """On another calendar what is still owed is never due earlier than was promised."""
        if self.met is None and self.target is not None and self.due is not None:
            before = self.due, self.provisional
            self.due = max(self.due, self.due_from_the_beginning(self.target))
            self.see()
            if (self.due, self.provisional) != before:
                self.judge(now)

    def reopen(self, now: int, policy: Target | None) -> None:
        """On what was left, at least half of the target."""
        if self.met is not None and self.target is not None and self.due is not None:
            left = self.almanac.book(self.target.unit).count(self.met, self.due)
            half = self.seconds(policy or self.target)
            self.begin(now, max(2 * left, half), 2, self.target.unit)

    def restart(self, now: int, policy: Target | None, quarters: int) -> None:
        """On a share of the target."""
        target = policy or self.target
        if self.target is not None and target is not None:
            self.begin(now, quarters * self.seconds(target), 4, target.unit)

    def begin(self, now: int, length: int, parts: int, unit: str) -> None:
        """Anew, on length / parts seconds, up to a whole minute."""
        minutes = max(1, -(-length // (60 * parts)))
        target = Target(minutes, NATURAL if unit == NATURAL else MINUTES)
        vars(self).update(vars(Life(self.almanac, target, now)))

    def seconds(self, target: Target) -> int:
        return target.amount * (self.almanac.normal_day() if target.unit == DAYS else 60)

    def minutes_owed(self) -> int:
        """What the steps of an explanation have to add up to."""
        assert self.target is not None
        if self.target.unit != DAYS:
            return self.target.amount
        book, midnight = self.almanac.working, (self.started // DAY + 1) * DAY
        return book.count(midnight, book.closing(self.started, self.target.amount)) // 60
