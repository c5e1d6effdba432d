"""What the operator wants answered by itself: rules with their words, and which of them a message hits. Pure.

Patterns run on RE2, whose work grows with the text alone: no pattern can hold a webhook up, whoever wrote it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

import re2

from service.errors import InvalidInput
from service.routing.text import normalise

MOST_RULES = 300
MOST_WORDS = 50  # of one rule
LONGEST_WORD = 100
LONGEST_ANSWER = 600  # characters; a passive reply holds 2047 bytes, and a receipt may stand in it too
MOST_ANSWERS = 10
LARGEST_PROGRAM = 2000  # RE2 instructions; each character of a text costs at most so many steps
PICKS = ("all", "random")
HOURS = ("any", "inside", "outside")
SLACK = 10  # blanks and punctuation around an exact word


class How(StrEnum):
    """How a keyword is found, the strictest first."""

    EXACT = "exact"
    CONTAINS = "contains"
    PATTERN = "pattern"


class Do(StrEnum):
    """What a rule or a menu key does."""

    TEXT = "text"
    ASK = "ask"
    COMPLAIN = "complain"
    SUGGEST = "suggest"
    PROGRESS = "progress"
    TICKETS = "tickets"
    HUMAN = "human"
    RATE = "rate"
    PRIVACY = "privacy"
    HELP = "help"


INTENTS: Mapping[Do, str] = {  # action -> category of what the follower writes next
    Do.ASK: "inquiry",
    Do.COMPLAIN: "complaint",
    Do.SUGGEST: "suggestion",
}
OPENING = frozenset({Do.TEXT, Do.HUMAN})  # an exact word with another action is no matter, whatever the rule says
RANK = {how: place for place, how in enumerate(How)}


@dataclass(frozen=True, slots=True)
class Keyword:
    how: How
    words: tuple[str, ...]  # any of them


@dataclass(frozen=True, slots=True)
class Window:
    """When a rule holds, in the service's zone. A span that ends before it begins passes midnight."""

    days: frozenset[int] = frozenset(range(7))  # 0 is Monday
    start: time | None = None
    end: time | None = None
    hours: str = "any"  # or only inside, or only outside working hours

    def holds(self, local: datetime, *, is_open: bool) -> bool:
        if local.weekday() not in self.days or self.hours == ("outside" if is_open else "inside"):
            return False
        if self.start is None or self.end is None:
            return True
        now = local.time()
        return self.start <= now < self.end if self.start < self.end else now >= self.start or now < self.end


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    name: str
    enabled: bool
    keywords: tuple[Keyword, ...]
    answers: tuple[str, ...]
    pick: str  # all of them, or one by lot
    priority: int  # the larger first
    window: Window
    action: Do
    only_reply: bool  # an exact hit opens no ticket


@dataclass(frozen=True, slots=True)
class Hit:
    rule: Rule
    how: How
    word: str

    @property
    def opens(self) -> bool:
        """Whether the message is a matter all the same: words around a keyword always are."""
        return self.how is not How.EXACT or (self.rule.action in OPENING and not self.rule.only_reply)


@dataclass(frozen=True, slots=True)
class Autoreplies:
    """A document, ready to be asked. Made by `read`."""

    paragraphs: tuple[str, ...]  # of the welcome
    gift: str
    inside: str  # default answers in and out of working hours
    outside: str
    rules: tuple[Rule, ...]
    exact: Mapping[str, tuple[Rule, ...]]
    contains: tuple[tuple[str, Rule], ...]
    patterns: tuple[tuple[re2._Regexp, Rule], ...]
    longest: int  # of the exact words

    def hits(self, text: str) -> list[Hit]:
        """Every rule that the text hits, once each, the one that counts first; whether it holds now is for `first`."""
        if not self.contains and not self.patterns and len(text) > self.longest + SLACK:
            return []
        plain = normalise(text)
        found: dict[str, Hit] = {}
        word = bare(plain)
        for rule in self.exact.get(word, ()):
            found.setdefault(rule.id, Hit(rule, How.EXACT, word))
        for part, rule in self.contains:
            if rule.id not in found and part in plain:
                found[rule.id] = Hit(rule, How.CONTAINS, part)
        for pattern, rule in self.patterns:
            if rule.id not in found and (match := pattern.search(plain)):
                found[rule.id] = Hit(rule, How.PATTERN, match.group())
        return sorted(found.values(), key=lambda hit: (-hit.rule.priority, RANK[hit.how]))

    def first(self, text: str, local: datetime, *, is_open: bool) -> Hit | None:
        """The hit that counts at this time of the service's zone; None if there is none."""
        return next((hit for hit in self.hits(text) if hit.rule.window.holds(local, is_open=is_open)), None)


def bare(plain: str) -> str:
    """A normalised text without what people put around a word: "“进度”？" is the word 进度."""
    begins, ends = 0, len(plain)
    while begins < ends and not plain[begins].isalnum():
        begins += 1
    while ends > begins and not plain[ends - 1].isalnum():
        ends -= 1
    return plain[begins:ends] or plain


def said(answers: Sequence[str], pick: str, lot: str) -> str:
    """The answers in one text, or the one that the lot falls on: the same lot gives the same answer."""
    if pick == "random" and answers:
        return answers[int.from_bytes(hashlib.sha256(lot.encode()).digest()[:4], "big") % len(answers)]
    return "\n".join(answers)


def read(document: Mapping[str, object]) -> Autoreplies:
    """The document as values. Raises InvalidInput with a sentence about what is wrong and where."""
    welcome, defaults = _part(document, "welcome"), _part(document, "defaults")
    rows = document.get("rules") or []
    if not isinstance(rows, list) or len(rows) > MOST_RULES:
        raise InvalidInput(rules=f"a list of at most {MOST_RULES} rules")
    rules = tuple(_rule(row) for row in rows)
    if len({rule.id for rule in rules}) != len(rules):
        raise InvalidInput(rules="two rules have the same id")
    live = [rule for rule in rules if rule.enabled]
    exact: dict[str, tuple[Rule, ...]] = {}
    for word, rule in _words(live, How.EXACT):
        key = bare(normalise(word))
        exact[key] = (*exact.get(key, ()), rule)
    return Autoreplies(
        paragraphs=_texts(welcome, "paragraphs"),
        gift=_text(welcome, "gift"),
        inside=_text(defaults, "inside"),
        outside=_text(defaults, "outside"),
        rules=rules,
        exact=exact,
        contains=tuple((normalise(word), rule) for word, rule in _words(live, How.CONTAINS)),
        patterns=tuple((compiled(word), rule) for word, rule in _words(live, How.PATTERN)),
        longest=max((len(word) for word in exact), default=0),
    )


def compiled(pattern: str) -> re2._Regexp:
    """The pattern, ready to search. Raises InvalidInput where it is none, or where a long text would cost too much."""
    options = re2.Options()
    options.max_mem, options.log_errors, options.case_sensitive = 1 << 19, False, False
    try:
        made = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise InvalidInput(pattern=f"not a usable pattern: {reason}") from error
    if made.programsize > LARGEST_PROGRAM:
        raise InvalidInput(pattern="takes too long: make the repetitions smaller")
    if made.search("") is not None:
        raise InvalidInput(pattern="fits every message: write what has to stand in it")
    return made


def _words(rules: Sequence[Rule], how: How) -> list[tuple[str, Rule]]:
    return [(word, rule) for rule in rules for key in rule.keywords if key.how is how for word in key.words]


def _rule(row: object) -> Rule:
    if not isinstance(row, dict):
        raise InvalidInput(rules="each rule is an object")
    name = _text(row, "name", 60).strip()
    if not name or not row.get("id"):
        raise InvalidInput(name="give the rule a name")
    keywords = tuple(_keyword(part) for part in row.get("keywords") or [])
    if not keywords or sum(len(keyword.words) for keyword in keywords) > MOST_WORDS:
        raise InvalidInput(keywords=f"a rule has 1 to {MOST_WORDS} keywords")
    answers, action = _texts(row, "answers"), _one_of(row, "action", tuple(Do), Do.TEXT)
    if action == Do.TEXT and not answers:
        raise InvalidInput(answers="write at least one answer")
    priority = row.get("priority", 50)
    if not isinstance(priority, int) or not 0 <= priority <= 100:
        raise InvalidInput(priority="a whole number from 0 to 100")
    return Rule(
        id=str(row["id"]),
        name=name,
        enabled=bool(row.get("enabled", True)),
        keywords=keywords,
        answers=answers,
        pick=_one_of(row, "pick", PICKS, "all"),
        priority=priority,
        window=_window(_part(row, "window")),
        action=Do(action),
        only_reply=bool(row.get("only_reply", False)),
    )


def _keyword(part: object) -> Keyword:
    if not isinstance(part, dict):
        raise InvalidInput(keywords="each keyword is an object")
    how = How(_one_of(part, "how", tuple(How), How.EXACT))
    words = tuple(word.strip() for word in _texts(part, "words", LONGEST_WORD, MOST_WORDS) if word.strip())
    if not words or (how is not How.PATTERN and not all(normalise(word) for word in words)):
        raise InvalidInput(keywords="write at least one word")
    if how is How.PATTERN:
        for word in words:
            compiled(word)
    return Keyword(how, words)


def _window(row: Mapping[str, object]) -> Window:
    days = row.get("days", list(range(7)))
    if not isinstance(days, list) or not days or not set(days) <= set(range(7)):
        raise InvalidInput(days="choose at least one day")
    start, end = time_in(row, "start"), time_in(row, "end")
    if (start is None) != (end is None) or (start is not None and start == end):
        raise InvalidInput(start="give both ends of the span, or none")
    return Window(frozenset(days), start, end, _one_of(row, "hours", HOURS, "any"))


def time_in(row: Mapping[str, object], name: str) -> time | None:
    """The time of day of a field; None where it is empty. Raises InvalidInput by its name."""
    given = row.get(name)
    if not given:
        return None
    try:
        return time.fromisoformat(str(given))
    except ValueError as error:
        raise InvalidInput(**{name: "a time such as 09:00"}) from error


def _part(row: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = row.get(name) or {}
    if not isinstance(found, dict):
        raise InvalidInput(**{name: "an object"})
    return found


def _one_of(row: Mapping[str, object], name: str, allowed: Sequence[str], default: str) -> str:
    found = str(row.get(name) or default)
    if found not in allowed:
        raise InvalidInput(**{name: f"one of {', '.join(allowed)}"})
    return found


def _text(row: Mapping[str, object], name: str, longest: int = LONGEST_ANSWER) -> str:
    found = row.get(name) or ""
    if not isinstance(found, str) or len(found) > longest:
        raise InvalidInput(**{name: f"a text of at most {longest} characters"})
    return found.strip()


def _texts(
    row: Mapping[str, object], name: str, longest: int = LONGEST_ANSWER, most: int = MOST_ANSWERS
) -> tuple[str, ...]:
    found = row.get(name) or []
    if not isinstance(found, list) or len(found) > most or not all(isinstance(text, str) for text in found):
        raise InvalidInput(**{name: f"at most {most} texts"})
    if any(len(text) > longest for text in found):
        raise InvalidInput(**{name: f"each of at most {longest} characters"})
    return tuple(text.strip() for text in found if text.strip())
