"""Promises of the targets' page: supervisors look and try, administrators save, each mistake stands at its cell."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from service.audit import Event
from service.database import reading
from service.people import User
from service.policies import newest_number
from service.tickets.models import Ticket
from service.web import formats
from tests.calendar_rig import fresh
from tests.factories import COMPLAINT, Desk
from tests.page_rig import Visitor, visitor, words_of
from tests.policy_rig import saved

PAGE, TRY, SAVE = "/admin/policies", "/admin/policies/try", "/admin/policies/save"
FIELD = re.compile(r'<input[^>]*\sname="((?:r\d+-)?(?:[a-z_]+))"[^>]*\svalue="([^"]*)"')
QUICK = {"complaint/high": {"accept": "5 分钟", "resolve": "2 工作日"}}


@pytest.fixture(autouse=True)
def own_rules(app: Flask) -> Iterator[None]:
    fresh(app)
    yield
    fresh(app)


@pytest.fixture
def admin(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("root", "admin", "QGB"))


@pytest.fixture
def supervisor(app: Flask, boss: User) -> Visitor:
    return visitor(app, boss)


def fields_of(page: str) -> dict[str, object]:
    """What the form would send as it stands."""
    found = {name: unescape(value) for name, value in FIELD.findall(page)}
    return {name: value for name, value in found.items() if re.match(r"r\d+-|rows$|base$", name)}


def row_of(fields: dict[str, object], category: str, priority: str) -> str:
    """The prefix of a row's fields."""
    return next(
        name.partition("-")[0]
        for name, value in fields.items()
        if name.endswith("-category")
        and value == category
        and fields[name.replace("category", "priority")] == priority
        and not fields.get(name.replace("category", "tag"))
    )


def draft(person: Visitor, category: str = "complaint", priority: str = "high", **cells: str) -> dict[str, object]:
    """The form of the newest version with other texts in one row."""
    fields = fields_of(person.get(PAGE).text)
    row = row_of(fields, category, priority)
    return fields | {f"{row}-{column}": text for column, text in cells.items()}


def version() -> int:
    with reading() as session:
        return newest_number(session)


@pytest.mark.parametrize("role", ["agent", "dept_head", "dispatcher", "follow_up_agent", "account_admin", "reviewer"])
def test_others_do_not_see_the_targets(app: Flask, desk: Desk, role: str):
    person = visitor(app, desk.person("wang", role))

    assert [person.get(PAGE).status_code, person.post(TRY).status_code, person.post(SAVE).status_code] == [403] * 3


def test_a_supervisor_looks_and_tries_and_cannot_save(desk: Desk, supervisor: Visitor):
    desk.ticket(COMPLAINT)
    fields = draft(supervisor, accept="5 分钟")

    page = supervisor.get(PAGE)
    tried = supervisor.post(TRY, fields)
    refused = supervisor.post(SAVE, fields | {"note": "更快"})

    assert "保存新版本请联系系统管理员" in words_of(page)
    assert "试算结果" in words_of(tried)
    assert (tried.status_code, refused.status_code, version()) == (200, 403, 0)


def test_a_form_of_another_site_saves_nothing(admin: Visitor):
    assert admin.post_bare(SAVE, draft(admin, accept="5 分钟")).status_code == 400
    assert version() == 0


def test_the_table_shows_every_target_as_people_write_it(admin: Visitor):
    fields = fields_of(admin.get(PAGE).text)
    row = row_of(fields, "complaint", "urgent")

    lengths = ("10 分钟", "30 分钟", "30 分钟", "4 小时", "24 小时", "24 小时")
    columns = ("accept", "first_reply", "next_reply", "update_every", "resolve", "follow_up", "follow_up_share")
    texts = [fields[f"{row}-{column}"] for column in columns]
    assert texts == [*(f"{length} 自然" for length in lengths), "100%"]
    assert fields["rows"] == "13"  # praise and invalid have no clocks


def test_a_saved_draft_is_the_next_version_and_is_told_in_words(admin: Visitor):
    answer = admin.post(SAVE, draft(admin, accept="5分", resolve="2 工作日") | {"note": "投诉要更快"})

    page = words_of(admin.get(PAGE))
    assert (answer.status_code, version()) == (303, 1)
    assert "现行：版本 1" in page
    assert "root 的姓名" in page
    assert "投诉要更快" in page
    assert "投诉 · 高 ：受理 15 分钟 → 5 分钟；办结 3 工作日 → 2 工作日" in page


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"accept": "5"}, "投诉 · 高，受理 ：请写单位，例如 30 分钟、1 工作日"),
        ({"resolve": "3 天"}, "投诉 · 高，办结 ：请写明工作日"),
        ({"follow_up_share": "300%"}, "投诉 · 高，回访抽样 ：请写 0 到 100 的百分数"),
        ({"follow_up": ""}, "投诉 · 高，回访 ：抽样大于 0 时，须写回访时限"),
        ({"accept": "—", "resolve": "—"}, "投诉 · 高，受理 ：投诉 · 高 没有任何时限"),
    ],
)
def test_a_mistake_stands_at_its_cell_and_nothing_is_lost(admin: Visitor, cells: dict[str, str], sentence: str):
    sent = draft(admin, **cells) | {"note": "更快"}

    answer = admin.post(SAVE, sent)

    words, kept = words_of(answer).replace(" ，", "，"), fields_of(answer.text)
    assert (answer.status_code, version()) == (422, 0)
    assert sentence in words.replace("， ", "，")
    assert {**sent, **kept} == sent
    assert answer.text.count('aria-invalid="true"') == 1
    assert "更快" in answer.text


def test_the_same_again_without_a_reason_and_over_somebody_else_s_are_refused(desk: Desk, admin: Visitor):
    same = admin.post(SAVE, draft(admin) | {"note": "更快"})
    silent = admin.post(SAVE, draft(admin, accept="5 分钟"))
    late = draft(admin, accept="5 分钟") | {"note": "更快"}
    saved(desk, QUICK)

    answer = admin.post(SAVE, late)

    assert "没有需要保存的改动" in words_of(same)
    assert "请写明为什么调整" in words_of(silent)
    assert "已有新版本（版本 1）" in words_of(answer)
    assert [page.status_code for page in (same, silent, answer)] == [422] * 3
    assert version() == 1


def test_a_row_for_a_tag_is_added_changed_and_taken_away(admin: Visitor):
    wanted = {"do": "add", "add-category": "complaint", "add-priority": "high", "add-tag": "VIP"}
    added = fields_of(admin.post(PAGE, fields_of(admin.get(PAGE).text) | wanted).text)
    row = next(name.partition("-")[0] for name, value in added.items() if value == "VIP")
    assert (added["rows"], added[f"{row}-resolve"]) == ("14", "3 工作日")

    gone = fields_of(admin.post(PAGE, added | {"remove": row[1:]}).text)
    admin.post(SAVE, added | {f"{row}-resolve": "1 工作日", "note": "重点客户"})

    assert gone["rows"] == "13"
    assert "投诉 · 高 · VIP 新增" in words_of(admin.get(PAGE))
    assert version() == 1


@pytest.mark.parametrize("tag", ["", "十" * 11])
def test_a_row_without_a_good_tag_is_not_saved(admin: Visitor, tag: str):
    wanted = {"do": "add", "add-category": "complaint", "add-priority": "high", "add-tag": tag}
    answer = admin.post(PAGE, fields_of(admin.get(PAGE).text) | wanted)
    refused = admin.post(SAVE, fields_of(answer.text) | {"note": "重点客户"})

    assert "标签名须为 1 到 30 字节" in words_of(answer) or "标签名须为 1 到 30 字节" in words_of(refused)
    assert version() == 0


def test_an_older_version_can_be_loaded_as_a_draft(desk: Desk, admin: Visitor):
    saved(desk, QUICK)

    fields = fields_of(admin.get(PAGE, **{"from": 0}).text)
    row = row_of(fields, "complaint", "high")
    admin.post(SAVE, fields | {"note": "还是原来的好"})

    assert (fields["base"], fields[f"{row}-accept"]) == ("1", "15 分钟")
    assert version() == 2
    assert admin.get(PAGE, **{"from": 9}).status_code == 404


def test_a_trial_tells_differences_examples_and_what_it_cannot_know(
    desk: Desk, supervisor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    old = desk.ticket(COMPLAINT)
    desk.later(minutes=20)
    ticket = desk.ticket(COMPLAINT, follower="oAnother")
    monkeypatch.setattr(formats, "utcnow", lambda: desk.now)

    page = supervisor.post(TRY, draft(supervisor, accept="—", resolve="10 分钟") | {"days": "30"})

    words = words_of(page)
    assert "试算结果：最近 30 天" in words
    assert "投诉 · 高" in words
    assert f'href="/tickets/{old.number}"' in page.text
    assert "至今没有完成" in words
    assert "大家的做法也会不同" in words
    assert ticket.number not in words
    assert version() == 0


def test_open_tickets_go_over_and_the_page_tells_how_far(desk: Desk, admin: Visitor):
    desk.ticket(COMPLAINT)

    admin.post(SAVE, draft(admin, accept="1 小时") | {"note": "放宽", "also_open": "y"})

    assert "正在把未结工单转到版本 1：0 / 1" in words_of(admin.get(PAGE))
    assert "0 / 1" in words_of(admin.get("/admin/policies/progress", htmx=True))


# One ticket


def test_a_supervisor_moves_a_ticket_after_seeing_what_it_would_do(desk: Desk, supervisor: Visitor):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK)
    address = f"/tickets/{ticket.number}/do/policy"

    form = supervisor.get(address)
    answer = supervisor.post(address, {"version": "1", "reason": "客户催得紧"})

    words = words_of(form)
    assert "现在（版本 0） 改用后（版本 1）" in words
    assert "03-09 18:00 3个工作日" in words
    assert "03-06 18:00 2个工作日" in words
    assert "有时限会提前" in words
    assert (answer.status_code, desk.reread(ticket).policy_version) == (303, 1)


def test_a_newer_version_must_be_looked_at_first(desk: Desk, supervisor: Visitor):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK)
    saved(desk, {"complaint/high": {"accept": "10 分钟"}})

    answer = supervisor.post(f"/tickets/{ticket.number}/do/policy", {"version": "1", "reason": "客户催得紧"})

    assert answer.status_code == 422
    assert "又有新版本" in words_of(answer)
    assert desk.reread(ticket).policy_version == 0


@pytest.mark.parametrize("role", ["agent", "dept_head", "dispatcher"])
def test_nobody_else_moves_a_ticket(app: Flask, desk: Desk, role: str):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK)
    person = visitor(app, desk.person("wang", role))

    answer = person.post(f"/tickets/{ticket.number}/do/policy", {"version": "1", "reason": "客户催得紧"})

    assert answer.status_code == 403
    assert "改用最新时限" not in words_of(person.get(f"/tickets/{ticket.number}"))
    assert desk.reread(ticket).policy_version == 0


def test_a_ticket_with_the_newest_targets_is_not_offered_a_move(desk: Desk, supervisor: Visitor):
    assert "改用最新时限" not in words_of(supervisor.get(f"/tickets/{desk.ticket(COMPLAINT).number}"))


def test_the_reason_of_a_due_time_names_the_version(desk: Desk, supervisor: Visitor):
    before = desk.ticket(COMPLAINT)
    saved(desk, QUICK)
    after = desk.ticket(COMPLAINT, follower="oAnother")

    old, new = (words_of(supervisor.get(f"/tickets/{t.number}/why/resolve")) for t in (before, after))

    assert "版本 0 的时限；现行为版本 1，工单保留开始时的版本" in old
    assert "版本 1 的时限（自 2026-03-04 09:30 起）" in new


# The API


def test_programs_read_the_newest_targets_and_their_version(desk: Desk):
    saved(desk, QUICK, note="更快")

    answer = desk.client(desk.person()).get("/sla/policies").json

    row = next(row for row in answer["policies"] if row["key"] == "complaint/high")
    assert (answer["version"], answer["by"], answer["note"]) == (1, "boss", "更快")
    assert answer["at"].startswith("2026-03-04T09:30:0")
    assert row["accept"] == {"amount": 5, "unit": "working_minutes"}
    assert row["follow_up_share"] == 1


def test_the_explanation_of_a_matter_is_of_the_newest_version(desk: Desk):
    saved(desk, QUICK)
    asked = {"category": "complaint", "priority": "high", "at": "2026-03-04T09:30:00+08:00"}

    answer = desk.client(desk.person()).get("/sla/explain", **asked).json

    assert answer["clocks"]["accept"]["due_at"].startswith("2026-03-04T09:35")


@pytest.mark.parametrize(("role", "status", "moved"), [("supervisor", 200, 1), ("agent", 403, 0)])
def test_programs_move_a_ticket_by_the_same_rule(desk: Desk, role: str, status: int, moved: int):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK)

    answer = desk.client(desk.person("wang", role)).post(f"/tickets/{ticket.number}/policy", {"reason": "客户催得紧"})

    with reading() as session:
        found = session.get_one(Ticket, ticket.id).policy_version
        events = session.scalars(select(Event.action).where(Event.ticket_id == ticket.id)).all()
    assert (answer.status_code, found, events.count("policy")) == (status, moved, moved)


@pytest.mark.parametrize("name", ["from", "before"])
def test_a_number_beyond_all_versions_is_refused(supervisor: Visitor, name: str):
    assert supervisor.get(PAGE, **{name: "9" * 30}).status_code == 422
