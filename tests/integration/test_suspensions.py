"""Promises about suspensions: five working days each, ten in all, and a word on the second and fourth day."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service.database import reading, transaction
from service.errors import InvalidInput
from service.people import User
from service.tickets import handling, suspensions
from service.tickets.models import Ticket
from service.tickets.register import Notification
from tests.factories import Desk
from tests.fakes import FakeChannel

DAY = timedelta(days=1)


@pytest.fixture
def ticket(desk: Desk, agent: User) -> Ticket:
    """A matter in hand on a Wednesday morning."""
    return desk.accept(desk.ticket(), agent)


def suspend(desk: Desk, ticket: Ticket, by: User, until: datetime) -> None:
    with desk.doing(ticket, by) as d:
        handling.suspend(d.session, d.ticket, d.deed, reason="等客户补充发票", until=until)


def resume(desk: Desk, ticket: Ticket, by: User) -> None:
    with desk.doing(ticket, by) as d:
        handling.resume(d.session, d.ticket, d.deed)


def remind(desk: Desk) -> int:
    with transaction() as session:
        return suspensions.remind_due(session, now=desk.now, rules=desk.rules)


def reminders(desk: Desk) -> list[Notification]:
    with reading() as session:
        found = session.scalars(select(Notification).where(Notification.kind == "suspension")).all()
        session.expunge_all()
    return list(found)


def test_five_working_days_at_most_and_the_error_names_the_last_moment(desk: Desk, ticket: Ticket, agent: User):
    with pytest.raises(InvalidInput, match="at most 5 working days: 2026-03-11 18:00 at the latest"):
        suspend(desk, ticket, agent, desk.now + 8 * DAY)

    suspend(desk, ticket, agent, desk.now + 7 * DAY)

    assert desk.reread(ticket).status == "suspended"


def test_ten_in_all_and_the_error_says_what_is_left(desk: Desk, ticket: Ticket, agent: User):
    for _ in range(2):
        suspend(desk, ticket, agent, desk.now + 7 * DAY)
        desk.later(days=6)  # a Tuesday: four working days
        resume(desk, ticket, agent)
        desk.later(days=1)
    with pytest.raises(InvalidInput, match="2 of 10 working days of suspension are left: 2026-03-20 18:00"):
        suspend(desk, ticket, agent, desk.now + 5 * DAY)
    suspend(desk, ticket, agent, desk.now + 2 * DAY)
    desk.later(days=2)
    resume(desk, ticket, agent)

    with pytest.raises(InvalidInput, match="suspended for all of its 10 working days"):
        suspend(desk, ticket, agent, desk.now + 3 * DAY)


def test_what_ended_early_costs_only_what_it_took(desk: Desk, ticket: Ticket, agent: User):
    suspend(desk, ticket, agent, desk.now + 7 * DAY)
    desk.later(hours=3)
    desk.says("发票补上了")  # the same day

    with reading() as session:
        found = session.get_one(Ticket, ticket.id, populate_existing=True)
        left = suspensions.room(session, found, desk.rules, desk.now)

    assert (left.days, left.left) == (5, 10)


def test_the_handler_is_told_on_the_second_and_fourth_day_and_nothing_is_sent(
    desk: Desk, ticket: Ticket, agent: User, channel: FakeChannel
):
    sent = len(channel.sent)
    suspend(desk, ticket, agent, desk.now + 7 * DAY)
    told = []
    for _ in range(7 * 24):
        desk.later(hours=1)
        if remind(desk):
            told.append(desk.now)
    desk.deliver()

    assert [at.astimezone(desk.rules.zone).strftime("%m-%d %H") for at in told] == ["03-06 09", "03-10 09"]
    found = reminders(desk)
    assert [(n.user_id, n.facts["number"]) for n in found] == [(agent.id, ticket.number)] * 2
    assert "等客户补充发票" in str(found[0].facts["text"])
    assert len(channel.sent) == sent


def test_no_word_after_it_has_ended(desk: Desk, ticket: Ticket, agent: User):
    suspend(desk, ticket, agent, desk.now + 7 * DAY)
    desk.later(hours=1)
    resume(desk, ticket, agent)
    desk.later(days=3)

    remind(desk)

    assert reminders(desk) == []
    assert desk.reread(ticket).remind_at is None


def test_two_schedulers_tell_once(desk: Desk, ticket: Ticket, agent: User):
    suspend(desk, ticket, agent, desk.now + 7 * DAY)
    desk.later(days=2)

    remind(desk)
    remind(desk)

    assert len(reminders(desk)) == 1
