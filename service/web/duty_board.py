"""The page of who is at work: their load, what waits for somebody, and what was left behind by those who went home."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import g, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import NotFound, ServiceError
from service.people import Department, Permission, Scope, User
from service.sla.duty import is_break
from service.tickets import access, assigning, handovers, load, standing
from service.tickets.handovers import LeftBehind
from service.tickets.models import Ticket
from service.tickets.standing import LastGiven, Queue, Standing
from service.tickets.states import WORKABLE, Status
from service.web import formats, forms, problems
from service.web.admin_forms import NothingForm
from service.web.auth import me, needs
from service.web.board_acts import Failure, why
from service.web.endpoints import acting
from service.web.pages import Answer, desk, go, looking

P = Permission
RELEASED = "负责人把未受理的工单退回公共池"
MOST_RELEASED = 100  # tickets at once: each is a transaction of its own


@dataclass(frozen=True, slots=True)
class Place:
    """A department now. `people`: those who are there first."""

    department: Department
    is_open: bool
    people: Sequence[Standing]
    queue: Queue
    last: LastGiven | None
    left: Sequence[LeftBehind]

    @property
    def here(self) -> int:
        return sum(each.is_here for each in self.people)

    @property
    def with_room(self) -> int:
        return sum(each.is_here and each.has_room for each in self.people)


@desk.get("/duty")
@needs(P.OVERSEE)
def duty() -> Answer:
    with looking() as session:
        return page(session)


@desk.get("/duty/live")
@needs(P.OVERSEE)
def duty_live() -> Answer:
    """The departments alone, for a page that is open."""
    with looking() as session:
        return page(session, template="desk/_duty.html")


@desk.post("/duty/<username>/release")
@needs(P.ASSIGN)
def release_tickets(username: str) -> Answer:
    """All that the person has not accepted goes back to the pool; what cannot holds nothing else up."""
    form = NothingForm()
    with looking() as session:
        person = person_overseen(session, username)
        numbers = unaccepted_of(session, person)
    if not form.validate():
        return go(url_for("desk.duty"))
    failures = list(released(numbers, person))
    told = _("%(name)s 的 %(number)d 件未受理工单已退回公共池", name=person.name, number=len(numbers) - len(failures))
    if not failures:
        return go(url_for("desk.duty"), told)
    with looking() as session:
        return page(session, failures=failures, told=told), 409


def page(
    session: Session, *, template: str = "desk/duty.html", failures: Sequence[Failure] = (), told: str = ""
) -> str:
    names = {"places": places(session, me()), "failures": failures, "told": told, "working": WORKABLE}
    return render_template(template, **names)


def places(session: Session, user: User) -> list[Place]:
    """The departments that the person oversees; those without people who work on tickets are left out."""
    departments = [d for d in forms.departments(session) if oversees(user, d.id)]
    workers = load.workers(session)
    people = [user for user in workers if user.department_id in {d.id for d in departments}]
    now, found = formats.now(), []
    stands = standing.standings(session, people, g.rules, now)
    gone = [each.user for each in stands if has_gone(each)]
    left = handovers.left_behind(session, gone, now=now, rules=g.rules)
    queues = standing.queues(session, [d.id for d in departments])
    for department in departments:
        own = [each for each in stands if each.user.department_id == department.id]
        queue = queues.get(department.id, Queue())
        if own or queue.number:
            last = standing.last_given(session, [each.user for each in own], access.visible_to(user))
            left_here = [each for each in left if each.user.department_id == department.id]
            is_open = g.rules.calendar_for(department.id).is_open(now)
            found.append(Place(department, is_open, sorted(own, key=_order), queue, last, left_here))
    return found


def has_gone(each: Standing) -> bool:
    """Whether somebody with tickets in hand is not on duty, and not only at lunch."""
    place = handovers.workplace_of(each.user.department_id, g.rules)
    return bool(each.in_hand) and not each.is_rostered and not is_break(place, formats.now())


def _order(each: Standing) -> tuple[bool, bool, int, str]:
    return not each.is_here, not each.is_rostered, -each.in_hand, each.user.name


def oversees(user: User, department_id: int) -> bool:
    scopes = user.scopes(P.OVERSEE)
    return Scope.ALL in scopes or (Scope.DEPARTMENT in scopes and department_id == user.department_id)


def person_overseen(session: Session, username: str) -> User:
    """Raises NotFound for somebody of a department that who asks does not oversee."""
    found = session.scalar(select(User).where(User.username == username))
    if found is None or not oversees(me(), found.department_id):
        raise NotFound("no such person")
    return found


def unaccepted_of(session: Session, person: User) -> Sequence[str]:
    query = select(Ticket.number).where(Ticket.assignee_id == person.id, Ticket.status == Status.PENDING_ACCEPTANCE)
    query = query.where(Ticket.closed_at.is_(None), access.visible_to(me()))
    return session.scalars(query.order_by(Ticket.id).limit(MOST_RELEASED)).all()


def released(numbers: Sequence[str], person: User) -> Iterator[Failure]:
    """Hand each back; what the person has accepted meanwhile, or somebody else has got, stays where it is."""
    for number in numbers:
        try:
            with acting(number, P.ASSIGN) as (session, ticket, deed):
                problems.remember(deed.rules)
                if ticket.assignee_id == person.id and ticket.status is Status.PENDING_ACCEPTANCE:
                    assigning.hand_back(session, ticket, deed, because=RELEASED)
        except ServiceError as error:
            yield Failure(number, why(error))
