"""The ladder of a clock: at which share of its time, or how long after it was due, who hears of it. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from service.sla.calendar import Calendar
from service.sla.clocks import Clock, ClockState, counting_of, due, moved_on, open_pause
from service.sla.policy import ClockKind, Target, Unit, target_from
from service.sla.rows import Row, row_in, text_in, texts_in

AT_DUE = 100  # percent
LEVELS = ("ordinary", "yellow", "red")
WHO = ("handler", "group_leader", "department_head", "follow_up_agent", "supervisor", "leadership")
HOW = ("in_app", "browser", "mail", "robot")


@dataclass(frozen=True, slots=True)
class Rung:
    """One step. Exactly one of `share` (percent of the clock's time) and `late` (time after it was due) is set."""

    key: str
    names: dict[str, str]  # by language
    clocks: frozenset[ClockKind]
    share: int | None
    late: Target | None
    level: str | None  # the supervision order that it opens, or raises
    who: tuple[str, ...]
    how: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a rung that no clock could reach, or that tells nobody in no way."""
        if not self.key or self.key.split() != [self.key]:
            raise ValueError(f"a rung's key is one word, not {self.key!r}")  # rows keep them in a list with spaces
        if not self.clocks:
            raise ValueError(f"rung {self.key!r} belongs to no clock")
        if (self.share is None) == (self.late is None):
            raise ValueError(f"rung {self.key!r} has either a share or a lateness")
        if self.share is not None and not 1 <= self.share <= AT_DUE:
            raise ValueError(f"rung {self.key!r}: a share lies between 1 and {AT_DUE}, not {self.share}")
        if self.level is not None and (self.level not in LEVELS or self.late is None):
            raise ValueError(f"rung {self.key!r}: a level is one of {', '.join(LEVELS)} and belongs to a lateness")
        for given, known in ((self.who, WHO), (self.how, HOW)):
            if unknown := set(given) - set(known):
                raise ValueError(f"rung {self.key!r}: {sorted(unknown)} is none of {', '.join(known)}")
        if bool(self.who) != bool(self.how) or not (self.who or self.level):
            raise ValueError(f"rung {self.key!r} tells somebody in some way, or raises a level")


@dataclass(frozen=True, slots=True)
class Reached:
    """A rung and the instant at which a clock reaches it."""

    rung: Rung
    at: datetime


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs, the earliest first. Raises ValueError where two have the same key."""

    rungs: tuple[Rung, ...]

    def __post_init__(self) -> None:
        """Refuse two rungs of one name."""
        keys = [rung.key for rung in self.rungs]
        if len(set(keys)) < len(keys):
            raise ValueError(f"two rungs of the same key in {keys}")

    def next(self, clock: Clock, done: Collection[str], calendar: Calendar) -> Reached | None:
        """The next rung that a clock will reach, None where it stands still, is met, or has reached them all."""
        if clock.state not in (ClockState.RUNNING, ClockState.BREACHED) or open_pause(clock):
            return None
        left = [rung for rung in self.rungs if clock.kind in rung.clocks and rung.key not in done]
        shares = [rung.share for rung in left if rung.share is not None]
        if shares:
            first = next(rung for rung in left if rung.share == min(shares))
            return Reached(first, used_at(clock, min(shares), calendar))
        later = [Reached(rung, late_at(clock, rung.late, calendar)) for rung in left if rung.late is not None]
        return min(later, key=lambda reached: reached.at, default=None)


def used_at(clock: Clock, share: int, calendar: Calendar) -> datetime:
    """When a percentage of the clock's time has been used; never later than it is due."""
    target, started_at, due_at = clock.target, clock.started_at, clock.due_at
    assert target is not None and started_at is not None and due_at is not None  # noqa: S101, PT018 - it runs
    if share >= AT_DUE:
        return due_at
    counting = counting_of(target, calendar)
    counts_from = counting.midnight_after(started_at) if target.unit is Unit.WORKING_DAYS else started_at
    whole = counting.working_time(counts_from, due(target, started_at, calendar)[0])
    at = counting.add(counts_from, whole * share / AT_DUE)
    for pause in clock.pauses:
        at = moved_on(at, pause, counting)
    return min(at, due_at)


def late_at(clock: Clock, late: Target, calendar: Calendar) -> datetime:
    """When a clock is late by so much; pauses begun when it was late already do not count."""
    assert clock.due_at is not None  # noqa: S101 - it runs
    at, counting = due(late, clock.due_at, calendar)[0], counting_of(late, calendar)
    for pause in clock.pauses:
        if pause.start > clock.due_at:  # the others have moved the due time
            at = moved_on(at, pause, counting)
    return at


def ladder_from(rows: Iterable[Row]) -> Ladder:
    """The ladder from its rows. Raises ValueError that names what is wrong."""
    return Ladder(tuple(rung_from(row) for row in rows))


def rung_from(row: Row) -> Rung:
    share = row.get("share")
    if share is not None and (not isinstance(share, int) or isinstance(share, bool)):
        raise ValueError(f"'share' must be a whole number or null in {dict(row)}")
    return Rung(
        key=text_in(row, "key"),
        names={"zh": text_in(row, "name_zh"), "en": text_in(row, "name_en")},
        clocks=frozenset(ClockKind(name) for name in texts_in(row, "clocks")),
        share=share,
        late=target_from(row_in(row, "late")),
        level=text_in(row, "level") if row.get("level") else None,
        who=texts_in(row, "who"),
        how=texts_in(row, "how"),
    )
