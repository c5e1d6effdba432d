"""Cutting a text into sends: few of them, each within the limit, none through a sign or a link. Pure."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, chain

import regex

# a link as the platform understands it: written out in ASCII, or an anchor with words
LINK = regex.compile(r"<a\s[^<>]*>[^<]*</a\s*>|https?://(?:(?!https?://)[!#-;=?-~])+", regex.IGNORECASE)
# what a person takes for one character: letters with marks, joined emoji, flags. A flag is named by its two letters
# because \X looks back over a whole row of flags for each of them
SIGN = regex.compile(r"[\U0001F1E6-\U0001F1FF]{2}[\p{M}\u200D]*|\X")
ENDS_SENTENCE = frozenset("。！？!?；;…")
LONGEST_SIGN = 60  # code points looked at behind a cut; one that is longer still ends behind it
SHORTEST_NICE = 0.5  # of what would fit: nobody wants a greeting as a message of its own


def parts_of(text: str, limit: int | None) -> list[str]:
    """The text in pieces of at most `limit` bytes of UTF-8, never through a sign that people see as one, nor a link.

    Only a sign or a link that is itself over the limit is cut. As few pieces as possible, for each spends a message
    of the window; at the end of a line, sentence or word where that costs none. Joined they are the text.
    """
    if limit is None or len(text.encode("utf-8", "surrogatepass")) <= limit:
        return [text]
    return list(_cut(list(_atoms(text, limit)), limit))


def beginning(text: str, length: int) -> str:
    """The longest beginning of at most `length` code points that ends with a whole sign, where there is one."""
    if len(text) <= length:
        return text
    ends = (found.end() for found in SIGN.finditer(text[: length + LONGEST_SIGN]))
    return text[: max((end for end in ends if end <= length), default=length)]


def _cut(atoms: list[str], limit: int) -> Iterator[str]:
    reach = [0, *accumulate(_size(atom) for atom in atoms)]  # bytes before each atom
    furthest = [bisect_right(reach, reach[start] + limit) - 1 for start in range(len(atoms))]
    needed = [0] * (len(atoms) + 1)  # pieces from each atom to the end
    for start in reversed(range(len(atoms))):
        needed[start] = 1 + needed[furthest[start]]
    start = 0
    while start < len(atoms):
        end = furthest[start]
        if end < len(atoms):
            end = _nicest(atoms, reach, needed, start, end)
        yield "".join(atoms[start:end])
        start = end


def _nicest(atoms: list[str], reach: list[int], needed: list[int], start: int, end: int) -> int:
    """The best place to cut, between the earliest that costs no further piece and the last that fits."""
    found: dict[int, int] = {}  # rank -> place, the last of each rank
    for place in range(end, start, -1):
        if needed[place] > needed[end] or reach[place] - reach[start] < SHORTEST_NICE * (reach[end] - reach[start]):
            break
        found.setdefault(_rank(atoms[place - 1], atoms[place]), place)
    best = min(found, default=LAST)
    return found[best] if best < LAST else end


LAST = 3


def _rank(before: str, after: str) -> int:
    """How good a place between two signs is: 0 at a line, 1 after a sentence, 2 between words, 3 nowhere."""
    if after in ("\n", "\r\n"):
        return 0
    if before in ENDS_SENTENCE or (before == "." and after.isspace()):
        return 1
    if after.isspace() or before in "，、,：:":
        return 2
    return LAST


def _atoms(text: str, limit: int) -> Iterator[str]:
    """The pieces that stay whole, each at most as long as the limit."""
    for found in _signs_and_links(text):
        if _size(found) <= limit:
            yield found
        else:
            smaller = SIGN.findall(found) if len(found) > 1 else [found]
            yield from chain.from_iterable([sign] if _size(sign) <= limit else sign for sign in smaller)


def _signs_and_links(text: str) -> Iterator[str]:
    at = 0
    for link in LINK.finditer(text):
        yield from SIGN.findall(text[at : link.start()])
        yield link.group()
        at = link.end()
    yield from SIGN.findall(text[at:])


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
