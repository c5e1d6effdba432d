"""Promises about who gets in to followers' pages: by the platform's word alone, once, in the browser that asked."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from service.channels.wechat.oauth import OAuthVisit
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging.followers import Follower
from tests.factories import Desk
from tests.portal_rig import (
    EXCHANGE,
    Phone,
    add_account,
    desk_of_today,
    lay_identity,
    platform_beside,
    query_of,
    words_of,
)
from tests.wechat_fakes import APP_ID, FakePlatform, as_json


@pytest.fixture
def platform(app: Flask) -> Iterator[FakePlatform]:
    add_account()
    with platform_beside(app) as made:
        lay_identity(made)
        yield made


@pytest.fixture
def desk(app: Flask) -> Desk:
    return desk_of_today(app)


def age_of_visits(length: timedelta) -> None:
    """Let everything have happened so much earlier."""
    with transaction() as session:
        for visit in session.scalars(select(OAuthVisit)).all():
            visit.begun_at -= length
            if visit.used_at is not None:
                visit.used_at -= length


def test_a_follower_comes_in_without_a_tap_and_stands_where_they_wanted(app: Flask, desk: Desk, platform: FakePlatform):
    ticket = desk.ticket("水管漏水了")
    phone = Phone(app)

    back = phone.sign_in(f"/my/main/{ticket.number}")

    assert (back.status_code, back.location) == (303, f"/my/main/{ticket.number}")
    assert "水管漏水了" in words_of(phone.get(back.location))


def test_the_authorize_address_has_the_order_that_the_platform_checks(app: Flask):
    add_account()

    sent = Phone(app).get("/my/main/")

    query = "&redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Fmy%2Fmain%2Fcallback&response_type=code&scope=snsapi_base"
    begin = f"https://open.weixin.qq.com/connect/oauth2/authorize?appid={APP_ID}{query}&state="
    assert sent.status_code == 302
    assert sent.location.startswith(begin)
    assert sent.location.endswith("#wechat_redirect")
    state = query_of(sent.location)["state"]
    assert state.isalnum()
    assert 32 <= len(state) <= 128


def test_a_stand_in_for_the_platform_serves_the_authorization_too(app: Flask, platform: FakePlatform):
    sent = Phone(app, agent="Mozilla/5.0 (X11; Linux) Chrome/140").get("/my/main/")

    assert sent.location.startswith(f"{platform.base_url}/connect/oauth2/authorize?appid=")


def test_outside_wechat_the_page_says_where_to_open_it(app: Flask):
    add_account()

    page = Phone(app, agent="Mozilla/5.0 (X11; Linux) Chrome/140").get("/my/main/")

    assert page.status_code == 200
    assert "请在微信里打开" in words_of(page)
    assert 'href="/progress"' in page.text


@pytest.mark.parametrize("kind", [{"certified": False}, {"kind": "subscription"}])
def test_an_account_without_the_right_points_to_the_progress_page(app: Flask, kind: dict[str, object]):
    add_account(**kind)

    page = Phone(app).get("/my/main/")

    assert "请用工单号查询" in words_of(page)
    assert 'href="/progress"' in page.text


def test_an_account_that_is_not_there_is_not_found(app: Flask):
    page = Phone(app).get("/my/nobody/")

    assert page.status_code == 404
    assert "请检查链接是否完整" in words_of(page)


def test_a_state_is_good_once(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    state = phone.begin()["state"]
    phone.come_back(state, "code-1")

    again = phone.come_back(state, "code-2")

    assert again.status_code == 400
    assert "请重新打开" in words_of(again)
    assert len(platform.asked(EXCHANGE)) == 1


def test_the_same_code_loaded_twice_is_exchanged_once(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    state = phone.begin()["state"]

    loads = [phone.come_back(state), phone.come_back(state)]

    assert [load.status_code for load in loads] == [303, 303]
    assert len(platform.asked(EXCHANGE)) == 1


def test_the_same_code_is_old_after_a_minute(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    state = phone.begin()["state"]
    phone.come_back(state)
    age_of_visits(timedelta(seconds=61))

    assert phone.come_back(state).status_code == 400


def test_a_second_load_waits_while_the_first_is_asking(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    state = phone.begin()["state"]
    second = []

    def answer() -> tuple[int, bytes, str]:
        second.append(phone.come_back(state))
        lay_identity(platform)
        return platform.replies[EXCHANGE][0]  # type: ignore[return-value]

    platform.lay(EXCHANGE, answer)
    first = phone.come_back(state)

    assert first.status_code == 303
    assert (second[0].status_code, second[0].headers["Refresh"]) == (200, "1")


def test_a_state_of_another_browser_lets_nobody_in(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    state = Phone(app).begin()["state"]
    victim = Phone(app)
    victim.begin()

    assert victim.come_back(state).status_code == 400
    assert platform.asked(EXCHANGE) == []
    assert victim.get("/my/main/").status_code == 302


def test_a_state_of_another_account_lets_nobody_in(app: Flask, desk: Desk, platform: FakePlatform):
    add_account("second")
    desk.ticket()
    phone = Phone(app)
    state = phone.begin()["state"]
    phone.begin("/my/second/")

    assert phone.come_back(state, slug="second").status_code == 400
    assert platform.asked(EXCHANGE) == []


def test_a_state_grows_old(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    state = phone.begin()["state"]
    age_of_visits(timedelta(minutes=11))

    assert phone.come_back(state).status_code == 400


@pytest.mark.parametrize("query", ["", "?code=x", "?state=abc", "?code=x&state=abc", "?code=" + "x" * 600 + "&state=a"])
def test_a_callback_that_nobody_asked_for_is_refused_kindly(app: Flask, platform: FakePlatform, query: str):
    page = Phone(app).get(f"/my/main/callback{query}")

    assert page.status_code == 400
    assert "再来一次" in words_of(page)


@pytest.mark.parametrize("code", [40029, 40163])
def test_a_code_that_the_platform_refuses_leads_to_another_try(
    app: Flask, desk: Desk, platform: FakePlatform, code: int
):
    ticket = desk.ticket()
    platform.lay(EXCHANGE, as_json(errcode=code, errmsg="code refused, rid: 1-2-3"))

    page = Phone(app).sign_in(f"/my/main/{ticket.number}")

    assert page.status_code == 400
    assert f'href="/my/main/{ticket.number}"' in page.text


def test_a_platform_that_fails_is_said_to_be_away(app: Flask, desk: Desk, platform: FakePlatform):
    platform.lay(EXCHANGE, (502, b"<html>bad gateway</html>", "text/html"))

    page = Phone(app).sign_in()

    assert page.status_code == 503
    assert "微信暂时没有回应" in words_of(page)


def test_the_preview_mode_shows_no_tickets(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket("我家的门坏了")
    lay_identity(platform, is_snapshotuser=1)
    phone = Phone(app)

    page = phone.sign_in()

    assert page.status_code == 403
    assert "使用完整服务" in words_of(page)
    assert phone.get("/my/main/").status_code == 302


def test_somebody_who_never_wrote_has_nothing_and_is_not_kept(app: Flask, platform: FakePlatform):
    page = Phone(app).sign_in()

    assert "您还没有留言" in words_of(page)
    with reading() as session:
        assert session.scalars(select(Follower)).all() == []


def test_the_address_of_a_ticket_lets_nobody_in(app: Flask, desk: Desk, platform: FakePlatform):
    ticket = desk.ticket("这是私事")
    owner, other = Phone(app), Phone(app)
    owner.sign_in()

    page = other.get(f"/my/main/{ticket.number}")

    assert page.status_code == 302
    assert "这是私事" not in page.text


def test_a_session_is_good_for_its_account_alone(app: Flask, desk: Desk, platform: FakePlatform):
    add_account("second")
    desk.ticket()
    phone = Phone(app)
    phone.sign_in()
    cookie = phone.client.get_cookie("gongdan_follower", path="/my/main/")
    assert cookie is not None
    phone.client.set_cookie("gongdan_follower", cookie.value, path="/my/second/")

    assert phone.get("/my/second/").status_code == 302


def test_the_session_is_kept_from_scripts_and_from_other_sites(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    back = Phone(app).sign_in()

    cookie = next(c for c in back.headers.getlist("Set-Cookie") if c.startswith("gongdan_follower="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/my/main/", "Max-Age=43200"} <= set(cookie.split("; "))


@pytest.mark.parametrize("cookie", ["", "1", "eyJ.forged.signature", "null"])
def test_a_made_up_session_is_none(app: Flask, desk: Desk, platform: FakePlatform, cookie: str):
    desk.ticket()
    phone = Phone(app)
    phone.client.set_cookie("gongdan_follower", cookie, path="/my/main/")

    assert phone.get("/my/main/").status_code == 302


def test_a_session_before_signing_in_is_not_the_one_after(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    phone.client.set_cookie("gongdan_follower", "planted-by-somebody", path="/my/main/")
    phone.sign_in()

    cookie = phone.client.get_cookie("gongdan_follower", path="/my/main/")
    assert cookie is not None
    assert cookie.value != "planted-by-somebody"


def test_erasure_ends_the_session_and_the_platform_may_begin_another(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    phone.sign_in()
    with transaction() as session:
        session.execute(update(Follower).values(erased_at=utcnow() + timedelta(seconds=1)))
    assert phone.get("/my/main/").status_code == 302
    with transaction() as session:
        session.execute(update(Follower).values(erased_at=utcnow() - timedelta(hours=1)))

    later = Phone(app)
    later.sign_in(code="code-2")

    assert later.get("/my/main/").status_code == 200


def test_staff_are_no_followers(app: Flask, desk: Desk, platform: FakePlatform):
    user = desk.person("zhang", "admin")
    phone = Phone(app)
    with phone.client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = user.get_id(), True

    assert phone.get("/my/main/").status_code == 302


def test_old_visits_are_swept_away(app: Flask, desk: Desk, platform: FakePlatform):
    Phone(app).begin()
    age_of_visits(timedelta(hours=2))

    Phone(app).begin()

    with reading() as session:
        assert len(session.scalars(select(OAuthVisit)).all()) == 1


def test_no_search_engine_keeps_these_pages(app: Flask, desk: Desk, platform: FakePlatform):
    desk.ticket()
    phone = Phone(app)
    phone.sign_in()

    page = phone.get("/my/main/")

    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_no_log_names_a_code_a_secret_or_an_openid(
    app: Flask, desk: Desk, platform: FakePlatform, caplog: pytest.LogCaptureFixture
):
    desk.ticket()
    platform.lay(EXCHANGE, as_json(errcode=40163, errmsg="code been used"))

    Phone(app).sign_in(code="0a1b2c3d4e5f")

    assert "0a1b2c3d4e5f" not in caplog.text
    assert "secretOfTheTests" not in caplog.text
