"""Urging: by colleagues (催办) and by the follower (催单), counted, limited, and not without consequence."""

from datetime import timedelta

import pytest

from service.errors import IllegalTransition, TooSoon
from service.people import User
from service.tickets import supervision
from service.tickets.models import Ticket
from tests.factories import COMPLAINT, Desk
from tests.integration.supervision_rig import close, orders, supervise, told, urge
from tests.integration.test_races import at_once

AGAIN = timedelta(minutes=30)


@pytest.fixture
def ticket(desk: Desk, boss: User) -> Ticket:
    desk.person("head", "dept_head", "KFB")
    return desk.accept(desk.ticket(COMPLAINT), desk.person("zhang", "agent", "KFB"))


def ask_progress(desk: Desk, ticket: Ticket, minutes: float = 11) -> Ticket:
    desk.later(minutes=minutes)
    desk.says("进度", follower=ticket.follower.address)
    return desk.reread(ticket)


def test_an_urge_is_counted_noted_and_told(desk: Desk, ticket: Ticket, boss: User):
    urge(desk, ticket, boss, "客户在等，请今天答复")

    event = desk.events(ticket)[-1]
    assert desk.reread(ticket).urges == 1
    assert (event.actor, event.action, event.because) == ("boss", "urge", "客户在等，请今天答复")
    assert (event.before, event.after) == ({"urges": 0}, {"urges": 1})
    assert told(ticket, "", "urge") == {"zhang", "head"}


def test_the_same_person_urges_at_most_once_in_half_an_hour(desk: Desk, ticket: Ticket, boss: User):
    urge(desk, ticket, boss)
    first_at = desk.now
    desk.later(minutes=29)

    with pytest.raises(TooSoon) as refused:
        urge(desk, ticket, boss)
    urge(desk, ticket, desk.person("boss2", "dispatcher", "QGB"))
    desk.now = first_at + AGAIN
    urge(desk, ticket, boss)

    assert refused.value.data["again_at"] == first_at + AGAIN
    assert desk.reread(ticket).urges == 3


def test_of_two_clicks_at_once_one_counts(desk: Desk, ticket: Ticket, boss: User):
    refused = at_once(desk, lambda: urge(desk, ticket, boss), lambda: urge(desk, ticket, boss))

    assert [type(error) for error in refused] == [TooSoon]
    assert desk.reread(ticket).urges == 1


def test_every_third_urge_brings_the_order_to_yellow(desk: Desk, ticket: Ticket, boss: User):
    for count in range(1, 4):
        urge(desk, ticket, boss)
        desk.later(minutes=30)
        assert desk.reread(ticket).supervision == (None if count < 3 else "yellow")

    (order,) = orders(ticket)
    assert (order.opened_by, order.reason) == ("system", "第 3 次催办")
    close(desk, ticket, boss, reason="已说明")
    urge(desk, ticket, boss)
    assert desk.reread(ticket).supervision is None


def test_nobody_is_urged_about_what_is_answered(desk: Desk, ticket: Ticket, boss: User):
    desk.answer(ticket, boss)

    with pytest.raises(IllegalTransition):
        urge(desk, ticket, boss)


def test_the_followers_second_urge_opens_an_ordinary_order(desk: Desk, ticket: Ticket):
    once = ask_progress(desk, ticket)
    assert (once.customer_urges, once.supervision) == (1, None)
    assert told(ticket, "", "urge") == {"zhang"}

    twice = ask_progress(desk, ticket)

    event = next(e for e in reversed(desk.events(ticket)) if e.action == "customer_urge")
    assert (event.actor, event.before, event.after) == ("follower", {"customer_urges": 1}, {"customer_urges": 2})
    assert (twice.customer_urges, twice.supervision, twice.urges) == (2, "ordinary", 0)
    assert (orders(ticket)[0].opened_by, orders(ticket)[0].reason) == ("system", "客户第 2 次催单")
    assert told(ticket, "opened") == {"zhang", "head", "boss"}


def test_a_followers_urge_leaves_a_graver_order_as_it_is(desk: Desk, ticket: Ticket, boss: User):
    supervise(desk, ticket, boss, "yellow")

    for _ in range(2):
        ask_progress(desk, ticket)

    assert [o.level for o in orders(ticket)] == ["yellow"]


def test_asking_again_at_once_counts_once_and_writing_counts_for_nothing(desk: Desk, ticket: Ticket):
    ask_progress(desk, ticket)
    ask_progress(desk, ticket, minutes=1)
    for _ in range(4):
        desk.later(minutes=20)
        desk.says("还是没有人来修", follower=ticket.follower.address)

    assert desk.reread(ticket).customer_urges == 1


def test_an_urge_on_what_nobody_has_reaches_the_head(desk: Desk):
    desk.person("head", "dept_head", "KFB")
    ticket = desk.ticket(COMPLAINT)

    ask_progress(desk, ticket)

    assert "head" in told(ticket, "", "urge")


def test_the_numbers_are_those_of_the_rules(desk: Desk):
    rules = desk.rules.orders

    assert (rules.urge_again, rules.answer.amount, rules.urges.times, rules.customer_urges.times) == (AGAIN, 240, 3, 2)
    assert rules.unanswered.level == "yellow"
    assert supervision.MISSED
