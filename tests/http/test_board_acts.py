"""Promises of what is done from the board: several at once, each through the one door, and told which ones failed."""

import pytest
from flask import Flask

from service.people import User
from service.tickets.models import Ticket
from service.web import formats
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.page_rig import Visitor, visitor, words_of


@pytest.fixture
def page(app: Flask, desk: Desk, boss: User, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """The supervisor at a browser whose clock is the desk's."""
    monkeypatch.setattr(formats, "utcnow", lambda: desk.now)
    monkeypatch.setattr("service.web.endpoints.utcnow", lambda: desk.now)
    return visitor(app, boss)


@pytest.fixture
def zhang(desk: Desk) -> User:
    return desk.person("zhang", "agent", "KFB")


@pytest.fixture
def two(desk: Desk) -> list[Ticket]:
    """Two complaints of KFB."""
    return [desk.ticket(COMPLAINT, follower=f"oTwo{number}") for number in range(2)]


def numbers(*tickets: Ticket) -> list[str]:
    return [ticket.number for ticket in tickets]


def test_several_are_handed_to_one_person_and_the_board_stays(
    desk: Desk, page: Visitor, zhang: User, two: list[Ticket]
):
    fields = {"number": numbers(*two), "person": "zhang", "kind": "late", "department": "KFB"}

    answer = page.post("/overdue/assign", fields)

    assert answer.location == "/overdue?department=KFB&kind=late"
    assert "已分派给zhang 的姓名：2 件" in words_of(page.get(answer.location))
    assert [desk.reread(ticket).assignee_id for ticket in two] == [zhang.id, zhang.id]
    assert [desk.events(ticket)[-1].action for ticket in two] == ["assign", "assign"]


def test_what_could_not_be_handed_over_is_told_with_its_reason_and_the_rest_is_done(
    desk: Desk, page: Visitor, zhang: User, two: list[Ticket]
):
    other = desk.ticket(INQUIRY, follower="oOther")  # stands with QGB

    answer = page.post(
        "/overdue/assign", {"number": [*numbers(two[0], other), "GD-NONE"], "person": "zhang"}, htmx=True
    )

    words = words_of(answer)
    assert answer.status_code == 200
    assert "有 2 件没有办成 已分派给zhang 的姓名：1 件" in words
    assert f"{other.number} 此人不办理这个部门的工单" in words
    assert "GD-NONE 没有这个工单" in words
    assert desk.reread(two[0]).assignee_id == zhang.id
    assert desk.reread(other).assignee_id is None


def test_the_choice_of_people_shows_what_each_has(desk: Desk, page: Visitor, zhang: User, two: list[Ticket]):
    desk.person("li", "agent", "QGB")
    desk.accept(two[0], zhang)
    desk.later(days=2)
    desk.sweep()

    words = words_of(page.get("/overdue/assign", htmx=True, number=two[1].number))

    assert "zhang 的姓名 1 件未办结 1 件超时" in words
    assert "boss 的姓名 0 件未办结" not in words  # supervises and works on no tickets
    assert "li 的姓名" not in words


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"person": "zhang"}, "没有选中看板上的工单"),
        ({"number": [f"GD{n}" for n in range(51)], "person": "zhang"}, "一次最多 50 件，您选了 51 件"),
    ],
)
def test_a_wrong_choice_is_said_kindly(
    page: Visitor, zhang: User, two: list[Ticket], fields: dict[str, object], told: str
):
    answer = page.post("/overdue/assign", fields)

    assert (answer.status_code, told in words_of(answer)) == (422, True)


@pytest.mark.parametrize("person", ["", "li", "nobody"])
def test_nobody_else_than_the_departments_people_can_be_chosen(
    desk: Desk, page: Visitor, zhang: User, two: list[Ticket], person: str
):
    desk.person("li", "agent", "QGB")

    assert page.post("/overdue/assign", {"number": numbers(*two), "person": person}).status_code == 422
    assert desk.reread(two[0]).assignee_id is None


def test_several_are_urged_and_whoever_was_just_urged_is_told(
    desk: Desk, page: Visitor, zhang: User, two: list[Ticket]
):
    page.post("/overdue/urge", {"number": numbers(two[0]), "text": "请尽快"})

    answer = page.post("/overdue/urge", {"number": numbers(*two)}, htmx=True)

    words = words_of(answer)
    assert "有 1 件没有办成 已催办：1 件" in words
    assert f"{two[0].number} 您刚刚催办过" in words
    assert [desk.reread(ticket).urges for ticket in two] == [1, 1]


def test_where_nothing_could_be_done_the_answer_is_no_success(desk: Desk, page: Visitor, boss: User):
    answered = desk.answer(desk.ticket(COMPLAINT), boss)

    answer = page.post("/overdue/urge", {"number": numbers(answered)})

    assert answer.status_code == 409
    assert f"{answered.number} 这张工单已答复或已结束" in words_of(answer)


def test_a_head_acts_on_the_own_departments_tickets_only(app: Flask, desk: Desk, zhang: User, two: list[Ticket]):
    head = visitor(app, desk.person("wu", "dept_head", "KFB"))
    other = desk.ticket(INQUIRY, follower="oOther")

    refused = head.post("/overdue/assign", {"number": numbers(other, two[0]), "person": "zhang"})
    unseen = words_of(head.get("/overdue/assign", number=other.number))

    assert f"{other.number} 没有这个工单" in words_of(refused)
    assert (desk.reread(two[0]).assignee_id, desk.reread(other).assignee_id) == (zhang.id, None)
    assert "没有选中看板上的工单" in unseen


@pytest.mark.parametrize("path", ["/overdue/assign", "/overdue/urge"])
def test_an_agent_is_refused(app: Flask, desk: Desk, zhang: User, two: list[Ticket], path: str):
    agent = visitor(app, zhang)

    assert agent.get(path, number=two[0].number).status_code == 403
    assert agent.post(path, {"number": numbers(two[0]), "person": "zhang"}).status_code == 403
