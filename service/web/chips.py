"""How soon: the chips for a ticket's next due time and for what its follower's reply window still allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.channels.registry import channel_named
from service.errors import NotFound
from service.messaging.followers import Follower, window_left
from service.messaging.ports import Contact
from service.sla.calendar import Calendar
from service.sla.clocks import Clock, ClockKind, ClockState, counting_of
from service.tickets.clocks import clock_of
from service.tickets.models import ClockRow

AT_RISK = 0.25  # of the time that counts
WINDOW_LEVELS = (  # while the ticket waits for us, by time left and by messages left
    ("critical", timedelta(hours=1), 1),
    ("soon", timedelta(hours=4), 0),
    ("low", timedelta(hours=12), 2),
)
OWED = (ClockState.RUNNING, ClockState.BREACHED)


@dataclass(frozen=True, slots=True)
class DueChip:
    """The next thing owed. `left`: working time until then; the time since when it is late."""

    kind: ClockKind
    due_at: datetime
    level: str  # calm soon late paused
    left: timedelta
    day: timedelta  # a working day, to tell working time in


@dataclass(frozen=True, slots=True)
class WindowChip:
    """What can still be sent before the follower writes again."""

    level: str  # open low soon critical closed gone
    left: timedelta
    closes_at: datetime | None
    messages_left: int
    granted: int  # what a message of the follower grants


def next_due(rows: Iterable[ClockRow], calendar: Calendar, now: datetime) -> DueChip | None:
    """The earliest due time of what is owed; a paused clock only where nothing runs. None: nothing is owed."""
    clocks = [clock_of(row) for row in rows]
    owed = [c for c in clocks if c.state in OWED] or [c for c in clocks if c.state is ClockState.PAUSED]
    if not owed:
        return None
    return due_chip(min(owed, key=due_at_of), calendar, now)


def due_at_of(clock: Clock) -> datetime:
    assert clock.due_at is not None  # noqa: S101 - a clock with a row has a due time
    return clock.due_at


def due_chip(clock: Clock, calendar: Calendar, now: datetime) -> DueChip:
    """The chip of a clock that is not met."""
    due_at = due_at_of(clock)
    counting = counting_of(clock.target, calendar) if clock.target else calendar
    day = counting.normal_day
    if clock.state is ClockState.PAUSED:
        return DueChip(clock.kind, due_at, "paused", timedelta(), day)
    if due_at <= now:
        return DueChip(clock.kind, due_at, "late", now - due_at, day)
    left = counting.working_time(now, due_at)
    whole = counting.working_time(clock.started_at or now, due_at)
    return DueChip(clock.kind, due_at, "soon" if left < whole * AT_RISK else "calm", left, day)


def window_chip(follower: Follower, now: datetime, *, waits: bool) -> WindowChip:
    """Time and messages left of the follower's reply window; it warns while the ticket waits for us."""
    left = window_left(follower, now)
    usable = max(0, follower.messages_left)
    granted = max(granted_by(follower.channel), usable)
    if not follower.following or follower.unreachable:
        return WindowChip("gone", timedelta(), follower.window_closes_at, 0, granted)
    if not left or not usable:
        return WindowChip("closed", left, follower.window_closes_at, usable, granted)
    reached = (name for name, time, messages in WINDOW_LEVELS if left <= time or usable <= messages)
    return WindowChip(next(reached, "open") if waits else "open", left, follower.window_closes_at, usable, granted)


def granted_by(channel: str) -> int:
    """How many messages a follower's message grants on this channel; 0 where its account is gone."""
    try:
        limits = channel_named(channel).limits
    except NotFound:
        return 0
    return limits.windows[Contact.MESSAGE][0] if Contact.MESSAGE in limits.windows else 0
