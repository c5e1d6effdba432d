"""Handing over at the end of a shift: what is owed is found, goes on with a note, and stays where it cannot."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service import staff
from service.database import reading, transaction
from service.errors import Forbidden, InvalidInput, Recused, StaleVersion
from service.people import User
from service.tickets import handling, handovers, recusals, standing
from service.tickets.access import visible_to
from service.tickets.handovers import Owed, Passing
from service.tickets.models import Handover, Ticket
from service.tickets.register import Notification
from service.tickets.states import Status
from tests.assignment_rig import assign, own_assignment, switch
from tests.factories import COMPLAINT, Desk

NOTE = "客户等配件，明早十点到货"


@pytest.fixture
def li(desk: Desk) -> User:
    return desk.person("li", "agent", "KFB")


@pytest.fixture
def wang(desk: Desk) -> User:
    return desk.person("wang", "agent", "KFB")


@pytest.fixture
def ticket(desk: Desk, li: User) -> Ticket:
    """In li's hand."""
    return desk.accept(desk.ticket(COMPLAINT), li)


def passing(ticket: Ticket, batch: str = "one evening") -> Passing:
    return Passing(NOTE, ticket.version, batch)


def hand(desk: Desk, ticket: Ticket, by: User, to: User, batch: str = "one evening") -> Ticket:
    with desk.doing(ticket, by) as d:
        handovers.hand_over(d.session, d.ticket, d.deed, passing(ticket, batch), to=to.username)
    return desk.reread(ticket)


def rows() -> list[Handover]:
    with reading() as session:
        found = session.scalars(select(Handover).order_by(Handover.id)).all()
        session.expunge_all()
    return list(found)


def told_to(user: User) -> list[Notification]:
    with reading() as session:
        query = select(Notification).where(Notification.kind == "handover", Notification.user_id == user.id)
        found = session.scalars(query).all()
        session.expunge_all()
    return list(found)


def set_aside(desk: Desk, user: User, **changed: object) -> None:
    with transaction() as session:
        for name, value in changed.items():
            setattr(session.get_one(User, user.id), name, value)


def test_a_colleague_on_duty_gets_the_ticket_with_the_note(desk: Desk, ticket: Ticket, li: User, wang: User):
    now_is = hand(desk, ticket, li, wang)

    (row,) = rows()
    assert (now_is.assignee_id, now_is.status) == (wang.id, Status.IN_PROGRESS)
    assert (row.from_user_id, row.to_user_id, row.note, row.acknowledged_at) == (li.id, wang.id, NOTE, None)
    assert [m.text for m in desk.messages(ticket) if m.direction == "note"] == [NOTE]
    assert [e.action for e in desk.events(ticket)][-2:] == ["note", "assign"]


def test_the_receiver_hears_once_of_several_tickets(desk: Desk, ticket: Ticket, li: User, wang: User):
    other = desk.accept(desk.ticket(COMPLAINT, follower="oFollower0002"), li)

    hand(desk, ticket, li, wang)
    hand(desk, other, li, wang)

    assert [row.facts["actor"] for row in told_to(wang)] == ["li"]
    assert told_to(li) == []


def test_back_in_the_pool_it_is_nobodys_and_the_note_stays(desk: Desk, ticket: Ticket, li: User):
    with desk.doing(ticket, li) as d:
        handovers.return_to_pool(d.session, d.ticket, d.deed, passing(ticket))

    (row,) = rows()
    assert (desk.reread(ticket).assignee_id, row.to_user_id) == (None, None)
    assert NOTE in [m.text for m in desk.messages(ticket)]


def test_a_ticket_that_changed_since_it_was_read_stays(desk: Desk, ticket: Ticket, li: User, wang: User):
    desk.says("还没有人来吗")

    with pytest.raises(StaleVersion):
        hand(desk, ticket, li, wang)

    assert (desk.reread(ticket).assignee_id, rows()) == (li.id, [])


def test_only_whoever_has_it_in_hand_hands_it_over(desk: Desk, ticket: Ticket, li: User, wang: User):
    with pytest.raises(Forbidden):
        hand(desk, ticket, wang, wang)

    assert desk.reread(ticket).assignee_id == li.id


def test_nobody_gets_what_they_have_no_room_for(desk: Desk, ticket: Ticket, li: User, wang: User):
    desk.accept(desk.ticket(COMPLAINT, follower="oFollower0002"), wang)
    set_aside(desk, wang, ticket_limit=1)

    with pytest.raises(InvalidInput):
        hand(desk, ticket, li, wang)


@pytest.mark.parametrize("changed", [{"presence": "away"}, {"active": False}])
def test_nobody_gets_what_they_are_not_there_for(
    desk: Desk, ticket: Ticket, li: User, wang: User, changed: dict[str, object]
):
    set_aside(desk, wang, **changed)

    with pytest.raises(InvalidInput):
        hand(desk, ticket, li, wang)


def test_nobody_off_duty_gets_it(desk: Desk, ticket: Ticket, li: User, wang: User):
    desk.later(hours=12)  # half past nine in the evening

    with pytest.raises(InvalidInput):
        hand(desk, ticket, li, wang)


def test_a_person_of_another_department_does_not_get_it(desk: Desk, ticket: Ticket, li: User):
    stranger = desk.person("zhao", "agent", "QGB")

    with pytest.raises(InvalidInput):
        hand(desk, ticket, li, stranger)


def test_whoever_the_matter_is_about_does_not_get_it(desk: Desk, ticket: Ticket, li: User, wang: User):
    with desk.doing(ticket, None) as d:
        recusals.recuse(d.session, d.ticket, d.session.get_one(User, wang.id), d.deed, reason="投诉的就是他")

    with pytest.raises(Recused):
        hand(desk, desk.reread(ticket), li, wang)


def test_a_restricted_ticket_goes_to_nobody_who_may_not_see_it(desk: Desk, li: User, wang: User):
    ticket = desk.accept(desk.ticket(COMPLAINT), li)
    with transaction() as session:
        session.get_one(Ticket, ticket.id).restricted = True

    with pytest.raises(InvalidInput):
        hand(desk, ticket, li, wang)


def test_what_is_owed_first_comes_first(desk: Desk, li: User):
    later, sooner = desk.ticket(COMPLAINT), desk.ticket(COMPLAINT, follower="oFollower0002")
    for ticket, hours in ((later, 4), (sooner, 2)):
        with desk.doing(ticket, li) as d:
            promise_at = desk.now + timedelta(hours=hours)
            handling.accept(d.session, d.ticket, d.deed, promise_at=promise_at, plan="联系仓库")
    quiet = desk.accept(desk.ticket(COMPLAINT, follower="oFollower0003"), li)

    with reading() as session:
        found = handovers.in_hand(session, li, until=desk.now)

    assert [each.ticket.id for each in found] == [sooner.id, later.id, quiet.id]
    assert [[p.kind for p in each.promises] for each in found] == [[Owed.PROMISE], [Owed.PROMISE], []]


def test_a_clock_counts_when_it_is_due_before_the_next_shift(desk: Desk, ticket: Ticket, li: User):
    clock = desk.clock(ticket, "resolve")
    assert clock is not None

    with reading() as session:
        before = handovers.in_hand(session, li, until=clock.due_at - timedelta(minutes=1))
        by_then = handovers.in_hand(session, li, until=clock.due_at)

    kinds = [[(p.kind, p.clock) for p in found[0].promises] for found in (before, by_then)]
    assert (Owed.CLOCK, "resolve") not in kinds[0]
    assert (Owed.CLOCK, "resolve") in kinds[1]


def test_somebody_who_went_home_with_a_promise_is_seen(desk: Desk, li: User, wang: User):
    evening = desk.now.replace(hour=13)  # nine in the evening in Shanghai
    for person, promise_at in ((li, evening + timedelta(hours=10)), (wang, evening + timedelta(days=9))):
        ticket = desk.ticket(COMPLAINT, follower=f"oFollower-{person.username}")
        with desk.doing(ticket, person) as d:
            handling.accept(d.session, d.ticket, d.deed, promise_at=promise_at)
        desk.reply(desk.reread(ticket), person, "正在办理", "interim")
    desk.deliver()

    with reading() as session:
        found = handovers.left_behind(session, [li, wang], now=evening, rules=desk.rules)

    assert [(each.user.username, each.number, each.first_due_at) for each in found] == [
        ("li", 1, evening + timedelta(hours=10))
    ]


def test_what_was_received_is_there_until_it_is_acknowledged(desk: Desk, ticket: Ticket, li: User, wang: User):
    hand(desk, ticket, li, wang)
    (row,) = rows()

    with reading() as session:
        (seen,) = handovers.received(session, wang, since=desk.later(days=3))
        assert (seen[0].id, seen[1].number, seen[2].username) == (row.id, ticket.number, "li")
    with transaction() as session:
        assert handovers.acknowledge(session, li, up_to=row.id, now=desk.now) == 0  # not theirs
        assert handovers.acknowledge(session, wang, up_to=row.id, now=desk.now) == 1
        assert handovers.acknowledge(session, wang, up_to=row.id, now=desk.now) == 0

    with reading() as session:
        assert handovers.received(session, wang, since=desk.now) == []


def test_presence_is_on_record_and_moves_nothing(desk: Desk, ticket: Ticket, li: User):
    for _ in range(2):
        with transaction() as session:
            staff.set_presence(session, session.get_one(User, li.id), "away", now=desk.now)

    with reading() as session:
        person = session.get_one(User, li.id)
        (stand,) = standing.standings(session, [person], desk.rules, desk.now)
        assert (person.presence, person.presence_at) == ("away", desk.now)
        assert (stand.is_rostered, stand.is_here, stand.in_hand) == (True, False, 1)
        assert standing.last_given(session, [person], visible_to(person)) is None
    assert desk.reread(ticket).assignee_id == li.id


@pytest.mark.parametrize("skill", ["inquiry/invoice", "发票"])
def test_a_subcategory_as_the_page_of_people_writes_it_is_a_skill(app: Flask, desk: Desk, skill: str):
    """By its code, which is told apart from those of other categories, or by its name."""
    for username, own in (("zhao", ["inquiry/product"]), ("qian", [skill])):
        set_aside(desk, desk.person(username, "agent", "QGB"), skills=own)
    with own_assignment(app):
        switch(desk, "QGB")
        ticket = desk.ticket("请问发票怎么开")

        assign(desk)
        found = desk.reread(ticket)

    assert (found.subcategory, found.assignee and found.assignee.username) == ("invoice", "qian")
