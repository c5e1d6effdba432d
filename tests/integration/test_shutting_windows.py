"""Warnings before a reply window shuts, given once; the ledger of it; and accounts whose windows work otherwise."""

import threading
from datetime import timedelta

import pytest

from service.database import db, reading
from service.messaging.followers import Follower
from service.messaging.ports import Contact
from service.people import User
from service.tickets import closing, handling, windows
from service.tickets.models import Ticket
from tests.factories import Desk
from tests.fakes import FakeBell, FakeChannel
from tests.integration.delivery_rig import SPENT, follower_of, items, shut_window
from tests.integration.window_rig import account_has, limits_of, said, warn

HOUR = timedelta(hours=1)


def steps(desk: Desk, ticket: Ticket) -> list[object]:
    return [event.after["hours"] for event in desk.events(ticket) if event.action == "window"]


def before_the_end(desk: Desk, ticket: Ticket, hours: float) -> None:
    desk.now = follower_of(ticket).window_closes_at - timedelta(hours=hours)


def test_a_ticket_that_waits_for_us_warns_at_12_4_and_1_hours_and_when_it_has_shut(desk: Desk, bell: FakeBell):
    ticket = desk.ticket()
    bell.announced.clear()

    for hours in (20, 12, 11, 4, 3, 1, 0.5, 0, -9):
        before_the_end(desk, ticket, hours)
        warn(desk)
        warn(desk)

    assert steps(desk, ticket) == [12, 4, 1, 0]
    assert f"ticket:{ticket.number}" in bell.announced
    assert "已于" in said(desk, ticket, "window")[-1]


def test_nothing_is_looked_at_before_its_time(desk: Desk):
    ticket = desk.ticket()

    before_the_end(desk, ticket, 12.01)

    assert warn(desk) == 0


def test_a_word_of_the_follower_begins_the_warnings_anew(desk: Desk):
    ticket = desk.ticket()
    before_the_end(desk, ticket, 3)
    warn(desk)

    desk.says("请问有进展吗")
    desk.classify()
    warn(desk)
    before_the_end(desk, ticket, 12)
    warn(desk)

    assert steps(desk, ticket) == [4, 12]


def test_thanks_move_the_window_too(desk: Desk):
    ticket = desk.ticket()
    before_the_end(desk, ticket, 0)
    warn(desk)

    desk.says("谢谢")
    warn(desk)
    before_the_end(desk, ticket, 12)
    warn(desk)

    assert steps(desk, ticket) == [0, 12]


def test_thanks_for_an_answer_leave_no_limit_behind(desk: Desk, agent: User):
    ticket = desk.answer(desk.ticket(), agent)
    desk.later(minutes=1)

    desk.says("谢谢")

    found = desk.reread(ticket)
    assert found.limit_at == found.due_at, "no window limits what nobody owes"


def test_no_warning_while_the_ticket_waits_for_the_follower_or_is_answered(desk: Desk, agent: User):
    asked, done = desk.ticket(), desk.ticket(follower="oFollower0002")
    with desk.doing(asked, agent) as d:
        handling.reply(d.session, d.ticket, handling.Draft("哪一天？", "ask"), d.deed, limits=limits_of(asked.channel))
    desk.answer(done, agent)

    before_the_end(desk, asked, 3)
    warn(desk)

    assert (steps(desk, asked), steps(desk, done)) == ([], [])
    assert desk.reread(asked).window_warn_at is None


def test_a_ticket_taken_up_again_is_watched_again(desk: Desk, agent: User):
    ticket = desk.answer(desk.ticket(), agent)
    desk.says("还是不行")
    desk.classify()

    before_the_end(desk, ticket, 4)
    warn(desk)

    assert steps(desk, ticket) == [4]


def test_an_account_that_cannot_send_has_no_window_to_warn_of(desk: Desk, channel: FakeChannel):
    ticket = desk.ticket()
    account_has(channel, can_send=False)

    before_the_end(desk, ticket, 1)
    warn(desk)

    assert steps(desk, ticket) == []


def test_a_closed_ticket_is_forgotten(desk: Desk):
    ticket = desk.ticket()
    boss = desk.person("boss", "admin", "QGB")
    before_the_end(desk, ticket, 0)
    warn(desk)

    with desk.doing(ticket, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="客户撤回")

    assert (desk.reread(ticket).window_warned, desk.reread(ticket).window_warn_at) == (None, None)


def test_two_schedulers_warn_once(desk: Desk):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    tickets = [desk.ticket(follower=f"oFollower1{n:03}") for n in range(6)]
    before_the_end(desk, tickets[-1], 4)
    barrier = threading.Barrier(2)

    def run() -> None:
        with desk.app.app_context():
            barrier.wait()
            warn(desk)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    warn(desk)

    assert [steps(desk, ticket) for ticket in tickets] == [[4]] * 6


# The ledger


def ledger(ticket: Ticket, user: User) -> list[windows.Entry]:
    with reading() as session:
        follower = session.get_one(Follower, ticket.follower_id, populate_existing=True)
        return windows.ledger(session, user, follower, limits_of(ticket.channel))


def test_the_ledger_names_what_opened_what_was_spent_and_what_the_platform_corrected(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    desk.reply(ticket, agent, "请稍等", "interim")
    desk.deliver()
    desk.later(minutes=1)
    channel.failures = [SPENT]
    desk.reply(ticket, agent)
    desk.deliver()

    entries = ledger(ticket, agent)

    assert [(e.kind, e.contact, e.code) for e in entries] == [
        ("corrected", Contact.NONE, 45047),
        ("spent", Contact.NONE, None),
        ("opened", Contact.MESSAGE, None),
    ]
    assert windows.standing_correction(entries) == entries[0]


def test_a_correction_stands_until_the_follower_opens_another_window(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    channel.failures = [SPENT]
    desk.reply(ticket, agent)
    desk.deliver()
    desk.later(minutes=1)

    desk.says("在吗")

    assert windows.standing_correction(ledger(ticket, agent)) is None


def test_replies_that_shared_a_message_spent_one(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    for text in ("第一句", "第二句"):
        desk.reply(ticket, agent, text, "interim")
    desk.says("在吗")
    desk.deliver()

    (spent,) = [entry for entry in ledger(ticket, agent) if entry.kind == "spent"]

    assert (spent.text, spent.parts) == ("第一句\n第二句", 2)


def test_the_ledger_tells_no_words_of_a_ticket_that_the_reader_may_not_see(desk: Desk, agent: User):
    secret = desk.ticket()
    desk.answer(secret, agent)
    with desk.doing(secret, None) as d:
        closing.close(d.session, d.ticket, d.deed)
        d.ticket.restricted, d.ticket.assignee_id = True, None
    other = desk.ticket("宽带又断了，请派人来看看")

    (spent,) = [entry for entry in ledger(other, agent) if entry.kind == "spent"]

    assert (spent.text, spent.parts) == ("", 1)


# Accounts whose windows work otherwise


def test_where_messages_do_not_refresh_the_window_we_count_like_the_platform(
    desk: Desk, channel: FakeChannel, agent: User
):
    account_has(channel, refreshes=False)
    ticket = desk.ticket()
    closes_at = follower_of(ticket).window_closes_at
    desk.reply(ticket, agent, "请稍等", "interim")
    desk.deliver()
    desk.later(hours=10)

    desk.says("有进展吗")
    during = follower_of(ticket)
    desk.now = closes_at + HOUR
    desk.says("还在吗")
    after = follower_of(ticket)

    assert (during.window_closes_at, during.messages_left) == (closes_at, 4)
    assert (after.window_closes_at, after.messages_left) == (desk.now + 48 * HOUR, 5)


def test_where_messages_do_not_refresh_the_window_a_waiting_reply_waits_on_without_quota(
    desk: Desk, channel: FakeChannel, agent: User
):
    account_has(channel, refreshes=False)
    ticket = desk.ticket()
    for _ in range(6):
        desk.reply(ticket, agent, "请稍等", "interim", force=True)
        desk.deliver()

    desk.says("有进展吗")
    desk.deliver()

    assert len(channel.sent) == 5
    assert items(ticket)[-1].state == "waiting_for_window"
