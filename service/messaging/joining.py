"""Texts that waited together are sent in as few messages as they fit into. Pure."""

from collections.abc import Sequence

BETWEEN = "\n"  # texts that travel in one message


def carriers_of(texts: Sequence[str | None], longest: int | None) -> list[int]:
    """For each text the place of the one in whose message it travels, its own where it begins a message.

    None is not a text and travels alone. `longest`: bytes of UTF-8 of one message, None for no limit. The order is
    kept, so a text joins only the message just before it.
    """
    carriers: list[int] = []
    joined: str | None = None
    for place, text in enumerate(texts):
        both = None if joined is None or text is None else f"{joined}{BETWEEN}{text}"
        fits = both is not None and (longest is None or len(both.encode()) <= longest)
        carriers.append(carriers[-1] if fits else place)
        joined = both if fits else text
    return carriers
