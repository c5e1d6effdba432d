"""The page of a ticket, its live parts, and the files of its messages."""

from flask import render_template, request
from sqlalchemy.orm import Session

from service.people import Permission
from service.tickets import access, queries
from service.web.api_followers import attachment_file
from service.web.auth import me, needs
from service.web.forms import ReplyForm
from service.web.pages import Answer, desk, looking
from service.web.talk import talk_of
from service.web.ticket_page import TicketPage, page_of


def opened(session: Session, number: str) -> TicketPage:
    return page_of(session, me(), access.ticket_for(session, me(), number))


@desk.get("/tickets/<number>")
@needs(Permission.SEE)
def ticket(number: str) -> Answer:
    with looking() as session:
        page = opened(session, number)
        form = ReplyForm()
        form.offered(page.kinds)
        return render_template("desk/ticket.html", page=page, form=form, seen=page.talk.newest)


@desk.get("/tickets/<number>/live")
@needs(Permission.SEE)
def ticket_live(number: str) -> str:
    """Everything on the page that others can change, for a page that is open."""
    with looking() as session:
        return render_template("desk/_live.html", page=opened(session, number))


@desk.get("/tickets/<number>/older")
@needs(Permission.SEE)
def older(number: str) -> str:
    """Messages before those that the page begins with."""
    with looking() as session:
        found = access.ticket_for(session, me(), number)
        handles = access.may(me(), Permission.HANDLE, found)
        history = queries.newest_events(session, found).items
        talk = talk_of(session, found, cursor=request.args.get("cursor"), may_handle=handles, history=history)
        template = "desk/_older.html" if request.headers.get("HX-Request") else "desk/older.html"
        return render_template(template, talk=talk, ticket=found)


@desk.get("/attachments/<int:attachment_id>")
@needs(Permission.SEE)
def attachment(attachment_id: int) -> Answer:
    """A file of a message that the person may see."""
    return attachment_file(attachment_id)


@desk.get("/attachments/<int:attachment_id>/sound")
@needs(Permission.SEE)
def sound(attachment_id: int) -> Answer:
    """A voice in a form that browsers play."""
    return attachment_file(attachment_id, as_sound=True)
