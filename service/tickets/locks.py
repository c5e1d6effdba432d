"""The order in which rows are locked: follower, ticket, outbox item. Everything that changes a ticket starts here."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.messaging.followers import Follower
from service.tickets.models import Ticket

BATCH = 100  # due tickets of one transaction


def lock_ticket(session: Session, ticket_id: int) -> Ticket:
    """The ticket, locked after its follower, as it is now. The follower's lock serialises all that concerns them."""
    follower_id = session.scalars(select(Ticket.follower_id).where(Ticket.id == ticket_id)).one()
    session.get_one(Follower, follower_id, with_for_update={"key_share": True}, populate_existing=True)
    return session.get_one(Ticket, ticket_id, with_for_update={"key_share": True}, populate_existing=True)


def lock_due(session: Session, instant: InstrumentedAttribute[datetime | None], *, now: datetime) -> list[Ticket]:
    """Tickets whose instant has passed, locked; a batch of those that have waited longest.

    Followers are locked in the order of their ids: two sweeps that hold many never wait for each other.
    """
    query = select(Ticket.follower_id, Ticket.id).where(instant <= now).order_by(instant, Ticket.id).limit(BATCH)
    found = [lock_ticket(session, ticket_id) for _, ticket_id in sorted(tuple(row) for row in session.execute(query))]
    return [ticket for ticket in found if (at := getattr(ticket, instant.key)) is not None and at <= now]


def lock_two(session: Session, first_id: int, second_id: int) -> None:
    """Two tickets at once: followers first, then tickets, each in the order of their ids."""
    ids = sorted((first_id, second_id))
    followers = sorted(set(session.scalars(select(Ticket.follower_id).where(Ticket.id.in_(ids)))))
    for follower_id in followers:
        session.get_one(Follower, follower_id, with_for_update={"key_share": True}, populate_existing=True)
    for ticket_id in ids:
        session.get_one(Ticket, ticket_id, with_for_update={"key_share": True}, populate_existing=True)
