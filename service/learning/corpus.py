"""Messages to learn from and to measure with, as they are shipped. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

FOLDER = "messages"
FIXED = "held_out.jsonl"  # never trained on


@dataclass(frozen=True, slots=True)
class Example:
    """A message and what it is; `own` are this installation's."""

    text: str
    category: str
    urgent: bool = False
    own: bool = False


@cache
def shipped_examples() -> tuple[Example, ...]:
    """The messages that come with the program, in the order of their files."""
    return tuple(_read(line) for line in _lines("messages_"))


@cache
def fixed_examples() -> tuple[Example, ...]:
    """The messages that are kept to measure with."""
    return tuple(_read(line) for line in _lines(FIXED))


def digest_of(examples: Iterable[Example]) -> str:
    """A short digest of what a model is trained on: whether it is up to date."""
    lines = (f"{example.category}\t{example.urgent}\t{example.own}\t{example.text}" for example in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _lines(prefix: str) -> Iterator[str]:
    folder = resources.files("service.learning").joinpath(FOLDER)
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith(prefix) and entry.name.endswith(".jsonl"):
            yield from filter(str.strip, entry.read_text(encoding="utf-8").splitlines())


def _read(line: str) -> Example:
    row = json.loads(line)
    return Example(str(row["text"]), str(row["category"]), bool(row["urgent"]))
