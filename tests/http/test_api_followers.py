"""Followers and files through the API: each is shown what they may see."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.clock import utcnow
from service.messaging.ports import Contact, Media
from service.people import User
from service.tickets.models import Attachment
from tests.factories import COMPLAINT, Caller, Desk
from tests.fakes import PNG
from tests.http.api_rig import prepared


@pytest.fixture
def boss(desk: Desk) -> User:
    desk.now = utcnow() - timedelta(minutes=1)  # endpoints read the wall clock
    return desk.person("boss", "supervisor", "KFB")


@pytest.fixture
def zhang(desk: Desk, boss: User) -> Caller:
    return desk.client(desk.person("zhang", "admin", "KFB"))


def test_a_restricted_ticket_is_told_to_nobody_who_may_not_see_it(desk: Desk, boss: User, zhang: Caller):
    ticket, path, body = prepared(desk, "classify", boss)
    zhang.post(path, {**body, "category": "report"})
    agent = desk.client(desk.person("li", "agent", "QGB"))

    assert agent.get(f"/tickets/{ticket.number}").status_code == 404
    assert agent.get("/tickets").json["items"] == []
    assert agent.get(f"/followers/{ticket.follower_id}").status_code == 404


def test_a_follower_with_tickets_and_every_message(desk: Desk, zhang: Caller):
    desk.says("你好")
    ticket = desk.ticket(COMPLAINT)
    desk.says("", kind="event:click", contact=Contact.MENU, matter=False)

    body = zhang.get(f"/followers/{ticket.follower_id}").json
    page = zhang.get(f"/followers/{ticket.follower_id}/messages").json

    assert body.keys() >= {"id", "display_name", "tickets", "reply_window"}
    assert [t["number"] for t in body["tickets"]] == [ticket.number]
    assert [m["text"] for m in page["items"]] == ["你好", COMPLAINT]


def test_a_follower_shows_each_only_what_they_may_see(desk: Desk, boss: User, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)
    stranger = desk.client(desk.person("li", "agent", "CWB"))
    intake = desk.client(desk.person("qian", "agent", "QGB"))

    assert stranger.get(f"/followers/{ticket.follower_id}").status_code == 404
    assert stranger.get(f"/followers/{ticket.follower_id}/messages").status_code == 404
    assert intake.get(f"/followers/{ticket.follower_id}").status_code == 200
    zhang.post(f"/tickets/{ticket.number}/close", {"reason": "x"})
    assert len(intake.get(f"/followers/{ticket.follower_id}/messages").json["items"]) == 1


def test_a_file_is_shown_to_whoever_sees_its_message_and_never_as_a_page(desk: Desk, boss: User, zhang: Caller):
    desk.says("[图片]", kind="image", media=(Media("MEDIA1", "image"),))
    ticket = desk.newest()
    with desk.doing(ticket, boss) as d:
        row = d.session.scalars(select(Attachment)).one()
        row.digest, row.state = desk.app.extensions["files"].put(PNG), "stored"
        row.content_type, row.size_bytes = "image/png", len(PNG)

    (message,) = zhang.get(f"/tickets/{ticket.number}/messages").json["items"]
    (attachment,) = message["attachments"]
    path = attachment["url"].removeprefix("/api/v1")
    answer = zhang.get(path)
    stranger = desk.client(desk.person("li", "agent", "CWB"))

    assert (attachment["content_type"], attachment["size_bytes"]) == ("image/png", len(PNG))
    content = answer.data
    answer.close()
    assert (content, answer.content_type) == (PNG, "image/png")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert stranger.get(path).status_code == 404
