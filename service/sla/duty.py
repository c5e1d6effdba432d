"""When somebody's shift ends and when they come again. Pure: no clock, no database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.sla.calendar import Calendar
from service.sla.hours import MIDNIGHT
from service.sla.shifts import Shifts, on_duty

LOOKED_AHEAD = 14  # days of the roster
ONE_DAY = timedelta(days=1)
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Workplace:
    """A department's hours, its own shifts, and those of the whole company."""

    calendar: Calendar
    own: Shifts
    company: Shifts


def next_start(person: str, place: Workplace, at: datetime) -> datetime:
    """When the person is next on duty after their present shift or day: in a shift of theirs, or when the department
    opens, unless a shift says that others are there then. UTC."""
    zone = place.calendar.zone
    own = stretches(person, (place.own, place.company), at.astimezone(zone).date(), zone)
    after = next((ends for begins, ends in own if begins <= at < ends), at)
    starts = [begins for begins, _ in own if begins > after]
    return min([next_opening(place, after), *starts])


def next_opening(place: Workplace, at: datetime) -> datetime:
    """When the department opens for those without a shift: today if it has not been open yet, else on a later day."""
    calendar = place.calendar
    midnight = calendar.midnight_after(at - ONE_DAY)
    has_opened = calendar.is_open(at) or calendar.working_time(midnight, at)
    opens = calendar.next_opening(calendar.midnight_after(at) if has_opened else at)
    for _ in range(LOOKED_AHEAD):
        if not on_duty(place.own, opens, calendar.zone):
            break
        opens = calendar.next_opening(calendar.midnight_after(opens))
    return opens


def is_break(place: Workplace, at: datetime) -> bool:
    """Whether the department was open today, is closed now and opens again today: nobody has gone home.

    Not where a shift of its own says who is there meanwhile.
    """
    calendar = place.calendar
    if calendar.is_open(at) or on_duty(place.own, at, calendar.zone):
        return False
    begun = calendar.working_time(calendar.midnight_after(at - ONE_DAY), at)
    return bool(begun and calendar.working_time(at, calendar.midnight_after(at)))


def stretches(person: str, rosters: Iterable[Shifts], today: date, zone: ZoneInfo) -> list[Stretch]:
    """When the person is on duty from yesterday on, those that touch made one: a night is entered as two days."""
    found: list[Stretch] = []
    days = [today + ONE_DAY * offset for offset in range(-1, LOOKED_AHEAD)]
    for begins, ends in sorted(s for roster in rosters for day in days for s in _of_day(person, roster, day, zone)):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(ends, found[-1][1]))
        else:
            found.append((begins, ends))
    return found


def _of_day(person: str, roster: Shifts, day: date, zone: ZoneInfo) -> Iterator[Stretch]:
    for shift in roster.get(day, ()):
        if person in shift.people:
            opens, closes = shift.hours
            last = day + ONE_DAY if closes == MIDNIGHT else day
            yield _instant(day, opens, zone), _instant(last, closes, zone)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
