"""What opens no ticket: thanks, greetings alone, nods, stickers, advertising. Pure; in doubt it is a matter."""

import hashlib
import re
import unicodedata
from collections.abc import Container
from datetime import timedelta

from service.routing.patterns import Matcher, compile_regex
from service.routing.shipped import shipped_json
from service.routing.text import normalise

LONGEST_TALK = 40  # longer texts are matters whatever they consist of
SHORTEST_ADVERT = 12
SALES_SIGNS = 2  # of different kinds, beside the contact to take up
ADVERT = "advert"


_TALK: dict[str, list[str]] = shipped_json("talk.json")
_NOISE: dict[str, list[str]] = shipped_json("noise.json")
REPEAT_WITHIN = timedelta(minutes=int(str(_NOISE["repeat_minutes"])))  # the same words again are no new matter


def _any_of(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# [name] of clients now, /code of old ones
_FACE = re.compile(rf"\[(?:{_any_of(_TALK['faces'])})\]|/(?:{_any_of(_TALK['old_faces'])})(?![a-z0-9])")
# what the platform sends for kinds that it does not forward
_PLACEHOLDER = re.compile(r"[\[【]收到不支持的消息类型[,，]?暂无法显示[\]】]")
# a Latin word is one unit, so that "K1" is not two nods; every other character is one
_UNIT = re.compile(r"[a-z0-9]+|[^\W_]")

_WORDS_OF = {"thanks": "thanks", "acknowledgement": "acknowledgement", "greeting": "greeting", "laughter": "sticker"}
_KIND = {phrase: kind for key, kind in _WORDS_OF.items() for phrase in _TALK[key]}
_LONGEST_PHRASE = max(map(len, _KIND))
_RANK = ("thanks", "acknowledgement", "greeting", "sticker")
_FILLING = frozenset(_TALK["particles"] + _TALK["addressees"])  # may follow, says nothing alone
# of an advertisement: a contact to take up, and what is sold; and what only somebody with a matter of ours writes
_BAIT: Matcher = compile_regex(_NOISE["bait"])
_SALES: list[Matcher] = [compile_regex([kind]) for kind in _NOISE["sales"]]
_MATTER: Matcher = compile_regex(_NOISE["matter"])
_NODDING = frozenset("👍👌🆗✅💪☑✔")
_ALARMING = frozenset("🆘🚨")


def noise_kind(text: str) -> str | None:
    """What the text is that opens no ticket: a kind of talk, or an advert. None where it is a matter."""
    return talk_kind(text) or (ADVERT if advert_signs(text) else None)


def advert_signs(text: str) -> tuple[str, ...]:
    """The words that make the text an advertisement; none where a single sign speaks for a matter.

    Several independent signs at once: a contact to take up, SALES_SIGNS kinds of sales talk, and no word of trouble,
    of a question, of help or of an order. A complaint must never be lost, an advertisement may well open a ticket.
    """
    if len(text) < SHORTEST_ADVERT:
        return ()
    plain = normalise(text)
    bait = _BAIT(plain)  # first, as most messages have none
    if bait is None or _MATTER(plain) is not None:
        return ()
    sold = [span for span in (find(plain) for find in _SALES) if span is not None]
    return tuple(plain[start:end] for start, end in [bait, *sold]) if len(sold) >= SALES_SIGNS else ()


def mark_of(text: str) -> str | None:
    """A digest by which the very same words are known again, whatever their width and punctuation; None without any."""
    words = "".join(_UNIT.findall(normalise(text)))
    return hashlib.blake2b(words.encode(), digest_size=8).hexdigest() if words else None


def talk_kind(text: str) -> str | None:
    """thanks, greeting, acknowledgement or sticker where the text is nothing but that; None where it is a matter."""
    if len(text) > LONGEST_TALK or not _ALARMING.isdisjoint(text):
        return None
    plain = normalise(text)
    bare, faces = _FACE.subn("", _PLACEHOLDER.sub(" [表情] ", plain))
    emoji = {sign for sign in bare if _is_emoji(sign)}
    units = _UNIT.findall(bare)
    if not units:
        return _kind_of_signs(emoji, faces)
    kind = _kind_of_words(units)
    if kind != "greeting" and "?" in bare:
        return None  # "好的?" doubts
    return kind


def _is_emoji(sign: str) -> bool:
    return ord(sign) > 0x203B and unicodedata.category(sign) == "So"


def _kind_of_signs(emoji: set[str], faces: int) -> str | None:
    if not emoji and not faces:
        return None  # punctuation alone is a nudge
    return "acknowledgement" if emoji and not faces and emoji <= _NODDING else "sticker"


def _kind_of_words(units: list[str]) -> str | None:
    """The weightiest kind among the phrases that fill the words without a gap; None if they do not."""
    kinds: set[str] = set()
    at = 0
    while at < len(units):
        size = _size_of(units, at, _KIND)
        if size:
            kinds.add(_KIND["".join(units[at : at + size])])
        elif kinds:
            size = _size_of(units, at, _FILLING)
        if not size:
            return None
        at += size
    return next(kind for kind in _RANK if kind in kinds)


def _size_of(units: list[str], at: int, phrases: Container[str]) -> int:
    """How many units from here the longest of the phrases takes; 0 if none begins here."""
    return next((n for n in range(_LONGEST_PHRASE, 0, -1) if "".join(units[at : at + n]) in phrases), 0)
