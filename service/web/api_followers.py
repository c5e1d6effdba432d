"""JSON endpoints beside tickets: followers with all they wrote, files, and the description of the API."""

from flask import current_app, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.clock import utcnow
from service.database import reading
from service.errors import NotFound
from service.messaging.followers import Follower
from service.people import Permission, Scope, User
from service.tickets import queries
from service.tickets.access import visible_to
from service.tickets.models import Attachment, Message, Ticket
from service.web import openapi as description
from service.web import presenting, schemas
from service.web.api import Json, api
from service.web.auth import me
from service.web.endpoints import endpoint

P = Permission


def follower_for(session: Session, user: User, follower_id: int) -> Follower:
    """The follower, if the user sees everything or at least one ticket of theirs; else NotFound."""
    follower = session.get(Follower, follower_id)
    seen = select(Ticket.id).where(Ticket.follower_id == follower_id, visible_to(user)).limit(1)
    if follower is None or (Scope.ALL not in user.scopes(P.SEE) and session.scalar(seen) is None):
        raise NotFound("no such follower")
    return follower


@api.get("/followers/<int:follower_id>")
@endpoint("A follower with the tickets the caller may see", P.SEE)
def follower(follower_id: int) -> Json:
    with reading() as session:
        found = follower_for(session, me(), follower_id)
        now = utcnow()
        return {
            "id": found.id,
            "display_name": found.display_name,
            "account": found.channel.partition(":")[2],
            "following": found.following,
            "first_seen_at": schemas.local(found.first_seen_at),
            "last_seen_at": schemas.local(found.last_seen_at),
            "reply_window": schemas.window_out(found, now),
            "tickets": [schemas.ticket_out(t, now) for t in queries.tickets_of(session, me(), found)],
        }


@api.get("/followers/<int:follower_id>/messages")
@endpoint("Every message of a follower, also those that opened no ticket", P.SEE, query=schemas.PageIn)
def follower_messages(follower_id: int, query: Json) -> Json:
    with reading() as session:
        found = follower_for(session, me(), follower_id)
        # a message of a ticket that the caller may not see stays out
        seen = Message.ticket_id.is_(None) | Message.ticket_id.in_(
            select(Ticket.id).where(Ticket.follower_id == found.id, visible_to(me()))
        )
        page = queries.messages_of(session, (Message.follower_id == found.id) & seen, query["cursor"])  # type: ignore[arg-type]
        return {"items": presenting.messages(session, page.items), "next_cursor": page.next_cursor}


@api.get("/attachments/<int:attachment_id>")
@endpoint("A file of a message that the caller may see", P.SEE)
def attachment(attachment_id: int) -> Response:
    return attachment_file(attachment_id)


def attachment_file(attachment_id: int) -> Response:
    """The file, never as a page of ours: its own type, no sniffing, and a sandbox."""
    with reading() as session:
        found = session.get(Attachment, attachment_id)
        if found is None or found.digest is None or not sees_message(session, me(), found.message_id):
            raise NotFound("no such file")
        path = current_app.extensions["files"].path(found.digest)
        if not path.is_file():
            raise NotFound("the file is not on this machine")
        made = send_file(path, mimetype=found.content_type, conditional=True, etag=found.digest, max_age=3600)
    made.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return made


def sees_message(session: Session, user: User, message_id: int) -> bool:
    message = session.get_one(Message, message_id)
    if message.ticket_id is None:
        follower_for(session, user, message.follower_id)
        return True
    query = select(Ticket.id).where(Ticket.id == message.ticket_id, visible_to(user))
    return session.scalar(query) is not None


@api.get("/openapi.json")
def openapi() -> Json:
    return description.describe(current_app, url_for("api.openapi", _external=False).removesuffix("/openapi.json"))
