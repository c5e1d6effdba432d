"""The faces that WeChat draws for codes such as `/::)` and `[捂脸]`, as emoji. Pure; what is stored keeps the codes."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources


@cache
def faces() -> Mapping[str, str]:
    """Emoji by code."""
    text = (resources.files("service.channels.wechat") / "faces.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


@cache
def _codes() -> re.Pattern[str]:
    longest_first = sorted(faces(), key=len, reverse=True)  # `/::-|` is not `/::` and something
    return re.compile("(" + "|".join(re.escape(code) for code in longest_first) + ")")


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """The text cut into (words, "") and (code, emoji); joined, the first of each are the text again."""
    if "/:" not in text and "[" not in text:
        yield text, ""
        return
    for number, piece in enumerate(_codes().split(text)):
        if piece:
            yield piece, faces()[piece] if number % 2 else ""
