"""Noise is kept and opens nothing; a person finds it and may make a ticket of it after all."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from service.database import db, reading, transaction
from service.errors import IllegalTransition
from service.people import User
from service.tickets import closing, kept, taking_up
from service.tickets.changes import Deed
from service.tickets.models import Message, Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, INQUIRY, Desk

ADVERT = "低息贷款当天放款，黑户可做，加微 dk8888"


def tickets() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Ticket)) or 0


def messages() -> list[Message]:
    with reading() as session:
        found = list(session.scalars(select(Message).order_by(Message.id)))
        session.expunge_all()
    return found


def invalid(desk: Desk, ticket: Ticket, by: User) -> None:
    with desk.doing(ticket, by) as d:
        closing.invalidate(d.session, d.ticket, d.deed, reason="广告")


def take_up(desk: Desk, message: Message, by: User) -> str:
    with transaction() as session:
        deed = Deed(by=session.get_one(User, by.id), now=desk.now, rules=desk.rules)
        return taking_up.open_from(session, message.id, deed)


def test_an_advert_is_kept_and_opens_no_ticket(desk: Desk):
    assert desk.says(ADVERT) == ""
    assert tickets() == 0
    assert [(m.text, m.kept) for m in messages()] == [(ADVERT, "advert")]


def test_an_advert_on_an_answered_ticket_joins_and_does_not_reopen_it(desk: Desk, agent: User):
    ticket = desk.answer(desk.accept(desk.ticket(), agent), agent)

    assert desk.says(ADVERT) == ""
    after, said = desk.reread(ticket), messages()[-1]
    assert after.status is Status.ANSWERED
    assert (said.ticket_id, said.kept, said.asks) == (ticket.id, None, False)


def test_the_same_words_after_a_ticket_was_found_to_be_nothing_open_no_other(desk: Desk, boss: User):
    words = "专业疏通下水道，价格公道"
    invalid(desk, desk.ticket(words), boss)
    desk.later(minutes=5)

    desk.says(words + "！")
    assert tickets() == 1
    assert messages()[-1].kept == "repeat"


@pytest.mark.parametrize(("words", "minutes"), [("没有收到退款，再说一次", 5), ("没有收到退款", 11)])
def test_other_words_or_a_while_later_it_is_a_matter_again(desk: Desk, boss: User, words: str, minutes: int):
    invalid(desk, desk.ticket("没有收到退款"), boss)
    desk.later(minutes=minutes)

    reply = desk.says(words)
    assert tickets() == 2
    assert desk.newest().number in reply


def test_the_same_words_after_a_close_open_a_linked_ticket(desk: Desk, agent: User, boss: User):
    """A close is an answer with which somebody may disagree in the same words; the contract asks for the ticket."""
    ticket = desk.answer(desk.accept(desk.ticket(INQUIRY), agent), agent)
    with desk.doing(ticket, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="已解决")
    desk.later(minutes=1)

    assert desk.newest().number not in (reply := desk.says(INQUIRY)) or reply
    assert desk.newest().repeat_of_id == ticket.id


def test_the_same_words_while_the_ticket_is_open_join_it(desk: Desk):
    desk.ticket(COMPLAINT)
    desk.later(minutes=1)

    assert desk.says(COMPLAINT) == ""
    assert tickets() == 1
    assert {m.ticket_id for m in messages()} == {desk.newest().id}


def test_another_follower_with_the_same_words_has_a_matter(desk: Desk, boss: User):
    invalid(desk, desk.ticket("没有收到退款"), boss)

    desk.says("没有收到退款", follower="oAnother0002")
    assert tickets() == 2


def test_a_plain_message_costs_no_query_more(desk: Desk, boss: User):
    """What the last ticket was opened with stands in the row that is locked anyway."""
    invalid(desk, desk.ticket("没有收到退款"), boss)
    desk.later(minutes=1)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    desk.says("你们的电话为什么打不通")
    assert tickets() == 2
    assert [q for q in asked if q.startswith("SELECT tickets.status")] == []


def test_a_kept_message_becomes_a_ticket_whose_clocks_start_when_it_was_written(desk: Desk, boss: User):
    desk.says(ADVERT)
    written, said = desk.now, messages()[0]
    desk.later(minutes=50)

    number = take_up(desk, said, boss)
    ticket = desk.newest()
    assert (ticket.number, ticket.received_at) == (number, written)
    assert {row.kind: row.due_at for row in ticket.clocks}["accept"] == written + timedelta(minutes=30)
    assert [(m.ticket_id, m.kept, m.asks) for m in messages()] == [(ticket.id, None, True)]
    assert [(e.actor, e.because) for e in desk.events(ticket)] == [(boss.username, taking_up.BECAUSE)]
    assert desk.says("还有，电话打不通") == ""
    assert tickets() == 1


def test_a_kept_message_of_somebody_with_an_open_ticket_joins_it(desk: Desk, agent: User, boss: User):
    desk.says(ADVERT)
    desk.later(minutes=1)
    ticket = desk.answer(desk.accept(desk.ticket(INQUIRY), agent), agent)

    assert take_up(desk, messages()[0], boss) == ticket.number
    after = desk.reread(ticket)
    assert after.status is Status.IN_PROGRESS
    assert after.last_inbound_at >= ticket.last_inbound_at
    assert desk.events(ticket)[-1].actor == boss.username


def test_a_message_is_taken_up_once(desk: Desk, boss: User):
    desk.says(ADVERT)
    said = messages()[0]
    take_up(desk, said, boss)

    with pytest.raises(IllegalTransition):
        take_up(desk, said, boss)
    assert tickets() == 1


def test_the_list_has_each_reason_newest_first_and_in_pages(desk: Desk):
    for n in range(kept.PAGE + 3):
        desk.later(seconds=1)
        desk.says("谢谢" if n % 2 else ADVERT, follower=f"oFollower{n:04}")

    with reading() as session:
        first = kept.listing(session, kept.REASONS, None)
        rest = kept.listing(session, kept.REASONS, first.next_cursor)
        adverts = kept.listing(session, kept.DOUBTFUL, None)
        times = [m.at for m, _ in (*first.items, *rest.items)]
    assert (len(first.items), len(rest.items), rest.next_cursor) == (kept.PAGE, 3, None)
    assert times == sorted(times, reverse=True)
    assert {m.kept for m, _ in adverts.items} == {"advert"}


def test_a_merge_of_the_ticket_makes_its_words_a_repeat(desk: Desk, boss: User):
    first = desk.ticket("没有收到退款")
    with desk.doing(first, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="客户撤回")
    desk.later(minutes=1)

    desk.says("没有收到退款")
    assert tickets() == 2, "a withdrawn matter may be taken up again"
