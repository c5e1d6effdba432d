"""Promises of the custom menu's pages: nobody publishes their own, the platform's refusal changes nothing."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from service import alerts, publishing
from service.channels.wechat import menus, watching
from service.clock import utcnow
from service.database import reading
from service.publishing import Publication
from tests.account_rig import OK, platform_behind, sent
from tests.factories import Desk
from tests.page_rig import Visitor, visitor, words_of
from tests.wechat_fakes import FakePlatform, as_json

PATH = "/admin/menus/main"
CREATE, TELL = "/cgi-bin/menu/create", "/cgi-bin/get_current_selfmenu_info"
FIELDS = {
    "0-name": "服务",
    "0.0-name": "我要投诉",
    "0.0-type": "click",
    "0.0-action": "complain",
    "0.1-name": "营业时间",
    "0.1-type": "click",
    "0.1-action": "text",
    "0.1-text": "每天 9 点到 18 点",
    "1-name": "官网",
    "1-type": "view",
    "1-url": "https://example.org/",
}


@pytest.fixture
def platform(app: Flask) -> Iterator[FakePlatform]:
    with platform_behind(app) as running:
        running.lay(CREATE, OK)
        yield running


@pytest.fixture
def author(app: Flask, desk: Desk, platform: FakePlatform) -> Visitor:
    return visitor(app, desk.person("writer", "account_admin", "QGB"))


@pytest.fixture
def reviewer(app: Flask, desk: Desk, platform: FakePlatform) -> Visitor:
    return visitor(app, desk.person("checker", "reviewer", "QGB"))


def in_force() -> Publication | None:
    with reading() as session:
        session.expire_all()
        found = publishing.published(session, menus.KIND, "wechat:main")
        if found is not None:
            session.expunge(found)
    return found


def newest() -> Publication:
    with reading() as session:
        session.expire_all()
        found = publishing.history(session, menus.KIND, "wechat:main")[0]
        session.expunge(found)
    return found


def handed_in(author: Visitor, **more: str) -> None:
    assert author.post(PATH, FIELDS | {"do": "submit"} | more).status_code == 303


def test_whoever_begins_finds_the_shipped_menu_and_its_limits(author: Visitor):
    page = author.get(PATH)

    assert all(name in page.text for name in ("我要咨询", "公司介绍", "隐私与数据"))
    assert "/my/main/" in page.text
    assert "12/16" in page.text


def test_a_menu_is_handed_in_by_one_person_and_published_by_another(
    author: Visitor, reviewer: Visitor, platform: FakePlatform
):
    handed_in(author)
    assert in_force() is None

    assert reviewer.post(f"{PATH}/publish").status_code == 303

    (body,) = sent(platform, "menu/create")
    top, site = body["button"]
    assert [item["name"] for item in top["sub_button"]] == ["我要投诉", "营业时间"]
    assert site == {"name": "官网", "type": "view", "url": "https://example.org/"}
    content = in_force().content
    assert content["actions"]["COMPLAIN"] == {"action": "complain", "text": ""}
    assert {"action": "text", "text": "每天 9 点到 18 点"} in content["actions"].values()


def test_what_is_in_force_is_what_rules_read(app: Flask, author: Visitor, reviewer: Visitor):
    handed_in(author)
    reviewer.post(f"{PATH}/publish")

    with reading() as session:
        app.extensions["rulebook"]._checked = float("-inf")
        rules = app.extensions["rulebook"].current(session)

    assert rules.documents[(menus.KIND, "wechat:main")]["actions"]["COMPLAIN"]["action"] == "complain"


def test_nobody_publishes_what_they_wrote_themselves(app: Flask, desk: Desk, platform: FakePlatform):
    boss = visitor(app, desk.person("boss", "admin", "QGB"))
    handed_in(boss)

    assert boss.post(f"{PATH}/publish").status_code == 403
    assert sent(platform, "menu/create") == []
    assert newest().state == "submitted"


def test_what_its_author_changed_after_it_was_read_is_not_published(
    author: Visitor, reviewer: Visitor, platform: FakePlatform
):
    handed_in(author)
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', reviewer.get(PATH).text)
    author.post(f"{PATH}/take-back")
    author.post(PATH, FIELDS | {"1-name": "别的", "do": "submit"})

    reviewer.post(f"{PATH}/publish", {"seen": seen})

    assert sent(platform, "menu/create") == []
    assert newest().state == "submitted"


def test_an_author_may_not_publish_and_a_reviewer_may_not_write(author: Visitor, reviewer: Visitor):
    handed_in(author)

    assert author.post(f"{PATH}/publish").status_code == 403
    assert reviewer.post(PATH, FIELDS).status_code == 403


def test_a_refusal_of_the_platform_is_explained_and_leaves_what_was_in_force(
    author: Visitor, reviewer: Visitor, platform: FakePlatform
):
    handed_in(author)
    reviewer.post(f"{PATH}/publish")
    before = in_force()
    author.post(f"{PATH}", FIELDS | {"1-name": "新官网", "do": "submit"})
    platform.lay(CREATE, as_json(errcode=40054, errmsg="invalid sub button url domain"))

    answer = reviewer.post(f"{PATH}/publish")

    assert answer.status_code == 422
    assert "二级菜单链接的域名不被接受" in words_of(answer)
    assert "40054" in words_of(answer)
    assert in_force().version == before.version
    assert newest().state == "submitted"


def test_silence_of_the_platform_publishes_nothing_and_says_that_it_is_unclear(
    author: Visitor, reviewer: Visitor, platform: FakePlatform
):
    handed_in(author)
    platform.lay(CREATE, (200, b"<html>busy</html>", "text/html"))

    answer = reviewer.post(f"{PATH}/publish")

    assert answer.status_code == 422
    assert "不能确定是否已生效" in words_of(answer)
    assert in_force() is None


def test_a_mistake_is_kept_as_a_draft_and_named_beside_its_place(author: Visitor):
    answer = author.post(PATH, FIELDS | {"1-name": "一二三四五六七", "do": "submit"})

    assert answer.status_code == 422
    assert "名称过长" in words_of(answer)
    assert newest().state == "draft"
    assert newest().content["buttons"][1]["name"] == "一二三四五六七"


def test_items_move_without_a_script(author: Visitor):
    author.post(PATH, FIELDS | {"move": "0.1:up"})
    author.post(PATH, {**FIELDS, "move": "1:up"})

    assert [button["name"] for button in newest().content["buttons"]] == ["官网", "服务"]


def test_two_items_that_say_different_things_never_share_a_key(author: Visitor):
    author.post(
        PATH, FIELDS | {"0.2-name": "地址", "0.2-type": "click", "0.2-action": "text", "0.2-text": "南京路 1 号"}
    )

    items = newest().content["buttons"][0]["sub_button"]
    texts = [newest().content["actions"][item["key"]]["text"] for item in items]
    assert texts == ["", "每天 9 点到 18 点", "南京路 1 号"]


def test_a_refused_version_goes_back_with_its_reason_and_an_old_one_can_come_back(author: Visitor, reviewer: Visitor):
    handed_in(author)
    reviewer.post(f"{PATH}/publish")
    author.post(PATH, FIELDS | {"1-name": "新官网", "do": "submit"})

    reviewer.post(f"{PATH}/reject", {"reason": "官网还没有改版"})
    author.post(f"{PATH}/restore/1")

    assert "官网还没有改版" in words_of(author.get(PATH))
    assert (newest().state, newest().restored_from) == ("draft", 1)
    assert newest().content["buttons"][1]["name"] == "官网"


def test_a_menu_changed_in_the_console_raises_an_alert_until_it_is_ours_again(
    app: Flask, author: Visitor, reviewer: Visitor, platform: FakePlatform
):
    handed_in(author)
    reviewer.post(f"{PATH}/publish")
    platform.lay(
        TELL, as_json(is_menu_open=1, selfmenu_info={"button": [{"name": "别的", "type": "text", "value": "x"}]})
    )
    tomorrow = utcnow() + timedelta(days=1, minutes=1)

    watching.check_menus(now=tomorrow)

    with reading() as session:
        (alert,) = alerts.of_kind(session, menus.DRIFTED)
    assert alert.scope == "wechat:main"
    assert "粉丝看到的菜单与已发布的不一致" in words_of(author.get(PATH))

    platform.lay(TELL, as_json(menu={"button": sent(platform, "menu/create")[0]["button"]}))
    watching.check_menus(now=tomorrow + timedelta(days=1, minutes=1))

    with reading() as session:
        assert list(alerts.of_kind(session, menus.DRIFTED)) == []


def test_a_menu_is_compared_once_a_day_and_sooner_after_silence(
    author: Visitor, reviewer: Visitor, platform: FakePlatform
):
    handed_in(author)
    reviewer.post(f"{PATH}/publish")
    platform.lay(TELL, (502, b"", "text/html"))
    tomorrow = utcnow() + timedelta(days=1, minutes=1)

    for minutes in (0, 10, 70):
        watching.check_menus(now=tomorrow + timedelta(minutes=minutes))

    assert len(platform.asked(TELL)) == 2


def test_the_menu_of_the_console_is_imported_as_a_draft(author: Visitor, platform: FakePlatform):
    console = {"button": [{"name": "营业时间", "type": "text", "value": "每天 9 点到 18 点"}]}
    platform.lay(TELL, as_json(is_menu_open=1, selfmenu_info=console))

    author.post(f"{PATH}/import")

    assert newest().state == "draft"
    assert "每天 9 点到 18 点" in [row["text"] for row in newest().content["actions"].values()]


def test_an_account_without_the_right_says_so_and_publishes_nothing(app: Flask, desk: Desk):
    with platform_behind(app, certified=False):
        page = visitor(app, desk.person("boss", "admin", "QGB")).get(PATH)

    assert "平台不允许通过接口发布菜单" in words_of(page)
    assert "导入平台菜单" not in words_of(page)
