"""What leaves the house goes out once: two workers, a killed one, servers that refuse, break or do not answer."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import update

from service import alerts, jobs, notices_out
from service.database import db, reading, transaction
from service.people import User
from service.tickets import dispatch
from service.tickets.models import Ticket
from service.tickets.register import Robot
from tests.factories import Desk
from tests.fakes import FakeBell
from tests.integration.notice_rig import (
    Company,
    company_of,
    mailed,
    robot,
    send,
    settings_with,
    states,
    tell,
    written,
)
from tests.integration.test_races import at_once
from tests.messenger_rig import HANG_UP, FakeMailServer, FakeVendor, as_json, running_mail_server, running_vendor

SHANGHAI = ZoneInfo("Asia/Shanghai")
BUSY = as_json(errcode=-1, errmsg="busy")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[FakeVendor, FakeMailServer]]:
    with running_vendor() as vendor, running_mail_server() as post:
        yield vendor, post


@pytest.fixture
def vendor(servers: tuple[FakeVendor, FakeMailServer]) -> FakeVendor:
    found = servers[0]
    found.__init__(found.base_url)  # type: ignore[misc]
    return found


@pytest.fixture
def post(servers: tuple[FakeVendor, FakeMailServer]) -> FakeMailServer:
    found = servers[1]
    found.__init__(found.url)  # type: ignore[misc]
    return found


@pytest.fixture
def company(app: Flask, desk: Desk, vendor: FakeVendor, post: FakeMailServer) -> Iterator[Company]:
    """With a mail server and robots; everybody has an address."""
    before = app.config["SETTINGS"]
    settings_with(app, post, vendor)
    made = company_of(desk)
    mailed(made.agent, made.head, made.supervisor, made.leader)
    yield made
    app.config["SETTINGS"] = before


def open_alerts() -> list[tuple[str, str]]:
    with reading() as session:
        return [(alert.scope, alert.kind) for alert in alerts.open_alerts(session)]


def test_a_letter_says_number_clock_time_and_link_and_nothing_of_the_customer(company: Company, post: FakeMailServer):
    ticket = company.assigned()

    tell(company.desk, ticket, "handler", how=("in_app", "mail"), facts={"text": "客户说：漏水三天了"})
    send(company.desk)

    ((to, letter),) = post.letters
    body = letter.get_content()
    assert (to, letter["Subject"]) == ("zhang@example.com", f"【工单台】超时：首次回复 {ticket.number}")
    assert ("03-04 11:30" in body, f"/tickets/{ticket.number}" in body) == (True, True)
    assert [word for word in ("漏水", "客户", ticket.subject) if word in body] == []
    assert states("mail") == ["sent"]


def test_a_robot_says_it_in_its_group_and_nothing_of_the_customer(company: Company, vendor: FakeVendor):
    robot("客服群", vendor)
    ticket = company.assigned()

    tell(company.desk, ticket, how=("robot",), facts={"text": "漏水三天了"})
    send(company.desk)

    (text,) = vendor.texts
    assert (ticket.number in text, "漏水" in text) == (True, False)
    assert states("robot") == ["sent"]


def test_what_waits_for_one_recipient_is_one_message(company: Company, vendor: FakeVendor, post: FakeMailServer):
    robot("客服群", vendor)
    for number in range(12):
        ticket = company.ticket(follower=f"oFollower{number:04}")
        tell(company.desk, ticket, users=(company.head.id,), how=("mail", "robot"))

    send(company.desk)

    assert (len(post.letters), len(vendor.said)) == (1, 1)
    assert "共 12 项" in post.texts[0]
    assert "另有 2 项" in post.texts[0]
    assert len(str(vendor.said[0]["text"]["content"]).encode()) <= 2048  # type: ignore[index]
    assert set(states("mail") + states("robot")) == {"sent"}


def test_the_night_s_matters_come_as_one_digest_in_the_morning(company: Company, post: FakeMailServer):
    desk = company.desk
    tickets = [company.ticket(follower=f"oFollower{number:04}") for number in range(3)]
    desk.now = datetime(2026, 3, 4, 23, 0, tzinfo=SHANGHAI)
    for ticket in tickets:
        desk.later(minutes=1)
        tell(desk, ticket, users=(company.agent.id, company.head.id), how=("in_app", "mail"))
    send(desk)
    assert post.letters == []

    desk.now = datetime(2026, 3, 5, 8, 30, tzinfo=SHANGHAI)
    send(desk)

    assert sorted(to for to, _ in post.letters) == ["head@example.com", "zhang@example.com"]
    assert all("提醒汇总，共 3 项" in text for text in post.texts)


def test_two_workers_send_each_message_once(company: Company, vendor: FakeVendor, post: FakeMailServer):
    desk, ticket = company.desk, company.assigned()
    for number in range(3):
        robot(f"群 {number}", vendor)
    for number in range(4):
        tell(desk, ticket, "handler", "supervisor", cause=f"escalation:{number}", how=("mail", "robot"))

    at_once(desk, *[lambda: send(desk)] * 3)

    assert sorted(to for to, _ in post.letters) == ["leader@example.com", "super@example.com", "zhang@example.com"]
    assert len(vendor.said) == 3
    assert set(states("mail") + states("robot")) == {"sent"}


def test_what_a_killed_worker_had_in_hand_is_never_sent_again_by_itself(company: Company, post: FakeMailServer):
    desk = company.desk
    tell(desk, company.assigned(), "handler", how=("mail",))
    rules = desk.rules
    with transaction() as session:
        dispatch.claim(session, "mail", f"user:{company.agent.id}", now=desk.now, rules=rules)

    desk.later(minutes=1)
    send(desk)
    within_lease = states("mail")
    desk.later(minutes=2)
    send(desk)
    desk.later(days=1)
    send(desk)

    assert (within_lease, states("mail"), post.letters) == (["sending"], ["unknown"], [])
    assert "不会自动重发" in str(written("mail")[0].detail)


def test_no_transaction_is_open_while_it_is_sent(company: Company, post: FakeMailServer):
    app, open_then = company.desk.app, []

    def watched() -> None:
        with app.app_context():
            open_then.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]

    post.meanwhile = watched
    tell(company.desk, company.assigned(), "handler", how=("mail",))
    rules = company.desk.rules
    db.session.remove()

    notices_out.send_to("mail", f"user:{company.agent.id}", now=company.desk.now, rules=rules)

    assert open_then == [0]


def test_a_busy_robot_is_tried_again_with_growing_pauses_and_given_up(company: Company, vendor: FakeVendor):
    desk = company.desk
    robot("客服群", vendor)
    vendor.answers = [BUSY] * 9
    tell(desk, company.assigned(), how=("robot",))
    tries, start = [], desk.now

    for _ in range(40):
        before = len(vendor.said)
        send(desk)
        tries += [int((desk.now - start) / timedelta(minutes=1))] * (len(vendor.said) - before)
        desk.later(minutes=1)

    assert tries == [0, 1, 3, 7, 15]
    assert [(row.state, row.attempts, row.send_at) for row in written("robot")] == [("failed", 5, None)]
    assert "繁忙" in str(written("robot")[0].detail)


def test_a_robot_that_works_again_gets_what_waited_for_it(company: Company, vendor: FakeVendor):
    desk = company.desk
    robot("客服群", vendor, kind="dingtalk")
    vendor.answers = [as_json(errcode=310000, errmsg="sign not match")]
    tell(desk, company.assigned(), how=("robot",))

    send(desk)
    trouble, alarm = states("robot"), open_alerts()
    desk.later(minutes=1)
    send(desk)

    assert (trouble, alarm) == (["due"], [("robot:客服群", "robot")])
    assert (states("robot"), open_alerts()) == (["sent"], [])


@pytest.mark.parametrize("answer", [HANG_UP, (502, b"<html>"), (200, b"what?")])
def test_what_perhaps_arrived_is_not_sent_again(company: Company, vendor: FakeVendor, answer: tuple[int, bytes]):
    desk = company.desk
    robot("客服群", vendor)
    vendor.answers = [answer]
    tell(desk, company.assigned(), how=("robot",))

    for _ in range(3):
        send(desk)
        desk.later(hours=1)

    assert (states("robot"), len(vendor.said)) == (["unknown"], 1)


def test_a_mail_server_that_is_away_is_left_alone_for_a_while(app: Flask, company: Company, post: FakeMailServer):
    desk, away = company.desk, "smtp://127.0.0.1:9"
    back, post.url = post.url, away
    settings_with(app, post, None)
    ticket = company.assigned()
    for user in (company.agent, company.head, company.supervisor):
        tell(desk, ticket, users=(user.id,), cause=f"test:{user.id}", how=("mail",))

    send(desk)
    waiting = {row.send_at - desk.now for row in written("mail")}
    alarm = open_alerts()
    post.url = back
    settings_with(app, post, None)
    desk.later(minutes=1)
    send(desk)

    assert (waiting, alarm) == ({timedelta(minutes=1)}, [("mail", "mail")])
    assert (len(post.letters), open_alerts()) == (3, [])


def test_an_address_that_is_refused_holds_up_nobody_else(company: Company, post: FakeMailServer):
    ticket = company.assigned()
    post.replies["RCPT"] = "550 no such user"
    tell(company.desk, ticket, "handler", how=("mail",), cause="a:1")
    send(company.desk)
    del post.replies["RCPT"]
    tell(company.desk, ticket, "department_head", how=("mail",), cause="a:2")
    send(company.desk)

    assert states("mail") == ["failed", "sent"]
    assert open_alerts() == [("mail:zhang", "mail")]


def test_without_a_mail_server_nothing_waits_for_one(app: Flask, company: Company):
    settings_with(app, None, None)
    tell(company.desk, company.assigned(), "handler", how=("mail",))

    send(company.desk)

    assert [(row.state, row.send_at) for row in written("mail")] == [("failed", None)]
    assert "SMTP_URL" in str(written("mail")[0].detail)


def test_a_ticket_that_became_restricted_over_night_goes_to_no_robot_and_to_no_agent(
    company: Company, vendor: FakeVendor, post: FakeMailServer
):
    desk, ticket = company.desk, company.ticket()
    robot("客服群", vendor)
    desk.now = datetime(2026, 3, 4, 23, 0, tzinfo=SHANGHAI)
    tell(desk, ticket, users=(company.agent.id, company.supervisor.id), how=("mail", "robot"))
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket.id).values(restricted=True))

    desk.now = datetime(2026, 3, 5, 8, 30, tzinfo=SHANGHAI)
    send(desk)

    assert ([to for to, _ in post.letters], vendor.said) == (["super@example.com"], [])
    assert states("robot") == ["failed"]


def test_whoever_left_and_a_robot_that_is_switched_off_get_nothing_more(
    company: Company, vendor: FakeVendor, post: FakeMailServer
):
    robot_id = robot("客服群", vendor)
    tell(company.desk, company.assigned(), "handler", how=("mail", "robot"))
    with transaction() as session:
        session.get_one(Robot, robot_id).active = False
        session.get_one(User, company.agent.id).active = False

    send(company.desk)

    assert (post.letters, vendor.said) == ([], [])
    assert states("mail") + states("robot") == ["failed"] * 2


def test_an_address_inside_the_house_is_never_called(app: Flask, company: Company, vendor: FakeVendor):
    settings_with(app, None, None)
    robot("客服群", vendor)
    tell(company.desk, company.assigned(), how=("robot",))

    send(company.desk)

    assert vendor.said == []
    assert "不在允许之列" in str(written("robot")[0].detail)


def test_the_job_rings_itself_while_more_is_due(now_desk: Desk, app: Flask, vendor: FakeVendor, bell: FakeBell):
    before = app.config["SETTINGS"]
    settings_with(app, None, vendor)
    company = company_of(now_desk)
    for number in range(9):
        robot(f"群 {number}", vendor)
    tell(now_desk, company.assigned(), how=("robot",), facts={"level": "red"})
    bell.rung.clear()

    jobs.notify()
    rung, first = list(bell.rung), len(vendor.said)
    jobs.notify()
    app.config["SETTINGS"] = before

    assert (rung, first, len(vendor.said)) == (["notify"], 8, 9)
    assert json.dumps(vendor.said[0], ensure_ascii=False).count("【工单台】") == 1
