"""Promises of the staff pages: who gets in, who sees what, and how it is shown."""

import pytest
from flask import Flask
from sqlalchemy import select

from service.database import reading
from service.messaging.ports import Media
from service.people import ROLES, Permission, Role
from service.tickets import attachments
from service.tickets.models import Attachment
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import PNG
from tests.page_rig import Visitor, visitor, words_of

PAGES = [  # every page that has an address of its own, and what it asks for
    ("/queue/rows", Permission.SEE),
    ("/queue/tabs", Permission.SEE),
    ("/calls", Permission.HANDLE),
    ("/calls/rows", Permission.HANDLE),
    ("/calls/badge", Permission.HANDLE),
    ("/follow-up", Permission.FOLLOW_UP),
    ("/follow-up/rows", Permission.FOLLOW_UP),
    ("/overdue", Permission.OVERSEE),
    ("/overdue/live", Permission.OVERSEE),
    ("/overdue/assign", Permission.OVERSEE),
    ("/overdue/urge", Permission.OVERSEE),
    ("/wall", Permission.OVERSEE),
    ("/wall/live", Permission.OVERSEE),
    ("/admin/people", Permission.MANAGE_PEOPLE),
    ("/admin/people/new", Permission.MANAGE_PEOPLE),
    ("/admin/departments", Permission.MANAGE_PEOPLE),
    ("/admin/departments/new", Permission.MANAGE_PEOPLE),
    ("/admin/departments/KFB", Permission.MANAGE_PEOPLE),
    ("/supervision", Permission.OVERSEE),
    ("/supervision/live", Permission.OVERSEE),
    ("/supervision/badge", Permission.OVERSEE),
    ("/admin/accounts", Permission.MANAGE_ACCOUNTS),
    ("/admin/accounts/new", Permission.MANAGE_ACCOUNTS),
]


def test_a_stranger_is_asked_to_sign_in_and_comes_back_to_the_page(app: Flask, desk: Desk):
    desk.person("zhang")
    stranger = Visitor(app)

    asked = stranger.get("/follow-up")
    entered = stranger.sign_in("zhang", next="/profile")

    assert asked.location == "/sign-in?next=/follow-up"
    assert entered.location == "/profile"


def test_a_wrong_password_says_what_to_do(app: Flask, desk: Desk):
    desk.person("zhang")

    refused = Visitor(app).sign_in("zhang", "wrong-horse-7")

    assert refused.status_code == 401
    assert "请重新输入" in words_of(refused)


def test_nobody_is_sent_to_another_site_after_signing_in(app: Flask, desk: Desk):
    desk.person("zhang")

    assert Visitor(app).sign_in("zhang", next="//elsewhere.example/").location == "/"


def test_a_fragment_sends_whoever_is_signed_out_to_the_sign_in_page(app: Flask):
    answer = Visitor(app).get("/queue/rows", htmx=True)

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_opens_its_pages_and_no_others(app: Flask, desk: Desk, role: Role):
    person = visitor(app, desk.person("zhang", role))

    opened = {path for path, _ in PAGES if person.get(path).status_code == 200}

    assert opened == {path for path, permission in PAGES if permission in ROLES[role]}


@pytest.mark.parametrize("role", list(Role))
def test_everybody_lands_on_a_page_that_is_of_use(app: Flask, desk: Desk, role: Role):
    person = visitor(app, desk.person("zhang", role))

    answer = person.get("/")

    assert answer.status_code == 200 or person.get(answer.location).status_code == 200


def test_the_queue_shows_a_department_its_own_tickets_only(app: Flask, desk: Desk):
    complaint = desk.ticket(COMPLAINT, follower="oOne")
    inquiry = desk.ticket(INQUIRY, follower="oTwo")
    person = visitor(app, desk.person("zhang", "agent", "JSB"))
    colleague = visitor(app, desk.person("wang", "agent", "KFB"))

    assert complaint.number not in person.get("/?tab=all").text
    shown = colleague.get("/?tab=all").text
    assert complaint.number in shown
    assert inquiry.number not in shown


def test_the_filter_and_the_search_narrow_the_queue(app: Flask, desk: Desk):
    complaint = desk.ticket(COMPLAINT, follower="oOne")
    inquiry = desk.ticket(INQUIRY, follower="oTwo")
    person = visitor(app, desk.person("zhou", "supervisor"))

    by_category = person.get("/queue/rows", tab="all", category="complaint").text
    by_number = person.get("/queue/rows", tab="all", q=inquiry.number.lower()).text

    assert (complaint.number in by_category, inquiry.number in by_category) == (True, False)
    assert (complaint.number in by_number, inquiry.number in by_number) == (False, True)


@pytest.mark.parametrize("address", ["/?sort=password", "/?tab=other", "/?priority=' OR 1=1", "/?limit=100000"])
def test_an_address_that_no_page_of_ours_makes_is_refused_kindly(app: Flask, desk: Desk, address: str):
    answer = visitor(app, desk.person("zhou", "supervisor")).get(address)

    assert answer.status_code == 422
    assert "请按提示修改后再提交" in words_of(answer)


def test_more_rows_come_page_by_page(app: Flask, desk: Desk):
    for n in range(52):
        desk.says("我要投诉", follower=f"oMany{n:04}")
    person = visitor(app, desk.person("zhou", "supervisor"))

    first = person.get("/queue/rows", tab="all").text

    assert first.count("data-row=") == 50
    assert "limit=100" in first
    assert person.get("/queue/rows", tab="all", limit=100).text.count("data-row=") == 52


def test_what_a_follower_writes_is_shown_as_text(app: Flask, desk: Desk):
    ticket = desk.ticket("投诉 <script>alert(1)</script> <img src=x onerror=alert(1)>")
    person = visitor(app, desk.person())

    for path in (f"/tickets/{ticket.number}", "/?tab=all"):
        page = person.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_the_pages_obey_their_own_content_policy(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    page = visitor(app, desk.person()).get(f"/tickets/{ticket.number}")

    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert " style=" not in page.text
    assert " onclick=" not in page.text


def test_a_ticket_of_another_department_is_not_found_and_the_page_says_where_to_look(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    answer = visitor(app, desk.person("qian", "agent", "CWB")).get(f"/tickets/{ticket.number}")

    assert answer.status_code == 404
    assert "请回到工作台查找" in words_of(answer)


def test_what_a_live_page_fetches_is_what_the_page_was_made_of(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    person = visitor(app, desk.person())

    page, live = person.get(f"/tickets/{ticket.number}").text, person.get(f"/tickets/{ticket.number}/live").text

    assert COMPLAINT in live
    assert live.count('hx-swap-oob="true"') == 6
    head = live[live.index("<header") : live.index("</header>")].replace(' hx-swap-oob="true"', "")
    assert head in page


def test_the_overdue_board_counts_by_department(app: Flask, desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    desk.later(days=2)
    desk.sweep()
    person = visitor(app, desk.person("zhou", "supervisor", "LDS"))

    assert ticket.number in person.get("/overdue", department="KFB").text
    assert ticket.number not in person.get("/overdue", department="QGB").text
    assert "客服部" in words_of(person.get("/overdue"))


def test_a_picture_is_shown_to_those_who_see_its_ticket(app: Flask, desk: Desk):
    desk.ticket(COMPLAINT)
    desk.says("[图片]", kind="image", media=(Media("m1", "image"),))
    with desk.doing(desk.newest(), None) as doing:
        file = doing.session.scalars(select(Attachment)).one()
        attachments.store(doing.session, file.id, PNG, files=app.extensions["files"])
    with reading() as session:
        path = f"/attachments/{session.scalars(select(Attachment.id)).one()}"

    shown = visitor(app, desk.person()).get(path)

    assert (shown.status_code, shown.data, shown.content_type) == (200, PNG, "image/png")
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert visitor(app, desk.person("qian", "agent", "CWB")).get(path).status_code == 404
