"""A trial of a draft on a small history: what was late, what would have been, and for whom."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service.database import reading, transaction
from service.people import User
from service.sla.policy import ClockKind
from service.sla.trial import Tally
from service.tickets import closing, trial
from service.tickets.models import ClockRow, Ticket
from service.tickets.trial import Trial
from tests.calendar_rig import fresh
from tests.factories import COMPLAINT, INQUIRY, MORNING, Desk
from tests.policy_rig import Changes, saved, table, tag_follower

HIGH = ("complaint", "high")
QUICK: Changes = {"complaint/high": {"accept": "5 分钟"}}


@pytest.fixture(autouse=True)
def own_rules(app: Flask) -> Iterator[None]:
    fresh(app)
    yield
    fresh(app)


def tried(desk: Desk, user: User, changes: Changes, *, days: int = 7, now: datetime | None = None) -> Trial:
    with reading() as session:
        draft = table(changes, desk.rules.policies)
        return trial.run(session, user, draft, days=days, now=now or desk.now, rules=desk.rules)


def accepted_after(desk: Desk, boss: User, minutes: int, follower: str) -> Ticket:
    """A complaint of 09:30, classified at once, that is accepted so many minutes after it came."""
    desk.now = MORNING
    ticket = desk.ticket(COMPLAINT, follower=follower)
    desk.now = MORNING + timedelta(minutes=minutes)
    return desk.accept(ticket, boss)


def counts(found: Trial, kind: ClockKind = ClockKind.ACCEPT, group: tuple[str, str] = HIGH) -> tuple[int, ...]:
    tally = found.outcome.tallies.get((*group, kind), Tally())
    return tally.clocks, tally.was, tally.present, tally.draft


def test_breaches_as_they_were_now_and_under_the_draft(desk: Desk, boss: User):
    early, middle, late = (accepted_after(desk, boss, n, f"o{n}") for n in (4, 10, 20))

    found = tried(desk, boss, QUICK)

    assert counts(found) == (3, 1, 1, 2)  # 15 minutes now: one late; 5 in the draft: two
    assert [example.case.number for example in found.outcome.examples] == [middle.number]
    assert (found.outcome.tickets, found.is_cut, found.oldest_at) == (3, False, early.received_at)
    assert late.number not in {example.case.number for example in found.outcome.examples}


def test_a_ticket_of_an_older_version_is_reckoned_with_the_present_one_too(desk: Desk, boss: User):
    accepted_after(desk, boss, 10, "o1")
    saved(desk, QUICK)

    found = tried(desk, boss, {"complaint/high": {"accept": "1 小时"}})

    assert counts(found) == (1, 0, 1, 0)


def test_what_is_open_counts_until_now(desk: Desk, boss: User):
    desk.ticket(COMPLAINT)
    desk.later(minutes=10)

    assert counts(tried(desk, boss, QUICK)) == (1, 0, 0, 1)


def test_a_pause_counts_for_the_draft_as_it_did(desk: Desk, boss: User):
    ticket = accepted_after(desk, boss, 1, "o1")
    desk.reply(ticket, boss, "请问订单号是多少？", "ask")
    desk.deliver()
    desk.later(days=1)
    changes = {"complaint/high": {"resolve": "4 小时"}}

    assert counts(tried(desk, boss, changes), ClockKind.RESOLVE) == (1, 0, 0, 0)


def test_days_that_were_granted_count_for_the_draft_too(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    with desk.doing(ticket, boss) as d:
        d.ticket.extended_days = 3
    desk.later(days=2)
    changes = {"complaint/high": {"resolve": "1 工作日"}}

    assert counts(tried(desk, boss, changes), ClockKind.RESOLVE) == (1, 0, 0, 0)


def test_a_clock_that_began_again_is_taken_as_it_was_and_counted(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    desk.answer(ticket, boss)
    desk.later(hours=1)
    with desk.doing(ticket, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="客户说没解决")

    found = tried(desk, boss, {"complaint/high": {"resolve": "1 分钟"}}, now=desk.now + timedelta(hours=5))

    assert counts(found, ClockKind.RESOLVE) == (1, 0, 0, 0)
    assert found.outcome.total(ClockKind.RESOLVE).fixed == 1


def test_the_last_round_of_a_next_reply_is_tried(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    desk.reply(ticket, boss, "已收到，正在核实", "interim")
    desk.deliver()
    desk.later(minutes=10)
    desk.says("还是漏水")
    desk.later(minutes=20)

    found = tried(desk, boss, {"complaint/high": {"next_reply": "10 分钟"}})

    assert counts(found, ClockKind.NEXT_REPLY) == (1, 0, 0, 1)


def test_a_tag_of_the_follower_counts(desk: Desk, boss: User):
    tag_follower(accepted_after(desk, boss, 10, "o1"), "VIP")
    accepted_after(desk, boss, 10, "o2")

    assert counts(tried(desk, boss, {"complaint/high/VIP": {"accept": "5 分钟"}})) == (2, 0, 0, 1)


def test_a_ticket_that_was_withdrawn_before_it_was_accepted_is_not_owed(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    with desk.doing(ticket, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="客户撤回")

    found = tried(desk, boss, QUICK, now=desk.now + timedelta(days=1))

    assert (counts(found), found.outcome.tickets) == ((0, 0, 0, 0), 1)


def test_only_the_days_that_were_asked_for_count(desk: Desk, boss: User):
    accepted_after(desk, boss, 10, "o1")
    later = MORNING + timedelta(days=8)

    assert tried(desk, boss, QUICK, now=later).outcome.tickets == 0
    assert tried(desk, boss, QUICK, days=30, now=later).outcome.tickets == 1


def test_the_newest_are_tried_where_there_are_too_many(desk: Desk, boss: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "MOST", 3)
    monkeypatch.setattr(trial, "BATCH", 2)
    for number in range(5):
        desk.ticket(INQUIRY, follower=f"o{number}")

    found = tried(desk, boss, QUICK)

    with reading() as session:
        received = session.scalars(select(Ticket.received_at).order_by(Ticket.received_at.desc())).all()
    assert (found.outcome.tickets, found.is_cut, found.oldest_at) == (3, True, received[2])


def test_a_trial_asks_no_more_for_more_tickets_and_changes_nothing(desk: Desk, boss: User, counted):
    def asked(number: int) -> int:
        for each in range(number):
            desk.ticket(COMPLAINT, follower=f"o{number}-{each}")
        with counted() as statements:
            tried(desk, boss, QUICK)
        assert all(statement.startswith("SELECT") for statement in statements)
        return len(statements)

    assert asked(6) == asked(1)


def test_a_calendar_that_has_changed_since_shows_beside_what_was(desk: Desk, boss: User):
    ticket = accepted_after(desk, boss, 10, "o1")
    with transaction() as session:  # as if it had been reckoned on other hours
        row = session.get_one(ClockRow, (ticket.id, "accept"))
        row.due_at = MORNING + timedelta(minutes=5)

    assert counts(tried(desk, boss, {})) == (1, 1, 0, 0)
