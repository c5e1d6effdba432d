"""Promises about the register of breaches: each run of a clock once, cheaply, and nobody is blamed for what moved."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.database import reading, transaction
from service.people import User
from service.tickets import breaches, closing, cooperation, handling, sweeps
from service.tickets.breaches import Filter
from service.tickets.models import Ticket
from service.tickets.register import Breach
from tests.factories import COMPLAINT, Desk

Counted = Callable[[], AbstractContextManager[list[str]]]


def mark(desk: Desk) -> int:
    with transaction() as session:
        return sweeps.mark_overdue(session, now=desk.now, rules=desk.rules)


def register(ticket: Ticket) -> dict[str, Breach]:
    """What stands in it about a ticket, by clock; the newest run of each."""
    with reading() as session:
        query = select(Breach).where(Breach.ticket_id == ticket.id).order_by(Breach.started_at, Breach.id)
        found = session.scalars(query.execution_options(populate_existing=True)).all()
        session.expunge_all()
    return {breach.clock: breach for breach in found}


def late_resolve(desk: Desk, by: User) -> Ticket:
    """A ticket in hand that is answered too late."""
    ticket = desk.accept(desk.ticket(), by)
    desk.reply(ticket, by, "正在核实", "interim")
    desk.deliver()
    row = desk.clock(ticket, "resolve")
    assert row is not None
    desk.now = row.due_at + timedelta(minutes=1)
    mark(desk)
    return desk.reread(ticket)


def test_a_late_clock_becomes_a_draft_with_who_had_it(desk: Desk, agent: User):
    ticket = desk.accept(desk.ticket(), agent)
    desk.later(hours=2)

    mark(desk)

    found = register(ticket)
    assert set(found) == {"first_reply"}
    breach = found["first_reply"]
    assert (breach.state, breach.user_id, breach.department_id) == ("draft", agent.id, ticket.department_id)
    assert (breach.at, breach.met_at, breach.due_at) == (desk.now, None, desk.clock(ticket, "first_reply").due_at)


def test_nobody_is_blamed_for_taking_what_lay_about(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.later(hours=2)

    desk.accept(ticket, agent)  # before the sweep has looked

    breach = register(ticket)["accept"]
    assert (breach.user_id, breach.met_at, breach.state) == (None, desk.now, "draft")


def test_looking_again_notes_nothing_twice(desk: Desk, agent: User):
    ticket = late_resolve(desk, agent)
    before = register(ticket)
    desk.later(hours=1)

    with desk.doing(ticket, agent) as d:
        handling.note(d.session, d.ticket, "已催", d.deed)
    mark(desk)

    assert {clock: breach.id for clock, breach in register(ticket).items()} == {k: b.id for k, b in before.items()}


def test_what_is_met_late_is_filled_in_and_its_next_run_is_another(desk: Desk, agent: User):
    ticket = late_resolve(desk, agent)
    first = register(ticket)["resolve"]
    desk.later(minutes=5)

    desk.answer(ticket, agent)

    assert register(ticket)["resolve"].met_at == desk.now
    assert register(ticket)["resolve"].state == "draft"
    desk.later(hours=1)
    with desk.doing(ticket, agent) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="又坏了")
    desk.later(days=5)
    mark(desk)
    second = register(ticket)["resolve"]
    assert second.id != first.id
    assert second.met_at is None


@pytest.mark.parametrize("clock", ["next_reply", "update"])
def test_the_word_that_ends_a_late_round_is_filled_in_though_another_round_begins(desk: Desk, agent: User, clock: str):
    ticket = desk.accept(desk.ticket(), agent)
    desk.reply(ticket, agent, "正在核实", "interim")
    desk.deliver()
    desk.later(minutes=10)
    desk.says("有进展了吗")
    due_at = desk.clock(ticket, clock).due_at
    desk.now = due_at + timedelta(minutes=5)
    mark(desk)
    assert register(ticket)[clock].met_at is None
    desk.later(minutes=5)

    desk.reply(ticket, agent, "明天答复您", "interim")
    desk.later(minutes=1)
    desk.says("好，快一点")
    desk.deliver()

    breach = register(ticket)[clock]
    assert (breach.state, breach.due_at) == ("draft", due_at)
    assert breach.met_at == desk.now - timedelta(minutes=1)
    assert desk.clock(ticket, clock).started_at > due_at


def test_a_round_that_ended_late_before_any_sweep_looked_is_noted(desk: Desk, agent: User):
    ticket = desk.accept(desk.ticket(), agent)
    desk.reply(ticket, agent, "正在核实", "interim")
    desk.deliver()
    desk.now = desk.clock(ticket, "update").due_at + timedelta(seconds=1)

    desk.reply(ticket, agent, "明天答复您", "interim")
    desk.deliver()

    assert register(ticket)["update"].met_at == desk.now


def test_a_draft_whose_due_time_moved_goes_and_comes_back_when_it_is_late_again(desk: Desk, boss: User):
    desk.says(COMPLAINT)
    desk.classify()
    ticket = desk.accept(desk.newest(), boss)
    desk.reply(ticket, boss, "正在核实", "interim")
    desk.deliver()
    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="inquiry", priority="normal", reason="只是问问")
    desk.later(days=2)
    mark(desk)
    assert register(ticket)["resolve"].state == "draft"

    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="complaint", priority="low", reason="确是投诉")

    moved = register(ticket)["resolve"]
    assert (moved.state, moved.judged_by, moved.note) == ("dismissed", "system", breaches.MOVED)
    desk.now = desk.clock(ticket, "resolve").due_at + timedelta(minutes=1)
    mark(desk)
    again = register(ticket)["resolve"]
    assert (again.id, again.state, again.judged_by, again.note) == (moved.id, "draft", None, None)
    assert again.due_at > moved.due_at


def test_a_reply_written_in_time_is_no_breach_though_it_arrived_late(desk: Desk, agent: User):
    ticket = desk.accept(desk.ticket(), agent)
    desk.reply(ticket, agent, "正在核实", "interim")
    desk.later(hours=2)
    mark(desk)
    assert register(ticket)["first_reply"].state == "draft"

    desk.deliver()

    assert (register(ticket)["first_reply"].state, register(ticket)["first_reply"].note) == (
        "dismissed",
        breaches.IN_TIME,
    )


def test_a_clock_that_such_a_matter_has_not_is_no_breach(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    desk.later(hours=2)
    mark(desk)

    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="praise", reason="是表扬")

    assert register(ticket)["first_reply"].state == "dismissed"


def test_a_ticket_that_ended_late_keeps_its_draft(desk: Desk, boss: User):
    ticket = late_resolve(desk, boss)

    with desk.doing(ticket, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="本人撤回")

    assert register(ticket)["resolve"].state == "draft"


def test_a_change_asks_nothing_of_the_register_where_nothing_is_new(desk: Desk, agent: User, counted: Counted):
    in_time = desk.accept(desk.ticket(follower="oInTime00001"), agent)
    late = late_resolve(desk, agent)

    for ticket in (in_time, late):
        with counted() as statements, desk.doing(ticket, agent) as d:
            handling.note(d.session, d.ticket, "内部说明", d.deed)
        assert not [s for s in statements if "breaches" in s]


def test_a_sweep_asks_one_statement_more_of_each_ticket(desk: Desk, counted: Counted):
    for number in range(5):
        desk.says("请问几点上班", follower=f"oFollower{number:04}")
    desk.later(days=3)  # all three clocks of each

    with counted() as statements:
        assert mark(desk) == 5

    assert len([s for s in statements if "breaches" in s]) == 5
    with reading() as session:
        assert len(session.scalars(select(Breach.id)).all()) == 15


def test_two_processes_note_a_breach_once(desk: Desk, agent: User):
    ticket = desk.accept(desk.ticket(), agent)
    desk.later(hours=2)
    rules = desk.rules

    def sweep() -> None:
        with desk.app.app_context(), transaction() as session:
            sweeps.mark_overdue(session, now=desk.now, rules=rules)

    def note() -> None:
        with desk.app.app_context(), desk.doing(ticket, agent) as d:
            handling.note(d.session, d.ticket, "内部说明", d.deed)

    threads = [threading.Thread(target=work) for work in (sweep, note, sweep)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(register(ticket)) == 1


def test_who_sees_what_of_the_register(desk: Desk, agent: User, boss: User):
    mine, other = late_resolve(desk, agent), desk.ticket(COMPLAINT, follower="oFollower0002")
    desk.later(days=6)
    mark(desk)
    with desk.doing(other, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="report", reason="举报员工")
    people = {
        "supervisor": boss,
        "agent": agent,
        "own head": desk.person("head", "dept_head", "QGB"),
        "head of the other": desk.person("head2", "dept_head", "KFB"),
        "account admin": desk.person("aa", "account_admin", "QGB"),
    }

    with reading() as session:
        seen = {
            name: {b.ticket.number for b in breaches.listing(session, person, Filter()).items}
            for name, person in people.items()
        }

    assert seen == {
        "supervisor": {mine.number, other.number},
        "agent": {mine.number},
        "own head": {mine.number},
        "head of the other": set(),  # a report is restricted
        "account admin": set(),
    }


def test_pages_of_the_register_hold_each_entry_once(desk: Desk, boss: User):
    for number in range(5):
        desk.says("请问几点上班", follower=f"oFollower{number:04}")
    desk.later(days=3)
    mark(desk)
    ids, cursor, pages = [], None, 0

    with reading() as session:
        while cursor is not None or not pages:
            page = breaches.listing(session, boss, Filter(limit=4, cursor=cursor))
            ids += [b.id for b in page.items]
            cursor, pages = page.next_cursor, pages + 1
        counts = breaches.tab_counts(session, boss, Filter(clock="accept"))
        tally = breaches.tally(session, boss, Filter())

    assert (pages, len(ids), len(set(ids))) == (4, 15, 15)
    assert counts == {"draft": 5, "confirmed": 0, "appealed": 0, "settled": 0}
    assert sorted((clock, number) for _, clock, number in tally) == [("accept", 5), ("first_reply", 5), ("resolve", 5)]


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (Filter(state="draft"), 3),
        (Filter(state="settled"), 0),
        (Filter(clock="resolve"), 1),
        (Filter(username="boss"), 0),
        (Filter(department_id=-1), 0),
    ],
)
def test_the_list_can_be_narrowed(desk: Desk, boss: User, wanted: Filter, number: int):
    desk.ticket()
    desk.later(days=3)
    mark(desk)

    with reading() as session:
        assert len(breaches.listing(session, boss, wanted).items) == number
