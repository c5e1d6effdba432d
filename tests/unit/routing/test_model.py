"""The linear model: its file, what it makes of a text, and the words that it names."""

import numpy as np
import pytest

from service.routing.features import SIGNALS, grams, scale, signals
from service.routing.keywords import CATEGORIES, keywords_from
from service.routing.model import Model, load_model, packed, shipped_model

SILENT = [0.0] * len(SIGNALS)


def model(**weights: dict[str, float]) -> Model:
    """A model that knows these words: word -> weight by category, or `urgent`."""
    columns = (*CATEGORIES, "urgent")
    matrix = [[found.get(column, 0.0) for column in columns] for found in weights.values()]
    return Model(
        version="",
        categories=CATEGORIES,
        vocabulary={word: row for row, word in enumerate(weights)},
        weights=np.array(matrix, dtype=np.float32),
        signal_weights=np.zeros((len(SIGNALS), len(columns)), dtype=np.float32),
        bias=np.zeros(len(columns), dtype=np.float32),
        temperature=1.0,
        about={},
    )


def test_probabilities_follow_the_words_and_sum_to_one() -> None:
    chances, urgency = model(糟={"complaint": 4.0}, 火={"urgent": 5.0}).opinion("糟", SILENT)

    assert max(chances, key=chances.__getitem__) == "complaint"
    assert sum(chances.values()) == pytest.approx(1.0)
    assert urgency == pytest.approx(0.5)


def test_urgency_stands_apart_from_the_category() -> None:
    desk = model(火={"urgent": 5.0})

    chances, urgency = desk.opinion("火", SILENT)

    assert urgency > 0.9
    assert chances["complaint"] == pytest.approx(1 / len(CATEGORIES))


def test_a_text_without_a_known_word_is_anything() -> None:
    chances, _ = model(糟={"complaint": 4.0}).opinion("石榴", SILENT)

    assert list(chances.values()) == pytest.approx([1 / len(CATEGORIES)] * len(CATEGORIES))


def test_a_word_weighs_less_in_a_longer_text() -> None:
    desk = model(糟={"complaint": 4.0})

    short, long = (desk.opinion(text, SILENT)[0]["complaint"] for text in ("糟", "糟天地玄黄宇宙洪荒日月盈昃"))

    assert long < short


def test_the_words_that_speak_for_a_category_are_named_heaviest_first() -> None:
    desk = model(没人={"complaint": 3.0}, 拖延={"complaint": 1.0}, 请问={"inquiry": 3.0})

    assert desk.words_for("请问，没人，拖延", "complaint", "inquiry") == ("没人", "拖延")
    assert desk.words_for("请问，没人，拖延", "inquiry", "complaint") == ("请问",)


def test_the_file_gives_back_the_same_model() -> None:
    desk = model(糟={"complaint": 4.0}, 火={"urgent": 5.0})

    again = load_model(packed(desk))

    assert again.opinion("糟火", SILENT) == desk.opinion("糟火", SILENT)
    assert packed(again) == packed(desk)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda raw: b"", "nothing"),
        (lambda raw: raw[:-3], "cut short"),
        (lambda raw: raw + b"\x00\x00", "something behind it"),
        (lambda raw: raw.replace(b'"format":1', b'"format":2'), "of another format"),
        (lambda raw: raw.replace(b'"bias"', b'"bios"'), "a part is missing"),
        (lambda raw: raw.replace(b'"temperature":1.0', b'"temperature":0'), "no temperature"),
        (lambda raw: raw.replace(b"complaint", b"gossip", 1), "a category that we do not know"),
        (lambda raw: raw[:-2] + b"\x00\x7e", "a number that is none"),
        (lambda raw: b"[]\n" + raw, "another JSON"),
    ],
)
def test_a_damaged_file_is_refused(damage, why: str) -> None:
    raw = packed(model(糟={"complaint": 4.0}))

    with pytest.raises(ValueError, match=r"."):
        load_model(damage(raw))


def test_stretches_are_distinct_and_see_where_a_text_begins_and_ends() -> None:
    assert grams("好好") == ["\x02", "好", "\x03", "\x02好", "好好", "好\x03", "\x02好好", "好好\x03"]


def test_vectors_of_any_length_are_alike() -> None:
    assert scale(120) * 2 == pytest.approx(scale(30)) == 1.0


def test_signals_are_bounded_however_much_a_rule_weighs() -> None:
    rules = keywords_from([{"category": "complaint", "pattern": "甲", "weight": 90.0, "effect": "urgent"}])

    found = dict(zip(SIGNALS, signals(rules.hits("甲")), strict=True))

    assert (found["complaint"], found["urgent"], found["inquiry"]) == (1.0, 1.0, 0.0)


def test_the_shipped_model_is_small() -> None:
    assert len(packed(shipped_model())) < 10_000_000
