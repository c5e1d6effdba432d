"""The page of the classification's quality: its numbers, the tickets behind them, who sees what, and the models."""

import pytest
from flask import Flask

from service.clock import utcnow
from service.database import reading, transaction
from service.learning import runs
from service.people import User
from service.routing.model import shipped_model
from service.tickets import quality
from service.tickets.quality import Wanted
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import FakeBell
from tests.learning_rig import corrected, hopeless, like_shipped, models, trained, version_of
from tests.page_rig import Visitor, visitor, words_of

SECRET = "我要举报你们的采购经理收回扣"


@pytest.fixture
def chief(app: Flask, boss: User, now_desk: Desk) -> Visitor:
    return visitor(app, boss)


@pytest.fixture
def work(now_desk: Desk, boss: User) -> Desk:
    """A complaint that was right, and an inquiry that is a fault."""
    now_desk.accept(now_desk.ticket(COMPLAINT, follower="oRight"), boss)
    corrected(now_desk, boss, follower="oWrong")
    return now_desk


def test_the_page_counts_what_people_confirmed_and_corrected(chief: Visitor, work: Desk):
    page = chief.get("/quality")

    words = words_of(page)
    assert "50.0% 判对，共 2 件" in words
    assert "/quality/tickets?span=13w&amp;category=inquiry&amp;final=fault" in page.text


def test_an_empty_installation_says_what_will_be_here(chief: Visitor):
    assert "还没有可统计的工单" in words_of(chief.get("/quality"))


def test_a_number_leads_to_its_tickets(chief: Visitor, work: Desk):
    wrong = words_of(chief.get("/quality/tickets", span="13w", category="inquiry", final="fault"))
    right = words_of(chief.get("/quality/tickets", span="13w", category="complaint", final="complaint"))

    assert "判为咨询，实为内容差错/系统故障" in wrong
    assert INQUIRY in wrong
    assert COMPLAINT not in wrong
    assert COMPLAINT in right


def test_a_list_goes_on_where_the_page_ends(now_desk: Desk, boss: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quality, "PAGE", 2)
    for number in range(5):
        corrected(now_desk, boss, follower=f"oFollower{number}")
        now_desk.later(seconds=1)

    numbers: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        with reading() as session:
            wanted = Wanted(since=now_desk.now.replace(year=2000), kind="corrected", cursor=cursor)
            page = quality.tickets(session, boss, wanted)
            numbers += [found.ticket.number for found in page.items]
            cursor = page.next_cursor

    assert len(set(numbers)) == 5
    assert numbers == sorted(numbers, reverse=True)
    assert cursor is None


@pytest.mark.parametrize(
    "query", [{"span": "9w"}, {"kind": "all"}, {"triage": "perhaps"}, {"cursor": "x"}, {"category": "x" * 60}]
)
def test_an_address_that_no_page_of_ours_makes_is_refused(chief: Visitor, query: dict[str, str]):
    assert chief.get("/quality/tickets", **query).status_code == 422


def test_only_those_who_supervise_see_it(app: Flask, now_desk: Desk):
    for role in ("agent", "dept_head", "dispatcher", "auditor"):
        person = visitor(app, now_desk.person(f"one-{role}", role))
        for path in ("/quality", "/quality/tickets", "/quality/run"):
            assert person.get(path).status_code == 403
        assert person.post("/quality/train").status_code == 403
        assert person.post("/quality/models/shipped/restore").status_code == 403


def test_words_numbers_and_lists_leave_out_what_a_person_may_not_see(now_desk: Desk, boss: User):
    agent = now_desk.person("zhang", "agent", "KFB")
    corrected(now_desk, boss, text=SECRET, to="complaint", follower="oWitness")
    with_restriction = corrected(now_desk, boss, text=INQUIRY, to="report", follower="oOther")
    assert with_restriction.restricted
    since = now_desk.now.replace(year=2000)

    with reading() as session:
        found = quality.tickets(session, agent, Wanted(since=since)).items
        words = quality.words(session, agent, since=since)
        summary = quality.summary(session, agent, since=since, weeks=4)
        everything = quality.summary(session, boss, since=since, weeks=4)

    assert with_restriction.id not in {each.ticket.id for each in found}
    assert {target for word in words for target, _ in word.targets} <= {"complaint"}
    assert ("inquiry", "report") not in summary.pairs
    assert summary.all.whole < everything.all.whole == 2


def test_a_training_is_asked_for_and_rung_and_its_progress_shown(chief: Visitor, work: Desk, bell: FakeBell):
    answer = chief.post("/quality/train")
    page = words_of(chief.get("/quality"))

    assert answer.status_code == 303
    assert "learn" in bell.rung
    assert "等待开始" in page
    assert "现在训练" not in page
    assert "HX-Refresh" not in chief.get("/quality/run", htmx=True).headers


def test_the_page_is_read_anew_once_the_training_is_over(chief: Visitor, work: Desk):
    trained(like_shipped(), now=utcnow())

    answer = chief.get("/quality/run", htmx=True)

    assert answer.headers["HX-Refresh"] == "true"
    assert "新模型已发布" in words_of(chief.get("/quality"))


def test_a_supervisor_goes_back_to_the_shipped_model(chief: Visitor, work: Desk):
    trained(like_shipped(), now=utcnow())
    assert version_of(like_shipped()) in words_of(chief.get("/quality"))

    answer = chief.post("/quality/models/shipped/restore")

    assert answer.status_code == 303
    assert models() == {version_of(like_shipped()): "kept"}
    assert f"{shipped_model().version} 启用中" in words_of(chief.get("/quality"))


def test_what_cannot_be_gone_back_to_is_said(chief: Visitor, work: Desk):
    trained(hopeless(), now=utcnow())

    chief.post(f"/quality/models/{version_of(hopeless())}/restore")
    page = words_of(chief.get("/quality"))

    assert "这个模型不能启用" in page
    assert "召回率" in page  # why it was refused


def test_a_failed_training_is_shown(chief: Visitor, work: Desk):
    with transaction() as session:
        runs.ask(session, by="boss", now=utcnow())
        run_id = runs.claim(session, now=utcnow()).id
        runs.finish(session, run_id, runs.FAILED, now=utcnow(), because="训练失败（MemoryError），请查看日志")

    assert "MemoryError" in words_of(chief.get("/quality"))
