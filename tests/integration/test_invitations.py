"""The invitation to rate: one message, ten minutes after the final answer went out, and only where one is left."""

import pytest

from service.database import transaction
from service.messaging.followers import Follower
from service.people import User
from service.tickets.models import Rating, Ticket
from service.tickets.states import Status
from tests.factories import Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import SPENT, follower_of, shut_window
from tests.integration.window_rig import account_has, invite


@pytest.fixture
def answered(desk: Desk, agent: User) -> Ticket:
    return desk.answer(desk.ticket(), agent)


def asked(desk: Desk, channel: FakeChannel) -> list[str]:
    """Kinds of what went out after ten minutes."""
    before = len(channel.sent)
    desk.later(minutes=10)
    invite(desk)
    desk.deliver()
    return [message.kind for message in channel.sent[before:]]


def test_the_follower_is_asked_ten_minutes_after_the_answer(desk: Desk, channel: FakeChannel, answered: Ticket):
    desk.later(minutes=9)
    too_early = invite(desk)
    desk.later(minutes=1)
    invite(desk)
    desk.deliver()
    desk.later(minutes=30)
    again = invite(desk)

    message = channel.sent[-1]
    assert (too_early, again, [m.kind for m in channel.sent]) == (0, 0, ["text", "msgmenu"])
    assert answered.number in str(message.content["head"])
    assert message.content["items"] == [
        [f"{answered.id}5", "满意"],
        [f"{answered.id}3", "基本满意"],
        [f"{answered.id}1", "不满意"],
    ]


def test_it_is_no_reply_and_touches_no_clock(desk: Desk, channel: FakeChannel, answered: Ticket):
    before = [(c.kind, c.state, c.met_at, c.due_at) for c in desk.reread(answered).clocks]

    assert asked(desk, channel) == ["msgmenu"]

    found = desk.reread(answered)
    assert [(c.kind, c.state, c.met_at, c.due_at) for c in found.clocks] == before
    assert (found.status, found.answered_at, found.wake_at) == (Status.ANSWERED, answered.answered_at, answered.wake_at)
    invitation = desk.messages(answered)[-1]
    assert (invitation.direction, invitation.reply_kind, invitation.delivery) == ("system", None, "sent")
    assert follower_of(answered).messages_left == 3


def test_nobody_is_asked_after_a_call(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent, "与李女士通话，已说明处理结果", "final", via="phone")

    assert asked(desk, channel) == []


def test_nobody_is_asked_where_the_account_says_so(desk: Desk, channel: FakeChannel, answered: Ticket):
    account_has(channel, notices={"invite": False})

    assert asked(desk, channel) == []


def test_nobody_is_asked_in_a_window_that_has_shut_and_never_later(desk: Desk, channel: FakeChannel, answered: Ticket):
    shut_window(desk, answered)

    assert asked(desk, channel) == []
    desk.says("谢谢")
    assert asked(desk, channel) == []


def test_the_last_message_is_enough_and_none_is_not(desk: Desk, channel: FakeChannel, agent: User):
    one, none = desk.answer(desk.ticket(), agent), desk.answer(desk.ticket(follower="oFollower0002"), agent)
    with transaction() as session:
        session.get_one(Follower, one.follower_id).messages_left = 1
        session.get_one(Follower, none.follower_id).messages_left = 0

    assert asked(desk, channel) == ["msgmenu"]


def test_a_follower_who_took_it_up_again_or_has_rated_is_not_asked(desk: Desk, channel: FakeChannel, agent: User):
    desk.answer(desk.ticket(), agent)
    rated = desk.answer(desk.ticket(follower="oFollower0002"), agent)
    desk.says("还是不行")
    with transaction() as session:
        rating = Rating(ticket_id=rated.id, follower_id=rated.follower_id, at=desk.now, score=5, via="page")
        session.add(rating)

    assert asked(desk, channel) == []


def test_an_invitation_that_the_platform_refuses_is_dropped(desk: Desk, channel: FakeChannel, answered: Ticket):
    channel.failures = [SPENT]

    assert asked(desk, channel) == []

    desk.says("谢谢")
    desk.deliver()
    assert [m.kind for m in channel.sent] == ["text"]
    assert (desk.messages(answered)[1].direction, follower_of(answered).waiting_items) == ("outbound", 0)
    assert next(m.delivery for m in desk.messages(answered) if m.direction == "system") == "cancelled"
