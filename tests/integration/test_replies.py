"""Replies: by which way, to what the author has seen, and never the window's last message by mistake."""

import pytest
from sqlalchemy import select

from service.database import reading
from service.errors import InvalidInput, LastMessage, StaleReply
from service.tickets import handling
from service.tickets.models import Message
from service.tickets.states import Status
from tests.factories import COMPLAINT, Desk
from tests.fakes import FakeChannel

CALL = "与李女士通话，已说明处理结果"


@pytest.mark.parametrize("via", ["phone", "in_person"])
def test_an_answer_by_another_way_counts_at_once_and_sends_nothing(desk: Desk, channel: FakeChannel, via: str):
    person, ticket = desk.person(), desk.ticket(COMPLAINT)
    desk.later(minutes=10)

    message = desk.reply(ticket, person, CALL, "final", via=via)

    desk.deliver()
    answered = desk.reread(ticket)
    assert (channel.sent, message.delivery, message.via) == ([], None, via)
    assert (answered.status, answered.answered_at, answered.first_replied_at) == (Status.ANSWERED, desk.now, desk.now)
    met = {row.kind: row.met_at for row in answered.clocks}
    assert met == {"accept": desk.now, "first_reply": desk.now, "resolve": desk.now, "follow_up": None}


def test_an_interim_call_meets_the_first_reply_only(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()

    desk.reply(ticket, person, CALL, "interim", via="phone")

    states = {row.kind: row.state for row in desk.reread(ticket).clocks}
    assert states == {"accept": "met", "first_reply": "met", "resolve": "running", "update": "running"}


def test_a_call_is_recorded_with_whom_and_what(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()

    with pytest.raises(InvalidInput, match="with whom"):
        desk.reply(ticket, person, "ok      ", "final", via="phone")


def newest(ticket) -> int:  # type: ignore[no-untyped-def]
    with reading() as session:
        return session.scalars(select(Message.id).where(Message.ticket_id == ticket.id).order_by(Message.id)).all()[-1]


def test_a_reply_to_what_has_changed_meanwhile_is_stale_and_shows_what_is_newer(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    seen = newest(ticket)
    desk.says("还有一件事")

    with pytest.raises(StaleReply) as refused:
        desk.reply(ticket, person, seen=seen)

    assert [m.text for m in refused.value.data["messages"]] == ["还有一件事"]
    assert desk.reply(ticket, person, seen=seen, force=True).delivery == "queued"


def test_a_colleagues_reply_makes_mine_stale(desk: Desk):
    me, colleague = desk.person(department="QGB"), desk.person("wang", department="QGB")
    ticket = desk.ticket()
    seen = newest(ticket)
    desk.reply(ticket, colleague, "我来处理", "interim")

    with pytest.raises(StaleReply):
        desk.reply(ticket, me, seen=seen)


@pytest.mark.parametrize("between", ["a reply of my own", "a colleague's note"])
def test_a_reply_is_not_stale_after(desk: Desk, between: str):
    me, colleague = desk.person(department="QGB"), desk.person("wang", department="QGB")
    ticket = desk.ticket()
    seen = newest(ticket)
    if between == "a reply of my own":
        desk.reply(ticket, me, "马上处理", "interim")
    else:
        with desk.doing(ticket, colleague) as d:
            handling.note(d.session, d.ticket, "客户是老业主", d.deed)

    assert desk.reply(ticket, me, seen=seen).delivery == "queued"


def test_the_windows_last_message_is_kept_for_the_answer(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    for _ in range(4):
        desk.reply(ticket, person, "正在处理", "interim")
    desk.deliver()

    with pytest.raises(LastMessage):
        desk.reply(ticket, person, "仍在处理", "interim")
    with pytest.raises(LastMessage):
        desk.reply(ticket, person, "请问房号是多少", "ask")
    assert desk.reply(ticket, person, kind="final").delivery == "queued"


@pytest.mark.parametrize("written", [4, 3])
def test_what_is_written_and_not_yet_sent_counts_too(desk: Desk, written: int):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    for _ in range(written):
        desk.reply(ticket, person, "正在处理", "interim")

    with pytest.raises(LastMessage):  # a reply of two parts spends two
        desk.reply(ticket, person, "正" * (1 if written == 4 else 700), "interim")


def test_the_last_message_can_be_forced_and_a_call_spends_none(desk: Desk, channel: FakeChannel):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    for _ in range(4):
        desk.reply(ticket, person, "正在处理", "interim")

    desk.reply(ticket, person, CALL, "interim", via="phone")
    desk.reply(ticket, person, "仍在处理", "interim", force=True)

    desk.deliver()
    assert channel.texts == ["正在处理"] * 4 + ["仍在处理"]
