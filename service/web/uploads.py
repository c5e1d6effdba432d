"""Files that staff hand in for a reply, from a program and from the reply box, and typing shown to the follower."""

from flask import current_app, render_template, request
from werkzeug.wrappers import Response

from service import playable
from service.clock import utcnow
from service.database import reading, transaction
from service.doorbell import Doorbell
from service.errors import InvalidInput
from service.messaging.followers import Follower, can_reach
from service.people import Permission
from service.tickets import access, uploads
from service.tickets.uploads import Checked, Upload
from service.web import reply_schemas
from service.web.api import Json, api
from service.web.auth import me, needs
from service.web.endpoints import endpoint
from service.web.file_answers import file_answer
from service.web.pages import Answer, desk

P = Permission
FIELD = "file"


@api.post("/uploads")
@endpoint(
    "Hand in a picture or voice for a reply: multipart, field `file`",
    P.HANDLE,
    returns=reply_schemas.UploadOut,
    status=201,
)
def upload() -> Json:
    return reply_schemas.upload_out(taken())


@desk.post("/uploads")
@needs(P.HANDLE)
def hand_in() -> Answer:
    """The same from the reply box: the file as a line of the box."""
    return render_template("desk/_upload.html", upload=taken())


@desk.get("/uploads/<int:upload_id>")
@needs(P.HANDLE)
def preview(upload_id: int) -> Response:
    """A file of one's own that has not been sent yet."""
    with reading() as session:
        found = uploads.get_own(session, me(), upload_id)
        if found.playable_digest:
            return file_answer(found.playable_digest, playable.CONTENT_TYPE, upload_id)
        return file_answer(found.digest, found.content_type, upload_id)


@desk.post("/tickets/<number>/typing")
@needs(P.HANDLE)
def typing(number: str) -> Response:
    """Somebody writes to the ticket's follower, or no longer does; shown to them if a window is open."""
    with reading() as session:
        ticket = access.ticket_for(session, me(), number, P.HANDLE)
        follower = session.get_one(Follower, ticket.follower_id)
        is_reached = can_reach(follower, utcnow())
    if is_reached:
        bell: Doorbell = current_app.extensions["doorbell"]
        bell.leave("show_typing", f"{follower.id}:{'on' if request.form.get('on') == 'y' else 'off'}")
    return Response(status=204)


def taken() -> Upload:
    """The file of this request, checked and kept. Raises InvalidInput."""
    sent = request.files.get(FIELD)
    if sent is None:
        raise InvalidInput(file="send one file as multipart/form-data, in the field `file`")
    return keep(sent.read())


def keep(content: bytes) -> Upload:
    """Check and keep one file for the caller's next reply. Raises InvalidInput."""
    file = uploads.checked(content)
    heard = playable_of(file)
    with transaction() as session:
        made = uploads.keep(session, me(), file, files=current_app.extensions["files"], now=utcnow(), playable=heard)
        session.expunge(made)
    return made


def playable_of(file: Checked) -> bytes | None:
    """The voice as browsers play it; None where it is that already, or cannot be converted."""
    if not playable.is_convertible(file.content_type):
        return None
    try:
        return playable.as_mp3(file.content, file.content_type)
    except playable.NotPlayableError:
        return None
