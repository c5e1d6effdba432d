"""Promises of "why this due time?": who may ask, what it says, and that it says it to everybody."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask

from tests.factories import COMPLAINT, Desk
from tests.page_rig import Visitor, visitor, words_of


def test_the_ticket_asks_for_it_only_when_somebody_wants_to_know(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    page = visitor(app, desk.person()).get(f"/tickets/{ticket.number}")

    assert page.text.count("为什么？") == 3
    assert f'hx-get="/tickets/{ticket.number}/why/resolve"' in page.text
    assert "第 1 个工作日" not in words_of(page)


def test_it_tells_the_rule_each_step_and_the_sum(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    words = words_of(visitor(app, desk.person()).get(f"/tickets/{ticket.number}/why/resolve", htmx=True))

    assert "投诉 · 高：办结 3个工作日" in words
    assert "收到当天不计，到第 3 个工作日下班为止" in words
    assert "收到当天不计 不计" in words
    assert "09:00–18:00 第 1 个工作日（3月5日 周四） +450分钟 累计 7小时30分" in words
    assert "00:00 周末 不计" in words
    assert "第 3 个工作日（3月9日 周一） +450分钟 累计 22小时30分" in words
    assert words.endswith("2026-03-09 18:00:00 到期 1350分钟 时限 3个工作日")


def test_the_bar_says_in_words_what_it_draws(app: Flask, desk: Desk):
    ticket, zhang = desk.ticket(COMPLAINT), desk.person()
    desk.accept(ticket, zhang)

    part = visitor(app, zhang).get(f"/tickets/{ticket.number}/why/accept", htmx=True).text

    assert "从 2026-03-04 09:30 到 2026-03-04 09:45 的时间线：计时 15分钟，不计时 0 段，暂停 0 次" in part
    assert re.search(r'<svg class="line"[^>]* role="img" aria-label="[^"]+"', part)
    assert '<rect x="0.0" y="7" width="1000.0" height="20" class="s-counted"><title>工作时间</title>' in part
    assert "style=" not in part
    assert "<script" not in part


def test_a_pause_is_told_with_its_reason(app: Flask, desk: Desk):
    ticket, zhang = desk.ticket(COMPLAINT), desk.person()
    desk.accept(ticket, zhang)
    desk.reply(ticket, zhang, "请问订单号是多少？", "ask")
    desk.deliver()
    desk.later(hours=2)
    page = visitor(app, zhang).get(f"/tickets/{ticket.number}/why/resolve", htmx=True)
    assert "暂停中：等待客户补充，恢复后时限顺延" in words_of(page)

    desk.says("订单号 12345")

    again = visitor(app, zhang).get(f"/tickets/{ticket.number}/why/resolve", htmx=True)
    assert "11:30 暂停：等待客户补充 不计" in words_of(again)
    assert "顺延，补足暂停占用的时间" in words_of(again)
    assert 'class="s-paused"' in again.text


def test_a_due_time_in_a_year_not_announced_is_marked_provisional(app: Flask, desk: Desk):
    desk.now = datetime(2026, 12, 30, 2, 0, tzinfo=UTC)
    ticket, person = desk.ticket(COMPLAINT), visitor(app, desk.person())

    why = words_of(person.get(f"/tickets/{ticket.number}/why/resolve", htmx=True))

    assert "暂定" in why
    assert "公布后重新计算，只会推迟，不会提前" in why
    assert "2027年日历未确认" in why
    assert "暂定" in words_of(person.get(f"/tickets/{ticket.number}"))
    assert "暂定" not in words_of(person.get(f"/tickets/{ticket.number}/why/first_reply", htmx=True))


def test_a_target_that_is_not_the_rules_says_so(app: Flask, desk: Desk):
    ticket, zhang = desk.ticket(COMPLAINT), desk.person()
    desk.accept(ticket, zhang)
    desk.answer(ticket, zhang)
    desk.later(hours=1)
    desk.says("还是不行，我不满意")

    words = words_of(visitor(app, zhang).get(f"/tickets/{ticket.number}/why/resolve", htmx=True))

    assert "投诉 · 高：办结 3个工作日" in words
    assert re.search(r"本次时限 \d+小时\S*工作时间 与现行规则不同", words)


def test_an_unclassified_ticket_says_by_which_rule_it_goes(app: Flask, desk: Desk):
    ticket = desk.ticket("在吗，帮我看一下", classified=False)

    words = words_of(visitor(app, desk.person("li", "dispatcher", "QGB")).get(f"/tickets/{ticket.number}/why/accept"))

    assert "咨询 · 普通：受理 30分钟工作时间 尚未分类，按普通咨询计" in words


def test_without_scripts_it_is_a_page_of_its_own(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    page = visitor(app, desk.person()).get(f"/tickets/{ticket.number}/why/accept")

    assert "受理时限是怎么算的" in words_of(page)
    assert f'href="/tickets/{ticket.number}"' in page.text
    assert "<!doctype html>" in page.text


def test_in_english_nothing_is_chinese(app: Flask, desk: Desk):
    ticket, person = desk.ticket(COMPLAINT), visitor(app, desk.person())
    person.post("/language/en")

    words = words_of(person.get(f"/tickets/{ticket.number}/why/resolve", htmx=True))

    assert "Complaint · High: Resolution 3 workday(s)" in words
    assert "working day 1 (Thu 2026-03-05)" in words
    assert re.findall(r"[\u4e00-\u9fff]", words) == []


@pytest.mark.parametrize("kind", ["follow_up", "resolved", "RESOLVE"])
def test_a_clock_that_the_ticket_has_not_is_not_found(app: Flask, desk: Desk, kind: str):
    ticket = desk.ticket(COMPLAINT)

    assert visitor(app, desk.person()).get(f"/tickets/{ticket.number}/why/{kind}").status_code == 404


def test_whoever_may_not_see_the_ticket_finds_no_reckoning(app: Flask, desk: Desk):
    ticket, other = desk.ticket(COMPLAINT), desk.person("qian", "agent", "CWB")

    answers = [visitor(app, other).get(f"/tickets/{ticket.number}/why/resolve", htmx=htmx) for htmx in (False, True)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "工作日" not in "".join(map(words_of, answers))
    assert Visitor(app).get(f"/tickets/{ticket.number}/why/resolve").status_code in (302, 303)
