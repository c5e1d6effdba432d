"""Promises of the pages for people, departments, accounts and one's own password."""

import re

from flask import Flask
from sqlalchemy import select

from service import credentials
from service.audit import Event
from service.channels.wechat import accounts
from service.database import reading, transaction
from service.people import Role, User
from tests.factories import PASSWORD, Desk
from tests.page_rig import Visitor, visitor, words_of

NEW = "another-horse-8"
PERSON = {"username": "lin", "name": "林小雨", "department": "KFB", "roles": ["agent"], "password": NEW}
ACCOUNT = {
    "slug": "shop",
    "name": "示例商城",
    "original_id": "gh_0123456789ab",
    "app_id": "wx0123456789abcdef",
    "app_secret": "0123456789abcdef",
    "token": "tok3n",
    "aes_key": "k" * 43,
    "mode": "safe",
    "kind": "service",
    "certified": "y",
    "active": "y",
}


def administrator(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("boss", "admin", "QGB"))


def actions() -> list[str]:
    """What the audit trail holds beside tickets."""
    with reading() as session:
        return list(session.scalars(select(Event.action).where(Event.ticket_id.is_(None)).order_by(Event.id)))


def found(username: str) -> User:
    """The person as they stand in the database."""
    with reading() as session:
        session.expire_all()
        user = credentials.get_user(session, username)
        session.expunge(user)
    return user


def test_a_person_who_was_added_can_sign_in(app: Flask, desk: Desk):
    answer = administrator(app, desk).post("/admin/people/new", PERSON)

    assert answer.status_code == 303
    assert Visitor(app).sign_in("lin", NEW).status_code == 302
    assert actions() == ["person_added"]


def test_a_weak_initial_password_is_refused_beside_its_field(app: Flask, desk: Desk):
    answer = administrator(app, desk).post("/admin/people/new", PERSON | {"password": "1111111111"})

    assert answer.status_code == 422
    assert "太容易被猜到" in words_of(answer)
    assert actions() == []


def test_a_person_gets_other_roles_and_the_change_is_on_record(app: Flask, desk: Desk):
    user = desk.person("zhang")
    boss = administrator(app, desk)

    boss.post(f"/admin/people/{user.id}", {"name": "张三", "department": "QGB", "roles": ["agent", "follow_up_agent"]})

    after = found("zhang")
    assert (after.name, after.department.code, after.roles) == ("张三", "QGB", ["agent", "follow_up_agent"])
    with reading() as session:
        event = session.scalars(select(Event).where(Event.action == "person_changed")).one()
    assert (event.actor, event.before["roles"], event.after["about"]) == ("boss", ["agent"], "zhang")


def test_the_last_administrator_can_neither_be_disabled_nor_lose_the_role(app: Flask, desk: Desk):
    boss = administrator(app, desk)
    user = found("boss")

    disabled = boss.post(f"/admin/people/{user.id}/disable")
    demoted = boss.post(f"/admin/people/{user.id}", {"name": "老板", "department": "QGB", "roles": ["agent"]})

    assert (disabled.status_code, demoted.status_code) == (422, 422)
    assert "最后一名系统管理员" in words_of(disabled)
    assert "最后一名系统管理员" in words_of(demoted)
    assert found("boss").active
    assert found("boss").roles == [Role.ADMIN]


def test_whoever_is_disabled_is_out_at_once_and_may_come_back(app: Flask, desk: Desk):
    user = desk.person("zhang")
    person, boss = visitor(app, user), administrator(app, desk)

    boss.post(f"/admin/people/{user.id}/disable")
    assert person.get("/profile").status_code == 302
    assert Visitor(app).sign_in("zhang").status_code == 401

    boss.post(f"/admin/people/{user.id}/enable")
    assert Visitor(app).sign_in("zhang").status_code == 302


def test_a_reset_password_replaces_the_old_one(app: Flask, desk: Desk):
    user = desk.person("zhang")
    person = visitor(app, user)

    administrator(app, desk).post(f"/admin/people/{user.id}/password", {"password": NEW})

    assert person.get("/profile").status_code == 302
    assert Visitor(app).sign_in("zhang").status_code == 401
    assert Visitor(app).sign_in("zhang", NEW).status_code == 302


def test_an_api_token_is_shown_once_works_and_can_be_revoked(app: Flask, desk: Desk):
    user = desk.person("zhang")
    boss = administrator(app, desk)

    page = boss.post(f"/admin/people/{user.id}/tokens")
    token = re.search(r"<code>(gd_[\w-]{20,})</code>", page.text)[1]  # type: ignore[index]

    assert token not in boss.get(f"/admin/people/{user.id}").text
    call = app.test_client()
    assert call.get("/api/v1/tickets", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    with reading() as session:
        token_id = credentials.tokens(session)[0].id
    boss.post(f"/admin/tokens/{token_id}/revoke")
    assert call.get("/api/v1/tickets", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert actions() == ["token_issued", "token_revoked"]


def test_a_department_can_be_renamed_but_the_intake_stays_open(app: Flask, desk: Desk):
    boss = administrator(app, desk)

    boss.post("/admin/departments/CWB", {"name_zh": "财务中心", "name_en": "Finance", "active": "y"})
    refused = boss.post("/admin/departments/QGB", {"name_zh": "企管部", "name_en": "Management office"})
    boss.post("/admin/departments/CWB", {"name_zh": "财务部", "name_en": "Finance", "active": "y"})

    assert refused.status_code == 422
    assert actions() == ["department_changed", "department_changed"]


def test_an_account_is_added_and_its_secrets_are_never_shown(app: Flask, desk: Desk):
    boss = administrator(app, desk)

    assert boss.post("/admin/accounts/new", ACCOUNT).status_code == 303

    pages = boss.get("/admin/accounts").text + boss.get("/admin/accounts/shop").text
    assert "/wechat/shop" in pages
    for secret in ("app_secret", "token", "aes_key"):
        assert f'"{ACCOUNT[secret]}"' not in pages


def test_an_empty_secret_stays_as_it_is(app: Flask, desk: Desk):
    boss = administrator(app, desk)
    boss.post("/admin/accounts/new", ACCOUNT)

    fields = {**ACCOUNT, "name": "新名字", "app_secret": "", "token": "", "aes_key": ""}
    assert boss.post("/admin/accounts/shop", fields).status_code == 303

    with reading() as session:
        row = accounts.get_row(session, "shop")
        assert (row.name, row.app_secret, row.token) == ("新名字", ACCOUNT["app_secret"], ACCOUNT["token"])
        event = session.scalars(select(Event).where(Event.action == "account_changed")).one()
    assert event.after == {"about": "shop", "name": "新名字"}


def test_a_wrong_original_id_is_explained_beside_its_field(app: Flask, desk: Desk):
    answer = administrator(app, desk).post("/admin/accounts/new", ACCOUNT | {"original_id": "示例"})

    assert answer.status_code == 422
    assert "以 gh_ 开头" in words_of(answer)


def test_an_account_that_was_halted_says_why_and_goes_on_by_a_click(app: Flask, desk: Desk):
    boss = administrator(app, desk)
    boss.post("/admin/accounts/new", ACCOUNT)
    with transaction() as session:
        accounts.halt(session, "shop", "IP 不在白名单")

    assert "IP 不在白名单" in words_of(boss.get("/admin/accounts"))
    boss.post("/admin/accounts/shop/resume")

    assert "IP 不在白名单" not in words_of(boss.get("/admin/accounts"))


def test_my_own_new_password_ends_my_other_sessions_only(app: Flask, desk: Desk):
    user = desk.person("zhang")
    here, elsewhere = visitor(app, user), visitor(app, user)

    answer = here.post("/profile/password", {"current": PASSWORD, "password": NEW, "again": NEW})

    assert answer.status_code == 303
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302


def test_my_password_does_not_change_without_the_current_one(app: Flask, desk: Desk):
    desk.person("zhang")
    person = visitor(app, found("zhang"))

    answer = person.post("/profile/password", {"current": "guess-horse-9", "password": NEW, "again": NEW})

    assert answer.status_code == 422
    assert "当前密码不正确" in words_of(answer)
    assert Visitor(app).sign_in("zhang").status_code == 302
