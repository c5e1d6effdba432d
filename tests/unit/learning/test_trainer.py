"""Training: the same for the same examples, heavier for one's own, refused where there is nothing to learn from."""

import random

import pytest

from service.learning.corpus import Example
from service.learning.trainer import train
from service.routing.classifier import Classifier, classifier_from
from service.routing.keywords import CATEGORIES, keywords_from
from service.routing.model import load_model

NO_RULES = keywords_from([])
SYLLABLES = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈"


def examples(number: int = 12) -> list[Example]:
    """Messages of every category, each with a word of its own among others."""
    chance = random.Random(7)
    return [
        Example("".join(chance.sample(SYLLABLES, 6)) + chr(0x8000 + at) * 2, code, urgent=code == "complaint")
        for at, code in enumerate(CATEGORIES)
        for _ in range(number)
    ]


def word_of(category: str) -> str:
    return chr(0x8000 + CATEGORIES.index(category)) * 2


def trained(own: list[Example]) -> Classifier:
    return classifier_from([], [], load_model(train(own, NO_RULES)))


def test_the_same_examples_give_the_same_bytes() -> None:
    assert train(examples(), NO_RULES) == train(examples(), NO_RULES)


def test_it_learns_the_words_of_each_category() -> None:
    desk = trained(examples())

    assert [desk.classify(word_of(code)).category for code in CATEGORIES] == list(CATEGORIES)


def test_it_learns_what_is_urgent() -> None:
    desk = trained(examples())

    assert desk.classify(word_of("complaint")).priority == "urgent"
    assert desk.classify(word_of("inquiry")).priority == "normal"


def test_an_example_of_this_installation_weighs_more() -> None:
    said = [Example("石榴石榴", "inquiry")] * 3
    corrected = [Example("石榴石榴", "praise", own=True)] * 3

    assert trained(examples() + said + corrected).classify("石榴石榴").category == "praise"


def test_a_category_without_examples_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="praise"):
        train([example for example in examples() if example.category != "praise"], NO_RULES)
