"""A reply outside the window waits, stops its clocks, and goes out by itself, in order, when the follower writes."""

from datetime import timedelta

import pytest

from service.channels import registry
from service.database import transaction
from service.messaging.ports import Contact, DeliveryError
from service.people import User
from service.tickets import delivery
from service.tickets.states import Status
from tests.factories import ANSWER, COMPLAINT, Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import (
    BUSY,
    SHUT,
    SPENT,
    claim,
    follower_of,
    items,
    shut_window,
    state,
    state_of,
)
from tests.integration.window_rig import account_has


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


@pytest.mark.parametrize("refusal", [SHUT, SPENT], ids=["window", "quota"])
def test_a_refusal_says_nothing_about_a_window_that_the_follower_opened_meanwhile(
    desk: Desk, channel: FakeChannel, agent: User, refusal: DeliveryError
):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    claimed = claim(desk, ticket)
    desk.later(seconds=2)
    desk.says("在吗")

    with transaction() as session:
        delivery.concluded(session, claimed, refusal, now=desk.now, rules=desk.rules)
    desk.later(minutes=1)
    desk.deliver()

    assert channel.texts == [ANSWER]
    assert follower_of(ticket).messages_left == 4


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

    assert channel.texts == ["第一句\n第二句", "第三句"]
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
    long = [word * 600 for word in "一二三四"]  # each fills a message
    for text in long:
        desk.reply(ticket, agent, text, "interim")

    desk.says("", kind="event:click", contact=Contact.MENU, matter=False)
    desk.deliver()

    assert channel.texts == long[:3]
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


def test_a_call_back_is_due_in_one_working_day(desk: Desk, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)  # Saturday 7 March

    desk.reply(ticket, agent)

    due = desk.reread(ticket).callback_due_at.astimezone(desk.rules.zone)
    assert due.strftime("%m-%d %H:%M") == "03-09 18:00"
    assert due - desk.now < timedelta(days=3)


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


def test_words_that_were_written_before_the_answer_was_read_do_not_reopen_it(
    desk: Desk, uncertified: FakeChannel, agent: User
):
    ticket = desk.ticket()
    desk.reply(ticket, agent)

    passive = desk.says("还在吗？需要带什么材料")

    assert passive == ANSWER
    assert desk.reread(ticket).status is Status.ANSWERED
    assert [message.text for message in desk.messages(ticket)][-1] == "还在吗？需要带什么材料"


def test_a_message_that_opens_no_new_window_releases_nothing_and_puts_off_no_call(
    desk: Desk, channel: FakeChannel, agent: User
):
    account_has(channel, refreshes=False)
    ticket = desk.ticket()
    channel.failures = [SPENT]
    desk.reply(ticket, agent)
    desk.deliver()
    before = desk.reread(ticket)
    desk.later(hours=30)

    desk.says("还在吗")

    after = desk.reread(ticket)
    assert (state(desk, ticket), follower_of(ticket).waiting_items) == ("waiting_for_window", 1)
    assert (after.callback_due_at, after.awaits_window) == (before.callback_due_at, "final")
    assert desk.clock(ticket, "resolve").state == "paused"
