"""Compares service/sla with a count of minutes: python -m tests.sla_oracle [--count 200000] [--seed 1] [--only 4711]

Random calendars, starts, targets, pauses and edits (tests/sla_cases.py), each life told by tests/unit/sla/oracle.py.
After every deed the clock has to be what the oracle says, and the rungs of its ladder and the steps of its explanation
have to be the minutes that the oracle counts. Exit status 1 at the first difference, which is printed with its seed and
its number.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from service.sla import clocks
from service.sla.calendar import Calendar, calendar_from
from service.sla.clocks import Clock, ClockKind
from service.sla.explain import Step, explain
from service.sla.ladder import Ladder, Rung
from service.sla.policy import Target, Unit
from service.sla.words import STEPS
from tests.sla_cases import Case, Deed, Seen, Setting, cases, rows_of
from tests.unit.sla import oracle
from tests.unit.sla.oracle import DAY, DAYS, HOUR_FROM_UTC

EPOCH = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(hours=HOUR_FROM_UTC)
MINUTE = timedelta(minutes=1)
ZONES = [timezone(timedelta(hours=hours)) for hours in (0, 0, 8, 14, -11)]  # some are in the next year already
SHARES = (50, 75, 90, 100)
LATE = (oracle.Target(60, oracle.MINUTES), oracle.Target(1, DAYS))
Act = Callable[[Clock, datetime, Calendar, Deed], Clock]

ACTS: dict[str, Act] = {
    "pause": lambda clock, now, calendar, deed: clocks.pause(clock, now, "suspended"),
    "resume": lambda clock, now, calendar, deed: clocks.resume(clock, now, calendar),
    "breach": lambda clock, now, calendar, deed: clocks.breach(clock, now),
    "meet": lambda clock, now, calendar, deed: clocks.meet(clock, now, calendar),
    "meet in pause": lambda clock, now, calendar, deed: clocks.meet(clock, now),
    "run again": lambda clock, now, calendar, deed: clocks.run_again(clock, now, calendar),
    "retarget": lambda clock, now, calendar, deed: clocks.retarget(clock, target(deed.target), calendar, now),
    "reopen": lambda clock, now, calendar, deed: clocks.reopen(clock, now, calendar, of=target(deed.target)),
    "restart": lambda clock, now, calendar, deed: clocks.restart(
        clock, deed.quarters / 4, now, calendar, of=target(deed.target)
    ),
    "change": lambda clock, now, calendar, deed: clocks.recalculated(clock, calendar, now),
    "drift": lambda clock, now, calendar, deed: clock,
}


class Difference(AssertionError):
    """What service/sla says and the oracle does not."""


def instant(at: int) -> datetime:
    """The same instant is named in one zone or another, as it may come from anywhere."""
    return (EPOCH + timedelta(seconds=at)).astimezone(ZONES[at // 60 % len(ZONES)])


def seconds(at: datetime) -> int:
    """Raises ValueError where it is none that the oracle could mean."""
    whole, rest = divmod(at - EPOCH, timedelta(seconds=1))
    if rest:
        raise ValueError(f"{at} is no whole second")
    return whole


def target(of: oracle.Target | None) -> Target | None:
    return None if of is None else Target(of.amount, Unit(of.unit))


def seen(clock: Clock) -> Seen:
    """A clock of the service as the oracle tells its own."""
    assert clock.started_at is not None
    return Seen(
        state=clock.state.value,
        target=clock.target and oracle.Target(clock.target.amount, clock.target.unit.value),
        started=seconds(clock.started_at),
        due=clock.due_at and seconds(clock.due_at),
        met=clock.met_at and seconds(clock.met_at),
        provisional=clock.provisional,
        pauses=tuple((seconds(taken.start), taken.end and seconds(taken.end)) for taken in clock.pauses),
    )


def same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Difference(f"{what}: {found}\n   oracle: {expected}")


def compare(case: Case, before: Calendar, after: Calendar) -> None:
    """Raise Difference where the service and the oracle part."""
    calendar = before
    first = case.first
    clock = clocks.start(ClockKind.RESOLVE, target(first.target), instant(first.started), calendar)
    same("start", seen(clock), first)
    for deed in case.deeds:
        calendar = after if deed.name in ("change", "drift") else calendar
        clock = ACTS[deed.name](clock, instant(deed.at), calendar, deed)
        same(deed.name, seen(clock), deed.seen)
    compare_hours(case, calendar)
    compare_rungs(case, clock, calendar)
    compare_steps(case, clock, calendar)


def compare_hours(case: Case, calendar: Calendar) -> None:
    """What the calendar says of the case's instants."""
    books = ((case.life.almanac.working, calendar), (case.life.almanac.natural, calendar.natural))
    book, hours = books[case.first.started % 2]
    start, end = case.first.started, case.deeds[-1].at if case.deeds else case.first.started + DAY
    for at in (start, end):
        same(f"open at {at}", hours.is_open(instant(at)), book.is_open(at))
        same(f"opening after {at}", seconds(hours.next_opening(instant(at))), book.opening(at))
    worked = book.count(start, end)
    same("worked", hours.working_time(instant(start), instant(end)), timedelta(seconds=worked))
    end = min(end, start + 9 * DAY)
    pieces = hours.pieces(instant(start), instant(end))
    same("minutes of all pieces", sum(piece.minutes for piece in pieces), book.count(start, end) // 60)
    same("ends of pieces", [p.end for p in pieces], [*(p.start for p in pieces[1:]), instant(end)][: len(pieces)])
    for piece in pieces:
        begins, ends = seconds(piece.start), seconds(piece.end)
        same(f"piece {piece}", book.count(begins, ends), ends - begins if piece.is_open else 0)


def compare_rungs(case: Case, clock: Clock, calendar: Calendar) -> None:
    """A clock that runs reaches each share of its time, and each lateness, when the minutes say so."""
    life = case.life
    runs = life.state in ("running", "breached") and life.open_pause is None
    for share in SHARES:
        same(f"{share} %", reached(clock, calendar, share=share), life.used(share) if runs else None)
    for late in LATE:
        same(f"late by {late}", reached(clock, calendar, late=target(late)), life.late_by(late) if runs else None)


def reached(clock: Clock, calendar: Calendar, *, share: int | None = None, late: Target | None = None) -> int | None:
    """When the clock reaches a rung."""
    rung = Rung("one", {}, frozenset({clock.kind}), share, late, None, ("handler",), ("in_app",))
    found = Ladder((rung,)).next(clock, (), calendar)
    return found and seconds(found.at)


def compare_steps(case: Case, clock: Clock, calendar: Calendar) -> None:
    """The explanation leads from start to due time, and each step counts the minutes that lie in it."""
    steps, life = explain(clock, calendar), case.life
    if life.target is None or life.due is None:
        return same("steps", steps, [])
    same("begins of steps", [s.start for s in steps], [clock.started_at, *(step.end for step in steps[:-1])])
    same("end of the last step", seconds(steps[-1].end), life.due)
    derived = life.due_from_the_beginning(life.target)
    if derived < life.due:
        same("a promise kept", (seconds(steps[-1].start), steps[-1].minutes), (derived, 0))
        steps = steps[:-1]
    told = any(step.why == STEPS["zh"]["calendar_changed"] for step in steps)
    same("told that the calendar has changed", told, derived > life.due)
    if not told:
        same("minutes of the steps", [step.minutes for step in steps], list(minutes_of(steps, life)))
        same("minutes of all steps", sum(step.minutes for step in steps), life.minutes_owed())
    compare_telling([*steps], life, min(derived, life.due))
    return None


def compare_telling(steps: list[Step], life: oracle.Life, ends: int) -> None:
    """Every pause begun in time is told, nothing else without length, and no step counts minutes of two days."""
    begun = [(start, end) for start, end in life.pauses if start <= ends]
    expected = [start for start, end in begun if end is None or start < min(end, ends)]
    same("pauses told", [seconds(step.start) for step in steps if step.why.startswith("暂停")], expected)
    standing = STEPS["zh"]["open_pause"].partition("{")[0], STEPS["zh"]["calendar_changed"]
    same("no length", [s for s in steps if s.start == s.end and not s.why.startswith(standing)], [])
    if life.target is not None and life.target.unit == DAYS:
        long = [s for s in steps if s.minutes and seconds(s.start) // DAY != (seconds(s.end) - 1) // DAY]
        same("steps of two days", long, [])


def minutes_of(steps: list[Step], life: oracle.Life) -> Iterator[int]:
    """Whole minutes that have passed at the end of each step since the one before, until the target is full."""
    assert life.target is not None
    book, owed, passed = life.almanac.book(life.target.unit), life.minutes_owed() * 60, 0
    counts_from = (life.started // DAY + 1) * DAY if life.target.unit == DAYS else life.started
    for step in steps:
        begins, ends = seconds(step.start), seconds(step.end)
        before = (min(passed, owed) + 30) // 60
        if not any(start <= begins and end is not None and ends <= end for start, end in life.pauses):
            passed += book.count(max(begins, counts_from), ends)
        yield (min(passed, owed) + 30) // 60 - before


@dataclass
class Ran:
    """How many cases were alike."""

    cases: int = 0
    deeds: int = 0
    seconds: float = 0.0


def run(seed: int, count: int, first: int = 0) -> Ran:
    """Compare so many cases. Raises Difference with the seed, the number and the case."""
    ran, began = Ran(), time.process_time()
    setting: Setting | None = None
    for number, case in cases(seed, count, first):
        if case.setting is not setting:
            setting = case.setting
            before, after = (calendar_from(rows_of(almanac)) for almanac in (setting.before, setting.after))
        try:
            compare(case, before, after)
        except (Difference, ValueError) as error:
            raise Difference(f"seed {seed}, case {number}: {error}\n{case}") from error
        ran.cases, ran.deeds = ran.cases + 1, ran.deeds + len(case.deeds)
    ran.seconds = time.process_time() - began
    return ran


def main(arguments: list[str]) -> int:
    """Compare, and say how that went; 0 if all was alike."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200_000, help="random cases (200000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same cases (1)")
    parser.add_argument("--only", type=int, help="compare and show only this case")
    options = parser.parse_args(arguments)
    try:
        if options.only is not None:
            print(*(case for _, case in cases(options.seed, 1, options.only)), sep="\n")  # noqa: T201
            options.count = 1
        ran = run(options.seed, options.count, options.only or 0)
    except Difference as difference:
        print(difference)  # noqa: T201
        return 1
    print(f"{ran.cases} cases, {ran.deeds} deeds, no difference, {ran.seconds:.1f} s of processor time")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
