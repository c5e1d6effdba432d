"""The call back after an answer: by somebody else, closed when solved, returned when not, given up at the third try."""

import pytest

from service.database import reading
from service.errors import Forbidden, IllegalTransition
from service.people import User
from service.rulebook import Rulebook
from service.sla.clocks import length_of
from service.sla.policy import ClockKind
from service.tickets import cooperation, delivery, followup, handling
from service.tickets.models import FollowUp, Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, Desk

CALL = "与李女士通话，已说明处理结果"


@pytest.fixture
def handler(desk: Desk) -> User:
    return desk.person("zhang", "agent", "KFB")


@pytest.fixture
def caller(desk: Desk) -> User:
    return desk.person("hui", "follow_up_agent", "QGB")


@pytest.fixture
def answered(desk: Desk, handler: User) -> Ticket:
    return desk.answer(desk.ticket(COMPLAINT), handler)


def follow_up(desk: Desk, ticket: Ticket, by: User, result: str, **more: object) -> Ticket:
    with desk.doing(ticket, by) as d:
        followup.follow_up(d.session, d.ticket, d.deed, result=result, **more)  # type: ignore[arg-type]
    return desk.reread(ticket)


def full_resolve(rules: Rulebook, ticket: Ticket):  # type: ignore[no-untyped-def]
    target = rules.policies.policy_for(ticket.category, ticket.priority).resolve
    assert target is not None
    return length_of(target, rules.calendar)


def test_an_answered_complaint_is_always_followed_up(desk: Desk, answered: Ticket):
    clock = desk.clock(answered, "follow_up")

    assert (answered.status, answered.follow_up_open, answered.wake_at) == (Status.ANSWERED, True, None)
    assert (clock.state, clock.started_at) == ("running", desk.now)
    assert answered.due_at == clock.due_at
    assert desk.events(answered)[-1].after["follow_up"] is True


def test_solved_closes_and_meets_the_clock(desk: Desk, answered: Ticket, caller: User):
    desk.later(hours=1)

    closed = follow_up(desk, answered, caller, "solved", satisfaction=5, note="很满意")

    clock = desk.clock(closed, "follow_up")
    assert (closed.status, closed.closed_at, closed.follow_up_open) == (Status.CLOSED, desk.now, False)
    assert (clock.state, clock.met_at) == ("met", desk.now)
    with reading() as session:
        attempt = session.query(FollowUp).one()
        assert (attempt.by, attempt.result, attempt.satisfaction, attempt.note) == ("hui", "solved", 5, "很满意")


def test_a_late_follow_up_is_met_after_it_was_due(desk: Desk, answered: Ticket, caller: User):
    desk.later(days=3)
    desk.sweep()
    assert desk.reread(answered).overdue

    closed = follow_up(desk, answered, caller, "solved")

    clock = desk.clock(closed, "follow_up")
    assert clock.state == "met"
    assert clock.met_at > clock.due_at
    assert not closed.overdue


def test_unsolved_returns_it_with_half_the_target(desk: Desk, answered: Ticket, caller: User, handler: User):
    desk.later(hours=1)

    returned = follow_up(desk, answered, caller, "unsolved", note="还是漏水")

    clock = desk.clock(returned, "resolve")
    half = full_resolve(desk.rules, returned) / 2
    assert (returned.status, returned.assignee_id, returned.rework_rounds) == (Status.IN_PROGRESS, handler.id, 1)
    assert (clock.state, clock.met_at) == ("running", None)
    assert clock.due_at == desk.rules.calendar.add(desk.now, half)
    assert desk.clock(returned, "follow_up").state == "met"


def test_unsolved_returns_it_twice_at_most(desk: Desk, answered: Ticket, caller: User, handler: User):
    for _ in range(2):
        returned = follow_up(desk, answered, caller, "unsolved", note="没修好")
        assert returned.status is Status.IN_PROGRESS
        desk.later(minutes=5)
        desk.answer(answered, handler)

    closed = follow_up(desk, answered, caller, "unsolved", note="没修好")

    assert (closed.status, closed.rework_rounds) == (Status.CLOSED, 2)
    assert desk.events(closed)[-1].after["result"] == "unsolved"


def test_the_second_round_is_half_of_the_full_target_too(desk: Desk, answered: Ticket, caller: User, handler: User):
    for _ in range(2):
        follow_up(desk, answered, caller, "unsolved", note="没修好")
        clock = desk.clock(answered, "resolve")
        begun = desk.now
        desk.answer(answered, handler)

    half = full_resolve(desk.rules, answered) / 2
    assert clock.due_at == desk.rules.calendar.add(begun, half)


def test_what_came_back_is_followed_up_again_whatever_the_sample_says(desk: Desk, caller: User):
    agent = desk.person("qian", "agent", "QGB")
    ticket = unsampled(desk, agent)
    follow_up(desk, ticket, caller, "unsolved", note="没说清楚")

    again = desk.answer(ticket, agent)

    assert again.follow_up_open
    assert desk.clock(again, "follow_up").state == "running"


def test_the_third_unreachable_closes(desk: Desk, answered: Ticket, caller: User):
    for _ in range(2):
        still = follow_up(desk, answered, caller, "unreachable", note="无人接听")
        assert (still.status, still.follow_up_open) == (Status.ANSWERED, True)
        assert desk.clock(still, "follow_up").state == "running"
        desk.later(hours=4)

    closed = follow_up(desk, answered, caller, "unreachable", note="无人接听")

    assert (closed.status, closed.closed_at) == (Status.CLOSED, desk.now)
    assert [e.action for e in desk.events(closed)[-3:]] == ["follow_up", "follow_up", "close"]


def test_attempts_are_counted_anew_after_another_answer(desk: Desk, answered: Ticket, caller: User, handler: User):
    for result in ("unreachable", "unreachable", "unsolved"):
        follow_up(desk, answered, caller, result, note="记录")
    desk.answer(answered, handler)

    assert follow_up(desk, answered, caller, "unreachable").status is Status.ANSWERED


# Not by whoever handled it


def takes(desk: Desk, ticket: Ticket, by: User) -> None:
    desk.accept(ticket, by)


def writes(desk: Desk, ticket: Ticket, by: User) -> None:
    desk.reply(ticket, by, "正在核实", "interim")


def calls(desk: Desk, ticket: Ticket, by: User) -> None:
    desk.reply(ticket, by, CALL, "interim", via="phone")


def is_given_it(desk: Desk, ticket: Ticket, by: User) -> None:
    with desk.doing(ticket, by) as d:
        cooperation.assign(d.session, d.ticket, d.deed, assignee=by.username)


@pytest.mark.parametrize(
    ("handles", "moves_on"),
    [(takes, False), (writes, False), (is_given_it, False), (takes, True), (writes, True), (calls, True)],
)
def test_whoever_handled_a_complaint_may_not_follow_it_up_whatever_their_roles(
    desk: Desk, handler: User, handles, moves_on: bool
):
    boss = desk.person("boss", "admin", "KFB", "supervisor", "follow_up_agent")
    ticket = desk.ticket(COMPLAINT)
    handles(desk, ticket, boss)
    if moves_on:  # to a colleague, who gives the answer
        with desk.doing(ticket, boss) as d:
            cooperation.assign(d.session, d.ticket, d.deed, assignee=handler.username)
    desk.answer(ticket, handler if moves_on else boss)

    with pytest.raises(Forbidden, match="whoever handled"):
        follow_up(desk, ticket, boss, "solved")
    assert desk.reread(ticket).status is Status.ANSWERED


def test_dispatching_and_noting_is_not_handling(desk: Desk, handler: User):
    boss = desk.person("boss", "supervisor", "KFB")
    ticket = desk.ticket(COMPLAINT)
    with desk.doing(ticket, boss) as d:
        cooperation.assign(d.session, d.ticket, d.deed, assignee=handler.username)
    with desk.doing(ticket, boss) as d:
        handling.note(d.session, d.ticket, "请尽快", d.deed)
    desk.answer(ticket, handler)

    assert follow_up(desk, ticket, boss, "solved").status is Status.CLOSED


def test_an_inquiry_may_be_followed_up_by_its_handler(desk: Desk):
    head = desk.person("head", "dept_head", "QGB")
    ticket = desk.answer(desk.ticket(), head)

    assert follow_up(desk, ticket, head, "solved").status is Status.CLOSED


@pytest.mark.parametrize("result", ["solved", "unsolved", "unreachable"])
def test_only_an_answered_ticket_is_followed_up(desk: Desk, caller: User, handler: User, result: str):
    ticket = desk.accept(desk.ticket(COMPLAINT), handler)

    with pytest.raises(IllegalTransition):
        follow_up(desk, ticket, caller, result)


# The sample


def unsampled(desk: Desk, agent: User) -> Ticket:
    """An answered inquiry that nobody is asked about."""
    for number in range(40):
        ticket = desk.answer(desk.ticket(follower=f"oFollower{number:04}"), agent)
        if not ticket.follow_up_open:
            return ticket
    raise AssertionError("40 inquiries, and each is in a sample of a tenth")


def test_the_sample_is_about_as_large_as_the_policy_says():
    drawn = [delivery.is_drawn(f"GD20260304-{n:04}", 0.1) for n in range(2000)]

    assert 150 < sum(drawn) < 250


@pytest.mark.parametrize(("share", "all_or_none"), [(0.0, False), (1.0, True)])
def test_all_or_none(share: float, all_or_none: bool):
    assert {delivery.is_drawn(f"GD20260304-{n:04}", share) for n in range(500)} == {all_or_none}


def test_the_sample_is_decided_once_and_recorded(desk: Desk):
    agent = desk.person("qian", "agent", "QGB")
    tickets = [desk.answer(desk.ticket(follower=f"oFollower{n:04}"), agent) for n in range(30)]

    chosen = {t.number: t.follow_up_open for t in tickets}
    recorded = {t.number: desk.events(t)[-1].after["follow_up"] for t in tickets}
    assert recorded == chosen == {number: delivery.is_drawn(number, 0.1) for number in chosen}
    assert set(chosen.values()) == {True, False}
    for ticket in tickets[:5]:  # answering again asks the same again
        desk.says("还有一个问题想问", follower=ticket.follower.address)
        assert desk.answer(ticket, agent).follow_up_open is chosen[ticket.number]


def test_without_a_follow_up_nothing_is_owed(desk: Desk):
    ticket = unsampled(desk, desk.person("qian", "agent", "QGB"))

    assert ClockKind.FOLLOW_UP not in {row.kind for row in ticket.clocks}
    assert ticket.due_at is None
