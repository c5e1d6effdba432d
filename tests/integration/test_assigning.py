"""Tickets find their people by themselves where a department wants that: who gets them, when, and why."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from service.database import reading, transaction
from service.errors import Forbidden, InvalidInput
from service.people import User
from service.routing.assignment import Mode
from service.tickets import assigning, closing, cooperation, escalation, handling, pool
from service.tickets.models import Ticket
from service.tickets.register import Notification
from service.tickets.states import Action, Status
from tests.assignment_rig import assign, change_person, give_back, has, on_shift, own_assignment, switch, why
from tests.factories import COMPLAINT, INQUIRY, MORNING, Desk
from tests.integration.test_races import at_once

EVENING = datetime(2026, 3, 4, 12, tzinfo=UTC)  # 20:00 in Shanghai
REPORT = "我要举报，你们有员工收受回扣，请调查"


@pytest.fixture(autouse=True)
def editable(app: Flask) -> Iterator[Flask]:
    with own_assignment(app) as changed:
        yield changed


@pytest.fixture
def li(desk: Desk) -> User:
    return desk.person("li", "agent", "QGB")


@pytest.fixture
def wang(desk: Desk) -> User:
    return desk.person("wang", "agent", "QGB")


def tickets(desk: Desk, number: int, text: str = INQUIRY, first: int = 0) -> list[Ticket]:
    """So many new matters of as many followers, oldest first."""
    for n in range(first, first + number):
        desk.says(text, follower=f"oFollower{n:04}")
        desk.later(seconds=1)
    desk.classify()
    with reading() as session:
        ids = session.scalars(select(Ticket.id).order_by(Ticket.id.desc()).limit(number)).all()
    return [desk.reread(Ticket(id=i)) for i in reversed(ids)]


def test_people_claim_for_themselves_unless_a_department_wants_otherwise(desk: Desk, li: User):
    ticket = desk.ticket()

    assert assign(desk) == 0
    assert (has(desk, ticket), ticket.wants_assignee_at) == (None, None)


def test_a_classified_ticket_goes_to_whoever_has_least_and_the_event_says_why(desk: Desk, li: User, wang: User):
    switch(desk, "QGB")
    first, second, third = tickets(desk, 3)

    assert assign(desk) == 3

    assert [has(desk, t) for t in (first, second, third)] == ["li", "wang", "li"]
    found = desk.reread(third)
    event = desk.events(third)[-1]
    assert found.assigned_by_rule
    assert found.assigned_because == event.because == "在岗 2 人；在手最少（1 件）：li 的姓名"
    assert (event.actor, event.action, event.after["assignee"]) == ("system", "assign", "li")
    assert (found.assigned_at, found.wants_assignee_at) == (desk.now, None)
    assert found.status is Status.PENDING_ACCEPTANCE  # it is theirs, and they have yet to accept it


def test_whoever_gets_a_ticket_is_told_at_once(desk: Desk, li: User):
    switch(desk, "QGB")
    given = tickets(desk, 2)

    assign(desk)

    with reading() as session:
        told = session.scalars(select(Notification).order_by(Notification.id)).all()
        assert [(n.user_id, n.kind, n.ticket_id, n.pops) for n in told] == [
            (li.id, "assigned", ticket.id, True) for ticket in given
        ]


def test_nothing_is_given_out_before_it_is_known_what_it_is(desk: Desk, li: User):
    switch(desk, "QGB")
    ticket = desk.ticket(classified=False)

    assert (assign(desk), has(desk, ticket)) == (0, None)


def test_in_turn_everybody_gets_one_after_the_other(desk: Desk, li: User, wang: User):
    switch(desk, "QGB", Mode.ROUND_ROBIN)
    given = tickets(desk, 2)
    assign(desk)
    desk.later(minutes=1)
    given += tickets(desk, 2, first=2)
    assign(desk)

    assert [has(desk, t) for t in given] == ["li", "wang", "li", "wang"]


def test_a_ticket_waits_until_somebody_is_at_their_place(desk: Desk, li: User):
    switch(desk, "QGB")
    change_person(li, presence="away")
    ticket = desk.ticket()
    version = ticket.version

    assert assign(desk) == 0
    assert why(desk, ticket) == "暂时无人可派。暂离：li 的姓名"
    assert desk.reread(ticket).version == version  # a look for somebody is no change

    change_person(li, presence="present")
    assert (assign(desk), has(desk, ticket), why(desk, ticket)) == (1, "li", None)


def test_nobody_gets_more_than_the_limit_and_who_ends_one_gets_the_next(desk: Desk, li: User, wang: User):
    switch(desk, "QGB", limit=2)
    change_person(wang, ticket_limit=1)
    waiting = tickets(desk, 5)

    assign(desk)

    assert Counter(has(desk, t) for t in waiting) == {"li": 2, "wang": 1, None: 2}
    assert why(desk, waiting[3]) == "暂时无人可派。已满：li 的姓名（2/2）、wang 的姓名（1/1）"
    done = next(t for t in waiting if has(desk, t) == "wang")
    desk.accept(done, wang)
    with desk.doing(done, wang) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    assign(desk)
    assert [has(desk, t) for t in waiting[3:]] == ["wang", None]  # the one that had waited longest


def test_an_urgent_ticket_goes_before_those_that_have_waited_longer(desk: Desk, li: User):
    switch(desk, "QGB", limit=1)
    ordinary, urgent = tickets(desk, 2)
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == urgent.id).values(priority="urgent"))

    assign(desk)

    assert [has(desk, t) for t in (ordinary, urgent)] == [None, "li"]


def test_one_whom_nobody_can_take_holds_up_no_other(desk: Desk, li: User):
    switch(desk, "QGB")
    change_person(li, skills=["complaint"])
    ticket = desk.ticket()
    assign(desk)
    assert desk.reread(ticket).wants_assignee_at == desk.now + timedelta(seconds=30)
    assert why(desk, ticket) == "暂时无人可派。技能不符：li 的姓名"

    change_person(li, skills=["咨询"])
    assert assign(desk) == 0  # its next turn is in half a minute

    desk.later(seconds=30)
    assert (assign(desk), has(desk, ticket)) == (1, "li")
    assert "有技能『咨询』1 人" in (desk.reread(ticket).assigned_because or "")


def test_what_is_not_accepted_in_time_goes_back_and_to_somebody_else(desk: Desk, li: User, wang: User):
    switch(desk, "QGB", return_minutes=15)
    ticket = desk.ticket()
    assign(desk)
    first = has(desk, ticket)
    assert desk.reread(ticket).pool_return_at == desk.now + timedelta(minutes=15)

    desk.later(minutes=14)
    assert (give_back(desk), has(desk, ticket)) == (0, first)
    desk.later(minutes=1)
    assert give_back(desk) == 1

    assert has(desk, ticket) is None
    assert desk.events(ticket)[-1].because == "派单后 15 分钟未受理"
    assign(desk)
    assert {first, has(desk, ticket)} == {"li", "wang"}


def test_what_was_not_accepted_waits_rather_than_go_back_to_the_same_person(desk: Desk, li: User):
    switch(desk, "QGB", return_minutes=15)
    ticket = desk.ticket()
    assign(desk)
    desk.later(minutes=15)
    give_back(desk)

    assert (assign(desk), has(desk, ticket)) == (0, None)
    assert why(desk, ticket) == "暂时无人可派。刚从其手中退回：li 的姓名"

    desk.now = MORNING + timedelta(days=1)
    assert (assign(desk), has(desk, ticket)) == (1, "li")


def test_the_minutes_to_accept_are_working_minutes(desk: Desk, li: User):
    switch(desk, "QGB", return_minutes=15)
    desk.now = datetime(2026, 3, 4, 9, 54, tzinfo=UTC)  # six minutes before closing, 18:00
    ticket = desk.ticket()
    assign(desk)

    back_at = desk.reread(ticket).pool_return_at

    assert back_at is not None
    assert back_at.date() == date(2026, 3, 5)


def test_what_need_not_be_accepted_in_time_any_more_stays_with_whoever_has_it(desk: Desk, li: User):
    switch(desk, "QGB", return_minutes=15)
    ticket = desk.ticket()
    assign(desk)
    switch(desk, "QGB", return_minutes=0)
    desk.later(hours=1)

    give_back(desk)

    assert (has(desk, ticket), desk.reread(ticket).pool_return_at) == ("li", None)


@pytest.mark.parametrize("how", ["accept", "reply", "by hand"])
def test_what_is_taken_up_or_given_by_a_person_does_not_go_back(desk: Desk, li: User, wang: User, how: str):
    switch(desk, "QGB")
    ticket = desk.ticket()
    assign(desk)
    owner = {"li": li, "wang": wang}[has(desk, ticket) or ""]
    if how == "accept":
        desk.accept(ticket, owner)
    elif how == "reply":
        desk.reply(ticket, owner, "马上处理", "interim")
    else:
        with desk.doing(ticket, desk.person("boss", "admin", "QGB")) as d:
            cooperation.assign(d.session, d.ticket, d.deed, assignee="wang" if owner is li else "li")

    desk.later(days=1)

    assert desk.reread(ticket).pool_return_at is None
    assert (give_back(desk), has(desk, ticket) is None) == (0, False)


def test_a_follower_comes_back_to_whoever_handled_them_last(desk: Desk, li: User, wang: User):
    switch(desk, "QGB")
    first = desk.accept(desk.ticket(), wang)
    with desk.doing(first, wang) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    desk.later(days=1)
    switch(desk, "QGB")

    again = desk.ticket("请问停车费怎么交")
    assign(desk)

    assert has(desk, again) == "wang"
    assert desk.reread(again).assigned_because == "在岗 2 人；最近处理过此关注者：wang 的姓名"


def test_a_restricted_ticket_goes_only_to_somebody_who_may_see_it(desk: Desk, li: User):
    switch(desk, "QGB")
    ticket = desk.ticket(REPORT)
    assert ticket.restricted
    assert (assign(desk), why(desk, ticket)) == (0, "暂时无人可派。不办理受限工单：li 的姓名")

    desk.person("zhou", "dispatcher", "QGB")
    desk.later(seconds=30)

    assert (assign(desk), has(desk, ticket)) == (1, "zhou")


def test_outside_working_hours_only_whoever_has_a_shift_is_there(
    desk: Desk, li: User, wang: User, monkeypatch: pytest.MonkeyPatch
):
    switch(desk, "QGB")
    desk.now = EVENING
    ticket = desk.ticket()
    assert (assign(desk), why(desk, ticket)) == (0, "暂时无人可派。不在班：li 的姓名、wang 的姓名")

    on_shift(monkeypatch, desk, "QGB", {date(2026, 3, 4): {"wang": "18:00-22:00"}})

    assert (assign(desk), has(desk, ticket)) == (1, "wang")
    found = desk.reread(ticket)
    assert found.pool_return_at == desk.now + timedelta(minutes=15)  # they are there, whatever the working hours


def test_within_working_hours_a_shift_says_who_is_there_and_without_one_everybody_is(
    desk: Desk, li: User, wang: User, monkeypatch: pytest.MonkeyPatch
):
    switch(desk, "QGB")
    on_shift(monkeypatch, desk, "QGB", {date(2026, 3, 4): {"wang": "09:00-10:00"}})
    during = tickets(desk, 2)
    assign(desk)
    assert [has(desk, t) for t in during] == ["wang", "wang"]

    desk.later(hours=1)
    after = desk.ticket(follower="oFollower0009")
    assign(desk)
    assert has(desk, after) == "li"


def test_a_transfer_looks_for_somebody_in_the_new_department(desk: Desk, li: User):
    switch(desk, "KFB")
    desk.person("zhang", "agent", "KFB")
    ticket = desk.accept(desk.ticket(), li)
    with desk.doing(ticket, li) as d:
        cooperation.transfer(d.session, d.ticket, d.deed, department="KFB", reason="属于投诉")

    assert (assign(desk), has(desk, ticket)) == (1, "zhang")


def test_what_is_handed_back_is_accepted_anew_and_its_clocks_go_on(desk: Desk, li: User, wang: User):
    switch(desk, "QGB")
    ticket = desk.accept(desk.ticket(), li)
    before = desk.clock(ticket, "resolve")

    with desk.doing(ticket, li) as d:
        pool.hand_back(d.session, d.ticket, d.deed, because="今天休息")
    assign(desk)

    found, now_is = desk.reread(ticket), desk.clock(ticket, "resolve")
    assert (found.status, has(desk, ticket)) == (Status.PENDING_ACCEPTANCE, "wang")
    assert before is not None
    assert now_is is not None
    assert (now_is.due_at, now_is.state, found.accepted_at) == (before.due_at, before.state, ticket.accepted_at)
    assert desk.accept(ticket, wang).status is Status.IN_PROGRESS


@pytest.mark.parametrize(("how", "status"), [("ask", Status.WAITING_CUSTOMER), ("suspend", Status.SUSPENDED)])
def test_what_waits_for_the_follower_goes_on_waiting_when_it_is_handed_back(
    desk: Desk, li: User, how: str, status: Status
):
    ticket = desk.accept(desk.ticket(), li)
    if how == "ask":
        desk.reply(ticket, li, "请问是哪一栋？", "ask")
    else:
        with desk.doing(ticket, li) as d:
            handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=desk.now + timedelta(days=1))

    with desk.doing(ticket, li) as d:
        pool.hand_back(d.session, d.ticket, d.deed, because="下班")

    assert (desk.reread(ticket).status, has(desk, ticket)) == (status, None)


def test_only_whoever_has_it_hands_it_back_or_somebody_who_assigns(desk: Desk, li: User, wang: User):
    ticket = desk.accept(desk.ticket(), li)
    with pytest.raises(Forbidden), desk.doing(ticket, wang) as d:
        pool.hand_back(d.session, d.ticket, d.deed, because="我来")

    with desk.doing(ticket, desk.person("head", "dept_head", "QGB")) as d:
        pool.hand_back(d.session, d.ticket, d.deed, because="换人")

    with pytest.raises(InvalidInput), desk.doing(ticket, li) as d:
        pool.hand_back(d.session, d.ticket, d.deed, because="再退一次")


def test_what_lies_there_is_given_out_once_a_department_has_the_rule(desk: Desk, li: User):
    lying = tickets(desk, 2)
    switch(desk, "QGB")
    with transaction() as session:
        assigning.enlist(session, ["QGB"], now=desk.now)

    assert assign(desk) == 0  # not before every process knows
    desk.later(seconds=3)

    assert assign(desk) == 2
    assert [has(desk, t) for t in lying] == ["li", "li"]


def test_what_lies_there_is_locked_in_the_order_in_which_sweeps_lock(desk: Desk, counted):
    """In any other order the switch and a sweep that holds many tickets wait for each other."""
    with counted() as statements, transaction() as session:
        assigning.enlist(session, ["QGB"], now=desk.now)

    (statement,) = (" ".join(each.split()) for each in statements if "UPDATE tickets" in each)
    assert "ORDER BY tickets.follower_id, tickets.id" in statement


def test_nothing_waits_any_more_once_a_department_has_the_rule_no_longer(desk: Desk, li: User):
    switch(desk, "QGB")
    change_person(li, presence="away")
    ticket = desk.ticket()
    switch(desk, "QGB", Mode.OFF)

    assign(desk)

    assert desk.reread(ticket).wants_assignee_at is None
    assert desk.accept(ticket, li).status is Status.IN_PROGRESS


def test_the_rung_of_unclaimed_tickets_makes_the_rule_look_again(desk: Desk, li: User):
    switch(desk, "QGB")
    ticket = desk.ticket()
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket.id).values(wants_assignee_at=None))
    desk.later(minutes=20)
    rules = desk.rules

    with transaction() as session:
        escalation.escalate_due(session, now=desk.now, rules=rules)

    assert (assign(desk), has(desk, ticket)) == (1, "li")


def test_a_colleague_who_is_away_or_full_receives_nothing_by_hand_over(desk: Desk, li: User, wang: User):
    switch(desk, "QGB", limit=1)
    ticket = desk.accept(desk.ticket(), li)
    change_person(wang, presence="away")

    def refused() -> str:
        with pytest.raises(InvalidInput) as raised, desk.doing(ticket, li) as d:
            assigning.refuse_receiver(d.session, d.ticket, d.session.get_one(User, wang.id), d.deed)
        return str(raised.value)

    assert "not on duty" in refused()
    change_person(wang, presence="present")
    desk.accept(desk.ticket(follower="oFollower0002"), wang)
    assert "as many open tickets" in refused()


def test_two_workers_at_once_give_each_ticket_once_and_nobody_more_than_the_limit(desk: Desk):
    people = [desk.person(f"agent{n}", "agent", "QGB") for n in range(4)]
    change_person(people[0], ticket_limit=3)
    waiting = tickets(desk, 60)
    switch(desk, "QGB", limit=11)
    with transaction() as session:
        assigning.enlist(session, ["QGB"], now=desk.now - timedelta(minutes=1))
    rules = desk.rules

    def work() -> None:
        for _ in range(3):
            with transaction() as session:
                assigning.assign_due(session, now=desk.now, rules=rules)

    at_once(desk, *[work] * 4)

    given = Counter(has(desk, t) for t in waiting)
    assert given == {"agent0": 3, "agent1": 11, "agent2": 11, "agent3": 11, None: 24}
    for ticket in waiting:
        assert [e.action for e in desk.events(ticket)].count(Action.ASSIGN.value) <= 1


def test_two_workers_that_see_few_each_of_a_long_queue_keep_within_the_limit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Each takes other tickets for the same people: the lock on the people is what counts."""
    desk.person("li", "agent", "QGB")
    switch(desk, "QGB", limit=5)
    tickets(desk, 40)
    monkeypatch.setattr(assigning, "BATCH", 4)
    rules = desk.rules

    def work() -> None:
        for _ in range(4):
            with transaction() as session:
                assigning.assign_due(session, now=desk.now, rules=rules)

    at_once(desk, *[work] * 4)

    with reading() as session:
        in_hand = session.scalar(select(func.count()).where(Ticket.assignee_id.is_not(None)))
    assert in_hand == 5


def test_a_hundred_tickets_cost_no_statement_each_to_find_their_people(desk: Desk, li: User, counted):
    def looks(number: int, first: int) -> int:
        tickets(desk, number, first=first)
        rules = desk.rules
        with counted() as statements, transaction() as session:
            assigning.assign_due(session, now=desk.now, rules=rules)
        return sum(statement.lstrip().startswith("SELECT") for statement in statements)

    switch(desk, "QGB", limit=500)

    assert looks(2, 0) == looks(20, 100)


def test_a_complaint_is_no_matter_of_another_departments_people(desk: Desk, li: User):
    switch(desk, "KFB")
    ticket = desk.ticket(COMPLAINT)

    assert (assign(desk), why(desk, ticket)) == (0, "部门里没有办理工单的人")
