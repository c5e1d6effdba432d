"""Promises of the routing page: supervisors look and try, administrators edit, dead rows are marked, nothing leaks."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from service.database import reading
from service.people import User
from service.tickets.models import Ticket
from tests.calendar_rig import fresh
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.page_rig import Visitor, visitor, words_of
from tests.routing_rig import own_table, table

PAGE, TRY, NEW = "/admin/routing", "/admin/routing/try", "/admin/routing/new"
ALL_DAYS = [str(day) for day in range(7)]
ROW = {"department": "CWB", "days": ALL_DAYS, "hours": "any", "before": "10"}
INVOICE = "请问发票抬头怎么开"


@pytest.fixture(autouse=True)
def shipped_afterwards(app: Flask) -> Iterator[None]:
    fresh(app)
    with own_table(app):
        yield


@pytest.fixture
def admin(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("root", "admin", "QGB"))


@pytest.fixture
def supervisor(app: Flask, boss: User) -> Visitor:
    return visitor(app, boss)


def names() -> list[str]:
    return [row.name for row in table()]


@pytest.mark.parametrize("role", ["agent", "dept_head", "dispatcher", "follow_up_agent", "account_admin", "reviewer"])
def test_others_do_not_see_the_table(app: Flask, desk: Desk, role: str):
    person = visitor(app, desk.person("wang", role))

    answers = [person.get(PAGE), person.post(TRY), person.get(NEW), person.post(f"{PAGE}/10/delete")]

    assert [answer.status_code for answer in answers] == [403] * 4


def test_a_supervisor_looks_and_tries_and_changes_nothing(supervisor: Visitor):
    page, tried = supervisor.get(PAGE), supervisor.post(TRY, {"text": COMPLAINT})
    refused = [
        supervisor.get(NEW),
        supervisor.post(NEW, ROW),
        supervisor.post(f"{PAGE}/10", ROW),
        *(supervisor.post(f"{PAGE}/10/{step}") for step in ("up", "down", "delete")),
    ]

    assert "修改请联系系统管理员" in words_of(page)
    assert "添加一行" not in words_of(page)
    assert (tried.status_code, {answer.status_code for answer in refused}) == (200, {403})
    assert names() == ["10", "20", "30", "90"]


@pytest.mark.parametrize("path", [NEW, f"{PAGE}/10", f"{PAGE}/10/up", f"{PAGE}/10/down", f"{PAGE}/10/delete", TRY])
def test_a_form_of_another_site_changes_nothing(admin: Visitor, path: str):
    before = table()

    assert admin.post_bare(path, ROW).status_code == 400
    assert table() == before


def test_a_row_is_added_in_front_of_another_and_shown_as_people_say_it(admin: Visitor):
    fields = ROW | {"category": "inquiry", "subcategory": "inquiry/invoice", "keyword": "发票\n收据", "tag": "VIP"}
    fields |= {"start": "22:00", "end": "06:00", "set_priority": "high", "targets": "complaint/high"}

    answer = admin.post(NEW, fields)

    words = words_of(admin.get(PAGE))
    assert (answer.status_code, names()[:2]) == (303, ["own-1", "10"])
    for told in ("类别 咨询", "子类 发票", "含有词语 发票、收据", "粉丝标签 VIP", "22:00–06:00", "财务部", "投诉 · 高"):
        assert told in words, told


def test_a_new_row_stands_by_itself_before_the_one_for_anything(admin: Visitor):
    page = admin.get(NEW)

    assert '<option selected value="90">' in page.text


def test_a_row_is_edited_where_it_stands(admin: Visitor):
    page = admin.get(f"{PAGE}/20")
    answer = admin.post(f"{PAGE}/20", {**ROW, "category": "fault", "department": "YWB"})

    assert '<option selected value="fault">' in page.text
    assert (answer.status_code, names()) == (303, ["10", "20", "30", "90"])
    assert (table()[1].department, table()[1].category) == ("YWB", "fault")


def test_rows_are_moved_and_deleted(admin: Visitor):
    for path in ("20/up", "30/delete"):
        assert admin.post(f"{PAGE}/{path}").status_code == 303

    assert names() == ["20", "10", "90"]
    assert admin.get(f"{PAGE}/30").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"department": "XXX"}, "Not a valid choice"),
        ({"category": "complaint", "subcategory": "inquiry/invoice"}, "这个子类属于咨询"),
        ({"keyword": "，。"}, None),
        ({"keyword": "   "}, None),
        ({"start": "09:00"}, "请同时填写开始和结束时间"),
        ({"start": "9点", "end": "18:00"}, "请写成 09:00 这样的时间"),
        ({"start": "09:00", "end": "09:00"}, "开始和结束不能相同"),
        ({"keyword": "词\n" * 51}, "最多 50 个词语"),
        ({"days": []}, "请选择一项"),
    ],
)
def test_what_is_wrong_stands_at_its_field(admin: Visitor, wrong: dict[str, object], sentence: str | None):
    answer = admin.post(NEW, ROW | wrong)

    if sentence is None:  # punctuation is a word like any other; blank lines are none
        assert answer.status_code == 303
        return
    assert answer.status_code == 422
    assert sentence in words_of(answer) or sentence == "Not a valid choice"
    assert len(names()) == 4


def test_a_row_that_can_never_match_says_which_rows_take_everything_before_it(admin: Visitor):
    admin.post(NEW, ROW | {"before": "", "category": "praise"})

    assert "永远不会命中：符合它的事项都已先被第 4 行接走，请上移或删除" in words_of(admin.get(PAGE))


def test_a_row_for_restricted_matters_warns_where_nobody_may_see_them(admin: Visitor):
    admin.post(NEW, ROW | {"category": "report"})

    assert "这个部门没有人能看受限工单：这类工单会留在受理部门" in words_of(admin.get(PAGE))


# The trial


def test_the_trial_shows_the_row_that_decides_and_why_those_before_it_do_not(admin: Visitor):
    admin.post(NEW, ROW | {"tag": "VIP"})
    admin.post(NEW, ROW | {"category": "inquiry", "subcategory": "inquiry/invoice", "set_priority": "high"})

    page = admin.post(TRY, {"text": INVOICE, "at": "2026-03-04T10:00"})

    words = words_of(page)
    assert "类别要求投诉，实际是咨询" not in words  # what stands behind the deciding row was not looked at
    assert "粉丝标签要求VIP，实际是无" in words
    assert "这条消息由这一行决定" in words
    assert page.text.count("is-hit") >= 1
    for told in ("子类 发票", "由规则改，原为普通", "财务部", "咨询 · 高"):
        assert told in words, told


@pytest.mark.parametrize(
    ("given", "department"),
    [
        ({}, "企管部"),
        ({"tags": "老客户，VIP"}, "财务部"),
    ],
)
def test_the_trial_counts_the_circumstances(admin: Visitor, given: dict[str, str], department: str):
    admin.post(NEW, ROW | {"tag": "VIP"})

    page = admin.post(TRY, {"text": INQUIRY, **given})

    assert f"部门 {department}" in words_of(page)


def test_the_trial_follows_the_menu_key_that_chooses_a_category(admin: Visitor):
    words = words_of(admin.post(TRY, {"text": "我有个事情", "menu_key": "COMPLAIN"}))

    assert "粉丝自选" in words
    assert "部门 客服部" in words


def test_the_trial_says_what_opens_no_ticket(admin: Visitor):
    assert "只发这一条不登记工单" in words_of(admin.post(TRY, {"text": "谢谢"}))


def test_the_trial_writes_nothing(admin: Visitor):
    admin.post(TRY, {"text": COMPLAINT})

    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_a_message_that_is_tried_is_escaped_and_kept(admin: Visitor):
    page = admin.post(TRY, {"text": "<script>alert(1)</script>"})

    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


NO_CALENDAR = ("0001-01-01T00:00", "1969-12-31T23:59", "2191-01-01T00:00", "9999-12-31T23:59")
ODD_TRIALS = [{"at": "yesterday"}, {"text": "x" * 2001}, *({"at": at} for at in NO_CALENDAR)]


@pytest.mark.parametrize("odd", ODD_TRIALS)
def test_an_odd_trial_is_refused_at_its_field(admin: Visitor, odd: dict[str, str]):
    assert admin.post(TRY, {"text": INQUIRY, **odd}).status_code == 422


def test_a_menu_key_or_account_that_nobody_knows_is_no_error(admin: Visitor):
    assert admin.post(TRY, {"text": INQUIRY, "menu_key": "\0?", "account": "none", "scene": "x"}).status_code == 200


# Subcategories of a ticket


def test_a_ticket_says_its_subcategory_and_a_program_corrects_it(desk: Desk, boss: User):
    ticket, api = desk.ticket(INVOICE), desk.client(boss)
    path = f"/tickets/{ticket.number}"

    before = api.get(path).json["subcategory"]
    after = api.post(f"{path}/classify", {"category": "inquiry", "subcategory": "account", "reason": "看过了"})
    kept = api.post(f"{path}/classify", {"category": "inquiry", "reason": "又看过了"})
    wrong = api.post(f"{path}/classify", {"category": "inquiry", "subcategory": "attitude", "reason": "看过了"})

    assert (before, after.json["subcategory"], kept.json["subcategory"]) == ("invoice", "account", "account")
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["subcategory"])


@pytest.mark.parametrize(
    ("choice", "becomes"), [("inquiry/account", "account"), ("", "invoice"), ("/", None), (None, "invoice")]
)
def test_a_person_corrects_the_subcategory_on_the_form(
    desk: Desk, supervisor: Visitor, choice: str | None, becomes: str | None
):
    ticket = desk.ticket(INVOICE)
    path = f"/tickets/{ticket.number}/do/classify"
    fields = {"category": "inquiry", "priority": "normal", "reason": "看过了"}

    form = supervisor.get(path)
    supervisor.post(path, fields if choice is None else fields | {"subcategory": choice})

    assert "账户与会员" in words_of(form)
    assert desk.reread(ticket).subcategory == becomes
    assert becomes != "account" or "子类：账户与会员" in words_of(supervisor.get(f"/tickets/{ticket.number}")).replace(
        " ", ""
    )


def test_a_subcategory_of_another_category_is_refused_on_the_form(desk: Desk, supervisor: Visitor):
    ticket = desk.ticket(INVOICE)
    fields = {"category": "complaint", "priority": "normal", "reason": "看过了", "subcategory": "inquiry/account"}

    answer = supervisor.post(f"/tickets/{ticket.number}/do/classify", fields)

    assert "这个子类属于咨询" in words_of(answer)
    assert desk.reread(ticket).category == "inquiry"
