"""How a ticket moves between people and departments, and what it takes along."""

import pytest

from service import credentials
from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.people import User
from service.tickets import closing, cooperation, handling
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, Desk
from tests.fakes import FakeChannel


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def classify(desk: Desk, ticket: Ticket, by: User, category: str, priority: str | None = None) -> Ticket:
    with desk.doing(ticket, by) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category=category, priority=priority, reason="看过内容")
    return desk.reread(ticket)


def transfer(desk: Desk, ticket: Ticket, by: User, department: str = "CWB") -> Ticket:
    with desk.doing(ticket, by) as d:
        cooperation.transfer(d.session, d.ticket, d.deed, department=department, reason="发票问题")
    return desk.reread(ticket)


def assign(desk: Desk, ticket: Ticket, by: User, assignee: str) -> Ticket:
    with desk.doing(ticket, by) as d:
        cooperation.assign(d.session, d.ticket, d.deed, assignee=assignee)
    return desk.reread(ticket)


def merge(desk: Desk, ticket: Ticket, into: Ticket, by: User) -> Ticket:
    with desk.doing(ticket, by) as d:
        cooperation.merge(d.session, d.ticket, d.session.get_one(Ticket, into.id), d.deed)
    return desk.reread(ticket)


# Transfer


def test_a_transfer_resets_no_clock_and_leaves_it_to_be_accepted_there(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    before = {row.kind: (row.state, row.started_at, row.due_at, row.met_at) for row in ticket.clocks}
    desk.later(minutes=20)

    moved = transfer(desk, ticket, boss)

    assert (moved.status, moved.department.code, moved.assignee_id) == (Status.PENDING_ACCEPTANCE, "CWB", None)
    assert {row.kind: (row.state, row.started_at, row.due_at, row.met_at) for row in moved.clocks} == before


def test_what_comes_back_goes_on_as_it_was(desk: Desk, boss: User):
    ticket = desk.ticket()
    before = {row.kind: row.due_at for row in ticket.clocks}
    desk.later(hours=3)

    back = transfer(desk, transfer(desk, ticket, boss), boss, "QGB")

    assert {row.kind: row.due_at for row in back.clocks} == before
    assert back.received_at == ticket.received_at


def test_a_transfer_ends_a_wait_and_gives_its_time_back(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    desk.reply(ticket, boss, "请问房号是多少", "ask")
    desk.later(days=2)

    moved = transfer(desk, ticket, boss)

    assert moved.status is Status.PENDING_ACCEPTANCE
    assert desk.clock(ticket, "resolve").state == "running"


@pytest.mark.parametrize(("department", "why"), [("XXX", "unknown"), ("QGB", "already")])
def test_a_transfer_goes_somewhere_else(desk: Desk, boss: User, department: str, why: str):
    ticket = desk.ticket()

    with pytest.raises(InvalidInput, match=why):
        transfer(desk, ticket, boss, department)


# Assign


def test_whoever_may_work_on_it_can_be_given_it(desk: Desk, boss: User):
    person = desk.person("qian", "agent", "QGB")

    given = assign(desk, desk.ticket(), boss, "qian")

    assert (given.assignee_id, given.status, given.accepted_at) == (person.id, Status.PENDING_ACCEPTANCE, None)


@pytest.mark.parametrize(
    ("role", "department", "why"),
    [
        ("agent", "KFB", "another department"),
        ("follow_up_agent", "QGB", "works on none"),
        ("auditor", "QGB", "sees none"),
    ],
)
def test_nobody_else_can(desk: Desk, boss: User, role: str, department: str, why: str):
    desk.person("qian", role, department)

    with pytest.raises(InvalidInput, match="may not handle"):
        assign(desk, desk.ticket(), boss, "qian")


def test_a_disabled_person_gets_no_work(desk: Desk, boss: User):
    desk.person("qian", "agent", "QGB")
    with desk.doing(desk.ticket(), boss) as d:
        credentials.disable(d.session, credentials.get_user(d.session, "qian"))

    with pytest.raises(InvalidInput, match="no such active user"):
        assign(desk, desk.newest(), boss, "qian")


def test_an_agent_takes_and_does_not_hand_out(desk: Desk):
    me = desk.person("qian", "agent", "QGB")
    desk.person("sun", "agent", "QGB")
    ticket = desk.ticket()

    assert assign(desk, ticket, me, "qian").assignee_id == me.id
    with pytest.raises(Forbidden, match="yourself"):
        assign(desk, ticket, me, "sun")


def test_a_head_hands_out_within_the_department(desk: Desk):
    head = desk.person("head", "dept_head", "QGB")
    person = desk.person("sun", "agent", "QGB")

    assert assign(desk, desk.ticket(), head, "sun").assignee_id == person.id


# Classify


def test_a_correction_moves_the_ticket_and_is_recorded(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)

    moved = classify(desk, ticket, boss, "complaint")

    event = desk.events(ticket)[-1]
    assert (moved.department.code, moved.priority, moved.status) == ("KFB", "high", Status.PENDING_ACCEPTANCE)
    assert (moved.class_source, moved.class_confidence, moved.class_because) == ("staff", 1.0, ["看过内容"])
    assert (event.actor, event.action, event.because) == ("boss", "classify", "看过内容")
    assert {"category", "priority", "department", "status", "assignee"} <= set(event.before)
    assert (event.before["category"], event.after["category"]) == ("inquiry", "complaint")


def test_a_correction_changes_the_targets_and_not_the_start(desk: Desk, boss: User):
    ticket = desk.ticket()
    desk.later(minutes=10)

    classify(desk, ticket, boss, "complaint", "normal")

    clock = desk.clock(ticket, "resolve")
    assert clock.started_at == ticket.received_at
    assert clock.due_at == desk.rules.calendar.end_of_working_day(ticket.received_at, 5)


def test_a_correction_can_make_a_ticket_late_at_once_and_put_that_right(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    desk.later(minutes=20)
    desk.sweep()
    assert not desk.reread(ticket).overdue

    late = classify(desk, ticket, boss, "inquiry", "urgent")  # a first reply within 15 minutes
    fine = classify(desk, ticket, boss, "suggestion")

    assert (late.overdue, fine.overdue) == (True, False)
    assert desk.clock(ticket, "first_reply").state == "running"


def test_a_category_without_clocks_owes_nothing(desk: Desk, boss: User):
    ticket = classify(desk, desk.ticket(), boss, "praise")

    assert (ticket.clocks, ticket.due_at, ticket.priority) == ([], None, "low")


def test_clocks_that_a_correction_brings_start_with_the_first_message_all_the_same(desk: Desk, boss: User):
    ticket = classify(desk, desk.ticket(), boss, "praise")
    desk.later(hours=1)

    classify(desk, ticket, boss, "inquiry")

    assert {row.started_at for row in desk.reread(ticket).clocks} == {ticket.received_at}
    assert desk.clock(ticket, "accept").state == "breached"


def test_what_was_met_stays_met_where_a_category_has_no_clocks(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)

    praised = classify(desk, ticket, boss, "praise")

    assert {row.kind: row.state for row in praised.clocks} == {"accept": "met"}


@pytest.mark.parametrize("category", ["report", "privacy_request"])
def test_a_restricted_category_restricts_and_another_frees(desk: Desk, boss: User, category: str):
    ticket = desk.ticket()

    assert classify(desk, ticket, boss, category).restricted
    assert not classify(desk, ticket, boss, "inquiry").restricted


def test_an_unknown_category_is_refused_with_those_that_are_known(desk: Desk, boss: User):
    with pytest.raises(InvalidInput, match="inquiry, complaint"):
        classify(desk, desk.ticket(), boss, "nonsense")


# Merge


def two(desk: Desk, boss: User) -> tuple[Ticket, Ticket]:
    """Two open tickets of one follower."""
    first = desk.accept(desk.ticket("请问物业费怎么交"), boss)
    with desk.doing(first, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    second = desk.ticket("物业费还是不会交")
    with desk.doing(first, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="还有问题")
    return first, second


def test_a_merge_moves_the_messages_and_ends_the_one(desk: Desk, boss: User):
    first, second = two(desk, boss)
    clocks = {row.kind: (row.state, row.due_at) for row in desk.reread(first).clocks}

    merged = merge(desk, second, first, boss)

    into = desk.reread(first)
    assert (merged.status, merged.merged_into_id, merged.due_at) == (Status.MERGED, first.id, None)
    assert [m.text for m in desk.messages(first)] == ["请问物业费怎么交", "物业费还是不会交"]
    assert desk.messages(second) == []
    assert {row.kind: (row.state, row.due_at) for row in into.clocks} == clocks
    assert into.last_inbound_at == second.last_inbound_at
    assert desk.events(second)[-1].after["into"] == first.number
    assert desk.events(first)[-1].after["merged"] == second.number


@pytest.mark.parametrize("into_older", [True, False])
def test_the_next_message_joins_the_ticket_that_is_left(desk: Desk, boss: User, into_older: bool):
    older, newer = two(desk, boss)
    gone, left = (newer, older) if into_older else (older, newer)
    merge(desk, gone, left, boss)

    desk.says("请问还在处理吗")

    assert desk.messages(left)[-1].text == "请问还在处理吗"
    assert desk.newest().id == newer.id


def test_a_reply_that_waits_goes_along_with_its_wait(desk: Desk, channel: FakeChannel, boss: User):
    first, second = two(desk, boss)
    desk.later(days=3)
    desk.reply(second, boss, "请到前台缴费")

    merge(desk, second, first, boss)

    into = desk.reread(first)
    assert (into.awaits_window, into.callback_due_at is not None) == ("final", True)
    assert desk.clock(first, "resolve").pauses[-1][2] == "waiting_for_window"
    desk.says("好的")
    desk.deliver()
    assert channel.texts == ["请到前台缴费"]
    assert desk.reread(first).status is Status.ANSWERED


def test_only_open_tickets_of_one_follower_are_merged(desk: Desk, boss: User):
    mine, theirs = desk.ticket(), desk.ticket(follower="oFollower0002")

    with pytest.raises(InvalidInput, match="same follower"):
        merge(desk, mine, theirs, boss)
    with pytest.raises(InvalidInput, match="itself"):
        merge(desk, mine, mine, boss)


def test_nothing_is_merged_into_what_has_ended(desk: Desk, boss: User):
    first, second = two(desk, boss)
    with desk.doing(first, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="本人撤回")

    with pytest.raises(InvalidInput, match="not open"):
        merge(desk, second, first, boss)


def test_a_merged_ticket_takes_nothing_more(desk: Desk, boss: User):
    first, second = two(desk, boss)
    merge(desk, second, first, boss)

    with pytest.raises(IllegalTransition):
        desk.reply(second, boss)
    with pytest.raises(IllegalTransition), desk.doing(second, boss) as d:
        handling.note(d.session, d.ticket, "说明", d.deed)
    with pytest.raises(IllegalTransition), desk.doing(second, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="再看看")
