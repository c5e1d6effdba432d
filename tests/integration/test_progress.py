"""Promises about a ticket as its follower knows it: the stations of its way, and by when an answer comes."""

from datetime import timedelta

import pytest

from service.database import reading
from service.tickets import closing, followup, handling, progress
from service.tickets.models import Ticket
from tests.factories import COMPLAINT, Desk


def way(ticket: Ticket) -> list[str]:
    """done+, >next, later"""
    signs = {(True, False): "+", (False, True): ">", (False, False): ""}
    return [signs[step.is_done, step.is_next] + step.kind for step in progress.steps(ticket)]


def promise(desk: Desk, ticket: Ticket) -> progress.Promise | None:
    return progress.promise(desk.reread(ticket), desk.now)


def test_the_way_of_a_ticket_from_its_receipt_to_its_end(desk: Desk):
    ticket, person = desk.ticket(COMPLAINT), desk.person("li")
    ways = [way(ticket)]
    ways.append(way(desk.accept(ticket, person)))
    ways.append(way(desk.answer(ticket, person)))
    with desk.doing(ticket, desk.person("hui", "follow_up_agent", "QGB")) as d:
        followup.follow_up(d.session, d.ticket, d.deed, result="solved")
    ways.append(way(desk.reread(ticket)))

    assert ways == [
        ["+received", ">accepted", "answered", "closed"],
        ["+received", "+accepted", ">answered", "closed"],
        ["+received", "+accepted", "+answered", ">closed"],
        ["+received", "+accepted", "+answered", "+closed"],
    ]


def test_an_answer_that_did_not_help_is_taken_back_from_the_way(desk: Desk):
    ticket = desk.answer(desk.ticket(), desk.person("li"))
    desk.says("还是不行")

    assert way(desk.reread(ticket)) == ["+received", "+accepted", ">answered", "closed"]


def test_what_ended_without_an_answer_promises_none(desk: Desk):
    ticket = desk.ticket()
    with desk.doing(ticket, desk.person("li", "dispatcher")) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="客户要求")

    ended = desk.reread(ticket)
    assert way(ended) == ["+received", "+ended"]
    assert promise(desk, ended) is None


def test_the_promise_is_when_the_answer_is_due(desk: Desk):
    ticket = desk.ticket()
    clock = desk.clock(ticket, "resolve")
    assert clock

    made = promise(desk, ticket)

    assert made == progress.Promise(clock.due_at, is_late=False, provisional=clock.provisional)


def test_what_the_handler_promised_wins(desk: Desk):
    ticket = desk.ticket()
    by = desk.now + timedelta(hours=3)
    with desk.doing(ticket, desk.person("li")) as d:
        handling.accept(d.session, d.ticket, d.deed, promise_at=by)

    assert promise(desk, ticket) == progress.Promise(by, is_late=False, provisional=False)


def test_a_promise_that_was_broken_is_said_to_be(desk: Desk):
    ticket = desk.ticket()
    desk.later(days=9)
    desk.sweep()

    made = promise(desk, ticket)

    assert made
    assert made.is_late


@pytest.mark.parametrize("kind", ["ask", "final"])
def test_while_it_is_the_followers_turn_nothing_is_promised(desk: Desk, kind: str):
    ticket = desk.ticket()
    desk.reply(ticket, desk.person("li"), "请问房号是多少", kind)
    desk.deliver()

    assert promise(desk, ticket) is None


def test_a_code_opens_its_own_ticket_alone(desk: Desk):
    ticket = desk.ticket()
    other = desk.ticket(follower="oFollower0002")

    with reading() as session:
        found = [
            progress.ticket_by_code(session, number, code)
            for number, code in (
                (ticket.number, ticket.query_code),
                (ticket.number, other.query_code),
                (ticket.number, ""),
                ("GD20200101-0001", progress.NO_CODE),
            )
        ]

    assert [t.id if t else None for t in found] == [
        ticket.id,
        ticket.id if ticket.query_code == other.query_code else None,
        None,
        None,
    ]
