"""The clocks of a ticket as values: start, meet, pause, breach, retarget. Pure: no clock on the wall, no database.

A clock that has a target was due at `due(target, started_at)`, moved on by the counted time of each pause that
began before it was due. Every function keeps that, so a due time can always be derived again and explained. The
exceptions are `recalculated` and `lengthened`: where the calendar or the targets changed so that a clock would be due
earlier, it stays due when it was.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from service.sla.calendar import Calendar
from service.sla.policy import ClockKind, Target, Unit

__all__ = ["Clock", "ClockKind", "ClockState", "Pause", "Target", "Unit"]

MINUTE = timedelta(minutes=1)


class ClockState(StrEnum):
    """What a clock shows; MET also when late, BREACHED: due and not met."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Pause:
    """A time that does not count; the one that lasts has no end."""

    start: datetime
    end: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of one ticket; a clock without target (NONE) keeps its start for a later `retarget`."""

    kind: ClockKind
    state: ClockState
    target: Target | None
    started_at: datetime | None
    due_at: datetime | None
    met_at: datetime | None
    pauses: tuple[Pause, ...] = ()
    provisional: bool = False


def due(target: Target, start: datetime, calendar: Calendar) -> tuple[datetime, bool]:
    """When a target that starts at `start` is due, and whether that touches a year with unannounced holidays."""
    counting = counting_of(target, calendar)
    if target.unit is Unit.WORKING_DAYS:
        due_at = counting.end_of_working_day(start, target.amount)
    else:
        due_at = counting.add(start, target.amount * MINUTE)
    return due_at, counting.is_provisional(start, due_at)


def counting_of(target: Target, calendar: Calendar) -> Calendar:
    """The calendar on which a target's time is counted: natural minutes run in duty hours."""
    return calendar.natural if target.unit is Unit.NATURAL_MINUTES else calendar


def start(kind: ClockKind, target: Target | None, at: datetime, calendar: Calendar) -> Clock:
    """A clock that runs from `at`; NONE without a target."""
    if target is None:
        return Clock(kind, ClockState.NONE, None, at, None, None)
    due_at, provisional = due(target, at, calendar)
    return Clock(kind, ClockState.RUNNING, target, at, due_at, None, (), provisional)


def meet(clock: Clock, at: datetime, calendar: Calendar | None = None) -> Clock:
    """The clock met at `at`, late or not; unchanged if already met or NONE.

    With a calendar, a pause that lasts ends at `at` and moves the due time, so that it compares fairly with `met_at`.
    """
    if clock.state in (ClockState.MET, ClockState.NONE):
        return clock
    if calendar is not None:
        clock = resume(clock, at, calendar)
    return replace(clock, state=ClockState.MET, met_at=at)


def run_again(clock: Clock, now: datetime, calendar: Calendar) -> Clock:
    """A met clock whose reply failed after all, running or breached by its due time; others unchanged."""
    if clock.met_at is None:
        return clock
    running = resume(replace(clock, met_at=None), clock.met_at, calendar)
    return replace(running, state=state_of(running, now))


def pause(clock: Clock, at: datetime, reason: str) -> Clock:
    """The clock paused; a breached one stays breached and notes the pause. Unchanged if paused, met or NONE."""
    if clock.state not in (ClockState.RUNNING, ClockState.BREACHED) or open_pause(clock):
        return clock
    noted = replace(clock, pauses=(*clock.pauses, Pause(at, None, reason)))
    return replace(noted, state=state_of(noted, at))


def resume(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """The clock running again, due later by the counted time of the pause; unchanged if it has no pause that lasts.

    A pause that began after the clock was due moves nothing: the clock stays breached.
    """
    last = open_pause(clock)
    if last is None:
        return clock
    ended = replace(last, end=max(at, last.start))
    resumed = replace(clock, pauses=(*clock.pauses[:-1], ended))
    if clock.target is None or clock.due_at is None or clock.started_at is None:
        return resumed
    counting = counting_of(clock.target, calendar)
    due_at = moved_on(clock.due_at, ended, counting)
    provisional = counting.is_provisional(clock.started_at, due_at)
    state = ClockState.RUNNING if clock.state is ClockState.PAUSED else clock.state
    return replace(resumed, state=state, due_at=due_at, provisional=provisional)


def breach(clock: Clock, now: datetime) -> Clock:
    """A running clock whose due time has passed, breached; due exactly now is not late. Others unchanged."""
    if clock.state is not ClockState.RUNNING:
        return clock
    return replace(clock, state=state_of(clock, now))


def retarget(clock: Clock, target: Target | None, calendar: Calendar, now: datetime) -> Clock:
    """The clock with another target from the same start with the same pauses; met stays met.

    A met clock keeps its target where the new one is None. Any other may become breached, run again after a breach,
    or NONE. With its own target: the due time computed anew, as after a change of the calendar.
    """
    if target is None and clock.met_at is not None:
        return clock
    if target is None or clock.started_at is None:
        bare = replace(clock, target=None, due_at=None, provisional=False)
        return replace(bare, state=state_of(bare, now))
    due_at, provisional = derived_due(target, clock.started_at, clock.pauses, calendar)
    changed = replace(clock, target=target, due_at=due_at, provisional=provisional)
    return replace(changed, state=state_of(changed, now))


def extended_by(clock: Clock, days: int, calendar: Calendar, now: datetime) -> Clock:
    """The clock with so many working days more than its target says; never due earlier than it was.

    Met clocks and those without target stay as they are.
    """
    if clock.met_at is not None or clock.target is None or clock.due_at is None:
        return clock
    longer = retarget(clock, extended(clock.target, days, calendar), calendar, now)
    if longer.due_at is None or longer.due_at >= clock.due_at:
        return longer
    kept = replace(longer, due_at=clock.due_at, provisional=clock.provisional)
    return replace(kept, state=state_of(kept, now))


def recalculated(clock: Clock, calendar: Calendar, now: datetime) -> Clock:
    """The clock on a calendar that has changed since; never due earlier than it was: a promise is not shortened.

    Met clocks and those without target are history and stay as they are.
    """
    if clock.met_at is not None or clock.target is None or clock.started_at is None or clock.due_at is None:
        return clock
    derived, _ = derived_due(clock.target, clock.started_at, clock.pauses, calendar)
    due_at = max(derived, clock.due_at)
    provisional = counting_of(clock.target, calendar).is_provisional(clock.started_at, due_at)
    if (due_at, provisional) == (clock.due_at, clock.provisional):
        return clock
    changed = replace(clock, due_at=due_at, provisional=provisional)
    return replace(changed, state=state_of(changed, now))


def lengthened(clock: Clock, target: Target, calendar: Calendar, now: datetime) -> Clock:
    """The clock with another target, never due earlier than it was: a promise is not shortened. Met stays as it was."""
    if clock.met_at is not None or clock.started_at is None or clock.due_at is None:
        return clock
    changed = retarget(clock, target, calendar, now)
    if changed.due_at is None or changed.due_at >= clock.due_at:
        return changed
    provisional = counting_of(target, calendar).is_provisional(clock.started_at, clock.due_at)
    kept = replace(changed, due_at=clock.due_at, provisional=provisional)
    return replace(kept, state=state_of(kept, now))


def reopen(clock: Clock, at: datetime, calendar: Calendar, *, at_least: float = 0.5, of: Target | None = None) -> Clock:
    """A met clock running from `at` on what was left when it was met, at least a share of its target.

    `of` is the policy's target, of which the share is taken where the clock already runs on less (reopened before).
    """
    if clock.met_at is None or clock.target is None or clock.due_at is None:
        return clock
    left = counting_of(clock.target, calendar).working_time(clock.met_at, clock.due_at)
    floor = at_least * length_of(of or clock.target, calendar)
    return start(clock.kind, minutes_target(max(left, floor), clock.target.unit), at, calendar)


def restart(clock: Clock, share: float, at: datetime, calendar: Calendar, *, of: Target | None = None) -> Clock:
    """The clock running from `at` on a share of its target, or of the policy's target `of`; NONE is unchanged."""
    target = of or clock.target
    if clock.target is None or target is None:
        return clock
    return start(clock.kind, minutes_target(share * length_of(target, calendar), target.unit), at, calendar)


def length_of(target: Target, calendar: Calendar) -> timedelta:
    """A target as counted time; a day is the calendar's normal day."""
    return target.amount * (calendar.normal_day if target.unit is Unit.WORKING_DAYS else MINUTE)


def extended(target: Target, days: int, calendar: Calendar) -> Target:
    """A target with so many working days more; one in minutes gets the minutes of as many normal days."""
    if target.unit is Unit.WORKING_DAYS:
        return replace(target, amount=target.amount + days)
    return minutes_target(length_of(target, calendar) + days * calendar.normal_day, target.unit)


def minutes_target(length: timedelta, unit: Unit) -> Target:
    """A target of counted time in minutes, rounded up; working days become working minutes."""
    minutes_unit = Unit.NATURAL_MINUTES if unit is Unit.NATURAL_MINUTES else Unit.WORKING_MINUTES
    return Target(max(1, ceil(length / MINUTE)), minutes_unit)


def derived_due(
    target: Target, started_at: datetime, pauses: tuple[Pause, ...], calendar: Calendar
) -> tuple[datetime, bool]:
    """When a target is due after pauses, and whether provisionally; a pause that lasts moves nothing yet."""
    counting = counting_of(target, calendar)
    due_at, _ = due(target, started_at, calendar)
    for taken in pauses:
        due_at = moved_on(due_at, taken, counting)
    return due_at, counting.is_provisional(started_at, due_at)


def moved_on(due_at: datetime, taken: Pause, counting: Calendar) -> datetime:
    """The due time after a pause; one that lasts, or that began after the due time, moves nothing."""
    if taken.end is None or due_at < taken.start:
        return due_at
    return counting.add(due_at, counting.working_time(taken.start, taken.end))


def open_pause(clock: Clock) -> Pause | None:
    """The pause that lasts, None if there is none."""
    return clock.pauses[-1] if clock.pauses and clock.pauses[-1].end is None else None


def state_of(clock: Clock, now: datetime) -> ClockState:
    """The state that follows from the other fields; while a pause lasts, time stands still at its start."""
    if clock.met_at is not None:
        return ClockState.MET
    if clock.due_at is None:
        return ClockState.NONE
    paused = open_pause(clock)
    if clock.due_at < (paused.start if paused else now):
        return ClockState.BREACHED
    return ClockState.PAUSED if paused else ClockState.RUNNING
