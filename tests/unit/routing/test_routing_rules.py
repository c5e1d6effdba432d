"""Where a matter goes: the first row that fits, else intake."""

import json
from dataclasses import replace
from datetime import datetime, time
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from service.errors import InvalidInput
from service.routing.autoreply import Window
from service.routing.rules import Destination, Matter, RoutingRow, misfits, route, row_from, value_of

SHIPPED = [
    row_from(row)
    for row in json.loads(resources.files("service.defaults").joinpath("routing.json").read_text(encoding="utf-8"))
]
ZONE = ZoneInfo("Asia/Shanghai")
WEDNESDAY = datetime(2026, 3, 4, 10, 0, tzinfo=ZONE)
MATTER = Matter(category="inquiry", priority="normal", account="main", at=WEDNESDAY)
ANY = RoutingRow(1, None, None, None, "YWB")


@pytest.mark.parametrize(
    ("category", "department", "why"),
    [
        ("complaint", "KFB", "customer service owns complaints"),
        ("fault", "JSB", "technology owns faults"),
        ("inquiry", "QGB", "the management office answers"),
        ("report", "QGB", "restricted, stays with intake"),
        ("invalid", "QGB", "stays with intake"),
        (None, "QGB", "not yet classified"),
    ],
)
def test_the_shipped_rows_send_each_category_home(category: str | None, department: str, why: str) -> None:
    assert route(SHIPPED, replace(MATTER, category=category)).department == department, why


def test_the_row_with_the_lowest_position_wins_whatever_the_order() -> None:
    rows = [RoutingRow(2, "inquiry", None, None, "QGB"), RoutingRow(1, None, "normal", None, "YWB")]

    assert route(rows, MATTER) == Destination("YWB", "row 1: priority normal", row="1")


@pytest.mark.parametrize(
    ("condition", "matter", "misfit"),
    [
        ({"category": "inquiry", "priority": "normal", "account": "main"}, {}, None),
        ({"priority": "urgent"}, {}, "priority"),
        ({"account": "other"}, {}, "account"),
        ({"keyword": "发票|收据"}, {"text": "能開收據嗎"}, None),
        ({"keyword": "发票"}, {"text": "订单"}, "keyword"),
        ({"keyword": "app"}, {"text": "happy birthday"}, "keyword"),
        ({"keyword": "，"}, {"text": "，"}, None),
        ({"category": "inquiry", "subcategory": "invoice"}, {"subcategory": "invoice"}, None),
        ({"category": "inquiry", "subcategory": "invoice"}, {"subcategory": "hours"}, "subcategory"),
        ({"menu_key": "VIP"}, {"menu_key": "VIP"}, None),
        ({"menu_key": "VIP"}, {}, "menu_key"),
        ({"scene": "store-1"}, {"scene": "store-1"}, None),
        ({"scene": "store-1"}, {"scene": "store-2"}, "scene"),
        ({"tag": "VIP"}, {"tags": ("老客户", "VIP")}, None),
        ({"tag": "VIP"}, {"tags": ("老客户",)}, "tag"),
    ],
)
def test_every_condition_of_a_row_must_hold(
    condition: dict[str, str], matter: dict[str, object], misfit: str | None
) -> None:
    row = replace(ANY, **condition)

    assert next(misfits(row, replace(MATTER, **matter)), None) == misfit


@pytest.mark.parametrize(
    ("window", "at", "is_open", "holds"),
    [
        (Window(start=time(9), end=time(18)), "2026-03-04 09:00", True, True),
        (Window(start=time(9), end=time(18)), "2026-03-04 18:00", True, False),
        (Window(start=time(22), end=time(6)), "2026-03-05 05:59", False, True),
        (Window(start=time(22), end=time(6)), "2026-03-05 06:00", False, False),
        (Window(days=frozenset({5, 6})), "2026-03-07 10:00", False, True),
        (Window(days=frozenset({5, 6})), "2026-03-04 10:00", True, False),
        (Window(hours="outside"), "2026-03-04 20:00", False, True),
        (Window(hours="outside"), "2026-03-04 10:00", True, False),
        (Window(start=time(9), end=time(9)), "2026-03-04 09:00", True, False),
        (Window(days=frozenset()), "2026-03-04 09:00", True, False),
    ],
)
def test_a_row_holds_in_its_hours(window: Window, at: str, is_open: bool, holds: bool) -> None:
    matter = replace(MATTER, at=datetime.fromisoformat(at).replace(tzinfo=ZONE), is_open=is_open)

    assert (route([replace(ANY, window=window)], matter, intake="QGB").department == "YWB") is holds


def test_without_a_fitting_row_the_intake_department_keeps_it_and_says_so() -> None:
    assert route([], MATTER, intake="KFB") == Destination("KFB", "no row fits: intake")


def test_a_row_may_set_the_priority_and_the_targets() -> None:
    row = RoutingRow(1, "inquiry", None, None, "QGB", set_priority="high", targets="complaint/high", key="own-1")

    goal = route([row], MATTER)

    assert (goal.priority, goal.targets, goal.row) == ("high", "complaint/high", "own-1")


@pytest.mark.parametrize(("asks", "given"), [(None, None), ("urgent", "low")])
def test_only_a_row_about_urgent_matters_lowers_an_urgent_one(asks: str | None, given: str | None) -> None:
    row = replace(ANY, priority=asks, set_priority="low")

    assert route([row], replace(MATTER, priority="urgent")).priority == given


def test_a_row_reads_as_it_was_written() -> None:
    row = RoutingRow(
        position=40,
        category="inquiry",
        subcategory="invoice",
        priority="normal",
        account="main",
        department="CWB",
        keyword="发票|抬头",
        menu_key="VIP",
        scene="store-1",
        tag="老客户",
        window=Window(frozenset({0, 1}), time(9), time(18, 30), "inside"),
        set_priority="high",
        targets="inquiry/high",
    )

    assert row_from(value_of(row)) == row


@pytest.mark.parametrize(
    "window", [{"hours": "sometimes"}, {"days": [7]}, {"start": "09:00"}, {"start": "9", "end": "x"}]
)
def test_hours_that_mean_nothing_are_refused(window: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        row_from({"position": 1, "department": "QGB", "window": window})
