"""Group robots are added, tried and switched off on a page; their addresses and secrets never come out again."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from service import alerts, checkup
from service.audit import Event
from service.clock import utcnow
from service.database import reading, transaction
from service.people import User
from service.tickets.register import Robot
from tests.factories import Desk
from tests.integration.notice_rig import mailed, settings_with
from tests.messenger_rig import FakeMailServer, FakeVendor, as_json, running_mail_server, running_vendor
from tests.page_rig import Visitor, visitor, words_of

WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-secret"
DINGTALK = "https://oapi.dingtalk.com/robot/send?access_token=a1b2c3"


@pytest.fixture
def admin(app: Flask, desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


@pytest.fixture
def boss(app: Flask, admin: User) -> Visitor:
    return visitor(app, admin)


@pytest.fixture
def servers(app: Flask) -> Iterator[tuple[FakeVendor, FakeMailServer]]:
    before = app.config["SETTINGS"]
    with running_vendor() as vendor, running_mail_server() as post:
        settings_with(app, post, vendor)
        yield vendor, post
    app.config["SETTINGS"] = before


def entered(**changed: str) -> dict[str, object]:
    return {"name": "客服部群", "kind": "wecom", "department": "", "url": WECOM, "secret": "", **changed}


def robots() -> list[Robot]:
    with reading() as session:
        found = session.scalars(select(Robot).order_by(Robot.id)).all()
        session.expunge_all()
    return list(found)


def test_a_robot_is_added_and_its_address_is_not_shown_again(boss: Visitor):
    answer = boss.post("/admin/robots/new", entered(department="KFB"))
    (made,) = robots()
    pages = boss.get("/admin/robots").text + boss.get(f"/admin/robots/{made.id}").text

    assert (answer.status_code, answer.location) == (303, "/admin/robots")
    assert (made.kind, made.url, made.active, made.department_id is not None) == ("wecom", WECOM, True, True)
    assert ("客服部群" in pages, "693a91f6" in pages) == (True, False)


def test_an_address_left_empty_stays_and_so_does_the_secret(boss: Visitor):
    boss.post("/admin/robots/new", entered(kind="dingtalk", url=DINGTALK, secret="SECkept"))
    (made,) = robots()

    boss.post(f"/admin/robots/{made.id}", entered(name="新名字", kind="dingtalk", url=""))
    refused = boss.post(f"/admin/robots/{made.id}", entered(url=""))

    (now,) = robots()
    assert (now.name, now.url, now.secret) == ("新名字", DINGTALK, "SECkept")
    assert (refused.status_code, "已保存的地址不属于这种机器人" in words_of(refused)) == (422, True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:6379/", "须是从企业微信群里复制的机器人地址"),
        ("https://169.254.169.254/latest", "须是从企业微信群里复制的机器人地址"),
        (DINGTALK, "请把类型改为钉钉"),
        ("", "请填写此项"),
    ],
)
def test_an_address_that_is_no_robot_s_is_refused_with_what_to_do(boss: Visitor, url: str, said: str):
    answer = boss.post("/admin/robots/new", entered(url=url))

    assert (answer.status_code, said in words_of(answer), robots()) == (422, True, [])


@pytest.mark.parametrize("kind", ["", "pigeon"])
def test_an_unknown_kind_is_refused(boss: Visitor, kind: str):
    assert boss.post("/admin/robots/new", entered(kind=kind, url="https://example.com/hook")).status_code == 422
    assert robots() == []


def test_two_robots_do_not_share_a_name(boss: Visitor):
    boss.post("/admin/robots/new", entered())

    assert "已被使用" in words_of(boss.post("/admin/robots/new", entered()))


def test_a_test_says_what_the_robot_answered_and_what_to_do(boss: Visitor, servers: tuple[FakeVendor, FakeMailServer]):
    vendor, _ = servers
    boss.post("/admin/robots/new", entered(kind="dingtalk", url=vendor.url(), secret="SECx"))
    (made,) = robots()
    with transaction() as session:
        alerts.raised(session, scope="robot:客服部群", kind="robot", detail="签名不符", now=utcnow())
    vendor.answers = [as_json(errcode=310000, errmsg="sign not match")]

    wrong = words_of(boss.post(f"/admin/robots/{made.id}/test", htmx=True))
    fine = words_of(boss.post(f"/admin/robots/{made.id}/test", htmx=True))

    assert "签名不符（310000 sign not match）：重新复制加签密钥" in wrong
    assert "已发出" in fine
    assert "客服部群" in vendor.texts[1]
    assert "最近发送失败" not in words_of(boss.get("/admin/robots"))


def test_a_robot_that_failed_lately_is_named_on_the_page_and_by_the_check(boss: Visitor):
    boss.post("/admin/robots/new", entered())
    with transaction() as session:
        alerts.raised(session, scope="robot:客服部群", kind="robot", detail="机器人已移出群：重新添加", now=utcnow())

    lines = list(checkup.check_alerts())

    assert "机器人已移出群" in words_of(boss.get("/admin/robots"))
    assert [(line["ok"], line["robot"]) for line in lines] == [(False, "客服部群")]
    assert "发送测试" in lines[0]["todo"].spoken("zh")  # type: ignore[attr-defined]


def test_switched_off_it_is_left_alone_and_on_again_it_speaks(boss: Visitor):
    boss.post("/admin/robots/new", entered())
    (made,) = robots()
    states = []

    for _ in range(2):
        boss.post(f"/admin/robots/{made.id}/switch")
        states.append(robots()[0].active)

    assert states == [False, True]
    with reading() as session:
        events = session.scalars(select(Event).where(Event.action.like("robot_%")).order_by(Event.id)).all()
        assert [event.action for event in events] == ["robot_added", "robot_switched", "robot_switched"]
        assert "key=" not in str([event.after for event in events])


def test_a_letter_is_tried_by_whoever_asks(boss: Visitor, admin: User, servers: tuple[FakeVendor, FakeMailServer]):
    _, post = servers
    without = words_of(boss.post("/admin/robots/mail-test", htmx=True))
    mailed(admin)

    assert "您还没有邮箱" in without
    assert "已发出" in words_of(boss.post("/admin/robots/mail-test", htmx=True))
    assert [to for to, _ in post.letters] == ["boss@example.com"]


def test_without_a_mail_server_the_page_says_how_to_get_one(boss: Visitor):
    assert "SMTP_URL" in words_of(boss.get("/admin/robots"))
    assert "SMTP_URL" in words_of(boss.post("/admin/robots/mail-test", htmx=True))


def test_robots_are_for_administrators(app: Flask, desk: Desk):
    head = visitor(app, desk.person("head", "dept_head", "KFB"))

    assert [head.get("/admin/robots").status_code, head.post("/admin/robots/new", entered()).status_code] == [403, 403]


def test_an_administrator_enters_a_person_s_address(boss: Visitor, admin: User):
    place = {"name": "老板", "department": "QGB", "roles": "admin"}

    wrong = boss.post(f"/admin/people/{admin.id}", {**place, "email": "boss@"})
    boss.post(f"/admin/people/{admin.id}", {**place, "email": "boss@example.com"})
    kept = boss.get(f"/admin/people/{admin.id}").text

    assert (wrong.status_code, "请填写正确的邮箱地址" in words_of(wrong)) == (422, True)
    assert 'value="boss@example.com"' in kept


def test_a_new_name_ends_what_was_told_of_the_old_one(boss: Visitor):
    boss.post("/admin/robots/new", entered())
    (made,) = robots()
    with transaction() as session:
        alerts.raised(session, scope="robot:客服部群", kind="robot", detail="签名不符", now=utcnow())

    boss.post(f"/admin/robots/{made.id}", entered(name="新名字", url=""))

    assert list(checkup.check_alerts()) == []
