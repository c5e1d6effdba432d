"""The statements of intake, built once: building them anew for each message cost more than running them."""

from dataclasses import dataclass
from functools import cache
from typing import cast

from sqlalchemy import Executable, Table, bindparam, case, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.audit import Event
from service.messaging.followers import Follower
from service.tickets.models import ClockRow, Message, Ticket, TicketCounter
from service.tickets.states import Status

FOLLOWERS = cast(Table, Follower.__table__)
TICKETS = cast(Table, Ticket.__table__)
MESSAGES = cast(Table, Message.__table__)
COUNTERS = cast(Table, TicketCounter.__table__)
# a message changes nothing about these but their time; any other status moves
STAYS = (Status.PENDING_ACCEPTANCE, Status.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Upserts:
    """The statements that each dialect spells its own way."""

    meet_follower: Executable
    next_number: Executable


def statements_for(session: Session) -> Upserts:
    return _upserts(session.get_bind().dialect.name)


@cache
def _upserts(dialect: str) -> Upserts:
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return Upserts(meet_follower=_meet_follower(build(FOLLOWERS)), next_number=_next_number(build(COUNTERS)))


def _meet_follower(statement: postgresql.Insert | sqlite.Insert) -> Executable:
    """Make or lock the follower; a contact raises window and messages to what it grants, and never lowers them."""
    f = FOLLOWERS.c
    at, closes_at = bindparam("at", type_=f.last_seen_at.type), bindparam("closes_at", type_=f.window_closes_at.type)
    now, left = bindparam("now", type_=f.last_seen_at.type), bindparam("left", type_=f.messages_left.type)
    grants = closes_at.is_not(None)
    shut = or_(f.window_closes_at.is_(None), f.window_closes_at <= at)
    values = {"channel": bindparam("channel"), "address": bindparam("address"), "first_seen_at": now}
    values |= {"last_seen_at": now, "following": True, "window_closes_at": closes_at, "messages_left": left}
    changed = {
        "last_seen_at": now,
        "following": or_(f.following, grants),
        "window_closes_at": case(
            (grants & or_(shut, f.window_closes_at < closes_at), closes_at), else_=f.window_closes_at
        ),
        "messages_left": case((grants & or_(shut, f.messages_left < left), left), else_=f.messages_left),
    }
    upsert = statement.values(values | {"waiting_items": 0})
    upsert = upsert.on_conflict_do_update(index_elements=["channel", "address"], set_=changed)
    return upsert.returning(f.id, f.open_ticket_id, f.waiting_items, f.window_closes_at)


def _next_number(statement: postgresql.Insert | sqlite.Insert) -> Executable:
    upsert = statement.values(day=bindparam("day"), last=1)
    upsert = upsert.on_conflict_do_update(index_elements=["day"], set_={"last": COUNTERS.c.last + 1})
    return upsert.returning(COUNTERS.c.last)


def _recently_closed() -> Executable:
    """Id of the follower's newest ticket if that was closed a few days ago; the index gives the newest at once."""
    newest = TICKETS.alias("newest")
    follower_id = bindparam("of_follower", type_=TICKETS.c.follower_id.type)
    latest = select(func.max(newest.c.id)).where(newest.c.follower_id == follower_id).scalar_subquery()
    earlier = TICKETS.alias("earlier")
    lately = bindparam("lately", type_=TICKETS.c.closed_at.type)
    query = select(earlier.c.id).where(earlier.c.id == latest, earlier.c.closed_at >= lately)
    return query.where(earlier.c.status == Status.CLOSED).scalar_subquery()


def _goes_on(*, talk: bool) -> Executable:
    """A message of an open ticket; any other status only talk leaves as it is. Returns the number, if it was so."""
    t = TICKETS.c
    values = {"last_inbound_at": bindparam("at"), "updated_at": bindparam("now"), "version": t.version + 1}
    statement = update(TICKETS).where(t.id == bindparam("ticket"))
    if not talk:
        statement = statement.where(t.status.in_(STAYS))
        values["classify_at"] = bindparam("quiet_at")
    return statement.values(values).returning(t.number)


INSERT_TICKET = insert(TICKETS).values(repeat_of_id=_recently_closed()).returning(TICKETS.c.id)
INSERT_CLOCKS = insert(ClockRow.__table__)
INSERT_MESSAGE = insert(MESSAGES)
INSERT_EVENT = insert(Event.__table__)
WRITES_ON = _goes_on(talk=False)
TALKS_ON = _goes_on(talk=True)
POINT_FOLLOWER = (
    update(FOLLOWERS).where(FOLLOWERS.c.id == bindparam("follower")).values(open_ticket_id=bindparam("ticket"))
)
