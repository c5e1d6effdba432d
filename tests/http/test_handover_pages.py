"""The page of somebody who goes home, and of whoever takes over: choices, refusals, what is said."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from service.database import transaction
from service.people import User
from service.tickets.models import Ticket
from tests.duty_rig import at_work, own_rules
from tests.factories import COMPLAINT, Desk
from tests.page_rig import Visitor, visitor, words_of

NOTE = "客户等配件，明早十点到货"


@pytest.fixture(autouse=True)
def rules(app: Flask) -> Iterator[None]:
    with own_rules(app):
        at_work(app, "li", "wang")
        yield


@pytest.fixture
def li(now_desk: Desk) -> User:
    return now_desk.person("li", "agent", "KFB")


@pytest.fixture
def wang(now_desk: Desk) -> User:
    return now_desk.person("wang", "agent", "KFB")


@pytest.fixture
def ticket(desk: Desk, li: User, wang: User) -> Ticket:
    return desk.accept(desk.ticket(COMPLAINT), li)


@pytest.fixture
def leaver(app: Flask, li: User) -> Visitor:
    return visitor(app, li)


def form(*tickets: Ticket, note: str = NOTE, everything: str = "keep", **to: str) -> dict[str, object]:
    """The page's form; `to`: a choice by the ticket's place among these, "first" "second"."""
    fields: dict[str, object] = {"number": [t.number for t in tickets], "note": note, "all": everything}
    for name, ticket in zip(("first", "second"), tickets, strict=False):
        fields |= {f"version-{ticket.number}": ticket.version, f"to-{ticket.number}": to.get(name, "")}
    return fields


def test_the_page_lists_what_is_in_hand_and_who_is_there(leaver: Visitor, ticket: Ticket):
    page = leaver.get("/handover")

    assert page.status_code == 200
    assert ticket.number in page.text
    assert "wang 的姓名（在手 0/20）" in words_of(page)
    assert "li 的姓名（在手" not in words_of(page)


def test_a_ticket_goes_to_the_colleague_who_sees_it_with_the_note(
    app: Flask, desk: Desk, leaver: Visitor, wang: User, ticket: Ticket
):
    answer = leaver.post("/handover", form(ticket, first="wang"))

    assert (answer.status_code, answer.location) == (303, "/handover")
    assert desk.reread(ticket).assignee_id == wang.id
    page = words_of(visitor(app, wang).get("/handover"))
    assert "li 的姓名 交来 1 件" in page
    assert NOTE in page
    assert "待确认" in page


def test_the_receiver_acknowledges(app: Flask, leaver: Visitor, wang: User, ticket: Ticket):
    leaver.post("/handover", form(ticket, first="wang"))
    receiver = visitor(app, wang)

    shown = receiver.get("/handover").text.partition('name="up_to" value="')[2].partition('"')[0]
    answer = receiver.post("/handover/acknowledge", {"up_to": shown})

    assert answer.status_code == 303
    assert "待确认" not in words_of(receiver.get("/handover"))


def test_the_notification_leads_to_the_page(app: Flask, leaver: Visitor, wang: User, ticket: Ticket):
    leaver.post("/handover", form(ticket, first="wang"))
    receiver = visitor(app, wang)
    found = re.search(r'action="(/notifications/\d+/open)"', receiver.get("/notifications").text)
    assert found

    answer = receiver.post(found[1])

    assert answer.location == "/handover"


def test_one_choice_for_all_leaves_alone_what_has_its_own(desk: Desk, li: User, leaver: Visitor, ticket: Ticket):
    other = desk.accept(desk.ticket(COMPLAINT, follower="oFollower0002"), li)

    leaver.post("/handover", form(ticket, other, everything="pool", second="keep"))

    assert (desk.reread(ticket).assignee_id, desk.reread(other).assignee_id) == (None, li.id)


def test_a_stale_one_is_reported_and_the_rest_goes_through(
    desk: Desk, li: User, wang: User, leaver: Visitor, ticket: Ticket
):
    other = desk.accept(desk.ticket(COMPLAINT, follower="oFollower0002"), li)
    desk.says("还没有人来吗")

    answer = leaver.post("/handover", form(ticket, other, everything="wang"))

    assert answer.status_code == 200
    assert (desk.reread(ticket).assignee_id, desk.reread(other).assignee_id) == (li.id, wang.id)
    assert "1 件没有交接" in words_of(answer)
    assert "工单刚刚有变化" in words_of(answer)
    assert "已交接 1 件" in words_of(answer)


@pytest.mark.parametrize("to", ["boss", "nobody", "li"])
def test_only_those_who_are_offered_can_be_chosen(desk: Desk, li: User, leaver: Visitor, ticket: Ticket, to: str):
    desk.person("boss", "supervisor", "LDS")

    answer = leaver.post("/handover", form(ticket, first=to))

    assert (answer.status_code, desk.reread(ticket).assignee_id) == (409, li.id)
    assert "不在班、暂离或在手已满" in words_of(answer)


def test_a_full_colleague_is_not_offered(desk: Desk, wang: User, leaver: Visitor, ticket: Ticket):
    desk.accept(desk.ticket(COMPLAINT, follower="oFollower0002"), wang)
    with transaction() as session:
        session.get_one(User, wang.id).ticket_limit = 1

    page = leaver.get("/handover")

    assert "wang 的姓名（在手" not in words_of(page)
    assert "可以退回公共池" in words_of(page)


def test_without_a_note_nothing_goes_and_the_choices_stand(desk: Desk, li: User, leaver: Visitor, ticket: Ticket):
    answer = leaver.post("/handover", form(ticket, note=" ", first="wang"))

    assert (answer.status_code, desk.reread(ticket).assignee_id) == (422, li.id)
    assert "请写交接说明" in words_of(answer)
    assert 'value="wang" selected' in answer.text


def test_nothing_chosen_is_said(leaver: Visitor, ticket: Ticket):
    answer = leaver.post("/handover", form(ticket))

    assert (answer.status_code, "请至少为一件工单选择" in words_of(answer)) == (422, True)


def test_a_form_of_another_site_hands_nothing_over(desk: Desk, li: User, leaver: Visitor, ticket: Ticket):
    answer = leaver._client.post("/handover", data=form(ticket, first="wang"))

    assert (answer.status_code, desk.reread(ticket).assignee_id) == (400, li.id)


def test_another_persons_ticket_is_not_handed_over(app: Flask, desk: Desk, li: User, wang: User, ticket: Ticket):
    answer = visitor(app, wang).post("/handover", form(ticket, first="pool"))

    assert (answer.status_code, desk.reread(ticket).assignee_id) == (409, li.id)


def test_whoever_handles_nothing_has_no_such_page(app: Flask, now_desk: Desk):
    auditor = visitor(app, now_desk.person("audit", "auditor", "QGB"))

    assert auditor.get("/handover").status_code == 403
    assert auditor.post("/handover", {}).status_code == 403
