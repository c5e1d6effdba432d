"""A reply counts once the platform has taken it: in order, never twice by itself, and the clocks say so."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels import registry
from service.database import reading, transaction
from service.errors import IllegalTransition
from service.messaging import outbox
from service.messaging.followers import Follower
from service.messaging.outbox import OutboxItem
from service.messaging.ports import Contact, DeliveryError, Failure
from service.people import User
from service.tickets import delivery, handling
from service.tickets.models import Message, Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import FakeChannel

BUSY = DeliveryError("system busy", kind=Failure.PASSING, code=-1)
SHUT = DeliveryError("response out of time limit", kind=Failure.WINDOW_CLOSED, code=45015)
SPENT = DeliveryError("out of response count limit", kind=Failure.QUOTA_USED, code=45047)
GONE = DeliveryError("require subscribe", kind=Failure.UNREACHABLE, code=43004)
BAD = DeliveryError("content refused", kind=Failure.PERMANENT, code=87014)
LOST = DeliveryError("time-out", kind=Failure.UNKNOWN)


@pytest.fixture
def agent(desk: Desk) -> User:
    return desk.person("zhang", "agent", "QGB")


def items(ticket: Ticket) -> list[OutboxItem]:
    with reading() as session:
        ids = session.scalars(select(Message.id).where(Message.ticket_id == ticket.id)).all()
        found = list(outbox.items_of(session, ids))
        session.expunge_all()
    return found


def state(desk: Desk, ticket: Ticket) -> str | None:
    return desk.messages(ticket)[-1].delivery


def follower_of(ticket: Ticket) -> Follower:
    with reading() as session:
        found = session.get_one(Follower, ticket.follower_id, populate_existing=True)
        session.expunge(found)
    return found


def shut_window(desk: Desk, ticket: Ticket) -> None:
    """The 48 hours pass with nobody writing."""
    desk.later(days=3)
    desk.sweep()


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


# The window


def test_a_reply_outside_the_window_waits_is_called_for_and_stops_its_clocks(desk: Desk, agent: User):
    ticket = desk.accept(desk.ticket(COMPLAINT), desk.person("li", "agent", "KFB"))
    head = desk.person("head", "dept_head", "KFB")
    shut_window(desk, ticket)

    desk.reply(ticket, head)

    found = desk.reread(ticket)
    resolve = desk.clock(ticket, "resolve")
    assert (state(desk, ticket), found.status) == ("waiting_for_window", Status.IN_PROGRESS)
    assert (resolve.state, resolve.pauses[-1][2]) == ("paused", "waiting_for_window")
    # Saturday 09:30: a working day ends on Monday
    assert found.callback_due_at == desk.rules.calendar.end_of_working_day(desk.now, 1)


def test_an_interim_reply_that_waits_stops_the_first_reply_alone(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    channel.failures = [SHUT]

    desk.reply(ticket, agent, "正在核实", "interim")
    desk.deliver()

    states = {row.kind: row.state for row in desk.reread(ticket).clocks}
    assert states == {"accept": "met", "first_reply": "paused", "resolve": "running"}


@pytest.mark.parametrize(("error", "left"), [(SHUT, 5), (SPENT, 0)])
def test_the_platforms_word_on_window_and_quota_stands_whatever_we_counted(
    desk: Desk, channel: FakeChannel, agent: User, error: DeliveryError, left: int
):
    ticket = desk.ticket()
    channel.failures = [error]

    desk.reply(ticket, agent)
    desk.deliver()
    desk.later(minutes=10)
    desk.deliver()

    follower = follower_of(ticket)
    assert (state(desk, ticket), channel.sent) == ("waiting_for_window", [])
    assert (follower.messages_left, follower.waiting_items) == (left, 1)
    assert (follower.window_closes_at > desk.now) is (error is SPENT)
    assert items(ticket)[0].code == error.code
    assert desk.clock(ticket, "first_reply").state == "paused"
    assert desk.reread(ticket).callback_due_at is not None


def test_what_waited_goes_out_in_order_when_the_follower_writes(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    waited_at = desk.now
    desk.reply(ticket, agent, "第一句", "interim")
    desk.reply(ticket, agent, "第二句", "interim")
    desk.later(hours=1)
    desk.says("还在吗")

    desk.reply(ticket, agent, "第三句", "interim")
    desk.deliver()

    assert channel.texts == ["第一句", "第二句", "第三句"]
    found = desk.reread(ticket)
    assert (found.callback_due_at, found.awaits_window, follower_of(ticket).waiting_items) == (None, None, 0)
    assert (desk.clock(ticket, "first_reply").met_at, found.first_replied_at) == (waited_at, waited_at)
    assert {m.delivery for m in desk.messages(ticket) if m.direction == "outbound"} == {"sent"}


def test_what_waited_counts_no_wait_for_the_window_once_it_is_on_its_way(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    message = desk.reply(ticket, agent)
    desk.later(hours=1)
    desk.says("还在吗")
    channel.failures = [BUSY]

    desk.deliver()

    # the platform is busy: that is our trouble and not the follower's
    assert state_of(desk, message) == "queued"
    assert desk.clock(ticket, "resolve").state != "paused"
    assert desk.reread(ticket).callback_due_at is None


def test_a_tap_on_the_menu_lets_out_what_its_window_grants(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    for word in "一二三四":
        desk.reply(ticket, agent, word, "interim")

    desk.says("", kind="event:click", contact=Contact.MENU, matter=False)
    desk.deliver()

    assert channel.texts == list("一二三")
    assert state(desk, ticket) == "waiting_for_window"
    assert follower_of(ticket).waiting_items == 1


def test_a_reply_by_phone_ends_the_wait_for_a_call_back(desk: Desk, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)

    desk.reply(ticket, agent, "与李女士通话，已说明处理结果", "final", via="phone")

    found = desk.reread(ticket)
    assert (found.status, found.callback_due_at) == (Status.ANSWERED, None)
    assert {desk.clock(ticket, kind).state for kind in ("first_reply", "resolve")} == {"met"}


def test_a_follower_who_leaves_takes_the_window_along(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    desk.says("", kind="unsubscribe", contact=Contact.NONE, matter=False)

    desk.deliver()

    assert (state(desk, ticket), channel.sent) == ("waiting_for_window", [])


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


def claim(desk: Desk, ticket: Ticket) -> outbox.Claim:
    """What a worker does before it dies."""
    (item,) = items(ticket)
    with transaction() as session:
        claimed = outbox.claim(session, item.id, now=desk.now)
        delivery.started(session, item.id)
    assert claimed is not None
    return claimed


def expire(desk: Desk) -> None:
    with reading() as session:
        lost = list(outbox.expired(session, desk.now))
    for item_id in lost:
        with transaction() as session:
            delivery.lock_for(session, item_id)
            item = outbox.expire(session, item_id, now=desk.now)
            if item is not None:
                delivery.settled(session, item, now=desk.now, rules=desk.rules)


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


# What a person decides


@pytest.mark.parametrize("error", [LOST, BAD])
def test_send_again_sends_once_more_and_counts_as_of_when_it_was_written(
    desk: Desk, channel: FakeChannel, agent: User, error: DeliveryError
):
    ticket = desk.ticket()
    channel.failures = [error]
    message = desk.reply(ticket, agent)
    written_at = desk.now
    desk.deliver()
    desk.later(minutes=20)

    with desk.doing(ticket, agent) as d:
        handling.send_again(d.session, d.ticket, message.id, d.deed)
    event = desk.events(ticket)[-1]
    desk.deliver()

    assert (event.actor, event.action, event.after) == ("zhang", "send_again", {"message": message.id})
    assert channel.texts == [message.text]
    assert desk.reread(ticket).status is Status.ANSWERED
    assert desk.clock(ticket, "resolve").met_at == written_at


def test_only_what_failed_or_is_unknown_is_sent_again(desk: Desk, agent: User):
    ticket = desk.ticket()
    message = desk.reply(ticket, agent)

    for _ in ("queued", "sent"):
        with pytest.raises(IllegalTransition), desk.doing(ticket, agent) as d:
            handling.send_again(d.session, d.ticket, message.id, d.deed)
        desk.deliver()


@pytest.mark.parametrize("waits", [False, True])
def test_what_has_not_gone_out_can_be_taken_back(desk: Desk, channel: FakeChannel, agent: User, waits: bool):
    ticket = desk.ticket()
    if waits:
        shut_window(desk, ticket)
    message = desk.reply(ticket, agent)

    with desk.doing(ticket, agent) as d:
        handling.cancel(d.session, d.ticket, message.id, d.deed)

    assert desk.events(ticket)[-1].action == "cancel"
    desk.says(INQUIRY)
    desk.deliver()
    found = desk.reread(ticket)
    assert (state_of(desk, message), channel.sent) == ("cancelled", [])
    assert (found.callback_due_at, found.awaits_window, follower_of(ticket).waiting_items) == (None, None, 0)
    assert desk.clock(ticket, "first_reply").state in ("running", "breached")


def state_of(desk: Desk, message: Message) -> str | None:
    with reading() as session:
        return session.scalar(select(Message.delivery).where(Message.id == message.id))


def test_a_question_taken_back_waits_for_nobody(desk: Desk, agent: User):
    ticket = desk.ticket()
    message = desk.reply(ticket, agent, "请问房号是多少", "ask")

    with desk.doing(ticket, agent) as d:
        handling.cancel(d.session, d.ticket, message.id, d.deed)

    assert desk.reread(ticket).status is Status.IN_PROGRESS
    assert desk.clock(ticket, "resolve").state == "running"


def test_another_question_is_still_waited_for(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent, "请问房号是多少", "ask")
    second = desk.reply(ticket, agent, "请问怎么称呼您", "ask")

    with desk.doing(ticket, agent) as d:
        handling.cancel(d.session, d.ticket, second.id, d.deed)

    assert desk.reread(ticket).status is Status.WAITING_CUSTOMER


def test_what_has_gone_out_cannot_be_taken_back(desk: Desk, agent: User):
    ticket = desk.ticket()
    message = desk.reply(ticket, agent)
    claim(desk, ticket)

    for _ in ("sending", "sent"):
        with pytest.raises(IllegalTransition), desk.doing(ticket, agent) as d:
            handling.cancel(d.session, d.ticket, message.id, d.deed)
        with transaction() as session:
            session.get_one(OutboxItem, items(ticket)[0].id).state = "sent"
    assert items(ticket)[0].state == "sent"


# An account that cannot send


@pytest.fixture
def uncertified(desk: Desk) -> FakeChannel:
    channel = FakeChannel("wechat:main", can_send=False)
    registry.register(channel)
    return channel


def test_an_uncertified_account_answers_in_the_passive_reply_to_the_next_message(
    desk: Desk, uncertified: FakeChannel, agent: User
):
    ticket = desk.ticket()
    desk.later(minutes=5)
    written_at = desk.now
    desk.reply(ticket, agent, "正在核实", "interim")
    desk.reply(ticket, agent)
    desk.deliver()
    assert state(desk, ticket) == "waiting_for_window"
    assert desk.clock(ticket, "first_reply").state == "paused"
    desk.later(minutes=5)

    passive = desk.says("好的")

    assert passive == "正在核实\n已经处理完毕，谢谢您"
    assert uncertified.sent == []
    found = desk.reread(ticket)
    assert (found.status, found.answered_at) == (Status.ANSWERED, written_at)
    assert (follower_of(ticket).waiting_items, {i.state for i in items(ticket)}) == (0, {"sent"})
    assert desk.says("好的") == ""


def test_what_does_not_fit_into_one_passive_reply_waits_for_the_next(desk: Desk, uncertified: FakeChannel, agent: User):
    ticket = desk.ticket()
    text = "已查明。" * 200
    desk.reply(ticket, agent, text)

    first, second = desk.says("好的"), desk.says("好的")

    assert first + second == text
    assert all(len(part.encode()) <= 2048 for part in (first, second))
    assert desk.reread(ticket).status is Status.ANSWERED


def test_a_call_back_is_due_in_one_working_day(desk: Desk, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)  # Saturday 7 March

    desk.reply(ticket, agent)

    due = desk.reread(ticket).callback_due_at.astimezone(desk.rules.zone)
    assert due.strftime("%m-%d %H:%M") == "03-09 18:00"
    assert due - desk.now < timedelta(days=3)
