"""What a matter is about within its category: the subcategory whose words it has most of. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.errors import InvalidInput
from service.routing.patterns import Matcher, compile_regex, compile_words
from service.routing.text import normalise

MOST_OF_A_WORD = 6  # characters of a word that count: a long one says more than a short one, up to a point
OF_A_PATTERN = 3  # what a regular expression counts


@dataclass(frozen=True, slots=True)
class Subcategory:
    """A row of the table. One without words is for people to choose."""

    category: str
    code: str
    name_zh: str
    name_en: str
    words: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picked:
    """A subcategory, and the words that led to it."""

    subcategory: Subcategory
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sign:
    finder: Matcher
    weight: int | None  # None: by the length of what was found


class Subcategories:
    """The table, compiled once; `pick` has no state. Raises InvalidInput on a row that means nothing."""

    def __init__(self, rows: Iterable[Subcategory] = ()) -> None:
        self._by_category: dict[str, dict[str, Subcategory]] = defaultdict(dict)
        for row in rows:
            self._by_category[row.category][row.code] = row
        self._signs = {
            (row.category, row.code): _signs(row) for each in self._by_category.values() for row in each.values()
        }

    def of(self, category: str | None) -> Mapping[str, Subcategory]:
        """The subcategories of a category by their codes."""
        return self._by_category.get(category or "", {})

    def find(self, category: str | None, code: str | None) -> Subcategory | None:
        return self.of(category).get(code or "")

    def codes(self) -> dict[str, tuple[str, ...]]:
        """Codes by category."""
        return {category: tuple(rows) for category, rows in self._by_category.items()}

    def pick(self, category: str | None, text: str) -> Picked | None:
        """The one that the text says most about; None where it says nothing, or as much about another."""
        rows = self.of(category)
        plain = normalise(text) if rows else ""
        scored = sorted(
            ((*_score(self._signs[row.category, row.code], plain), row) for row in rows.values()),
            key=lambda each: -each[0],
        )
        if not scored or not scored[0][0] or (len(scored) > 1 and scored[1][0] == scored[0][0]):
            return None
        _, found, row = scored[0]
        return Picked(row, tuple(found))


def _signs(row: Subcategory) -> list[_Sign]:
    words = [_Sign(compile_words([word]), None) for word in dict.fromkeys(map(normalise, row.words)) if word]
    return words + [_Sign(compile_regex([pattern]), OF_A_PATTERN) for pattern in row.regex]


def _score(signs: Sequence[_Sign], text: str) -> tuple[int, list[str]]:
    """How much the text says about it, and in which words; of words within each other the longest counts."""
    spans: list[tuple[int, int, int]] = []
    for sign in signs:
        found = sign.finder(text)
        if found is not None:
            start, end = found
            spans.append((start, end, sign.weight or min(end - start, MOST_OF_A_WORD)))
    widest = [a for a in spans if not any(_is_within(a, b) for b in spans)]
    kept = sorted(set(widest))
    return sum(weight for _, _, weight in kept), list(dict.fromkeys(text[start:end] for start, end, _ in kept))


def _is_within(span: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return span[:2] != other[:2] and other[0] <= span[0] and span[1] <= other[1]


def subcategories_from(rows: Iterable[Mapping[str, object]]) -> Subcategories:
    """The table of rows as they stand in subcategories.json."""
    return Subcategories([_row(row) for row in rows])


def _row(row: Mapping[str, object]) -> Subcategory:
    regex = row.get("regex") or []
    if not isinstance(regex, list):
        raise InvalidInput(regex="a list of patterns")
    return Subcategory(
        category=str(row["category"]),
        code=str(row["code"]),
        name_zh=str(row["name_zh"]),
        name_en=str(row["name_en"]),
        words=tuple(word.strip() for word in str(row.get("words") or "").split("|") if word.strip()),
        regex=tuple(str(pattern) for pattern in regex),
    )
