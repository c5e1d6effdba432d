"""What a tap on the custom menu does: by the published menu, else by the keys that every installation knows. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.routing.autoreply import Do

# the keys of the shipped menu, which act without a document
KNOWN: Mapping[str, Do] = {
    "ASK": Do.ASK,
    "COMPLAIN": Do.COMPLAIN,
    "SUGGEST": Do.SUGGEST,
    "PROGRESS": Do.PROGRESS,
    "TICKETS": Do.TICKETS,
    "HUMAN": Do.HUMAN,
    "RATE": Do.RATE,
    "PRIVACY": Do.PRIVACY,
    "HELP": Do.HELP,
}


@dataclass(frozen=True, slots=True)
class Tap:
    """What a key does; `text` is the menu's own answer, `name` what the button says, "" where nobody says."""

    action: Do
    text: str
    name: str


def tap_of(document: Mapping[str, object], key: str) -> Tap | None:
    """The meaning of a key; None for one that nobody has given a meaning."""
    actions = document.get("actions")
    given = actions.get(key) if isinstance(actions, dict) else None
    name = next((str(button.get("name", "")) for button in _buttons(document) if button.get("key") == key), "")
    if isinstance(given, dict) and given.get("action") in tuple(Do):
        return Tap(Do(given["action"]), str(given.get("text") or ""), name)
    return Tap(KNOWN[key], "", name) if key in KNOWN else None


def _buttons(node: object) -> Iterator[Mapping[str, object]]:
    """Every object below, whatever the lists of buttons are called."""
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from _buttons(part)
    elif isinstance(node, list):
        for part in node:
            yield from _buttons(part)
