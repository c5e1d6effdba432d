"""One spelling for many scripts: width, case, traditional characters, Cantonese function words. Pure."""

import re
import unicodedata
from functools import cache

from service.routing.shipped import shipped_json

LONGEST = 2000  # characters that are read; what a follower wants stands before that

_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\ufe0f\u00ad]")
_CJK_GAP = re.compile(r"(?<=[\u4e00-\u9fff])[ \t]{1,8}(?=[\u4e00-\u9fff])")
# characters that written Mandarin does without: only then are Cantonese readings safe
_CANTONESE = re.compile(
    "[嘅咗唔喺佢咩嗰咁冇嚟啲乜畀嘢嘥攞瞓餸哋啱揾搵冚孭睇]|点解|边度|边个|几时|而家|好耐|几耐|仲未|甚么"
)


@cache
def _spelling() -> tuple[dict[int, str], dict[str, str], re.Pattern[str]]:
    """The shipped tables: single characters, Cantonese phrases, and one pattern that finds the latter."""
    tables = shipped_json("spelling.json")
    characters = {ord(pair[0]): pair[1] for group in tables["traditional"] for pair in group.split()}
    phrases: dict[str, str] = tables["cantonese"]
    longest_first = sorted(phrases, key=len, reverse=True)
    return characters, phrases, re.compile("|".join(map(re.escape, longest_first)))


def normalise(text: str) -> str:
    """The text in half width, lower case, simplified characters and Mandarin function words, cut at LONGEST."""
    characters, phrases, finder = _spelling()
    plain = unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST].lower()
    plain = _INVISIBLE.sub("", plain).translate(characters)
    plain = _CJK_GAP.sub("", plain)
    if _CANTONESE.search(plain):
        plain = finder.sub(lambda found: phrases[found.group()], plain)
    return plain.strip()
