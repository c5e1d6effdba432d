"""Where tickets come from: the scene by which their follower last came."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.tickets.models import Ticket

SEARCHED = 5_000  # the newest tickets, of all channels


def tickets_by_source(session: Session, channel: str) -> Mapping[str, int]:
    """How many of the newest tickets came by each scene of the channel."""
    order = (Ticket.received_at.desc(), Ticket.id.desc())
    newest = select(Ticket.channel, Ticket.source).order_by(*order).limit(SEARCHED).subquery()
    query = select(newest.c.source, func.count().label("number")).where(
        newest.c.channel == channel, newest.c.source.is_not(None)
    )
    return {row.source: row.number for row in session.execute(query.group_by(newest.c.source))}
