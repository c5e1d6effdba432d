"""Messages that opened no ticket: why, and where staff find them. A person may still make a ticket of one."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import or_, select, union_all
from sqlalchemy.orm import Session, selectinload

from service.messaging.followers import Follower
from service.tickets.models import Message
from service.tickets.queries import Page, decode_cursor, encode_cursor

ADVERT: Final = "advert"
REPEAT: Final = "repeat"  # the words of a ticket that was merged or found to be nothing a few minutes ago
TALK: Final = "talk"  # thanks, greetings, nods, stickers
KEYWORD: Final = "keyword"  # a rule answered it
BLOCKED: Final = "blocked"  # its author is on the list
OWN = (ADVERT, REPEAT)  # of noise, what is not talk
REASONS = (ADVERT, REPEAT, KEYWORD, BLOCKED, TALK)
DOUBTFUL = (ADVERT, REPEAT)  # where a rule has judged: what a person should look through
PAGE = 50


def listing(session: Session, reasons: Sequence[str], cursor: str | None) -> Page[tuple[Message, Follower]]:
    """Messages kept for these reasons, the newest first; each reason is read from its own end of the index."""
    newest = []
    for reason in reasons:
        part = select(Message.id, Message.at).where(Message.kept == reason)
        if cursor:
            at, message_id = decode_cursor(cursor)
            part = part.where(Message.at <= at, or_(Message.at < at, Message.id < message_id))
        found = part.order_by(Message.at.desc(), Message.id.desc()).limit(PAGE + 1).subquery()
        newest.append(select(found.c.id, found.c.at))
    places = union_all(*newest).subquery()
    ids = session.scalars(select(places.c.id).order_by(places.c.at.desc(), places.c.id.desc()).limit(PAGE + 1)).all()
    shown = _with_followers(session, ids[:PAGE])
    last = shown[-1][0] if len(ids) > PAGE else None
    return Page(shown, encode_cursor(last.at, last.id) if last else None)


def _with_followers(session: Session, message_ids: Sequence[int]) -> list[tuple[Message, Follower]]:
    """The messages in this order, each with who wrote it."""
    query = select(Message, Follower).join(Follower, Follower.id == Message.follower_id)
    query = query.where(Message.id.in_(message_ids)).options(selectinload(Message.attachments))
    rows = {row[0].id: (row[0], row[1]) for row in session.execute(query)}
    return [rows[message_id] for message_id in message_ids]
