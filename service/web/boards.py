"""The follow-up board: answers that wait for somebody to ask whether the matter is settled."""

from dataclasses import dataclass

from flask import render_template
from sqlalchemy.orm import Session

from service.people import Permission, User
from service.tickets import access, followup, queries
from service.tickets.models import Ticket
from service.tickets.queries import Search
from service.web import queue_board
from service.web.auth import me, needs
from service.web.pages import desk, looking
from service.web.queue_board import Row

P = Permission
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A follow-up to make; `handled`: by this very person, who may not follow up a complaint of their own."""

    row: Row
    handled: bool


@desk.get("/follow-up")
@needs(P.FOLLOW_UP)
def follow_up() -> str:
    with looking() as session:
        return render_template("desk/follow_up.html", calls=calls(session, me()), most=SHOWN)


@desk.get("/follow-up/rows")
@needs(P.FOLLOW_UP)
def follow_up_rows() -> str:
    with looking() as session:
        return render_template("desk/_calls.html", calls=calls(session, me()), most=SHOWN)


def calls(session: Session, user: User) -> list[Call]:
    """Open follow-ups that the user may make, the earliest due first; those without a due time last."""
    search = Search(sort="received", limit=SHOWN, also=(Ticket.follow_up_open.expression,))
    found = [t for t in queries.search(session, user, search).items if access.may(user, P.FOLLOW_UP, t)]
    found.sort(key=lambda t: (t.due_at is None, t.due_at or t.received_at, t.id))
    handled = followup.handled_by(session, user, [t for t in found if t.category == "complaint"])
    return [Call(row, row.ticket.id in handled) for row in queue_board.rows_of(session, found)]
