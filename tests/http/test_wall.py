"""Promises of the screen on the wall: numbers alone, nothing of anybody, and it says how old they are."""

import pytest
from flask import Flask

from service.people import User
from service.tickets import cooperation
from service.web import formats
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.page_rig import Visitor, visitor, words_of


@pytest.fixture
def page(app: Flask, desk: Desk, boss: User, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """The supervisor at a browser whose clock is the desk's."""
    monkeypatch.setattr(formats, "utcnow", lambda: desk.now)
    return visitor(app, boss)


def test_it_names_nobody_and_quotes_nobody(desk: Desk, page: Visitor):
    zhang = desk.person("zhang", "agent", "KFB")
    ticket = desk.accept(desk.ticket(COMPLAINT, follower="oSomebody"), zhang)
    desk.later(days=2)
    desk.sweep()

    wall = page.get("/wall").text

    for word in (COMPLAINT[:4], ticket.number, ticket.follower.display_name, "zhang", "boss", "的姓名"):
        assert word not in wall, word
    assert "客服部" in wall


def test_its_numbers_are_of_the_moment_and_say_so(desk: Desk, page: Visitor):
    desk.accept(desk.ticket(COMPLAINT, follower="oOne"), desk.person("zhang", "agent", "KFB"))
    desk.later(days=2)
    desk.sweep()
    desk.ticket(COMPLAINT, follower="oTwo")
    desk.ticket(INQUIRY, follower="oThree")
    desk.later(minutes=5)

    words = words_of(page.get("/wall/live"))

    assert "更新于 09:35" in words
    assert "1 已超时 2 两小时内到期 3 未办结 2 未分派 5分钟 最久未受理" in words
    assert "企管部 客服部 已超时 0 1 即将超时 1 1 未办结 1 2 未分派 1 1" in words


def test_the_day_is_told_with_numerator_and_denominator(desk: Desk, page: Visitor):
    zhang = desk.person("zhang", "agent", "KFB")
    late = desk.accept(desk.ticket(COMPLAINT, follower="oLate"), zhang)
    assert "收到 1 答复 0 按时 —" in words_of(page.get("/wall"))
    desk.later(days=20)
    desk.sweep()
    desk.reply(late, zhang, "已电话告知王先生处理结果", via="phone")
    desk.answer(desk.ticket(COMPLAINT, follower="oFine"), zhang)

    assert "收到 1 答复 2 按时 50.0% 1/2" in words_of(page.get("/wall"))


def test_what_is_restricted_hangs_on_no_wall(desk: Desk, page: Visitor, boss: User):
    ticket = desk.ticket("我要举报有人收黑钱")
    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="report", reason="举报")

    assert "没有未办结的工单" in words_of(page.get("/wall"))


def test_a_head_has_a_wall_of_the_own_department(app: Flask, desk: Desk, page: Visitor):
    desk.ticket(COMPLAINT, follower="oOne")
    desk.ticket(INQUIRY, follower="oTwo")
    head = visitor(app, desk.person("wu", "dept_head", "KFB"))

    words = words_of(head.get("/wall"))

    assert "工单台 · 客服部" in words
    assert "1 未办结" in words
    assert "受理 首次回复 办结 回访 再次回复 进展告知 已超时 0 0 0 0 0 0 即将超时 1 " in words
    assert "企管部" not in words


def test_it_has_no_menu_and_is_refused_to_agents(app: Flask, desk: Desk, page: Visitor):
    assert 'class="rail"' not in page.get("/wall").text
    assert visitor(app, desk.person("zhang")).get("/wall").status_code == 403
