"""Who is meant by "the handler" or "leadership": people of today who may see the ticket, and the robots of a group."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Text, cast, literal, or_, select, union_all
from sqlalchemy.orm import Session

from service.people import Role, User
from service.rulebook import Rulebook
from service.tickets.access import visible_to
from service.tickets.models import Ticket
from service.tickets.register import Robot

LEADERSHIP = "LDS"  # code of the department that leads the company
MOST = 200  # people of one role: more need not hear of one ticket

Step = Callable[[Session, Ticket | None, Rulebook], Sequence[User]]


@dataclass(slots=True)
class Addressees:
    """Who is meant, asked once for all tickets that stand alike: a sweep has hundreds. As old as its transaction."""

    session: Session
    rules: Rulebook
    _people: dict[object, list[User]] = field(default_factory=dict)
    _robots: dict[object, Sequence[Robot]] = field(default_factory=dict)

    def people(self, ticket: Ticket | None, who: Collection[str]) -> list[User]:
        """As `people_for`."""
        key = (tuple(who), ticket and _stand(ticket))
        if key not in self._people:
            self._people[key] = people_for(self.session, ticket, who, self.rules)
        return self._people[key]

    def robots(self, ticket: Ticket | None) -> Sequence[Robot]:
        """As `robots_for`."""
        key = ticket and _stand(ticket)
        if key not in self._robots:
            self._robots[key] = robots_for(self.session, ticket)
        return self._robots[key]


def _stand(ticket: Ticket) -> tuple[object, ...]:
    """All of a ticket on which it depends who is meant and who may see it."""
    return ticket.department_id, ticket.intake_department_id, ticket.assignee_id, ticket.restricted, ticket.status


def people_for(session: Session, ticket: Ticket | None, who: Collection[str], rules: Rulebook) -> list[User]:
    """The people whom these words of `sla.ladder.WHO` mean, each once; the supervisors where they mean nobody."""
    found: dict[int, User] = {}
    for word in who:
        found |= {user.id: user for user in _first_of(session, ticket, CHAINS[word], rules)}
    if not found and who:
        found = {user.id: user for user in _first_of(session, ticket, (supervisors,), rules)}
    return list(found.values())


def users_of(session: Session, ticket: Ticket | None, ids: Iterable[int]) -> list[User]:
    """Those of these people who work here and may see the ticket."""
    wanted = sorted(set(ids))[:MOST]
    return those_who_see(session, ticket, _active(session, User.id.in_(wanted))) if wanted else []


def robots_for(session: Session, ticket: Ticket | None) -> Sequence[Robot]:
    """The active robots of the ticket's department and of all; none for a restricted ticket."""
    if ticket is not None and ticket.restricted:
        return ()
    own: ColumnElement[bool] = Robot.department_id.is_(None)
    if ticket is not None:
        own = or_(own, Robot.department_id == ticket.department_id)
    return session.scalars(select(Robot).where(Robot.active, own).order_by(Robot.id).limit(MOST)).all()


def those_who_see(session: Session, ticket: Ticket | None, people: Sequence[User]) -> list[User]:
    """The same people without those who may not see the ticket: one query for all of them."""
    if ticket is None or not people:
        return list(people)
    sees = [
        select(literal(user.id)).where(select(Ticket.id).where(Ticket.id == ticket.id, visible_to(user)).exists())
        for user in people
    ]
    allowed = set(session.scalars(union_all(*sees)))
    return [user for user in people if user.id in allowed]


def assignee(session: Session, ticket: Ticket | None, _: Rulebook) -> Sequence[User]:
    """Who has the ticket."""
    return _active(session, User.id == ticket.assignee_id) if ticket and ticket.assignee_id else ()


def heads(session: Session, ticket: Ticket | None, _: Rulebook) -> Sequence[User]:
    """Who leads the ticket's department."""
    return _in_role(session, Role.DEPT_HEAD, ticket.department_id) if ticket else ()


def agents(session: Session, ticket: Ticket | None, _: Rulebook) -> Sequence[User]:
    """Who works in the ticket's department."""
    return _in_role(session, Role.AGENT, ticket.department_id) if ticket else ()


def callers(session: Session, _ticket: Ticket | None, _: Rulebook) -> Sequence[User]:
    """Who asks followers afterwards: whoever handled a complaint may not."""
    return _in_role(session, Role.FOLLOW_UP_AGENT)


def supervisors(session: Session, _ticket: Ticket | None, _: Rulebook) -> Sequence[User]:
    """Who watches over all departments."""
    return _in_role(session, Role.SUPERVISOR)


def leaders(session: Session, _ticket: Ticket | None, rules: Rulebook) -> Sequence[User]:
    """Who leads the company."""
    department_id = rules.departments.get(LEADERSHIP)
    return _active(session, User.department_id == department_id) if department_id else ()


CHAINS: Mapping[str, tuple[Step, ...]] = {  # of each, the first step that finds somebody who may see the ticket
    "handler": (assignee, heads, agents, supervisors),
    "group_leader": (heads,),
    "department_head": (heads,),
    "follow_up_agent": (callers, heads, supervisors),
    "supervisor": (supervisors,),
    "leadership": (leaders, supervisors),
}


def _first_of(session: Session, ticket: Ticket | None, steps: Iterable[Step], rules: Rulebook) -> list[User]:
    for step in steps:
        if found := those_who_see(session, ticket, step(session, ticket, rules)):
            return found
    return []


def _in_role(session: Session, role: Role, department_id: int | None = None) -> Sequence[User]:
    # roles are a JSON list of a closed set of words; both databases write it with the same quotes
    condition: list[ColumnElement[bool]] = [cast(User.roles, Text).contains(f'"{role.value}"', autoescape=True)]
    if department_id is not None:
        condition.append(User.department_id == department_id)
    return _active(session, *condition)


def _active(session: Session, *condition: ColumnElement[bool]) -> Sequence[User]:
    return session.scalars(select(User).where(User.active, *condition).order_by(User.id).limit(MOST)).all()
