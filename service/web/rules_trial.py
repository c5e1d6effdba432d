"""What the keyword rules make of one message: verdict, chances, and every rule that matched with the words by which."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.keyword_rules import Kept, finder
from service.routing.classifier import Classifier, Verdict
from service.routing.keywords import Hit, Rule
from service.routing.noise import noise_kind
from service.routing.text import normalise


@dataclass(frozen=True, slots=True)
class HitLine:
    """A rule that matched. `rule_id` None: the draft, or one that cannot be told from its equals."""

    rule: Rule
    words: str
    rule_id: int | None
    is_draft: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """`noise`: why the webhook would open no ticket, whatever the verdict; "" where it would."""

    text: str
    verdict: Verdict
    noise: str
    lines: Sequence[HitLine]


def tried(classifier: Classifier, text: str, rules: Sequence[Kept], draft: Rule | None = None) -> Tried:
    """Try a message; `draft`: the rule that is being written."""
    plain = normalise(text)
    lines = [_line(hit, plain, rules, draft) for hit in classifier.hits(text)]
    lines.sort(key=lambda line: -abs(line.rule.weight))
    return Tried(text, classifier.classify(text), noise_kind(text) or "", lines)


def _line(hit: Hit, plain: str, rules: Sequence[Kept], draft: Rule | None) -> HitLine:
    """Rules with the same reason and weight match as one: of these, the one that finds these words is named."""
    fit = [kept for kept in rules if kept.is_on and _alike(kept.rule, hit.rule)]
    if draft is not None and _alike(draft, hit.rule) and _finds(draft, plain, hit.words):
        return HitLine(draft, hit.words, None, is_draft=True)
    kept = next((each for each in fit if _finds(each.rule, plain, hit.words)), None)
    return HitLine(kept.rule if kept else hit.rule, hit.words, kept.id if kept else None, is_draft=False)


def _alike(one: Rule, other: Rule) -> bool:
    return (one.category, one.effect, one.kind, one.weight, one.why) == (
        other.category,
        other.effect,
        other.kind,
        other.weight,
        other.why,
    )


def _finds(rule: Rule, plain: str, words: str) -> bool:
    span = finder(rule)(plain)
    return span is not None and plain[span[0] : span[1]] == words
