"""The overdue board: what is late or soon will be, by department and person, live, and what can be done about it."""

from flask import g, render_template, request
from sqlalchemy.orm import Session

from service.people import Permission
from service.tickets import access, callbacks
from service.tickets.callbacks import Tally
from service.web import board_view, formats
from service.web.auth import me, needs
from service.web.board_view import Board
from service.web.pages import desk, looking

P = Permission


@desk.get("/overdue")
@needs(P.OVERSEE)
def overdue() -> str:
    with looking() as session:
        return render_template("desk/overdue.html", board=board(session), calls=calls_of(session))


@desk.get("/overdue/live")
@needs(P.OVERSEE)
def overdue_live() -> str:
    """The board alone, for a page that is open."""
    with looking() as session:
        return render_template("desk/_overdue.html", board=board(session), calls=calls_of(session))


def board(session: Session) -> Board:
    """What the person who asks oversees, narrowed as the address says."""
    return board_view.board_for(session, me(), board_view.choice_from(request.args), formats.now())


def calls_of(session: Session) -> Tally:
    """Followers to call about tickets that the person oversees."""
    now = formats.now()
    until = callbacks.horizon(g.rules.calendar, now)
    return callbacks.tally(session, me(), now=now, until=until, also=access.overseen_by(me()))
