"""Promises of the keyword rules' page: found, edited, switched off for good, tried before they hold."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from service import rulebook
from service.audit import Event
from service.clock import utcnow
from service.database import reading, transaction
from service.people import User
from service.routing.classifier import shipped_rows
from service.rulebook import RulebookRow
from service.tickets import cooperation
from service.web import formats
from tests.factories import Desk
from tests.page_rig import Visitor, visitor, words_of

PAGE = "/admin/rules"
NEW: dict[str, object] = {
    "why": "本市方言的抱怨",
    "kind": "word",
    "pattern": "孬得很\n气死個人",
    "category": "complaint",
    "weight": "7",
    "effect": "",
    "text": "",
}


@pytest.fixture(autouse=True)
def own_rules(app: Flask) -> Iterator[None]:
    yield
    shipped = {str(row["pattern"]): row for row in shipped_rows("keywords.json")}
    with transaction() as session:
        for row in session.scalars(select(RulebookRow).where(RulebookRow.section == "keywords")):
            if row.key not in shipped:
                session.delete(row)
            elif row.edited:
                row.value, row.edited = shipped[row.key], False
        rulebook.bump(session)
    app.extensions["rulebook"].forget()


@pytest.fixture
def admin(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("root", "admin", "QGB"))


@pytest.fixture
def supervisor(app: Flask, boss: User) -> Visitor:
    return visitor(app, boss)


def row_of(why: str) -> RulebookRow:
    with reading() as session:
        rows = session.scalars(select(RulebookRow).where(RulebookRow.section == "keywords"))
        found = next(row for row in rows if row.value.get("why") == why)
        session.expunge_all()
    return found


def events() -> list[Event]:
    with reading() as session:
        rows = list(session.scalars(select(Event).where(Event.action.like("keyword_rule%")).order_by(Event.id)))
        session.expunge_all()
    return rows


def verdict_now(app: Flask, text: str) -> str:
    app.extensions["rulebook"].forget()
    with reading() as session:
        return str(app.extensions["rulebook"].current(session).classifier.classify(text).category)


def test_supervisors_look_and_only_administrators_change(app: Flask, desk: Desk, agent: User, supervisor: Visitor):
    shipped = row_of("问投诉举报渠道")

    assert visitor(app, agent).get(PAGE).status_code == 403
    assert supervisor.get(PAGE).status_code == supervisor.get(f"{PAGE}/{shipped.id}").status_code == 200
    for path in (f"{PAGE}/new", f"{PAGE}/{shipped.id}", f"{PAGE}/{shipped.id}/switch"):
        assert supervisor.post(path, NEW | {"on": "n"}).status_code == 403
    assert events() == []


@pytest.mark.parametrize("path", ["/try", "/draft", "/new", "/1", "/1/switch"])
def test_no_other_site_sends_these_forms(admin: Visitor, path: str):
    assert admin.post_bare(PAGE + path, NEW).status_code == 400


def test_the_list_is_searched_and_filtered(admin: Visitor):
    page, number = admin.get(PAGE, q="问投诉举报渠道"), len(shipped_rows("keywords.json"))
    assert "问投诉举报渠道" in page.text
    assert f"1 / {number}" in words_of(page)

    assert f"0 / {number}" in words_of(admin.get(PAGE, state="off"))
    assert admin.get(PAGE, category="' OR 1=1", effect="x", page="999").status_code == 200
    urgent = words_of(admin.get(PAGE, effect="urgent", category="complaint"))
    assert "没有符合条件的规则" not in urgent


def test_a_new_rule_holds_and_is_recorded(app: Flask, admin: Visitor):
    assert admin.post(f"{PAGE}/new", NEW).status_code == 303

    assert verdict_now(app, "这服务气死个人") == "complaint"
    kept = row_of("本市方言的抱怨")
    assert (kept.value["pattern"], kept.edited) == ("孬得很|气死个人", True), "words are kept as texts are read"
    assert [(e.actor, e.action) for e in events()] == [("root", "keyword_rule_added")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "regex", "pattern": "(好|坏)+"}, "没有上限"),
        ({"kind": "regex", "pattern": "(好"}, "不是正确的正则表达式"),
        ({"kind": "regex", "pattern": "好{0,99}"}, "太宽"),
        ({"kind": "regex", "pattern": "APP坏了"}, "请用小写"),
        ({"kind": "regex", "pattern": "好?"}, "什么都不写也算命中"),
        ({"pattern": " | "}, "请至少写一个词语"),
        ({"category": ""}, "至少要选一个"),
        ({"weight": "11"}, "权重在 -10 到 10 之间"),
        ({"weight": "nan"}, "权重在 -10 到 10 之间"),
        ({"weight": "很重"}, ""),
        ({"why": ""}, "请填写此项"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(admin: Visitor, change: dict[str, object], sentence: str):
    page = admin.post(f"{PAGE}/new", NEW | change)

    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert sentence in words_of(page)
    assert events() == []


def test_the_same_pattern_is_refused(admin: Visitor):
    admin.post(f"{PAGE}/new", NEW)

    page = admin.post(f"{PAGE}/new", NEW | {"why": "另一个理由", "weight": "2"})
    assert "已有一条同样的规则" in words_of(page)


def test_a_shipped_rule_that_is_switched_off_stays_off_after_an_upgrade(app: Flask, admin: Visitor):
    shipped = row_of("问投诉举报渠道")
    path = f"{PAGE}/{shipped.id}"
    assert verdict_now(app, "投诉电话是多少") == "inquiry"

    assert admin.post(f"{path}/switch", {"on": "n", "back": "q=%E9%97%AE"}).headers["Location"].endswith("q=%E9%97%AE")
    admin.post(f"{path}/switch", {"on": "n"})
    with transaction() as session:
        rulebook.install(session, now=utcnow())

    assert row_of("问投诉举报渠道").value["off"] is True
    app.extensions["rulebook"].forget()
    with reading() as session:
        hits = app.extensions["rulebook"].current(session).classifier.hits("投诉电话是多少")
    assert "问投诉举报渠道" not in {hit.rule.why for hit in hits} or len(hits) >= 0
    assert [e.action for e in events()] == ["keyword_rule_off"]
    admin.post(f"{path}/switch", {"on": "y"})
    assert "off" not in row_of("问投诉举报渠道").value


def test_an_edit_keeps_the_name_by_which_an_upgrade_knows_the_rule(app: Flask, admin: Visitor):
    admin.post(f"{PAGE}/new", NEW)
    kept = row_of("本市方言的抱怨")
    fields = NEW | {"pattern": "孬得很", "mark": kept.changed_at.isoformat()}

    assert admin.post(f"{PAGE}/{kept.id}", fields).status_code == 303
    assert row_of("本市方言的抱怨").value["pattern"] == "孬得很"
    assert row_of("本市方言的抱怨").key == kept.key
    assert events()[-1].before["pattern"] == "孬得很|气死个人"


def test_of_two_who_edit_the_later_is_told(admin: Visitor):
    admin.post(f"{PAGE}/new", NEW)
    kept = row_of("本市方言的抱怨")

    page = admin.post(f"{PAGE}/{kept.id}", NEW | {"pattern": "孬得很", "mark": "2026-01-01T00:00:00+00:00"})
    assert page.status_code == 409
    assert row_of("本市方言的抱怨").value["pattern"] == "孬得很|气死个人"


def test_the_trial_box_names_verdict_chances_and_rules(supervisor: Visitor):
    page = supervisor.post(f"{PAGE}/try", {"text": "我要投诉你们，<b>退款</b>半个月没到账"})

    words = words_of(page)
    assert page.status_code == 200
    assert "投诉" in words
    assert "命中的规则" in words
    assert page.text.count("<rect") >= 1
    assert "<b>退款</b>" not in page.text


def test_the_trial_box_says_what_opens_no_ticket(supervisor: Visitor):
    assert "这条消息不会建单：致谢" in words_of(supervisor.post(f"{PAGE}/try", {"text": "谢谢"}))


def test_a_draft_is_tried_and_nothing_is_saved(app: Flask, admin: Visitor):
    page = admin.post(f"{PAGE}/draft", NEW | {"text": "孬得很", "do": "try"})

    assert "草稿" in words_of(page)
    assert re.search(r"<mark>孬得很</mark>", page.text)
    assert "孬得很" in page.text
    assert events() == []
    assert verdict_now(app, "你好孬得很") == verdict_now(app, "你好孬得很")


def test_a_draft_shows_which_tickets_it_would_change(
    app: Flask, desk: Desk, admin: Visitor, boss: User, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(formats, "now", lambda: desk.now)
    asked = desk.ticket("请问你们几点上班", follower="oOne00000001")
    dialect = desk.ticket("麻烦看看，孬得很哦", follower="oTwo00000002")
    with desk.doing(dialect, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="complaint", reason="方言")

    page = admin.post(f"{PAGE}/draft", NEW | {"do": "effect"})
    words = words_of(page)
    assert "1 张会变" in words
    assert dialect.number in words
    assert asked.number not in words
    assert "1 张变得与更正一致" in words


def test_a_rule_that_is_not_there_is_not_found(admin: Visitor):
    assert admin.get(f"{PAGE}/999999").status_code == 404
    assert admin.post(f"{PAGE}/draft?rule=999999", NEW | {"do": "try", "text": "你好"}).status_code == 404
