"""Recusal (回避): nobody handles a complaint about themselves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.errors import Forbidden, InvalidInput
from service.people import Permission, Scope, User
from service.tickets import access
from service.tickets.changes import Deed, change
from service.tickets.models import Recusal, Ticket
from service.tickets.pool import hand_back
from service.tickets.states import WORKABLE, Action

ABOUT_PEOPLE = ("complaint", "report")  # categories in which a name means whom the matter is about
# of whom a complaint speaks that follows an answered matter: how it was handled, not what it was about
HANDLING = re.compile("态度|客服|工作人员|经办|接待|处理人|敷衍|推诿|推脱|踢皮球|不理人|骗人|骂人|凶")
SHORTEST_NAME = 2
MOST_PEOPLE = 1_000
PAIR = (Recusal.ticket_id, Recusal.user_id)


def recuse(session: Session, ticket: Ticket, user: User, deed: Deed, *, reason: str) -> None:
    """The person keeps away from the ticket; what they have of it goes back to the pool. Twice is as once.

    Raises Forbidden unless the actor assigns such tickets, or speaks of themselves.
    """
    if deed.by is not None and deed.by.id != user.id and not access.may(deed.by, Permission.ASSIGN, ticket):
        raise Forbidden("only those who assign tickets say that a colleague keeps away")
    kept = session.get(Recusal, (ticket.id, user.id))
    if kept is not None and kept.lifted_at is None:
        return
    if ticket.assignee_id == user.id and ticket.status in WORKABLE:
        hand_back(session, ticket, deed, because=f"回避：{reason}")  # first: afterwards they may do nothing
    with change(session, ticket, Action.RECUSE, deed, because=reason, also={"recused": user.username}):
        row = kept or Recusal(ticket_id=ticket.id, user_id=user.id)
        row.reason, row.at, row.by, row.lifted_at, row.lifted_by = reason, deed.now, deed.actor, None, None
        session.add(row)
    session.flush()


def unrecuse(session: Session, ticket: Ticket, user: User, deed: Deed, *, reason: str) -> None:
    """The person may handle the ticket after all, and no name brings it back. Raises InvalidInput where they may."""
    row = session.get(Recusal, (ticket.id, user.id))
    if row is None or row.lifted_at is not None:
        raise InvalidInput(username="does not keep away from this ticket")
    with change(session, ticket, Action.UNRECUSE, deed, because=reason, also={"recused": user.username}):
        row.lifted_at, row.lifted_by = deed.now, deed.actor
    session.flush()


def person_named(session: Session, username: str) -> User:
    """Raises InvalidInput where there is no such active user."""
    found = session.scalars(select(User).where(User.username == username, User.active)).one_or_none()
    if found is None:
        raise InvalidInput(username="no such active user")
    return found


def notice(session: Session, texts: Mapping[Ticket, str], deed: Deed) -> None:
    """See whom complaints and reports are about: whom they name, and whoever's handling of another matter they blame.

    One that was lifted stays lifted. `texts`: what the follower wrote on each ticket.
    """
    about = {t: text for t, text in texts.items() if t.category in ABOUT_PEOPLE and t.status in WORKABLE}
    if not about:
        return
    rows = session.execute(select(*PAIR).where(Recusal.ticket_id.in_([t.id for t in about])))
    known = {tuple(row) for row in rows}
    handlers, earlier = _handlers(session), _earlier_handlers(session, about)
    system = replace(deed, by=None, actor_name=audit.SYSTEM)
    for ticket, text in about.items():
        found = {user.id: (user, f"{user.name} 的姓名出现在来信中") for user in mentioned(handlers, text)}
        if (user := earlier.get(ticket.repeat_of_id)) is not None and _is_blamed(user, text):
            found.setdefault(user.id, (user, "来信不满上一单的办理，上一单由此人办理"))
        for user, reason in found.values():
            if (ticket.id, user.id) not in known:
                recuse(session, ticket, user, system, reason=reason)


def mentioned(people: Sequence[User], text: str) -> list[User]:
    """Those whose whole name stands in the text; one in Latin letters as words of its own."""
    folded = text.casefold()
    return [user for user in people if _names(user.name.strip().casefold(), folded)]


def _names(name: str, text: str) -> bool:
    if len(name) < SHORTEST_NAME or name not in text:
        return False
    return not name.isascii() or re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text) is not None


def _is_blamed(user: User, text: str) -> bool:
    """Whether a complaint is about how they handled the last matter; a guess, so not of whoever answers for all."""
    return Scope.ALL not in user.scopes(Permission.HANDLE) and HANDLING.search(text) is not None


def _handlers(session: Session) -> list[User]:
    """Everybody who could handle a ticket."""
    people = session.scalars(select(User).where(User.active).order_by(User.id).limit(MOST_PEOPLE))
    return [user for user in people if user.may(Permission.HANDLE) or user.may(Permission.FOLLOW_UP)]


def _earlier_handlers(session: Session, tickets: Iterable[Ticket]) -> dict[int | None, User]:
    """Who handled each closed ticket that one of these takes up again; not of complaints, which come again unsolved."""
    ids = [t.repeat_of_id for t in tickets if t.repeat_of_id is not None]
    if not ids:
        return {}
    query = select(Ticket.id, User).join(User, User.id == Ticket.assignee_id)
    query = query.where(Ticket.id.in_(ids), Ticket.category.not_in(ABOUT_PEOPLE))
    return {row[0]: row[1] for row in session.execute(query)}
