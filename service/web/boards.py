"""Two boards beside the queue: answers that wait for a follow-up, and what is overdue or soon will be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g, render_template, request
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.people import Department, Permission, User
from service.tickets import access, callbacks, followup, queries
from service.tickets.models import Ticket
from service.tickets.queries import Search
from service.web import formats, queue_board
from service.web.auth import me, needs
from service.web.calls import tally_of
from service.web.naming import department_name
from service.web.pages import desk, looking
from service.web.queue_board import Row

P = Permission
SOON = timedelta(hours=2)
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


@dataclass(slots=True)
class Tally:
    """How much of a department or a person is late, and soon will be."""

    name: str
    code: str
    late: int = 0
    soon: int = 0
    oldest: datetime | None = None

    @property
    def whole(self) -> int:
        return self.late + self.soon


@dataclass(frozen=True, slots=True)
class Overdue:
    calls: callbacks.Tally  # counted apart: these need a telephone
    departments: Sequence[Tally]
    people: Sequence[Tally]
    rows: Sequence[Row]
    chosen: Mapping[str, str]

    @property
    def late(self) -> int:
        return sum(t.late for t in self.departments)

    @property
    def soon(self) -> int:
        return sum(t.soon for t in self.departments)

    @property
    def largest(self) -> int:
        return max((t.whole for t in (*self.departments, *self.people)), default=0)


@desk.get("/overdue")
@needs(P.SUPERVISE)
def overdue() -> str:
    with looking() as session:
        return render_template("desk/overdue.html", board=overdue_board(session, me(), request.args))


@desk.get("/overdue/live")
@needs(P.SUPERVISE)
def overdue_live() -> str:
    with looking() as session:
        return render_template("desk/_overdue.html", board=overdue_board(session, me(), request.args))


def overdue_board(session: Session, user: User, arguments: Mapping[str, str]) -> Overdue:
    """The board; department, assignee and kind (late or soon) narrow the list below it."""
    chosen = {name: arguments[name] for name in ("department", "assignee", "kind") if arguments.get(name)}
    late, soon = Ticket.overdue.expression, is_soon(formats.now())
    kinds: dict[str, list[ColumnElement[bool]]] = {"late": [late], "soon": [soon, ~late]}
    wanted = kinds.get(chosen.get("kind", ""), [late | soon])
    department = g.rules.departments.get(chosen["department"], -1) if "department" in chosen else None
    search = Search(sort="due", limit=SHOWN, also=wanted, department_id=department, assignee=chosen.get("assignee"))
    rows = queue_board.rows_of(session, queries.search(session, user, search).items)
    departments, people = tallies(session, user)
    return Overdue(tally_of(session, user), departments, people, rows, chosen)


def is_soon(now: datetime) -> ColumnElement[bool]:
    """Something that still runs is due within SOON."""
    return Ticket.breach_at.between(now, now + SOON)


def tallies(session: Session, user: User) -> tuple[list[Tally], list[Tally]]:
    """By department and by person, the fullest first."""
    departments = {d.id: Tally(department_name(d), d.code) for d in session.scalars(select(Department))}
    people: dict[int | None, Tally] = {None: Tally("", "none")}
    late, soon = Ticket.overdue.expression, is_soon(formats.now())
    for name, condition in (("late", late), ("soon", soon & ~late)):
        columns = (Ticket.department_id, Ticket.assignee_id, func.count(Ticket.id), func.min(Ticket.due_at))
        query = select(*columns).where(access.visible_to(user), condition)
        for department_id, person_id, number, oldest in session.execute(query.group_by(*columns[:2])):
            if person_id not in people:
                person = session.get_one(User, person_id)
                people[person_id] = Tally(person.name, person.username)
            for tally in (departments[department_id], people[person_id]):
                add(tally, name, number, oldest)
    return by_size(departments.values()), by_size(people.values())


def add(tally: Tally, name: str, number: int, oldest: datetime | None) -> None:
    setattr(tally, name, getattr(tally, name) + number)
    if oldest and (tally.oldest is None or oldest < tally.oldest):
        tally.oldest = oldest


def by_size(tallies: Iterable[Tally]) -> list[Tally]:
    return sorted((t for t in tallies if t.whole), key=lambda t: (-t.late, -t.soon, t.name))
