"""What another table of targets would have made of clocks that have run: the breaches of each. Pure: no database.

A clock keeps its start, its pauses and when it was met; only its target is another. So it says nothing about how people
would have worked under it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.sla.calendar import Calendar
from service.sla.clocks import Clock, Pause, derived_due, extended, open_pause
from service.sla.policy import UNCLASSIFIED, ClockKind, Policy, PolicyTable, Target

TRIED = (ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.NEXT_REPLY, ClockKind.RESOLVE, ClockKind.FOLLOW_UP)
FROM_ARRIVAL = (ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.RESOLVE)


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket of the period as far as its clocks need it."""

    number: str
    category: str | None
    priority: str
    tags: Collection[str]
    received_at: datetime
    calendar: Calendar
    clocks: Sequence[Clock]
    # when each clock that the ticket never had was met all the same; None: it is still owed
    unclocked: Mapping[ClockKind, datetime | None]
    extended_days: int = 0

    @property
    def group(self) -> tuple[str, str]:
        """Category and priority under which it counts: unclassified is an ordinary inquiry."""
        return (self.category, self.priority) if self.category else UNCLASSIFIED


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one clock was late: as it was, under the present table, under the draft. None: no such clock."""

    kind: ClockKind
    was: bool | None
    present: bool | None
    draft: bool | None
    due_at: datetime | None  # under the draft
    ended_at: datetime  # when it was met, else now, or when it was paused
    is_open: bool  # it is not met yet
    fixed: bool = False  # begun again after a reopening: taken as it was


@dataclass(slots=True)
class Tally:
    """Clocks of one category, priority and kind, and how many of them were late."""

    clocks: int = 0
    was: int = 0
    present: int = 0
    draft: int = 0
    fixed: int = 0

    @property
    def difference(self) -> int:
        return self.draft - self.present

    def add(self, verdict: Verdict) -> None:
        self.clocks += 1
        self.was += bool(verdict.was)
        self.present += bool(verdict.present)
        self.draft += bool(verdict.draft)
        self.fixed += verdict.fixed

    def __iadd__(self, other: "Tally") -> "Tally":
        for name in ("clocks", "was", "present", "draft", "fixed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(frozen=True, slots=True)
class Example:
    """A clock that keeps its time now and would not under the draft."""

    case: Case
    verdict: Verdict


@dataclass(slots=True)
class Outcome:
    """What a trial found; cases are added one by one."""

    most_examples: int
    tickets: int = 0
    tallies: dict[tuple[str, str, ClockKind], Tally] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)  # tickets that are newly late ("worse") or no longer so

    def add(self, case: Case, verdicts: Iterable[Verdict]) -> None:
        """Count a ticket's clocks; of those that get worse the first are kept as examples."""
        self.tickets += 1
        found = list(verdicts)
        for verdict in found:
            self.tallies.setdefault((*case.group, verdict.kind), Tally()).add(verdict)
        worse = [v for v in found if v.draft and not v.present]
        self.changed["worse"] += bool(worse)
        self.changed["better"] += any(v.present and not v.draft for v in found)
        if worse and len(self.examples) < self.most_examples:
            self.examples.append(Example(case, worse[0]))

    def total(self, kind: ClockKind | None = None, group: tuple[str, str] | None = None) -> Tally:
        """All of a kind, of a category and priority, or all there is."""
        whole = Tally()
        for (category, priority, of), tally in self.tallies.items():
            if kind in (None, of) and group in (None, (category, priority)):
                whole += tally
        return whole


def verdicts_on(case: Case, present: PolicyTable, draft: PolicyTable, now: datetime) -> list[Verdict]:
    """Each clock of a ticket under both tables."""
    policies = [table.policy_for(case.category, case.priority, case.tags) for table in (present, draft)]
    found = [verdict_on(case, clock, policies, now) for clock in case.clocks if clock.kind in TRIED]
    found += [late_start(case, kind, met_at, policies, now) for kind, met_at in case.unclocked.items()]
    return [v for v in found if (v.was, v.present, v.draft) != (None, None, None)]


def verdict_on(case: Case, clock: Clock, policies: Sequence[Policy], now: datetime) -> Verdict:
    """A clock that the ticket has. One that began again after a reopening ran on a remainder and is left as it was."""
    assert clock.started_at is not None and clock.due_at is not None  # noqa: S101, PT018 - it was stored
    lasting = open_pause(clock)
    ended_at = clock.met_at or (lasting.start if lasting else now)
    was = ended_at > clock.due_at
    if clock.kind in FROM_ARRIVAL and clock.started_at != case.received_at:
        return Verdict(clock.kind, was, was, was, clock.due_at, ended_at, clock.met_at is None, fixed=True)
    present, draft = dues_of(case, policies, clock.kind, clock.started_at, clock.pauses)
    is_open = clock.met_at is None
    return Verdict(clock.kind, was, is_late(present, ended_at), is_late(draft, ended_at), draft, ended_at, is_open)


def late_start(
    case: Case, kind: ClockKind, met_at: datetime | None, policies: Sequence[Policy], now: datetime
) -> Verdict:
    """A clock that the ticket never had, as its targets knew none: it would have run from the first message."""
    ended_at = met_at or now
    present, draft = dues_of(case, policies, kind, case.received_at, ())
    return Verdict(kind, None, is_late(present, ended_at), is_late(draft, ended_at), draft, ended_at, met_at is None)


def dues_of(
    case: Case, policies: Sequence[Policy], kind: ClockKind, started_at: datetime, pauses: tuple[Pause, ...]
) -> tuple[datetime | None, datetime | None]:
    """When it would be due under each policy, with the days that the ticket was granted; None: no such clock."""
    targets = [target_of(case, policy, kind) for policy in policies]
    known = {t: derived_due(t, started_at, pauses, case.calendar)[0] for t in dict.fromkeys(targets) if t}
    present, draft = (known.get(t) if t else None for t in targets)  # most of a draft is as it was: reckoned once
    return present, draft


def target_of(case: Case, policy: Policy, kind: ClockKind) -> Target | None:
    target = policy.target(kind)
    if target and case.extended_days and kind is ClockKind.RESOLVE:
        return extended(target, case.extended_days, case.calendar)
    return target


def is_late(due_at: datetime | None, ended_at: datetime) -> bool | None:
    return None if due_at is None else ended_at > due_at
