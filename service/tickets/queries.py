"""Lists and counts: every one bounded, with a tie-break, behind access.visible_to, and served by an index."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, selectinload

from service.audit import Event
from service.errors import InvalidInput
from service.messaging.followers import Follower
from service.people import User
from service.tickets.access import visible_to
from service.tickets.models import Message, Ticket
from service.tickets.states import WORKABLE, Status

T = TypeVar("T")
Row = TypeVar("Row", Message, Event)

SEARCHED = 5_000  # a word is looked for in the newest so many tickets the person may see
COUNT_CAP = 1_000  # a tab says "999+" beyond this
LONGEST_ID = 18  # digits; what a database holds in a row's id
PAGE = 200  # messages and events come so many at a time
SORTS: dict[str, tuple[str, bool]] = {  # name -> column, descending
    "-received": ("received_at", True),
    "received": ("received_at", False),
    "due": ("due_at", False),
    "limit": ("limit_at", False),  # the due time, or the end of the reply window where that comes first
    "updated": ("updated_at", True),
}

LACKING = {"due", "limit"}  # not every ticket has such a time; those without come last


@dataclass(frozen=True, slots=True)
class Search:
    """What a list of tickets is asked for; empty means any."""

    status: Sequence[str] = ()
    category: str | None = None
    priority: str | None = None
    department_id: int | None = None
    assignee: str | None = None  # username, "me" or "none"
    channel: str | None = None
    overdue: bool | None = None
    q: str = ""
    sort: str = "-received"
    limit: int = 50
    cursor: str | None = None
    also: Sequence[ColumnElement[bool]] = field(default_factory=tuple)  # what a tab asks for beside


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_cursor: str | None


def search(session: Session, user: User, wanted: Search) -> Page[Ticket]:
    """One page of the tickets that the user may see; those that lack the time by which it is sorted come last."""
    column_name, descending = SORTS[wanted.sort]
    column = getattr(Ticket, column_name)
    query = select(Ticket).where(visible_to(user), *conditions(user, wanted))
    if wanted.q:
        query = query.where(_matches(user, wanted.q))
    if wanted.cursor:
        at, ticket_id = _place(wanted.cursor, may_lack_time=wanted.sort in LACKING)
        query = query.where(_after(column, at, ticket_id, descending=descending))
    order = (column.desc(), Ticket.id.desc()) if descending else (column.nulls_last(), Ticket.id)
    tickets = session.scalars(for_lists(query).order_by(*order).limit(wanted.limit + 1)).all()
    if len(tickets) <= wanted.limit:
        return Page(tickets, None)
    last = tickets[wanted.limit - 1]
    return Page(tickets[: wanted.limit], encode_cursor(getattr(last, column_name), last.id))


def _after(
    column: InstrumentedAttribute[datetime | None], at: datetime | None, ticket_id: int, *, descending: bool
) -> ColumnElement[bool]:
    """What comes after the row with which a page ended; `at` None: it had no such time."""
    if descending:
        return or_(column < at, and_(column == at, Ticket.id < ticket_id))
    if at is None:
        return and_(column.is_(None), Ticket.id > ticket_id)
    return or_(column > at, and_(column == at, Ticket.id > ticket_id), column.is_(None))


def conditions(user: User, wanted: Search) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = list(wanted.also)
    if wanted.status:
        parts.append(Ticket.status.in_([Status(s) for s in wanted.status]))
    if wanted.category is not None:
        parts.append(Ticket.category == wanted.category)
    if wanted.priority is not None:
        parts.append(Ticket.priority == wanted.priority)
    if wanted.department_id is not None:
        parts.append(Ticket.department_id == wanted.department_id)
    if wanted.channel is not None:
        parts.append(Ticket.channel == wanted.channel)
    if wanted.overdue is not None:
        # bare, as in the condition of its index: PostgreSQL does not see through "IS true"
        parts.append(Ticket.overdue.expression if wanted.overdue else Ticket.overdue.is_(False))
    if wanted.assignee == "none":
        parts.append(Ticket.assignee_id.is_(None))
    elif wanted.assignee:
        same = User.id == user.id if wanted.assignee == "me" else User.username == wanted.assignee
        parts.append(Ticket.assignee_id.in_(select(User.id).where(same)))
    return parts


def _matches(user: User, q: str) -> ColumnElement[bool]:
    """A ticket's number, or words of its subject among the newest tickets."""
    pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    newest = (
        select(Ticket.id, Ticket.subject).where(visible_to(user)).order_by(Ticket.received_at.desc()).limit(SEARCHED)
    )
    found = newest.subquery()
    by_subject = select(found.c.id).where(found.c.subject.ilike(pattern, escape="\\"))
    return or_(Ticket.number == q.upper(), Ticket.id.in_(by_subject))


def for_lists(query: Select[Ticket]) -> Select[Ticket]:
    """Load what a row of a list shows."""
    return query.options(
        joinedload(Ticket.follower),
        joinedload(Ticket.department),
        joinedload(Ticket.assignee),
        selectinload(Ticket.clocks),
    )


def tabs(user: User) -> dict[str, list[ColumnElement[bool]]]:
    """The queue's tabs in their order, and what each asks for beside visibility."""
    own = Ticket.department_id == user.department_id
    working = Ticket.status.in_(WORKABLE)
    return {
        "to_accept": [Ticket.status == Status.PENDING_ACCEPTANCE],
        "mine": [Ticket.assignee_id == user.id, working],
        "department": [own, working],
        "overdue": [Ticket.overdue.expression],
        "callback": [Ticket.callback_due_at.is_not(None)],
        "all": [],
    }


def tab_counts(session: Session, user: User) -> dict[str, int]:
    """How many tickets each tab holds, counted up to COUNT_CAP."""
    return {name: capped_count(session, user, parts) for name, parts in tabs(user).items() if name != "all"}


def capped_count(session: Session, user: User, parts: Sequence[ColumnElement[bool]]) -> int:
    some = select(Ticket.id).where(visible_to(user), *parts).limit(COUNT_CAP).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def loaded(session: Session, ticket: Ticket) -> Ticket:
    """The ticket with everything that presenting it needs, as it is after the flush."""
    session.flush()
    query = for_lists(select(Ticket).where(Ticket.id == ticket.id)).execution_options(populate_existing=True)
    return session.scalars(query).one()


def messages_of(
    session: Session, condition: ColumnElement[bool], cursor: str | None, limit: int = PAGE
) -> Page[Message]:
    """Messages ascending by (at, id)."""
    query = select(Message).where(condition).options(selectinload(Message.attachments))
    if cursor:
        at, message_id = decode_cursor(cursor)
        query = query.where(or_(Message.at > at, and_(Message.at == at, Message.id > message_id)))
    items = session.scalars(query.order_by(Message.at, Message.id).limit(limit + 1)).all()
    return _page(items, limit)


def events_of(session: Session, ticket: Ticket, cursor: str | None, limit: int = PAGE) -> Page[Event]:
    """The ticket's history ascending by (at, id)."""
    query = select(Event).where(Event.ticket_id == ticket.id)
    if cursor:
        at, event_id = decode_cursor(cursor)
        query = query.where(or_(Event.at > at, and_(Event.at == at, Event.id > event_id)))
    items = session.scalars(query.order_by(Event.at, Event.id).limit(limit + 1)).all()
    return _page(items, limit)


def _page(items: Sequence[Row], limit: int) -> Page[Row]:
    if len(items) <= limit:
        return Page(items, None)
    return Page(items[:limit], encode_cursor(items[limit - 1].at, items[limit - 1].id))


def newest_messages(session: Session, ticket: Ticket, cursor: str | None, limit: int = PAGE) -> Page[Message]:
    """The last messages before the cursor, ascending; next_cursor leads to the older ones."""
    query = select(Message).where(Message.ticket_id == ticket.id).options(selectinload(Message.attachments))
    if cursor:
        at, message_id = decode_cursor(cursor)
        query = query.where(or_(Message.at < at, and_(Message.at == at, Message.id < message_id)))
    items = session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(limit + 1)).all()
    return _newest(items, limit)


def newest_events(session: Session, ticket: Ticket, limit: int = PAGE) -> Page[Event]:
    """The last events, ascending; next_cursor says that there are older ones."""
    query = select(Event).where(Event.ticket_id == ticket.id)
    return _newest(session.scalars(query.order_by(Event.at.desc(), Event.id.desc()).limit(limit + 1)).all(), limit)


def _newest(items: Sequence[Row], limit: int) -> Page[Row]:
    shown = list(reversed(items[:limit]))
    return Page(shown, encode_cursor(shown[0].at, shown[0].id) if len(items) > limit else None)


def last_words(session: Session, ticket_ids: Sequence[int]) -> dict[int, Message]:
    """The newest thing said by either side on each of these tickets."""
    said = Message.direction.in_(("inbound", "outbound"))
    newest = select(func.max(Message.id)).where(Message.ticket_id.in_(ticket_ids), said).group_by(Message.ticket_id)
    found = session.scalars(select(Message).where(Message.id.in_(newest)))
    return {m.ticket_id: m for m in found if m.ticket_id is not None}


def tickets_of(session: Session, user: User, follower: Follower, limit: int = 50) -> Sequence[Ticket]:
    """The follower's tickets that the user may see, newest first."""
    query = for_lists(select(Ticket).where(Ticket.follower_id == follower.id, visible_to(user)))
    return session.scalars(query.order_by(Ticket.id.desc()).limit(limit)).all()


def visible_ticket(session: Session, user: User, ticket_id: int) -> Ticket | None:
    """The ticket if the user may see it."""
    return session.scalar(select(Ticket).where(Ticket.id == ticket_id, visible_to(user)))


def encode_cursor(at: datetime | None, row_id: int) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat() if at else ''} {row_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, int]:
    """The place a page ended. Raises InvalidInput for anything that encode_cursor did not make."""
    at, row_id = _place(cursor)
    assert at is not None  # noqa: S101 - refused by _place
    return at, row_id


def _place(cursor: str, *, may_lack_time: bool = False) -> tuple[datetime | None, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, row_id = text.partition(" ")
        if len(row_id) <= LONGEST_ID and (at or may_lack_time):
            return datetime.fromisoformat(at).astimezone(UTC) if at else None, int(row_id)
    except (ValueError, OverflowError):  # also what base64 raises
        pass
    raise InvalidInput(cursor="not a cursor of this list")
