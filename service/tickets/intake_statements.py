"""The statements of intake, built once: building them anew for each message cost more than running them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Executable,
    ScalarSelect,
    Table,
    bindparam,
    case,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from service.audit import Event
from service.messaging.followers import Follower
from service.tickets.models import ClockRow, Message, Ticket, TicketCounter
from service.tickets.states import OURS, Status

FOLLOWERS = cast(Table, Follower.__table__)
TICKETS = cast(Table, Ticket.__table__)
MESSAGES = cast(Table, Message.__table__)
COUNTERS = cast(Table, TicketCounter.__table__)
CLOCKS = cast(Table, ClockRow.__table__)
EVENTS = cast(Table, Event.__table__)
# a message changes nothing about these but their time; any other status moves
STAYS = (Status.PENDING_ACCEPTANCE, Status.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Met:
    """What intake needs of a follower."""

    id: int
    open_ticket_id: int | None
    waiting_items: int
    window_closes_at: datetime | None
    blocked_at: datetime | None = None
    intent: str | None = None
    intent_until: datetime | None = None
    default_answered_at: datetime | None = None
    last_source: str | None = None
    matter_mark: str | None = None
    matter_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    ticket_id: int
    number: str
    message_id: int


@dataclass(frozen=True, slots=True)
class NewTicket:
    """The rows of a new matter; ids and number are filled in where they are made."""

    day: str  # 20261120
    ticket: Mapping[str, object]
    clocks: Sequence[Mapping[str, object]]
    message: Mapping[str, object]
    event: Mapping[str, object]
    lately: datetime  # a ticket closed since then is what this one repeats
    mark: str | None  # by which the same words are known again
    receipt: str  # {number} stands for the number


def meet_follower(session: Session, values: Mapping[str, object]) -> Met:
    """The follower, made or locked by this statement."""
    return Met(*session.connection().execute(_meeting(session.get_bind().dialect.name), values).one())


def open_ticket(
    session: Session, new: NewTicket, *, follower_id: int, source: str | None, kept_id: int | None = None
) -> Opened:
    """Write all rows of the new ticket. The day's counter is locked from here to the commit.

    `kept_id`: the message has been written already, as one that opened nothing.
    """
    connection = session.connection()
    last = connection.execute(_numbering(connection.dialect.name), {"day": new.day}).scalar_one()
    number = f"GD{new.day}-{last:04}"
    ticket = {**new.ticket, "number": number, "follower_id": follower_id, "source": source}
    search = {"of_follower": follower_id, "lately": new.lately}
    ticket_id = connection.execute(INSERT_TICKET, ticket | search).scalar_one()
    if new.clocks:
        connection.execute(INSERT_CLOCKS, [{**clock, "ticket_id": ticket_id} for clock in new.clocks])
    message = {**new.message, "ticket_id": ticket_id, "follower_id": follower_id}
    if kept_id is None:
        message_id = connection.execute(INSERT_MESSAGE, message).scalar_one()
    else:
        message_id = kept_id
        connection.execute(TAKE_MESSAGE, {"message": kept_id, "ticket": ticket_id})
    connection.execute(INSERT_EVENT, {**new.event, "ticket_id": ticket_id})
    point = {"follower": follower_id, "ticket": ticket_id, "mark": new.mark, "at": new.ticket["received_at"]}
    connection.execute(POINT_FOLLOWER, point)
    return Opened(ticket_id, number, message_id)


@cache
def _meeting(dialect: str) -> Executable:
    return _meet_follower(_insert(dialect)(FOLLOWERS))


@cache
def _numbering(dialect: str) -> Executable:
    return _next_number(_insert(dialect)(COUNTERS))


def _insert(dialect: str) -> Callable[[Table], postgresql.Insert | sqlite.Insert]:
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


def _meet_follower(statement: postgresql.Insert | sqlite.Insert) -> ReturningInsert[Any]:
    """Make or lock the follower; a contact raises window and messages to what it grants, and never lowers them."""
    f = FOLLOWERS.c
    at, closes_at = bindparam("at", type_=f.last_seen_at.type), bindparam("closes_at", type_=f.window_closes_at.type)
    now, left = bindparam("now", type_=f.last_seen_at.type), bindparam("left", type_=f.messages_left.type)
    grants = closes_at.is_not(None)
    shut = or_(f.window_closes_at.is_(None), f.window_closes_at <= at)
    values: dict[str, object] = {
        "channel": bindparam("from_channel"),
        "address": bindparam("from_address"),
        "first_seen_at": now,
    }
    values |= {"last_seen_at": now, "following": True, "window_closes_at": closes_at, "messages_left": left}
    changed = {
        "last_seen_at": now,
        "following": or_(f.following, grants),
        "unreachable": case((grants, null()), else_=f.unreachable),  # whoever writes can be written to
        "window_closes_at": case(
            (grants & or_(shut, f.window_closes_at < closes_at), closes_at), else_=f.window_closes_at
        ),
        "messages_left": case((grants & or_(shut, f.messages_left < left), left), else_=f.messages_left),
    }
    upsert = statement.values(values | {"waiting_items": 0, "profile_due_at": now})
    upsert = upsert.on_conflict_do_update(index_elements=["channel", "address"], set_=changed)
    return upsert.returning(*(f[name] for name in Met.__dataclass_fields__))


def _next_number(statement: postgresql.Insert | sqlite.Insert) -> Executable:
    upsert = statement.values(day=bindparam("day"), last=1)
    upsert = upsert.on_conflict_do_update(index_elements=["day"], set_={"last": COUNTERS.c.last + 1})
    return upsert.returning(COUNTERS.c.last)


def _recently_closed() -> ScalarSelect[int]:
    """Id of the follower's newest ticket if that was closed a few days ago; the index gives the newest at once."""
    newest = TICKETS.alias("newest")
    follower_id = bindparam("of_follower", type_=TICKETS.c.follower_id.type)
    latest = select(func.max(newest.c.id)).where(newest.c.follower_id == follower_id).scalar_subquery()
    earlier = TICKETS.alias("earlier")
    lately = bindparam("lately", type_=TICKETS.c.closed_at.type)
    query = select(earlier.c.id).where(earlier.c.id == latest, earlier.c.closed_at >= lately)
    return query.where(earlier.c.status == Status.CLOSED).scalar_subquery()


def _time_of_message() -> dict[str, ColumnElement[Any]]:
    """What a message changes about a ticket that stays as it is; it is classified again once the follower is quiet."""
    t = TICKETS.c
    values: dict[str, ColumnElement[Any]] = {"last_inbound_at": bindparam("at", type_=t.last_inbound_at.type)}
    values["updated_at"] = bindparam("now", type_=t.updated_at.type)
    values["classify_at"] = bindparam("quiet_at", type_=t.classify_at.type)
    closes_at = bindparam("closes_at", type_=t.limit_at.type)
    values["limit_at"] = case((or_(t.due_at.is_(None), t.due_at > closes_at), closes_at), else_=t.due_at)
    return values | {"version": t.version + 1}


def _writes_on() -> Executable:
    """A message of an open ticket that stays as it is. Returns the number, if it was so.

    After our first reply it is not so: a message then starts the clock of the next one.
    """
    statement = update(TICKETS).where(TICKETS.c.id == bindparam("ticket"), TICKETS.c.status.in_(STAYS))
    statement = statement.where(TICKETS.c.first_replied_at.is_(None))
    return statement.values(_time_of_message()).returning(TICKETS.c.number, TICKETS.c.awaits_window)


def _talks_on() -> Executable:
    """Thanks and the like leave a ticket as it is, unless we asked something: then "好的" is the answer."""
    values = {name: value for name, value in _time_of_message().items() if name != "classify_at"}
    values["window_warn_at"] = values["updated_at"]  # the window has moved: the sweep looks again
    values["limit_at"] = case((TICKETS.c.status.in_(OURS), values["limit_at"]), else_=TICKETS.c.due_at)
    statement = update(TICKETS).where(TICKETS.c.id == bindparam("ticket"))
    statement = statement.where(TICKETS.c.status != Status.WAITING_CUSTOMER)
    return statement.values(values).returning(TICKETS.c.number, TICKETS.c.awaits_window)


INSERT_TICKET = insert(TICKETS).values(repeat_of_id=_recently_closed()).returning(TICKETS.c.id)
INSERT_CLOCKS = insert(CLOCKS)
INSERT_MESSAGE = insert(MESSAGES).returning(MESSAGES.c.id)
INSERT_EVENT = insert(EVENTS)
WRITES_ON = _writes_on()
TALKS_ON = _talks_on()
TAKE_MESSAGE = (
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("message"))
    .values(ticket_id=bindparam("ticket"), asks=True, kept=None)
)
POINT_FOLLOWER = (
    update(FOLLOWERS)
    .where(FOLLOWERS.c.id == bindparam("follower"))
    .values(open_ticket_id=bindparam("ticket"), matter_mark=bindparam("mark"), matter_at=bindparam("at"))
)
