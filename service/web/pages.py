"""What every staff page shares: the two blueprints, a look at the database with the rules at hand, and ways back."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from service.database import reading
from service.errors import NotFound
from service.people import Permission, User
from service.tickets import access
from service.web import presenting
from service.web.auth import me

desk = Blueprint("desk", __name__)
admin = Blueprint("admin", __name__, url_prefix="/admin")
Answer = str | tuple[str, int] | BaseResponse
HOMES = (  # permission -> where a person with it begins
    (Permission.SEE, "desk.queue"),
    (Permission.MANAGE_ACCOUNTS, "admin.accounts"),
    (Permission.MANAGE_PEOPLE, "admin.people"),
    (Permission.REVIEW_CONTENT, "admin.replies_of_all"),
)


@contextmanager
def looking() -> Iterator[Session]:
    """A session to look with; `g.rules` are the rules as they are now, for the words of the page."""
    with reading() as session:
        g.rules = presenting.rules(session)
        yield session


def is_fragment() -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def go(url: str, message: str = "") -> BaseResponse:
    """Send the person on, by a redirect or by htmx; the message is shown there."""
    if message:
        flash(message, "success")
    if is_fragment():
        return Response(status=204, headers={"HX-Redirect": url})
    return redirect(url, 303)


def back_to(number: str, message: str = "") -> BaseResponse:
    """To the ticket, or to the queue where the person no longer sees it."""
    with reading() as session:
        try:
            access.ticket_for(session, me(), number)
        except NotFound:
            return go(url_for("desk.queue"), message)
    return go(url_for("desk.ticket", number=number), message)


def home_of(user: User) -> str:
    """The first page that is of use to this person."""
    return next((url_for(page) for permission, page in HOMES if user.may(permission)), url_for("desk.profile"))
