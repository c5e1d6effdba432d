"""Promises about followers: what is known of them, who may see it, and who may note something."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service.audit import Event
from service.channels.wechat import watching
from service.clock import utcnow
from service.database import reading
from service.messaging import profiles
from service.people import User
from tests.account_rig import platform_behind, sent
from tests.factories import COMPLAINT, Caller, Desk
from tests.follower_rig import OPENID, follows, knowing_platform, known
from tests.page_rig import Visitor, visitor, words_of
from tests.wechat_fakes import FakePlatform, as_json

INFO = "/cgi-bin/user/info/batchget"


@pytest.fixture
def desk(now_desk: Desk) -> Desk:
    return now_desk


@pytest.fixture
def platform(app: Flask) -> Iterator[FakePlatform]:
    with knowing_platform(app) as running:
        yield running


def lay_profile(platform: FakePlatform, **more: object) -> None:
    row = {"subscribe": 1, "openid": OPENID, "subscribe_time": 1795013600, "remark": "", "tagid_list": [], **more}
    platform.lay(INFO, as_json(user_info_list=[row]))


# ---- what the platform tells


def test_a_new_follower_s_profile_is_read_by_a_job_as_far_as_it_goes(desk: Desk, platform: FakePlatform):
    follows(desk)
    more = {"unionid": "oUnion1", "subscribe_scene": "ADD_SCENE_QR_CODE", "qr_scene_str": "src_store_12"}
    lay_profile(platform, nickname="", remark="十二号楼王女士", tagid_list=[101], **more)

    watching.read_profiles(now=utcnow())

    found = known()
    assert (found.remark, found.tags, found.union_id) == ("十二号楼王女士", ["业主"], "oUnion1")
    assert (found.subscribe_scene, found.first_source) == ("ADD_SCENE_QR_CODE", "src_store_12")
    assert found.subscribed_at == datetime.fromtimestamp(1795013600, UTC)
    assert found.profile_due_at is None


def test_whoever_only_writes_is_asked_about_too_and_a_page_of_a_hundred_at_a_time(desk: Desk, platform: FakePlatform):
    for number in range(101):
        desk.says("你好", follower=f"oWriter{number:04}")
    platform.lay(INFO, as_json(user_info_list=[]))

    watching.read_profiles(now=utcnow())

    asked = [len(body["user_list"]) for body in sent(platform, "user/info/batchget")]
    assert asked == [100, 1]


def test_one_follower_whom_the_platform_does_not_know_spoils_nobody_else_s_profile(desk: Desk, platform: FakePlatform):
    for name in ("oGone", OPENID):
        desk.says("你好", follower=name)

    def answer():
        named = json.loads(platform.asked(INFO)[-1][1])["user_list"]
        if {"openid": "oGone", "lang": "zh_CN"} in named:
            return as_json(errcode=40003, errmsg="invalid openid")
        return as_json(user_info_list=[{"subscribe": 1, "openid": OPENID, "remark": "老王", "tagid_list": []}])

    platform.lay(INFO, answer)
    watching.read_profiles(now=utcnow())

    assert known().remark == "老王"
    assert known("oGone").profile_due_at is None


def test_while_the_platform_is_silent_profiles_wait_an_hour(desk: Desk, platform: FakePlatform):
    follows(desk)
    platform.lay(INFO, (502, b"", "text/html"))
    now = utcnow()

    watching.read_profiles(now=now)
    watching.read_profiles(now=now + timedelta(minutes=30))

    assert len(platform.asked(INFO)) == 1
    assert known().profile_due_at == now + watching.AGAIN


def test_an_account_that_is_told_nothing_asks_nothing(app: Flask, desk: Desk):
    follows(desk)
    with platform_behind(app, certified=False) as platform:
        watching.read_profiles(now=utcnow())

    assert platform.asked(INFO) == []
    assert known().profile_due_at is None


def test_without_a_remark_a_follower_goes_by_the_last_four_characters(desk: Desk):
    follows(desk)

    assert known().display_name == "微信用户·7f3a"


# ---- what staff do


@pytest.fixture
def person(app: Flask, boss: User) -> Visitor:
    return visitor(app, boss)


def test_a_follower_s_page_says_the_last_four_characters_once_and_shows_where_one_is(desk: Desk, person: Visitor):
    follower = desk.ticket("停水了").follower

    page = person.get(f"/followers/{follower.id}").text

    assert page.count(f"·{OPENID[-4:]}</span>") == 0
    assert re.search(r'href="/followers" aria-current="page"', page)


def test_a_remark_is_pushed_before_it_is_kept(desk: Desk, person: Visitor, platform: FakePlatform):
    desk.ticket(follower=OPENID)

    person.post(f"/followers/{known().id}/remark", {"remark": "王女士"})

    assert sent(platform, "user/info/updateremark") == [{"openid": OPENID, "remark": "王女士"}]
    assert known().remark == "王女士"


def test_a_remark_that_the_platform_refuses_changes_nothing(desk: Desk, person: Visitor, platform: FakePlatform):
    desk.ticket(follower=OPENID)
    platform.lay("/cgi-bin/user/info/updateremark", as_json(errcode=40003, errmsg="invalid openid"))

    answer = person.post(f"/followers/{known().id}/remark", {"remark": "王女士"})

    assert answer.status_code == 422
    assert "不属于这个公众号" in words_of(answer)
    assert known().remark is None


@pytest.mark.parametrize(("remark", "status"), [("字" * 9 + "xx", 303), ("字" * 10, 422)])
def test_a_remark_has_29_bytes_at_most(desk: Desk, person: Visitor, platform: FakePlatform, remark: str, status: int):
    desk.ticket(follower=OPENID)

    assert person.post(f"/followers/{known().id}/remark", {"remark": remark}).status_code == status


def test_a_subscription_account_keeps_remarks_to_itself(app: Flask, desk: Desk, person: Visitor):
    desk.ticket(follower=OPENID)
    with platform_behind(app, kind="subscription") as platform:
        person.post(f"/followers/{known().id}/remark", {"remark": "王女士"})

    assert platform.asked("/cgi-bin/user/info/updateremark") == []
    assert known().remark == "王女士"


def test_a_tag_is_made_where_there_is_none_given_and_taken_away(desk: Desk, person: Visitor, platform: FakePlatform):
    desk.ticket(follower=OPENID)
    platform.lay("/cgi-bin/tags/create", as_json(tag={"id": 102, "name": "重点"}))
    path = f"/followers/{known().id}"

    person.post(f"{path}/tags", {"tags": "业主，重点"})
    person.post(f"{path}/untag", {"tag": "业主"})

    tagged = [body["tagid"] for body in sent(platform, "tags/members/batchtagging")]
    untagged = [body["tagid"] for body in sent(platform, "tags/members/batchuntagging")]
    assert (tagged, untagged) == ([101, 102], [101])
    assert known().tags == ["重点"]


def test_too_many_tags_are_explained_and_the_profile_is_read_again(desk: Desk, person: Visitor, platform: FakePlatform):
    desk.ticket(follower=OPENID)
    platform.lay("/cgi-bin/tags/members/batchtagging", as_json(errcode=45059, errmsg="max 20 tags per user"))

    answer = person.post(f"/followers/{known().id}/tags", {"tags": "业主"})

    assert "已有 20 个标签" in words_of(answer)
    assert known().tags is None
    assert known().profile_due_at is not None


def test_a_blocked_follower_s_words_are_kept_and_open_nothing(desk: Desk, person: Visitor, platform: FakePlatform):
    desk.says("你好", follower=OPENID)
    path = f"/followers/{known().id}"

    assert person.post(f"{path}/block", {"reason": " "}).status_code == 422
    person.post(f"{path}/block", {"reason": "反复发送广告"})
    reply = desk.says(COMPLAINT, follower=OPENID)

    assert reply == ""
    assert known().open_ticket_id is None
    assert COMPLAINT in person.get(path).text
    assert sent(platform, "tags/members/batchblacklist") == [{"openid_list": [OPENID]}]
    with reading() as session:
        event = session.scalars(select(Event).where(Event.action == "follower_blocked")).one()
    assert (event.actor, event.because) == ("boss", "反复发送广告")


def test_our_block_holds_although_the_platform_refuses_its_own(desk: Desk, person: Visitor, platform: FakePlatform):
    desk.says("你好", follower=OPENID)
    platform.lay("/cgi-bin/tags/members/batchblacklist", as_json(errcode=49003, errmsg="not match openid"))

    person.post(f"/followers/{known().id}/block", {"reason": "反复发送广告"})

    assert known().blocked_at is not None
    assert "微信平台没有接受" in words_of(person.get(f"/followers/{known().id}"))


def test_an_agent_may_look_and_not_manage(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket(COMPLAINT, follower=OPENID)
    agent = visitor(app, desk.person("zhang", "agent", "KFB"))
    path = f"/followers/{known().id}"

    assert agent.get(path).status_code == 200
    assert "拉黑" not in words_of(agent.get(path))
    for act in ("remark", "tags", "untag", "block", "unblock"):
        assert agent.post(f"{path}/{act}", {"remark": "x", "tags": "x", "reason": "x"}).status_code == 403


def test_a_follower_is_found_by_remark_tag_and_last_four_by_whoever_may_see_them(
    app: Flask, desk: Desk, person: Visitor, platform: FakePlatform
):
    desk.ticket(COMPLAINT, follower=OPENID)
    desk.says("你好", follower="oSomebodyElse0000000000001111")
    path = f"/followers/{known().id}"
    person.post(f"{path}/remark", {"remark": "王女士"})
    person.post(f"{path}/tags", {"tags": "业主"})
    with reading() as session:
        (tag,) = profiles.tags_of(session, "wechat:main")
    stranger = visitor(app, desk.person("li", "agent", "CWB"))

    for query in ({"q": "王女"}, {"q": "7f3a"}, {"q": "微信用户·7f3a"}, {"q": OPENID}, {"tag": tag.id}):
        page = person.get("/followers", **query)
        assert path in page.text, query
        assert "1111" not in page.text, query
        assert path not in stranger.get("/followers", **query).text, query
    assert path not in person.get("/followers", q="%").text
    assert stranger.get(path).status_code == 404


def test_the_api_shows_and_changes_what_is_known(desk: Desk, boss: User, platform: FakePlatform):
    desk.ticket(COMPLAINT, follower=OPENID)
    caller: Caller = desk.client(boss)
    path = f"/followers/{known().id}"

    caller.post(f"{path}/remark", {"remark": "王女士"})
    caller.post(f"{path}/tags", {"add": ["业主"]})
    blocked = caller.post(f"{path}/block", {"reason": "反复发送广告"})
    body = caller.get(path).json

    assert (body["remark"], body["tags"], body["source"]["first"]) == ("王女士", ["业主"], None)
    assert (blocked.status_code, blocked.json["platform_refusal"]) == (200, "")
    assert body["blocked_at"] is not None
    assert caller.post(f"{path}/block", {"reason": "again"}).status_code == 409
    assert caller.post(f"{path}/remark", {"remark": "字" * 10}).status_code == 422
    assert caller.post(f"{path}/unblock", {"reason": "误拉黑"}).json["blocked_at"] is None
