"""Promises of the pages of codes: made at the platform first, shown to staff only, counted by source."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from service.channels import intake
from service.clock import utcnow
from service.database import reading
from service.messaging.ports import Contact, Inbound
from service.messaging.qrcodes import QrCode
from tests.account_rig import platform_behind, sent
from tests.factories import COMPLAINT, Desk
from tests.fakes import PNG
from tests.page_rig import Visitor, visitor, words_of
from tests.wechat_fakes import FakePlatform, as_json

PATH = "/admin/accounts/main/codes"
CREATE, SHOW = "/cgi-bin/qrcode/create", "/cgi-bin/showqrcode"
FORM = {"name": "十二号门店", "scene": "src_store_12", "kind": "temporary", "days": "30"}


@pytest.fixture
def platform(app: Flask) -> Iterator[FakePlatform]:
    with platform_behind(app) as running:
        running.lay(CREATE, as_json(ticket="gQH47joAAAA==", expire_seconds=2592000, url="http://weixin.qq.com/q/kZg"))
        running.lay(SHOW, (200, PNG, "image/png"))
        yield running


@pytest.fixture
def boss(app: Flask, desk: Desk, platform: FakePlatform) -> Visitor:
    return visitor(app, desk.person("boss", "account_admin", "QGB"))


def codes() -> list[QrCode]:
    with reading() as session:
        session.expire_all()
        found = list(session.scalars(select(QrCode).order_by(QrCode.id)))
        session.expunge_all()
    return found


def test_a_temporary_code_lasts_thirty_days_at_most(boss: Visitor, platform: FakePlatform):
    assert boss.post(PATH, FORM | {"days": "31"}).status_code == 422
    assert boss.post(PATH, FORM).status_code == 303

    scene = {"scene": {"scene_str": "src_store_12"}}
    assert sent(platform, "qrcode/create") == [
        {"action_name": "QR_STR_SCENE", "action_info": scene, "expire_seconds": 2592000}
    ]
    (code,) = codes()
    assert (code.scene, code.kind, code.created_by) == ("src_store_12", "temporary", "boss")
    assert code.expires_at is not None


def test_a_permanent_code_has_no_end(boss: Visitor, platform: FakePlatform):
    platform.lay(CREATE, as_json(ticket="gQ", url="http://weixin.qq.com/q/x"))

    boss.post(PATH, FORM | {"kind": "permanent"})

    assert sent(platform, "qrcode/create")[0]["action_name"] == "QR_LIMIT_STR_SCENE"
    assert codes()[0].expires_at is None


@pytest.mark.parametrize("scene", ["", "门店", "a b", "x" * 65])
def test_a_scene_is_of_letters_and_digits(boss: Visitor, platform: FakePlatform, scene: str):
    assert boss.post(PATH, FORM | {"scene": scene}).status_code == 422
    assert sent(platform, "qrcode/create") == []


def test_a_refusal_is_explained_and_nothing_is_kept(boss: Visitor, platform: FakePlatform):
    platform.lay(CREATE, as_json(errcode=45029, errmsg="qrcode count out of limit"))

    answer = boss.post(PATH, FORM)

    assert "请改用临时二维码" in words_of(answer)
    assert codes() == []


def test_one_scene_has_one_code_which_can_be_made_anew(boss: Visitor, platform: FakePlatform):
    boss.post(PATH, FORM)
    again = boss.post(PATH, FORM)
    platform.lay(CREATE, as_json(ticket="gQnew", expire_seconds=2592000, url="http://weixin.qq.com/q/new"))

    boss.post(f"{PATH}/{codes()[0].id}/renew")

    assert "已有这个场景值的二维码" in words_of(again)
    (code,) = codes()
    assert code.ticket == "gQnew"


def test_the_picture_is_fetched_once_and_shown_to_staff_only(app: Flask, desk: Desk, boss: Visitor, platform):
    boss.post(PATH, FORM)
    picture = f"{PATH}/{codes()[0].id}.png"

    first, second = boss.get(picture), boss.get(picture)

    assert (first.data, first.content_type) == (PNG, "image/png")
    assert second.data == PNG
    assert [query for query, _ in platform.asked(SHOW)] == [{"ticket": "gQH47joAAAA=="}]
    assert visitor(app, desk.person("zhang")).get(picture).status_code == 403
    assert Visitor(app).get(picture).status_code == 302


def test_what_is_no_picture_is_not_shown_as_one(boss: Visitor, platform: FakePlatform):
    platform.lay(SHOW, (200, b"<html><script>x</script></html>", "image/png"))
    boss.post(PATH, FORM)

    assert boss.get(f"{PATH}/{codes()[0].id}.png").status_code == 404


def test_tickets_are_counted_by_the_source_of_whoever_wrote_them(app: Flask, desk: Desk, boss: Visitor):
    desk.now = utcnow()
    boss.post(PATH, FORM)
    extra = {"scene": "src_store_12"}
    event = Inbound("wechat:main", "e:1", "oA", "subscribe", "", desk.now, "", Contact.FOLLOW, False, (), extra)
    intake.handle(event, now=desk.now)

    desk.ticket(COMPLAINT, follower="oA")
    desk.ticket(COMPLAINT, follower="oB")

    assert "新关注 1 再次扫码 0 工单 1" in words_of(boss.get(PATH))


@pytest.mark.parametrize("changes", [{"certified": False}, {"kind": "subscription"}])
def test_an_account_without_the_right_is_told_why(app: Flask, desk: Desk, changes: dict[str, object]):
    with platform_behind(app, **changes) as platform:
        person = visitor(app, desk.person("boss", "account_admin", "QGB"))
        page = person.get(PATH)
        person.post(PATH, FORM)

    assert "只有已认证的服务号能生成带场景的二维码" in words_of(page)
    assert sent(platform, "qrcode/create") == []
