"""Tickets that go over to another version of the targets: one by a supervisor's word, or all open ones in batches.

A batch shortens no promise. A ticket takes its new version in the same transaction as its clocks: a killed worker
leaves whole batches behind, and two workers never meet on a ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from service import audit
from service.errors import IllegalTransition, StaleVersion
from service.policy_versions import PolicyVersion
from service.rulebook import Rulebook
from service.sla.clocks import Clock
from service.sla.policy import ClockKind
from service.tickets.changes import Deed, change
from service.tickets.clocks import Clocks
from service.tickets.models import Ticket
from service.tickets.states import LIVE, Action

BATCH = 200
Changed = Mapping[ClockKind, tuple[Clock | None, Clock | None]]  # before, after; None: no such clock


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the open tickets have gone over to a version."""

    version: int
    done: int
    whole: int


def can_move(ticket: Ticket, rules: Rulebook) -> bool:
    return ticket.status in LIVE and ticket.policy_version != rules.policy_version


def preview(session: Session, ticket: Ticket, deed: Deed) -> Changed:
    """Which clocks would be other ones under the newest version; changes nothing."""
    clocks = Clocks(session, ticket, deed.rules)
    before = dict(clocks.clocks)
    clocks.go_over(deed.rules.policies, now=deed.now, shorten=True)
    return differences(before, clocks.clocks)


def differences(before: Mapping[ClockKind, Clock], after: Mapping[ClockKind, Clock]) -> Changed:
    pairs = {kind: (before.get(kind), after.get(kind)) for kind in ClockKind}
    return {kind: (was, now_is) for kind, (was, now_is) in pairs.items() if facts(was) != facts(now_is)}


def facts(clock: Clock | None) -> tuple[object, ...] | None:
    return (clock.target, clock.due_at) if clock else None


def move(session: Session, ticket: Ticket, deed: Deed, *, reason: str, version: int | None = None) -> None:
    """The ticket goes over to the newest version, which may shorten what was promised.

    `version`: which one the person looked at. Raises StaleVersion where there is a newer one by now.
    """
    newest = deed.rules.policy_version
    if version not in (None, newest):
        raise StaleVersion(f"version {newest} of the targets was saved meanwhile; look at it first")
    if not can_move(ticket, deed.rules):
        raise IllegalTransition("the ticket is not open, or has the newest targets", ticket_status=ticket.status.value)
    go_over(session, ticket, deed, newest, because=reason, shorten=True)


def go_over(session: Session, ticket: Ticket, deed: Deed, version: int, *, because: str, shorten: bool) -> None:
    was: dict[str, object] = {"policy_version": ticket.policy_version}
    also: dict[str, object] = {"policy_version": version}
    with change(session, ticket, Action.POLICY, deed, because=because, was=was, also=also) as clocks:
        before = dict(clocks.clocks)
        clocks.go_over(deed.rules.policies_of(version), now=deed.now, shorten=shorten)
        ticket.policy_version = version
        for kind, (old, new) in differences(before, clocks.clocks).items():
            if told(old) != told(new):
                was[f"{kind.value}_due_at"], also[f"{kind.value}_due_at"] = told(old), told(new)


def told(clock: Clock | None) -> str | None:
    return clock.due_at.isoformat() if clock and clock.due_at else None


def carry_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Bring up to BATCH open tickets to the version that was saved for them too; returns how many.

    Safe beside other workers. A process that has not read the version yet leaves it to the next round.
    """
    waiting = (PolicyVersion.carried.is_not(None), PolicyVersion.carried_at.is_(None))
    goal = session.scalar(select(func.max(PolicyVersion.version)).where(*waiting))
    if goal is None or goal not in rules.policy_versions:
        return 0
    behind = (Ticket.closed_at.is_(None), Ticket.policy_version < goal)
    query = select(Ticket).where(*behind).order_by(Ticket.policy_version, Ticket.id).limit(BATCH)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    query = query.options(joinedload(Ticket.follower), selectinload(Ticket.clocks))
    tickets = session.scalars(query.execution_options(populate_existing=True)).all()
    for ticket in tickets:
        carry(session, ticket, goal, Deed(by=None, now=now, rules=rules))
    session.flush()
    if len(tickets) < BATCH and session.scalar(select(Ticket.id).where(*behind).limit(1)) is None:
        done = update(PolicyVersion).where(*waiting, PolicyVersion.version <= goal)
        session.execute(done.values(carried_at=now))
    return len(tickets)


def carry(session: Session, ticket: Ticket, version: int, deed: Deed) -> None:
    """One ticket of a batch; where no clock changes, only the version does, and the ticket is as new as it was."""
    clocks = Clocks(session, ticket, deed.rules)
    before = dict(clocks.clocks)
    clocks.go_over(deed.rules.policies_of(version), now=deed.now, shorten=False)
    changed = differences(before, clocks.clocks)
    because = f"时限规则版本 {version} 用于未结工单"
    if changed:
        kept = any(old is not None and new is not None and old.due_at == new.due_at for old, new in changed.values())
        because += "；原承诺不缩短" if kept else ""
        go_over(session, ticket, deed, version, because=because, shorten=False)
        return
    audit.record(
        session,
        at=deed.now,
        actor=audit.SYSTEM,
        action=Action.POLICY.value,
        ticket_id=ticket.id,
        before={"policy_version": ticket.policy_version},
        after={"policy_version": version},
        because=because,
    )
    ticket.policy_version = version


def open_by_version(session: Session) -> dict[int, int]:
    """How many open tickets have each version; those without any are left out."""
    query = select(Ticket.policy_version, func.count()).where(Ticket.closed_at.is_(None))
    return dict(session.execute(query.group_by(Ticket.policy_version)).all())


def progress(session: Session) -> Progress | None:
    """How far the batches have got; None where nothing is to be moved."""
    waiting = (PolicyVersion.carried.is_not(None), PolicyVersion.carried_at.is_(None))
    query = select(PolicyVersion).where(*waiting).order_by(PolicyVersion.version.desc()).limit(1)
    newest = session.scalar(query)
    if newest is None:
        return None
    behind = sum(count for version, count in open_by_version(session).items() if version < newest.version)
    whole = max(newest.carried or 0, behind)
    return Progress(newest.version, whole - behind, whole)
