"""How much more time may be given: extensions, suspensions, the periods of an appeal. Pure: no clock, no database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from service.sla.calendar import Calendar
from service.sla.rows import Row, text_in, whole_in

EXTENSION, SUSPENSION, APPEAL = "extension", "suspension", "appeal"
MOST_DAYS = 250  # of one allowance: a year of work; more is a slip of the finger


@dataclass(frozen=True, slots=True)
class Extension:
    """How often a ticket may be given more time, and how many working days at once."""

    times: int
    days: int


@dataclass(frozen=True, slots=True)
class Suspension:
    """Working days that a suspension lasts at most, and all of a ticket; on which of its days to ask the customer."""

    days_each: int
    days_in_all: int
    remind_on_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Appeal:
    """Working days in which to appeal, and in which to answer an appeal."""

    file_within_days: int
    answer_within_days: int


@dataclass(frozen=True, slots=True)
class Allowances:
    """All of them. `extensions` by category; None: the categories that have no row of their own."""

    extensions: Mapping[str | None, Extension] = field(default_factory=dict)
    suspension: Suspension = Suspension(5, 10, (2, 4))
    appeal: Appeal = Appeal(5, 5)

    def extension_for(self, category: str | None) -> Extension:
        return self.extensions[category] if category in self.extensions else self.extensions[None]


def allowances_from(rows: Iterable[Row]) -> Allowances:
    """The allowances from their rows. Raises ValueError that names what is wrong or missing."""
    extensions: dict[str | None, Extension] = {}
    others: dict[str, Row] = {}
    for row in rows:
        kind = text_in(row, "key").partition("/")[0]
        if kind != EXTENSION:
            others[kind] = row
            continue
        category = text_in(row, "category") if row.get("category") is not None else None
        if category in extensions:
            raise ValueError(f"two rows for extensions of {category or 'any category'}")
        extensions[category] = Extension(_days(row, "times"), _days(row, "days"))
    if None not in extensions:
        raise ValueError("no row says how far categories without one of their own may be extended")
    if wrong := {SUSPENSION, APPEAL} ^ set(others):
        raise ValueError(f"rows are missing or unknown: {', '.join(sorted(wrong))}")
    suspension, appeal = others[SUSPENSION], others[APPEAL]
    return Allowances(
        extensions,
        Suspension(_days(suspension, "days_each"), _days(suspension, "days_in_all"), _list_of_days(suspension)),
        Appeal(_days(appeal, "file_within_days"), _days(appeal, "answer_within_days")),
    )


def _days(row: Row, name: str) -> int:
    number = whole_in(row, name)
    if not 1 <= number <= MOST_DAYS:
        raise ValueError(f"{name!r} must lie between 1 and {MOST_DAYS} in {dict(row)}")
    return number


def _list_of_days(row: Row) -> tuple[int, ...]:
    days = row.get("remind_on_days")
    if not isinstance(days, list) or not all(isinstance(day, int) and 1 <= day <= MOST_DAYS for day in days):
        raise ValueError(f"'remind_on_days' must be a list of working days in {dict(row)}")
    return tuple(sorted(set(days)))


def days_between(start: datetime, end: datetime, calendar: Calendar, *, most: int = MOST_DAYS) -> int:
    """Working days that begin after the day of `start`, up to that of `end` with it; `most` + 1 for any more."""
    last = calendar.day_of(end)
    days = 0
    while days <= most and calendar.day_of(calendar.end_of_working_day(start, days + 1)) <= last:
        days += 1
    return days


def latest_end(start: datetime, days: int, calendar: Calendar) -> datetime:
    """The close of the last of so many working days after the day of `start`; `start` itself for none."""
    return calendar.end_of_working_day(start, days) if days else start


def opening_of_day(start: datetime, number: int, calendar: Calendar) -> datetime:
    """When the Nth working day after the day of `start` opens."""
    before = calendar.end_of_working_day(start, number - 1) if number > 1 else calendar.midnight_after(start)
    return calendar.next_opening(before)
