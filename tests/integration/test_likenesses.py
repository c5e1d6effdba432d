"""Alike tickets: the follower's own earlier ones, and many followers who tell of the same thing."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.database import reading, transaction
from service.people import User
from service.tickets import closing, cooperation, likenesses
from service.tickets.models import Likeness, Ticket
from service.tickets.register import Notification
from tests.factories import Desk

OUTAGE = (
    "3栋又停水了",
    "停水了什么时候来水",
    "5栋停水了，物业知道吗",
    "我家停水了",
    "停水了没人管",
    "停水三天了",
    "又停水了没人管",
)


def compared(desk: Desk) -> None:
    with transaction() as session:
        likenesses.compare_due(session, now=desk.now, rules=desk.rules)


def written(desk: Desk, text: str, follower: str = "oFollower0001") -> Ticket:
    """A ticket of its own, classified and compared."""
    desk.later(seconds=20)
    ticket = desk.ticket(text, follower=follower)
    compared(desk)
    return desk.reread(ticket)


def settled(desk: Desk, ticket: Ticket, agent: User, boss: User) -> Ticket:
    answered = desk.answer(desk.accept(ticket, agent), agent)
    with desk.doing(answered, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="已解决")
    return desk.reread(answered)


def found(ticket: Ticket) -> list[tuple[int, str]]:
    with reading() as session:
        rows = session.scalars(select(Likeness).where(Likeness.ticket_id == ticket.id).order_by(Likeness.other_id))
        return [(row.other_id, row.kind) for row in rows]


def notices() -> list[Notification]:
    with reading() as session:
        rows = list(session.scalars(select(Notification).where(Notification.kind == "incident")))
        session.expunge_all()
    return rows


def test_the_same_matter_after_a_close_is_a_repeat(desk: Desk, boss: User, agent: User):
    first = settled(desk, written(desk, "门禁卡丢了怎么补办"), boss, boss)
    desk.later(days=30)

    again = written(desk, "你好，门禁卡丢了，想补办")
    assert found(again) == [(first.id, "repeat")]
    assert again.repeat_of_id is None


def test_another_matter_of_the_same_follower_is_none(desk: Desk, boss: User):
    settled(desk, written(desk, "门禁卡丢了怎么补办"), boss, boss)
    desk.later(days=30)

    assert found(written(desk, "体检预约在哪里看")) == []


def test_the_same_words_about_another_order_are_no_repeat(desk: Desk, boss: User):
    settled(desk, written(desk, "请问订单20260301什么时候送到"), boss, boss)
    desk.later(days=30)

    assert found(written(desk, "请问订单20260415什么时候送到")) == []


@pytest.mark.parametrize("step", ["invalid"])
def test_what_was_nothing_is_not_shown_as_an_earlier_matter(desk: Desk, boss: User, step: str):
    first = written(desk, "门禁卡丢了怎么补办")
    with desk.doing(first, boss) as d:
        closing.invalidate(d.session, d.ticket, d.deed, reason="误触")
    desk.later(days=1)

    assert found(written(desk, "门禁卡丢了怎么补办呢")) == []


def test_many_followers_with_the_same_thing_are_one_incident_and_one_notice(desk: Desk, boss: User):
    made = [written(desk, text, f"oNeighbour{n:04}") for n, text in enumerate(OUTAGE)]

    assert {ticket.incident_id for ticket in made[1:]} == {made[0].id}
    assert [(n.user_id, n.cause) for n in notices()] == [(boss.id, f"incident:{made[0].id}")]
    with reading() as session:
        since = desk.now - timedelta(hours=12)
        assert {likenesses.alike_since(session, ticket, since) for ticket in made} == {len(OUTAGE)}


def test_one_follower_who_says_it_often_is_no_incident(desk: Desk, boss: User):
    for _ in range(6):
        ticket = written(desk, "停水了没人管")
        with desk.doing(ticket, boss) as d:
            closing.withdraw(d.session, d.ticket, d.deed, reason="客户撤回")

    assert notices() == []


def test_the_same_question_of_many_is_no_alarm(desk: Desk, boss: User):
    made = [written(desk, "请问你们营业厅周末几点上班", f"oNeighbour{n:04}") for n in range(6)]

    assert made[-1].incident_id == made[0].id
    assert notices() == []


def test_the_same_thing_told_over_days_is_no_notice(desk: Desk, boss: User):
    for n, text in enumerate(OUTAGE):
        desk.later(hours=3)
        written(desk, text, f"oNeighbour{n:04}")

    assert notices() == []


def test_a_restricted_ticket_is_compared_with_nobody_else(desk: Desk, boss: User):
    for n in range(2):
        desk.later(seconds=20)
        ticket = desk.ticket("停水了没人管", follower=f"oNeighbour{n:04}", classified=False)
        with desk.doing(ticket, boss) as d:
            cooperation.classify(d.session, d.ticket, d.deed, category="report", reason="举报员工")
        desk.classify()
        compared(desk)

    assert found(desk.newest()) == []
    assert desk.newest().incident_id is None


def test_comparing_twice_finds_the_same(desk: Desk, boss: User):
    for n, text in enumerate(OUTAGE[:3]):
        ticket = written(desk, text, f"oNeighbour{n:04}")
    before = found(ticket)
    with transaction() as session:
        session.get_one(Ticket, ticket.id).compare_at = desk.now
    compared(desk)

    assert before
    assert found(ticket) == before


def test_more_words_on_a_ticket_are_compared_again(desk: Desk, boss: User):
    first = written(desk, "小区游泳池几点开门", "oNeighbour0001")
    second = written(desk, "有件事情说说", "oNeighbour0002")
    desk.says("小区游泳池几点开门呀", follower="oNeighbour0002")
    desk.classify()
    compared(desk)

    assert [other for other, _ in found(second)] == [first.id]
