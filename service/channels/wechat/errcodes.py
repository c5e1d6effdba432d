"""What the platform's error codes mean for us: a table, errcodes.json beside this file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from service.messaging.ports import Failure

DEAD_TOKEN = frozenset({40001, 40014, 42001})  # in an answer to a call that carried a token
RIGHTS = frozenset({40200, 48001, 48008, 48021, 50001})  # the account may not use the interface that was called
DAY = timezone(timedelta(hours=8))  # the platform counts its days in Beijing


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a code means for a send, and what a person should do about it."""

    kind: Failure
    zh: str
    en: str


UNLISTED = Verdict(
    Failure.PERMANENT,
    "平台返回了未登记的错误，这条消息没有送出，请联系维护人员。",
    "The platform gave an error that is not in our table; the message did not go out. Call the maintainer.",
)


def _table() -> Mapping[int, Verdict]:
    rows = json.loads(Path(__file__).with_name("errcodes.json").read_text(encoding="utf-8"))
    return {int(code): Verdict(Failure(row["kind"]), row["zh"], row["en"]) for code, row in rows.items()}


VERDICTS = _table()


def verdict_on(code: int) -> Verdict:
    """What the code means; an unlisted one is permanent for this message."""
    return VERDICTS.get(code, UNLISTED)


def pause_after(code: int, now: datetime) -> timedelta:
    """How long to stay away after a limit was reached: until the platform's next minute or day; else zero."""
    if code == 45011:
        return timedelta(minutes=1)
    if code == 45009:
        here = now.astimezone(DAY)
        return here.replace(hour=0, minute=1, second=0, microsecond=0) + timedelta(days=1) - here
    return timedelta(0)


def advice(code: int, language: str) -> str:
    """What the agent or the operator should do, in the language (zh or en)."""
    found = verdict_on(code)
    return found.en if language.startswith("en") else found.zh
