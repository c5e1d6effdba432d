"""A table of targets as people write it: every text and every mistake has its place, and tags take precedence."""

import pytest

from service import rulebook
from service.sla.drafts import MISTAKES, Mistake, UnusableTable, mistake_words, rows_of, table_from
from service.sla.policy import TARGETS, Target, Unit, policies_from
from service.sla.rows import Row
from service.sla.target_words import Unreadable, share_in, share_text, target_in, target_text
from service.sla.words import Lang

SHIPPED = policies_from(rulebook.shipped("sla_policies.json"))
CATEGORIES = [str(row["code"]) for row in rulebook.shipped("categories.json")]
MINUTES, DAYS, NATURAL = Unit.WORKING_MINUTES, Unit.WORKING_DAYS, Unit.NATURAL_MINUTES


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("30 分钟", 30, MINUTES),
        ("30分", 30, MINUTES),
        ("4小时", 240, MINUTES),
        ("1 小时 30 分钟", 90, MINUTES),
        ("1.5 h", 90, MINUTES),
        ("1 工作日", 1, DAYS),
        ("3个工作日", 3, DAYS),
        ("2 小时自然", 120, NATURAL),
        ("24 小时（自然）", 1440, NATURAL),
        ("自然 10 分钟", 10, NATURAL),
        ("2 h natural", 120, NATURAL),
        ("2 小时 工作", 120, MINUTES),
        ("5 workdays", 5, DAYS),
        ("1 working day", 1, DAYS),
    ],
)
def test_a_target_is_read_as_people_write_it(text: str, amount: int, unit: Unit) -> None:
    assert target_in(text) == Target(amount, unit)


@pytest.mark.parametrize("text", ["", "  ", "—", "-", "不计", "none"])
def test_nothing_and_a_dash_are_no_clock(text: str) -> None:
    assert target_in(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("30", "unit"),
        ("3 天", "days"),
        ("3 天自然", "natural_days"),
        ("1 工作日 自然", "natural_days"),
        ("2 小时 工作 自然", "both"),
        ("半天", "unreadable"),
        ("9" * 5000, "unreadable"),
        ("0.33 小时", "fraction"),
        ("0 分钟", "zero"),
        ("401 工作日", "large"),
        ("9000 小时", "large"),
    ],
)
def test_a_text_that_is_no_target_is_told_why(text: str, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        target_in(text)

    assert refused.value.code == code


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_shipped_target_is_read_again_as_it_is_written(lang: Lang) -> None:
    targets = [getattr(policy, name) for policy in SHIPPED.policies for name in TARGETS]

    assert [target_in(target_text(target, lang)) for target in targets] == targets


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("5", 0.05), ("12.5 ％", 0.125), ("—", 0), ("100", 1)])
def test_a_share_is_read_in_percent(text: str, share: float) -> None:
    assert share_in(text) == share
    assert share_in(share_text(share)) == share


@pytest.mark.parametrize("text", ["101", "-5%", "一成", "1" * 400])
def test_a_share_beyond_the_whole_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        share_in(text)


def test_the_shipped_table_is_good_and_its_rows_give_it_again() -> None:
    made = table_from(rows_of(SHIPPED), CATEGORIES)

    assert {policy.name: policy for policy in made.policies} == {policy.name: policy for policy in SHIPPED.policies}


def test_categories_without_clocks_need_no_row() -> None:
    rows = [row for row in rows_of(SHIPPED) if row["category"] not in ("praise", "invalid")]

    assert table_from(rows, CATEGORIES).policy_for("praise", "normal").accept is None


def mistakes(changes: dict[str, Row], *more: Row) -> list[tuple[str, str | None, str]]:
    """What is wrong with the shipped rows after changes: code, name of the row, column."""
    rows = [{**row, **changes.get(str(row["key"]), {})} for row in rows_of(SHIPPED)] + list(more)
    with pytest.raises(UnusableTable) as refused:
        table_from(rows, CATEGORIES)
    assert all(mistake_words(m, "zh") and mistake_words(m, "en") for m in refused.value.mistakes)
    return [(m.code, None if m.row is None else str(rows[m.row]["key"]), m.column) for m in refused.value.mistakes]


VIP = next(row for row in rows_of(SHIPPED) if row["key"] == "complaint/high") | {"key": "VIP", "tag": "VIP"}


@pytest.mark.parametrize(
    ("changes", "more", "found"),
    [
        ({"inquiry/low": {"accept": {"amount": 0, "unit": "working_minutes"}}}, (), ("row", "inquiry/low", "accept")),
        (
            {"inquiry/low": {"accept": {"amount": 999, "unit": "working_days"}}},
            (),
            ("large", "inquiry/low", "accept"),
        ),
        ({"fault/any": {"accept": None, "resolve": None}}, (), ("unclocked", "fault/any", "accept")),
        ({"fault/any": {"follow_up_share": 2}}, (), ("share", "fault/any", "follow_up_share")),
        ({"fault/any": {"follow_up_share": 0.5}}, (), ("share_without_follow_up", "fault/any", "follow_up")),
        (
            {"praise/any": {"accept": {"amount": 1, "unit": "working_days"}}},
            (),
            ("clockless", "praise/any", "category"),
        ),
        ({"fault/any": {"category": "spam"}}, (), ("category", "fault/any", "category")),
        ({"fault/any": {"priority": "extreme"}}, (), ("priority", "fault/any", "priority")),
        ({}, (VIP | {"tag": "十" * 11},), ("tag", "VIP", "tag")),
        ({}, (VIP, VIP), ("twice", "VIP", "tag")),
        ({"inquiry/low": {"tag": "VIP"}}, (), ("missing", None, "")),
        ({"inquiry/low": {"accept": "soon"}}, (), ("row", "inquiry/low", "accept")),
    ],
)
def test_each_mistake_stands_at_its_cell(
    changes: dict[str, Row], more: tuple[Row, ...], found: tuple[str, str | None, str]
) -> None:
    assert mistakes(changes, *more) == [found]


def test_all_mistakes_are_told_at_once() -> None:
    changes: dict[str, Row] = {"fault/any": {"follow_up_share": 2}, "inquiry/low": {"accept": "soon"}}

    assert [name for _, name, _ in mistakes(changes)] == ["inquiry/low", "fault/any"]


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UnusableTable, match="suggestion is missing"):
        table_from([row for row in rows_of(SHIPPED) if row["category"] != "suggestion"], CATEGORIES)


def test_both_languages_say_the_same_mistakes() -> None:
    assert set(MISTAKES["zh"]) == set(MISTAKES["en"])
    assert mistake_words(Mistake("zero"), "zh") != mistake_words(Mistake("zero"), "en")
