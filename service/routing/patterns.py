"""Patterns that people may edit: words and regular expressions that cannot run away. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from service.errors import InvalidInput

Matcher = Callable[[str], tuple[int, int] | None]  # text -> (start, end) of the first match

WIDEST = 40  # upper bound of a repetition
WIDEST_CHOICE = 5  # of a repeated group with alternatives: where two of them fit, each round doubles the work
MOST_GAPS = 4  # repetitions of more than GAP in one pattern: the work is about GAP ** gaps for each start
GAP = 4
_QUANTIFIER = re.compile(r"\{(\d*)(,?)(\d*)\}|[*+?]")


class UnsafePattern(InvalidInput):
    """A pattern that is not a regular expression, or one that could take very long."""

    def __init__(self, sentence: str) -> None:
        super().__init__(pattern=sentence)


@dataclass(slots=True)
class _Scan:
    """How far a pattern has been read, and what its open groups have repeated so far."""

    repeats: list[bool] = field(default_factory=lambda: [False])
    chooses: list[bool] = field(default_factory=lambda: [False])  # the same of alternatives
    last_group_repeats: bool = False
    last_group_chooses: bool = False
    gaps: int = 0


def compile_words(rows: Sequence[str]) -> Matcher:
    """Finds the first of the literal words, which are separated by `|` in each row; Latin words only whole."""
    chosen = [word for row in rows for word in row.lower().split("|") if word]
    if not chosen:
        raise UnsafePattern("a rule needs at least one word")
    latin = [word for word in chosen if word.isascii()]
    if latin:
        ends = (
            (re.escape(word), r"\b" if word[0].isalnum() else "", r"\b" if word[-1].isalnum() else "")
            for word in chosen
        )
        alternatives = "|".join(f"{left}{word}{right}" if word.isascii() else word for word, left, right in ends)
        return _searcher(re.compile(alternatives, re.ASCII))

    def find(text: str) -> tuple[int, int] | None:
        for word in chosen:
            start = text.find(word)
            if start >= 0:
                return start, start + len(word)
        return None

    return find


def compile_regex(patterns: Sequence[str]) -> Matcher:
    """Finds the first match of any. Raises UnsafePattern where a repetition is unbounded, nested or too wide."""
    return _compiled(tuple(patterns))


@lru_cache(maxsize=2000)  # every change of the rulebook makes the classifier anew, mostly of the same patterns
def _compiled(patterns: tuple[str, ...]) -> Matcher:
    for pattern in patterns:
        check_pattern(pattern)
    return _searcher(re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.ASCII))


def _searcher(compiled: re.Pattern[str]) -> Matcher:
    def find(text: str) -> tuple[int, int] | None:
        found = compiled.search(text)
        return found.span() if found and found.end() > found.start() else None

    return find


def check_pattern(pattern: str) -> None:
    """Nothing if the pattern is safe, else UnsafePattern with the reason in one sentence."""
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        raise UnsafePattern(f"not a regular expression: {error}") from error
    scan, at = _Scan(), 0
    while at < len(pattern):
        at = _step(pattern, at, scan)
    if scan.gaps > MOST_GAPS:
        raise UnsafePattern(f"{scan.gaps} wide repetitions, at most {MOST_GAPS} are allowed")


def _step(pattern: str, at: int, scan: _Scan) -> int:
    """Reads one element of the pattern and returns where the next begins."""
    sign = pattern[at]
    if sign == "\\":
        if pattern[at + 1 : at + 2].isdigit():
            raise UnsafePattern("references to groups are not allowed")
        return at + 2
    if sign == "[":
        return _end_of_class(pattern, at)
    if sign == "(":
        scan.repeats.append(False)
        scan.chooses.append(False)
        prefix = re.compile(r"\(\?(?:[:=!>]|<[=!])").match(pattern, at)
        return prefix.end() if prefix else at + 1
    if sign == ")":
        scan.last_group_repeats = scan.repeats.pop()
        scan.repeats[-1] = scan.repeats[-1] or scan.last_group_repeats
        scan.last_group_chooses = scan.chooses.pop()
        scan.chooses[-1] = scan.chooses[-1] or scan.last_group_chooses
        return at + 1
    if sign == "|":
        scan.chooses[-1] = True
        return at + 1
    quantifier = _QUANTIFIER.match(pattern, at)
    if quantifier:
        _check_quantifier(quantifier, scan, after_group=pattern[at - 1] == ")" and pattern[at - 2] != "\\")
        return quantifier.end()
    return at + 1


def _end_of_class(pattern: str, at: int) -> int:
    at += 2 if pattern[at + 1] == "^" else 1
    at += 1  # a bracket in first place is literal
    while pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


def _check_quantifier(quantifier: re.Match[str], scan: _Scan, *, after_group: bool) -> None:
    if quantifier.group() == "?":
        return
    low, comma, high = quantifier.groups()
    if low is None or (comma and not high):
        raise UnsafePattern(f"{quantifier.group()} has no upper bound; write for example {{0,10}}")
    widest = int(high or low)
    most = WIDEST_CHOICE if after_group and scan.last_group_chooses else WIDEST
    if widest > most:
        raise UnsafePattern(f"{quantifier.group()} is wider than {most}")
    if after_group and scan.last_group_repeats:
        raise UnsafePattern("a repetition inside a repeated group can take very long")
    scan.repeats[-1] = True
    scan.gaps += widest > GAP
