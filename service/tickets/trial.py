"""The tickets of a period for a trial of other targets: read in batches, the newest first, and never all of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from service.messaging.followers import Follower
from service.people import User
from service.rulebook import Rulebook
from service.sla.clocks import Clock
from service.sla.policy import ClockKind, PolicyTable
from service.sla.trial import FROM_ARRIVAL, TRIED, Case, Outcome, verdicts_on
from service.tickets import access
from service.tickets.clocks import clock_of
from service.tickets.models import ClockRow, Ticket
from service.tickets.states import WORKABLE, Status

MOST = 20_000  # tickets of one trial
BATCH = 1_000
EXAMPLES = 20
SPANS = (7, 30, 90)  # days
MET_BY = {  # when a ticket without such a clock did what it asks for
    ClockKind.ACCEPT: Ticket.accepted_at,
    ClockKind.FIRST_REPLY: Ticket.first_replied_at,
    ClockKind.RESOLVE: Ticket.answered_at,
}
COLUMNS = (
    Ticket.id,
    Ticket.number,
    Ticket.status,
    Ticket.category,
    Ticket.priority,
    Ticket.targets_as,
    Ticket.received_at,
    Ticket.department_id,
    Ticket.extended_days,
    *MET_BY.values(),
)
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of a draft on the tickets of the last `days`."""

    days: int
    now: datetime
    outcome: Outcome
    oldest_at: datetime | None  # received then: how far back the trial got
    is_cut: bool  # there were more than MOST

    @property
    def groups(self) -> list[tuple[str, str]]:
        """Category and priority of what there was: those that change most come first."""
        groups = {(category, priority) for category, priority, _ in self.outcome.tallies}
        return sorted(groups, key=lambda group: (-abs(self.outcome.total(group=group).difference), group))


def run(session: Session, user: User, draft: PolicyTable, *, days: int, now: datetime, rules: Rulebook) -> Trial:
    """What the draft would have made of the tickets of the last days that the user may see."""
    outcome, oldest_at, is_cut = Outcome(EXAMPLES), None, False
    for batch in batches(session, user, now - timedelta(days=days), tags=draft.has_tags or rules.policies.has_tags):
        clocks = clocks_of(session, batch)
        for row in batch:
            if outcome.tickets == MOST:
                is_cut = True
                break
            case = case_of(row, clocks[row.id], rules)
            outcome.add(case, verdicts_on(case, rules.policies, draft, now))
            oldest_at = row.received_at
    return Trial(days, now, outcome, oldest_at, is_cut)


def batches(session: Session, user: User, since: datetime, *, tags: bool) -> Iterator[Sequence[Row[Any]]]:
    """Tickets received since then, the newest first; one more than MOST where there are so many."""
    query: Rows = select(*COLUMNS, *([Follower.tags] if tags else [])).where(Ticket.received_at >= since)
    query = query.where(access.visible_to(user), Ticket.status != Status.MERGED)
    if tags:
        query = query.join(Follower, Follower.id == Ticket.follower_id)
    place: tuple[datetime, int] | None = None
    read = 0
    while read <= MOST:
        batch = session.execute(page_of(query, place).limit(min(BATCH, MOST + 1 - read))).all()
        if not batch:
            return
        yield batch
        read += len(batch)
        place = batch[-1].received_at, batch[-1].id


def page_of(query: Rows, place: tuple[datetime, int] | None) -> Rows:
    """The query in its order, from behind a place on."""
    if place is not None:
        at, ticket_id = place
        query = query.where(Ticket.received_at <= at, (Ticket.received_at < at) | (Ticket.id < ticket_id))
    return query.order_by(Ticket.received_at.desc(), Ticket.id.desc())


def clocks_of(session: Session, batch: Sequence[Row[Any]]) -> Mapping[int, Sequence[Clock]]:
    """The clocks of each ticket."""
    kinds = [kind.value for kind in TRIED]
    # rows, not objects: a third of the time, and `clock_of` reads either
    query = select(*ClockRow.__table__.c).where(
        ClockRow.ticket_id.in_([row.id for row in batch]), ClockRow.kind.in_(kinds)
    )
    found: dict[int, list[Clock]] = defaultdict(list)
    for row in session.execute(query):
        found[row.ticket_id].append(clock_of(row))  # type: ignore[arg-type]
    return found


def case_of(row: Row[Any], clocks: Sequence[Clock], rules: Rulebook) -> Case:
    """The ticket as the arithmetic wants it. A clock that is missing counts unless it was dropped with its ticket."""
    missing = set(FROM_ARRIVAL) - {clock.kind for clock in clocks}
    met = {kind: getattr(row, MET_BY[kind].key) for kind in FROM_ARRIVAL if kind in missing}
    owed = row.status in WORKABLE
    category, priority = rules.policies.named(row.targets_as) or (row.category, row.priority)
    return Case(
        number=row.number,
        category=category,
        priority=priority,
        tags=getattr(row, "tags", None) or (),
        received_at=row.received_at,
        calendar=rules.calendar_for(row.department_id),
        clocks=clocks,
        unclocked={kind: at for kind, at in met.items() if at is not None or owed},
        extended_days=row.extended_days,
    )
