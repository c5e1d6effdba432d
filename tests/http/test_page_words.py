"""Promises about words: everything has a Chinese and an English name, and the language is the person's choice."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask, g

from service import rulebook
from service.credentials import check_password
from service.errors import InvalidInput
from service.messaging.outbox import Delivery
from service.people import Permission, Role
from service.sla.clocks import ClockState
from service.sla.policy import ClockKind
from service.tickets.cooperation import PRIORITIES
from service.tickets.queries import SORTS, tabs
from service.tickets.states import Action, Status
from service.web import errors, formats, labels, portal_words, problems, text_names
from service.web.acts import ACTS
from service.web.queue_board import FIRST_SORT
from tests.factories import Desk
from tests.page_rig import visitor, words_of

SERVICE = Path(__file__).parents[2] / "service"
CATALOGUE = SERVICE / "translations/en/LC_MESSAGES/messages.po"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "_p": ((1, "c"), 2)}
NAMED: list[tuple[Mapping[object, object], type[Enum]]] = [
    (labels.STATUSES, Status),
    (labels.ACTIONS, Action),
    (labels.CLOCKS, ClockKind),
    (labels.CLOCK_STATES, ClockState),
    (labels.DELIVERIES, Delivery),
    (labels.DELIVERY_ICONS, Delivery),
    (labels.ROLES, Role),
    (labels.PERMISSIONS, Permission),
]


def english() -> dict[tuple[str, str | None], str]:
    with CATALOGUE.open("rb") as file:
        return {(str(m.id), m.context): str(m.string) for m in read_po(file, locale="en") if m.id}


def used() -> Iterator[tuple[str, str | None]]:
    options = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "encoding": "utf-8"}}
    for _file, _line, message, _comments, context in extract_from_dir(SERVICE, METHODS, options, keywords=KEYWORDS):
        yield str(message), context


@pytest.mark.parametrize(("table", "names"), NAMED, ids=lambda value: getattr(value, "__name__", ""))
def test_every_value_of_a_closed_set_has_a_name(table: Mapping[object, object], names: type[Enum]):
    assert set(table) == set(names)


def test_what_is_data_has_its_shipped_names(app: Flask, desk: Desk):
    assert set(labels.CATEGORIES) == {row["code"] for row in rulebook.shipped("categories.json")}
    assert set(labels.PRIORITIES) == set(PRIORITIES)
    assert set(labels.TABS) == set(tabs(desk.person()))
    assert set(labels.SORTS) == set(SORTS) >= set(FIRST_SORT.values())


def test_staff_read_a_rating_in_the_follower_s_words(app: Flask):
    with app.test_request_context():
        assert list(map(str, labels.SATISFACTIONS.values())) == list(map(str, portal_words.SCORES.values()))


def test_every_text_has_a_name_and_is_asked_for_once():
    shown = [key for _group, names in text_names.GROUPS for key in names]

    assert sorted(shown) == sorted(row["key"] for row in rulebook.shipped("texts.json"))


def test_every_error_has_words_and_what_to_do_next():
    codes = {error.code for error in errors.HTTP_STATUS} - {"service_error"}

    assert codes | set(errors.CODES.values()) <= set(problems.PROBLEMS)


def test_every_word_of_the_pages_has_an_english_one():
    catalogue = english()

    assert [message for message in used() if not catalogue.get(message)] == []


def test_the_catalogue_holds_nothing_that_no_page_says():
    assert set(english()) - set(used()) == set()


def test_the_english_words_say_the_same_values():
    fields = [(msg, text) for (msg, _), text in english().items() if msg.count("%(") != text.count("%(")]

    assert fields == []


def test_whoever_chooses_english_reads_english(app: Flask, desk: Desk):
    person = visitor(app, desk.person())

    person.post("/language/en", {"next": "/?tab=all"})
    page = words_of(person.get("/?tab=all"))

    assert "To accept" in page
    assert "工作台" not in page


def test_a_sentence_of_the_service_is_said_in_chinese(app: Flask):
    with pytest.raises(InvalidInput) as refused:
        check_password("zhang", "short")

    with app.test_request_context():
        assert problems.said(refused.value.detail, refused.value.data["errors"]) == ["至少 10 个字符"]


NOW = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)  # 14:00 in Shanghai


@pytest.mark.parametrize(
    ("ago", "shown", "why"),
    [
        (timedelta(seconds=20), "刚刚", "less than a minute"),
        (timedelta(minutes=5), "5分钟前", "less than an hour"),
        (timedelta(hours=3), "11:00", "today"),
        (timedelta(hours=15), "昨天 23:00", "yesterday"),
        (timedelta(days=20), "02-12 14:00", "this year"),
        (timedelta(days=90), "2025-12-04", "another year"),
    ],
)
def test_times_in_lists_are_written_as_people_say_them(app: Flask, ago: timedelta, shown: str, why: str):
    with app.test_request_context():
        g.now = NOW
        assert formats.moment(NOW - ago) == shown


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(seconds=30), "不到1分钟"),
        (timedelta(minutes=35), "35分钟"),
        (timedelta(hours=3, minutes=20), "3小时20分"),
        (timedelta(hours=5), "5小时"),
        (timedelta(days=2, hours=3), "2天3小时"),
    ],
)
def test_lengths_are_written_in_two_units_without_decimals(app: Flask, length: timedelta, shown: str):
    with app.test_request_context():
        assert formats.duration(length) == shown


def test_working_time_is_told_in_working_days(app: Flask):
    with app.test_request_context():
        assert formats.worked(timedelta(hours=16, minutes=30), timedelta(hours=7, minutes=30)) == "2个工作日1小时"


def test_every_action_of_a_page_is_an_action_of_a_ticket():
    assert {act.action for act in ACTS.values()} <= set(Action)
