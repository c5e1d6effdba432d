"""Recusal and handing back over the API and on the page of a ticket."""

import pytest

from service.people import User
from tests.assignment_rig import change_person, own_assignment, switch
from tests.factories import COMPLAINT, Caller, Desk
from tests.http.api_rig import problem
from tests.page_rig import visitor, words_of

ABOUT_LI = "我要投诉李敏，服务态度太差了"


@pytest.fixture(autouse=True)
def editable(app):
    with own_assignment(app) as changed:
        yield changed


@pytest.fixture
def li(now_desk: Desk) -> User:
    user = now_desk.person("li", "agent", "KFB")
    change_person(user, name="李敏")
    return user


@pytest.fixture
def chief(now_desk: Desk, boss: User) -> Caller:
    return now_desk.client(boss)


def test_a_recusal_from_the_refusal_to_its_end(now_desk: Desk, li: User, chief: Caller):
    agent, ticket = now_desk.client(li), now_desk.ticket(ABOUT_LI)
    path = f"/tickets/{ticket.number}"
    assert chief.get(path).json["recused"] == ["li"]
    listed = chief.get("/tickets").json["items"]
    assert [item["recused"] for item in listed] == [["li"]]

    problem(agent.post(f"{path}/accept"), 403, "recused")
    problem(agent.post(f"{path}/reply", {"text": "我来", "kind": "interim"}), 403, "recused")
    problem(agent.post(f"{path}/assign", {"assignee": "li"}), 403, "recused")
    problem(chief.post(f"{path}/assign", {"assignee": "li"}), 403, "recused")
    problem(agent.post(f"{path}/unrecuse", {"username": "li", "reason": "不是我"}), 403, "forbidden")
    assert agent.post(f"{path}/note", {"text": "当天的经过"}).status_code == 200

    assert chief.post(f"{path}/unrecuse", {"username": "li", "reason": "同名"}).json["recused"] == []
    problem(chief.post(f"{path}/unrecuse", {"username": "li", "reason": "同名"}), 422, "invalid")
    assert agent.post(f"{path}/accept").json["assignee"] == "li"

    assert chief.post(f"{path}/recuse", {"username": "li", "reason": "亲属"}).json["assignee"] is None
    problem(chief.post(f"{path}/recuse", {"username": "nobody", "reason": "亲属"}), 422, "invalid")
    problem(chief.post(f"{path}/recuse", {"username": "li"}), 422, "invalid")


def test_an_agent_keeps_away_of_their_own_accord_and_keeps_no_colleague_away(now_desk: Desk, li: User):
    now_desk.person("wang", "agent", "KFB")
    agent, ticket = now_desk.client(li), now_desk.ticket(COMPLAINT)
    path = f"/tickets/{ticket.number}/recuse"

    problem(agent.post(path, {"username": "wang", "reason": "他认识客户"}), 403, "forbidden")

    assert agent.post(path, {"username": "li", "reason": "我认识客户"}).json["recused"] == ["li"]


def test_a_ticket_is_handed_back_by_whoever_has_it(now_desk: Desk, li: User):
    agent, other = now_desk.client(li), now_desk.client(now_desk.person("wang", "agent", "KFB"))
    ticket = now_desk.accept(now_desk.ticket(COMPLAINT), li)
    path = f"/tickets/{ticket.number}/hand-back"

    problem(other.post(path, {"reason": "给我"}), 403, "forbidden")
    handed = agent.post(path, {"reason": "今天休息"}).json

    assert (handed["assignee"], handed["status"]) == (None, "pending_acceptance")
    problem(agent.post(path, {"reason": "今天休息"}), 422, "invalid")


def test_the_page_says_who_keeps_away_and_offers_them_a_note_only(now_desk: Desk, li: User, boss: User):
    ticket = now_desk.ticket(ABOUT_LI)

    own = visitor(now_desk.app, li).get(f"/tickets/{ticket.number}")
    others = words_of(visitor(now_desk.app, boss).get(f"/tickets/{ticket.number}"))

    assert "您需要回避" in words_of(own)
    assert "/do/accept" not in own.text
    assert 'value="final"' not in own.text
    assert "李敏 的姓名出现在来信中" in others
    assert "解除回避" in others


def test_the_page_says_that_a_ticket_waits_for_the_rule_and_why(now_desk: Desk, li: User, boss: User):
    switch(now_desk, "KFB")
    change_person(li, presence="away")
    ticket = now_desk.ticket(COMPLAINT)

    page = words_of(visitor(now_desk.app, boss).get(f"/tickets/{ticket.number}"))

    assert "等待自动派单" in page
    assert "暂时无人可派。暂离：李敏" in page


def test_recusal_by_the_forms_of_the_page(now_desk: Desk, li: User, boss: User):
    ticket, page = now_desk.accept(now_desk.ticket(COMPLAINT), li), visitor(now_desk.app, boss)

    form = page.get(f"/tickets/{ticket.number}/do/recuse")
    done = page.post(f"/tickets/{ticket.number}/do/recuse", {"username": "li", "reason": "亲属"})
    assert ("李敏 · li" in form.text, done.status_code) == (True, 303)
    assert now_desk.reread(ticket).assignee_id is None

    refused = page.post(f"/tickets/{ticket.number}/do/assign", {"assignee": "li"})
    assert "这件事与此人有关" in refused.text

    lifted = page.post(f"/tickets/{ticket.number}/do/unrecuse", {"username": "li", "reason": "同名"})
    assert lifted.status_code == 303
    assert now_desk.accept(ticket, li).assignee_id == li.id


def test_a_ticket_is_handed_back_by_the_form_of_the_page(now_desk: Desk, li: User):
    ticket, page = now_desk.accept(now_desk.ticket(COMPLAINT), li), visitor(now_desk.app, li)

    assert "/do/hand-back" in page.get(f"/tickets/{ticket.number}").text
    done = page.post(f"/tickets/{ticket.number}/do/hand-back", {"reason": "今天休息"})

    assert (done.status_code, now_desk.reread(ticket).assignee_id) == (303, None)
