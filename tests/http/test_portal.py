"""Promises about followers' pages: what they see of their tickets, what they may add, and what never shows."""

import hashlib
import io
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from service.database import reading, transaction
from service.messaging.ports import Media
from service.tickets import attachments, closing, cooperation, handling
from service.tickets.models import Attachment, Message, Ticket
from service.tickets.states import Status
from service.web.security import limiter
from tests.factories import COMPLAINT, Desk
from tests.fakes import PNG, FakeChannel
from tests.page_rig import visitor
from tests.portal_rig import OPENID, Phone, add_account, desk_of_today, lay_identity, platform_beside, words_of

JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


@pytest.fixture
def desk(app: Flask) -> Desk:
    return desk_of_today(app)


@pytest.fixture
def phone(app: Flask, desk: Desk) -> Iterator[Phone]:
    """A follower who has written once and is signed in."""
    limiter.reset()
    add_account()
    desk.ticket("家里停水了")
    with platform_beside(app) as platform:
        lay_identity(platform)
        made = Phone(app)
        made.sign_in()
        yield made


def path_of(ticket: Ticket) -> str:
    return f"/my/main/{ticket.number}"


def closed(desk: Desk, ticket: Ticket) -> Ticket:
    """Answered, and the days gone by in which nobody took it up again."""
    desk.answer(ticket, desk.person("li"))
    with desk.doing(ticket, None) as d:
        d.ticket.follow_up_open, d.ticket.wake_at = False, desk.now
    desk.sweep()
    return desk.reread(ticket)


def newest_message(ticket: Ticket) -> Message:
    with reading() as session:
        query = select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id.desc())
        found = session.scalars(query.limit(1)).one()
        session.expunge(found)
    return found


def picture(content: bytes = PNG, name: str = "p.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def test_open_tickets_come_before_those_that_ended(desk: Desk, phone: Phone):
    first = closed(desk, desk.newest())
    second = desk.ticket("又停水了")

    page = words_of(phone.get("/my/main/"))

    assert page.index(second.number) < page.index(first.number)
    assert page.index("进行中") < page.index("已结束")


def test_nobody_sees_the_tickets_of_another(desk: Desk, phone: Phone):
    own = path_of(desk.newest())
    foreign = desk.ticket("别人的秘密", follower="oFollower0002")

    assert foreign.number not in phone.get("/my/main/").text
    assert phone.get(path_of(foreign)).status_code == 404
    assert phone.post(f"{path_of(foreign)}/messages", {"text": "你好"}, page=own).status_code == 404
    assert len(desk.messages(foreign)) == 1


def test_many_tickets_come_in_pages(desk: Desk, phone: Phone):
    person = desk.person("li", "dispatcher")
    with desk.doing(desk.newest(), person) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="测试")
    for number in range(21):
        ticket = desk.ticket(f"旧事 {number}", classified=False)
        with desk.doing(ticket, person) as d:
            closing.withdraw(d.session, d.ticket, d.deed, reason="测试")

    first = phone.get("/my/main/")
    older = re.search(r'href="(/my/main/\?before=\d+)"', first.text)
    assert older
    second = phone.get(older.group(1))

    numbers = [re.findall(r"/my/main/(GD[\d-]+)", page.text) for page in (first, second)]
    assert [len(found) for found in numbers] == [20, 2]
    assert not set(numbers[0]) & set(numbers[1])


def test_the_page_says_in_plain_words_where_it_stands_and_by_when_an_answer_comes(desk: Desk, phone: Phone):
    ticket = desk.newest()

    page = words_of(phone.get(path_of(ticket)))

    assert "已收到，等待受理" in page
    assert re.search(r"最晚 (今天|明天|\d\d-\d\d) \d\d:\d\d 前答复", page)


def test_an_answer_that_waits_for_the_window_can_be_read_here(desk: Desk, phone: Phone):
    ticket = desk.newest()
    desk.later(hours=49)
    desk.reply(ticket, desk.person("li"), "水管已修好，请开阀")

    page = words_of(phone.get(path_of(ticket)))

    assert "水管已修好，请开阀" in page
    assert "您下次在公众号留言时会自动发出" in page


def test_notes_calls_taken_back_replies_and_names_of_staff_do_not_show(desk: Desk, phone: Phone):
    ticket, person = desk.newest(), desk.person("wangwu")
    desk.accept(ticket, person)
    with desk.doing(ticket, person) as d:
        handling.note(d.session, d.ticket, "这个客户很难缠", d.deed)
    taken_back = desk.reply(ticket, person, "写错的答复", "interim")
    with desk.doing(ticket, person) as d:
        handling.cancel(d.session, d.ticket, taken_back.id, d.deed)
    desk.reply(ticket, person, "已致电王先生，说明内部流程", "interim", via="phone")

    page = phone.get(path_of(ticket)).text

    assert "工作人员已打电话与您沟通" in page
    for secret in ("很难缠", "写错的答复", "内部流程", "wangwu", OPENID):
        assert secret not in page


def test_what_a_follower_adds_joins_the_ticket(desk: Desk, phone: Phone, channel: FakeChannel):
    ticket = desk.newest()

    sent = phone.post(f"{path_of(ticket)}/messages", {"text": "是三号楼"}, page=path_of(ticket))

    added = newest_message(ticket)
    assert (sent.status_code, sent.location) == (303, f"{path_of(ticket)}#main")
    assert (added.direction, added.text, added.kind) == ("inbound", "是三号楼", "text")
    assert "是三号楼" in words_of(phone.get(path_of(ticket)))


def test_writing_here_opens_no_reply_window(desk: Desk, phone: Phone):
    ticket = desk.newest()
    desk.later(hours=-60)
    with desk.doing(ticket, None) as d:
        follower = d.session.get_one(type(ticket.follower), ticket.follower_id)
        follower.window_closes_at, follower.messages_left = desk.now, 0

    phone.post(f"{path_of(ticket)}/messages", {"text": "是三号楼"}, page=path_of(ticket))

    follower = desk.reread(ticket).follower
    assert (follower.window_closes_at, follower.messages_left) == (desk.now, 0)


def test_the_same_form_sent_twice_is_one_message(desk: Desk, phone: Phone):
    ticket = desk.newest()
    fields = {"text": "是三号楼", "once": "abcdefgh-1"}

    for _ in range(2):
        phone.post(f"{path_of(ticket)}/messages", fields, page=path_of(ticket))

    assert [m.text for m in desk.messages(ticket)].count("是三号楼") == 1


def test_a_message_goes_to_the_ticket_on_the_page_and_not_to_the_newest(desk: Desk, phone: Phone):
    older = desk.newest()
    desk.answer(older, desk.person("li"))
    with desk.doing(older, None) as d:
        follower = d.session.get_one(type(older.follower), older.follower_id)
        follower.open_ticket_id = None
    newer = desk.ticket("另一件事")

    phone.post(f"{path_of(older)}/messages", {"text": "水又停了，请再来"}, page=path_of(older))

    assert newest_message(older).text == "水又停了，请再来"
    assert desk.reread(older).status is Status.IN_PROGRESS
    assert desk.reread(newer).follower.open_ticket_id == newer.id


def test_a_message_reopens_an_answered_ticket_and_thanks_do_not(desk: Desk, phone: Phone):
    ticket = desk.newest()
    desk.answer(ticket, desk.person("li"))

    phone.post(f"{path_of(ticket)}/messages", {"text": "谢谢"}, page=path_of(ticket))
    after_thanks = desk.reread(ticket).status
    phone.post(f"{path_of(ticket)}/messages", {"text": "还是没有水"}, page=path_of(ticket))

    assert after_thanks is Status.ANSWERED
    assert desk.reread(ticket).status is Status.IN_PROGRESS


def test_what_is_added_to_a_closed_ticket_opens_a_linked_one(desk: Desk, phone: Phone):
    ticket = closed(desk, desk.newest())
    page = phone.get(path_of(ticket))
    assert "问题没有解决？" in words_of(page)

    sent = phone.post(f"{path_of(ticket)}/messages", {"text": "问题没有解决"}, page=path_of(ticket))

    new = desk.newest()
    assert (sent.location, new.repeat_of_id) == (f"{path_of(new)}#main", ticket.id)
    assert desk.reread(ticket).status is Status.CLOSED
    assert "已登记为新的工单" in words_of(phone.get(path_of(new)))


def test_a_closed_matter_is_not_mixed_into_another_that_is_open(desk: Desk, phone: Phone):
    ticket = closed(desk, desk.newest())
    other = desk.ticket("另一件事")

    phone.post(f"{path_of(ticket)}/messages", {"text": "问题没有解决"}, page=path_of(ticket))

    assert newest_message(other).text == "另一件事"
    assert desk.newest().repeat_of_id == ticket.id


def test_a_message_on_a_merged_ticket_goes_where_that_went(desk: Desk, phone: Phone):
    ticket = desk.newest()
    with desk.doing(ticket, None) as d:
        d.session.get_one(type(ticket.follower), ticket.follower_id).open_ticket_id = None
    target = desk.ticket("同一件事")
    with desk.doing(ticket, desk.person("li", "dispatcher")) as d:
        cooperation.merge(d.session, d.ticket, d.session.get_one(Ticket, target.id), d.deed)
    assert "已并入您的另一个工单" in words_of(phone.get(path_of(ticket)))

    sent = phone.post(f"{path_of(ticket)}/messages", {"text": "补充一句"}, page=path_of(ticket))

    assert sent.location == f"{path_of(target)}#main"
    assert newest_message(target).text == "补充一句"


def test_a_picture_is_kept_and_only_its_owner_gets_it(app: Flask, desk: Desk, phone: Phone):
    ticket = desk.newest()

    phone.post(
        f"{path_of(ticket)}/messages", {"text": "看这里", "pictures": picture(JPEG, "x.jpg")}, page=path_of(ticket)
    )

    with reading() as session:
        stored = session.scalars(select(Attachment)).one()
    address = f"{path_of(ticket)}/files/{stored.id}"
    got = phone.get(address)
    assert (stored.state, stored.content_type, stored.message_id) == ("stored", "image/jpeg", newest_message(ticket).id)
    assert f'src="{address}"' in phone.get(path_of(ticket)).text
    assert (got.data, got.mimetype) == (JPEG, "image/jpeg")
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert got.cache_control.private, "a proxy would give it to whoever asks"
    assert not got.cache_control.public
    assert Phone(app).get(address).status_code == 302


def test_a_picture_for_a_ticket_that_is_not_theirs_is_not_even_kept(app: Flask, desk: Desk, phone: Phone):
    mine, other = desk.newest(), desk.ticket(COMPLAINT, follower="oFollower0002")

    content = PNG + b"for another"

    refused = phone.post(f"{path_of(other)}/messages", {"pictures": picture(content)}, page=path_of(mine))

    assert refused.status_code == 404
    assert not app.extensions["files"].path(hashlib.sha256(content).hexdigest()).exists()


def test_a_picture_of_another_ticket_is_not_found_here(app: Flask, desk: Desk, phone: Phone):
    ticket = desk.newest()
    desk.says("[图片]", follower="oFollower0002", kind="image", media=(Media("M1", "image"),))
    with transaction() as session:
        foreign = session.scalars(select(Attachment.id)).one()
        attachments.store(session, foreign, PNG, files=app.extensions["files"])

    assert phone.get(f"{path_of(ticket)}/files/{foreign}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said", "why"),
    [
        ({"text": "  "}, "请写几句话，或选一张图片", "neither words nor a picture"),
        ({"text": "字" * 2001}, "最多 2000 字", "more than a page"),
        ({"text": "a\0b"}, "无法保存的字符", "no database keeps it"),
        ({"pictures": (b"<svg onload=alert(1)>", "x.png")}, "只能上传 JPG", "told by its bytes, not by its name"),
        ({"pictures": (b"#!AMR\n" + bytes(9), "x.png")}, "只能上传 JPG", "a recording is no picture"),
        ({"pictures": (PNG + bytes(10 * 1024 * 1024), "x.png")}, "不能超过 10 MB", "too large"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_words_kept(
    desk: Desk, phone: Phone, fields: dict[str, object], said: str, why: str
):
    ticket = desk.newest()
    given = {"text": "留着这句话", **fields}
    if "pictures" in fields:
        given["pictures"] = picture(*fields["pictures"])  # type: ignore[misc]

    refused = phone.post(f"{path_of(ticket)}/messages", given, page=path_of(ticket))

    assert refused.status_code == 422
    assert said in words_of(refused)
    assert "text" in fields or "留着这句话" in refused.text
    assert len(desk.messages(ticket)) == 1


def test_more_than_three_pictures_are_sent_in_turns(desk: Desk, phone: Phone):
    ticket = desk.newest()

    refused = phone.post(
        f"{path_of(ticket)}/messages", {"pictures": [picture() for _ in range(4)]}, page=path_of(ticket)
    )

    assert "一次最多 3 张" in words_of(refused)


def test_words_of_a_follower_are_never_markup(desk: Desk, phone: Phone):
    ticket = desk.newest()

    phone.post(f"{path_of(ticket)}/messages", {"text": "<script>alert(1)</script>{{7*7}}"}, page=path_of(ticket))

    page = phone.get(path_of(ticket)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page


@pytest.mark.parametrize("action", ["messages", "rating", "comment"])
def test_a_form_of_another_site_does_nothing(desk: Desk, phone: Phone, action: str):
    ticket = desk.newest()

    refused = phone.post_bare(f"{path_of(ticket)}/{action}", {"text": "冒充", "score": "5", "comment": "冒充"})

    assert refused.status_code == 400
    assert "页面已过期" in words_of(refused)
    assert len(desk.messages(ticket)) == 1


def test_whose_session_ended_while_writing_gets_the_words_back(desk: Desk, phone: Phone):
    ticket = desk.newest()
    hidden = phone.get(path_of(ticket)).text
    phone.client.delete_cookie("gongdan_follower", path="/my/main/")

    refused = phone.client.post(
        f"{path_of(ticket)}/messages",
        data={"text": "写了很久的话", "csrf_token": re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', hidden)[0]},
    )

    assert refused.status_code == 401
    assert "写了很久的话" in refused.text
    assert len(desk.messages(ticket)) == 1


def test_whoever_writes_without_end_is_slowed_down(desk: Desk, phone: Phone):
    ticket = desk.newest()
    token = dict(re.findall(r'name="(csrf_token)"[^>]*value="([^"]+)"', phone.get(path_of(ticket)).text))

    codes = [
        phone.post_bare(
            f"{path_of(ticket)}/messages", {**token, "text": f"第 {n} 句", "once": f"once-{n:04}"}
        ).status_code
        for n in range(22)
    ]

    assert codes == [303] * 20 + [429] * 2


def test_a_rating_is_taken_once_and_may_be_added_to_once(desk: Desk, phone: Phone):
    ticket = desk.newest()
    desk.answer(ticket, desk.person("li"))
    page = path_of(ticket)

    fields = {"score": "4", "solved": "yes", "tags": ["slow", "channel"], "comment": "还可以"}
    first = phone.post(f"{page}/rating", fields, page=page)
    second = phone.post(f"{page}/rating", {"score": "1"}, page=page)
    phone.post(f"{page}/comment", {"comment": "后来又想到一点"}, page=page)
    phone.post(f"{page}/comment", {"comment": "再来一点"}, page=page)

    shown = words_of(phone.get(page))
    assert (first.status_code, second.status_code) == (303, 303)
    for words in ("满意", "问题已解决", "回复慢", "渠道不便", "还可以", "后来又想到一点"):
        assert words in shown
    assert "再来一点" not in shown


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"score": "6"},
        {"score": "5", "comment": "长" * 201},
        {"score": "5", "tags": ["other"]},
        {"score": "5", "solved": "maybe"},
    ],
)
def test_a_rating_that_makes_no_sense_is_refused(desk: Desk, phone: Phone, fields: dict[str, object]):
    ticket = desk.newest()
    desk.answer(ticket, desk.person("li"))

    refused = phone.post(f"{path_of(ticket)}/rating", fields, page=path_of(ticket))

    assert refused.status_code == 422
    assert 'class="wrong"' in refused.text
    assert "您的评价" not in words_of(phone.get(path_of(ticket)))


def test_a_ticket_without_an_answer_cannot_be_rated(desk: Desk, phone: Phone):
    ticket = desk.newest()

    assert "评价这次服务" not in words_of(phone.get(path_of(ticket)))
    assert phone.post(f"{path_of(ticket)}/rating", {"score": "5"}, page=path_of(ticket)).status_code == 409


def test_staff_see_what_was_added_and_how_it_was_rated(app: Flask, desk: Desk, phone: Phone):
    ticket = desk.newest()
    desk.answer(ticket, desk.person("li"))
    phone.post(f"{path_of(ticket)}/rating", {"score": "2", "comment": "等了太久"}, page=path_of(ticket))
    boss = desk.client(desk.person("boss", "admin", "QGB"))

    shown = boss.get(f"/tickets/{ticket.number}").json

    assert shown["rating"] == {"score": 2, "solved": None, "comment": "等了太久"}
    assert boss.get(f"/tickets/{desk.ticket(COMPLAINT, follower='oOther').number}").json["rating"] is None


def test_whoever_supervises_reads_how_it_was_rated_and_others_do_not(app: Flask, desk: Desk, phone: Phone):
    ticket = desk.newest()
    desk.answer(ticket, desk.person("li"))
    phone.post(f"{path_of(ticket)}/rating", {"score": "1", "comment": "等了太久"}, page=path_of(ticket))

    board = visitor(app, desk.person("boss", "supervisor", "LDS")).get("/ratings?days=7")
    side = visitor(app, desk.person("wu", "agent", "QGB")).get(f"/tickets/{ticket.number}")

    for words in (ticket.number, "等了太久", "1.00", "非常不满意"):
        assert words in words_of(board)
    assert "非常不满意" in words_of(side)
    assert visitor(app, desk.person("mei")).get("/ratings").status_code == 403
