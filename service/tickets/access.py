"""The one door to a ticket: who may see it, and who may do what with it."""

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from service.errors import Forbidden, NotFound
from service.people import Permission, Scope, User
from service.tickets import locks
from service.tickets.models import Ticket
from service.tickets.states import Status

FOLLOWED_UP = (Status.ANSWERED, Status.CLOSED)  # what a follow-up agent sees of other departments


def ticket_for(
    session: Session, user: User, number: str, permission: Permission = Permission.SEE, *, lock: bool = False
) -> Ticket:
    """The ticket, if the user may see it (else NotFound) and do what they came for (else Forbidden)."""
    query = select(Ticket).where(Ticket.number == number, visible_to(user))
    ticket = session.scalar(query)
    if ticket is None:
        raise NotFound("no such ticket")
    if lock:
        ticket = locks.lock_ticket(session, ticket.id)
        if session.scalar(query) is None:
            raise NotFound("no such ticket")
    if permission is not Permission.SEE and not may(user, permission, ticket):
        raise Forbidden("your role does not allow this on this ticket", permission=permission.value)
    return ticket


def visible_to(user: User) -> ColumnElement[bool]:
    """The condition that every list, count, search and page of tickets carries."""
    scopes = user.scopes(Permission.SEE)
    if not scopes:
        return false()
    parts: list[ColumnElement[bool]] = [_is_own(user)]
    unrestricted = true() if user.may(Permission.SEE_RESTRICTED) else Ticket.restricted.is_(False)
    if Scope.ALL in scopes:
        return true() if user.may(Permission.SEE_RESTRICTED) else or_(*parts, unrestricted)
    # what the intake department passed on stays readable to it
    own = or_(Ticket.department_id == user.department_id, Ticket.intake_department_id == user.department_id)
    parts.append(and_(own, unrestricted))
    if Scope.ANSWERED in scopes:
        parts.append(and_(Ticket.status.in_(FOLLOWED_UP), unrestricted))
    return or_(*parts)


def overseen_by(user: User) -> ColumnElement[bool]:
    """What a person's board counts and lists: all they see, or of it what stands with their own department."""
    scopes = user.scopes(Permission.OVERSEE)
    if Scope.ALL in scopes:
        return visible_to(user)
    if Scope.DEPARTMENT not in scopes:
        return false()
    # said so, and not as visible_to and the department: an index has all of it
    seen = true() if user.may(Permission.SEE_RESTRICTED) else or_(Ticket.restricted.is_(False), _is_own(user))
    return and_(Ticket.department_id == user.department_id, seen)


def _is_own(user: User) -> ColumnElement[bool]:
    return Ticket.assignee_id == user.id


def may(user: User, permission: Permission, ticket: Ticket) -> bool:
    """Whether the user may do this with a ticket that they see."""
    scopes = user.scopes(permission)
    if Scope.ALL in scopes:
        return True
    own = ticket.department_id == user.department_id or ticket.assignee_id == user.id
    if Scope.ANSWERED in scopes and (own or ticket.status in FOLLOWED_UP):
        return True
    return Scope.DEPARTMENT in scopes and own
