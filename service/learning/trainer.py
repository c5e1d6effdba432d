"""Makes a model of examples: the only place that knows the library for it, which takes a second to import."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from service.learning.corpus import Example, digest_of
from service.routing.features import SIGNALS, grams, scale, signals
from service.routing.keywords import CATEGORIES, Keywords
from service.routing.model import Model, load_model, packed
from service.routing.text import normalise

RAREST = 2  # texts in which a stretch of characters must occur to be learned
OWN_WEIGHT = 3.0  # of an example of this installation against one that was shipped
SOFTNESS = 1.0  # inverse of the penalty on weights (C)
FOLDS = 3  # in which the temperature is found, on texts that the fold has not seen
TEMPERATURES = np.arange(0.5, 2.51, 0.05)
Numbers = NDArray[np.float64]


def train(examples: Sequence[Example], keywords: Keywords) -> bytes:
    """The file of a model of these examples: the same for the same examples, rules, libraries and processor.

    Raises ValueError where a category has too few examples to learn from.
    """
    known = [example for example in examples if example.category in CATEGORIES]
    counted = Counter(example.category for example in known)
    if too_few := sorted(code for code in CATEGORIES if counted[code] < FOLDS):
        raise ValueError(f"too few examples of {', '.join(too_few)}")
    words = [grams(normalise(example.text)) for example in known]
    vocabulary = _vocabulary(words)
    given = hstack([_rows(words, vocabulary), _signals(known, keywords)]).tocsr()
    labels = np.array([CATEGORIES.index(example.category) for example in known])
    urgent = np.array([example.urgent for example in known])
    weights = np.array([OWN_WEIGHT if example.own else 1.0 for example in known])
    fitted, alarm = _fit(given, labels, weights), _fit(given, urgent, weights)
    columns = np.vstack([fitted.coef_, alarm.coef_]).T.astype(np.float32)
    model = Model(
        version="",
        categories=CATEGORIES,
        vocabulary=vocabulary,
        weights=columns[: len(vocabulary)],
        signal_weights=columns[len(vocabulary) :],
        bias=np.concatenate([fitted.intercept_, alarm.intercept_]).astype(np.float32),
        temperature=_temperature(given, labels, weights),
        about={
            "examples": dict(sorted(counted.items())),
            "own": sum(example.own for example in known),
            "trained_on": digest_of(known),
        },
    )
    raw = packed(model)
    load_model(raw)
    return raw


def _vocabulary(words: Sequence[Sequence[str]]) -> dict[str, int]:
    counted = Counter(gram for row in words for gram in row)
    return {gram: at for at, gram in enumerate(sorted(gram for gram, number in counted.items() if number >= RAREST))}


def _rows(words: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> csr_matrix:
    columns = [[vocabulary[gram] for gram in row if gram in vocabulary] for row in words]
    starts = np.cumsum([0, *map(len, columns)])
    values = np.repeat([scale(len(row)) for row in words], list(map(len, columns)))
    flat = np.array([column for row in columns for column in row], dtype=np.int64)
    return csr_matrix((values, flat, starts), shape=(len(words), len(vocabulary)))


def _signals(examples: Sequence[Example], keywords: Keywords) -> csr_matrix:
    found = [signals(keywords.hits(normalise(example.text))) for example in examples]
    return csr_matrix(np.array(found, dtype=np.float64).reshape(len(examples), len(SIGNALS)))


def _fit(given: csr_matrix, labels: NDArray[np.int64] | NDArray[np.bool_], weights: Numbers) -> LogisticRegression:
    return LogisticRegression(C=SOFTNESS, max_iter=1000, tol=1e-3).fit(given, labels, sample_weight=weights)


def _temperature(given: csr_matrix, labels: NDArray[np.int64], weights: Numbers) -> float:
    """What makes the probabilities mean something: the divisor of the scores under which unseen texts are likeliest."""
    scores = np.zeros((len(labels), len(CATEGORIES)))
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(given, labels):
        scores[unseen] = _fit(given[seen], labels[seen], weights[seen]).decision_function(given[unseen])
    return float(min(TEMPERATURES, key=lambda t: _surprise(scores / t, labels)))


def _surprise(scores: Numbers, labels: NDArray[np.int64]) -> float:
    """Mean negative logarithm of the probability of the truth."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels] - np.log(np.exp(shifted).sum(axis=1))
    return float(-chosen.mean())
