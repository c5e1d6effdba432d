"""Promises about the public progress page: a receipt opens it, guessing does not, and it names nobody."""

import pytest
from flask import Flask
from sqlalchemy import update

from service.database import transaction
from service.tickets.models import Ticket
from service.web.security import limiter
from tests.factories import Desk
from tests.portal_rig import Phone, add_account, desk_of_today, words_of

NO_WECHAT = "Mozilla/5.0 (Windows NT 10.0) Firefox/140"


@pytest.fixture
def desk(app: Flask) -> Desk:
    return desk_of_today(app)


@pytest.fixture
def phone(app: Flask) -> Phone:
    add_account()
    limiter.reset()
    return Phone(app, agent=NO_WECHAT)


def asks(phone: Phone, number: str, code: str):  # type: ignore[no-untyped-def]
    return phone.post("/progress", {"number": number, "code": code}, page="/progress")


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_number_and_code_of_the_receipt_show_where_it_stands(desk: Desk, phone: Phone):
    receipt = desk.says("家里停水了")
    ticket = desk.newest()
    assert ticket.number in receipt
    assert ticket.query_code in receipt

    page = asks(phone, f" {ticket.number.lower()} ", ticket.query_code)

    assert page.status_code == 200
    assert "已收到，等待受理" in words_of(page)
    assert "前答复" in words_of(page)


def test_a_link_brings_the_number_along(phone: Phone):
    assert 'value="GD20261120-0001"' in phone.get("/progress?number=GD20261120-0001").text


def test_an_answer_that_could_not_be_delivered_is_read_here(desk: Desk, phone: Phone):
    ticket = desk.ticket("家里停水了")
    desk.reply(ticket, desk.person("wangwu"), "这一句已送达", "interim")
    desk.deliver()
    desk.later(hours=49)
    desk.reply(ticket, desk.person("li"), "已修好，请开阀")

    page = asks(phone, ticket.number, ticket.query_code).text

    assert "已修好，请开阀" in page
    for hidden in ("这一句已送达", "家里停水了", "wangwu", "li 的姓名", "oFollower0001"):
        assert hidden not in page


def test_of_a_restricted_ticket_only_the_status_shows(desk: Desk, phone: Phone):
    ticket = desk.ticket("我要举报")
    desk.later(hours=49)
    desk.reply(ticket, desk.person("li"), "举报已核实")
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket.id).values(restricted=True))

    page = words_of(asks(phone, ticket.number, ticket.query_code))

    assert "正在办理" in page
    assert "举报已核实" not in page
    assert "最晚" not in page


def test_a_wrong_number_and_a_wrong_code_look_the_same(desk: Desk, phone: Phone):
    ticket = desk.ticket()

    pages = [
        asks(phone, ticket.number, wrong(ticket.query_code)),
        asks(phone, "GD20200101-0001", ticket.query_code),
    ]

    said = [words_of(page).replace(ticket.number, "") for page in pages]
    assert [page.status_code for page in pages] == [404, 404]
    assert said[0] == said[1]
    assert "工单号或查询码不正确" in said[0]


@pytest.mark.parametrize(
    ("number", "code"), [("", ""), ("GD1", "123456"), ("GD20261120-0001", "12345"), ("GD20261120-0001", "１２３４５６")]
)
def test_what_cannot_be_a_receipt_is_said_at_once(phone: Phone, number: str, code: str):
    page = asks(phone, number, code)

    assert page.status_code == 422
    assert "形如 GD20261120-0001" in words_of(page) or "6 位数字" in words_of(page)


def test_guessing_one_number_ends_soon_and_the_right_code_waits_too(desk: Desk, phone: Phone):
    ticket = desk.ticket()
    for _ in range(8):
        assert asks(phone, ticket.number, wrong(ticket.query_code)).status_code == 404

    page = asks(phone, ticket.number, ticket.query_code)

    assert page.status_code == 429
    assert "操作太频繁" in words_of(page)


def test_guessing_many_numbers_ends_too_whatever_token_is_shown(phone: Phone):
    hidden = phone.get("/progress").text.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]

    codes = [
        phone.client.post(
            "/progress",
            data={"csrf_token": hidden, "number": f"GD20261120-{n:04}", "code": "000000"},
            headers={"Authorization": f"Bearer {n}"},
        ).status_code
        for n in range(31)
    ]

    assert codes == [404] * 30 + [429]


def test_whoever_has_the_right_code_may_look_as_often_as_they_like(desk: Desk, phone: Phone):
    ticket = desk.ticket()

    codes = {asks(phone, ticket.number, ticket.query_code).status_code for _ in range(12)}

    assert codes == {200}


def test_a_form_of_another_site_is_refused(desk: Desk, phone: Phone):
    ticket = desk.ticket()

    refused = phone.post_bare("/progress", {"number": ticket.number, "code": ticket.query_code})

    assert refused.status_code == 400
    assert ticket.subject not in refused.text
