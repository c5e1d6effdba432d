"""The list of supervision orders, and their number in the menu."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import g, render_template, request
from marshmallow import EXCLUDE
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from service.people import Permission, Scope, User
from service.tickets import supervised
from service.tickets.queries import COUNT_CAP
from service.tickets.supervised import Wanted
from service.web import formats, forms
from service.web.auth import me, needs
from service.web.naming import department_name
from service.web.pages import Answer, desk, looking
from service.web.supervision_schemas import OrdersIn
from service.web.supervision_view import OrderView, views_of

P = Permission


class OrderPageIn(OrdersIn):
    """The address of the page; what it does not know is left out."""

    class Meta:
        unknown = EXCLUDE


@dataclass(frozen=True, slots=True)
class OrderBoard:
    """A page of orders; `asked` is its address as values."""

    asked: Mapping[str, object]
    rows: Sequence[OrderView]
    next_cursor: str | None
    counts: Mapping[str, int]
    levels: Mapping[str, int]  # of the open ones
    departments: Sequence[tuple[str, str]]  # to choose from; empty where the person has only one

    @property
    def state(self) -> str:
        return str(self.asked["state"])

    @property
    def filtered(self) -> bool:
        return bool(self.asked["level"] or self.asked["department"])

    @property
    def most(self) -> int:
        return sum(self.levels.values())

    def address(self, **changed: object) -> str:
        """The query string of this page with some values changed; empty values are left out."""
        values = {**self.asked, "limit": None, "cursor": None, **changed}
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def here(self) -> str:
        return self.address(cursor=self.asked["cursor"])


@desk.get("/supervision")
@needs(P.OVERSEE)
def supervision() -> Answer:
    with looking() as session:
        return render_template("desk/supervision.html", board=board_of(session, me(), request.args))


@desk.get("/supervision/live")
@needs(P.OVERSEE)
def supervision_live() -> str:
    """The part that others can change, for a page that is open."""
    with looking() as session:
        return render_template("desk/_supervision.html", board=board_of(session, me(), request.args))


@desk.get("/supervision/badge")
@needs(P.OVERSEE)
def supervision_badge() -> str:
    """The number in the menu; empty where no order is open."""
    with looking() as session:
        number = supervised.count(session, me(), Wanted())
    return formats.tally(number, COUNT_CAP) if number else ""


def board_of(session: Session, user: User, arguments: MultiDict[str, str]) -> OrderBoard:
    """The orders that the address asks for. Raises ValidationError for a value that no page of ours makes."""
    asked = OrderPageIn().load({name: value for name, value in arguments.items() if value})
    department_id = g.rules.departments.get(asked["department"], -1) if asked["department"] else None
    wanted = Wanted(asked["state"], asked["level"], department_id, asked["limit"], asked["cursor"])
    page = supervised.listing(session, user, wanted)
    several = Scope.ALL in user.scopes(P.OVERSEE)
    return OrderBoard(
        asked=asked,
        rows=views_of(session, user, [(order, order.ticket) for order in page.items]),
        next_cursor=page.next_cursor,
        counts=supervised.counts(session, user, wanted),
        levels=supervised.levels(session, user, wanted),
        departments=[(d.code, department_name(d)) for d in forms.departments(session)] if several else [],
    )
