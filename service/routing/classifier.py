"""What a message is: rules, a linear model to which they are evidence, a person where both are unsure. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from service.routing.features import signals
from service.routing.keywords import (
    FINDINGS,
    FIRED,
    Hit,
    Keywords,
    keywords_from,
    sums_by_category,
    weight_of,
)
from service.routing.model import Model, shipped_model
from service.routing.noise import talk_kind
from service.routing.shipped import shipped_json
from service.routing.text import normalise

GUESS = "inquiry"  # where nothing was recognised
PRIORITIES = ("low", "normal", "high", "urgent")
SOURCES = KEYWORD, MODEL = "keyword", "model"
IDLE = ("invalid", "other")  # what needs nobody, unless it speaks of danger
DELICATE = ("complaint", "report", "privacy_request")  # what must not be taken for something milder

# below the first a person decides; from the second probability of something delicate on, nothing else is decided alone
CONFIDENT, WARY = 0.7, 0.05
IDLY_CONFIDENT = 0.95  # before a message is taken for nothing: whoever wrote half a question must not be left standing
CONFIDENT_ALONE, WARY_ALONE = 0.6, 0.2  # of the rules without a model, whose probabilities are rougher
SUSPECTED = 0.5  # likewise where the rules alone see one with this probability
DECISIVE = 6.0  # a rule of this weight decides whatever the model thinks
ALARMED = 0.4  # from this probability on the model finds a message urgent
TEMPERATURE = 1.0
PRIOR = 0.3  # in favour of GUESS
OUTSPOKEN = 2.5  # a complaint's weight from which ...
OVERSHADOWED = 0.75  # ... the request, fault or question beside it counts so much
TALK_CONFIDENCE = 0.97  # of the webhook's rule for talk
NO_REASON = "没有命中规则"
BY_MODEL = "由同类消息的用词判断"
LIKE_URGENT = "近似紧急消息的用词"
TALK_REASONS = {"thanks": "仅为致谢", "greeting": "仅为问候", "acknowledgement": "仅为应答", "sticker": "仅为表情"}


@dataclass(frozen=True, slots=True)
class CategoryDefaults:
    """What a category brings with it."""

    code: str
    default_priority: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The best guess, how sure it is, whether a person must decide, and what led to it, heaviest first.

    source: `keyword` where rules speak for the category, `model` where only the model does.
    ranked: (category, probability), the likeliest first; empty for talk and for what the follower chose.
    """

    category: str
    priority: str
    confidence: float
    triage: bool
    because: tuple[str, ...]
    source: str = KEYWORD
    ranked: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was found in a text before anything is decided."""

    text: str  # normalised
    hits: Sequence[Hit]
    ranked: tuple[tuple[str, float], ...]
    urgency: float
    suspected: bool = False  # the rules alone would call it delicate


class Classifier:
    """Rules and model, ready to use; `classify` has no state and may be called from many threads."""

    def __init__(self, keywords: Keywords, categories: Mapping[str, CategoryDefaults], model: Model | None) -> None:
        """Without a model the rules decide alone."""
        self._keywords, self._model = keywords, model
        self._priorities = {code: row.default_priority for code, row in categories.items()}

    def classify(self, text: str) -> Verdict:
        """The verdict on one text; a burst is joined with newlines by the caller."""
        kind = talk_kind(text)
        if kind is not None:
            return Verdict("other", "low", TALK_CONFIDENCE, False, (TALK_REASONS[kind],))
        read = self._read(normalise(text))
        category, confidence = read.ranked[0]
        by_rule = any(hit.rule.category == category and hit.rule.weight > 0 for hit in read.hits)
        priority, deciding = self._priority(category, read)
        because = _reasons(category, read.hits, deciding) + self._words(read, deciding)
        return Verdict(
            category=category,
            priority=priority,
            confidence=round(confidence, 3),
            triage=not (by_rule or self._model) or self._is_unsure(read) or (category in IDLE and priority == "urgent"),
            because=because or (BY_MODEL if self._model else NO_REASON,),
            source=KEYWORD if by_rule or not self._model else MODEL,
            ranked=tuple((code, round(chance, 4)) for code, chance in read.ranked),
        )

    def hits(self, text: str) -> list[Hit]:
        """Every rule that matches, with the words by which."""
        return self._keywords.hits(normalise(text))

    def _read(self, text: str) -> _Reading:
        hits = self._keywords.hits(text)
        if self._model is None:
            return _Reading(text, hits, _ranked_by_rules(hits), 0.0)
        chances, urgency = self._model.opinion(text, signals(hits))
        if decided := _decided(hits):
            return _Reading(text, hits, _ranked(dict.fromkeys(chances, 0.0) | {decided: 1.0}), urgency)
        suspected = _delicate(_ranked_by_rules(hits)) >= SUSPECTED
        return _Reading(text, hits, _ranked(chances), urgency, suspected)

    def _is_unsure(self, read: _Reading) -> bool:
        """Whether a person must decide between the best guess and what else it may be."""
        category, confidence = read.ranked[0]
        confident, wary = (CONFIDENT, WARY) if self._model else (CONFIDENT_ALONE, WARY_ALONE)
        if category in IDLE and self._model:
            confident = IDLY_CONFIDENT
        missed = category not in DELICATE and (_delicate(read.ranked) >= wary or read.suspected)
        return missed or confidence < confident

    def _words(self, read: _Reading, deciding: str) -> tuple[str, ...]:
        """What the model goes by: words that the rules do not name already."""
        if self._model is None:
            return ()
        named = "".join(hit.words for hit in read.hits)
        (category, _), (runner_up, _) = read.ranked[:2]
        words = [word for word in self._model.words_for(read.text, category, runner_up) if word not in named]
        if deciding == "urgent" and weight_of(deciding, read.hits) < FIRED:
            words += [f"{word}（{LIKE_URGENT}）" for word in self._model.urgent_words(read.text)]
        return tuple(words)

    def _priority(self, category: str, read: _Reading) -> tuple[str, str]:
        """The priority and the finding that decided it; "" where the category's default did."""
        found = {effect for effect in FINDINGS if weight_of(effect, read.hits) >= FIRED}
        default = self._priorities.get(category, "normal")
        if "urgent" in found or read.urgency >= ALARMED:
            return "urgent", "urgent"
        if "high" in found and default == "normal":
            return "high", "high"
        if "low" in found and default == "normal":
            return "low", "low"
        return default, ""


def _ranked(chances: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(chances.items(), key=lambda pair: -pair[1]))


def _decided(hits: Sequence[Hit]) -> str:
    """The category that a rule of an administrator is meant to give whatever else speaks; "" for none."""
    heaviest = max(hits, key=lambda hit: hit.rule.weight, default=None)
    return heaviest.rule.category if heaviest and heaviest.rule.weight >= DECISIVE else ""


def _ranked_by_rules(hits: Sequence[Hit]) -> tuple[tuple[str, float], ...]:
    """Categories with probabilities, best first: a softmax over the sums of weights."""
    scores = sums_by_category(hits)
    scores[GUESS] += PRIOR
    complaints = (hit.rule.weight for hit in hits if hit.rule.category == "complaint")
    if max(complaints, default=0.0) >= OUTSPOKEN:  # of several intents the complaint goes before
        for code in ("help_request", "fault", "inquiry"):
            scores[code] *= OVERSHADOWED
    powers = {code: math.exp(min(score, 30.0) / TEMPERATURE) for code, score in scores.items()}
    total = sum(powers.values())
    return _ranked({code: power / total for code, power in powers.items()})


def _delicate(ranked: Iterable[tuple[str, float]]) -> float:
    return sum(chance for code, chance in ranked if code in DELICATE)


def _reasons(category: str, hits: Sequence[Hit], deciding: str) -> tuple[str, ...]:
    """Words that speak for the category or for the priority, heaviest first, each once."""
    heavy = sorted(hits, key=lambda hit: -hit.rule.weight)
    speaking = [
        f"{hit.words}（{hit.rule.why}）" if hit.rule.why else hit.words
        for hit in heavy
        if hit.rule.weight > 0 and (hit.rule.category == category or (deciding and hit.rule.effect == deciding))
    ]
    return tuple(dict.fromkeys(speaking))


def classifier_from(
    keywords: Iterable[Mapping[str, object]], categories: Iterable[Mapping[str, object]], model: Model | None = None
) -> Classifier:
    """The classifier of rows as they stand in keywords.json and categories.json. Raises InvalidInput on a bad row.

    Without a model the rules decide alone.
    """
    defaults = {
        str(row["code"]): CategoryDefaults(str(row["code"]), str(row["default_priority"])) for row in categories
    }
    defaults.setdefault("other", CategoryDefaults("other", "low"))
    return Classifier(keywords_from(keywords), defaults, model)


def shipped_rows(name: str) -> list[dict[str, object]]:
    """The rows of a shipped default file."""
    rows: list[dict[str, object]] = shipped_json(name)
    return rows


@cache
def shipped() -> Classifier:
    """The classifier of the shipped default configuration."""
    return classifier_from(shipped_rows("keywords.json"), shipped_rows("categories.json"), shipped_model())


@cache
def rules_alone() -> Classifier:
    """The shipped rules without the model: for tests of the rules, and to see what they contribute."""
    return classifier_from(shipped_rows("keywords.json"), shipped_rows("categories.json"))
