"""Tickets that wait for a person get one: the rule chooses among those on duty who have room, and says why.

Locks: a department's tickets (those that another worker has are left to it), then its people in the order of their ids,
one department after the other. Who holds people waits for nothing but people, and counts what they have as it is.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from service.errors import InvalidInput, Recused
from service.people import Department, Permission, Scope, User
from service.routing.assignment import Absence, Candidate, Choice, Wanted, choose, distribute
from service.rulebook import FRESH_SECONDS, Rulebook
from service.sla import shifts
from service.tickets import cooperation, custody, notifying
from service.tickets.changes import Deed, change
from service.tickets.models import Ticket
from service.tickets.notifying import Matter
from service.tickets.pool import hand_back as hand_back
from service.tickets.pool import return_due as return_due
from service.tickets.states import WORKABLE, Action, Status

BATCH = 100  # tickets of one department in one transaction
RETRY = timedelta(seconds=30)  # after which the rule looks again for one that nobody could take
PASSED_OVER = timedelta(hours=8)  # how long the rule does not give a ticket back to whoever gave it up
REMEMBERED = timedelta(days=180)  # how long somebody counts as a follower's last handler
MOST_PEOPLE = 1_000
IN_ORDER = ("urgent", "high", "normal", "low")
COUNTS = Ticket.status.in_(WORKABLE)  # against the limit of whoever has it
is_recused = custody.is_recused


def assign_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Give tickets that wait to people who are free, the urgent ones first; returns how many found somebody.

    Where nobody is free they wait on: each pass asks what people have in hand before it touches a ticket.
    """
    waiting = select(Ticket.department_id).where(Ticket.wants_assignee_at <= now).distinct()
    deed = Deed(by=None, now=now, rules=rules)
    return sum(_assign_in(session, department_id, deed) for department_id in sorted(session.scalars(waiting)))


def _assign_in(session: Session, department_id: int, deed: Deed) -> int:
    if not deed.rules.assignment_for(department_id).is_on:
        return _forget(session, department_id, deed.now)
    free = [c for c in loads_for(session, department_id, now=deed.now, rules=deed.rules) if c.is_free]
    tickets = _claim(session, department_id, deed.now, restricted=_taken_by(free)) if free else []
    if not tickets:
        return 0
    people = {user.username: user for user in _locked_people(session, department_id)}
    candidates = _candidates(session, people.values(), department_id, now=deed.now, rules=deed.rules)
    wanted = _wanted(session, tickets, deed.now, deed.rules)
    choices = distribute(candidates, wanted, deed.rules.assignment_for(department_id), now=deed.now)
    given, left_over = [], []
    for ticket, choice in zip(tickets, choices, strict=True):
        if choice.username is None:
            left_over.append(ticket)
        else:
            given.append(_give(session, ticket, people[choice.username], choice, deed))
    if len(given) < _room(candidates):  # it is not for want of room: others may have their turn
        for ticket in left_over:
            ticket.wants_assignee_at = deed.now + RETRY
    notifying.tell_all(session, given, deed)
    return len(given)


def _room(candidates: Iterable[Candidate]) -> float:
    """How many more tickets those on duty can have in hand."""
    return sum(math.inf if c.limit is None else c.limit - c.open_tickets for c in candidates if c.is_free)


def _taken_by(free: Iterable[Candidate]) -> tuple[bool, ...]:
    """Whether those who are free take ordinary tickets (False) and restricted ones (True)."""
    kinds = ((False, "takes_plain"), (True, "takes_restricted"))
    people = list(free)
    return tuple(restricted for restricted, name in kinds if any(getattr(c, name) for c in people))


def _claim(session: Session, department_id: int, now: datetime, *, restricted: Sequence[bool]) -> list[Ticket]:
    """Tickets that wait, locked, without those that another worker has: the urgent ones first, then by arrival."""
    found: list[Ticket] = []
    for priority in IN_ORDER:
        query = select(Ticket).where(Ticket.department_id == department_id, Ticket.priority == priority)
        query = query.where(Ticket.wants_assignee_at <= now, Ticket.restricted.in_(restricted))
        query = query.order_by(Ticket.received_at, Ticket.id).limit(BATCH - len(found))
        query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
        query = query.options(joinedload(Ticket.follower), selectinload(Ticket.clocks))
        found += session.scalars(query.execution_options(populate_existing=True))
        if len(found) == BATCH:
            break
    return found


def _give(session: Session, ticket: Ticket, person: User, choice: Choice, deed: Deed) -> Matter:
    """It is theirs; returns what they are told."""
    rules, calendar = deed.rules.assignment_for(ticket.department_id), deed.rules.calendar_for(ticket.department_id)
    with change(session, ticket, Action.ASSIGN, deed, because=choice.because):
        ticket.assignee_id = person.id
    ticket.assigned_by_rule, ticket.assigned_because = True, choice.because
    person.last_assigned_at = max(deed.now, person.last_assigned_at or deed.now)
    if ticket.status is Status.PENDING_ACCEPTANCE and rules.return_minutes:
        length = timedelta(minutes=rules.return_minutes)
        # whoever has a shift outside working hours is there, and has the same time
        at = calendar.add(deed.now, length) if calendar.is_open(deed.now) else deed.now + length
        ticket.pool_return_at = at
    facts = {"what": "given", "number": ticket.number, "text": choice.because}
    return Matter(f"assigned:{ticket.id}:{ticket.version}", "assigned", ticket, facts, who=("handler",))


def enlist(session: Session, department_codes: Collection[str], *, now: datetime) -> None:
    """The rule looks for people for all that lies unassigned in departments that have just been given one.

    Not before every process knows of it: one that does not would forget them again.
    """
    departments = select(Department.id).where(Department.code.in_(department_codes))
    free = (Ticket.closed_at.is_(None), Ticket.assignee_id.is_(None), COUNTS, Ticket.category.is_not(None))
    due_at = now + timedelta(seconds=2 * FRESH_SECONDS)
    lying = select(Ticket.id).where(Ticket.department_id.in_(departments), *free, Ticket.wants_assignee_at.is_(None))
    # in the order in which `locks` takes tickets: a sweep that holds some of them is waited for, and never waits too
    lying = lying.order_by(Ticket.follower_id, Ticket.id).with_for_update(key_share=True, of=Ticket)
    session.execute(update(Ticket).where(Ticket.id.in_(lying)).values(wants_assignee_at=due_at))


def _forget(session: Session, department_id: int, now: datetime) -> int:
    """People of the department claim for themselves again: nothing waits for the rule."""
    ids = select(Ticket.id).where(Ticket.department_id == department_id, Ticket.wants_assignee_at <= now).limit(BATCH)
    ids = ids.with_for_update(key_share=True, skip_locked=True)
    found = session.scalars(ids).all()
    session.execute(update(Ticket).where(Ticket.id.in_(found)).values(wants_assignee_at=None))
    return len(found)


# ---- who there is


def loads_for(session: Session, department_id: int, *, now: datetime, rules: Rulebook) -> list[Candidate]:
    """The people of a department as the rule sees them now: what they have in hand, their limit, whether on duty."""
    people = session.scalars(_people_of(department_id)).all()
    return _candidates(session, people, department_id, now=now, rules=rules)


def why_nobody(session: Session, ticket: Ticket, *, now: datetime, rules: Rulebook) -> str | None:
    """Why a ticket that waits for the rule has nobody, as it is now; None where it does not wait, or will soon not."""
    if ticket.wants_assignee_at is None:
        return None
    people = loads_for(session, ticket.department_id, now=now, rules=rules)
    (wanted,) = _wanted(session, [ticket], now, rules)
    choice = choose(people, wanted, rules.assignment_for(ticket.department_id))
    return choice.because if choice.username is None else None


def _people_of(department_id: int) -> Select[User]:
    query = select(User).where(User.department_id == department_id, User.active)
    return query.order_by(User.id).limit(MOST_PEOPLE)


def _locked_people(session: Session, department_id: int) -> Sequence[User]:
    query = _people_of(department_id).with_for_update(key_share=True, of=User)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _candidates(
    session: Session, people: Iterable[User], department_id: int, *, now: datetime, rules: Rulebook
) -> list[Candidate]:
    able = [user for user in people if user.may(Permission.HANDLE)]
    in_hand, there = _in_hand(session, able), on_duty(rules, department_id, now)
    return [
        Candidate(
            username=user.username,
            name=user.name,
            open_tickets=in_hand.get(user.id, 0),
            limit=limit_of(user, rules),
            skills=tuple(user.skills or ()),
            absence=_absence(user, there),
            last_assigned_at=user.last_assigned_at,
            # those who handle every department's are there for what nobody else may see
            takes_plain=Scope.DEPARTMENT in user.scopes(Permission.HANDLE),
            takes_restricted=user.may(Permission.SEE_RESTRICTED),
        )
        for user in able
    ]


def limit_of(user: User, rules: Rulebook) -> int:
    """How many open tickets the rule lets a person have in hand."""
    own = user.ticket_limit
    return rules.assignment_for(user.department_id).limit if own is None else own


def is_on_duty(user: User, rules: Rulebook, at: datetime) -> bool:
    """Whether the person works at this instant, by a shift or by the hours of their department."""
    there = on_duty(rules, user.department_id, at)
    return there is None or user.username in there


def refuse_receiver(session: Session, ticket: Ticket, to: User, deed: Deed) -> None:
    """Raise InvalidInput, or Recused, where the rule would not give this ticket to this person now.

    Until the transaction ends the rule gives them nothing else, so what they have in hand is counted as it is.
    """
    session.get_one(User, to.id, with_for_update={"key_share": True, "of": User}, populate_existing=True)
    if not to.active or not cooperation.can_work(to, ticket):
        raise InvalidInput(assignee="this person does not work on tickets of this department")
    if custody.is_recused(session, ticket, to):
        raise Recused("the matter is about this person: choose somebody else")
    if to.presence != "present" or not is_on_duty(to, deed.rules, deed.now):
        raise InvalidInput(assignee="this person is not on duty now")
    if _in_hand(session, [to]).get(to.id, 0) >= limit_of(to, deed.rules):
        raise InvalidInput(assignee="this person has as many open tickets as they can have")


def _absence(user: User, there: frozenset[str] | None) -> Absence | None:
    if user.presence != "present":
        return Absence.AWAY
    return Absence.OFF_DUTY if there is not None and user.username not in there else None


def on_duty(rules: Rulebook, department_id: int, at: datetime) -> frozenset[str] | None:
    """Usernames of those who work at this instant; None: everybody, for it is working time and no shift says who.

    A shift of the department that covers the instant says who is there; else its working hours do. A shift of the
    whole company adds people outside those, and takes nobody away within them.
    """
    code = rules.department_codes[department_id]
    rostered = frozenset(rules.on_duty(department_id, at))
    has_shift = bool(shifts.on_duty(rules.shifts.get(code, {}), at, rules.zone))
    is_open = rules.calendar_for(department_id).is_open(at)
    return rostered if has_shift or not is_open else None


def _in_hand(session: Session, people: Iterable[User]) -> dict[int, int]:
    """How many tickets each still owes an answer, of any department."""
    ids = [user.id for user in people]
    query = select(Ticket.assignee_id, func.count()).where(Ticket.closed_at.is_(None), Ticket.assignee_id.in_(ids))
    rows = session.execute(query.where(COUNTS).group_by(Ticket.assignee_id))
    return {user_id: number for user_id, number in rows if user_id is not None}


# ---- what the tickets want


def _wanted(session: Session, tickets: Sequence[Ticket], now: datetime, rules: Rulebook) -> list[Wanted]:
    recusals = custody.recusals_of(session, [t.id for t in tickets])
    handlers = _last_handlers(session, {t.follower_id for t in tickets}, now)
    return [
        Wanted(
            matters=_matters(ticket, rules),
            text=ticket.subject,
            restricted=ticket.restricted,
            last_handler=handlers.get(ticket.follower_id),
            recused=frozenset(user.username for user, _ in recusals.get(ticket.id, ())),
            passed_over=_passed_over(ticket, now),
        )
        for ticket in tickets
    ]


def _matters(ticket: Ticket, rules: Rulebook) -> Mapping[str, str]:
    """What it is about, the narrower first. A subcategory goes by "inquiry/invoice" too: others have such codes."""
    narrow = rules.subcategories.find(ticket.category, ticket.subcategory)
    found = narrow, rules.categories.get(ticket.category or "")
    whole = {f"{narrow.category}/{narrow.code}": narrow.name_zh} if narrow else {}
    return whole | {each.code: each.name_zh for each in found if each is not None}


def _passed_over(ticket: Ticket, now: datetime) -> str | None:
    at = ticket.passed_over_at
    return ticket.passed_over if at is not None and at > now - PASSED_OVER else None


def _last_handlers(session: Session, follower_ids: Iterable[int], now: datetime) -> dict[int, str]:
    """Follower -> username of who had the newest of their tickets that anybody has had."""
    handled = select(func.max(Ticket.id)).where(Ticket.follower_id.in_(follower_ids), Ticket.assignee_id.is_not(None))
    newest = handled.where(Ticket.received_at >= now - REMEMBERED).group_by(Ticket.follower_id)
    query = select(Ticket.follower_id, User.username).join(User, User.id == Ticket.assignee_id)
    return {row[0]: row[1] for row in session.execute(query.where(Ticket.id.in_(newest)))}
