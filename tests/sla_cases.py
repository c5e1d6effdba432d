"""Random calendars and random lives of a clock, each with what the oracle says became of it.

A case is its number and the seed of the run, so any one can be told again. Neighbours share a calendar.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from tests.unit.sla.oracle import DAY, DAYS, FIRST, MINUTES, NATURAL, Almanac, Exceptional, Hours, Life, Target

LIVES = 25  # cases on one calendar
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# days around which calendars are made odd: holidays, make-up days, ends of years that are announced or not
AROUND = tuple(
    date.fromisoformat(day)
    for day in ("2025-12-29", "2026-02-12", "2026-04-30", "2026-09-28", "2026-12-29", "2027-02-03", "2027-12-30")
)
ODD_DAYS = 16  # how far the odd days reach
YEARS = (2025, 2026, 2027, 2028)


@dataclass
class Setting:
    """A calendar, and what an administrator makes of it later."""

    around: date
    before: Almanac
    after: Almanac


class Seen(NamedTuple):
    """A clock from outside, its instants as seconds by the wall clock."""

    state: str
    target: Target | None
    started: int
    due: int | None
    met: int | None
    provisional: bool
    pauses: tuple[tuple[int, int | None], ...]


class Deed(NamedTuple):
    """Something done to a clock, and the clock after it."""

    name: str
    at: int
    target: Target | None
    quarters: int
    seen: Seen


@dataclass
class Case:
    """A clock's life."""

    setting: Setting
    first: Seen
    deeds: list[Deed] = field(default_factory=list)
    life: Life = field(init=False)

    def __str__(self) -> str:
        lines = [f"calendar: {rows_text(self.setting.before)}"]
        if any(deed.name in ("change", "drift") for deed in self.deeds):
            lines.append(f"   later: {rows_text(self.setting.after)}")
        lines.append(f"   start {clock_text(self.first)}")
        return "\n".join([*lines, *(deed_text(deed) for deed in self.deeds)])


def setting_of(seed: int, family: int) -> Setting:
    """A calendar and its later form; the same for the same numbers."""
    chance = Random(f"{seed}/{family}")
    around = chance.choice(AROUND)
    week = week_of(chance, 0.75, 0.4)
    duty = chance.choice((None, None, [[(0, 1440)]] * 7, week_of(chance, 0.8, 0.6)))
    confirmed = frozenset(year for year in YEARS if chance.random() < 0.6)
    days = odd_days(chance, around, 0.35)
    later = {day: odd for day, odd in days.items() if chance.random() < 0.8} | odd_days(chance, around, 0.1)
    announced = confirmed | {year for year in YEARS if chance.random() < 0.4}
    return Setting(around, Almanac(week, days, confirmed, duty), Almanac(week, later, announced, duty))


def week_of(chance: Random, workday: float, weekend: float) -> list[Hours]:
    """Hours of seven days; somebody works on Wednesdays."""
    usual = hours_of(chance)
    chances = [workday] * 2 + [1.0] + [workday] * 2 + [weekend] * 2
    return [() if chance.random() > open_ else chance.choice((usual, usual, hours_of(chance))) for open_ in chances]


def hours_of(chance: Random) -> Hours:
    """One to three intervals, some of them joined, some until midnight."""
    if chance.random() < 0.3:
        return [(540, 720), (810, 1080)]
    grain = chance.choice((1, 5, 30))
    cuts = sorted(chance.sample(range(1440 // grain + 1), 2 * chance.choice((1, 1, 2, 2, 3))))
    pairs = [(cuts[at] * grain, cuts[at + 1] * grain) for at in range(0, len(cuts), 2)]
    if len(pairs) > 1 and chance.random() < 0.15:
        pairs[1] = (pairs[0][1], pairs[1][1])
    return [*pairs[:-1], (pairs[-1][0], 1440)] if chance.random() < 0.15 else pairs


def odd_days(chance: Random, around: date, share: float) -> dict[date, Exceptional]:
    """Holidays, half days and make-up days."""
    made = {}
    for offset in range(-3, ODD_DAYS):
        if chance.random() < share:
            holiday = chance.random() < 0.55
            short = chance.random() < (0.2 if holiday else 0.4)
            made[around + timedelta(days=offset)] = Exceptional(holiday, hours_of(chance) if short else None)
    return made


def case_of(seed: int, number: int, setting: Setting) -> Case:
    """A start and up to six deeds, told by the oracle."""
    chance = Random(f"{seed}:{number}")
    started = start_of(chance, setting)
    life = Life(setting.before, target_of(chance), started)
    case, now = Case(setting, seen(life)), started
    case.life = life
    for _ in range(chance.choice((0, 1, 2, 3, 4, 5, 6))):
        name = deed_for(chance, life)
        now = max(now, later(chance, life, now))
        target, quarters = chance.choice((None, life.target, target_of(chance))), chance.randint(1, 6)
        DEEDS[name](case, now, target, quarters)
        case.deeds.append(Deed(name, now, target, quarters, seen(life)))
    return case


def drift(case: Case, *_: object) -> None:
    """Another calendar, the clock left as it is."""
    case.life.almanac = case.setting.after


def change(case: Case, now: int, *_: object) -> None:
    """Another calendar, the clock computed anew but no promise shortened."""
    drift(case)
    case.life.recalculate(now)


Act = Callable[[Case, int, Target | None, int], None]
DEEDS: dict[str, Act] = {
    "pause": lambda case, now, target, quarters: case.life.pause(now),
    "resume": lambda case, now, target, quarters: case.life.resume(now),
    "breach": lambda case, now, target, quarters: case.life.breach(now),
    "meet": lambda case, now, target, quarters: case.life.meet(now),
    "meet in pause": lambda case, now, target, quarters: case.life.meet_in_pause(now),
    "run again": lambda case, now, target, quarters: case.life.run_again(now),
    "retarget": lambda case, now, target, quarters: case.life.retarget(now, target),
    "reopen": lambda case, now, target, quarters: case.life.reopen(now, target),
    "restart": lambda case, now, target, quarters: case.life.restart(now, target, quarters),
    "change": change,
    "drift": drift,
}
OFTEN = {  # what makes a difference to a clock that runs, stands or is met
    "running": (*["pause"] * 5, "breach", "meet", "retarget", "change", "drift"),
    "standing": (*["resume"] * 6, "breach", "meet", "meet in pause", "retarget", "change", "drift"),
    "met": ("run again", "run again", "run again", "reopen", "reopen", "restart", "resume", "retarget", "change"),
}


def deed_for(chance: Random, life: Life) -> str:
    if chance.random() < 0.15:
        return chance.choice(tuple(DEEDS))
    kind = "met" if life.met is not None else "running" if life.open_pause is None else "standing"
    return chance.choice(OFTEN[kind])


def start_of(chance: Random, setting: Setting) -> int:
    """An instant of the odd days: often at opening or closing time, sometimes off the minute."""
    day = (setting.around.toordinal() - FIRST) + chance.randint(-3, 6)
    if chance.random() < 0.3:
        edges = [0, *(edge for opens_ends in setting.before.week[2] for edge in opens_ends)]
        return day * DAY + chance.choice(edges) * 60 + chance.choice((-60, -1, 0, 0, 0, 1, 60))
    return day * DAY + chance.randrange(1440) * 60 + (chance.randrange(60) if chance.random() < 0.15 else 0)


def target_of(chance: Random) -> Target | None:
    if chance.random() < 0.03:
        return None
    unit = chance.choice((MINUTES, MINUTES, DAYS, NATURAL))
    return Target(chance.randint(1, 4) if unit == DAYS else chance.choice((1, 10, 30, 60, 120, 240, 500)), unit)


def later(chance: Random, life: Life, now: int) -> int:
    """When the next deed is done: at times on the very instant at which something ends."""
    edges = [at for at in (life.due, life.open_pause, now) if at is not None]
    if life.due is not None and life.due > now and chance.random() < 0.4:
        return now + (life.due - now) * chance.randint(1, 8) // 10 // 60 * 60
    if chance.random() < 0.4:
        return chance.choice(edges) + chance.choice((-60, -1, 0, 0, 0, 1, 60))
    if chance.random() < 0.2:
        return (now // DAY + chance.randint(0, 2)) * DAY + chance.choice((0, 540, 720, 810, 1080)) * 60
    return now + chance.choice((5, 60, 300, 1440)) * chance.randint(1, 60 if chance.random() < 0.8 else 3600)


def seen(life: Life) -> Seen:
    return Seen(life.state, life.target, life.started, life.due, life.met, life.provisional, tuple(life.pauses))


def cases(seed: int, count: int, first: int = 0) -> Iterator[tuple[int, Case]]:
    """Cases with their numbers."""
    setting = None
    for number in range(first, first + count):
        if setting is None or number % LIVES == 0:
            setting = setting_of(seed, number // LIVES)
        yield number, case_of(seed, number, setting)


def rows_of(almanac: Almanac) -> list[dict[str, object]]:
    """The almanac as administrators' rows."""
    rows: list[dict[str, object]] = [{"key": "hours", **week_row(almanac.week)}]
    if almanac.duty is not None:
        rows.append({"key": "duty", **week_row(almanac.duty)})
    rows += [{"key": str(year), "confirmed": year in almanac.confirmed} for year in YEARS]
    for day, odd in sorted(almanac.days.items()):
        kind = "holiday" if odd.is_holiday else "makeup_workday"
        row: dict[str, object] = {"key": day.isoformat(), "name": f"节{day.day}", "kind": kind}
        rows.append(row if odd.hours is None else row | {"hours": hours_row(odd.hours)})
    return rows


def week_row(week: list[Hours] | tuple[Hours, ...]) -> dict[str, object]:
    return {name: hours_row(hours) for name, hours in zip(WEEKDAYS, week, strict=True)}


def hours_row(hours: Hours) -> list[list[str]]:
    return [[f"{at // 60:02}:{at % 60:02}" for at in pair] for pair in hours]


def rows_text(almanac: Almanac) -> str:
    return json.dumps(rows_of(almanac), ensure_ascii=False)


def at_text(at: int | None) -> str:
    if at is None:
        return "-"
    day, second = divmod(at, DAY)
    return f"{date.fromordinal(FIRST + day)} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def clock_text(clock: Seen) -> str:
    target = "no target" if clock.target is None else f"{clock.target.amount} {clock.target.unit}"
    return f"{at_text(clock.started)}, {target}: due {at_text(clock.due)}"


def deed_text(deed: Deed) -> str:
    aim = f" to {deed.target}" if deed.name in ("retarget", "reopen", "restart") else ""
    share = f" {deed.quarters}/4" if deed.name == "restart" else ""
    now = deed.seen
    return f"   {at_text(deed.at)} {deed.name}{share}{aim}: {now.state}, due {at_text(now.due)}"
