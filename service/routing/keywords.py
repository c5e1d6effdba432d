"""Keyword rules: words and patterns with weights and reasons, compiled once and found in a text. Pure: no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.errors import InvalidInput
from service.routing.patterns import Matcher, compile_regex, compile_words

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
EFFECTS = ("", "urgent", "high", "low", "cover")
FINDINGS = EFFECTS[1:4]  # what a text may be besides its category
DECAY = 0.7  # each further reason for the same category against the one before
FIRED = 1.0  # sum of weights from which an effect holds
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
class Hit:
    """A rule that matched, and the words by which."""

    rule: Rule
    words: str


class Keywords:
    """Rules compiled once; has no state and may be used from many threads."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        compiled = [(group[0], _matcher(group)) for group in _groups(rules)]
        self._covering = [(rule, matcher) for rule, matcher in compiled if rule.effect == "cover"]
        self._plain = [(rule, matcher) for rule, matcher in compiled if rule.effect != "cover"]

    def hits(self, text: str) -> list[Hit]:
        """What the rules find in a normalised text: first those that cover, then those that read what is left."""
        hits: list[Hit] = []
        for rule, matcher in self._covering:
            span = matcher(text)
            while span is not None:
                start, end = span
                hits.append(Hit(rule, text[start:end]))
                text = text[:start] + HIDDEN * (end - start) + text[end:]
                span = matcher(text)
        for rule, matcher in self._plain:
            span = matcher(text)
            if span is not None:
                hits.append(Hit(rule, text[span[0] : span[1]].replace(HIDDEN, "")))
        return hits


def keywords_from(rows: Iterable[Mapping[str, object]]) -> Keywords:
    """The rules of rows as they stand in keywords.json. Raises InvalidInput on a bad row."""
    return Keywords([rule_from(row) for row in rows])


def weight_of(effect: str, hits: Sequence[Hit]) -> float:
    """How strongly the rules say so."""
    return sum(hit.rule.weight for hit in hits if hit.rule.effect == effect)


def sums_by_category(hits: Sequence[Hit]) -> dict[str, float]:
    """What the rules found for and against each category."""
    weights: dict[str, list[float]] = {code: [] for code in CATEGORIES}
    for rule in dict.fromkeys(hit.rule for hit in hits):  # a covering rule may match twice, it weighs once
        if rule.category:
            weights[rule.category].append(rule.weight)
    return {code: _sum_of(found) for code, found in weights.items()}


def _sum_of(weights: Sequence[float]) -> float:
    """Reasons for the same thing overlap: each further one counts DECAY of the one before; objections count in full."""
    speaking = sorted((weight for weight in weights if weight > 0), reverse=True)
    against = sum(weight for weight in weights if weight < 0)
    return sum(weight * DECAY**at for at, weight in enumerate(speaking)) + against


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


def rule_from(row: Mapping[str, object]) -> Rule:
    """The rule of a row as it stands in keywords.json."""
    return Rule(
        category=str(row.get("category") or ""),
        pattern=str(row["pattern"]),
        weight=float(str(row.get("weight", 1.0))),
        kind=str(row.get("kind") or "word"),
        why=str(row.get("why") or ""),
        effect=str(row.get("effect") or ""),
    )
