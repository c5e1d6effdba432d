"""Replies that waited are joined into as few messages as fit; each keeps its own state."""

from datetime import timedelta

import pytest

from service.database import transaction
from service.messaging import outbox
from service.people import User
from service.tickets import handling, windows
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.factories import Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import BAD, BUSY, GONE, LOST, SPENT, expire, follower_of, items, shut_window


@pytest.fixture
def waiting(desk: Desk, agent: User) -> Ticket:
    """Three replies wait for the follower."""
    ticket = desk.ticket()
    shut_window(desk, ticket)
    for text, kind in (("第一句", "interim"), ("第二句", "interim"), ("答复完毕", "final")):
        desk.reply(ticket, agent, text, kind)
    return ticket


def states(desk: Desk, ticket: Ticket) -> list[str | None]:
    return [m.delivery for m in desk.messages(ticket) if m.direction == "outbound"]


def test_a_six_part_reply_sends_five_and_the_sixth_goes_out_first_at_the_next_message(
    desk: Desk, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    parts = [str(n) * 2048 for n in range(1, 7)]

    desk.reply(ticket, agent, "".join(parts))
    desk.deliver()
    after_five = (channel.texts, states(desk, ticket), desk.reread(ticket).status)
    desk.reply(ticket, agent, "另外说明一点", "interim")
    desk.says("还有吗")
    desk.deliver()

    assert after_five == (parts[:5], ["waiting_for_window"], Status.IN_PROGRESS)
    assert channel.texts == [*parts, "另外说明一点"]
    assert states(desk, ticket) == ["sent", "sent"]
    assert desk.reread(ticket).status is Status.ANSWERED


def test_what_waited_is_one_message_of_the_window(desk: Desk, channel: FakeChannel, waiting: Ticket):
    desk.says("在吗")

    desk.deliver()

    assert channel.texts == ["第一句\n第二句\n答复完毕"]
    assert follower_of(waiting).messages_left == 4
    assert states(desk, waiting) == ["sent"] * 3
    assert desk.reread(waiting).status is Status.ANSWERED


def test_replies_on_two_tickets_of_one_follower_share_a_message(desk: Desk, channel: FakeChannel, waiting: Ticket):
    boss = desk.person("boss", "admin", "QGB")
    with transaction() as session:
        row = session.merge(follower_of(waiting))
        row.open_ticket_id = None
    other = desk.ticket("我要投诉，产品坏了")
    desk.later(days=3)
    desk.reply(other, boss, "另一件也办好了")

    desk.says("在吗")
    desk.deliver()

    assert channel.texts[-1].endswith("另一件也办好了")
    assert desk.reread(other).status is Status.ANSWERED


def test_a_busy_platform_gets_the_same_message_again(desk: Desk, channel: FakeChannel, waiting: Ticket):
    desk.says("在吗")
    channel.failures = [BUSY]
    desk.deliver()
    assert states(desk, waiting) == ["queued"] * 3

    desk.later(minutes=1)
    desk.deliver()

    assert channel.texts == ["第一句\n第二句\n答复完毕"]
    assert follower_of(waiting).messages_left == 4


def test_a_message_refused_for_its_content_goes_out_one_by_one(desk: Desk, channel: FakeChannel, waiting: Ticket):
    desk.says("在吗")
    channel.failures = [BAD, BAD]

    desk.deliver()

    # which of them was at fault is known only now
    assert channel.texts == ["第二句", "答复完毕"]
    assert states(desk, waiting) == ["failed", "sent", "sent"]
    assert follower_of(waiting).messages_left == 3


def test_a_used_quota_lets_all_of_them_wait_again(desk: Desk, channel: FakeChannel, waiting: Ticket):
    desk.says("在吗")
    channel.failures = [SPENT]

    desk.deliver()

    assert states(desk, waiting) == ["waiting_for_window"] * 3
    assert (follower_of(waiting).waiting_items, follower_of(waiting).messages_left) == (3, 0)
    assert desk.reread(waiting).awaits_window == "final"


@pytest.mark.parametrize(("error", "state"), [(LOST, "unknown"), (GONE, "failed")])
def test_what_became_of_the_message_became_of_each(
    desk: Desk, channel: FakeChannel, waiting: Ticket, error: Exception, state: str
):
    desk.says("在吗")
    channel.failures = [error]

    desk.deliver()
    desk.later(hours=1)
    desk.deliver()

    assert (states(desk, waiting), channel.sent) == ([state] * 3, [])


def test_a_worker_that_dies_leaves_each_of_them_unknown(desk: Desk, channel: FakeChannel, waiting: Ticket):
    desk.says("在吗")
    first = items(waiting)[0]
    with transaction() as session:
        assert outbox.claim(session, first.id, now=desk.now)
    desk.later(minutes=2)

    expire(desk)
    desk.deliver()

    assert (states(desk, waiting), channel.sent) == (["unknown"] * 3, [])


def test_what_is_taken_back_in_time_is_left_out(desk: Desk, channel: FakeChannel, agent: User, waiting: Ticket):
    desk.says("在吗")
    second = desk.messages(waiting)[2]
    with desk.doing(waiting, agent) as d:
        handling.cancel(d.session, d.ticket, second.id, d.deed)

    desk.deliver()

    assert channel.texts == ["第一句\n答复完毕"]
    assert states(desk, waiting) == ["sent", "cancelled", "sent"]


def test_the_first_taken_back_leaves_the_others_to_go_out(
    desk: Desk, channel: FakeChannel, agent: User, waiting: Ticket
):
    desk.says("在吗")
    first = desk.messages(waiting)[1]
    with desk.doing(waiting, agent) as d:
        handling.cancel(d.session, d.ticket, first.id, d.deed)

    desk.deliver()

    assert "".join(channel.texts).replace("\n", "") == "第二句答复完毕"


def test_an_agent_joins_what_waits_with_something_new(desk: Desk, channel: FakeChannel, agent: User, waiting: Ticket):
    with desk.doing(waiting, agent) as d:
        earlier = windows.take_back_drafts(d.session, d.ticket, d.deed)
    desk.reply(waiting, agent, "\n".join([*earlier, "补充一句"]))
    desk.says("在吗")

    desk.deliver()

    assert channel.texts == ["第一句\n第二句\n答复完毕\n补充一句"]
    assert states(desk, waiting) == ["cancelled"] * 3 + ["sent"]


def test_what_is_not_waiting_is_never_joined(desk: Desk, channel: FakeChannel, agent: User):
    ticket = desk.ticket()
    for text in ("第一句", "第二句"):
        desk.reply(ticket, agent, text, "interim")

    desk.deliver()

    assert channel.texts == ["第一句", "第二句"]


def test_the_lease_of_a_joined_message_is_one_minute(desk: Desk, waiting: Ticket):
    desk.says("在吗")
    with transaction() as session:
        claimed = outbox.claim(session, items(waiting)[0].id, now=desk.now)

    assert claimed is not None
    assert len(claimed.item_ids) == 3
    assert {item.leased_until - desk.now for item in items(waiting)} == {timedelta(minutes=1)}
