"""What is done from the overdue board without leaving it: hand tickets to a person, urge them, several at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import RadioField, TextAreaField
from wtforms.validators import Length

from service.errors import InvalidInput, ServiceError
from service.people import Permission, User
from service.tickets import access, cooperation, load, queries, urging
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.web import board_view, problems
from service.web.auth import me, needs
from service.web.board_view import Choice
from service.web.endpoints import acting
from service.web.forms import CHOSEN, StaffForm, options
from service.web.pages import Answer, desk, go, is_fragment, looking
from service.web.schemas import LONGEST_REASON

P = Permission
MOST = 50  # tickets at once: each is a transaction of its own
Do = Callable[[Session, Ticket, Deed], object]


class HandOverForm(StaffForm):
    """Who gets the tickets."""

    person = RadioField(_l("经办人"), validators=[CHOSEN])


class UrgeForm(StaffForm):
    """What the handlers are told."""

    text = TextAreaField(_l("说明（可选）"), validators=[Length(max=LONGEST_REASON)])


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could take tickets, with what they have."""

    user: User
    open: int
    late: int
    has_all: bool  # of the tickets that were chosen


@dataclass(frozen=True, slots=True)
class Failure:
    number: str
    why: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tickets that an address names, as far as the person oversees them."""

    numbers: Sequence[str]
    tickets: Sequence[Ticket]
    choice: Choice

    @property
    def back(self) -> str:
        return f"{url_for('desk.overdue')}?{urlencode(self.choice.address())}".rstrip("?")

    @property
    def is_possible(self) -> bool:
        return bool(self.tickets) and len(self.numbers) <= MOST

    @property
    def department_ids(self) -> set[int]:
        return {ticket.department_id for ticket in self.tickets}


@desk.get("/overdue/assign")
@needs(P.OVERSEE)
def board_assign() -> Answer:
    return assign_page(HandOverForm(formdata=None))


@desk.post("/overdue/assign")
@needs(P.OVERSEE)
def board_assign_many() -> Answer:
    """Hand each of the tickets to the person; the answer says which could not be."""
    form = HandOverForm()
    with looking() as session:
        chosen = chosen_tickets(session)
        form.person.choices = options((c.user.username, c.user.name) for c in candidates(session, chosen.tickets))
        person = session.scalar(select(User).where(User.username == (form.person.data or "")))
    if not form.validate() or person is None or not chosen.is_possible:
        return assign_page(form, 422)
    words = _("已分派给%(name)s", name=person.name)
    return finished(chosen, P.ASSIGN, lambda s, t, deed: hand_over(s, t, deed, person), words)


@desk.get("/overdue/urge")
@needs(P.OVERSEE)
def board_urge() -> Answer:
    return urge_page(UrgeForm(formdata=None))


@desk.post("/overdue/urge")
@needs(P.OVERSEE)
def board_urge_many() -> Answer:
    """Urge each of the tickets; the answer says which could not be."""
    form = UrgeForm()
    with looking() as session:
        chosen = chosen_tickets(session)
    if not form.validate() or not chosen.is_possible:
        return urge_page(form, 422)
    text = (form.text.data or "").strip()
    return finished(chosen, P.URGE, lambda s, t, deed: urging.urge(s, t, deed, text=text), _("已催办"))


def assign_page(form: HandOverForm, status: int = 200) -> Answer:
    with looking() as session:
        chosen = chosen_tickets(session)
        people = candidates(session, chosen.tickets)
        form.person.choices = options((c.user.username, c.user.name) for c in people)
        most = max((c.open for c in people), default=0)
        return page("assign", chosen, form=form, candidates=people, most_open=most), status


def urge_page(form: UrgeForm, status: int = 200) -> Answer:
    with looking() as session:
        return page("urge", chosen_tickets(session), form=form), status


def page(part: str, chosen: Chosen, **values: object) -> str:
    """The dialog, or a page of its own where the browser runs no scripts."""
    template = "desk/_overdue_act.html" if is_fragment() else "desk/overdue_act.html"
    return render_template(template, part=part, chosen=chosen, most=MOST, **values)


def chosen_tickets(session: Session) -> Chosen:
    numbers = list(dict.fromkeys(number for number in request.values.getlist("number") if number))
    query = select(Ticket).where(Ticket.number.in_(numbers[:MOST]), access.overseen_by(me()))
    tickets = session.scalars(queries.for_lists(query).order_by(Ticket.due_at.nulls_last(), Ticket.id)).all()
    return Chosen(numbers, tickets, board_view.choice_from(request.values))


def candidates(session: Session, tickets: Sequence[Ticket]) -> list[Candidate]:
    """Who works in the departments of these tickets, with what they have, those with the least first."""
    there = {ticket.department_id for ticket in tickets}
    people = [user for user in load.workers(session) if user.department_id in there]
    opened = load.open_by_place(session, access.overseen_by(me())) if people else []
    found = []
    for user in people:
        own = [each for each in opened if each.place.person_id == user.id]
        has_all = all(ticket.assignee_id == user.id for ticket in tickets)
        found.append(Candidate(user, sum(e.number for e in own), sum(e.late for e in own), has_all))
    return sorted(found, key=lambda c: (c.user.department_id, c.open, c.user.name))


def hand_over(session: Session, ticket: Ticket, deed: Deed, person: User) -> None:
    """As any assignment; nothing happens where the person has the ticket already."""
    if ticket.assignee_id == person.id:
        return
    if not cooperation.can_work(person, ticket):
        raise InvalidInput(person="this person does not work on tickets of this department")
    cooperation.assign(session, ticket, deed, assignee=person.username)


def finished(chosen: Chosen, permission: Permission, do: Do, words: str) -> Answer:
    """Do it with each ticket; back to the board where all went well, else say what did not and why."""
    failures = list(each(chosen.numbers, permission, do))
    done = len(chosen.numbers) - len(failures)
    told = _("%(words)s：%(number)d 件", words=words, number=done)
    if not failures:
        return go(chosen.back, told)
    with looking():
        return page("done", chosen, told=told if done else "", failures=failures), 200 if done else 409


def each(numbers: Iterable[str], permission: Permission, do: Do) -> Iterable[Failure]:
    """One transaction and one change a ticket, through the one door; what is refused holds nobody else up."""
    for number in numbers:
        try:
            with acting(number, permission) as (session, ticket, deed):
                problems.remember(deed.rules)
                do(session, ticket, deed)
        except ServiceError as error:
            yield Failure(number, why(error))


def why(error: ServiceError) -> str:
    """What a person reads about a ticket that could not be changed."""
    told = problems.said(error.detail, error.data.get("errors"))
    return "；".join(told) or str(problems.explained(error.code).what)
