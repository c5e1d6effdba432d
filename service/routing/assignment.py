"""Which person takes a ticket, and why: by load or in turn, by skill, the follower's last handler first. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EVERYBODY = "default"  # key of the row that holds where a department has none of its own
LONG_AGO = datetime.min.replace(tzinfo=UTC)
TICK = timedelta(microseconds=1)  # between two choices of a batch, so that turns keep their order
NAMES_SHOWN = 8
MOST_IN_HAND, MOST_MINUTES = 500, 1440


class Mode(StrEnum):
    OFF = "off"  # people claim for themselves
    LOAD = "load"  # whoever has the fewest open tickets
    ROUND_ROBIN = "round_robin"  # whoever has waited longest for one


class Absence(StrEnum):
    AWAY = "away"  # has said so
    OFF_DUTY = "off_duty"  # no shift, or the department is closed


@dataclass(frozen=True, slots=True)
class AssignmentRules:
    """How a department's tickets find their people."""

    mode: Mode = Mode.OFF
    prefer_last_handler: bool = True
    limit: int = 20  # open tickets in the hand of a person who has no limit of their own
    return_minutes: int = 15  # working minutes that a chosen person has to accept; 0: for ever

    def __post_init__(self) -> None:
        """Refuse numbers with which nothing would ever be assigned, or all of it to one person."""
        if not 1 <= self.limit <= MOST_IN_HAND:
            raise ValueError(f"'limit' lies between 1 and {MOST_IN_HAND}, not {self.limit}")
        if not 0 <= self.return_minutes <= MOST_MINUTES:
            raise ValueError(f"'return_minutes' lies between 0 and {MOST_MINUTES}, not {self.return_minutes}")

    @property
    def is_on(self) -> bool:
        return self.mode is not Mode.OFF


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who works on a department's tickets. No `skills`: takes all; else only what one of them names."""

    username: str
    name: str
    open_tickets: int = 0
    limit: int | None = None
    skills: tuple[str, ...] = ()
    absence: Absence | None = None
    last_assigned_at: datetime | None = None
    takes_plain: bool = True
    takes_restricted: bool = False

    @property
    def has_room(self) -> bool:
        return self.limit is None or self.open_tickets < self.limit

    @property
    def is_free(self) -> bool:
        """On duty and below the limit."""
        return self.absence is None and self.has_room


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ticket that looks for somebody. `matters`: code -> name of what it is about; `text`: in which words."""

    matters: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    restricted: bool = False
    last_handler: str | None = None  # username of who last handled this follower
    recused: frozenset[str] = frozenset()
    passed_over: str | None = None  # username of who has just let it go back


@dataclass(frozen=True, slots=True)
class Choice:
    """Who takes it, None: nobody can. `because`: a sentence for people."""

    username: str | None
    because: str


@dataclass(frozen=True, slots=True)
class _Hindrance:
    says: str
    holds: Callable[[Candidate, Wanted], bool]


def skill_for(candidate: Candidate, wanted: Wanted) -> str | None:
    """Name of the first skill of the candidate that fits the ticket."""
    text = wanted.text.casefold()
    names = {known.casefold(): name for code, name in wanted.matters.items() for known in (code, name)}
    for skill in candidate.skills:
        if skill.casefold() in names:
            return names[skill.casefold()]
        if skill.casefold() in text:
            return skill
    return None


HINDRANCES = (  # of several the first is named
    _Hindrance("回避", lambda c, w: c.username in w.recused),
    _Hindrance("暂离", lambda c, _: c.absence is Absence.AWAY),
    _Hindrance("不在班", lambda c, _: c.absence is Absence.OFF_DUTY),
    _Hindrance("刚从其手中退回", lambda c, w: c.username == w.passed_over),
    _Hindrance("不办理受限工单", lambda c, w: w.restricted and not c.takes_restricted),
    _Hindrance("只办理受限工单", lambda c, w: not w.restricted and not c.takes_plain),
    _Hindrance("技能不符", lambda c, w: bool(c.skills) and skill_for(c, w) is None),
    _Hindrance("已满", lambda c, _: not c.has_room),
)


def choose(candidates: Sequence[Candidate], wanted: Wanted, rules: AssignmentRules) -> Choice:
    """The person for one ticket: the follower's last handler, else one with the skill, else any, by the mode."""
    left_out = {c.username: hindrance(c, wanted) for c in candidates}
    able = [c for c in candidates if left_out[c.username] is None]
    if not able:
        return Choice(None, _why_nobody(candidates, left_out))
    there = sum(c.absence is None for c in candidates)
    said = [f"在岗 {there} 人"]
    if len(able) < there:
        said.append(f"可接单 {len(able)} 人")
    last = next((c for c in able if c.username == wanted.last_handler), None)
    skilled = [c for c in able if skill_for(c, wanted)]
    if skilled:
        said.append(f"有技能『{skill_for(skilled[0], wanted)}』{len(skilled)} 人")
    if last is not None and rules.prefer_last_handler:
        return Choice(last.username, "；".join([*said, f"最近处理过此关注者：{last.name}"]))
    chosen, why = _by_mode(skilled or able, rules.mode)
    return Choice(chosen.username, "；".join([*said, why]))


def hindrance(candidate: Candidate, wanted: Wanted) -> str | None:
    """Why this person cannot take this ticket; None where they can."""
    return next((each.says for each in HINDRANCES if each.holds(candidate, wanted)), None)


def _by_mode(able: Sequence[Candidate], mode: Mode) -> tuple[Candidate, str]:
    if mode is Mode.ROUND_ROBIN:
        next_one = min(able, key=lambda c: (c.last_assigned_at or LONG_AGO, c.username))
        return next_one, f"轮到：{next_one.name}"
    least = min(able, key=lambda c: (c.open_tickets, c.last_assigned_at or LONG_AGO, c.username))
    return least, f"在手最少（{least.open_tickets} 件）：{least.name}"


def _why_nobody(candidates: Sequence[Candidate], left_out: Mapping[str, str | None]) -> str:
    """Why each was left out, those with the same reason together."""
    if not candidates:
        return "部门里没有办理工单的人"
    said = []
    for each in HINDRANCES:
        names = [_named(c, each.says) for c in candidates if left_out[c.username] == each.says]
        if names:
            more = f" 等 {len(names)} 人" if len(names) > NAMES_SHOWN else ""
            said.append(f"{each.says}：{'、'.join(names[:NAMES_SHOWN])}{more}")
    return "暂时无人可派。" + "；".join(said)


def _named(candidate: Candidate, reason: str) -> str:
    full = reason == "已满"
    return f"{candidate.name}（{candidate.open_tickets}/{candidate.limit}）" if full else candidate.name


def distribute(
    candidates: Sequence[Candidate], tickets: Iterable[Wanted], rules: AssignmentRules, *, now: datetime
) -> Iterator[Choice]:
    """A choice for each ticket in turn, as if each had come after the one before it had found its person."""
    people = {c.username: c for c in candidates}
    for number, wanted in enumerate(tickets):
        choice = choose(list(people.values()), wanted, rules)
        if choice.username is not None:
            chosen = people[choice.username]
            people[choice.username] = replace(
                chosen, open_tickets=chosen.open_tickets + 1, last_assigned_at=now + number * TICK
            )
        yield choice


def assignment_from(rows: Iterable[Mapping[str, object]]) -> dict[str, AssignmentRules]:
    """Department code -> its rules, of two with one key the later; EVERYBODY's hold for the others.

    Raises ValueError that names what is wrong.
    """
    found = {str(row["key"]): _rules_from(row) for row in rows}
    if EVERYBODY not in found:
        raise ValueError(f"assignment needs a row {EVERYBODY!r}")
    return found


def _rules_from(row: Mapping[str, object]) -> AssignmentRules:
    mode, prefer = row.get("mode"), row.get("prefer_last_handler")
    if mode not in list(Mode):
        raise ValueError(f"'mode' is one of {', '.join(Mode)} in {dict(row)}")
    if not isinstance(prefer, bool):
        raise ValueError(f"'prefer_last_handler' must be true or false in {dict(row)}")
    return AssignmentRules(Mode(str(mode)), prefer, _whole(row, "limit"), _whole(row, "return_minutes"))


def _whole(row: Mapping[str, object], name: str) -> int:
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name!r} must be a whole number in {dict(row)}")
    return value


def row_of(key: str, rules: AssignmentRules) -> dict[str, object]:
    """The row of which `assignment_from` makes these rules."""
    return {
        "key": key,
        "mode": rules.mode.value,
        "prefer_last_handler": rules.prefer_last_handler,
        "limit": rules.limit,
        "return_minutes": rules.return_minutes,
    }
