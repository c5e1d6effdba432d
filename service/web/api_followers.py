"""JSON endpoints beside tickets: followers with all they wrote, files, and the description of the API."""

from flask import current_app, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service import playable
from service.clock import utcnow
from service.database import reading
from service.errors import NotFound
from service.files import UNTOLD
from service.people import Permission, User
from service.tickets import queries
from service.tickets.access import visible_to
from service.tickets.models import Attachment, Message, Ticket
from service.web import follower_acts, presenting, schemas
from service.web import openapi as description
from service.web.api import Json, api
from service.web.auth import me
from service.web.endpoints import endpoint
from service.web.file_answers import file_answer
from service.web.follower_access import follower_for, messages_seen_by
from service.web.follower_schemas import FollowerReasonIn, RemarkIn, TagsIn, follower_out

P = Permission


@api.get("/followers/<int:follower_id>")
@endpoint("A follower with the tickets the caller may see", P.SEE)
def follower(follower_id: int) -> Json:
    return told(follower_id)


def told(follower_id: int) -> Json:
    """The follower as they stand now."""
    with reading() as session:
        found = follower_for(session, me(), follower_id)
        now = utcnow()
        tickets = presenting.tickets(session, queries.tickets_of(session, me(), found))
        return follower_out(found, now) | {"tickets": tickets}


@api.post("/followers/<int:follower_id>/remark")
@endpoint("What staff call the follower; empty takes it away", P.MANAGE_FOLLOWERS, body=RemarkIn)
def remark(follower_id: int, body: Json) -> Json:
    follower_acts.set_remark(me(), follower_id, str(body["remark"]))
    return told(follower_id)


@api.post("/followers/<int:follower_id>/tags")
@endpoint("Give tags to the follower and take some away", P.MANAGE_FOLLOWERS, body=TagsIn)
def tags(follower_id: int, body: Json) -> Json:
    follower_acts.retag(me(), follower_id, add=body["add"], remove=body["remove"])  # type: ignore[arg-type]
    return told(follower_id)


@api.post("/followers/<int:follower_id>/block")
@endpoint("From now on their messages are kept and open nothing", P.MANAGE_FOLLOWERS, body=FollowerReasonIn)
def block(follower_id: int, body: Json) -> Json:
    return {"platform_refusal": follower_acts.block(me(), follower_id, reason=str(body["reason"]))} | told(follower_id)


@api.post("/followers/<int:follower_id>/unblock")
@endpoint("Their messages count again", P.MANAGE_FOLLOWERS, body=FollowerReasonIn)
def unblock(follower_id: int, body: Json) -> Json:
    return {"platform_refusal": follower_acts.unblock(me(), follower_id, reason=str(body["reason"]))} | told(
        follower_id
    )


@api.get("/followers/<int:follower_id>/messages")
@endpoint("Every message of a follower, also those that opened no ticket", P.SEE, query=schemas.PageIn)
def follower_messages(follower_id: int, query: Json) -> Json:
    with reading() as session:
        found = follower_for(session, me(), follower_id)
        page = queries.messages_of(session, messages_seen_by(me(), found), query["cursor"])  # type: ignore[arg-type]
        return {"items": presenting.messages(session, page.items), "next_cursor": page.next_cursor}


@api.get("/attachments/<int:attachment_id>")
@endpoint("A file of a message that the caller may see", P.SEE)
def attachment(attachment_id: int) -> Response:
    return attachment_file(attachment_id)


@api.get("/attachments/<int:attachment_id>/sound")
@endpoint("A voice of a message that the caller may see, as MP3", P.SEE)
def sound(attachment_id: int) -> Response:
    return attachment_file(attachment_id, as_sound=True)


def attachment_file(attachment_id: int, *, as_sound: bool = False) -> Response:
    with reading() as session:
        found = session.get(Attachment, attachment_id)
        if found is None or not sees_message(session, me(), found.message_id):
            raise NotFound("no such file")
        digest = found.playable_digest if as_sound else found.digest
        if digest is None:
            raise NotFound("no such file")
        return file_answer(digest, playable.CONTENT_TYPE if as_sound else found.content_type or UNTOLD, attachment_id)


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
