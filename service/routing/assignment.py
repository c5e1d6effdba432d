"""Which agent takes a ticket: the least loaded who may. Pure; skills, shifts and recusal come later (issue 5)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What an agent has in hand; `limit` is None where none is set."""

    agent: str
    open_tickets: int
    limit: int | None = None


def choose(loads: Sequence[Load]) -> str | None:
    """The agent with the fewest open tickets below the limit, by name between equals; None if nobody has room."""
    free = [load for load in loads if load.limit is None or load.open_tickets < load.limit]
    if not free:
        return None
    return min(free, key=lambda load: (load.open_tickets, load.agent)).agent
