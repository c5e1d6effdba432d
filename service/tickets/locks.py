"""The order in which rows are locked: follower, ticket, outbox item. Everything that changes a ticket starts here."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.messaging.followers import Follower
from service.tickets.models import Ticket


def lock_ticket(session: Session, ticket_id: int) -> Ticket:
    """The ticket, locked after its follower, as it is now. The follower's lock serialises all that concerns them."""
    follower_id = session.scalars(select(Ticket.follower_id).where(Ticket.id == ticket_id)).one()
    session.get_one(Follower, follower_id, with_for_update={"key_share": True}, populate_existing=True)
    return session.get_one(Ticket, ticket_id, with_for_update={"key_share": True}, populate_existing=True)


def lock_two(session: Session, first_id: int, second_id: int) -> None:
    """Two tickets at once: followers first, then tickets, each in the order of their ids."""
    ids = sorted((first_id, second_id))
    followers = sorted(set(session.scalars(select(Ticket.follower_id).where(Ticket.id.in_(ids)))))
    for follower_id in followers:
        session.get_one(Follower, follower_id, with_for_update={"key_share": True}, populate_existing=True)
    for ticket_id in ids:
        session.get_one(Ticket, ticket_id, with_for_update={"key_share": True}, populate_existing=True)
