"""How rules become a verdict: weights, covers, effects, triage, bad rows; independent of the shipped words."""

from collections.abc import Mapping

import pytest

from service.errors import InvalidInput
from service.routing.classifier import Classifier, classifier_from, shipped
from service.routing.keywords import CATEGORIES

CATEGORY_ROWS = (
    {"code": "inquiry", "default_priority": "normal"},
    {"code": "complaint", "default_priority": "high"},
    {"code": "suggestion", "default_priority": "low"},
)


def classifier(*rows: Mapping[str, object]) -> Classifier:
    return classifier_from(rows, CATEGORY_ROWS)


def rule(pattern: str, category: str = "", weight: float = 3, kind: str = "word", **more: object) -> dict[str, object]:
    return {"pattern": pattern, "category": category, "weight": weight, "kind": kind, **more}


def test_without_a_hit_the_guess_is_an_inquiry_that_a_person_decides() -> None:
    verdict = classifier().classify("石榴")

    assert (verdict.category, verdict.priority, verdict.triage) == ("inquiry", "normal", True)
    assert verdict.confidence < 0.3
    assert verdict.because == ("没有命中规则",)


def test_the_category_brings_its_default_priority() -> None:
    desk = classifier(rule("糟透", "complaint"), rule("不妨", "suggestion"))

    assert desk.classify("糟透").priority == "high"
    assert desk.classify("不妨").priority == "low"


def test_reasons_stand_heaviest_first_with_their_why() -> None:
    desk = classifier(rule("有点", "complaint", 1), rule("糟透", "complaint", 3, why="anger"))

    assert desk.classify("有点糟透").because == ("糟透（anger）", "有点")


def test_rules_with_the_same_reason_count_once() -> None:
    once = classifier(rule("甲", "complaint", 2, why="same"), rule("乙", "complaint", 2, why="same"))
    twice = classifier(rule("甲", "complaint", 2, why="one"), rule("乙", "complaint", 2, why="two"))

    assert once.classify("甲乙").confidence == once.classify("甲").confidence
    assert twice.classify("甲乙").confidence > once.classify("甲乙").confidence


def test_a_covering_rule_hides_its_words_from_the_others() -> None:
    desk = classifier(rule("投诉", "complaint"), rule("投诉电话", "inquiry", effect="cover"))

    assert desk.classify("投诉电话").category == "inquiry"
    assert desk.classify("投诉电话，我要投诉投诉").because[0].startswith("投诉")
    assert desk.classify("投诉").category == "complaint"


def test_a_cover_without_a_category_leaves_nothing_behind() -> None:
    desk = classifier(rule("投诉", "complaint"), rule("不是投诉", effect="cover"))

    assert desk.classify("不是投诉").category == "inquiry"


def test_a_near_second_is_left_to_a_person() -> None:
    desk = classifier(rule("糟", "suggestion", 3), rule("妙", "praise", 3))

    assert desk.classify("糟妙").triage
    assert not desk.classify("糟").triage


def test_nothing_else_is_decided_alone_while_a_complaint_is_likely() -> None:
    desk = classifier(rule("怎么", "inquiry", 4), rule("又", "complaint", 3))

    verdict = desk.classify("怎么又")

    assert verdict.category == "inquiry" or verdict.triage
    assert verdict.triage


def test_between_equals_the_complaint_goes_before() -> None:
    desk = classifier(rule("修", "help_request", 3), rule("气", "complaint", 3))

    assert desk.classify("修气").category == "complaint"


def test_an_urgent_finding_overrides_the_default_of_any_category() -> None:
    desk = classifier(rule("起火", effect="urgent", weight=2), rule("不妨", "suggestion"))

    assert desk.classify("不妨起火").priority == "urgent"
    assert "起火" in desk.classify("不妨起火").because


def test_a_guard_takes_back_an_urgent_finding() -> None:
    desk = classifier(rule("起火", effect="urgent", weight=2), rule("演习", effect="urgent", weight=-1.5))

    assert desk.classify("起火").priority == "urgent"
    assert desk.classify("起火演习").priority == "normal"


@pytest.mark.parametrize(("effect", "priority"), [("high", "high"), ("low", "low")])
def test_high_and_low_move_what_is_normal_by_default(effect: str, priority: str) -> None:
    desk = classifier(rule("甲", effect=effect, weight=1), rule("糟", "complaint"))

    assert desk.classify("甲").priority == priority
    assert desk.classify("甲糟").priority == "high"


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (rule("甲", "gossip"), "category"),
        (rule("甲", effect="loud"), "effect"),
        (rule("甲", "complaint", kind="glob"), "kind"),
        (rule("", "complaint"), "pattern"),
        (rule("(甲", "complaint", kind="regex"), "pattern"),
    ],
)
def test_a_row_that_means_nothing_is_refused_by_field(row: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        classifier(row)

    assert field in str(refused.value)


@pytest.mark.parametrize(
    ("text", "same_as", "why"),
    [
        ("點解冇人處理", "为什么没人处理", "Cantonese and traditional"),
        ("ＲＥＦＵＮＤ　please", "refund please", "full width"),
        ("太 差 了", "太差了", "spaces between characters"),
        ("太\u200b差了", "太差了", "invisible characters"),
    ],
)
def test_spelling_makes_no_difference(text: str, same_as: str, why: str) -> None:
    assert shipped().classify(text) == shipped().classify(same_as), why


def test_a_burst_is_judged_by_its_matter_not_by_its_greeting() -> None:
    assert shipped().classify("你好\n在吗\n我要投诉你们前台").category == "complaint"


def test_what_stands_after_two_thousand_characters_is_not_read() -> None:
    assert shipped().classify("石" * 2000 + "我要投诉") == shipped().classify("石" * 2000)


@pytest.mark.parametrize("text", ["", " ", "\n", "？", "。。。", "\ufffc", "😀" * 3000, "投诉" * 5000])
def test_any_text_gets_a_verdict(text: str) -> None:
    verdict = shipped().classify(text)

    assert verdict.category in CATEGORIES
    assert 0 <= verdict.confidence <= 1
    assert verdict.because
