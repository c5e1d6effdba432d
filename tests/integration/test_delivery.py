"""A reply counts once the platform has taken it: in order, never twice by itself, and the clocks say so."""

import threading

import pytest

from service.database import transaction
from service.messaging import outbox
from service.messaging.ports import DeliveryError
from service.people import User
from service.tickets import delivery, handling
from service.tickets.states import Status
from tests.factories import Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import (
    BAD,
    BUSY,
    GONE,
    LOST,
    claim,
    expire,
    follower_of,
    items,
    state,
)

# What counts, and when


def test_nothing_is_met_before_the_platform_has_taken_it_and_then_as_of_when_it_was_written(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.later(minutes=5)
    written_at = desk.now

    desk.reply(ticket, agent)
    unmet = {row.kind: row.met_at for row in desk.reread(ticket).clocks}
    desk.later(minutes=10)
    desk.deliver()

    answered = desk.reread(ticket)
    assert unmet == {"accept": written_at, "first_reply": None, "resolve": None}
    assert (answered.status, answered.answered_at, answered.first_replied_at) == (
        Status.ANSWERED,
        written_at,
        written_at,
    )
    assert {desk.clock(ticket, kind).met_at for kind in ("first_reply", "resolve")} == {written_at}


def test_an_interim_reply_meets_the_first_reply_and_answers_nothing(desk: Desk, agent: User):
    ticket = desk.ticket()

    desk.reply(ticket, agent, "正在核实", "interim")
    desk.deliver()

    found = desk.reread(ticket)
    assert (found.status, found.answered_at) == (Status.IN_PROGRESS, None)
    assert (desk.clock(ticket, "first_reply").state, desk.clock(ticket, "resolve").state) == ("met", "running")


def test_a_late_reply_is_met_after_it_was_due(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.later(hours=2)
    desk.sweep()

    desk.reply(ticket, agent, "正在核实", "interim")
    desk.deliver()

    clock = desk.clock(ticket, "first_reply")
    assert clock.state == "met"
    assert clock.met_at == desk.now > clock.due_at
    assert not desk.reread(ticket).overdue


def test_a_reply_written_in_time_and_taken_late_was_in_time(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    desk.later(minutes=29)
    channel.failures = [BUSY]
    desk.reply(ticket, agent)
    desk.deliver()
    desk.later(minutes=5)
    desk.sweep()
    assert desk.clock(ticket, "first_reply").state == "breached"

    desk.deliver()

    clock = desk.clock(ticket, "first_reply")
    assert clock.state == "met"
    assert clock.met_at < clock.due_at
    assert not desk.reread(ticket).overdue


def test_a_sent_reply_is_recorded_once_with_what_it_changed(desk: Desk, agent: User):
    ticket = desk.ticket()
    message = desk.reply(ticket, agent)
    written = len(desk.events(ticket))

    desk.deliver()

    taken, answered = desk.events(ticket)[written:]
    assert (taken.actor, taken.action) == ("system", "delivery")
    assert taken.after == {"message": message.id, "delivery": "sent"}
    assert (answered.action, answered.before) == ("answer", {"status": "in_progress"} | {"wake_at": None})


# Failures


@pytest.mark.parametrize(("error", "becomes"), [(GONE, "failed"), (BAD, "failed"), (LOST, "unknown")])
def test_a_failed_reply_meets_nothing_and_the_clock_runs_on(
    desk: Desk, channel: FakeChannel, agent: User, error: DeliveryError, becomes: str
):
    ticket = desk.ticket()
    channel.failures = [error]

    desk.reply(ticket, agent)
    desk.deliver()
    desk.later(hours=1)
    desk.deliver()

    assert (state(desk, ticket), channel.sent) == (becomes, [])
    (item,) = items(ticket)
    assert (item.code, item.detail, item.attempts) == (error.code, error.reason, 1)
    assert desk.reread(ticket).status is Status.IN_PROGRESS
    assert desk.reread(ticket).first_replied_at is None
    assert desk.clock(ticket, "first_reply").state == "running"
    desk.sweep()
    assert desk.clock(ticket, "first_reply").state == "breached"


def test_a_passing_fault_is_tried_again_later_each_time(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    channel.failures = [BUSY, BUSY]
    desk.reply(ticket, agent)

    desk.deliver()
    desk.later(seconds=1)
    desk.deliver()
    assert (state(desk, ticket), items(ticket)[0].attempts) == ("queued", 1)  # 2 s have not passed
    desk.later(seconds=1)
    desk.deliver()
    desk.later(seconds=4)
    desk.deliver()

    assert (state(desk, ticket), items(ticket)[0].attempts, len(channel.sent)) == ("sent", 3, 1)


def test_a_fault_that_does_not_pass_fails_in_the_end(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    channel.failures = [BUSY] * outbox.MAX_ATTEMPTS
    desk.reply(ticket, agent)

    for _ in range(outbox.MAX_ATTEMPTS):
        desk.deliver()
        desk.later(minutes=6)

    assert (state(desk, ticket), channel.failures) == ("failed", [])


def test_a_refusal_gives_the_message_of_the_window_back_and_silence_does_not(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    channel.failures = [BAD, LOST]

    desk.reply(ticket, agent, "一", "interim")
    desk.reply(ticket, agent, "二", "interim")
    desk.reply(ticket, agent, "三", "interim")
    desk.deliver()

    assert channel.texts == ["三"]
    assert follower_of(ticket).messages_left == 3


def test_a_question_that_did_not_arrive_waits_for_nobody(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    channel.failures = [GONE]

    desk.reply(ticket, agent, "请问房号是多少", "ask")
    desk.deliver()

    assert desk.reread(ticket).status is Status.IN_PROGRESS
    assert desk.clock(ticket, "resolve").state == "running"


# Order, parts, once


def test_a_followers_messages_go_out_in_the_order_they_were_written(desk: Desk, channel: FakeChannel, agent: User):
    ticket, other = desk.ticket(), desk.ticket(follower="oFollower0002")
    channel.failures = [BUSY]
    desk.reply(ticket, agent, "第一句", "interim")
    desk.reply(ticket, agent, "第二句", "interim")
    desk.reply(other, agent, "给别人的", "interim")

    desk.deliver()
    assert channel.texts == ["给别人的"]  # a follower's trouble holds up nobody else
    desk.later(seconds=2)
    desk.deliver()

    assert channel.texts == ["给别人的", "第一句", "第二句"]


def test_a_message_is_not_claimed_before_an_earlier_one_is_settled(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent, "第一句", "interim")
    desk.reply(ticket, agent, "第二句", "interim")
    first, second = items(ticket)

    with transaction() as session:
        too_early = outbox.claim(session, second.id, now=desk.now)
        in_turn = outbox.claim(session, first.id, now=desk.now)
        still_too_early = outbox.claim(session, second.id, now=desk.now)

    assert (too_early, still_too_early) == (None, None)
    assert in_turn is not None


def test_a_long_reply_is_one_message_that_counts_when_its_last_part_is_taken(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    text = "已查明。" * 400
    parts = len(outbox.parts_of(text, channel.limits.text_bytes))

    desk.reply(ticket, agent, text)
    with transaction() as session:
        first, *_ = (i.id for i in outbox.items_of(session, [desk.messages(ticket)[-1].id]))
    desk._deliver(first)
    half_way = desk.reread(ticket)
    desk.deliver()

    assert (half_way.status, half_way.first_replied_at) == (Status.IN_PROGRESS, None)
    assert (parts, "".join(channel.texts)) == (3, text)
    assert [e.action for e in desk.events(ticket)].count("delivery") == 1
    assert desk.reread(ticket).status is Status.ANSWERED
    assert follower_of(ticket).messages_left == 5 - parts


def test_a_part_that_fails_keeps_the_message_from_counting_and_only_it_is_sent_again(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    text = "已查明。" * 400
    message = desk.reply(ticket, agent, text)
    channel.failures = [BAD]
    desk.deliver()
    assert state(desk, ticket) == "failed"
    assert desk.reread(ticket).status is Status.IN_PROGRESS
    sent = list(channel.texts)

    with desk.doing(ticket, agent) as d:
        handling.send_again(d.session, d.ticket, message.id, d.deed)
    desk.deliver()

    assert len(channel.texts) == len(sent) + 1
    assert sorted("".join(channel.texts)) == sorted(text)
    assert desk.reread(ticket).status is Status.ANSWERED


def test_two_workers_that_reach_for_one_message_send_it_once(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    (item,) = items(ticket)
    together = threading.Barrier(4)

    def work() -> None:
        with desk.app.app_context():
            together.wait()
            desk._deliver(item.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(channel.sent) == 1
    assert (state(desk, ticket), items(ticket)[0].attempts) == ("sent", 1)


def test_delivering_twice_sends_once(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent)

    desk.deliver()
    desk.deliver()

    assert len(channel.sent) == 1


# A worker that dies


def test_a_lease_that_ends_is_unknown_and_never_sent_again_by_itself(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    claim(desk, ticket)
    desk.later(seconds=60)
    expire(desk)
    assert state(desk, ticket) == "sending"  # the lease ends after 60 s, not at them

    desk.later(seconds=1)
    expire(desk)
    desk.later(hours=1)
    desk.deliver()

    assert (state(desk, ticket), channel.sent) == ("unknown", [])
    assert desk.clock(ticket, "first_reply").met_at is None
    assert desk.events(ticket)[-1].after["delivery"] == "unknown"


def test_a_lease_is_looked_at_again_under_the_lock(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    claimed = claim(desk, ticket)

    with transaction() as session:
        assert outbox.expire(session, claimed.item_id, now=desk.now + outbox.LEASE) is None
        assert outbox.sent(session, claimed, now=desk.now).state == "sent"
        assert outbox.expire(session, claimed.item_id, now=desk.now + 2 * outbox.LEASE) is None


def test_a_worker_that_only_seemed_dead_still_says_that_it_was_sent(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    claimed = claim(desk, ticket)
    desk.later(seconds=61)
    expire(desk)

    with transaction() as session:
        delivery.lock_for(session, claimed.item_id)
        item = outbox.sent(session, claimed, now=desk.now)
        delivery.settled(session, item, now=desk.now, rules=desk.rules)

    assert (state(desk, ticket), desk.reread(ticket).status) == ("sent", Status.ANSWERED)
