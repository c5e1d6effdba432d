"""What the linear model sees of a text: stretches of up to three characters, and what the rules found. Pure."""

import math
from collections.abc import Sequence

from service.routing.keywords import CATEGORIES, FINDINGS, Hit, sums_by_category, weight_of

LONGEST = 3
START, END = "\x02", "\x03"  # so that how a text begins and ends is seen too
SIGNALS = (*CATEGORIES, *FINDINGS)
MOST, LEAST = 6.0, -1.0  # beyond them a sum of weights says no more
MOST_FINDING = 3.0
TYPICAL_GRAMS = 30.0  # of a text whose stretches count fully; a longer one has more, each of less weight


def grams(text: str) -> list[str]:
    """The distinct stretches of a normalised text, in order of appearance."""
    framed = f"{START}{text}{END}"
    found = (framed[at : at + n] for n in range(1, LONGEST + 1) for at in range(len(framed) - n + 1))
    return list(dict.fromkeys(found))


def scale(number: int) -> float:
    """What each of so many stretches counts: texts of any length are vectors of one length."""
    return math.sqrt(TYPICAL_GRAMS / max(number, 1))


def signals(hits: Sequence[Hit]) -> list[float]:
    """What the rules found, between about -0.2 and 1, in the order of SIGNALS."""
    sums = sums_by_category(hits)
    speaking = [max(LEAST, min(sums[code], MOST)) / MOST for code in CATEGORIES]
    return speaking + [min(weight_of(effect, hits), MOST_FINDING) / MOST_FINDING for effect in FINDINGS]
