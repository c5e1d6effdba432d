"""Who sees a ticket and may do what with it: role by place, in full, as the contract has it."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select

from service.database import reading, transaction
from service.errors import Forbidden, NotFound
from service.people import Department, Permission, User
from service.tickets import access, cooperation, queries
from service.tickets.models import Ticket
from service.tickets.queries import Search
from tests.factories import COMPLAINT, Desk

SEES = {"see"}
NOTHING: set[str] = set()
WORKS = {"see", "handle", "note", "transfer", "assign_self"}
HEADS = WORKS | {"assign", "dismiss", "follow_up"}
DISPATCHES = WORKS | {"assign", "dismiss"}
CALLS = {"see", "note", "follow_up"}
ASKED = ("see", "handle", "note", "transfer", "assign_self", "assign", "dismiss", "follow_up")


@dataclass(frozen=True)
class Place:
    """Where the ticket is, seen from the person."""

    home: str  # the person's department
    text: str = COMPLAINT  # stands with KFB
    answered: bool = False
    restricted: bool = False  # a report, which stands with QGB
    mine: bool = False


PLACES = {
    "own department's": Place("KFB"),
    "passed on by QGB": Place("QGB"),
    "another department's": Place("CWB"),
    "another department's, answered": Place("CWB", answered=True),
    "passed on by QGB, answered": Place("QGB", answered=True),
    "own department's, restricted": Place("QGB", restricted=True),
    "another department's, restricted and answered": Place("CWB", restricted=True, answered=True),
    "assigned to me": Place("CWB", mine=True),
    "assigned to me, restricted": Place("CWB", restricted=True, mine=True),
}
TABLE = {  # place -> agent, dept_head, follow_up_agent
    "own department's": (WORKS, HEADS, CALLS),
    "passed on by QGB": (SEES, SEES, SEES),
    "another department's": (NOTHING, NOTHING, NOTHING),
    "another department's, answered": (NOTHING, NOTHING, CALLS),
    "passed on by QGB, answered": (SEES, SEES, CALLS),
    "own department's, restricted": (NOTHING, NOTHING, NOTHING),
    "another department's, restricted and answered": (NOTHING, NOTHING, NOTHING),
    "assigned to me": (WORKS, HEADS, CALLS),
    "assigned to me, restricted": (WORKS, HEADS, CALLS),
}
EVERYWHERE = {  # these may the same with every ticket
    "dispatcher": DISPATCHES,
    "supervisor": HEADS,
    "admin": HEADS,
    "reviewer": NOTHING,
    "account_admin": NOTHING,
    "auditor": NOTHING,
}
CELLS = [
    (role, place, may)
    for place, row in TABLE.items()
    for role, may in (*zip(("agent", "dept_head", "follow_up_agent"), row, strict=True), *EVERYWHERE.items())
]


def put(desk: Desk, place: Place, person: User) -> Ticket:
    boss = desk.person("boss", "admin", "LDS")
    ticket = desk.ticket(place.text)
    if place.restricted:
        with desk.doing(ticket, boss) as d:
            cooperation.classify(d.session, d.ticket, d.deed, category="report", reason="是举报")
    if place.answered:
        desk.answer(ticket, boss)
    with transaction() as session:
        found = session.get_one(Ticket, ticket.id)
        if place.mine:
            found.assignee_id = person.id
    return desk.reread(ticket)


def allowed(user_id: int, number: str) -> set[str]:
    """What the one door to tickets lets this person do."""
    found = set()
    with reading() as session:
        user = session.get_one(User, user_id)
        for name in ASKED:
            try:
                access.ticket_for(session, user, number, Permission(name))
            except Forbidden:
                continue
            except NotFound:
                return found
            found.add(name)
    return found


@pytest.mark.parametrize(("role", "place", "may"), CELLS)
def test_who_may_do_what_where(desk: Desk, role: str, place: str, may: set[str]):
    person = desk.person("zhang", role, PLACES[place].home)
    ticket = put(desk, PLACES[place], person)

    assert allowed(person.id, ticket.number) == may
    with reading() as session:  # lists and counts say the same
        user = session.get_one(User, person.id)
        listed = [t.number for t in queries.search(session, user, Search()).items]
        counted = queries.capped_count(session, user, [])
    assert listed == ([ticket.number] if "see" in may else [])
    assert counted == len(listed)


def test_the_table_is_complete():
    assert set(TABLE) == set(PLACES)
    assert {role for role, _, _ in CELLS} | {"reviewer"} == {*EVERYWHERE, "agent", "dept_head", "follow_up_agent"}


def test_roles_add_up(desk: Desk):
    both = desk.person("zhang", "agent", "CWB", "follow_up_agent")
    ticket = put(desk, PLACES["another department's, answered"], both)

    assert allowed(both.id, ticket.number) == CALLS


def test_what_one_may_not_see_is_not_there_rather_than_forbidden(desk: Desk):
    stranger = desk.person("zhang", "agent", "CWB")
    ticket = desk.ticket(COMPLAINT)

    with pytest.raises(NotFound), reading() as session:
        access.ticket_for(session, session.get_one(User, stranger.id), ticket.number, Permission.HANDLE)


def test_the_door_looks_again_once_it_holds_the_lock(desk: Desk):
    """Between the look and the lock the ticket may have gone elsewhere: the answer is as of the lock."""
    person = desk.person("zhang", "agent", "KFB")
    ticket = desk.ticket(COMPLAINT)
    with transaction() as session:
        user = session.get_one(User, person.id)
        access.ticket_for(session, user, ticket.number)  # the session knows it as it was
        elsewhere = session.scalar(select(Department.id).where(Department.code == "CWB"))
        session.connection().exec_driver_sql(f"UPDATE tickets SET department_id = {elsewhere}")  # noqa: S608

        with pytest.raises(NotFound):
            access.ticket_for(session, user, ticket.number, lock=True)
