"""What people see of supervision: the bar above a ticket, the actions, the chips of the queue, the list."""

from datetime import timedelta

import pytest
from flask import Flask

from service.people import User
from service.tickets.models import Ticket
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.integration.supervision_rig import WHY, answer, close, miss, orders, supervise, urge
from tests.page_rig import Visitor, visitor, words_of


@pytest.fixture
def boss(now_desk: Desk) -> User:
    return now_desk.person("boss", "supervisor", "LDS")


@pytest.fixture
def handler(desk: Desk, boss: User) -> User:
    return desk.person("zhang", "agent", "KFB")


@pytest.fixture
def ticket(desk: Desk, handler: User) -> Ticket:
    return desk.accept(desk.ticket(COMPLAINT), handler)


@pytest.fixture
def chief(app: Flask, boss: User) -> Visitor:
    return visitor(app, boss)


@pytest.fixture
def agent(app: Flask, handler: User) -> Visitor:
    return visitor(app, handler)


def page_of(who: Visitor, ticket: Ticket) -> str:
    return who.get(f"/tickets/{ticket.number}").text


def do(who: Visitor, ticket: Ticket, name: str, **fields: object):  # type: ignore[no-untyped-def]
    return who.post(f"/tickets/{ticket.number}/do/{name}", fields)


def test_a_supervisor_opens_an_order_from_the_page(ticket: Ticket, chief: Visitor, agent: Visitor):
    assert "/do/supervise" in page_of(chief, ticket)
    assert "/do/supervise" not in page_of(agent, ticket)
    assert "前答复" in words_of(chief.get(f"/tickets/{ticket.number}/do/supervise", htmx=True))

    answer = do(chief, ticket, "supervise", level="yellow", reason="投诉多日无进展", due_at="")

    assert answer.status_code == 303
    bar = agent.get(f"/tickets/{ticket.number}")
    assert "is-yellow" in bar.text
    assert {"黄牌督办", "投诉多日无进展"} <= set(words_of(bar).split())
    assert "is-yellow" in agent.get(f"/tickets/{ticket.number}/live").text


def test_a_supervisor_is_told_why_there_is_no_second_order(ticket: Ticket, chief: Visitor):
    do(chief, ticket, "supervise", level="ordinary", reason=WHY, due_at="")

    again = do(chief, ticket, "supervise", level="red", reason=WHY, due_at="")

    assert again.status_code == 409
    assert "工单已有未结的督办，可以提高它的级别" in words_of(again)


def test_the_handler_is_offered_the_answer_and_the_supervisor_the_verdict(
    desk: Desk, ticket: Ticket, boss: User, chief: Visitor, agent: Visitor
):
    supervise(desk, ticket, boss)
    acts = ("/do/answer-order", "/do/close-order", "/do/raise-order")
    seen = [[name in page_of(who, ticket) for name in acts] for who in (agent, chief)]
    assert seen == [[True, False, False], [False, True, True]]
    unanswered = chief.get(f"/tickets/{ticket.number}/do/close-order", htmx=True).text
    assert ('name="reason"' in unanswered, 'name="verdict"' in unanswered) == (True, False)

    assert do(agent, ticket, "answer-order", text="明天上午完成").status_code == 303

    assert "明天上午完成" in page_of(chief, ticket)
    assert "/do/answer-order" not in page_of(agent, ticket)
    judged = chief.get(f"/tickets/{ticket.number}/do/close-order", htmx=True).text
    assert ('name="reason"' in judged, 'name="verdict"' in judged) == (False, True)
    assert do(chief, ticket, "close-order", verdict="").status_code == 422
    assert do(chief, ticket, "close-order", verdict="同意").status_code == 303
    assert "order-bar" not in page_of(chief, ticket)


def test_an_order_is_closed_without_an_answer_for_a_reason(desk: Desk, ticket: Ticket, boss: User, chief: Visitor):
    supervise(desk, ticket, boss)

    assert do(chief, ticket, "close-order", reason="客户已确认解决").status_code == 303

    assert orders(ticket)[0].verdict == "客户已确认解决"


def test_raising_offers_only_what_is_graver(desk: Desk, ticket: Ticket, boss: User, chief: Visitor):
    supervise(desk, ticket, boss, "yellow")
    form = chief.get(f"/tickets/{ticket.number}/do/raise-order", htmx=True).text

    assert ('value="red"' in form, 'value="yellow"' in form, 'value="ordinary"' in form) == (True, False, False)
    assert do(chief, ticket, "raise-order", level="red", reason="影响重大").status_code == 303
    assert "is-red" in page_of(chief, ticket)
    assert "/do/raise-order" not in page_of(chief, ticket)


def test_urging_from_the_page_counts_and_says_when_again(ticket: Ticket, chief: Visitor, agent: Visitor):
    assert "/do/urge" not in page_of(agent, ticket)
    assert do(chief, ticket, "urge", text="请今天答复").status_code == 303

    again = do(chief, ticket, "urge", text="")

    assert again.status_code == 409
    assert "后可以再催" in words_of(again)
    assert "催办 1" in words_of(agent.get(f"/tickets/{ticket.number}"))


def test_the_queue_shows_the_level_and_the_followers_haste(desk: Desk, ticket: Ticket, boss: User, agent: Visitor):
    supervise(desk, ticket, boss, "red")
    desk.later(minutes=-30)
    desk.says("进度", follower=ticket.follower.address)

    rows = agent.get("/queue/rows", tab="mine")

    assert "order-red" in rows.text
    assert "催单 1" in words_of(rows)


def test_the_list_has_its_tabs_counts_and_levels(desk: Desk, ticket: Ticket, boss: User, handler: User, chief: Visitor):
    late = desk.ticket(COMPLAINT, follower="oFollower0002")
    done = desk.ticket(INQUIRY, follower="oFollower0003")
    supervise(desk, ticket, boss)
    supervise(desk, late, boss, due_at=desk.now + timedelta(seconds=1))
    supervise(desk, done, boss, "red")
    close(desk, done, boss, reason="客户已确认解决")
    answer(desk, ticket, handler, "配件明天到")
    desk.later(seconds=2)
    miss(desk)

    shown = {state: chief.get("/supervision", state=state).text for state in ("open", "missed", "answered", "closed")}

    found = {state: {t.number for t in (ticket, late, done) if t.number in page} for state, page in shown.items()}
    assert found == {
        "open": {ticket.number, late.number},
        "missed": {late.number},
        "answered": {ticket.number},
        "closed": {done.number},
    }
    assert "配件明天到" in shown["answered"]
    assert "客户已确认解决" in shown["closed"]
    assert "超期未答复" in shown["missed"]
    words = words_of(chief.get("/supervision"))
    assert "未结督办 2 到期未答复 1 已答复，待结论 1" in words
    assert "普通督办 1 黄牌督办 1 红牌督办 0" in words
    assert chief.get("/supervision/badge").text == "2"


def test_a_head_reads_the_orders_of_the_own_department_only(
    app: Flask, desk: Desk, ticket: Ticket, boss: User, agent: Visitor
):
    other = desk.ticket(INQUIRY, follower="oFollower0002")
    for each in (ticket, other):
        supervise(desk, each, boss)
    head = visitor(app, desk.person("head", "dept_head", "KFB"))

    page = head.get("/supervision/live")

    assert (ticket.number in page.text, other.number in page.text) == (True, False)
    assert 'name="department"' not in page.text
    assert head.get("/supervision/badge").text == "1"
    assert "/supervision" in head.get("/").text
    assert agent.get("/supervision").status_code == 403
    assert 'href="/supervision"' not in agent.get("/").text


def test_filters_narrow_the_list_and_an_empty_one_says_what_to_do(
    desk: Desk, ticket: Ticket, boss: User, chief: Visitor
):
    assert "没有未结的督办" in words_of(chief.get("/supervision"))
    supervise(desk, ticket, boss, "yellow")

    assert ticket.number in chief.get("/supervision", level="yellow", department="KFB").text
    assert "没有符合条件的督办" in words_of(chief.get("/supervision", level="red"))
    assert chief.get("/supervision", state="nonsense").status_code == 422


def test_the_history_tells_the_levels_in_words(desk: Desk, ticket: Ticket, boss: User, agent: Visitor):
    supervise(desk, ticket, boss, "yellow")
    urge(desk, ticket, boss, "请今天答复")

    words = words_of(agent.get(f"/tickets/{ticket.number}"))

    assert "督办级别： 无 → 黄牌督办" in words
    assert "催办次数： 0 → 1" in words


def test_alarms_on_the_same_page_take_nothing_away_from_the_list(app: Flask, desk: Desk, ticket: Ticket, boss: User):
    supervise(desk, ticket, boss, "yellow")

    page = visitor(app, desk.person("root", "admin", "QGB")).get("/supervision")

    assert (page.status_code, ticket.number in page.text) == (200, True)
