"""Promises of the overdue board: each number is what its link lists, nobody's is shown to whom it does not concern."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask

from service.people import User
from service.tickets import cooperation
from service.tickets.models import Ticket
from service.web import formats
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.page_rig import Visitor, visitor, words_of

NUMBER = re.compile(r'href="(/overdue\?[^"]*)"([^>]*)>[^<>\d]*(?:<b>)?(\d+)<')
CHOSEN = "aria-current"  # such a link takes the choice back
Enter = Callable[[User], Visitor]


@pytest.fixture
def enter(app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Enter:
    """A person at a browser whose clock is the desk's."""
    monkeypatch.setattr(formats, "utcnow", lambda: desk.now)
    monkeypatch.setattr("service.web.endpoints.utcnow", lambda: desk.now)
    return lambda user: visitor(app, user)


@pytest.fixture
def tickets(desk: Desk) -> dict[str, Ticket]:
    """Late and nobody's, late and soon with zhang, late in QGB, restricted and late in QGB, and one without haste."""
    zhang, li = desk.person("zhang", "agent", "KFB"), desk.person("li", "agent", "QGB")
    made = {"late": desk.ticket(COMPLAINT, follower="oLate"), "his": desk.ticket(COMPLAINT, follower="oHis")}
    made["theirs"] = desk.accept(desk.ticket(INQUIRY, follower="oTheirs"), li)
    made["his"] = desk.accept(made["his"], zhang)
    made["secret"] = desk.ticket("我要举报有人收黑钱", follower="oSecret")
    with desk.doing(made["secret"], desk.person("root", "admin", "LDS")) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="report", reason="举报")
    desk.later(days=2)
    desk.sweep()
    made["soon"] = desk.accept(desk.ticket(COMPLAINT, follower="oSoon"), zhang)
    made["calm"] = desk.ticket("我建议小区多种些树", follower="oCalm")
    return {name: desk.reread(ticket) for name, ticket in made.items()}


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("zhou", "supervisor", "LDS")


@pytest.fixture
def head(desk: Desk) -> User:
    return desk.person("wu", "dept_head", "KFB")


def listed(page: Visitor, tickets: dict[str, Ticket], address: str = "/overdue", **query: object) -> set[str]:
    """Which of the tickets the list has."""
    numbers = set(re.findall(r'data-row="([^"]+)"', page.get(address, **query).text))
    return {name for name, ticket in tickets.items() if ticket.number in numbers}


def test_what_is_late_and_what_soon_will_be_is_listed_the_latest_first(
    tickets: dict[str, Ticket], boss: User, enter: Enter
):
    page = enter(boss)

    assert listed(page, tickets) == {"late", "his", "theirs", "secret", "soon"}
    assert listed(page, tickets, kind="soon") == {"soon"}
    order = re.findall(r'data-row="([^"]+)"', page.get("/overdue").text)
    assert order[-1] == tickets["soon"].number


@pytest.mark.parametrize(
    "address",
    [
        "/overdue",
        "/overdue?department=KFB",
        "/overdue?assignee=zhang",
        "/overdue?assignee=none",
        "/overdue?department=KFB&kind=late",
        "/overdue?clock=first_reply",
        "/overdue?kind=soon&clock=first_reply",
        "/overdue?kind=open&department=QGB",
        "/overdue?department=JSB&assignee=li",
    ],
)
def test_every_number_is_what_its_link_lists(tickets: dict[str, Ticket], boss: User, enter: Enter, address: str):
    page = enter(boss)

    found = {(link, int(number)) for link, more, number in NUMBER.findall(page.get(address).text) if CHOSEN not in more}

    assert len(found) > 10
    assert {(link, page.get(unescape(link)).text.count("data-row=")) for link, _ in found} == found


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"department": "KFB"}, {"late", "his", "soon"}),
        ({"department": "KFB", "kind": "late"}, {"late", "his"}),
        ({"assignee": "zhang"}, {"his", "soon"}),
        ({"assignee": "zhang", "kind": "late"}, {"his"}),
        ({"assignee": "none", "department": "KFB"}, {"late"}),
        ({"kind": "open"}, {"late", "his", "theirs", "secret", "soon", "calm"}),
        ({"kind": "unclaimed"}, {"late", "secret", "calm"}),
        ({"clock": "accept"}, {"late", "secret"}),
        ({"clock": "first_reply", "kind": "late"}, {"late", "his", "theirs"}),
        ({"clock": "accept", "kind": "open"}, {"late", "his", "theirs", "secret", "soon", "calm"}),
        ({"kind": "waiting"}, set()),
        ({"department": "nowhere"}, set()),
        ({"assignee": "nobody"}, set()),
    ],
)
def test_a_choice_narrows_the_list(
    tickets: dict[str, Ticket], boss: User, enter: Enter, query: dict[str, str], names: set[str]
):
    assert listed(enter(boss), tickets, **query) == names


@pytest.mark.parametrize("query", [{"kind": "x"}, {"clock": "x"}])
def test_an_address_that_no_page_of_ours_makes_is_refused(boss: User, enter: Enter, query: dict[str, str]):
    assert enter(boss).get("/overdue", **query).status_code == 422


def test_a_head_sees_the_own_departments_numbers_only(tickets: dict[str, Ticket], head: User, enter: Enter):
    page = enter(head)

    assert listed(page, tickets) == {"late", "his", "soon"}
    assert listed(page, tickets, kind="open") == {"late", "his", "soon"}
    assert listed(page, tickets, department="QGB") == set()
    words = words_of(page.get("/overdue"))
    assert "2 已超时 1 两小时内到期 3 未办结 1 未分派" in words
    assert "企管部" not in words
    assert "li 的姓名" not in words


def test_the_head_of_the_intake_department_does_not_count_what_it_passed_on(
    desk: Desk, tickets: dict[str, Ticket], enter: Enter
):
    page = enter(desk.person("zheng", "dept_head", "QGB"))

    assert listed(page, tickets, kind="open") == {"theirs", "calm"}  # nor what is restricted
    assert "1 已超时 0 两小时内到期 2 未办结 1 未分派" in words_of(page.get("/overdue"))


def test_a_restricted_ticket_counts_for_those_who_may_see_it(tickets: dict[str, Ticket], boss: User, enter: Enter):
    assert "4 已超时 1 两小时内到期 6 未办结 3 未分派" in words_of(enter(boss).get("/overdue"))


def test_what_a_live_board_fetches_is_what_the_page_was_made_of(tickets: dict[str, Ticket], boss: User, enter: Enter):
    page = enter(boss)

    assert page.get("/overdue/live", kind="late").text in page.get("/overdue", kind="late").text


def test_it_tells_how_late_a_ticket_is_in_working_time(tickets: dict[str, Ticket], boss: User, enter: Enter):
    row = enter(boss).get("/overdue", kind="late", clock="accept", department="KFB")

    # due at 09:45 on Wednesday; it is 09:30 on Friday, and a day has seven hours and a half
    assert "受理 1个工作日7小时" in words_of(row)


def test_it_foretells_nothing_where_too_little_was_done(tickets: dict[str, Ticket], boss: User, enter: Enter):
    assert "最近 10 个工作日的受理和答复太少，无法预测" in words_of(enter(boss).get("/overdue"))


def test_it_foretells_with_the_sum_in_words(desk: Desk, boss: User, enter: Enter):
    zhang = desk.person("zhang", "agent", "KFB")
    for number in range(12):
        desk.accept(desk.ticket(COMPLAINT, follower=f"oDone{number}"), zhang)
    desk.later(days=1)
    desk.sweep()
    for number in range(4):
        desk.ticket(COMPLAINT, follower=f"oNew{number}")

    words = words_of(enter(boss).get("/overdue"))

    # twelve acceptances in ten days of seven and a half hours
    assert "4 件到期，1 人 × 每小时 0.2 件 × 2 小时 = 能办 0.4 件，预计超时 4 件" in words
