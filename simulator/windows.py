"""When an account may write to a follower, and how often. Pure: no clock, no state."""

from dataclasses import dataclass, replace

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What one action of a follower allows: so many messages within so many seconds."""

    messages: int
    seconds: float


GRANTS = {
    "message": Grant(5, 48 * HOUR),
    "click": Grant(3, MINUTE),
    "subscribe": Grant(3, MINUTE),
    "scan": Grant(3, MINUTE),
}


@dataclass(frozen=True, slots=True)
class Window:
    """How many messages are left, until which instant (Unix seconds), and the length that was granted."""

    remaining: int = 0
    deadline: float = 0.0
    seconds: float = 0.0

    def is_open(self, now: float) -> bool:
        """Whether the deadline is still to come; the count may be used up all the same."""
        return now < self.deadline


CLOSED = Window()


def opened(window: Window, action: str, *, now: float, model: str) -> Window:
    """The window after an action of the follower; unchanged for an action that grants nothing.

    In the model `max` an action lifts the count to its own limit and the deadline to the later one. In `cumulative`
    what was sent keeps counting until the window ends, and only an action with a longer grant replaces it.
    """
    grant = GRANTS.get(action)
    if grant is None:
        return window
    fresh = Window(grant.messages, now + grant.seconds, grant.seconds)
    if not window.is_open(now):
        return fresh
    if model == "cumulative":
        return window if grant.seconds <= window.seconds else fresh
    return Window(
        max(window.remaining, fresh.remaining),
        max(window.deadline, fresh.deadline),
        max(window.seconds, fresh.seconds),
    )


def refusal(window: Window, *, now: float) -> int | None:
    """The errcode that a message gets now, or None if it may be sent."""
    if not window.is_open(now):
        return 45015  # the follower's last action is too long ago
    return 45047 if window.remaining <= 0 else None  # the count that the action allowed is used up


def spent(window: Window) -> Window:
    """The window after one message went out."""
    return replace(window, remaining=window.remaining - 1)
