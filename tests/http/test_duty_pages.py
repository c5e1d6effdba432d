"""Who is at work and how much they have; presence; limits, skills and rules of assignment as people set them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service.audit import Event
from service.database import reading, transaction
from service.people import User
from service.routing.assignment import EVERYBODY, AssignmentRules, Mode
from service.tickets import cooperation, handling
from service.tickets.models import Ticket
from tests.calendar_rig import fresh
from tests.duty_rig import at_work, own_rules
from tests.factories import COMPLAINT, Desk
from tests.page_rig import Visitor, visitor, words_of

RULES = {"mode": "load", "prefer_last_handler": "y", "limit": "8", "return_minutes": "30"}


@pytest.fixture(autouse=True)
def rules(app: Flask) -> Iterator[None]:
    with own_rules(app):
        yield


@pytest.fixture
def li(now_desk: Desk) -> User:
    return now_desk.person("li", "agent", "KFB")


@pytest.fixture
def head(now_desk: Desk) -> User:
    return now_desk.person("head", "dept_head", "KFB")


@pytest.fixture
def leader(app: Flask, head: User) -> Visitor:
    return visitor(app, head)


@pytest.fixture
def boss(app: Flask, now_desk: Desk) -> Visitor:
    return visitor(app, now_desk.person("boss", "admin", "QGB"))


def person(username: str) -> User:
    with reading() as session:
        found = session.scalars(select(User).where(User.username == username)).one()
        session.expunge(found)
    return found


def events(action: str) -> list[Event]:
    with reading() as session:
        found = session.scalars(select(Event).where(Event.action == action).order_by(Event.id)).all()
        session.expunge_all()
    return list(found)


def given(desk: Desk, by: User, to: str, follower: str = "oFollower0001") -> Ticket:
    """A ticket that stands with somebody who has not accepted it."""
    ticket = desk.ticket(COMPLAINT, follower=follower)
    with desk.doing(ticket, by) as d:
        cooperation.assign(d.session, d.ticket, d.deed, assignee=to)
    return desk.reread(ticket)


# ---- presence


def test_one_click_says_that_i_am_away_and_one_that_i_am_back(app: Flask, li: User):
    agent = visitor(app, li)

    answer = agent.post("/presence", {"presence": "away"})

    assert (answer.status_code, answer.location, person("li").presence) == (303, "/", "away")
    assert 'class="btn btn-sm is-away"' in agent.get("/").text
    agent.post("/presence?next=/calls", {"presence": "present"})
    assert person("li").presence == "present"
    assert [e.after["presence"] for e in events("presence_changed") if e.after] == ["away", "present"]


def test_going_away_leaves_me_what_i_have(app: Flask, desk: Desk, li: User):
    ticket = desk.accept(desk.ticket(COMPLAINT), li)

    visitor(app, li).post("/presence", {"presence": "away"})

    assert desk.reread(ticket).assignee_id == li.id


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example"])
def test_the_way_back_is_a_page_of_ours(app: Flask, li: User, next_page: str):
    answer = visitor(app, li).post(f"/presence?next={next_page}", {"presence": "away"})

    assert answer.location == "/"


def test_an_unknown_presence_is_refused(app: Flask, li: User):
    assert visitor(app, li).post("/presence", {"presence": "asleep"}).status_code == 422


def test_a_form_of_another_site_changes_no_presence(app: Flask, li: User):
    answer = visitor(app, li).post_bare("/presence", {"presence": "away"})

    assert (answer.status_code, person("li").presence) == (400, "present")


# ---- the page of who is at work


def test_the_head_sees_the_own_department_and_a_supervisor_all(app: Flask, now_desk: Desk, li: User, leader: Visitor):
    now_desk.person("zhao", "agent", "QGB")
    at_work(app, "li")

    own = words_of(leader.get("/duty"))
    everything = words_of(visitor(app, now_desk.person("chief", "supervisor", "LDS")).get("/duty"))

    assert ("li 的姓名" in own, "zhao 的姓名" in own) == (True, False)
    assert ("li 的姓名" in everything, "zhao 的姓名" in everything) == (True, True)


def test_whoever_is_on_shift_and_away_is_told_apart(app: Flask, now_desk: Desk, li: User, leader: Visitor):
    now_desk.person("wang", "agent", "KFB")
    at_work(app, "li", "wang")
    visitor(app, person("wang")).post("/presence", {"presence": "away"})

    page = words_of(leader.get("/duty/live"))

    assert "在岗 1 人，可接单 1 人" in page
    assert "wang 的姓名 暂离" in page
    assert "head 的姓名 不在班" in page


def test_what_waits_is_counted_with_the_oldest(app: Flask, desk: Desk, li: User, leader: Visitor):
    ticket = desk.ticket(COMPLAINT)
    with transaction() as session:
        session.get_one(Ticket, ticket.id).wants_assignee_at = desk.now

    assert "公共池等候派单 1 件 · 最早一件" in words_of(leader.get("/duty"))


def test_the_last_assignment_is_shown_with_its_reason(app: Flask, desk: Desk, head: User, li: User, leader: Visitor):
    ticket = given(desk, head, "li")
    with transaction() as session:
        session.get_one(User, li.id).last_assigned_at = desk.now
        found = session.get_one(Ticket, ticket.id)
        found.assigned_by_rule, found.assigned_because = True, "在手最少（0 件）：li"

    page = words_of(leader.get("/duty"))

    assert ticket.number in page
    assert "在手最少（0 件）：li" in page


def test_whoever_went_home_with_a_promise_is_listed(app: Flask, desk: Desk, head: User, li: User, leader: Visitor):
    ticket = desk.ticket(COMPLAINT)
    with desk.doing(ticket, li) as d:
        handling.accept(d.session, d.ticket, d.deed, promise_at=desk.now + timedelta(minutes=2))
    at_work(app, "head")  # and li is not there

    page = words_of(leader.get("/duty"))

    assert "li 的姓名 不在班，有 1 件在下一班" in page


def test_the_head_puts_all_that_somebody_has_not_accepted_back(desk: Desk, head: User, li: User, leader: Visitor):
    waiting = [given(desk, head, "li", f"oFollower000{n}") for n in range(2)]
    accepted = desk.accept(desk.ticket(COMPLAINT, follower="oFollower0009"), li)

    answer = leader.post("/duty/li/release")

    assert (answer.status_code, answer.location) == (303, "/duty")
    assert [desk.reread(ticket).assignee_id for ticket in waiting] == [None, None]
    assert desk.reread(accepted).assignee_id == li.id
    assert desk.events(waiting[0])[-1].actor == "head"


def test_only_those_who_assign_there_put_tickets_back(app: Flask, desk: Desk, head: User, li: User):
    ticket = given(desk, head, "li")
    other_head = visitor(app, desk.person("other", "dept_head", "QGB"))
    auditor = visitor(app, desk.person("audit", "auditor", "QGB"))

    assert visitor(app, li).post("/duty/li/release").status_code == 403
    assert other_head.post("/duty/li/release").status_code == 404
    assert (auditor.get("/duty").status_code, visitor(app, li).get("/duty").status_code) == (403, 403)
    assert visitor(app, head).post_bare("/duty/li/release", {}).status_code == 400
    assert desk.reread(ticket).assignee_id == li.id


# ---- limit and skills of a person


def test_limit_and_skills_are_set_and_on_record(boss: Visitor, li: User):
    fields = {"limit": "6", "skills": ["complaint", "inquiry/invoice"], "words": "电梯、English"}

    answer = boss.post(f"/admin/people/{li.id}/work", fields)

    now_is = person("li")
    assert answer.status_code == 303
    assert (now_is.ticket_limit, now_is.skills) == (6, ["complaint", "inquiry/invoice", "电梯", "English"])
    (event,) = events("person_work_changed")
    assert (event.actor, event.after and event.after["about"], event.before and event.before["skills"]) == (
        "boss",
        "li",
        [],
    )
    page = boss.get(f"/admin/people/{li.id}")
    assert 'value="电梯、English"' in page.text
    assert 'value="inquiry/invoice" checked' in page.text


def test_an_empty_form_means_everything_up_to_the_departments_limit(boss: Visitor, li: User):
    boss.post(f"/admin/people/{li.id}/work", {"limit": "6", "words": "发票"})

    boss.post(f"/admin/people/{li.id}/work", {"limit": "", "words": ""})

    assert (person("li").ticket_limit, person("li").skills) == (None, None)


@pytest.mark.parametrize(
    "fields", [{"limit": "0"}, {"limit": "501"}, {"limit": "many"}, {"skills": ["no-such"]}, {"words": "很" * 41}]
)
def test_what_cannot_be_is_refused(boss: Visitor, li: User, fields: dict[str, object]):
    answer = boss.post(f"/admin/people/{li.id}/work", fields)

    assert (answer.status_code, person("li").ticket_limit, person("li").skills) == (422, None, None)
    assert 'role="alert"' in answer.text


def test_only_those_who_manage_people_set_limits(leader: Visitor, li: User, boss: Visitor):
    assert leader.post(f"/admin/people/{li.id}/work", {"limit": "6"}).status_code == 403
    assert boss.post_bare(f"/admin/people/{li.id}/work", {"limit": "6"}).status_code == 400
    assert boss.post("/admin/people/99999/work", {"limit": "6"}).status_code == 404


def test_the_list_of_people_says_who_is_there_with_how_much(app: Flask, desk: Desk, boss: Visitor, li: User):
    desk.accept(desk.ticket(COMPLAINT), li)
    at_work(app, "li")

    page = boss.get("/admin/people")

    assert 'aria-label="在手 1/20"' in page.text
    assert "在岗" in words_of(page)


# ---- the rules


def test_a_departments_rules_hold_at_once_and_are_on_record(app: Flask, desk: Desk, boss: Visitor):
    answer = boss.post("/admin/assignment/KFB", RULES)
    fresh(app)

    assert (answer.status_code, answer.location) == (303, "/admin/assignment")
    own = desk.rules.assignment_for(desk.rules.departments["KFB"])
    assert own == AssignmentRules(Mode.LOAD, prefer_last_handler=True, limit=8, return_minutes=30)
    assert desk.rules.assignment_for(desk.rules.departments["QGB"]) == AssignmentRules()
    assert [e.after and e.after["about"] for e in events("assignment_rules")] == ["KFB"]


def test_the_rules_for_all_hold_where_there_are_no_own_ones(app: Flask, desk: Desk, boss: Visitor):
    boss.post("/admin/assignment/KFB", RULES)
    boss.post(f"/admin/assignment/{EVERYBODY}", {**RULES, "mode": "round_robin", "limit": "5"})
    fresh(app)
    modes = [desk.rules.assignment_for(desk.rules.departments[code]).mode for code in ("KFB", "QGB")]

    boss.post("/admin/assignment/KFB/drop")
    fresh(app)

    assert modes == [Mode.LOAD, Mode.ROUND_ROBIN]
    assert desk.rules.assignment_for(desk.rules.departments["KFB"]).mode is Mode.ROUND_ROBIN


@pytest.mark.parametrize(
    "changed", [{"limit": "0"}, {"limit": ""}, {"return_minutes": "-1"}, {"return_minutes": "1441"}, {"mode": "luck"}]
)
def test_rules_that_cannot_be_are_refused(desk: Desk, boss: Visitor, changed: dict[str, str]):
    answer = boss.post("/admin/assignment/KFB", {**RULES, **changed})

    assert (answer.status_code, events("assignment_rules")) == (422, [])
    assert 'role="alert"' in answer.text


def test_saving_what_holds_already_leaves_no_event(boss: Visitor):
    boss.post("/admin/assignment/KFB", RULES)
    boss.post("/admin/assignment/KFB", RULES)

    assert len(events("assignment_rules")) == 1


def test_only_those_who_manage_rules_change_them(leader: Visitor, boss: Visitor):
    assert [leader.get(path).status_code for path in ("/admin/assignment", "/admin/assignment/KFB")] == [403, 403]
    assert leader.post("/admin/assignment/KFB", RULES).status_code == 403
    assert boss.post_bare("/admin/assignment/KFB", RULES).status_code == 400
    assert boss.get("/admin/assignment/NOPE").status_code == 404
