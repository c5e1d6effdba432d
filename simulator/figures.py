"""What became of all pushes so far, in figures. Call it under the lock."""

from collections import Counter

from simulator.pushes import Pusher

PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def figures_of(pusher: Pusher, after: int = 0) -> dict[str, object]:
    """Counts of the pushes after this one by state, of attempts, and how long answers took (milliseconds).

    What followers saw and which calls came is counted from the start. The simulator keeps the last 20,000 pushes.
    """
    pushes = [push for push in pusher.pushes.values() if push.id > after]
    attempts = [attempt for push in pushes for attempt in push.attempts]
    shown = Counter(entry.kind for f in pusher.state.followers.values() for entry in f.transcript)
    return {
        "newest": max(pusher.pushes, default=0),
        "pushes": len(pushes),
        "states": dict(Counter(str(push.state) for push in pushes)),
        "attempts": len(attempts),
        "without_answer": sum(attempt.status is None for attempt in attempts),
        "answer_ms": percentiles([attempt.duration * 1000 for attempt in attempts if attempt.status is not None]),
        "shown": dict(shown),
        "calls": dict(pusher.state.call_counts),
    }


def percentiles(values: list[float]) -> dict[str, float]:
    """The values below which so many lie, by nearest rank; empty without values."""
    ranked = sorted(values)
    if not ranked:
        return {}
    return {name: round(ranked[max(0, -int(-share * len(ranked) // 1) - 1)], 1) for name, share in PERCENTILES.items()}
