"""Patterns that could take very long are refused by their structure, and none of the shipped ones is such."""

import json
from importlib import resources

import pytest

from service.routing.patterns import UnsafePattern, check_pattern, compile_regex, compile_words

KEYWORDS: list[dict[str, object]] = json.loads(
    resources.files("service.defaults").joinpath("keywords.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a*", "unbounded"),
        ("a+b", "unbounded"),
        (".{3,}b", "no upper bound"),
        ("(a+)+$", "the classic"),
        ("(a{1,9}){1,9}", "repetition in a repeated group"),
        ("((ab{0,3})c){2}", "repetition two groups deep"),
        ("(?:a{0,3}|b){0,5}", "repetition in a branch"),
        (".{0,500}x", "too wide"),
        (".{0,9}a.{0,9}b.{0,9}c.{0,9}d.{0,9}e", "too many wide gaps"),
        ("(a|aa){0,20}x", "alternatives that both fit: each round doubles the work"),
        ("((?:a|a)b?){1,40}x", "the same, one group deeper"),
        (r"(a)\1", "reference to a group"),
        ("(a", "not a regular expression"),
        ("[a", "not a regular expression"),
    ],
)
def test_a_dangerous_pattern_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(UnsafePattern):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "漏.{0,8}水",
        "(a|b){0,3}c",
        r"[*+{}]",
        r"[]*]",
        r"[^]+]x",
        r"\*\+",
        "(?<!不)好(?!吗)",
        "(a{0,3}b)?",
        r"(a\))?{",
        "a{0,3}?",
    ],
)
def test_a_bounded_pattern_is_taken(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize("row", [row for row in KEYWORDS if row["kind"] == "regex"], ids=lambda row: str(row["why"]))
def test_every_shipped_pattern_is_safe(row: dict[str, object]) -> None:
    check_pattern(str(row["pattern"]))


def test_an_empty_match_is_no_match() -> None:
    assert compile_regex(["(甲)?"])("乙") is None


def test_the_first_match_of_any_row_is_found() -> None:
    assert compile_regex(["甲乙", "丙"])("丁丙甲乙") == (1, 2)


def test_latin_words_match_only_whole_beside_chinese() -> None:
    find = compile_words(["app|坏了"])

    assert find("我的app打不开") == (2, 5)
    assert find("happy") is None
    assert find("灯坏了") == (1, 3)
