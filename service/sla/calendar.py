"""The working calendar: opening hours, holidays, make-up days. Pure: no clock, no database."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.sla.hours import (
    MIDNIGHT,
    DayException,
    Interval,
    Week,
    check_intervals,
    day_from,
    length_of,
    week_from,
)
from service.sla.pieces import Piece, PieceKind, day_kinds
from service.sla.rows import Row, text_in
from service.sla.shifts import SHIFT_DAY, Shifts, joined, shifts_from
from service.sla.statutory import statutory_days
from service.sla.timeline import MICROSECOND, Day, Year, instant, ticks, year_of
from service.sla.words import Lang, piece_words

__all__ = ["Calendar", "DayException", "Interval", "Piece", "calendar_from"]

MINUTE = timedelta(minutes=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
AROUND_THE_CLOCK: Week = dict.fromkeys(range(7), ((MIDNIGHT, MIDNIGHT),))
YEAR = re.compile(r"\d{4}")
YEARS = range(1969, 2200)  # a bound for what odd input can make a process keep
HORIZON_YEARS = 30  # no target reaches further; one that does is a mistake in the configuration


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working time of an organisation. Takes aware instants, returns UTC; raises ValueError on naive ones.

    Keep the object: its first use of a year builds a table (about 2 ms), later sums take microseconds.
    """

    zone: ZoneInfo
    week: Week
    days: Mapping[date, DayException] = field(default_factory=dict)
    confirmed_years: frozenset[int] = frozenset()
    # where natural time runs; None: only in this calendar's own hours, as nobody is on duty outside them
    duty: "Calendar | None" = None
    # False for a duty roster: it runs through holidays, so no announcement can change it
    holidays_apply: bool = True
    _years: dict[int, Year] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse hours that overlap or run backwards."""
        for intervals in (*self.week.values(), *(day.intervals for day in self.days.values())):
            check_intervals(intervals)

    @property
    def natural(self) -> "Calendar":
        """The calendar on which natural minutes run."""
        return self.duty or self

    @property
    def normal_day(self) -> timedelta:
        """Length of an ordinary working day: the commonest of the week, the longer one of equals."""
        lengths = [length_of(intervals) for intervals in self.week.values() if intervals]
        if not lengths:
            raise ValueError("the calendar's week has no opening hours")
        return max(lengths, key=lambda length: (lengths.count(length), length))

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The instant at which `amount` of working time has passed since `start`: 18:00, not the next 09:00."""
        at, wanted = ticks(start), amount // MICROSECOND
        if wanted <= 0:
            if wanted < 0:
                raise ValueError(f"working time cannot be added backwards: {amount}")
            return instant(at)
        number, year = self._year_at(start, at)
        wanted += year.elapsed(at)
        for later in range(number, number + HORIZON_YEARS):
            year = self._working_year(later)
            if wanted <= year.total:
                return instant(year.reached(wanted))
            wanted -= year.total
        raise ValueError(f"{amount} of working time after {start} lies more than {HORIZON_YEARS} years ahead")

    def end_of_working_day(self, start: datetime, days: int) -> datetime:
        """Close of the Nth working day after the local calendar day of `start`, working day or not."""
        if days < 1:
            raise ValueError(f"a number of working days is at least 1, not {days}")
        at = ticks(start)
        number, year = self._year_at(start, at)
        wanted = days + year.days_begun(at)
        for later in range(number, number + HORIZON_YEARS):
            year = self._working_year(later)
            if wanted <= len(year.ends):
                return instant(year.ends[wanted - 1])
            wanted -= len(year.ends)
        raise ValueError(f"{days} working days after {start} lie more than {HORIZON_YEARS} years ahead")

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """Working time between two instants; zero if end is not later."""
        begins, ends = ticks(start), ticks(end)
        if ends <= begins:
            return timedelta()
        first, year = self._year_at(start, begins)
        last, last_year = self._year_at(end, ends)
        between = sum(self._year(number).total for number in range(first, last))
        return timedelta(microseconds=between + last_year.elapsed(ends) - year.elapsed(begins))

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies in working time; the closing instant does not."""
        tick = ticks(at)
        return self._year_at(at, tick)[1].opening_after(tick) == tick

    def next_opening(self, at: datetime) -> datetime:
        """The first instant of working time from `at` on: `at` itself when open."""
        tick = ticks(at)
        number, year = self._year_at(at, tick)
        while (opening := year.opening_after(tick)) is None:
            number += 1
            year = self._working_year(number)
        return instant(opening)

    def is_provisional(self, start: datetime, end: datetime) -> bool:
        """Whether some local day from `start` to `end` lies in a year whose holidays are not announced."""
        if not self.holidays_apply:
            return False
        first = self._year_at(start, ticks(start))[0]
        last = self._year_at(end, ticks(end))[0]
        if first == last:
            return first not in self.confirmed_years
        return any(number not in self.confirmed_years for number in range(first, last + 1))

    def pieces(self, start: datetime, end: datetime, lang: Lang = "zh") -> list[Piece]:
        """Consecutive pieces that cover [start, end] and say what counts; empty if end is not later."""
        begins, ends = instant(ticks(start)), instant(ticks(end))
        merged: list[Piece] = []
        counted = timedelta()
        for piece in self._day_pieces(begins, ends, lang):
            before = counted
            counted += (piece.end - piece.start) if piece.is_open else timedelta()
            minutes = counted // MINUTE - before // MINUTE
            if merged and merged[-1].why == piece.why:
                merged[-1] = replace(merged[-1], end=piece.end, minutes=merged[-1].minutes + minutes)
            else:
                merged.append(replace(piece, minutes=minutes))
        return merged

    def exception_on(self, day: date) -> DayException | None:
        """How a day differs from its week; None for an ordinary day. Unannounced years have their statutory days."""
        found = self.days.get(day)
        if found or not self.holidays_apply or day.year in self.confirmed_years:
            return found
        name = statutory_days(day.year).get(day)
        return DayException(name, "holiday") if name else None

    def intervals_on(self, day: date) -> tuple[Interval, ...]:
        """Opening hours of a local day; empty when closed."""
        exception = self.exception_on(day)
        return exception.intervals if exception else self.week.get(day.weekday(), ())

    def day_of(self, at: datetime) -> date:
        """The local calendar day of an instant."""
        return at.astimezone(self.zone).date()

    def midnight_after(self, at: datetime) -> datetime:
        """The instant at which the local calendar day of `at` ends."""
        return self._instant_on(self.day_of(at) + timedelta(days=1), MIDNIGHT)

    def _day_pieces(self, start: datetime, end: datetime, lang: Lang) -> Iterator[Piece]:
        """The pieces of each day between two instants, clipped to them."""
        day = self.day_of(start)
        while (begins := self._instant_on(day, MIDNIGHT)) < end:
            unconfirmed = None if not self.holidays_apply or day.year in self.confirmed_years else day.year
            for piece_end, kind, name in self._kinds_of(day):
                first, last = max(begins, start), min(piece_end, end)
                if first < last:
                    why = piece_words(kind, name, unconfirmed=unconfirmed, lang=lang)
                    yield Piece(first, last, 0, why, kind, name)
                begins = piece_end
            day += timedelta(days=1)

    def _kinds_of(self, day: date) -> Iterator[tuple[datetime, PieceKind, str]]:
        """What a day consists of from midnight to midnight: the end of each piece, its kind and the holiday's name."""
        exception = self.exception_on(day)
        name = exception.name if exception else ""
        intervals = self.intervals_on(day)
        open_kind, closed_kind, gap_kind = day_kinds(
            day, exception.kind if exception else None, has_hours=bool(intervals), on_duty=not self.holidays_apply
        )
        for index, (opens, closes) in enumerate(intervals):
            yield self._instant_on(day, opens), (gap_kind if index else closed_kind), ""
            yield self._end_on(day, closes), open_kind, name
        yield self._end_on(day, MIDNIGHT), closed_kind, "" if intervals else name

    def _year_at(self, at: datetime, tick: int) -> tuple[int, Year]:
        """The local year that contains an instant, and its table."""
        number = at.year  # in the instant's own zone, so it may be one off
        year = self._year(number)
        if tick >= year.finish:
            return number + 1, self._year(number + 1)
        if tick < year.begin:
            return number - 1, self._year(number - 1)
        return number, year

    def _year(self, number: int) -> Year:
        """The table of a local year, built once; two threads that build it together build the same."""
        year = self._years.get(number)
        if year is None:
            if number not in YEARS:
                raise ValueError(f"the calendar reaches from {YEARS[0]} to {YEARS[-1]}, not to {number}")
            year = self._years[number] = self._build_year(number)
        return year

    def _working_year(self, number: int) -> Year:
        """The table of a year; ValueError where nothing is open in it, as a due time would never come."""
        year = self._year(number)
        if not year.total:
            raise ValueError(f"the calendar has no working time in {number}")
        return year

    def _build_year(self, number: int) -> Year:
        """Opening hours of every day of a local year in ticks."""
        first, last = date(number, 1, 1), date(number + 1, 1, 1)
        days = (first + timedelta(days=offset) for offset in range((last - first).days))
        working = [(day, intervals) for day in days if (intervals := self.intervals_on(day))]
        return year_of(
            ticks(self._instant_on(first, MIDNIGHT)),
            ticks(self._instant_on(last, MIDNIGHT)),
            (Day(ticks(self._instant_on(day, MIDNIGHT)), self._ticks_on(day, intervals)) for day, intervals in working),
        )

    def _ticks_on(self, day: date, intervals: tuple[Interval, ...]) -> tuple[tuple[int, int], ...]:
        """Opening intervals of a local day in ticks."""
        return tuple((ticks(self._instant_on(day, opens)), ticks(self._end_on(day, ends))) for opens, ends in intervals)

    def _instant_on(self, day: date, at: time) -> datetime:
        """A local time of a day in UTC."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def _end_on(self, day: date, at: time) -> datetime:
        """The end of an interval in UTC; 00:00 is the end of the day."""
        return self._instant_on(day + timedelta(days=1) if at == MIDNIGHT else day, at)


def calendar_from(rows: Iterable[Row], zone: ZoneInfo = SHANGHAI) -> Calendar:
    """A calendar from its rows, told apart by `key`. Raises ValueError that names what is wrong.

    "hours": intervals by weekday. "duty": where natural minutes run: `nights_staffed` (around the clock), or
    intervals by weekday, else only in the opening hours. "2026": whether the year's holidays are `confirmed`.
    "2026-02-14": a day that differs from the week; "duty:2026-02-14": who is on duty then, beside the others. Rows of
    one department are laid over these by `layers`.
    """
    by_key = {text_in(row, "key"): row for row in rows}
    shifts = shifts_from(by_key.values())
    by_key = {key: row for key, row in by_key.items() if not SHIFT_DAY.fullmatch(key)}
    if "hours" not in by_key:
        raise ValueError('the calendar has no row "hours"')
    week, duty = week_from(by_key.pop("hours")), by_key.pop("duty", {})
    years = {key: by_key.pop(key) for key in list(by_key) if YEAR.fullmatch(key)}
    calendar = Calendar(
        zone=zone,
        week=week,
        days=dict(day_from(row, week) for row in by_key.values()),
        confirmed_years=frozenset(int(key) for key, row in years.items() if row.get("confirmed") is True),
    )
    return replace(calendar, duty=with_shifts(duty_from(duty, zone), calendar, shifts))


def with_shifts(roster: Calendar | None, calendar: Calendar, shifts: Shifts) -> Calendar | None:
    """The roster with the hours of shifts added; without a roster they are added to the opening hours."""
    if not shifts:
        return roster
    base = roster or calendar
    hours = {
        day: joined([*base.intervals_on(day), *(shift.hours for shift in of_day)]) for day, of_day in shifts.items()
    }
    return replace(base, days={**base.days, **{day: DayException("", "duty", of_day) for day, of_day in hours.items()}})


def duty_from(row: Row, zone: ZoneInfo) -> Calendar | None:
    """The roster on which natural minutes run, by weekday and through holidays; None where there is none."""
    hours = {name: value for name, value in row.items() if name != "nights_staffed"}
    if row.get("nights_staffed") is True:
        return Calendar(zone=zone, week=AROUND_THE_CLOCK, holidays_apply=False)
    roster = Calendar(zone=zone, week=week_from(hours), holidays_apply=False)
    return roster if any(roster.week.values()) else None
