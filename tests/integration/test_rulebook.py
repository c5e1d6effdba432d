"""What administrators edit: shipped, kept where edited, and the same in every process soon after."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from service import rulebook
from service.database import reading, transaction
from service.people import Department
from service.rulebook import RulebookCache, RulebookRow
from tests.factories import MORNING, Desk

NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def editable(app: Flask) -> Iterator[Flask]:
    """Rules that a test may change: they are put back afterwards."""
    yield app
    with transaction() as session:
        for row in session.scalars(select(RulebookRow).where(RulebookRow.edited)):
            row.edited = False
        rulebook.install(session, now=MORNING)
    app.extensions["rulebook"].forget()


def row_of(session, section: str, key: str) -> RulebookRow:  # type: ignore[no-untyped-def]
    query = select(RulebookRow).where(RulebookRow.section == section, RulebookRow.key == key)
    return session.scalars(query).one()


def edit(section: str, key: str, value: dict[str, object]) -> None:
    """What a page of administration does."""
    with transaction() as session:
        row = row_of(session, section, key)
        row.value, row.edited, row.changed_at = value, True, NOW
        rulebook.bump(session)


def test_the_shipped_rules_are_installed(desk: Desk):
    rules = desk.rules

    assert list(rules.departments) == ["QGB", "KFB", "JSB", "CWB", "YWB", "LDS"]
    assert rules.department_codes[rules.intake_department_id] == "QGB"
    assert len(rules.categories) == 9
    assert {name for name, c in rules.categories.items() if c.restricted} == {"report", "privacy_request"}


def test_installing_again_adds_nothing(editable: Flask):
    def size() -> tuple[int, int]:
        with reading() as session:
            return tuple(session.scalar(select(func.count()).select_from(m)) for m in (RulebookRow, Department))

    before = size()
    with transaction() as session:
        rulebook.install(session, now=NOW)

    assert size() == before


def test_installing_leaves_alone_what_was_edited_and_renews_the_rest(editable: Flask):
    edit("texts", "help", {"key": "help", "text": "我们自己的欢迎词"})
    with transaction() as session:
        row_of(session, "texts", "receipt_open").value = {"key": "receipt_open", "text": "旧的"}

    with transaction() as session:
        rulebook.install(session, now=NOW)

    with reading() as session:
        assert row_of(session, "texts", "help").value["text"] == "我们自己的欢迎词"
        assert row_of(session, "texts", "receipt_open").value["text"] != "旧的"


def test_an_edit_reaches_another_process_once_its_copy_is_a_second_old(
    editable: Flask, monkeypatch: pytest.MonkeyPatch
):
    other = RulebookCache(editable.config["SETTINGS"].time_zone)
    with reading() as session:
        other.current(session)
    edit("texts", "help", {"key": "help", "text": "新的欢迎词"})

    with reading() as session:
        at_once = other.current(session)
        monkeypatch.setattr(rulebook, "FRESH_SECONDS", 0.0)  # as if the second had passed
        later = other.current(session)

    assert rulebook.FRESH_SECONDS <= 2
    assert at_once.texts["help"] != "新的欢迎词"
    assert later.texts["help"] == "新的欢迎词"


def test_what_did_not_change_is_not_read_again(editable: Flask, counted, monkeypatch: pytest.MonkeyPatch):
    cache = editable.extensions["rulebook"]
    with reading() as session:
        first = cache.current(session)
        with counted() as statements:
            assert cache.current(session) is first
        assert statements == []
        monkeypatch.setattr(rulebook, "FRESH_SECONDS", 0.0)
        with counted() as statements:
            assert cache.current(session) is first
        assert len(statements) == 1


def test_an_edited_routing_row_sends_matters_elsewhere(editable: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    edit("routing", "10", {"position": 10, "category": "complaint", "department": "YWB"})
    monkeypatch.setattr(rulebook, "FRESH_SECONDS", 0.0)

    assert desk.ticket("我要投诉，你们的服务态度太差了").department.code == "YWB"
