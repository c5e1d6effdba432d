"""Rows that can never decide are found, and none that can is called so."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.routing.autoreply import Window
from service.routing.classifier import PRIORITIES
from service.routing.coverage import Known, Why, troubles
from service.routing.rules import ALWAYS, Matter, RoutingRow, first, in_order, words_in

CATEGORIES = {"inquiry": ("invoice", "hours"), "complaint": ("attitude",), "praise": ()}
KNOWN = Known(CATEGORIES, ("QGB", "KFB"), ("main", "second"), ("inquiry/normal",))
ANY = RoutingRow(10, None, None, None, "QGB")
LATER = replace(ANY, position=20)
NIGHT = Window(start=time(22), end=time(6))


def found(*rows: RoutingRow) -> dict[str, Why]:
    return {name: trouble.why for name, trouble in troubles(rows, KNOWN).items()}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (replace(ANY, category="gone"), Why.NO_CATEGORY),
        (replace(ANY, category="inquiry", subcategory="attitude"), Why.NO_SUBCATEGORY),
        (replace(ANY, priority="extreme"), Why.NO_PRIORITY),
        (replace(ANY, account="closed"), Why.NO_ACCOUNT),
        (replace(ANY, keyword=" | "), Why.NO_WORDS),
        (replace(ANY, window=Window(start=time(9), end=time(9))), Why.NO_TIME),
        (replace(ANY, window=Window(days=frozenset())), Why.NO_TIME),
        (replace(ANY, department="XXX"), Why.NO_DEPARTMENT),
        (replace(ANY, targets="inquiry/extreme"), Why.NO_TARGETS),
    ],
)
def test_a_row_that_contradicts_itself_is_found(row: RoutingRow, why: Why) -> None:
    assert found(row) == {"10": why}


@pytest.mark.parametrize(
    ("earlier", "row", "why"),
    [
        (ANY, LATER, "after a row for anything nothing is left"),
        (ANY, replace(LATER, keyword="发票", tag="VIP"), "however narrow it is"),
        (
            replace(ANY, category="inquiry"),
            replace(LATER, category="inquiry", subcategory="hours"),
            "the whole category",
        ),
        (replace(ANY, keyword="发票|收据"), replace(LATER, keyword="发票抬头"), "each of its texts has the word too"),
        (replace(ANY, tag="VIP"), replace(LATER, tag="VIP", scene="store-1"), "the same tag"),
        (replace(ANY, window=NIGHT), replace(LATER, window=Window(start=time(23), end=time(1))), "within the night"),
    ],
)
def test_a_row_behind_one_that_fits_whenever_it_does_never_decides(
    earlier: RoutingRow, row: RoutingRow, why: str
) -> None:
    assert found(earlier, row) == {"20": Why.COVERED}, why


@pytest.mark.parametrize(
    ("earlier", "row", "why"),
    [
        (replace(ANY, keyword="发票"), LATER, "other texts are left"),
        (replace(ANY, keyword="发票"), replace(LATER, keyword="发票|收据"), "texts with the other word are left"),
        (replace(ANY, keyword="app"), replace(LATER, keyword="apple"), "Latin words count only whole"),
        (replace(ANY, tag="VIP"), replace(LATER, tag="老客户"), "a follower may have either"),
        (replace(ANY, window=NIGHT), replace(LATER, window=Window(start=time(21), end=time(23))), "an hour is left"),
        (replace(ANY, category="inquiry"), LATER, "other categories are left"),
        (replace(ANY, category="gone"), replace(LATER, category="inquiry"), "what never fits covers nothing"),
        (replace(ANY, department="XXX"), replace(ANY, position=5), "the order counts, not the list"),
    ],
)
def test_a_row_that_may_decide_is_not_called_dead(earlier: RoutingRow, row: RoutingRow, why: str) -> None:
    assert found(earlier, row).get(row.name) is None, why


def test_several_rows_together_cover_another_and_are_named() -> None:
    rows = [replace(ANY, position=at, priority=priority) for at, priority in enumerate(PRIORITIES, start=1)]

    trouble = troubles([*rows, LATER], KNOWN)["20"]

    assert (trouble.why, list(trouble.by)) == (Why.COVERED, rows)


def test_inside_and_outside_working_hours_are_all_hours() -> None:
    rows = [replace(ANY, position=at, window=Window(hours=h)) for at, h in enumerate(("inside", "outside"), start=1)]

    assert found(*rows, LATER) == {"20": Why.COVERED}


def test_the_shipped_kind_of_table_has_no_trouble() -> None:
    assert found(replace(ANY, category="complaint", department="KFB"), LATER) == {}


HOURS = st.sampled_from([time(0), time(6), time(9), time(9, 30), time(18), time(22)])
WINDOWS = st.one_of(
    st.just(ALWAYS),
    st.builds(
        Window,
        st.frozensets(st.integers(0, 6)),
        HOURS,
        HOURS,
        st.sampled_from(["any", "inside", "outside"]),
    ),
    st.builds(Window, hours=st.sampled_from(["inside", "outside"])),
)
WORDS = ["发票", "发票抬头", "收据", "app", "apple", "收据|app", "发票|收据|apple"]


def maybe(*values: str) -> st.SearchStrategy[str | None]:
    """Mostly nothing: rows that fit much are those that cover others."""
    return st.sampled_from([None] * 4 * len(values) + [*values])


ROWS = st.builds(
    RoutingRow,
    position=st.integers(1, 6),
    category=maybe("inquiry", "complaint", "gone"),
    subcategory=maybe("invoice", "attitude"),
    priority=maybe("normal", "urgent"),
    account=maybe("main", "second"),
    department=st.sampled_from(["QGB", "KFB", "XXX"]),
    keyword=maybe(*WORDS),
    menu_key=maybe("ASK", "VIP"),
    scene=maybe("store-1"),
    tag=maybe("VIP", "老客户"),
    window=WINDOWS,
)
KINDS = [(category, name) for category, names in CATEGORIES.items() for name in (None, *names)]
MATTERS = st.builds(
    lambda kind, **rest: Matter(category=kind[0], subcategory=kind[1], **rest),
    kind=st.sampled_from([*KINDS, (None, None)]),
    priority=st.sampled_from(PRIORITIES),
    account=st.sampled_from(["main", "second", "third"]),
    text=st.lists(st.sampled_from(["发票抬头", "发票", "收据", "apple", "app", "x", " ", "你好"]), max_size=4).map(
        "".join
    ),
    menu_key=maybe("ASK", "VIP", "OTHER"),
    scene=maybe("store-1", "store-2"),
    tags=st.lists(st.sampled_from(["VIP", "老客户"]), unique=True).map(tuple),
    at=st.integers(0, 7 * 48 - 1).map(lambda half: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=30 * half)),
    is_open=st.booleans(),
)


def aimed_at(row: RoutingRow, matter: Matter, word: int) -> Matter:
    """The matter with what the row asks for, and one of its words alone: it may well fit."""
    names = ("category", "subcategory", "priority", "account", "menu_key", "scene")
    asked = {name: getattr(row, name) for name in names if getattr(row, name) is not None}
    words = words_in(row.keyword or "")
    text = {"text": words[word % len(words)]} if words else {}
    made = replace(matter, **asked, **text, tags=(row.tag,) if row.tag else matter.tags)
    return made if (made.category, made.subcategory) in KINDS else matter  # there are no others


@settings(max_examples=600)
@given(st.lists(ROWS, min_size=2, max_size=5), st.lists(MATTERS, min_size=1, max_size=8))
def test_a_row_that_is_called_dead_never_decides(rows: list[RoutingRow], matters: list[Matter]) -> None:
    rows = [replace(row, key=f"r{at}") for at, row in enumerate(rows)]
    tried = [aimed_at(row, matter, word) for row in rows for word, matter in enumerate(matters)]

    dead = {name for name, trouble in troubles(rows, KNOWN).items() if trouble.is_dead}

    deciding = {row.name for matter in [*matters, *tried] if (row := first(rows, matter)) is not None}
    assert not dead & deciding


@settings(max_examples=150)
@given(st.lists(ROWS, min_size=2, max_size=6), MATTERS)
def test_what_a_covered_row_fits_one_of_those_named_fits_before_it(rows: list[RoutingRow], matter: Matter) -> None:
    rows = in_order(replace(row, key=f"r{at}") for at, row in enumerate(rows))
    for name, trouble in troubles(rows, KNOWN).items():
        row = next(row for row in rows if row.name == name)

        if trouble.why is Why.COVERED and first([row], matter) is not None:
            assert first(trouble.by, matter) is not None
