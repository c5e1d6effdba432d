"""What a person decides about a reply: once more, or not at all."""

import pytest

from service.database import transaction
from service.errors import IllegalTransition
from service.messaging.outbox import OutboxItem
from service.messaging.ports import DeliveryError
from service.people import User
from service.tickets import handling
from service.tickets.states import Status
from tests.factories import INQUIRY, Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import (
    BAD,
    LOST,
    claim,
    follower_of,
    items,
    shut_window,
    state_of,
)


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
