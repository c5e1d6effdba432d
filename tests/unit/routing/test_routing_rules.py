"""Which department gets a matter: the first row that fits, else intake."""

import json
from dataclasses import replace
from importlib import resources

import pytest

from service.routing.rules import Destination, Matter, RoutingRow, route

SHIPPED = [
    RoutingRow(**row)
    for row in json.loads(resources.files("service.defaults").joinpath("routing.json").read_text(encoding="utf-8"))
]
MATTER = Matter(category="inquiry", priority="normal", account="main")


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

    assert route(rows, MATTER) == Destination("YWB", "row 1: priority normal")


@pytest.mark.parametrize(
    ("row", "fits"),
    [
        (RoutingRow(1, "inquiry", "normal", "main", "YWB"), True),
        (RoutingRow(1, "inquiry", "urgent", None, "YWB"), False),
        (RoutingRow(1, None, None, "other", "YWB"), False),
        (RoutingRow(1, None, None, None, "YWB", keyword="发票"), True),
        (RoutingRow(1, None, None, None, "YWB", keyword="订单"), False),
    ],
)
def test_every_condition_of_a_row_must_hold(row: RoutingRow, *, fits: bool) -> None:
    matter = replace(MATTER, text="开发票")

    assert (route([row], matter, intake="QGB").department == "YWB") is fits


def test_without_a_fitting_row_the_intake_department_keeps_it_and_says_so() -> None:
    assert route([], MATTER, intake="KFB") == Destination("KFB", "no row fits: intake")


def test_a_row_may_set_the_priority() -> None:
    rows = [RoutingRow(1, "inquiry", None, None, "QGB", set_priority="high")]

    assert route(rows, MATTER).priority == "high"
