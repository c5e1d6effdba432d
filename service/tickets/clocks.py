"""A ticket's clocks between their rows and service/sla, and the columns that follow from them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, object_session

from service.messaging.followers import Follower
from service.messaging.outbox import Delivery
from service.rulebook import Rulebook
from service.sla import clocks as sla
from service.sla.calendar import Calendar
from service.sla.clocks import Clock, ClockState, Pause
from service.sla.ladder import Ladder
from service.sla.policy import ClockKind, Policy, PolicyTable, Target, Unit
from service.tickets.models import ClockRow, Message, Ticket
from service.tickets.states import OURS, WORKABLE, Status

AT_INTAKE = (ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.RESOLVE)
ROUNDS = (ClockKind.NEXT_REPLY, ClockKind.UPDATE)  # begin anew with each message, with each word of ours
UNMET = (ClockState.RUNNING, ClockState.BREACHED)
STANDING = (Status.WAITING_CUSTOMER, Status.SUSPENDED)  # the resolve clock stands still


def values_of(clock: Clock, ladder: Ladder, calendar: Calendar, reached: Collection[str] = ()) -> dict[str, object]:
    """The row's columns; `reached`: keys of the rungs that the clock has behind it."""
    assert clock.target is not None  # noqa: S101 - a clock without a target has no row
    ahead = ladder.next(clock, reached, calendar)
    return {
        "kind": clock.kind.value,
        "state": clock.state.value,
        "target_amount": clock.target.amount,
        "target_unit": clock.target.unit.value,
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "met_at": clock.met_at,
        "pauses": [[p.start.isoformat(), p.end and p.end.isoformat(), p.reason] for p in clock.pauses],
        "provisional": clock.provisional,
        "next_rung_at": ahead and ahead.at,
        "rungs": " ".join(reached),
    }


def clock_of(row: ClockRow) -> Clock:
    pauses = tuple(
        Pause(datetime.fromisoformat(str(start)), datetime.fromisoformat(end) if end else None, str(reason))
        for start, end, reason in row.pauses
    )
    return Clock(
        kind=ClockKind(row.kind),
        state=ClockState(row.state),
        target=Target(row.target_amount, Unit(row.target_unit)),
        started_at=row.started_at,
        due_at=row.due_at,
        met_at=row.met_at,
        pauses=pauses,
        provisional=row.provisional,
    )


def at_intake(policy: Policy, at: datetime, calendar: Calendar) -> list[Clock]:
    """The clocks that start with the first message."""
    started = (sla.start(kind, policy.target(kind), at, calendar) for kind in AT_INTAKE)
    return [clock for clock in started if clock.state is not ClockState.NONE]


def policy_of(ticket: Ticket, rules: Rulebook) -> Policy:
    """The targets of the ticket, of the version that it started with, with its follower's tags."""
    table = rules.policies_of(ticket.policy_version)
    tags = (follower_of(ticket).tags or ()) if table.has_tags else ()
    return table.policy_for(*targets_of(ticket, table), tags)


def targets_of(ticket: Ticket, table: PolicyTable) -> tuple[str | None, str]:
    """Category and priority whose targets the ticket has: its own, or those that its routing row named."""
    return table.named(ticket.targets_as) or (ticket.category, ticket.priority)


def follower_of(ticket: Ticket) -> Follower:
    """The ticket's follower: as a batch has loaded them, else by the session, which has locked or read them before."""
    if "follower" in ticket.__dict__:
        return ticket.follower
    session = object_session(ticket)
    assert session is not None  # noqa: S101 - clocks are of tickets that somebody works on
    return session.get_one(Follower, ticket.follower_id)


class Clocks:
    """The clocks of one ticket, changed by the functions of service/sla and written back by `save`."""

    def __init__(self, session: Session, ticket: Ticket, rules: Rulebook) -> None:
        self._session, self._ticket, self._rules = session, ticket, rules
        if "clocks" in ticket.__dict__:  # a batch has loaded them for all its tickets at once
            rows: Sequence[ClockRow] = ticket.clocks
        else:
            rows = session.scalars(select(ClockRow).where(ClockRow.ticket_id == ticket.id)).all()
        self._rows = {ClockKind(row.kind): row for row in rows}
        self.clocks = {kind: clock_of(row) for kind, row in self._rows.items()}
        self.moot: list[Clock] = []  # those that such a matter does not have after all
        self.ended: list[Clock] = []  # runs in whose place another has begun
        self._registered = {(row.kind, row.started_at): row.registered for row in rows}
        self._reckoned_on = self._calendar

    @property
    def _calendar(self) -> Calendar:
        """That of the department with which the ticket stands now."""
        return self._rules.calendar_for(self._ticket.department_id)

    def get(self, kind: ClockKind) -> Clock | None:
        return self.clocks.get(kind)

    def registered(self, clock: Clock) -> str | None:
        """What the register of breaches knew of this run before."""
        return self._registered.get((clock.kind.value, clock.started_at)) if clock.started_at else None

    def row(self, kind: ClockKind) -> ClockRow:
        """The row of a clock that has been saved."""
        return self._rows[kind]

    def meet(self, *kinds: ClockKind, at: datetime) -> None:
        self._apply(kinds, lambda clock: sla.meet(clock, at, self._calendar))

    def cancel(self, *kinds: ClockKind) -> None:
        """Drop the clocks that are not met: nothing is owed any more."""
        for kind in kinds:
            clock = self.clocks.get(kind)
            if clock is not None and clock.state is not ClockState.MET:
                del self.clocks[kind]

    def start(self, kind: ClockKind, target: Target | None, *, at: datetime) -> None:
        clock = sla.start(kind, target, at, self._calendar)
        if kind in self.clocks:
            self.ended.append(self.clocks[kind])
        if clock.state is ClockState.NONE:
            self.clocks.pop(kind, None)
        else:
            self.clocks[kind] = clock

    @property
    def policy(self) -> Policy:
        return policy_of(self._ticket, self._rules)

    def target(self, kind: ClockKind, policy: Policy | None = None) -> Target | None:
        """What the ticket's policy, or another one, says, with the days that were granted beyond it."""
        target = (policy or self.policy).target(kind)
        days = self._ticket.extended_days if kind is ClockKind.RESOLVE else 0
        return sla.extended(target, days, self._calendar) if target and days else target

    def spoke(self, *, at: datetime) -> None:
        """A word of ours counts: it answers what the follower wrote before it, and the next is due in its time."""
        self._ticket.first_replied_at = self._ticket.first_replied_at or at
        self.meet(ClockKind.FIRST_REPLY, at=at)
        if not self._began_after(at, ClockKind.NEXT_REPLY):
            self.meet(ClockKind.NEXT_REPLY, at=at)
            self.listen(after=at)
        if self._ticket.status in WORKABLE and not self._began_after(at, ClockKind.UPDATE):
            self.meet(ClockKind.UPDATE, at=at)
            self.start(ClockKind.UPDATE, self.target(ClockKind.UPDATE), at=at)

    def heard(self, *, at: datetime, target: Target | None = None) -> None:
        """The follower wrote at `at`; of several messages without a word of ours the oldest counts.

        `target` in place of what the ticket's own policy says.
        """
        first, asked = self.clocks.get(ClockKind.FIRST_REPLY), self.clocks.get(ClockKind.NEXT_REPLY)
        if self._ticket.first_replied_at is None or (first is not None and first.state is not ClockState.MET):
            return  # the first reply answers it
        if asked is None or asked.state is ClockState.MET or self._began_after(at, ClockKind.NEXT_REPLY):
            self.start(ClockKind.NEXT_REPLY, target or self.target(ClockKind.NEXT_REPLY), at=at)

    def listen(self, *, after: datetime | None = None, target: Target | None = None) -> None:
        """Start the round of the oldest message that wants an answer and that no word of ours is later than.

        Messages are looked up, as those written before the platform took our word were not heard as a new round.
        """
        mine = Message.ticket_id == self._ticket.id
        counts = or_(Message.delivery == Delivery.SENT.value, Message.delivery.is_(None))
        word = select(func.max(Message.at)).where(mine, Message.direction == "outbound", counts)
        said = max(filter(None, (after, self._session.scalar(word))), default=None)
        asking = select(func.min(Message.at)).where(mine, Message.asks)
        oldest = self._session.scalar(asking.where(Message.at > said)) if said else None
        if oldest is not None:
            self.heard(at=oldest, target=target)

    def _began_after(self, at: datetime, kind: ClockKind) -> bool:
        """Whether the clock is of a later round, which is not over."""
        clock = self.clocks.get(kind)
        if clock is None or clock.started_at is None or clock.state is ClockState.MET:
            return False
        return clock.started_at > at

    def retarget(self, *, now: datetime) -> None:
        """Same starts and pauses, the targets that the ticket has now."""
        for kind in (*AT_INTAKE, *ROUNDS):
            target, clock = self.target(kind), self.clocks.get(kind)
            if clock is None:
                self._begin(kind, target, now=now)
            elif clock.target == target:
                continue  # computed anew it might be due earlier than was promised before the calendar changed
            elif target is None and clock.state is not ClockState.MET:
                self.moot.append(clock)
                del self.clocks[kind]
            else:
                self.clocks[kind] = sla.retarget(clock, target, self._calendar, now)

    def _begin(self, kind: ClockKind, target: Target | None, *, now: datetime) -> None:
        """A clock that the ticket's former targets did not ask for; what was done meanwhile counts."""
        ticket = self._ticket
        if kind in AT_INTAKE:
            done = {ClockKind.ACCEPT: ticket.accepted_at, ClockKind.FIRST_REPLY: ticket.first_replied_at}.get(kind)
            self.start(kind, target, at=ticket.received_at)
            if done is not None:
                self.meet(kind, at=done)
        elif ticket.first_replied_at is None or ticket.status not in WORKABLE:
            return
        elif kind is ClockKind.UPDATE:
            self.start(kind, target, at=now)
        else:
            self.listen(target=target)

    def go_over(self, to: PolicyTable, *, now: datetime, shorten: bool) -> None:
        """The targets of another version for the clocks that are not met, from their starts and with their pauses.

        A clock that began again on a remainder keeps it. Without `shorten` none is due earlier, none begins or ends.
        """
        ticket, table = self._ticket, self._rules.policies_of(self._ticket.policy_version)
        tags = follower_of(ticket).tags or ()
        policy = to.policy_for(*targets_of(ticket, to), tags)
        usual = table.all_for(*targets_of(ticket, table))
        for kind in ClockKind:
            target, clock = self.target(kind, policy), self.clocks.get(kind)
            if clock is None:
                if target and shorten and ticket.status in WORKABLE and kind is not ClockKind.FOLLOW_UP:
                    self._begin(kind, target, now=now)
            elif clock.met_at is not None or clock.target not in [self.target(kind, each) for each in usual]:
                continue
            elif target is None:
                if shorten and kind is not ClockKind.FOLLOW_UP:
                    self.moot.append(clock)
                    del self.clocks[kind]
            elif clock.target != target:
                step = sla.retarget if shorten else sla.lengthened
                self.clocks[kind] = step(clock, target, self._calendar, now)

    def extend(self, days: int, *, now: datetime) -> None:
        """Resolve is due so many working days later; the ticket remembers them for whatever targets it gets."""
        self._ticket.extended_days += days
        self._apply((ClockKind.RESOLVE,), lambda clock: sla.extended_by(clock, days, self._calendar, now))

    def follow_department(self, *, now: datetime) -> None:
        """Due times on the calendar of the department that the ticket has gone to; no promise is shortened."""
        if self._calendar is self._reckoned_on:
            return
        self._reckoned_on = self._calendar
        for kind, clock in self.clocks.items():
            if clock.state is not ClockState.MET:
                self.clocks[kind] = sla.recalculated(clock, self._calendar, now)

    def recalculate(self, *, now: datetime) -> dict[ClockKind, tuple[Clock, Clock]]:
        """Due times on a calendar that has changed since, none earlier than it was; which clocks are other now."""
        before = dict(self.clocks)
        self._apply(tuple(self.clocks), lambda clock: sla.recalculated(clock, self._calendar, now))
        return {kind: (before[kind], clock) for kind, clock in self.clocks.items() if clock != before[kind]}

    def reopen(self, *, at: datetime) -> None:
        """Resolve runs on what was left, at least half its target."""
        full = self.policy.resolve
        self._apply((ClockKind.RESOLVE,), lambda clock: sla.reopen(clock, at, self._calendar, of=full))
        self.start(ClockKind.UPDATE, self.target(ClockKind.UPDATE), at=at)

    def restart(self, share: float, *, at: datetime) -> None:
        """Resolve begins again with a share of its target."""
        full = self.policy.resolve
        self._apply((ClockKind.RESOLVE,), lambda clock: sla.restart(clock, share, at, self._calendar, of=full))
        self.start(ClockKind.UPDATE, self.target(ClockKind.UPDATE), at=at)

    def breach(self, *, now: datetime) -> list[ClockKind]:
        """Mark what has passed its due time; returns which clocks were newly breached."""
        before = dict(self.clocks)
        self._apply(tuple(self.clocks), lambda clock: sla.breach(clock, now))
        return [
            kind
            for kind, clock in self.clocks.items()
            if clock.state is ClockState.BREACHED and before[kind].state is not ClockState.BREACHED
        ]

    def settle_pauses(self, *, now: datetime) -> None:
        """Let each clock stand or run as the ticket's state asks: the only place that pauses or resumes."""
        waits, status = self._ticket.awaits_window, self._ticket.status
        unheard, standing = "waiting_for_window" if waits else None, status.value if status in STANDING else None
        reasons = {
            ClockKind.FIRST_REPLY: unheard,
            ClockKind.NEXT_REPLY: unheard,
            ClockKind.UPDATE: standing or unheard,
            ClockKind.RESOLVE: standing or (unheard if waits == "final" else None),
        }
        for kind, reason in reasons.items():
            clock = self.clocks.get(kind)
            if clock is None:
                continue
            if reason and clock.state in UNMET:
                self.clocks[kind] = sla.pause(clock, now, reason)
            elif not reason and clock.pauses and clock.pauses[-1].end is None and clock.state is not ClockState.MET:
                self.clocks[kind] = sla.resume(clock, now, self._calendar)

    def save(self, *, now: datetime) -> None:
        """Write the rows and the ticket's columns that follow: due_at, breach_at, overdue, limit_at."""
        if self._rows.keys() != self.clocks.keys() and "clocks" in self._ticket.__dict__:
            self._session.expire(self._ticket, ["clocks"])  # the batch's collection no longer holds all of them
        for kind, row in list(self._rows.items()):
            if kind not in self.clocks:
                self._session.delete(row)
                del self._rows[kind]
        for kind, clock in self.clocks.items():
            row = self._rows.setdefault(kind, ClockRow(ticket_id=self._ticket.id))
            if row.started_at != clock.started_at:
                row.registered = None  # another run
            reached = row.rungs.split() if row.started_at == clock.started_at else []
            for name, value in values_of(clock, self._rules.ladder, self._calendar, reached).items():
                if getattr(row, name, None) != value:
                    setattr(row, name, value)
            self._session.add(row)
        for name, value in derived(self.clocks.values()).items():
            setattr(self._ticket, name, value)
        self._ticket.limit_at = limit_of(self._ticket, follower_of(self._ticket).window_closes_at, now)
        # a process whose rules are a moment old must not hide from `recalculation` what it computed with them
        self._ticket.calendar_version = min(self._ticket.calendar_version, self._rules.calendar_version)

    def _apply(self, kinds: Iterable[ClockKind], step: Callable[[Clock], Clock]) -> None:
        for kind in kinds:
            if kind in self.clocks:
                self.clocks[kind] = step(self.clocks[kind])


def limit_of(ticket: Ticket, closes_at: datetime | None, now: datetime) -> datetime | None:
    """What comes first, the ticket's due time or the end of the window in which we can still answer."""
    if closes_at is None or closes_at <= now or ticket.status not in OURS:
        return ticket.due_at
    return min(closes_at, ticket.due_at) if ticket.due_at else closes_at


def derived(clocks: Iterable[Clock]) -> dict[str, object]:
    """The ticket's columns that repeat what its clocks say, for lists and sweeps."""
    dues = [(c.state, c.due_at) for c in clocks if c.due_at is not None]
    return {
        "due_at": min((due for state, due in dues if state in UNMET), default=None),
        "breach_at": min((due for state, due in dues if state is ClockState.RUNNING), default=None),
        "overdue": any(state is ClockState.BREACHED for state, _ in dues),
    }
