"""What a ticket's page says of tickets like it: the earlier answer, and how many tell of the same thing today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g
from sqlalchemy.orm import Session

from service.people import Permission, User
from service.tickets import access, likenesses
from service.tickets.access import visible_to
from service.tickets.likenesses import INCIDENT, MANY, Shown
from service.tickets.models import Ticket
from service.tickets.states import LIVE, Action, Status, allows


@dataclass(frozen=True, slots=True)
class AlikeRow:
    """One ticket that is like the page's."""

    ticket: Ticket
    answer: str
    is_own: bool  # of the same follower
    is_open: bool
    may_merge: bool  # the page's ticket into this one


@dataclass(frozen=True, slots=True)
class Alike:
    rows: Sequence[AlikeRow]
    today: int  # tickets of today that tell of the same thing, 0 where they are few

    def __bool__(self) -> bool:
        return bool(self.rows or self.today)


def of_ticket(session: Session, user: User, ticket: Ticket, now: datetime) -> Alike:
    """All that this person may see of it."""
    if ticket.status is Status.MERGED:
        return Alike((), 0)  # it has found its place
    found = likenesses.shown_to(session, user, ticket)
    midnight = now.astimezone(g.rules.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    is_part = ticket.incident_id is not None or any(shown.kind == INCIDENT for shown in found)
    today = likenesses.alike_since(session, ticket, midnight, visible_to(user)) if is_part else 0
    return Alike([_row(user, ticket, shown) for shown in found], today if today >= MANY else 0)


def _row(user: User, ticket: Ticket, shown: Shown) -> AlikeRow:
    is_own, is_open = shown.kind != INCIDENT, shown.ticket.status in LIVE
    may = access.may(user, Permission.HANDLE, ticket) and access.may(user, Permission.HANDLE, shown.ticket)
    may_merge = is_own and is_open and may and allows(ticket.status, Action.MERGE)
    return AlikeRow(shown.ticket, shown.answer, is_own, is_open, may_merge)
