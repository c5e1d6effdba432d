"""Rules and model together: who decides, what goes to a person, and how good it is on messages kept aside."""

import pytest

from service.learning.corpus import fixed_examples
from service.learning.figures import Figures, figures
from service.routing.classifier import DELICATE, KEYWORD, MODEL, classifier_from, shipped, shipped_rows
from service.routing.model import shipped_model
from tests.unit.routing.test_classifier_complaints import COMPLAINTS, HARD_COMPLAINTS


@pytest.fixture(scope="module")
def measured() -> Figures:
    return figures(shipped(), fixed_examples())


@pytest.mark.parametrize(
    ("figure", "least"),
    [
        ("macro_f1", 0.80),
        ("inquiry_against_complaint", 0.92),
        ("decided_alone", 0.60),
        ("decided_alone_accuracy", 0.92),
        ("urgency_recall", 0.85),
        ("urgency_precision", 0.70),
    ],
)
def test_messages_kept_aside_are_understood(measured: Figures, figure: str, least: float) -> None:
    assert getattr(measured, figure) >= least


def test_complaints_kept_aside_are_not_sent_elsewhere_silently(measured: Figures) -> None:
    assert measured.silent_complaints <= 0.03


def test_probabilities_mean_something(measured: Figures) -> None:
    assert measured.calibration_error <= 0.08


@pytest.mark.parametrize(("text", "category", "why"), COMPLAINTS + HARD_COMPLAINTS)
def test_no_complaint_is_taken_for_something_milder_without_a_person(text: str, category: str, why: str) -> None:
    verdict = shipped().classify(text)

    assert verdict.category in DELICATE or verdict.triage, (why, verdict)


def test_a_rule_of_great_weight_decides_whatever_the_model_thinks() -> None:
    own = {"category": "fault", "pattern": "我要投诉", "weight": 6}

    verdict = classifier_from([own], shipped_rows("categories.json"), shipped_model()).classify("我要投诉你们")

    assert (verdict.category, verdict.confidence, verdict.triage) == ("fault", 1.0, False)


def test_rules_and_model_say_which_of_them_spoke() -> None:
    own = {"category": "complaint", "pattern": "投诉", "weight": 3}
    desk = classifier_from([own], shipped_rows("categories.json"), shipped_model())

    assert desk.classify("我要投诉你们的服务态度").source == KEYWORD
    assert desk.classify("三天了没有一个人管，太过分了").source == MODEL


def test_what_the_model_goes_by_is_named_too() -> None:
    desk = classifier_from([], shipped_rows("categories.json"), shipped_model())

    because = desk.classify("等了三天都没人处理").because

    assert because
    assert all(word in "等了三天都没人处理" for word in because)


def test_an_urgent_finding_of_the_model_names_its_words() -> None:
    verdict = classifier_from([], shipped_rows("categories.json"), shipped_model()).classify(
        "卡里的钱正在被转走，快冻结"
    )

    assert verdict.priority == "urgent"
    assert any("紧急" in reason for reason in verdict.because)


def test_all_categories_are_ranked() -> None:
    ranked = shipped().classify("请问几点开门").ranked

    assert ranked[0][0] == "inquiry"
    assert sum(chance for _, chance in ranked) == pytest.approx(1.0, abs=0.01)
    assert [chance for _, chance in ranked] == sorted((chance for _, chance in ranked), reverse=True)


def test_chatter_that_speaks_of_danger_is_left_to_a_person() -> None:
    verdict = shipped().classify("哈哈 有人跳楼了")

    assert verdict.priority == "urgent"
    assert verdict.triage or verdict.category not in ("other", "invalid")


@pytest.mark.parametrize("text", ["周末", "材料", "你们那", "我想"])
def test_half_a_question_is_not_taken_for_nothing(text: str) -> None:
    verdict = shipped().classify(text)

    assert verdict.triage or verdict.category not in ("other", "invalid")
