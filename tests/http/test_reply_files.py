"""Files and link cards with a reply: through the API, and through the reply box with and without scripts."""

import io
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging.followers import Follower
from service.people import User
from service.tickets.models import Ticket
from tests.factories import Caller, Desk
from tests.fakes import PNG, FakeBell
from tests.http.api_rig import problem
from tests.integration.delivery_rig import items
from tests.page_rig import Visitor, visitor

AMR = b"#!AMR\n" + (b"\x3c" + bytes(31)) * 100
LINK = {"url": "https://example.org/t/1", "title": "办理指南"}


@pytest.fixture
def ticket(desk: Desk) -> Ticket:
    return desk.ticket()


@pytest.fixture
def caller(desk: Desk, agent: User) -> Caller:
    return desk.client(agent)


def hand_in(caller: Caller, content: bytes = PNG, field: str = "file"):
    fields = {field: (io.BytesIO(content), "客户.png")}
    return caller._client.post("/api/v1/uploads", data=fields, headers=caller._headers)


def upload_id(caller: Caller, content: bytes = PNG) -> int:
    return hand_in(caller, content).get_json()["id"]


# --- API


def test_an_upload_says_what_it_is(caller: Caller):
    picture, voice = hand_in(caller), hand_in(caller, AMR)

    assert (picture.status_code, voice.status_code) == (201, 201)
    shape = {"kind": "image", "content_type": "image/png", "size_bytes": len(PNG), "seconds": None}
    assert picture.get_json() == shape | {"id": picture.get_json()["id"]}
    assert (voice.get_json()["kind"], voice.get_json()["seconds"]) == ("voice", 2.0)


def test_what_is_no_picture_or_voice_is_refused_by_its_bytes(caller: Caller):
    body = problem(hand_in(caller, b"<html>"), 422, "invalid")

    assert "PNG" in str(body["errors"])
    problem(hand_in(caller, PNG, field="media"), 422, "invalid")


def test_whoever_may_not_reply_may_not_upload(desk: Desk):
    problem(hand_in(desk.client(desk.person("wang", "follow_up_agent", "QGB"))), 403, "forbidden")
    assert desk.app.test_client().post("/api/v1/uploads").status_code == 401


def test_a_reply_with_files_is_one_message_that_carries_them(caller: Caller, desk: Desk, ticket: Ticket):
    body = {
        "text": "请看附件",
        "kind": "final",
        "attachments": [upload_id(caller), upload_id(caller, AMR)],
        "link": LINK,
    }

    made = caller.post(f"/tickets/{ticket.number}/reply", body)

    assert made.status_code == 201, made.text
    message = made.get_json()
    assert (message["text"], message["type"], len(message["delivery"]["parts"])) == ("请看附件", "text", 4)
    assert [(a["content_type"], a["size_bytes"]) for a in message["attachments"]] == [
        ("image/png", len(PNG)),
        ("audio/amr", len(AMR)),
    ]
    file = caller._client.get(message["attachments"][0]["url"], headers=caller._headers, buffered=True)
    assert file.data == PNG


def test_a_question_may_carry_a_file_too(caller: Caller, ticket: Ticket):
    asked = caller.post(f"/tickets/{ticket.number}/ask", {"text": "是这里吗？", "attachments": [upload_id(caller)]})

    assert asked.get_json()["status"] == "waiting_customer"
    assert [item.kind for item in items(ticket)] == ["text", "image"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "  "}, "text"),
        ({"text": "", "attachments": []}, "text"),
        ({"text": "看", "attachments": [987654]}, "attachments"),
        ({"text": "看", "attachments": ["1"]}, "attachments"),
        ({"text": "看", "attachments": list(range(1, 11))}, "attachments"),
        ({"text": "看", "link": {"url": "javascript:alert(1)", "title": "x"}}, "link"),
        ({"text": "看", "link": {"url": "https://x.cn"}}, "link"),
        ({"text": "看", "link": {**LINK, "title": "长" * 65}}, "link"),
        ({"text": "看", "link": {**LINK, "picurl": "ftp://x.cn/p.png"}}, "link"),
    ],
)
def test_a_reply_that_cannot_go_out_is_named_by_field(caller: Caller, ticket: Ticket, body: dict, field: str):
    answer = caller.post(f"/tickets/{ticket.number}/reply", {"kind": "final", **body})

    assert list(problem(answer, 422, "invalid")["errors"]) == [field]


# --- the reply box


@pytest.fixture
def person(app: Flask, agent: User) -> Visitor:
    return visitor(app, agent)


def page_upload(person: Visitor, content: bytes = PNG):
    return person.post("/uploads", {"file": (io.BytesIO(content), "a.png")}, htmx=True)


def newest_upload(page: str) -> str:
    return page.split('name="attachments" value="')[1].split('"')[0]


def test_an_upload_comes_back_as_a_line_of_the_box_that_shows_it(person: Visitor, desk: Desk, app: Flask):
    line = page_upload(person)

    found = newest_upload(line.text)
    assert line.status_code == 200
    assert f'src="/uploads/{found}"' in line.text
    shown = person.get(f"/uploads/{found}")
    assert (shown.data, shown.mimetype) == (PNG, "image/png")
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert visitor(app, desk.person("wang", "agent", "QGB")).get(f"/uploads/{found}").status_code == 404


def test_a_voice_can_be_heard_before_it_is_sent(person: Visitor):
    line = page_upload(person, AMR)

    assert "<audio" in line.text
    assert "2 秒" in line.text
    assert person.get(f"/uploads/{newest_upload(line.text)}").mimetype == "audio/mpeg"


def test_an_upload_that_is_refused_says_why_in_the_persons_language(person: Visitor):
    refused = page_upload(person, b"%PDF-1.7")

    assert refused.status_code == 422
    assert "请选 PNG、JPEG、GIF 图片，或 MP3、AMR 语音" in refused.text


def test_a_reply_from_the_box_carries_uploads_and_a_link(person: Visitor, ticket: Ticket):
    attached = newest_upload(page_upload(person).text)
    fields = {"text": "", "kind": "final", "via": "wechat", "attachments": attached}
    fields |= {"link_url": LINK["url"], "link_title": LINK["title"], "link_description": ""}

    answer = person.post(f"/tickets/{ticket.number}/reply", fields, htmx=True)

    assert answer.status_code == 200, answer.text
    assert [item.kind for item in items(ticket)] == ["image", "news"]
    page = person.get(f"/tickets/{ticket.number}").text
    assert 'class="picture"' in page
    assert "办理指南" in page


def test_a_browser_without_scripts_sends_its_files_with_the_form(person: Visitor, ticket: Ticket):
    fields = {"text": "请看", "kind": "final", "via": "wechat", "files": (io.BytesIO(PNG), "a.png")}

    answer = person.post(f"/tickets/{ticket.number}/reply", fields)

    assert answer.status_code == 303
    assert [item.kind for item in items(ticket)] == ["text", "image"]


def test_files_stay_in_the_box_when_the_reply_is_held_back(person: Visitor, desk: Desk, ticket: Ticket):
    seen = desk.messages(ticket)[-1].id
    desk.says("还有一件事")
    fields = {"text": "请看", "kind": "final", "via": "wechat", "seen": str(seen)}
    fields["files"] = (io.BytesIO(PNG), "a.png")

    held = person.post(f"/tickets/{ticket.number}/reply", fields, htmx=True)

    assert held.status_code == 409
    assert newest_upload(held.text).isdigit()
    assert "请看" in held.text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "note", "text": "备注", "attachments": "1"}, "内部备注不能带文件或链接"),
        ({"kind": "final", "text": " "}, "请填写此项"),
        ({"kind": "final", "text": "看", "link_url": "javascript:alert(1)", "link_title": "x"}, "http"),
        ({"kind": "final", "text": "看", "link_url": "https://x.cn"}, "请填写卡片标题"),
        ({"kind": "final", "text": "看", "attachments": "987654"}, "有文件已失效"),
    ],
)
def test_what_is_wrong_is_said_in_the_box_and_the_text_stays(
    person: Visitor, ticket: Ticket, fields: dict[str, object], sentence: str
):
    answer = person.post(f"/tickets/{ticket.number}/reply", {"via": "wechat", **fields}, htmx=True)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert str(fields["text"]) in answer.text


# --- typing


def typing(person: Visitor, ticket: Ticket, on: str):
    return person.post(f"/tickets/{ticket.number}/typing", {"on": on})


def test_typing_is_handed_to_a_worker_while_the_window_is_open(
    person: Visitor, bell: FakeBell, desk: Desk, ticket: Ticket
):
    with reading() as session:
        follower_id = session.scalar(select(Follower.id))
    _open_window(ticket)

    answers = [typing(person, ticket, on).status_code for on in "yn"]

    assert answers == [204, 204]
    assert bell.left["show_typing"] == [f"{follower_id}:on", f"{follower_id}:off"]


def test_nobody_is_shown_typing_once_the_window_is_shut(person: Visitor, bell: FakeBell, ticket: Ticket):
    assert typing(person, ticket, "y").status_code == 204  # the desk of the tests stands in the past
    assert bell.left == {}


def test_typing_needs_the_right_to_reply(app: Flask, desk: Desk, bell: FakeBell, ticket: Ticket):
    stranger = visitor(app, desk.person("wang", "agent", "CWB"))

    assert typing(stranger, ticket, "y").status_code == 404
    assert bell.left == {}


@pytest.mark.parametrize(("ticked", "kept"), [({"typing": "y"}, {}), ({}, {"typing": False})])
def test_an_account_may_show_no_typing(app: Flask, desk: Desk, ticked: dict[str, object], kept: dict[str, object]):
    names = {
        "slug": "second",
        "name": "二号",
        "original_id": "gh_2",
        "app_id": "wx2",
        "app_secret": "s",
        "token": "abc",
    }
    with transaction() as session:
        accounts.add(session, **names, mode="plain")
    root = visitor(app, desk.person("root", "admin", "QGB"))

    saved = root.post("/admin/accounts/second/notices", {"model": "max", "tap": "minute", "invite": "y", **ticked})

    assert saved.status_code == 303, saved.text
    assert accounts.account_for("second").notices == kept


def _open_window(ticket: Ticket) -> None:
    with transaction() as session:
        session.get_one(Follower, ticket.follower_id).window_closes_at = utcnow() + timedelta(hours=1)
