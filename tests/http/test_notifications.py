"""The bell and what is behind it: one's own, unread first, read by opening, and open to nobody else."""

import pytest
from flask import Flask
from sqlalchemy import update

from service.database import transaction
from service.people import User
from service.tickets.models import Ticket
from tests.factories import Caller, Desk
from tests.fakes import FakeBell
from tests.integration.notice_rig import Company, company_of, tell, written
from tests.page_rig import Visitor, visitor, words_of


@pytest.fixture
def company(now_desk: Desk) -> Company:
    return company_of(now_desk)


@pytest.fixture
def ticket(company: Company) -> Ticket:
    return company.assigned()


@pytest.fixture
def agent(app: Flask, company: Company) -> Visitor:
    return visitor(app, company.agent)


@pytest.fixture
def program(company: Company) -> Caller:
    return company.desk.client(company.agent)


def told(company: Company, ticket: Ticket | None, *causes: str, **more: object) -> list[int]:
    """The agent is told; returns the ids of what was written for them."""
    for cause in causes:
        company.desk.later(seconds=1)
        tell(company.desk, ticket, users=(company.agent.id,), cause=cause, **more)
    return [row.id for row in written("in_app") if row.cause in causes]


def restrict(ticket: Ticket) -> None:
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket.id).values(restricted=True, assignee_id=None))


def test_the_bell_counts_what_is_unread(company: Company, ticket: Ticket, agent: Visitor):
    before = words_of(agent.get("/notifications/bell"))
    told(company, ticket, "a", "b")

    assert "没有未读通知" in before
    assert "2 条未读通知" in words_of(agent.get("/notifications/bell"))


def test_a_page_that_has_just_been_opened_shows_no_toasts_and_later_only_what_is_new(
    company: Company, ticket: Ticket, agent: Visitor
):
    first, second = told(company, ticket, "a"), told(company, ticket, "b")

    opened, later = agent.get("/notifications/bell"), agent.get("/notifications/bell", after=first[0])

    assert "data-notice" not in opened.text
    assert [f'data-notice="{row_id}"' in later.text for row_id in (*first, *second)] == [False, True]
    assert 'data-title="超时：首次回复"' in later.text
    assert f'data-number="{ticket.number}"' in later.text


def test_only_what_is_meant_for_the_browser_pops_up_there(company: Company, ticket: Ticket, agent: Visitor):
    told(company, ticket, "a", how=("in_app",))
    silent = agent.get("/notifications/bell", after=0).text
    told(company, ticket, "b", how=("in_app", "browser"))

    assert ("data-pops" in silent, "data-pops" in agent.get("/notifications/bell", after=0).text) == (False, True)


def test_opening_one_leads_to_its_ticket_and_marks_it_read(company: Company, ticket: Ticket, agent: Visitor):
    (row_id,) = told(company, ticket, "a")

    answer = agent.post(f"/notifications/{row_id}/open")

    assert answer.location == f"/tickets/{ticket.number}"
    assert [row.read_at is not None for row in written()] == [True]


def test_looking_at_a_ticket_reads_what_was_told_of_it_and_of_no_other(
    company: Company, ticket: Ticket, agent: Visitor
):
    other = company.desk.ticket(follower="oFollower0002")
    told(company, ticket, "a", "b")
    told(company, company.desk.accept(other, company.supervisor), "c", how=("in_app",))
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == other.id).values(department_id=ticket.department_id))

    agent.post("/notifications/seen", {"number": ticket.number}, htmx=True)

    assert {row.cause: row.read_at is not None for row in written()} == {"a": True, "b": True} | {
        row.cause: False for row in written() if row.cause == "c"
    }


def test_the_list_has_unread_first_and_of_each_the_newest_first(company: Company, ticket: Ticket, program: Caller):
    ids = told(company, ticket, "a", "b", "c", "d")
    program.post(f"/notifications/{ids[3]}/read")
    program.post(f"/notifications/{ids[1]}/read")

    found = program.get("/notifications").json

    assert [item["id"] for item in found["items"]] == [ids[2], ids[0], ids[3], ids[1]]
    assert found["unread"] == 2
    assert (found["items"][0]["title"], found["items"][0]["number"]) == ("超时：首次回复", ticket.number)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_of_any_size_hold_each_once(company: Company, ticket: Ticket, program: Caller, limit: int):
    ids = told(company, ticket, "a", "b", "c", "d", "e")
    for row_id in ids[::2]:
        program.post(f"/notifications/{row_id}/read")
    found, cursor = [], None

    while True:
        page = program.get("/notifications", limit=limit, **({"cursor": cursor} if cursor else {})).json
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == [ids[3], ids[1], ids[4], ids[2], ids[0]]


def test_the_list_is_narrowed_to_a_kind_and_to_what_is_unread(company: Company, ticket: Ticket, program: Caller):
    first, second = told(company, ticket, "a"), told(company, ticket, "b", kind="urge", facts={"count": 2})
    program.post(f"/notifications/{first[0]}/read")

    assert [i["id"] for i in program.get("/notifications", unread="true").json["items"]] == second
    assert [i["title"] for i in program.get("/notifications", kind="urge").json["items"]] == ["第 2 次催办"]
    assert program.get("/notifications", kind="gossip").status_code == 422
    assert program.get("/notifications", cursor="x9").status_code == 422


def test_reading_all_reads_what_was_shown_and_not_what_came_after(company: Company, ticket: Ticket, program: Caller):
    ids = told(company, ticket, "a", "b", "c")

    first = program.post("/notifications/read-all", {"up_to": ids[1]}).json
    left = program.get("/notifications", unread="true").json["items"]
    rest = program.post("/notifications/read-all").json

    assert (first, [item["id"] for item in left], rest) == ({"read": 2}, [ids[2]], {"read": 1})


def test_another_person_s_are_not_there(company: Company, ticket: Ticket, app: Flask):
    (row_id,) = told(company, ticket, "a")
    other, program = visitor(app, company.head), company.desk.client(company.head)

    answers = [
        program.post(f"/notifications/{row_id}/read").status_code,
        other.post(f"/notifications/{row_id}/read").status_code,
        other.post(f"/notifications/{row_id}/open").status_code,
    ]
    program.post("/notifications/read-all")

    assert answers == [404, 404, 404]
    assert program.get("/notifications").json["items"] == []
    assert [row.read_at for row in written()] == [None]


def test_of_a_ticket_that_may_not_be_seen_any_more_only_the_title_stays(
    company: Company, ticket: Ticket, agent: Visitor, program: Caller
):
    told(company, ticket, "a", facts={"number": ticket.number, "text": "业主已等三天"})
    restrict(ticket)

    (item,) = program.get("/notifications").json["items"]
    page = words_of(agent.get("/notifications"))

    assert (item["number"], "text" in item["facts"], "number" in item["facts"]) == (None, False, False)
    assert [word for word in (ticket.number, ticket.subject, "三天") if word in page] == []
    assert "超时：首次回复" in page


def test_the_page_says_what_a_colleague_wrote_and_who(company: Company, ticket: Ticket, agent: Visitor):
    told(company, ticket, "a", kind="urge", facts={"count": 1, "text": "客户又来电", "actor": "head", "due_at": None})

    page = words_of(agent.get("/notifications"))

    assert "第 1 次催办" in page
    assert "head 的姓名：客户又来电" in page


def test_a_customer_who_asks_for_haste_is_named_as_such(company: Company, ticket: Ticket, program: Caller):
    told(company, ticket, "a", kind="urge", facts={"count": 3, "actor": "follower"})

    assert [item["title"] for item in program.get("/notifications").json["items"]] == ["客户第 3 次催单"]


def test_the_words_are_in_the_reader_s_language(company: Company, ticket: Ticket, agent: Visitor):
    told(company, ticket, "a")
    agent.post("/language/en", {"next": "/"})

    assert "Overdue: first reply" in words_of(agent.get("/notifications"))


def test_reading_on_the_page_tells_the_other_open_pages(
    company: Company, ticket: Ticket, agent: Visitor, bell: FakeBell
):
    (row_id,) = told(company, ticket, "a")
    bell.announced.clear()

    answer = agent.post(f"/notifications/{row_id}/read", htmx=True)

    assert (answer.status_code, answer.headers["HX-Trigger"]) == (204, "notified")
    assert bell.announced == {f"user:{company.agent.id}"}


def test_a_matter_without_a_ticket_is_read_by_opening_it(company: Company, agent: Visitor):
    (row_id,) = told(company, None, "a", kind="appeal", facts={"what": "upheld"})

    answer = agent.post(f"/notifications/{row_id}/open")

    assert answer.location == "/notifications"
    assert "申诉成立" in words_of(agent.get("/notifications"))


def test_a_person_without_tickets_has_a_bell_too(app: Flask, desk: Desk):
    auditor: User = desk.person("auditor", "auditor", "LDS")

    assert "还没有通知" in words_of(visitor(app, auditor).get("/notifications"))
