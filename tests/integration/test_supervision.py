"""A supervision order: opened, raised, answered, judged, missed, and over when its ticket is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from service.database import transaction
from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.people import User
from service.sla.policy import ClockKind
from service.tickets import closing, cooperation, supervision
from service.tickets.models import Ticket
from service.tickets.register import SupervisionOrder
from tests.factories import COMPLAINT, Desk
from tests.integration.supervision_rig import WHY, answer, close, miss, orders, steps, supervise, told
from tests.integration.test_races import at_once


@pytest.fixture
def handler(desk: Desk) -> User:
    return desk.person("zhang", "agent", "KFB")


@pytest.fixture
def head(desk: Desk) -> User:
    return desk.person("head", "dept_head", "KFB")


@pytest.fixture
def ticket(desk: Desk, handler: User) -> Ticket:
    return desk.accept(desk.ticket(COMPLAINT), handler)


def lift(desk: Desk, ticket: Ticket, level: str, by: User | None = None) -> None:
    """By the ladder, or by a supervisor."""
    with desk.doing(ticket, by) as d:
        if by is None:
            supervision.raise_level(d.session, d.ticket, d.deed, level=level, clock=ClockKind.RESOLVE)
        else:
            supervision.raise_order(d.session, d.ticket, d.deed, level=level, reason=WHY)


def test_an_order_gives_four_working_hours_and_tells_who_works_on_it(
    desk: Desk, ticket: Ticket, boss: User, head: User
):
    supervised = supervise(desk, ticket, boss)

    (order,) = orders(ticket)
    assert (supervised.supervision, supervised.version) == ("ordinary", ticket.version + 1)
    assert (order.level, order.opened_by, order.reason, order.opened_at) == ("ordinary", "boss", WHY, desk.now)
    assert order.due_at == datetime(2026, 3, 4, 7, 0, 5, tzinfo=UTC)  # 09:30:05 and 240 minutes, lunch left out
    event = desk.events(ticket)[-1]
    assert (event.actor, event.action, event.because) == ("boss", "supervise", WHY)
    assert (event.before, event.after["level"]) == ({"level": None}, "ordinary")
    assert event.after["answer_due_at"] == order.due_at.isoformat()
    assert told(ticket, "opened") == {"zhang", "head"}


def test_a_supervisor_may_say_until_when_and_not_in_the_past(desk: Desk, ticket: Ticket, boss: User):
    with pytest.raises(InvalidInput):
        supervise(desk, ticket, boss, due_at=desk.now)

    supervise(desk, ticket, boss, due_at=desk.now + timedelta(hours=1))

    assert [o.due_at for o in orders(ticket)] == [desk.now + timedelta(hours=1)]


def test_a_ticket_has_one_open_order(desk: Desk, ticket: Ticket, boss: User):
    supervise(desk, ticket, boss)

    with pytest.raises(IllegalTransition):
        supervise(desk, ticket, boss, "red")

    assert [o.level for o in orders(ticket)] == ["ordinary"]
    close(desk, ticket, boss, reason="电话中已说明")
    assert supervise(desk, ticket, boss, "red").supervision == "red"


def test_of_two_that_open_at_once_one_does(desk: Desk, ticket: Ticket, boss: User):
    other = desk.person("boss2", "supervisor", "LDS")

    refused = at_once(desk, lambda: supervise(desk, ticket, boss), lambda: supervise(desk, ticket, other, "yellow"))

    assert [type(error) for error in refused] == [IllegalTransition]
    assert len(orders(ticket)) == 1


def test_the_database_holds_no_second_open_order(desk: Desk, ticket: Ticket, boss: User):
    supervise(desk, ticket, boss)

    row = {"level": "red", "opened_at": desk.now, "opened_by": "x", "reason": "x", "due_at": desk.now}
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(SupervisionOrder(ticket_id=ticket.id, **row))


def test_a_ticket_that_has_ended_is_not_supervised(desk: Desk, ticket: Ticket, boss: User):
    with desk.doing(ticket, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="客户撤回")

    with pytest.raises(IllegalTransition):
        supervise(desk, ticket, boss)
    lift(desk, ticket, "red")
    assert orders(ticket) == []


def test_the_ladder_opens_an_order_and_raises_it_and_never_lowers_it(desk: Desk, ticket: Ticket):
    lift(desk, ticket, "ordinary")
    due_at = orders(ticket)[0].due_at
    desk.later(hours=1)
    for level in ("yellow", "red", "red", "ordinary", "yellow"):
        lift(desk, ticket, level)

    (order,) = orders(ticket)
    assert (order.level, order.opened_by, order.reason) == ("red", "system", "办结超时")
    assert order.due_at == due_at  # what was asked first is still due
    assert desk.reread(ticket).supervision == "red"
    assert steps(desk, ticket) == [
        ("system", None, "ordinary"),
        ("system", "ordinary", "yellow"),
        ("system", "yellow", "red"),
    ]


def test_a_supervisor_raises_what_is_open(desk: Desk, ticket: Ticket, boss: User, handler: User):
    leader = desk.person("leader", "supervisor", "LDS")
    with pytest.raises(IllegalTransition):
        lift(desk, ticket, "red", boss)
    supervise(desk, ticket, boss, "yellow")

    for level in ("ordinary", "yellow"):
        with pytest.raises(IllegalTransition):
            lift(desk, ticket, level, boss)
    with pytest.raises(InvalidInput):
        lift(desk, ticket, "purple", boss)
    lift(desk, ticket, "red", boss)

    assert orders(ticket)[0].level == "red"
    assert told(ticket, "raised") >= {handler.username, leader.username}


def test_the_handler_answers_once_and_whoever_asked_hears_of_it(desk: Desk, ticket: Ticket, boss: User, handler: User):
    desk.person("boss2", "supervisor", "LDS")
    supervise(desk, ticket, boss)
    desk.later(hours=1)

    answer(desk, ticket, handler, "明天上午完成")

    (order,) = orders(ticket)
    assert (order.answered_at, order.answered_by, order.answer) == (desk.now, "zhang", "明天上午完成")
    event = desk.events(ticket)[-1]
    assert (event.actor, event.action, event.because) == ("zhang", "supervision_answer", "明天上午完成")
    assert told(ticket, "answered") == {"boss"}
    with pytest.raises(IllegalTransition):
        answer(desk, ticket, handler)
    assert desk.reread(ticket).supervision == "ordinary"  # it waits for the verdict


def test_supervisors_hear_of_the_answer_to_an_order_that_nobody_opened(desk: Desk, ticket: Ticket, handler: User):
    desk.person("boss2", "supervisor", "LDS")
    lift(desk, ticket, "ordinary")

    answer(desk, ticket, handler)

    assert told(ticket, "answered") == {"boss2"}


def test_whoever_opened_it_does_not_answer_it(desk: Desk, ticket: Ticket, boss: User):
    supervise(desk, ticket, boss)

    with pytest.raises(Forbidden):
        answer(desk, ticket, boss)


def test_nothing_is_answered_or_closed_without_an_order(desk: Desk, ticket: Ticket, boss: User, handler: User):
    with pytest.raises(IllegalTransition):
        answer(desk, ticket, handler)
    with pytest.raises(IllegalTransition):
        close(desk, ticket, boss, verdict="好", reason="好")


def test_a_verdict_needs_an_answer_or_a_reason_why_there_is_none(desk: Desk, ticket: Ticket, boss: User):
    supervise(desk, ticket, boss)

    with pytest.raises(IllegalTransition):
        close(desk, ticket, boss, verdict="同意")
    close(desk, ticket, boss, reason="误发")

    (order,) = orders(ticket)
    assert (order.closed_at, order.closed_by, order.verdict) == (desk.now, "boss", "误发")
    assert desk.reread(ticket).supervision is None


def test_a_verdict_on_an_answer_says_something_and_the_handler_hears_of_it(
    desk: Desk, ticket: Ticket, boss: User, handler: User
):
    supervise(desk, ticket, boss, "yellow")
    answer(desk, ticket, handler)
    with pytest.raises(InvalidInput):
        close(desk, ticket, boss, verdict=" ")

    close(desk, ticket, boss, verdict="措施可行，按期完成")

    assert steps(desk, ticket, ["supervision_close"]) == [("boss", "yellow", None)]
    assert desk.events(ticket)[-1].because == "措施可行，按期完成"
    assert told(ticket, "closed") == {"zhang"}


ENDS: dict[str, Callable[..., None]] = {
    "withdraw": lambda d: closing.withdraw(d.session, d.ticket, d.deed, reason="客户撤回"),
    "invalid": lambda d: closing.invalidate(d.session, d.ticket, d.deed, reason="误触"),
    "close": lambda d: closing.close(d.session, d.ticket, d.deed, reason="已解决"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_ticket_that_ends_takes_its_order_along(desk: Desk, boss: User, name: str):
    ticket = supervise(desk, desk.accept(desk.ticket(), boss), boss, "yellow")

    with desk.doing(ticket, boss) as d:
        ENDS[name](d)

    (order,) = orders(ticket)
    assert (order.closed_at, order.closed_by, order.level) == (desk.now, "system", "yellow")
    assert desk.reread(ticket).supervision is None
    assert steps(desk, ticket, ["supervision_close"]) == [("system", "yellow", None)]
    desk.later(days=3)
    assert miss(desk) == 0


def test_a_merged_ticket_takes_its_order_along(desk: Desk, boss: User):
    first = desk.accept(desk.ticket(), boss)
    with desk.doing(first, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    second = desk.ticket("请问停车费怎么交")
    with desk.doing(first, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="还有问题")
    supervise(desk, second, boss)

    with desk.doing(second, boss) as d:
        into = d.session.get_one(Ticket, first.id)
        cooperation.merge(d.session, d.ticket, into, d.deed)

    assert (orders(second)[0].closed_by, desk.reread(second).supervision) == ("system", None)


def test_what_is_not_answered_in_time_is_raised_and_goes_to_the_top_once(desk: Desk, ticket: Ticket, boss: User):
    desk.person("leader", "supervisor", "LDS")
    supervise(desk, ticket, boss)
    assert miss(desk) == 0
    desk.now = orders(ticket)[0].due_at

    assert (miss(desk), miss(desk)) == (1, 0)

    (order,) = orders(ticket)
    assert (order.missed_at, order.level, desk.reread(ticket).supervision) == (desk.now, "yellow", "yellow")
    assert steps(desk, ticket) == [("boss", None, "ordinary"), ("system", "ordinary", "yellow")]
    assert {"boss", "leader", "zhang"} <= told(ticket, "missed")


def test_a_red_order_stays_red_when_it_is_missed(desk: Desk, ticket: Ticket, boss: User):
    supervise(desk, ticket, boss, "red")
    desk.later(days=1)

    miss(desk)

    assert (orders(ticket)[0].missed_at, orders(ticket)[0].level) == (desk.now, "red")
    assert desk.events(ticket)[-1].because == supervision.MISSED


def test_an_answered_order_is_not_missed_and_a_missed_one_can_be_answered(
    desk: Desk, ticket: Ticket, boss: User, handler: User
):
    other = desk.ticket(COMPLAINT, follower="oFollower0002")
    supervise(desk, ticket, boss)
    supervise(desk, other, boss)
    answer(desk, ticket, handler)
    desk.later(days=1)

    assert miss(desk) == 1

    assert orders(ticket)[0].missed_at is None
    answer(desk, other, handler)
    assert (orders(other)[0].answered_by, orders(other)[0].missed_at) == ("zhang", desk.now)


def test_two_schedulers_miss_each_order_once(desk: Desk, boss: User):
    tickets = [desk.ticket(COMPLAINT, follower=f"oFollower{number:04}") for number in range(4)]
    for each in tickets:
        supervise(desk, each, boss)
    desk.later(days=1)

    at_once(desk, lambda: miss(desk), lambda: miss(desk))
    miss(desk)

    assert [steps(desk, each)[1:] for each in tickets] == [[("system", "ordinary", "yellow")]] * 4


def complain_again(desk: Desk, boss: User) -> Ticket:
    """The follower takes up what was closed a day before."""
    newest = desk.accept(desk.newest(), boss)
    with desk.doing(newest, boss) as d:
        if newest.category == "complaint":
            d.ticket.answered_at = desk.now
        closing.close(d.session, d.ticket, d.deed, reason="已处理")
    desk.later(days=1)
    return desk.ticket(COMPLAINT)


def test_the_third_complaint_about_the_same_matter_is_a_red_one(desk: Desk, boss: User):
    first = desk.ticket(COMPLAINT)
    second = complain_again(desk, boss)
    third = complain_again(desk, boss)

    assert [desk.reread(t).supervision for t in (first, second, third)] == [None, None, "red"]
    assert (orders(third)[0].opened_by, orders(third)[0].reason) == ("system", "同一问题第 3 次投诉")


def test_an_inquiry_in_between_does_not_count_and_a_correction_does(desk: Desk, boss: User):
    desk.ticket()  # an inquiry
    complain_again(desk, boss)
    third = complain_again(desk, boss)
    assert third.supervision is None
    first = desk.reread(Ticket(id=third.id - 2))

    for each in (first, third):
        with desk.doing(each, boss) as d:
            d.ticket.category = "complaint"
            supervision.check_repeats(d.session, d.ticket, d.deed)

    assert desk.reread(third).supervision == "red"
