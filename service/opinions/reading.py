"""An answer taken apart: what is not exactly what was asked for is no opinion. Pure."""

import json
import math
import unicodedata
from collections.abc import Collection

from service.opinions.outcome import Opinion, OpinionError

KEYS = {"category", "confidence", "reason"}
LONGEST_REASON = 100  # characters


def opinion_in(content: bytes, categories: Collection[str]) -> Opinion:
    """The opinion in the body of a chat completion. Raises OpinionError."""
    try:
        body = json.loads(content.decode())
        said = body["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise OpinionError("foreign") from None
    if not isinstance(said, str):
        raise OpinionError("foreign")
    category, confidence, reason = _fields_of(said)
    if category not in categories:
        raise OpinionError("nonsense", "category")
    return Opinion(category, confidence, reason, _tokens_of(body))


def _fields_of(said: str) -> tuple[str, float, str]:
    """The three values, each of its kind."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        raise OpinionError("nonsense", "no JSON") from None
    if not isinstance(found, dict) or found.keys() != KEYS:
        raise OpinionError("nonsense", "keys")
    category, confidence, reason = found["category"], found["confidence"], found["reason"]
    if not isinstance(category, str):
        raise OpinionError("nonsense", "category")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not _is_share(confidence):
        raise OpinionError("nonsense", "confidence")
    if not isinstance(reason, str) or not _is_plain(reason):
        raise OpinionError("nonsense", "reason")
    return category, float(confidence), reason.strip()


def _is_share(number: float) -> bool:
    return math.isfinite(number) and 0 <= number <= 1


def _is_plain(reason: str) -> bool:
    """One short line without signs that steer a terminal, a page or the direction of writing."""
    if not reason.strip() or len(reason) > LONGEST_REASON or set(reason) & set("<>"):
        return False
    return all(unicodedata.category(sign)[0] != "C" and sign not in "\u2028\u2029" for sign in reason)


def _tokens_of(body: object) -> int | None:
    usage = body.get("usage") if isinstance(body, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    is_count = isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 10**9
    return total if is_count else None
