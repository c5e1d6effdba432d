"""A linear model of messages: how likely each category is, how likely it is urgent, and which words said so. Pure.

The file: one line of JSON (categories, vocabulary, what is small), then a matrix of 16-bit floats, a row for each word
of the vocabulary, a column for each category and one for urgency. It is read without the library that trained it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from service.routing.features import END, LONGEST, SIGNALS, START, grams, scale
from service.routing.keywords import CATEGORIES

FORMAT = 1
SHIPPED = "messages.model"
Floats = NDArray[np.float32]
MOST_WORDS = 3  # stretches that are named as reasons
SHORTEST_WORD, LONGEST_WORD = 2, 10
NOTABLE = 0.15  # of the heaviest character: less is not worth naming


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Weights as trained; `version` is a digest of the file."""

    version: str
    categories: tuple[str, ...]
    vocabulary: dict[str, int]
    weights: Floats  # (vocabulary, categories + 1)
    signal_weights: Floats  # (signals, categories + 1)
    bias: Floats
    temperature: float
    about: dict[str, object]  # how it was trained: for people

    def opinion(self, text: str, signals: Sequence[float]) -> tuple[dict[str, float], float]:
        """Probability of each category, and of urgency, of a normalised text with what the rules found in it."""
        found = grams(text)
        rows = [self.vocabulary[gram] for gram in found if gram in self.vocabulary]
        scores = self.weights[rows].sum(axis=0, dtype=np.float32) * scale(len(found))
        scores = scores + np.asarray(signals, dtype=np.float32) @ self.signal_weights + self.bias
        powers = np.exp((scores[:-1] - scores[:-1].max()) / self.temperature)
        chances = (powers / powers.sum()).tolist()
        urgency = 1.0 / (1.0 + float(np.exp(-scores[-1])))
        return dict(zip(self.categories, chances, strict=True)), urgency

    def words_for(self, text: str, category: str, against: str) -> tuple[str, ...]:
        """Stretches of the normalised text that speak for the one category against the other, heaviest first."""
        column, other = self.categories.index(category), self.categories.index(against)
        return self._words(text, self.weights[:, column] - self.weights[:, other])

    def urgent_words(self, text: str) -> tuple[str, ...]:
        """Stretches of the normalised text that make it urgent, heaviest first."""
        return self._words(text, self.weights[:, -1])

    def _words(self, text: str, weights: Floats) -> tuple[str, ...]:
        framed = f"{START}{text}{END}"
        weight = np.zeros(len(framed))
        seen: set[str] = set()
        for n in range(1, LONGEST + 1):
            for at in range(len(framed) - n + 1):
                gram = framed[at : at + n]
                row = self.vocabulary.get(gram)
                if row is not None and gram not in seen:
                    seen.add(gram)
                    weight[at : at + n] += weights[row] / n
        return _stretches(text, weight[1:-1].tolist())


def _stretches(text: str, weights: Sequence[float]) -> tuple[str, ...]:
    """The heaviest runs of characters that weigh something, in order of weight."""
    least = max(weights, default=0.0) * NOTABLE
    speaks = [weight > least and sign.isalnum() for weight, sign in zip(weights, text, strict=True)]
    runs: list[tuple[float, str]] = []
    start = 0
    for at, is_speaking in enumerate([*speaks, False]):
        if is_speaking and at - start < LONGEST_WORD:
            continue
        if at - start >= SHORTEST_WORD:
            runs.append((sum(weights[start:at]), text[start:at]))
        start = at if is_speaking else at + 1
    heaviest = sorted(runs, key=lambda run: -run[0])
    return tuple(dict.fromkeys(words for _, words in heaviest))[:MOST_WORDS]


def packed(model: Model) -> bytes:
    """The file of a model; the same model gives the same bytes."""
    head = {
        "format": FORMAT,
        "categories": model.categories,
        "signals": SIGNALS,
        "temperature": round(model.temperature, 4),
        "bias": [round(value, 5) for value in model.bias.tolist()],
        "signal_weights": [[round(value, 5) for value in row] for row in model.signal_weights.tolist()],
        "about": model.about,
        "vocabulary": list(model.vocabulary),
    }
    line = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return line.encode() + b"\n" + model.weights.astype("<f2").tobytes()


def load_model(raw: bytes) -> Model:
    """The model of a file. Raises ValueError on one that is damaged or of another make."""
    line, _, matrix = raw.partition(b"\n")
    try:
        head = json.loads(line)
        if head["format"] != FORMAT or (tuple(head["signals"]), tuple(head["categories"])) != (SIGNALS, CATEGORIES):
            raise ValueError("a model of another version of this program")
        categories, words = tuple(head["categories"]), head["vocabulary"]
        weights = np.frombuffer(matrix, dtype="<f2").reshape(len(words), len(categories) + 1).astype(np.float32)
        model = Model(
            version=hashlib.sha256(raw).hexdigest()[:12],
            categories=categories,
            vocabulary={word: row for row, word in enumerate(words)},
            weights=weights,
            signal_weights=np.asarray(head["signal_weights"], dtype=np.float32),
            bias=np.asarray(head["bias"], dtype=np.float32),
            temperature=float(head["temperature"]),
            about=dict(head["about"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a model: {type(error).__name__}") from error
    if model.signal_weights.shape != (len(SIGNALS), len(categories) + 1) or model.bias.shape != (len(categories) + 1,):
        raise ValueError("a model whose parts do not fit together")
    if not (np.isfinite(weights).all() and np.isfinite(model.bias).all() and model.temperature > 0):
        raise ValueError("a model with numbers that are none")
    return model


@cache
def shipped_model() -> Model:
    """The model that comes with the program."""
    return load_model(resources.files("service.defaults").joinpath(SHIPPED).read_bytes())
