"""The messages that are shipped: labelled with known words, each once, and none of those that measure among them."""

from collections import Counter

from service.learning.corpus import Example, digest_of, fixed_examples, shipped_examples
from service.routing.keywords import CATEGORIES
from service.routing.model import shipped_model
from service.routing.text import normalise

ALIKE = 0.6  # share of pairs of characters in common


def pairs(text: str) -> frozenset[str]:
    plain = normalise(text)
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1)) or frozenset([plain])


def test_every_message_has_a_known_category() -> None:
    assert {example.category for example in (*shipped_examples(), *fixed_examples())} <= set(CATEGORIES)


def test_there_are_enough_messages_of_every_category() -> None:
    counted = Counter(example.category for example in shipped_examples())

    assert len(shipped_examples()) >= 2_000
    assert min(counted[code] for code in CATEGORIES) >= 50


def test_no_message_occurs_twice() -> None:
    counted = Counter(example.text for example in (*shipped_examples(), *fixed_examples()))

    assert [text for text, number in counted.items() if number > 1] == []


def test_nothing_that_measures_is_trained_on_nor_a_paraphrase_of_it() -> None:
    trained, kept = ([(e.text, pairs(e.text)) for e in some] for some in (shipped_examples(), fixed_examples()))

    alike = [
        (text, other)
        for text, own in kept
        for other, theirs in trained
        if len(own & theirs) > ALIKE * (len(own) + len(theirs)) / (1 + ALIKE)  # shared > ALIKE of all there are
    ]

    assert alike == []


def test_the_shipped_model_is_of_the_shipped_messages() -> None:
    assert shipped_model().about["trained_on"] == digest_of(shipped_examples()), "run `make model`"


def test_the_digest_sees_any_change() -> None:
    one = Example("何时开门", "inquiry")

    assert digest_of([one]) != digest_of([Example("何时开门", "complaint")])
    assert digest_of([one]) != digest_of([one, one])
