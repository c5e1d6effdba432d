"""All messages of a follower, whatever ticket they belong to, newest first from where a page begins."""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from service.tickets.models import Message, Ticket
from service.tickets.queries import Page, decode_cursor, encode_cursor


def messages_before(session: Session, condition: ColumnElement[bool], cursor: str | None, limit: int) -> Page[Message]:
    """The last messages before the cursor, ascending; next_cursor leads to the older ones."""
    query = select(Message).where(condition).options(selectinload(Message.attachments))
    if cursor:
        at, message_id = decode_cursor(cursor)
        query = query.where(or_(Message.at < at, and_(Message.at == at, Message.id < message_id)))
    found = session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(limit + 1)).all()
    shown = list(reversed(found[:limit]))
    return Page(shown, encode_cursor(shown[0].at, shown[0].id) if len(found) > limit else None)


def numbers_of(session: Session, ticket_ids: Iterable[int]) -> Mapping[int, str]:
    """Ticket numbers by id."""
    query = select(Ticket.id, Ticket.number).where(Ticket.id.in_(list(ticket_ids)))
    return {row.id: row.number for row in session.execute(query)}
