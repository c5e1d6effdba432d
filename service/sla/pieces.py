"""What stretches of time are to a calendar: open, lunch, night, weekend, holiday. No arithmetic, no words."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from service.sla.hours import DayKind

SATURDAY = 5


class PieceKind(StrEnum):
    """What a stretch of time is to the calendar."""

    OPEN = "open"
    MAKEUP = "makeup"
    SHORT = "short"
    LUNCH = "lunch"
    NIGHT = "night"
    WEEKEND = "weekend"
    REST = "rest"
    HOLIDAY = "holiday"
    DUTY = "duty"
    OFF_DUTY = "off_duty"


OPEN_KINDS = frozenset({PieceKind.OPEN, PieceKind.MAKEUP, PieceKind.SHORT, PieceKind.DUTY})

# the kinds of a day's open time, of its closed time and of the gaps between its hours
DayKinds = tuple[PieceKind, PieceKind, PieceKind]
WITH_HOURS: dict[DayKind | None, DayKinds] = {
    None: (PieceKind.OPEN, PieceKind.NIGHT, PieceKind.LUNCH),
    "normal": (PieceKind.OPEN, PieceKind.NIGHT, PieceKind.LUNCH),
    "makeup_workday": (PieceKind.MAKEUP, PieceKind.NIGHT, PieceKind.LUNCH),
    "holiday": (PieceKind.SHORT, PieceKind.NIGHT, PieceKind.LUNCH),
    "duty": (PieceKind.DUTY, PieceKind.OFF_DUTY, PieceKind.OFF_DUTY),
}
CLOSED_HOLIDAY: DayKinds = (PieceKind.SHORT, PieceKind.HOLIDAY, PieceKind.LUNCH)
CLOSED_WEEKDAY: DayKinds = (PieceKind.OPEN, PieceKind.REST, PieceKind.LUNCH)
CLOSED_WEEKEND: DayKinds = (PieceKind.OPEN, PieceKind.WEEKEND, PieceKind.LUNCH)
ON_DUTY: DayKinds = WITH_HOURS["duty"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time, all of it counted or none, and why; `minutes` are the counted ones."""

    start: datetime
    end: datetime
    minutes: int
    why: str
    kind: PieceKind
    name: str = ""  # of the holiday that the day belongs to

    @property
    def is_open(self) -> bool:
        """Whether the piece is working time."""
        return self.kind in OPEN_KINDS


def day_kinds(day: date, exception: DayKind | None, *, has_hours: bool, on_duty: bool) -> DayKinds:
    """What a day's open time, its closed time and the gaps between its hours are."""
    if on_duty:
        return ON_DUTY
    if has_hours:
        return WITH_HOURS[exception]
    if exception == "holiday":
        return CLOSED_HOLIDAY
    return CLOSED_WEEKEND if day.weekday() >= SATURDAY else CLOSED_WEEKDAY
