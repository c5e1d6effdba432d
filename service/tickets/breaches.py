"""The register of clocks that were not met in time (超时登记): what stands in it, and who may look at it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import cast

from sqlalchemy import ColumnElement, Executable, Select, Table, and_, exists, false, func, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, joinedload

from service import audit
from service.errors import NotFound
from service.people import Permission, Scope, User
from service.sla.clocks import Clock, ClockState
from service.sla.policy import ClockKind
from service.tickets.clocks import Clocks
from service.tickets.models import ClockRow, Ticket
from service.tickets.queries import Page, decode_cursor, encode_cursor
from service.tickets.register import Appeal, Breach

DRAFT, CONFIRMED, DISMISSED, REVOKED = "draft", "confirmed", "dismissed", "revoked"
MOVED = "时限已顺延，不再超时"  # notes of a draft whose clock is no longer late
IN_TIME = "回复已按时送出"
UNMET, MET = "unmet", "met"  # what a clock's row remembers of its entry
COUNT_CAP = 1_000  # a tab says "999+" beyond this
COUNTED = 20_000  # of the newest entries a chart shows
TABLE = cast(Table, Breach.__table__)
Entries = Select[Breach]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who had a ticket: a department, and perhaps a person."""

    department_id: int
    user_id: int | None


def settle(session: Session, ticket: Ticket, clocks: Clocks, *, now: datetime, holder: Holder) -> None:
    """Note clocks that are late, each run once, and forget drafts of those that no longer are.

    The clocks are saved. Their rows remember what was noted, so that nothing is asked of the register where nothing
    is new. `holder` had the ticket until now.
    """
    late: list[Clock] = []
    runs = {(clock.kind, clock.started_at): clock for clock in (*clocks.ended, *clocks.clocks.values())}
    for clock in runs.values():
        known, entry = clocks.registered(clock), entry_of(clock)
        if known == entry:
            continue
        if entry is None:
            _dismiss(session, ticket, clock, now)
        elif known is None:
            late.append(clock)
        else:
            _fill_in(session, ticket, clock)
    for kind, clock in clocks.clocks.items():
        clocks.row(kind).registered = entry_of(clock)
    for clock in clocks.moot:
        if entry_of(clock):
            _dismiss(session, ticket, clock, now)
    if late:
        _note(session, ticket, late, now, holder)


def entry_of(clock: Clock) -> str | None:
    """What the register says of a clock; None while it is not late."""
    if clock.state is ClockState.BREACHED:
        return UNMET
    if clock.met_at is not None and clock.due_at is not None and clock.met_at > clock.due_at:
        return MET
    return None


def _note(session: Session, ticket: Ticket, late: Iterable[Clock], now: datetime, holder: Holder) -> None:
    """Drafts; a run that has one already keeps it, unless it was dismissed by ourselves."""
    rows = [
        {
            "ticket_id": ticket.id,
            "clock": clock.kind.value,
            "started_at": clock.started_at,
            "due_at": clock.due_at,
            "at": now,
            "met_at": clock.met_at,
            "department_id": holder.department_id,
            # nobody's in particular: whoever handled a complaint may not even make the call
            "user_id": None if clock.kind is ClockKind.FOLLOW_UP else holder.user_id,
            "state": DRAFT,
        }
        for clock in late
    ]
    session.execute(_noting(session.get_bind().dialect.name), rows)


@cache
def _noting(dialect: str) -> Executable:
    """Built once: building it for each ticket cost more than running it."""
    noted = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(TABLE)
    again = {name: noted.excluded[name] for name in ("due_at", "at", "met_at", "department_id", "user_id", "state")}
    return noted.on_conflict_do_update(
        index_elements=["ticket_id", "clock", "started_at"],
        set_={**again, "judged_at": None, "judged_by": None, "note": None},
        where=and_(TABLE.c.state == DISMISSED, TABLE.c.judged_by == audit.SYSTEM),
    )


def _fill_in(session: Session, ticket: Ticket, clock: Clock) -> None:
    """When it was met after all; None where the reply that met it did not arrive."""
    session.execute(update(TABLE).where(_run(ticket, clock)).values(met_at=clock.met_at))


def _dismiss(session: Session, ticket: Ticket, clock: Clock, now: datetime) -> None:
    drafts = update(TABLE).where(_run(ticket, clock), TABLE.c.state == DRAFT)
    note = IN_TIME if clock.met_at else MOVED
    session.execute(drafts.values(state=DISMISSED, judged_at=now, judged_by=audit.SYSTEM, note=note))


def _run(ticket: Ticket, clock: Clock) -> ColumnElement[bool]:
    return and_(
        TABLE.c.ticket_id == ticket.id, TABLE.c.clock == clock.kind.value, TABLE.c.started_at == clock.started_at
    )


# ---- who may look


def heads(user: User, department_id: int) -> bool:
    """Whether the person answers for what the department does."""
    return Scope.DEPARTMENT in user.scopes(Permission.DECIDE_EXTENSION) and user.department_id == department_id


def visible_to(user: User) -> ColumnElement[bool]:
    """All to those who supervise, a department's to its head, and everybody's own. The query joins the ticket."""
    if user.may(Permission.SUPERVISE):
        return true() if user.may(Permission.SEE_RESTRICTED) else Ticket.restricted.is_(False)
    own = Breach.user_id == user.id
    if not user.may(Permission.SEE):
        return false()
    if heads(user, user.department_id):
        return or_(own, and_(Breach.department_id == user.department_id, Ticket.restricted.is_(False)))
    return own


def breach_for(session: Session, user: User, breach_id: int) -> Breach:
    """The entry, if the person may see it; else NotFound."""
    query = select(Breach).join(Ticket, Ticket.id == Breach.ticket_id)
    query = _loaded(query.where(Breach.id == breach_id, visible_to(user)))
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("no such entry in the register")
    return found


# ---- lists

TABS = ("draft", "confirmed", "appealed", "settled")
STATES = (DRAFT, CONFIRMED, DISMISSED, REVOKED)
OPEN_APPEAL = exists().where(Appeal.breach_id == Breach.id, Appeal.decided_at.is_(None))


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of the register is asked for; empty means any. `state`: one of STATES, or a tab."""

    state: str | None = None
    department_id: int | None = None
    username: str | None = None
    clock: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    cursor: str | None = None


def _loaded(query: Entries) -> Entries:
    return query.options(
        joinedload(Breach.ticket), joinedload(Breach.department), joinedload(Breach.user), joinedload(Breach.appeal)
    )


def conditions(user: User, wanted: Filter) -> list[ColumnElement[bool]]:
    """What the filter asks for, with what the person may see."""
    parts = [visible_to(user)]
    if wanted.state == "appealed":
        parts += [Breach.state == CONFIRMED, OPEN_APPEAL]
    elif wanted.state == "settled":
        parts.append(Breach.state.in_((DISMISSED, REVOKED)))
    elif wanted.state is not None:
        parts.append(Breach.state == wanted.state)
    if wanted.department_id is not None:
        parts.append(Breach.department_id == wanted.department_id)
    if wanted.username is not None:
        parts.append(Breach.user_id.in_(select(User.id).where(User.username == wanted.username)))
    if wanted.clock is not None:
        parts.append(Breach.clock == wanted.clock)
    if wanted.since is not None:
        parts.append(Breach.at >= wanted.since)
    if wanted.until is not None:
        parts.append(Breach.at < wanted.until)
    return parts


def listing(session: Session, user: User, wanted: Filter) -> Page[Breach]:
    """One page of the register, the newest first."""
    query = select(Breach).join(Ticket, Ticket.id == Breach.ticket_id).where(*conditions(user, wanted))
    if wanted.cursor:
        at, breach_id = decode_cursor(wanted.cursor)
        query = query.where(or_(Breach.at < at, and_(Breach.at == at, Breach.id < breach_id)))
    query = _loaded(query).order_by(Breach.at.desc(), Breach.id.desc()).limit(wanted.limit + 1)
    found = session.scalars(query).all()
    if len(found) <= wanted.limit:
        return Page(found, None)
    last = found[wanted.limit - 1]
    return Page(found[: wanted.limit], encode_cursor(last.at, last.id))


def tab_counts(session: Session, user: User, wanted: Filter) -> dict[str, int]:
    """How many each tab has with the rest of the filter, up to COUNT_CAP."""
    counts = {}
    for tab in TABS:
        asked = conditions(
            user, Filter(tab, wanted.department_id, wanted.username, wanted.clock, wanted.since, wanted.until)
        )
        some = select(Breach.id).join(Ticket, Ticket.id == Breach.ticket_id).where(*asked).limit(COUNT_CAP).subquery()
        counts[tab] = session.scalar(select(func.count()).select_from(some)) or 0
    return counts


def tally(session: Session, user: User, wanted: Filter) -> list[tuple[int, str, int]]:
    """Department, clock and number, over the newest COUNTED entries of the filter."""
    newest = select(Breach.department_id, Breach.clock).join(Ticket, Ticket.id == Breach.ticket_id)
    newest = newest.where(*conditions(user, wanted)).order_by(Breach.at.desc(), Breach.id.desc()).limit(COUNTED)
    some = newest.subquery()
    query = select(some.c.department_id, some.c.clock, func.count()).group_by(some.c.department_id, some.c.clock)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def of_ticket(session: Session, user: User, ticket: Ticket, limit: int = 20) -> Sequence[Breach]:
    """The ticket's entries that the person may see, the newest first."""
    query = select(Breach).join(Ticket, Ticket.id == Breach.ticket_id)
    query = _loaded(query.where(Breach.ticket_id == ticket.id, visible_to(user)))
    return session.scalars(query.order_by(Breach.at.desc(), Breach.id.desc()).limit(limit)).all()


def is_late_anywhere(rows: Iterable[ClockRow]) -> bool:
    """Whether the register may have something of a ticket with these clocks."""
    return any(row.registered for row in rows)
