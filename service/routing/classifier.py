"""What a message is: rules with reasons now, a model later behind the same function. Pure: no database."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from service.errors import InvalidInput
from service.routing.noise import talk_kind
from service.routing.patterns import Matcher, compile_regex, compile_words
from service.routing.text import normalise

# in order of precedence: between equals the earlier wins, as the labelling guideline asks
CATEGORIES = (
    "complaint",
    "report",
    "privacy_request",
    "help_request",
    "fault",
    "inquiry",
    "suggestion",
    "praise",
    "invalid",
    "other",
)
GUESS = "inquiry"  # where nothing was recognised
PRIORITIES = ("low", "normal", "high", "urgent")
EFFECTS = ("", "urgent", "high", "low", "cover")

CONFIDENT = 0.6  # below it a person decides
MARGIN = 0.15  # nearer than this to the second best, a person decides
WARY = 0.15  # from this probability of a complaint on, nothing else is decided without a person
TEMPERATURE = 1.0
PRIOR = 0.3  # in favour of GUESS
DECAY = 0.7  # each further reason for the same category against the one before
OUTSPOKEN = 2.5  # a complaint's weight from which ...
OVERSHADOWED = 0.75  # ... the request, fault or question beside it counts so much
TALK_CONFIDENCE = 0.97  # of the webhook's rule for talk
FIRED = 1.0  # sum of weights from which an effect holds
NO_REASON = "没有命中规则"
TALK_REASONS = {"thanks": "仅为致谢", "greeting": "仅为问候", "acknowledgement": "仅为应答", "sticker": "仅为表情"}
HIDDEN = "\ufffc"  # stands for a character that a covering rule has taken


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the keyword table.

    kind `word`: literal words separated by `|`; kind `regex`: a bounded regular expression on the normalised text.
    why: the reason; rules of a category with the same reason and weight count once, however many of them match.
    category: what it speaks for, with its weight; "" for none.
    effect: `urgent`, `high`, `low` give the weight to that finding too; `cover` hides what matched from other rules.
    """

    category: str
    pattern: str
    weight: float
    kind: str
    why: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class CategoryDefaults:
    """What a category brings with it."""

    code: str
    default_priority: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The best guess, how sure it is, whether a person must decide, and what led to it, heaviest first."""

    category: str
    priority: str
    confidence: float
    triage: bool
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Hit:
    rule: Rule
    words: str


class Classifier:
    """Rules compiled once; `classify` has no state and may be called from many threads."""

    def __init__(self, rules: Iterable[Rule], categories: Mapping[str, CategoryDefaults]) -> None:
        compiled = [(group[0], _matcher(group)) for group in _groups(rules)]
        self._covering = [(rule, matcher) for rule, matcher in compiled if rule.effect == "cover"]
        self._plain = [(rule, matcher) for rule, matcher in compiled if rule.effect != "cover"]
        self._priorities = {code: row.default_priority for code, row in categories.items()}

    def classify(self, text: str) -> Verdict:
        """The verdict on one text; a burst is joined with newlines by the caller."""
        kind = talk_kind(text)
        if kind is not None:
            return Verdict("other", "low", TALK_CONFIDENCE, False, (TALK_REASONS[kind],))
        hits = self._hits(normalise(text))
        ranked = _ranked(hits)
        category, confidence = ranked[0]
        scored = any(hit.rule.category == category and hit.rule.weight > 0 for hit in hits)
        priority, deciding = self._priority(category, hits)
        because = _reasons(category, hits, deciding)
        return Verdict(category, priority, round(confidence, 3), not scored or _is_unsure(ranked), because)

    def _hits(self, text: str) -> list[_Hit]:
        hits: list[_Hit] = []
        for rule, matcher in self._covering:
            span = matcher(text)
            while span is not None:
                start, end = span
                hits.append(_Hit(rule, text[start:end]))
                text = text[:start] + HIDDEN * (end - start) + text[end:]
                span = matcher(text)
        for rule, matcher in self._plain:
            span = matcher(text)
            if span is not None:
                hits.append(_Hit(rule, text[span[0] : span[1]].replace(HIDDEN, "")))
        return hits

    def _priority(self, category: str, hits: Sequence[_Hit]) -> tuple[str, str]:
        """The priority and the effect that decided it; "" where the category's default did."""
        found = {effect for effect in ("urgent", "high", "low") if _weight_of(effect, hits) >= FIRED}
        default = self._priorities.get(category, "normal")
        if "urgent" in found:
            return "urgent", "urgent"
        if "high" in found and default == "normal":
            return "high", "high"
        if "low" in found and default == "normal":
            return "low", "low"
        return default, ""


def _groups(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Rules that count once together, in order of appearance; a rule without a reason stands alone."""
    groups: dict[tuple[str | float, ...], list[Rule]] = {}
    for at, rule in enumerate(rules):
        key = (rule.category, rule.effect, rule.kind, rule.weight, rule.why or at)
        groups.setdefault(key, []).append(rule)
    return list(groups.values())


def _matcher(group: Sequence[Rule]) -> Matcher:
    for rule in group:
        _check(rule)
    patterns = [rule.pattern for rule in group]
    return compile_words(patterns) if group[0].kind == "word" else compile_regex(patterns)


def _check(rule: Rule) -> None:
    """Raises InvalidInput on a rule that means nothing."""
    if rule.effect not in EFFECTS:
        raise InvalidInput(effect=f"{rule.effect!r} is not one of {', '.join(EFFECTS[1:])}")
    if rule.category not in CATEGORIES and not (rule.effect and not rule.category):
        raise InvalidInput(category=f"{rule.category!r} is not one of {', '.join(CATEGORIES)}")
    if rule.kind not in ("word", "regex"):
        raise InvalidInput(kind=f"{rule.kind!r} is neither word nor regex")


def _weight_of(effect: str, hits: Sequence[_Hit]) -> float:
    return sum(hit.rule.weight for hit in hits if hit.rule.effect == effect)


def _ranked(hits: Sequence[_Hit]) -> list[tuple[str, float]]:
    """Categories with probabilities, best first: a softmax over the sums of weights."""
    weights: dict[str, list[float]] = {code: [] for code in CATEGORIES}
    for rule in dict.fromkeys(hit.rule for hit in hits):  # a covering rule may match twice, it weighs once
        if rule.category:
            weights[rule.category].append(rule.weight)
    scores = {code: _sum_of(found) for code, found in weights.items()}
    scores[GUESS] += PRIOR
    if max(weights["complaint"], default=0.0) >= OUTSPOKEN:  # of several intents the complaint goes before
        for code in ("help_request", "fault", "inquiry"):
            scores[code] *= OVERSHADOWED
    powers = {code: math.exp(min(score, 30.0) / TEMPERATURE) for code, score in scores.items()}
    total = sum(powers.values())
    return sorted(((code, power / total) for code, power in powers.items()), key=lambda pair: -pair[1])


def _is_unsure(ranked: Sequence[tuple[str, float]]) -> bool:
    """Whether a person must decide between the best guess and what else it may be."""
    (category, confidence), (_, runner_up) = ranked[0], ranked[1]
    missed = category not in ("complaint", "report") and dict(ranked)["complaint"] >= WARY
    return missed or confidence < CONFIDENT or confidence - runner_up < MARGIN


def _sum_of(weights: Sequence[float]) -> float:
    """Reasons for the same thing overlap: each further one counts DECAY of the one before; objections count in full."""
    speaking = sorted((weight for weight in weights if weight > 0), reverse=True)
    against = sum(weight for weight in weights if weight < 0)
    return sum(weight * DECAY**at for at, weight in enumerate(speaking)) + against


def _reasons(category: str, hits: Sequence[_Hit], deciding: str) -> tuple[str, ...]:
    """Words that speak for the category or for the priority, heaviest first, each once."""
    heavy = sorted(hits, key=lambda hit: -hit.rule.weight)
    speaking = [
        f"{hit.words}（{hit.rule.why}）" if hit.rule.why else hit.words
        for hit in heavy
        if hit.rule.weight > 0 and (hit.rule.category == category or (deciding and hit.rule.effect == deciding))
    ]
    return tuple(dict.fromkeys(speaking)) or (NO_REASON,)


def _rule(row: Mapping[str, object]) -> Rule:
    return Rule(
        category=str(row.get("category") or ""),
        pattern=str(row["pattern"]),
        weight=float(str(row.get("weight", 1.0))),
        kind=str(row.get("kind") or "word"),
        why=str(row.get("why") or ""),
        effect=str(row.get("effect") or ""),
    )


def classifier_from(keywords: Iterable[Mapping[str, object]], categories: Iterable[Mapping[str, object]]) -> Classifier:
    """The classifier of rows as they stand in keywords.json and categories.json. Raises InvalidInput on a bad row."""
    defaults = {
        str(row["code"]): CategoryDefaults(str(row["code"]), str(row["default_priority"])) for row in categories
    }
    defaults.setdefault("other", CategoryDefaults("other", "low"))
    return Classifier([_rule(row) for row in keywords], defaults)


@cache
def shipped() -> Classifier:
    """The classifier of the shipped default configuration."""
    folder = resources.files("service.defaults")
    keywords = json.loads(folder.joinpath("keywords.json").read_text(encoding="utf-8"))
    categories = json.loads(folder.joinpath("categories.json").read_text(encoding="utf-8"))
    return classifier_from(keywords, categories)
