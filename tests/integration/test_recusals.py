"""Recusal: nobody handles a complaint about themselves, whatever their roles; mistaken names are let back in."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from service.database import reading
from service.errors import Forbidden, InvalidInput, Recused
from service.people import User
from service.tickets import closing, cooperation, custody, followup, handling, recusals
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.assignment_rig import assign, change_person, has, own_assignment, switch, why
from tests.factories import COMPLAINT, Desk

ABOUT_LI = "我要投诉李敏，服务态度太差了"


@pytest.fixture(autouse=True)
def editable(app: Flask) -> Iterator[Flask]:
    with own_assignment(app) as changed:
        yield changed


@pytest.fixture
def li(desk: Desk) -> User:
    return named(desk, "li", "李敏")


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def named(desk: Desk, username: str, name: str, role: str = "agent", department: str = "KFB") -> User:
    user = desk.person(username, role, department)
    change_person(user, name=name)
    return user


def away(desk: Desk, ticket: Ticket) -> dict[str, str]:
    """Username -> why they keep away."""
    with reading() as session:
        found = custody.recusals_of(session, [ticket.id]).get(ticket.id, [])
        return {user.username: recusal.reason for user, recusal in found}


def recuse(desk: Desk, ticket: Ticket, by: User, who: User, reason: str = "亲属") -> None:
    with desk.doing(ticket, by) as d:
        recusals.recuse(d.session, d.ticket, d.session.get_one(User, who.id), d.deed, reason=reason)


def lift(desk: Desk, ticket: Ticket, by: User, who: User) -> None:
    with desk.doing(ticket, by) as d:
        recusals.unrecuse(d.session, d.ticket, d.session.get_one(User, who.id), d.deed, reason="认错人了")


def test_whom_a_complaint_names_keeps_away_and_the_history_says_why(desk: Desk, li: User):
    ticket = desk.ticket(ABOUT_LI)

    assert away(desk, ticket) == {"li": "李敏 的姓名出现在来信中"}
    event = desk.events(ticket)[-1]
    assert (event.actor, event.action, event.because) == ("system", "recuse", "李敏 的姓名出现在来信中")
    assert event.after == {"recused": "li"}


@pytest.mark.parametrize(
    ("text", "name", "expected", "reason"),
    [
        ("请问李敏今天上班吗", "李敏", False, "an inquiry is about a matter, not about a person"),
        ("我要投诉，你们的态度太差", "李敏", False, "the name is not there"),
        ("我要投诉李，态度太差", "李", False, "a single character stands in too many words"),
        ("我要投诉，Alina 的态度太差", "Ali", False, "Latin letters within another word"),
        ("我要投诉ALI的态度太差", "Ali", True, "a word of its own, in whatever case"),
        ("我要举报李敏收受回扣", "李敏", True, "a report is about people too"),
    ],
)
def test_a_name_counts_where_it_can_mean_a_person(desk: Desk, text: str, name: str, expected: bool, reason: str):
    named(desk, "li", name)

    ticket = desk.ticket(text)

    assert bool(away(desk, ticket)) is expected, (ticket.category, reason)


def test_a_name_that_comes_later_counts_and_takes_the_ticket_away(desk: Desk, li: User):
    switch(desk, "KFB")
    ticket = desk.ticket(COMPLAINT)
    assign(desk)
    assert has(desk, ticket) == "li"

    desk.says("就是你们那个李敏")
    desk.classify()

    assert (has(desk, ticket), list(away(desk, ticket))) == (None, ["li"])
    assert [e.because for e in desk.events(ticket)][-2] == "回避：李敏 的姓名出现在来信中"
    assert (assign(desk), why(desk, ticket)) == (0, "暂时无人可派。回避：李敏")


def test_a_correction_to_complaint_looks_for_names_too(desk: Desk, li: User, boss: User):
    ticket = desk.ticket("请问李敏今天上班吗")

    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="complaint", reason="其实是投诉")

    assert list(away(desk, ticket)) == ["li"]
    assert desk.events(ticket)[-1].actor == "system"


def test_whoever_handled_what_is_complained_about_keeps_away(desk: Desk, boss: User):
    zhang = named(desk, "zhang", "张三", department="QGB")
    first = desk.accept(desk.ticket(), zhang)
    with desk.doing(first, zhang) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    desk.later(days=1)

    again = desk.ticket(COMPLAINT)

    assert again.repeat_of_id == first.id
    assert away(desk, again) == {"zhang": "来信不满上一单的办理，上一单由此人办理"}


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (COMPLAINT, COMPLAINT, "a complaint that comes again is about what was not solved"),
        ("请问几点上班", "我要投诉，家里漏水三天了", "a complaint about the matter, and not about how it was handled"),
    ],
)
def test_a_matter_that_comes_again_keeps_nobody_away(desk: Desk, boss: User, first: str, second: str, reason: str):
    earlier = desk.answer(desk.ticket(first), boss)
    with desk.doing(earlier, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="已解决")
    desk.later(days=1)

    again = desk.ticket(second)

    assert again.repeat_of_id == earlier.id, reason
    assert away(desk, again) == {}


Deed = Callable[[Desk, Ticket, User], object]


def _do(action: Callable[..., object], **more: object) -> Deed:
    def run(desk: Desk, ticket: Ticket, user: User) -> None:
        with desk.doing(ticket, user) as d:
            action(d.session, d.ticket, d.deed, **more)

    return run


FORBIDDEN: dict[str, Deed] = {
    "accept": lambda desk, ticket, user: desk.accept(ticket, user),
    "reply": lambda desk, ticket, user: desk.reply(ticket, user, "我来处理", "interim"),
    "ask": lambda desk, ticket, user: desk.reply(ticket, user, "请问是哪天？", "ask"),
    "assign": _do(cooperation.assign, assignee="li"),
    "assign another": _do(cooperation.assign, assignee="boss"),
    "transfer": _do(cooperation.transfer, department="JSB", reason="推走"),
    "classify": _do(cooperation.classify, category="praise", reason="其实是表扬"),
    "invalid": _do(closing.invalidate, reason="骚扰"),
    "decline": _do(closing.decline, reason="不归我们管"),
}


@pytest.mark.parametrize("action", FORBIDDEN)
def test_whoever_keeps_away_does_nothing_with_it_whatever_their_roles(desk: Desk, li: User, boss: User, action: str):
    change_person(li, roles=["admin"])
    ticket = desk.ticket(ABOUT_LI)

    with pytest.raises(Recused):
        FORBIDDEN[action](desk, ticket, li)

    assert desk.reread(ticket).status is Status.PENDING_ACCEPTANCE
    assert has(desk, ticket) is None


def test_nobody_else_gives_it_to_them(desk: Desk, li: User, boss: User):
    ticket = desk.ticket(ABOUT_LI)

    with pytest.raises(Recused):
        FORBIDDEN["assign"](desk, ticket, boss)


def test_whoever_keeps_away_does_not_follow_up(desk: Desk, li: User, boss: User):
    change_person(li, roles=["follow_up_agent"])
    ticket = desk.answer(desk.ticket(ABOUT_LI), boss)

    with pytest.raises(Recused), desk.doing(ticket, li) as d:
        followup.follow_up(d.session, d.ticket, d.deed, result="solved")

    assert desk.reread(ticket).status is Status.ANSWERED


def test_whoever_keeps_away_says_what_they_know_in_a_note(desk: Desk, li: User):
    ticket = desk.ticket(ABOUT_LI)

    with desk.doing(ticket, li) as d:
        handling.note(d.session, d.ticket, "当天的经过：……", d.deed)

    assert desk.messages(ticket)[-1].author == "li"


def test_who_was_taken_for_another_is_let_back_in_and_no_name_brings_it_back(desk: Desk, li: User, boss: User):
    ticket = desk.ticket(ABOUT_LI)
    lift(desk, ticket, boss, li)

    desk.says("李敏快给我答复")
    desk.classify()

    assert away(desk, ticket) == {}
    assert desk.accept(ticket, li).assignee_id == li.id
    with pytest.raises(InvalidInput):
        lift(desk, ticket, boss, li)


def test_what_is_open_again_does_not_lie_with_somebody_who_keeps_away(desk: Desk, li: User, boss: User):
    switch(desk, "KFB")
    ticket = desk.ticket(COMPLAINT)
    assign(desk)
    desk.answer(ticket, li)
    recuse(desk, ticket, boss, li)

    desk.says("还是没有解决，你们再看看")

    after = desk.reread(ticket)
    assert (after.assignee_id, after.status) == (None, Status.PENDING_ACCEPTANCE)
    assert after.wants_assignee_at is not None


def test_nobody_lets_themselves_back_in(desk: Desk, li: User):
    change_person(li, roles=["supervisor"])
    ticket = desk.ticket(ABOUT_LI)

    with pytest.raises(Recused):
        lift(desk, ticket, li, li)


def test_somebody_who_knows_the_follower_keeps_away_of_their_own_accord(desk: Desk, li: User):
    ticket = desk.accept(desk.ticket(COMPLAINT), li)

    recuse(desk, ticket, li, li, "客户是我亲戚")
    with desk.doing(ticket, None) as d:  # twice is as once
        recusals.recuse(d.session, d.ticket, d.session.get_one(User, li.id), d.deed, reason="又一次")

    assert (has(desk, ticket), away(desk, ticket)) == (None, {"li": "客户是我亲戚"})
    assert desk.reread(ticket).status is Status.PENDING_ACCEPTANCE


def test_only_those_who_assign_keep_a_colleague_away(desk: Desk, li: User):
    wang, head = named(desk, "wang", "王强"), named(desk, "head", "赵主任", "dept_head")
    ticket = desk.ticket(COMPLAINT)

    with pytest.raises(Forbidden):
        recuse(desk, ticket, wang, li)
    recuse(desk, ticket, head, li, "与客户有纠纷")

    assert away(desk, ticket) == {"li": "与客户有纠纷"}


def test_the_clocks_take_no_notice_of_who_keeps_away(desk: Desk, li: User):
    ticket = desk.accept(desk.ticket(COMPLAINT), li)
    before = {row.kind: (row.state, row.due_at) for row in ticket.clocks}
    desk.later(minutes=5)

    recuse(desk, ticket, li, li)

    assert {row.kind: (row.state, row.due_at) for row in desk.reread(ticket).clocks} == before
    assert desk.now - ticket.received_at > timedelta(minutes=5)
