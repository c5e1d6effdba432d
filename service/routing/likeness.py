"""How much two matters say the same: pairs of characters that they share, without numbers and small talk. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from service.routing.shipped import shipped_json
from service.routing.text import normalise

LONGEST = 240  # characters of a gist: what somebody wants stands before that
FEWEST = 2  # pairs of characters that are counted; a shorter gist is alike where it stands within the other ...
LONGER = 3  # ... and that is not longer than so many times
ALIKE = 0.5  # the same follower's matter again: they write of few things, and a person looks at it
SAME_EVENT = 0.6  # of different followers
INSIDE = 0.8  # what it counts that the shorter text lies within the longer one

_NUMBER = re.compile(r"[a-z]{0,4}[0-9][0-9a-z-]{3,}")
_DIGITS = re.compile(r"[0-9]+")
# where and since when: of the same outage each house says another
_COUNT = re.compile(
    "(?:[0一二三四五六七八九十两几半]+|好几)(?:号楼|单元|小时|分钟|个月|星期|栋|楼|层|室|户|天|点|号|日|月|年|次|遍|个|周)"
)
_PLACEHOLDER = re.compile(r"\[[^\]\n]{1,8}\]")  # [图片], [捂脸]
_WORD = re.compile(r"[^\W_]+")
# what stands in every second message and says nothing of the matter
_SMALL_TALK: list[str] = shipped_json("noise.json")["small_talk"]
_ENGLISH = r"\b(?:the|a|an|is|are|was|my|your|our|i|we|you|it|to|of|and|in|on|at|for|please|hi|hello|again)\b"
_TALK = re.compile("|".join([_ENGLISH, *sorted(map(re.escape, _SMALL_TALK), key=len, reverse=True)]), re.ASCII)
_UNIT = re.compile(r"[a-z]+|[^\W_]")  # a Latin word is one, so that "wifi" is not three pairs


@dataclass(frozen=True, slots=True)
class Gist:
    """What a text says, as `gist_of` made it: `text` is kept with the ticket, numbers are not."""

    text: str
    pairs: frozenset[str]


def gist_of(text: str) -> str:
    """The text without greetings, particles and punctuation; every number is a 0, so that nothing personal is in it."""
    plain = _COUNT.sub(" ", _DIGITS.sub("0", _NUMBER.sub("0", _PLACEHOLDER.sub(" ", normalise(text)))))
    return " ".join(_WORD.findall(_TALK.sub(" ", plain)))[:LONGEST]


def read(gist: str) -> Gist:
    """The gist as it is compared: pairs of neighbouring characters, and whole Latin words."""
    units = _UNIT.findall(gist)
    latin = {unit for unit in units if len(unit) > 1}
    return Gist("".join(units), frozenset(a + b for a, b in pairwise(units)) | latin)


def likeness(one: Gist, other: Gist) -> float:
    """0 to 1: what share of the pairs they have in common, or how much of the shorter one lies within the longer."""
    if not one.text or not other.text:
        return 0.0
    if one.text == other.text:
        return 1.0
    least = min(len(one.pairs), len(other.pairs))
    if least < FEWEST:
        short, long = sorted((one.text, other.text), key=len)
        return INSIDE if short in long and len(short) > 1 and len(long) <= LONGER * len(short) else 0.0
    common = len(one.pairs & other.pairs)
    return max(common / len(one.pairs | other.pairs), INSIDE * common / least)


def numbers_in(text: str) -> frozenset[str]:
    """Order numbers and the like: four signs or more."""
    return frozenset(_NUMBER.findall(normalise(text)))


def are_apart(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether both name numbers, and none is the same: then two orders are meant, however alike the words are."""
    first, second = set(one), set(other)
    return bool(first and second) and first.isdisjoint(second)
