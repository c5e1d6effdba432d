"""Several at once on one ticket: nobody's work is lost, and what may happen once happens once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from service.audit import Event
from service.database import reading, transaction
from service.errors import ServiceError
from service.people import User
from service.sla.calendar import DayException
from service.tickets import classification, closing, cooperation, handling, recalculation, sweeps
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import FakeChannel


def at_once(desk: Desk, *deeds: Callable[[], object]) -> list[ServiceError]:
    """Do all of it at the same time; returns what was refused."""
    together, refused = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], object]) -> None:
        with desk.app.app_context():
            together.wait()
            try:
                deed()
            except ServiceError as error:
                refused.append(error)

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_what_many_write_at_once_is_all_there_and_each_is_a_version(desk: Desk):
    boss, ticket = desk.person("boss", "admin", "QGB"), desk.ticket()

    def note(number: int) -> None:
        with desk.doing(ticket, boss) as d:
            handling.note(d.session, d.ticket, f"说明 {number}", d.deed)

    refused = at_once(desk, *(lambda n=n: note(n) for n in range(8)))

    assert refused == []
    assert {m.text for m in desk.messages(ticket)} == {INQUIRY, *(f"说明 {n}" for n in range(8))}
    assert desk.reread(ticket).version == ticket.version + 8
    assert [e.action for e in desk.events(ticket)].count("note") == 8


def test_an_answer_that_arrives_as_the_follower_writes_leaves_one_consistent_ticket(desk: Desk, channel: FakeChannel):
    boss = desk.person("boss", "admin", "KFB")
    for number in range(4):
        ticket = desk.ticket(COMPLAINT, follower=f"oFollower{number:04}")
        desk.reply(ticket, boss)

        at_once(desk, desk.deliver, lambda ticket=ticket: desk.says("还是漏水", follower=ticket.follower.address))

        found = desk.reread(ticket)
        states = {row.kind: row.state for row in found.clocks}
        assert [m.text for m in desk.messages(ticket) if m.direction == "inbound"] == [COMPLAINT, "还是漏水"]
        if found.status is Status.ANSWERED:  # it was written first, and then answered
            assert (states["resolve"], states.get("follow_up"), found.follow_up_open) == ("met", "running", True)
        else:
            assert (found.status, states["resolve"]) == (Status.IN_PROGRESS, "running")
            assert ("follow_up" in states, found.follow_up_open) == (False, False)
    assert len(channel.sent) == 4


def test_two_workers_classify_each_ticket_once(desk: Desk):
    for number in range(6):
        desk.says(COMPLAINT, follower=f"oFollower{number:04}")
    desk.later(seconds=5)
    rules = desk.rules

    def work() -> None:
        with transaction() as session:
            classification.classify_due(session, now=desk.now, rules=rules)

    at_once(desk, work, work)
    work()

    for number in range(6):
        ticket = desk.reread(Ticket(id=number + desk.newest().id - 5))
        assert ticket.department.code == "KFB"
        assert [e.action for e in desk.events(ticket)] == ["open", "classify"]


def test_two_sweeps_mark_a_late_ticket_once(desk: Desk):
    ticket = desk.ticket()
    desk.later(hours=1)
    rules = desk.rules

    def work() -> None:
        with transaction() as session:
            sweeps.mark_overdue(session, now=desk.now, rules=rules)

    at_once(desk, work, work)

    assert [e.action for e in desk.events(ticket)].count("overdue") == 1


def two_open(desk: Desk, boss: User) -> tuple[Ticket, Ticket]:
    first = desk.accept(desk.ticket(), boss)
    with desk.doing(first, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    second = desk.ticket("请问停车费怎么交")
    with desk.doing(first, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="还有问题")
    return first, second


def test_two_tickets_are_not_merged_into_each_other(desk: Desk):
    boss = desk.person("boss", "admin", "QGB")
    first, second = two_open(desk, boss)

    def merge(ticket: Ticket, into: Ticket) -> None:
        with desk.doing(ticket, boss) as d:
            target = d.session.get_one(Ticket, into.id, populate_existing=True)
            cooperation.merge(d.session, d.ticket, target, d.deed)

    refused = at_once(desk, lambda: merge(first, second), lambda: merge(second, first))

    assert len(refused) == 1
    statuses = {desk.reread(first).status, desk.reread(second).status}
    assert Status.MERGED in statuses
    assert len(statuses) == 2


def test_one_matter_is_closed_and_transferred_in_some_order_and_never_half(desk: Desk):
    boss = desk.person("boss", "admin", "QGB")
    ticket = desk.accept(desk.ticket(), boss)

    def close() -> None:
        with desk.doing(ticket, boss) as d:
            closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")

    def transfer() -> None:
        with desk.doing(ticket, boss) as d:
            cooperation.transfer(d.session, d.ticket, d.deed, department="CWB", reason="发票问题")

    refused = at_once(desk, close, transfer)

    found = desk.reread(ticket)
    assert len(refused) == 1  # neither is possible after the other
    assert (found.status, found.department.code) in [
        (Status.CLOSED, "QGB"),
        (Status.PENDING_ACCEPTANCE, "CWB"),
    ]
    assert found.version == ticket.version + 1


def test_two_workers_recompute_each_ticket_once(desk: Desk):
    for number in range(12):
        desk.ticket(follower=f"oFollower{number:04}")
    party = {date(2026, 3, 4): DayException("司庆", "holiday")}
    rules = replace(desk.rules, calendar=replace(desk.rules.calendar, days=party), calendar_version=1_000_000)

    def recompute() -> None:
        for _ in range(4):
            with transaction() as session:
                recalculation.recompute_due(session, now=desk.now, rules=rules)

    with pytest.MonkeyPatch.context() as small:
        small.setattr(recalculation, "BATCH", 5)
        at_once(desk, recompute, recompute, recompute)

    with reading() as session:
        moved = session.scalars(select(Event.ticket_id).where(Event.action == "calendar")).all()
    assert len(moved) == len(set(moved)) == 12
