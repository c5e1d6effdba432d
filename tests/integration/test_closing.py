"""How a ticket ends, and how it begins again."""

from datetime import timedelta

import pytest

from service.errors import IllegalTransition, InvalidInput
from service.people import User
from service.sla.clocks import length_of
from service.tickets import closing, cooperation, followup, handling
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, Desk


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def close(desk: Desk, ticket: Ticket, by: User, reason: str = "电话中已说明") -> Ticket:
    with desk.doing(ticket, by) as d:
        closing.close(d.session, d.ticket, d.deed, reason=reason)
    return desk.reread(ticket)


def is_due_after(desk: Desk, ticket: Ticket, left: timedelta) -> bool:
    """Whether resolve is due in so much working time from now, to the minute."""
    due = desk.rules.calendar.add(desk.now, left)
    return timedelta(0) <= desk.clock(ticket, "resolve").due_at - due < timedelta(minutes=1)


def reopen(desk: Desk, ticket: Ticket, by: User) -> Ticket:
    with desk.doing(ticket, by) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="又坏了")
    return desk.reread(ticket)


@pytest.mark.parametrize("boss_role", ["supervisor", "admin"])
def test_a_complaint_without_a_final_answer_is_not_closed_by_anybody(desk: Desk, boss_role: str):
    person = desk.person("boss", boss_role, "KFB")
    ticket = desk.accept(desk.ticket(COMPLAINT), person)
    desk.reply(ticket, person, "正在核实", "interim")
    desk.deliver()

    with pytest.raises(IllegalTransition, match="final answer"):
        close(desk, ticket, person)
    assert desk.reread(ticket).status is Status.IN_PROGRESS


def test_a_complaint_whose_final_answer_has_not_arrived_is_not_closed(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    desk.reply(ticket, boss)

    with pytest.raises(IllegalTransition, match="final answer"):
        close(desk, ticket, boss)


def test_an_answered_complaint_can_be_closed(desk: Desk, boss: User):
    ticket = desk.answer(desk.ticket(COMPLAINT), boss)

    assert close(desk, ticket, boss, reason="").status is Status.CLOSED


def test_what_has_no_answer_is_closed_with_a_reason(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)

    with pytest.raises(InvalidInput, match="reason"):
        close(desk, ticket, boss, reason="")
    assert close(desk, ticket, boss).status is Status.CLOSED


@pytest.mark.parametrize("end", ["decline", "withdraw", "invalidate"])
def test_an_end_drops_what_is_owed(desk: Desk, boss: User, end: str):
    ticket = desk.ticket()
    desk.later(hours=1)
    desk.sweep()
    assert desk.reread(ticket).overdue

    with desk.doing(ticket, boss) as d:
        getattr(closing, end)(d.session, d.ticket, d.deed, reason="重复")

    ended = desk.reread(ticket)
    assert (ended.overdue, ended.due_at, ended.breach_at, ended.classify_at) == (False, None, None, None)
    assert ended.closed_at == desk.now
    assert ended.follower.open_ticket_id is None


def test_closing_ends_waiting_and_suspension(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    desk.later(days=3)
    desk.reply(ticket, boss, "正在核实", "interim")  # waits for the window
    with desk.doing(ticket, boss) as d:
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=desk.now + timedelta(days=2))

    closed = close(desk, ticket, boss)

    assert (closed.wake_at, closed.callback_due_at, closed.awaits_window) == (None, None, None)


# Again


def test_reopening_runs_on_what_was_left(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    target = desk.rules.policies.policy_for(ticket.category, ticket.priority).resolve
    answered = desk.answer(ticket, boss)
    before = desk.clock(ticket, "resolve")
    left = desk.rules.calendar.working_time(before.met_at, before.due_at)
    close(desk, answered, boss)
    desk.later(days=10)

    reopened = reopen(desk, ticket, boss)

    clock = desk.clock(ticket, "resolve")
    assert (reopened.status, reopened.closed_at, reopened.follow_up_open) == (Status.IN_PROGRESS, None, False)
    assert (clock.state, clock.met_at) == ("running", None)
    assert left > length_of(target, desk.rules.calendar) / 2
    assert is_due_after(desk, ticket, left)


@pytest.mark.parametrize("answered", [True, False])
def test_reopening_runs_on_half_the_target_at_least_and_at_most_where_none_was_left(
    desk: Desk, boss: User, answered: bool
):
    ticket = desk.accept(desk.ticket(), boss)
    target = desk.rules.policies.policy_for(ticket.category, ticket.priority).resolve
    desk.later(days=20)
    if answered:
        desk.says("还在吗")
        desk.answer(ticket, boss)
    close(desk, ticket, boss)
    desk.later(hours=1)

    reopen(desk, ticket, boss)

    assert is_due_after(desk, ticket, length_of(target, desk.rules.calendar) / 2)


def test_reopening_after_an_end_without_an_answer_runs_on_what_was_left(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(COMPLAINT), boss)
    due = desk.clock(ticket, "resolve").due_at
    desk.later(days=1)
    with desk.doing(ticket, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="本人撤回")
    left = desk.rules.calendar.working_time(desk.now, due)
    desk.later(days=30, hours=5)

    reopen(desk, ticket, boss)

    assert is_due_after(desk, ticket, left)


def test_reopening_what_nobody_had_accepted_makes_it_mine(desk: Desk, boss: User):
    ticket = desk.ticket()
    with desk.doing(ticket, boss) as d:
        closing.decline(d.session, d.ticket, d.deed, reason="不归我们管")

    reopened = reopen(desk, ticket, boss)

    assert (reopened.status, reopened.assignee_id, reopened.accepted_at) == (Status.IN_PROGRESS, boss.id, desk.now)


def test_a_reopened_ticket_takes_the_followers_next_message_again(desk: Desk, boss: User):
    ticket = close(desk, desk.accept(desk.ticket(), boss), boss)

    reopen(desk, ticket, boss)
    desk.says("对，又坏了")

    assert [m.text for m in desk.messages(ticket)][-1] == "对，又坏了"


def test_the_end_of_a_newer_matter_leaves_the_older_open_one_to_be_joined(desk: Desk, boss: User):
    older = close(desk, desk.accept(desk.ticket(), boss), boss)
    newer = desk.ticket("请问停车费多少")
    reopen(desk, older, boss)
    close(desk, desk.accept(newer, boss), boss)

    desk.says("维修的事怎么样了")

    assert desk.newest().id == newer.id
    assert [m.text for m in desk.messages(older)][-1] == "维修的事怎么样了"


# By itself


def test_an_answered_ticket_without_a_follow_up_closes_after_seven_days(desk: Desk, boss: User):
    with desk.doing(desk.ticket(), boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="suggestion", reason="是建议")
    ticket = desk.answer(desk.newest(), boss)
    desk.later(days=7, seconds=-1)
    desk.sweep()
    assert desk.reread(ticket).status is Status.ANSWERED

    desk.later(seconds=1)
    desk.sweep()

    assert (desk.reread(ticket).status, desk.reread(ticket).closed_at) == (Status.CLOSED, desk.now)
    assert (desk.events(ticket)[-1].actor, desk.events(ticket)[-1].action) == ("system", "close")


def test_an_answered_complaint_waits_for_its_follow_up(desk: Desk, boss: User):
    ticket = desk.answer(desk.ticket(COMPLAINT), boss)
    desk.later(days=30)
    desk.sweep()

    assert desk.reread(ticket).status is Status.ANSWERED


def test_what_the_follower_took_up_again_does_not_close_by_itself(desk: Desk, boss: User):
    with desk.doing(desk.ticket(), boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="suggestion", reason="是建议")
    ticket = desk.answer(desk.newest(), boss)
    desk.later(days=6)
    desk.says("我还有一个建议")

    desk.later(days=6)
    desk.sweep()

    assert desk.reread(ticket).status is Status.IN_PROGRESS


def test_a_solved_follow_up_cannot_be_given_twice(desk: Desk, boss: User):
    ticket = desk.answer(desk.ticket(), boss)
    with desk.doing(ticket, boss) as d:
        followup.follow_up(d.session, d.ticket, d.deed, result="solved")

    with pytest.raises(IllegalTransition), desk.doing(ticket, boss) as d:
        followup.follow_up(d.session, d.ticket, d.deed, result="solved")
