"""Promises of what a click does from a ticket's page, and what a wrong or late one says."""

import re

import pytest
from flask import Flask

from service.clock import utcnow
from service.tickets import handling
from service.tickets.handling import Draft
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import FakeChannel
from tests.page_rig import visitor, words_of


def replied(desk: Desk, ticket: Ticket, channel: FakeChannel, *, by: str, kind: str = "final") -> None:
    with desk.doing(ticket, desk.person(by)) as doing:
        draft = Draft("已为您换新，请查收", kind)
        handling.reply(doing.session, doing.ticket, draft, doing.deed, limits=channel.limits)
    desk.deliver()


def test_accepting_by_a_click_makes_the_ticket_mine(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    me = desk.person()

    answer = visitor(app, me).post(f"/tickets/{ticket.number}/do/accept", {"promise_at": "", "plan": "今天答复"})

    assert answer.status_code == 303
    after = desk.reread(ticket)
    assert (after.status, after.assignee_id, after.plan) == (Status.IN_PROGRESS, me.id, "今天答复")


def test_a_form_without_its_token_changes_nothing(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    answer = visitor(app, desk.person()).post_bare(f"/tickets/{ticket.number}/do/accept", {"plan": ""})

    assert answer.status_code == 400
    assert desk.reread(ticket).status is Status.PENDING_ACCEPTANCE


def test_a_missing_reason_is_asked_for_and_nothing_is_changed(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    answer = visitor(app, desk.person()).post(
        f"/tickets/{ticket.number}/do/classify", {"category": "inquiry", "priority": "normal", "reason": ""}
    )

    assert answer.status_code == 422
    assert "请填写此项" in words_of(answer)
    assert desk.reread(ticket).category == "complaint"


def test_a_correction_that_moves_the_ticket_away_leads_back_to_the_queue(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    answer = visitor(app, desk.person()).post(
        f"/tickets/{ticket.number}/do/classify",
        {"category": "inquiry", "priority": "normal", "reason": "只是问问"},
        htmx=True,
    )

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/")
    assert desk.reread(ticket).department.code == "QGB"


@pytest.mark.parametrize(("role", "offered"), [("agent", False), ("dept_head", True)])
def test_only_those_who_may_dismiss_are_offered_it_and_may_do_it(app: Flask, desk: Desk, role: str, offered: bool):
    ticket = desk.ticket(COMPLAINT)
    person = visitor(app, desk.person("zhang", role))

    page = person.get(f"/tickets/{ticket.number}").text
    answer = person.post(f"/tickets/{ticket.number}/do/invalid", {"reason": "广告"})

    assert ("/do/invalid" in page) is offered
    assert answer.status_code == (303 if offered else 403)
    assert (desk.reread(ticket).status is Status.INVALID) is offered


def test_an_action_that_came_too_late_is_explained_in_its_form(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    person = visitor(app, desk.person())
    person.post(f"/tickets/{ticket.number}/do/accept")

    again = person.post(f"/tickets/{ticket.number}/do/accept", htmx=True)

    assert again.status_code == 409
    assert "可能有同事刚刚处理过" in words_of(again)


def test_a_reply_that_overlooks_a_message_is_held_back_with_the_message(app: Flask, desk: Desk):
    desk.now = utcnow()
    ticket = desk.ticket(COMPLAINT)
    person = visitor(app, desk.person())
    desk.says("另外，发票也没给我")
    fields = {"text": "您好，正在处理", "kind": "interim", "via": "wechat", "seen": str(desk.messages(ticket)[0].id)}

    held = person.post(f"/tickets/{ticket.number}/reply", fields, htmx=True)
    sent = person.post(f"/tickets/{ticket.number}/reply", {**fields, "force": "y"}, htmx=True)

    assert held.status_code == 409
    assert "另外，发票也没给我" in words_of(held)
    assert "您好，正在处理" in held.text
    assert sent.status_code == 200
    assert [m.text for m in desk.messages(ticket) if m.direction == "outbound"] == ["您好，正在处理"]


def test_the_last_message_of_a_window_is_kept_for_the_final_answer(app: Flask, desk: Desk, channel: FakeChannel):
    desk.now = utcnow()
    ticket = desk.ticket(COMPLAINT)
    for n in range(4):
        replied(desk, ticket, channel, by=f"wang{n}", kind="interim")

    fields = {"text": "再等等", "kind": "interim", "via": "wechat"}
    held = visitor(app, desk.person()).post(f"/tickets/{ticket.number}/reply", fields, htmx=True)

    assert held.status_code == 409
    assert "建议留给最终答复" in words_of(held)


def test_a_follow_up_agent_may_note_but_not_reply(app: Flask, desk: Desk, channel: FakeChannel):
    desk.now = utcnow()
    ticket = desk.ticket(COMPLAINT)
    replied(desk, ticket, channel, by="wang")
    person = visitor(app, desk.person("sun", "follow_up_agent", "QGB"))

    note = person.post(f"/tickets/{ticket.number}/reply", {"text": "电话占线", "kind": "note"})
    reply = person.post(f"/tickets/{ticket.number}/reply", {"text": "您好", "kind": "interim", "via": "wechat"})

    assert (note.status_code, reply.status_code) == (303, 403)
    assert [m.direction for m in desk.messages(ticket)] == ["inbound", "outbound", "note"]


def test_whoever_handled_a_complaint_is_told_to_leave_its_follow_up(app: Flask, desk: Desk, channel: FakeChannel):
    desk.now = utcnow()
    ticket = desk.ticket(COMPLAINT)
    head = desk.person("li", "dept_head")
    with desk.doing(ticket, head) as doing:
        handling.reply(doing.session, doing.ticket, Draft("已换新", "final"), doing.deed, limits=channel.limits)
    desk.deliver()
    form = {"result": "solved", "satisfaction": "5", "note": ""}

    own = visitor(app, head)
    other = visitor(app, desk.person("sun", "follow_up_agent", "QGB"))

    assert "须回避" in words_of(own.get("/follow-up"))
    refused = own.post(f"/tickets/{ticket.number}/do/follow-up", form)
    assert refused.status_code == 403
    assert "请由其他同事回访" in words_of(refused)
    assert other.post(f"/tickets/{ticket.number}/do/follow-up", form).status_code == 303
    assert desk.reread(ticket).status is Status.CLOSED


def test_a_proposal_is_adopted_by_one_click(app: Flask, desk: Desk):
    ticket = desk.ticket(INQUIRY)
    person = visitor(app, desk.person("feng", "agent", "QGB"))
    person.post(f"/tickets/{ticket.number}/do/accept")
    desk.says("我要投诉，你们的服务态度太差了")
    desk.classify()

    page = person.get(f"/tickets/{ticket.number}").text
    banner = page[page.index("proposal") :]
    names = ("category", "priority", "reason")
    fields = {name: re.search(rf'name="{name}" value="([^"]+)"', banner)[1] for name in names}  # type: ignore[index]
    person.post(f"/tickets/{ticket.number}/do/classify", fields)

    after = desk.reread(ticket)
    assert (after.category, after.department.code, after.proposal) == ("complaint", "KFB", None)
