"""Notices need no window, and a follower who is out of reach costs no further call."""

import pytest

from service.database import reading, transaction
from service.messaging import outbox
from service.messaging.followers import Follower
from service.messaging.outbox import OutboxItem, Part
from service.people import User
from service.tickets import handling
from service.tickets.models import Ticket
from tests.factories import Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import (
    BUSY,
    GONE,
    LOST,
    claim,
    expire,
    follower_of,
    items,
    shut_window,
    state,
    state_of,
)

TEMPLATE = Part("您的留言已答复", "template", {"template_id": "T1", "data": {}, "client_id": "m1"})
SUBSCRIPTION = Part("您的留言已答复", "subscription", {"template_id": "T2", "data": {}})


def notify(desk: Desk, ticket: Ticket, part: Part = TEMPLATE) -> int:
    """A notice about the ticket's newest message; the id of its item."""
    with transaction() as session:
        follower = session.get_one(Follower, ticket.follower_id)
        outbox.put(session, follower, [part], reference_id=desk.messages(ticket)[-1].id, now=desk.now)
    return max(item.id for item in items(ticket))


def item_of(item_id: int) -> OutboxItem:
    with reading() as session:
        found = session.get_one(OutboxItem, item_id, populate_existing=True)
        session.expunge(found)
    return found


def test_a_notice_goes_out_though_the_window_is_shut_and_the_reply_waits_on(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    left = follower_of(ticket).messages_left

    item_id = notify(desk, ticket)
    desk.deliver()

    assert [message.kind for message in channel.sent] == ["template"]
    assert (item_of(item_id).state, state(desk, ticket)) == ("sent", "waiting_for_window")
    assert follower_of(ticket).messages_left == left


def test_a_notice_neither_holds_up_replies_nor_waits_for_them(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent, "第一句", "interim")
    notify(desk, ticket)
    channel.failures = [BUSY, BUSY]
    desk.deliver()  # both are to be tried again
    desk.reply(ticket, agent, "第二句", "interim")
    left = follower_of(ticket).messages_left

    desk.later(seconds=2)
    desk.deliver()

    assert sorted(channel.texts) == sorted(["第一句", "第二句", TEMPLATE.text])
    assert channel.texts.index("第一句") < channel.texts.index("第二句")
    assert left - follower_of(ticket).messages_left == 2


def test_the_channels_id_of_a_notice_is_kept_for_its_receipt(
    desk: Desk, channel: FakeChannel, agent: User, monkeypatch: pytest.MonkeyPatch
):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    monkeypatch.setattr(channel, "send", lambda message: "200228332" if message.kind == "template" else "")

    item_id = notify(desk, ticket)
    desk.deliver()

    assert [item.vendor_id for item in items(ticket)] == [None, "200228332"]
    assert item_of(item_id).state == "sent"


def test_a_template_that_perhaps_arrived_is_sent_again_with_the_same_client_id(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    channel.failures = [LOST, LOST]

    item_id = notify(desk, ticket)
    for _ in range(3):
        desk.deliver()
        desk.later(seconds=5)

    assert item_of(item_id).state == "sent"
    assert [message.content["client_id"] for message in channel.sent] == ["m1"]


def test_a_template_is_not_repeated_once_the_platform_may_have_forgotten_it(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    channel.failures = [LOST]

    item_id = notify(desk, ticket)
    desk.deliver()
    desk.later(minutes=10)  # no worker ran meanwhile
    desk.deliver()

    assert (item_of(item_id).state, channel.sent) == ("unknown", [])


@pytest.mark.parametrize("part", [SUBSCRIPTION, Part("x", "template", {"template_id": "T1", "data": {}})])
def test_a_notice_without_a_client_id_is_never_repeated_by_itself(
    desk: Desk, channel: FakeChannel, agent: User, part: Part
):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    channel.failures = [LOST]

    item_id = notify(desk, ticket, part)
    desk.deliver()
    desk.later(seconds=30)
    desk.deliver()

    assert (item_of(item_id).state, channel.sent) == ("unknown", [])


def test_a_worker_that_died_with_a_template_leaves_it_to_another(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    item_id = notify(desk, ticket)
    with transaction() as session:
        assert outbox.claim(session, item_id, now=desk.now) is not None

    desk.later(seconds=61)
    expire(desk)
    desk.deliver()

    assert item_of(item_id).state == "sent"
    assert len(channel.sent) == 1


# A follower who is out of reach


def test_what_else_was_to_reach_a_follower_who_is_gone_fails_without_a_call(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket, other = desk.ticket(), desk.ticket(follower="oFollower0002")
    channel.failures = [GONE]
    written = [desk.reply(ticket, agent, text, "interim") for text in ("一", "二", "三")]
    desk.reply(other, agent, "给别人的", "interim")

    desk.deliver()

    assert [state_of(desk, message) for message in written] == ["failed"] * 3
    assert {(item.code, item.detail) for item in items(ticket)} == {(GONE.code, GONE.reason)}
    assert channel.texts == ["给别人的"]
    assert (follower_of(ticket).unreachable, follower_of(other).unreachable) == (GONE.reason, None)


def test_what_waited_for_a_follower_who_is_gone_fails_too(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    waiting = desk.reply(ticket, agent, "一", "interim")
    channel.failures = [GONE]

    notify(desk, ticket)
    desk.deliver()

    found = desk.reread(ticket)
    assert state_of(desk, waiting) == "failed"
    assert (found.awaits_window, found.callback_due_at, follower_of(ticket).waiting_items) == (None, None, 0)


def test_a_reply_to_a_follower_who_is_gone_is_kept_until_they_write(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    channel.failures = [GONE]
    lost = desk.reply(ticket, agent, "一", "interim")
    desk.deliver()

    kept = desk.reply(ticket, agent, "二", "interim")
    desk.deliver()
    assert (state_of(desk, kept), channel.sent) == ("waiting_for_window", [])

    desk.says("我又关注了")
    with desk.doing(ticket, agent) as d:
        handling.send_again(d.session, d.ticket, lost.id, d.deed)
    desk.deliver()

    assert follower_of(ticket).unreachable is None
    assert sorted(channel.texts) == ["一", "二"]


def test_an_item_in_flight_when_the_follower_is_found_gone_keeps_its_own_outcome(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent)
    claimed = claim(desk, ticket)

    with transaction() as session:
        follower = session.get_one(Follower, ticket.follower_id)
        failed = session.get_one(OutboxItem, claimed.item_id)
        assert outbox.abandon(session, follower, because=failed, now=desk.now) == []

    assert item_of(claimed.item_id).state == "sending"
