"""How a ticket moves between people and departments: classify, assign, transfer, merge."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.errors import Forbidden, InvalidInput, Recused
from service.people import Permission, Scope, User
from service.tickets import custody, delivery, judgements, locks, matters, recusals, supervision
from service.tickets.changes import Deed, change, move
from service.tickets.clocks import Clocks
from service.tickets.matters import Kind, Place
from service.tickets.models import Message, Ticket
from service.tickets.states import WORKABLE, Action, Status

PRIORITIES = ("low", "normal", "high", "urgent")


def classify(
    session: Session,
    ticket: Ticket,
    deed: Deed,
    *,
    category: str,
    priority: str | None = None,
    subcategory: str | None = None,
    reason: str,
) -> None:
    """A person says what the matter is: targets follow, and the ticket moves where such matters go.

    `subcategory` None: the one that it has, or in another category the one that its words speak for; "": none.
    """
    chosen = deed.rules.categories.get(category)
    if chosen is None:
        raise InvalidInput(category=f"unknown; one of {', '.join(deed.rules.categories)}")
    heard = matters.of_one(session, ticket, deed.rules)
    detail = _subcategory(ticket, category, subcategory, heard.text, deed)
    kind = Kind(category, priority or chosen.default_priority, detail, is_said=priority is not None)
    place = matters.place_for(session, ticket, kind, heard, deed.rules)
    with change(session, ticket, Action.CLASSIFY, deed, because=reason, also=place.told) as clocks:
        ticket.class_source, ticket.class_confidence, ticket.class_because = "staff", 1.0, [reason]
        ticket.triage, ticket.proposal, ticket.classify_at = False, None, None
        apply(ticket, clocks, place, deed)
    judgements.stated(session, ticket, deed, category=category, priority=place.priority)
    supervision.check_repeats(session, ticket, deed)
    recusals.notice(session, {ticket: heard.text}, deed)


def _subcategory(ticket: Ticket, category: str, code: str | None, text: str, deed: Deed) -> str | None:
    """The subcategory that a person's word leaves the ticket with. Raises InvalidInput for one of another category."""
    known = deed.rules.subcategories
    if code is None and category == ticket.category:
        return ticket.subcategory
    if code is None:
        picked = known.pick(category, text)
        return picked.subcategory.code if picked else None
    if code and known.find(category, code) is None:
        names = ", ".join(known.of(category)) or "nothing: this category has none"
        raise InvalidInput(subcategory=f"unknown in this category; one of {names}")
    return code or None


def apply(ticket: Ticket, clocks: Clocks, place: Place, deed: Deed) -> None:
    """Category, subcategory and priority with what follows: restriction, targets, department."""
    ticket.category, ticket.priority, ticket.subcategory = place.category, place.priority, place.subcategory
    ticket.restricted = deed.rules.categories[place.category].restricted
    ticket.targets_as, ticket.routed_by = place.targets, place.row
    if ticket.status in WORKABLE:
        hand_to(ticket, place.department_id)
    clocks.retarget(now=deed.now)  # at the hours of whoever has it now


def hand_to(ticket: Ticket, department_id: int) -> None:
    """Another department owns it from now on: nobody there has taken it yet, and no clock is reset."""
    if department_id == ticket.department_id:
        return
    ticket.department_id, ticket.assignee_id = department_id, None
    ticket.suspend_reason, ticket.wake_at = None, None
    move(ticket, Action.TRANSFER)


def assign(session: Session, ticket: Ticket, deed: Deed, *, assignee: str) -> None:
    """Give the ticket to a person who may work on it."""
    person = session.scalar(select(User).where(User.username == assignee, User.active))
    if person is None:
        raise InvalidInput(assignee="no such active user")
    if not can_work(person, ticket):
        raise InvalidInput(assignee=f"{assignee} may not handle tickets of this department")
    if deed.by is not None and not may_assign_to(deed.by, ticket, person):
        raise Forbidden("your role lets you assign tickets to yourself only")
    if custody.is_recused(session, ticket, person):
        raise Recused("the matter is about this person: choose somebody else")
    with change(session, ticket, Action.ASSIGN, deed):
        ticket.assignee_id = person.id


def can_work(person: User, ticket: Ticket) -> bool:
    scopes = person.scopes(Permission.HANDLE)
    return Scope.ALL in scopes or (Scope.DEPARTMENT in scopes and person.department_id == ticket.department_id)


def may_assign_to(actor: User, ticket: Ticket, person: User) -> bool:
    scopes = actor.scopes(Permission.ASSIGN)
    if Scope.ALL in scopes or (Scope.DEPARTMENT in scopes and actor.department_id == ticket.department_id):
        return True
    return person.id == actor.id and actor.may(Permission.ASSIGN_SELF)


def transfer(session: Session, ticket: Ticket, deed: Deed, *, department: str, reason: str) -> None:
    """Another department owns the ticket from now on."""
    department_id = deed.rules.departments.get(department)
    if department_id is None:
        raise InvalidInput(department=f"unknown; one of {', '.join(deed.rules.departments)}")
    if department_id == ticket.department_id:
        raise InvalidInput(department="the ticket stands with this department already")
    with change(session, ticket, Action.TRANSFER, deed, because=reason):
        hand_to(ticket, department_id)


def merge(session: Session, ticket: Ticket, into: Ticket, deed: Deed) -> None:
    """The same matter twice: messages move to the other ticket, whose clocks go on as they are."""
    if into.id == ticket.id:
        raise InvalidInput(into="a ticket cannot be merged into itself")
    if into.follower_id != ticket.follower_id:
        raise InvalidInput(into="only tickets of the same follower can be merged")
    if into.status not in WORKABLE and into.status is not Status.ANSWERED:
        raise InvalidInput(into="the other ticket is not open")
    locks.lock_two(session, ticket.id, into.id)
    with change(session, ticket, Action.MERGE, deed, also={"into": into.number}):
        ticket.merged_into_id = into.id
        session.execute(update(Message).where(Message.ticket_id == ticket.id).values(ticket_id=into.id))
    with change(session, into, Action.NOTE, deed, also={"merged": ticket.number}) as clocks:
        clocks.listen()
        into.last_inbound_at = max(into.last_inbound_at, ticket.last_inbound_at)
        delivery.note_waiting(session, into, deed)
