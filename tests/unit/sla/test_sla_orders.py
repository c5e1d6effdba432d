"""The numbers of supervision as administrators edit them."""

from datetime import timedelta

import pytest

from service.rulebook import shipped
from service.sla.orders import order_rules_from, rank

ROWS = shipped("supervision.json")


def changed(key: str, **values: object) -> list[dict[str, object]]:
    return [{**row, **values} if row["key"] == key else row for row in ROWS]


def test_the_shipped_numbers():
    rules = order_rules_from(ROWS)

    assert str(rules.answer) == "240 working minutes"
    assert rules.urge_again == timedelta(minutes=30)
    assert (rules.customer_urges.times, rules.customer_urges.level) == (2, "ordinary")
    assert (rules.urges.times, rules.urges.level) == (3, "yellow")
    assert (rules.repeated_complaints.times, rules.repeated_complaints.level) == (3, "red")


def test_levels_are_ranked():
    assert [rank(level) for level in ("ordinary", "yellow", "red")] == [0, 1, 2]


def test_of_two_rows_of_a_key_the_later_counts():
    assert order_rules_from([*ROWS, {"key": "urge_again", "minutes": 5}]).urge_again == timedelta(minutes=5)


@pytest.mark.parametrize(("count", "level"), [(0, None), (1, None), (2, "ordinary"), (3, None), (4, "ordinary")])
def test_it_happens_again_after_as_many_times_more(count: int, level: str | None):
    assert order_rules_from(ROWS).customer_urges.level_at(count) == level


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        (changed("urges", times=0), "at least 1 time"),
        (changed("urges", times="3"), "whole number"),
        (changed("urges", level="purple"), "purple"),
        (changed("urge_again", minutes=0), "urge_again"),
        (changed("answer", amount=0), "at least 1"),
        (changed("answer", unit="weeks"), "weeks"),
        (ROWS[1:], "answer"),
        ([*ROWS, {"key": "moon"}], "moon"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(rows: list[dict[str, object]], word: str):
    with pytest.raises(ValueError, match=word):
        order_rules_from(rows)
