"""Whether a candidate may take the place of the model that is in use: what is worse about it. Pure.

The fixed part is small: a single message is more than TOLERANCE in most categories, and a few messages always fall to
the other side when a model is trained anew. So a category may lose TOLERANCE or NOISE messages, whichever is more; of
complaints, those that would go elsewhere without a person's look are counted as well. Against the model in use alone, a
long row of candidates could each be a little worse than the one before: so each is held against the shipped model too,
which stands still.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.learning.figures import Figures, Judged

TOLERANCE = 0.02
ENOUGH = 10  # messages of a category from which its recall is compared
NOISE = 2  # messages of a category that may change sides
FIXED, NEWEST = "fixed", "newest"
CANDIDATE, IN_USE, SHIPPED = "candidate", "active", "shipped"
AS_APPLIED = {"other": "invalid"}  # what a ticket is called that needs none
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures on the fixed part, and the share of the newest part that was right; by whose they are."""

    fixed: Mapping[str, Figures]
    newest: Mapping[str, float]  # empty where there are too few corrections

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {FIXED: {whose: each.as_dict() for whose, each in self.fixed.items()}, NEWEST: dict(self.newest)}


@dataclass(frozen=True, slots=True)
class Objection:
    """Something that is worse than it may be. `category`: "" where it is the whole part."""

    part: str
    figure: str  # macro_f1 recall silent_complaints accuracy
    category: str
    against: str
    before: float
    after: float


def share_right(rows: Sequence[Judged]) -> float:
    """How many were named exactly as people named them."""
    right = sum(AS_APPLIED.get(r.verdict.category, r.verdict.category) == r.example.category for r in rows)
    return right / len(rows)


def objections(measured: Measured) -> tuple[Objection, ...]:
    """What speaks against the candidate; nothing does where it may be published."""
    fixed, newest = measured.fixed, measured.newest
    found: list[Objection] = []
    for against in (IN_USE, SHIPPED):
        if against in fixed:
            found += _on_fixed(fixed[CANDIDATE], fixed[against], against)
    if newest and newest[CANDIDATE] < newest[IN_USE] - TINY:
        found.append(Objection(NEWEST, "accuracy", "", IN_USE, newest[IN_USE], newest[CANDIDATE]))
    return tuple(found)


def _on_fixed(candidate: Figures, other: Figures, against: str) -> Iterator[Objection]:
    if candidate.macro_f1 < other.macro_f1 - TOLERANCE - TINY:
        yield Objection(FIXED, "macro_f1", "", against, other.macro_f1, candidate.macro_f1)
    if candidate.silent_complaints > other.silent_complaints + TOLERANCE + TINY:
        before, after = other.silent_complaints, candidate.silent_complaints
        yield Objection(FIXED, "silent_complaints", "", against, before, after)
    for code, (before, number) in other.recall_by_category.items():
        after = candidate.recall_by_category[code][0]
        if number >= ENOUGH and before - after > allowed(number) + TINY:
            yield Objection(FIXED, "recall", code, against, before, after)


def allowed(number: int) -> float:
    """By how much the recall of a category with so many messages may fall."""
    return max(TOLERANCE, NOISE / number)
