"""The one door to a follower: whoever sees one of their tickets, or all tickets, sees them; and lists of followers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.messaging.followers import Follower
from service.messaging.profiles import Tag, Tagging
from service.people import Permission, Scope, User
from service.tickets.access import visible_to
from service.tickets.models import Message, Ticket

SEARCHED = 20_000  # the last four characters are looked for among so many of the newest followers
LISTED = 50
CANDIDATES = 1000  # of one way to find followers; of so many newest tickets
STATES = {"blocked": Follower.blocked_at.is_not(None), "erased": Follower.erased_at.is_not(None)}
SHORT = 4  # characters of an id that a pseudonym shows


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of followers is asked for; empty means any."""

    q: str = ""
    tag: int | None = None
    channel: str = ""
    state: str = ""  # blocked erased


def follower_for(session: Session, user: User, follower_id: int) -> Follower:
    """The follower, if the user sees everything or at least one ticket of theirs; else NotFound."""
    found = session.scalar(select(Follower).where(Follower.id == follower_id, seen_by(user)))
    if found is None:
        raise NotFound("no such follower")
    return found


def seen_by(user: User) -> ColumnElement[bool]:
    """The condition that every list of followers carries."""
    if Scope.ALL in user.scopes(Permission.SEE):
        return true()
    return select(Ticket.id).where(Ticket.follower_id == Follower.id, visible_to(user)).exists()


def messages_seen_by(user: User, follower: Follower) -> ColumnElement[bool]:
    """Every message of the follower but those of a ticket that the user may not see."""
    mine = select(Ticket.id).where(Ticket.follower_id == follower.id, visible_to(user))
    return (Message.follower_id == follower.id) & (Message.ticket_id.is_(None) | Message.ticket_id.in_(mine))


def search(session: Session, user: User, wanted: Wanted, channels: Iterable[str]) -> Sequence[Follower]:
    """The newest followers that fit: by remark, by tag, by the last four characters of the id or by the whole id.

    `channels` are all there are: an id is looked up within each.
    """
    query = select(Follower).where(_among(session, user, wanted))
    if wanted.channel:
        query = query.where(Follower.channel == wanted.channel)
    if wanted.tag is not None:
        tagged = select(Tagging.follower_id).where(Tagging.tag_id == wanted.tag).order_by(Tagging.follower_id.desc())
        query = query.where(Follower.id.in_(tagged.limit(CANDIDATES)))
    if wanted.state in STATES:
        query = query.where(STATES[wanted.state])
    if wanted.q:
        query = query.where(Follower.id.in_(_named(session, wanted.q, channels)))
    return session.scalars(query.order_by(Follower.id.desc()).limit(LISTED)).all()


def _among(session: Session, user: User, wanted: Wanted) -> ColumnElement[bool]:
    """Whom the user may see; of the whole list, whoever sees only some tickets gets the followers of the newest."""
    if Scope.ALL in user.scopes(Permission.SEE) or wanted.q or wanted.tag is not None or wanted.state:
        return seen_by(user)
    newest = select(Ticket.follower_id).where(visible_to(user)).order_by(Ticket.received_at.desc(), Ticket.id.desc())
    return Follower.id.in_(set(session.scalars(newest.limit(CANDIDATES))))


def _named(session: Session, q: str, channels: Iterable[str]) -> set[int]:
    """Followers with that remark or that id; the last four characters of one among the newest followers."""
    q = q.strip().rpartition("·")[2]  # as a pseudonym is written
    pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    remarked = select(Follower.id).where(Follower.remark.is_not(None), Follower.remark.ilike(pattern, escape="\\"))
    found = set(session.scalars(remarked.order_by(Follower.id.desc()).limit(CANDIDATES)))
    if len(q) > SHORT:
        mine = select(Follower.id).where(Follower.channel.in_(list(channels)), Follower.address == q)
        found |= set(session.scalars(mine.limit(CANDIDATES)))
    if len(q) == SHORT:
        newest = select(Follower.id, Follower.address).order_by(Follower.id.desc()).limit(SEARCHED).subquery()
        end = func.substr(newest.c.address, func.length(newest.c.address) - SHORT + 1)
        found |= set(session.scalars(select(newest.c.id).where(end == q).limit(CANDIDATES)))
    return found


def find_tag(session: Session, tag_id: int | None) -> Tag | None:
    return session.get(Tag, tag_id) if tag_id is not None else None
