"""What administrators do with the keyword rules: add, change, switch off and on. Each leaves one event."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, rulebook, trained_models
from service.errors import IllegalTransition, InvalidInput, NotFound
from service.routing.classifier import Classifier, classifier_from
from service.routing.keywords import CATEGORIES, EFFECTS, Rule, rule_from
from service.routing.patterns import Matcher, UnsafePattern, check_pattern, compile_regex, compile_words
from service.routing.text import normalise
from service.rulebook import RulebookRow

SECTION = "keywords"
MOST = 2_000
LONGEST_PATTERN = 2_000
HEAVIEST = 10.0
KINDS = ("word", "regex")
OFF = "off"  # in a row's value: switched off, and stays so when an upgrade brings the shipped rule again
_ESCAPED = re.compile(r"\\.", re.ASCII)  # \S is no capital letter
_CAPITAL = re.compile("[A-Z]")


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changes the rules, and when."""

    actor: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A rule as it is kept. `mark`: what whoever edits it has read."""

    id: int
    rule: Rule
    is_on: bool
    is_shipped: bool
    is_edited: bool
    mark: str


def rows_of(session: Session) -> list[Kept]:
    """All rules in their order."""
    return [_kept(row) for row in _rows(session)]


def get_rule(session: Session, rule_id: int) -> Kept:
    """One rule. Raises NotFound."""
    return _kept(_row(session, rule_id))


def add(session: Session, rule: Rule, edit: Edit) -> int:
    """A new rule; returns its id. Raises InvalidInput."""
    rulebook.lock(session)
    rows = _rows(session)
    if len(rows) >= MOST:
        raise InvalidInput(pattern="there are too many rules; put words of the same reason into one")
    rule = checked(rule)
    _refuse_twin(rows, rule, None)
    position = max((row.position for row in rows), default=0) + 1
    made = RulebookRow(section=SECTION, key=rule.pattern, position=position, edited=True, changed_at=edit.now)
    made.value = value_of(rule)
    session.add(made)
    rulebook.bump(session)
    session.flush()
    _record(session, edit, "keyword_rule_added", rule, after=value_of(rule))
    return made.id


def change(session: Session, rule_id: int, rule: Rule, edit: Edit, *, mark: str) -> None:
    """The rule becomes so. Raises InvalidInput, IllegalTransition where somebody else has just changed it."""
    rulebook.lock(session)
    row = _row(session, rule_id)
    if mark != _mark(row):
        raise IllegalTransition("the rule has changed meanwhile")
    rule, before = checked(rule), dict(row.value)
    _refuse_twin(_rows(session), rule, rule_id)
    after = value_of(rule) | ({OFF: True} if before.get(OFF) else {})
    if after == value_of(rule_from(before)) | ({OFF: True} if before.get(OFF) else {}):
        return
    row.value, row.edited, row.changed_at = after, True, edit.now
    rulebook.bump(session)
    _record(session, edit, "keyword_rule_changed", rule, before=before, after=after)


def switch(session: Session, rule_id: int, edit: Edit, *, on: bool) -> None:
    """Let the rule count, or no longer; as it is, it stays."""
    rulebook.lock(session)
    row = _row(session, rule_id)
    if on is not bool(row.value.get(OFF)):
        return
    value = {name: each for name, each in row.value.items() if name != OFF}
    row.value, row.edited, row.changed_at = value | ({} if on else {OFF: True}), True, edit.now
    rulebook.bump(session)
    _record(session, edit, f"keyword_rule_{'on' if on else 'off'}", rule_from(value))


def checked(rule: Rule) -> Rule:
    """The rule as it can be kept: words as texts are read. Raises InvalidInput with a sentence for each field."""
    problems: dict[str, str] = {}
    try:
        rule = _with_pattern(rule)
    except InvalidInput as refused:
        problems |= {name: texts[0] for name, texts in refused.data["errors"].items()}  # type: ignore[attr-defined]
    if rule.effect not in EFFECTS:
        problems["effect"] = "this effect is not there"
    if rule.category not in ("", *CATEGORIES):
        problems["category"] = "this category is not there"
    if not rule.category and not rule.effect:
        problems["category"] = "choose a category or an effect"
    if not -HEAVIEST <= rule.weight <= HEAVIEST or (not rule.weight and rule.effect != "cover"):
        problems["weight"] = "a weight lies between -10 and 10 and is not 0"
    if not rule.why.strip():
        problems["why"] = "must not be empty"
    if problems:
        raise InvalidInput(**problems)
    return rule


def draft_rows(session: Session, rule: Rule | None, rule_id: int | None) -> list[Mapping[str, object]]:
    """The rows in force with a draft in place of the rule of this id, or after all others."""
    rows = [(row.id, dict(row.value)) for row in _rows(session)]
    drafted = value_of(rule) if rule else None
    known = [drafted if drafted and key == rule_id else value for key, value in rows]
    found: list[Mapping[str, object]] = [value for value in known if not value.get(OFF)]
    if drafted and rule_id is None:
        found.append(drafted)
    return found


def draft_classifier(session: Session, rule: Rule | None, rule_id: int | None) -> Classifier:
    """What would classify with the draft: the same categories and model, nothing is saved."""
    query = select(RulebookRow.value).where(RulebookRow.section == "categories")
    categories = session.scalars(query.order_by(RulebookRow.position, RulebookRow.id)).all()
    return classifier_from(draft_rows(session, rule, rule_id), categories, trained_models.in_use(session).weights)


def finder(rule: Rule) -> Matcher:
    """Finds the rule's words in a normalised text."""
    return compile_words([rule.pattern]) if rule.kind == "word" else compile_regex([rule.pattern])


def value_of(rule: Rule) -> dict[str, object]:
    """The rule as a row of keywords.json."""
    value: dict[str, object] = {"category": rule.category, "effect": rule.effect, "kind": rule.kind}
    return value | {"pattern": rule.pattern, "weight": rule.weight, "why": rule.why}


def _with_pattern(rule: Rule) -> Rule:
    if rule.kind not in KINDS:
        raise InvalidInput(kind="choose words or a pattern")
    if len(rule.pattern) > LONGEST_PATTERN:
        raise InvalidInput(pattern="this is too long; make several rules with the same reason")
    if rule.kind == "word":
        words = [word for part in re.split(r"[|\n]", rule.pattern) if (word := normalise(part))]
        pattern = "|".join(dict.fromkeys(words))
        if not pattern:
            raise InvalidInput(pattern="write at least one word")
        compile_words([pattern])
    else:
        pattern = rule.pattern.strip()
        _check_regex(pattern)
    return Rule(rule.category, pattern, rule.weight, rule.kind, rule.why.strip(), rule.effect)


def _check_regex(pattern: str) -> None:
    check_pattern(pattern)
    if _CAPITAL.search(_ESCAPED.sub("", pattern)):
        raise UnsafePattern("write small letters: texts are read so")
    if re.compile(pattern, re.ASCII).search("") is not None:
        raise UnsafePattern("the pattern fits an empty text; write what must be there")


def _refuse_twin(rows: Sequence[RulebookRow], rule: Rule, own_id: int | None) -> None:
    """The pattern names a rule: neither another rule as it is nor one as it was shipped may have it."""
    for row in rows:
        if row.id != own_id and rule.pattern in (row.key, row.value.get("pattern")):
            raise InvalidInput(pattern="there is a rule with this pattern already; change that one")


@lru_cache(maxsize=1)
def _shipped_patterns() -> frozenset[str]:
    return frozenset(str(row["pattern"]) for row in rulebook.shipped("keywords.json"))


def _rows(session: Session) -> Sequence[RulebookRow]:
    query = select(RulebookRow).where(RulebookRow.section == SECTION)
    query = query.order_by(RulebookRow.position, RulebookRow.id).limit(MOST)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _row(session: Session, rule_id: int) -> RulebookRow:
    query = select(RulebookRow).where(RulebookRow.section == SECTION, RulebookRow.id == rule_id)
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound(f"no keyword rule {rule_id}")
    return found


def _kept(row: RulebookRow) -> Kept:
    is_on = not row.value.get(OFF)
    return Kept(row.id, rule_from(row.value), is_on, row.key in _shipped_patterns(), row.edited, _mark(row))


def _mark(row: RulebookRow) -> str:
    return row.changed_at.isoformat()


def _record(
    session: Session,
    edit: Edit,
    action: str,
    rule: Rule,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    told = {"about": rule.why or rule.pattern[:100], **(after or {})}
    audit.record(session, at=edit.now, actor=edit.actor, action=action, before=dict(before or {}), after=told)
