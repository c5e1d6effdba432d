"""The shipped default files fit together."""

import json
from importlib import resources

from service.routing.classifier import PRIORITIES
from service.routing.keywords import CATEGORIES


def rows(name: str) -> list[dict[str, object]]:
    content: list[dict[str, object]] = json.loads(
        resources.files("service.defaults").joinpath(name).read_text(encoding="utf-8")
    )
    return content


def test_every_category_of_the_classifier_but_talk_is_shipped_with_a_known_priority() -> None:
    shipped = {row["code"]: row["default_priority"] for row in rows("categories.json")}

    assert set(shipped) == set(CATEGORIES) - {"other"}
    assert set(shipped.values()) <= set(PRIORITIES)


def test_routing_names_only_shipped_departments_and_ends_with_a_row_that_fits_all() -> None:
    routing = sorted(rows("routing.json"), key=lambda row: int(str(row["position"])))

    assert {row["department"] for row in routing} <= {row["code"] for row in rows("departments.json")}
    assert [routing[-1][field] for field in ("category", "priority", "account")] == [None, None, None]


def test_exactly_one_department_takes_in() -> None:
    assert [row["code"] for row in rows("departments.json") if row["intake"]] == ["QGB"]


def test_each_keyword_row_is_the_only_one_with_its_pattern_and_says_why() -> None:
    keywords = rows("keywords.json")

    assert len({row["pattern"] for row in keywords}) == len(keywords)
    assert all(row["why"] for row in keywords)


def test_each_keyword_row_is_short_enough_to_read() -> None:
    assert max(len(str(row["pattern"])) for row in rows("keywords.json")) <= 500
