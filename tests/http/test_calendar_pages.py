"""Promises of the calendar's pages: for administrators only, and nothing is imported before its difference was seen."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import select

from service.audit import Event
from service.database import reading
from service.people import User
from service.web import formats
from tests.calendar_rig import fresh, own_calendar
from tests.factories import Desk
from tests.holidays import off, work, year_2027
from tests.page_rig import Visitor, visitor, words_of

DAY = "/admin/calendar/days/2026-12-31"
SHORT = {"kind": "short", "name": "年终盘点", "hours": "09:00-12:00", "reason": "盘点"}
PAGES = ("/admin/calendar", DAY, "/admin/calendar/hours", "/admin/calendar/import")
FORMS = (DAY, "/admin/calendar/hours", "/admin/calendar/duty", "/admin/calendar/import", "/admin/calendar/import/apply")
WEEK = {"monday": "09:00-12:00, 13:30-18:00", "tuesday": "09:00-12:00", "reason": "试行"}


@pytest.fixture(autouse=True)
def editable(app: Flask) -> Iterator[Flask]:
    with own_calendar(app) as changed:
        yield changed


@pytest.fixture
def boss(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("boss", "admin", "QGB"))


def actions() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(Event.action).where(Event.ticket_id.is_(None)).order_by(Event.id)))


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page, re.DOTALL)
    assert found, name
    return unescape(found[1])


def confirmed(boss: Visitor, content: str) -> dict[str, object]:
    """Look at the difference; what its button then sends."""
    page = boss.post("/admin/calendar/import", {"content": content}).text
    return {"content": hidden(page, "content"), "version": hidden(page, "version"), "reason": "国办通知"}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ["agent", "dept_head", "supervisor", "account_admin", "reviewer"])
def test_only_administrators_see_the_calendar(app: Flask, desk: Desk, role: str, path: str):
    assert visitor(app, desk.person("wang", role)).get(path).status_code == 403


@pytest.mark.parametrize("path", FORMS)
def test_only_administrators_change_it(app: Flask, desk: Desk, path: str):
    assert visitor(app, desk.person("wang", "supervisor")).post(path, SHORT).status_code == 403
    assert actions() == []


@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_another_site_changes_nothing(boss: Visitor, path: str):
    assert boss.post_bare(path, SHORT).status_code == 400
    assert actions() == []


@pytest.mark.parametrize(
    "path",
    [
        "/admin/calendar?year=1800",
        "/admin/calendar?department=NONE",
        "/admin/calendar/days/2026-02-30",
        "/admin/calendar/days/today",
        "/admin/calendar/days/9999-01-01",
        "/admin/calendar/hours?department=NONE",
    ],
)
def test_what_is_not_there_is_not_found(boss: Visitor, path: str):
    assert boss.get(path).status_code == 404


def test_the_year_is_seen_at_a_glance(boss: Visitor):
    page = boss.get("/admin/calendar", year=2026)
    words = words_of(page)

    assert "2026 年： 节假日安排已确认。" in words
    assert "工作日 248 放假 33 调休上班 6" in words
    assert "2026-02-14 周六 · 春节 · 调休上班" in page.text
    assert len(re.findall(r'<a class="day is-', page.text)) == 365


@pytest.mark.parametrize(("year", "sentence"), [(2027, "节假日安排尚未公布"), (2040, "没有这一年的资料")])
def test_a_year_that_is_not_known_says_so(boss: Visitor, year: int, sentence: str):
    assert sentence in words_of(boss.get("/admin/calendar", year=year))


def test_a_half_day_is_set_and_taken_back(app: Flask, boss: Visitor):
    assert boss.post(DAY, SHORT).status_code == 303
    fresh(app)
    page = boss.get("/admin/calendar", year=2026)
    assert "2026-12-31 周四 · 年终盘点 · 半天 · 自己设置的" in page.text
    assert "09:00-12:00" in words_of(boss.get(DAY))

    assert boss.post(DAY, {"kind": "announced", "reason": "取消"}).status_code == 303
    fresh(app)

    assert "年终盘点" not in boss.get("/admin/calendar", year=2026).text
    assert actions() == ["calendar_day_changed"] * 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"hours": ""}, "请填写这半天的时间"),
        ({"hours": "12:00-09:00"}, "请写成 09:00-12:00, 13:30-18:00，先后排列、不重叠"),
        ({"name": ""}, "请填写名称，例如公司成立纪念日"),
        ({"reason": ""}, "请填写此项"),
        ({"kind": ""}, "请选择一项"),
        ({"reason": "a\0b"}, "含有无法保存的字符，请删去后再提交"),
    ],
)
def test_a_day_that_cannot_be_is_refused_beside_its_field(boss: Visitor, changed: dict[str, object], sentence: str):
    answer = boss.post(DAY, SHORT | changed)

    assert answer.status_code == 422
    assert sentence in words_of(answer)
    assert actions() == []


def test_a_day_opens_in_a_dialog_as_well(boss: Visitor):
    assert "<html" not in boss.get(DAY, htmx=True).text
    assert boss.post(DAY, SHORT, htmx=True).headers["HX-Redirect"] == "/admin/calendar?year=2026"


def test_a_departments_day_is_its_own(app: Flask, boss: Visitor):
    boss.post(f"{DAY}?department=KFB", SHORT)
    fresh(app)

    assert "年终盘点" in boss.get("/admin/calendar", year=2026, department="KFB").text
    assert "年终盘点" not in boss.get("/admin/calendar", year=2026).text


def test_weekly_hours_are_set_with_several_intervals(app: Flask, boss: Visitor):
    assert boss.post("/admin/calendar/hours", WEEK).status_code == 303
    fresh(app)

    assert "周一 09:00-12:00, 13:30-18:00；周二 09:00-12:00" in words_of(boss.get("/admin/calendar"))


def test_a_week_without_hours_is_refused(boss: Visitor):
    answer = boss.post("/admin/calendar/hours", {"reason": "停业"})

    assert answer.status_code == 422
    assert "一周至少要有一天上班" in words_of(answer)
    assert actions() == []


def test_a_department_gets_hours_and_goes_back(app: Flask, boss: Visitor):
    path = "/admin/calendar/hours?department=KFB"
    boss.post(path, WEEK)
    fresh(app)
    assert "这个部门有自己的时间。" in words_of(boss.get(path))

    boss.post(path, WEEK | {"as_company": "y"})
    fresh(app)

    assert "这个部门有自己的时间。" not in words_of(boss.get(path))


def test_a_duty_roster_is_set(app: Flask, boss: Visitor):
    roster = {"mode": "roster", "sunday": "10:00-16:00", "reason": "周日值班"}
    assert boss.post("/admin/calendar/duty", {"mode": "roster", "reason": "空"}).status_code == 422

    assert boss.post("/admin/calendar/duty", roster).status_code == 303
    fresh(app)

    assert 'value="10:00-16:00"' in boss.get("/admin/calendar/hours").text
    assert "休息日有人值班" in words_of(boss.get("/admin/calendar"))


def test_an_import_shows_the_difference_and_then_applies_it(app: Flask, boss: Visitor):
    page = boss.post("/admin/calendar/import", {"file": (BytesIO(year_2027().encode()), "2027.json")})
    assert "文件里放假 27 天，调休上班 4 天" in words_of(page)
    assert actions() == []

    answer = boss.post("/admin/calendar/import/apply", confirmed(boss, year_2027()))
    fresh(app)

    assert answer.status_code == 303
    assert actions() == ["calendar_imported"]
    assert "2027 年： 节假日安排已确认。" in words_of(boss.get("/admin/calendar", year=2027))
    assert "与现在的日历完全相同，不需要导入。" in words_of(
        boss.post("/admin/calendar/import", {"content": year_2027()})
    )


def test_what_is_wrong_with_a_file_is_said_in_sentences(boss: Visitor):
    answer = boss.post("/admin/calendar/import", {"content": year_2027(work("2027-02-15"), off("2027-01-01"))})

    assert answer.status_code == 422
    assert "2027-02-15 是周一，本来就上班，不可能是调休上班日。" in words_of(answer)
    assert "2027-01-01 出现了不止一次。" in words_of(answer)


def test_nothing_at_all_is_refused(boss: Visitor):
    assert "文件是空的。" in words_of(boss.post("/admin/calendar/import", {"content": ""}))


def test_a_difference_that_is_no_longer_true_is_shown_again(app: Flask, boss: Visitor):
    sent = confirmed(boss, year_2027())
    boss.post("/admin/calendar/days/2027-03-01", SHORT)
    fresh(app)

    answer = boss.post("/admin/calendar/import/apply", sent)

    assert answer.status_code == 409
    assert "日历刚刚有变化，请重新核对下面的差异。" in words_of(answer)
    assert "calendar_imported" not in actions()


@pytest.mark.parametrize(
    ("now", "is_there", "sign"),
    [
        (datetime(2026, 10, 31, 15, tzinfo=UTC), False, ""),
        (datetime(2026, 10, 31, 17, tzinfo=UTC), True, "is-mild"),  # 1 November in Shanghai
        (datetime(2026, 12, 15, 1, tzinfo=UTC), True, 'class="alarm"'),
    ],
)
def test_administrators_are_reminded_of_next_year(
    desk: Desk, boss: Visitor, monkeypatch: pytest.MonkeyPatch, now: datetime, is_there: bool, sign: str
):
    monkeypatch.setattr(formats, "now", lambda: now)

    page = boss.get("/admin/people").text

    assert ("2027 年节假日安排尚未导入。" in page) is is_there
    assert sign in page


def test_nobody_else_is_reminded(app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    person: User = desk.person()
    monkeypatch.setattr(formats, "now", lambda: datetime(2026, 12, 20, tzinfo=UTC))

    assert "尚未导入" not in visitor(app, person).get("/").text


def test_english_reads_english(boss: Visitor):
    boss.post("/language/en", {"next": "/admin/calendar"})

    assert "2026: the holidays are confirmed." in words_of(boss.get("/admin/calendar", year=2026))
    assert "lies neither in" in words_of(boss.post("/admin/calendar/import", {"content": year_2027(off("2030-01-01"))}))
