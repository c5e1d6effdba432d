"""How many tickets will be late in the next two working hours if people go on as they lately did. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import floor

from service.sla.calendar import Calendar

STRETCH = timedelta(minutes=30)
STRETCHES = 4
DAYS = 10  # working days before today that tell the pace
ENOUGH = 10  # deeds in them; fewer tell nothing
LOOKED_BACK = timedelta(days=60)  # no ten working days reach further back, or there is no pace to tell
HOUR = timedelta(hours=1)
ROUNDING = 1e-9  # 3 x 0.7 x 0.5 is less than 1.05 in floating point


@dataclass(frozen=True, slots=True)
class Pace:
    """What was done lately: `deeds` are acceptances and final answers of a department of `people`, in `worked`.

    Counted by the people that it has now: a ticket that changes hands says nothing about whose work it was.
    """

    deeds: int
    people: int
    worked: timedelta

    @property
    def per_hour(self) -> float | None:
        """Deeds of one person in one working hour, to a tenth, as it is shown; None: too little to tell."""
        if self.deeds < ENOUGH or not self.people or not self.worked:
            return None
        return max(0.1, round(self.deeds / (self.people * (self.worked / HOUR)), 1))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Half an hour of working time. `room`: deeds that fit, with what the stretches before did not need."""

    start: datetime
    end: datetime
    due: int
    people: int
    room: float
    late: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The stretches ahead; `per_hour` None: the pace is not known, and nothing is foretold unless nobody is there."""

    stretches: tuple[Stretch, ...]
    per_hour: float | None

    @property
    def is_known(self) -> bool:
        return self.per_hour is not None or not self.person_hours

    @property
    def due(self) -> int:
        return sum(stretch.due for stretch in self.stretches)

    @property
    def late(self) -> int:
        return sum(stretch.late for stretch in self.stretches)

    @property
    def in_time(self) -> int:
        return self.due - self.late

    @property
    def person_hours(self) -> float:
        return sum(stretch.people for stretch in self.stretches) * (STRETCH / HOUR)

    @property
    def deeds(self) -> float:
        """What can be done in all stretches together."""
        return (self.per_hour or 0.0) * self.person_hours

    @property
    def is_crowded(self) -> bool:
        """Whether more will be late than the sum of it says, because much is due before there is time for it."""
        return self.is_known and self.late > max(0, self.due - floor(self.deeds + ROUNDING))


def bounds(calendar: Calendar, now: datetime) -> tuple[datetime, ...]:
    """The instants between the stretches ahead, `now` first; what is due before the next opening is in the first."""
    return tuple(calendar.add(now, STRETCH * number) for number in range(STRETCHES + 1))


def lately(calendar: Calendar, now: datetime) -> datetime:
    """The midnight with which the last DAYS working days before today began."""
    day, left = calendar.day_of(now), DAYS
    first = day - LOOKED_BACK
    while left and day > first:
        day -= timedelta(days=1)
        left -= bool(calendar.intervals_on(day))
    return datetime.combine(day, time(), calendar.zone)


def forecast(ends: Sequence[datetime], due: Sequence[int], people: Sequence[int], pace: Pace) -> Forecast:
    """What will be late between each two of the instants `ends`, of which as much is due and as many are there.

    What is due first is done first, and time that is left goes into what is due next. Those who are late already wait:
    the question is how many more there will be.
    """
    per_hour = pace.per_hour
    found, left = [], 0.0
    for number, amount in enumerate(due):
        room = left + (per_hour or 0.0) * people[number] * (STRETCH / HOUR)
        done = min(amount, floor(room + ROUNDING))
        late = amount - done if per_hour is not None or not any(people) else 0
        found.append(Stretch(ends[number], ends[number + 1], amount, people[number], room, late))
        left = room - done
    return Forecast(tuple(found), per_hour)
