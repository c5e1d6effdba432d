"""Warnings before a reply window shuts: 12, 4 and 1 hour before, and when it has shut; each once."""

from datetime import UTC, datetime, timedelta

import pytest

from service.tickets.windows import plan

NOW = datetime(2026, 3, 4, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours_left", "warned", "step", "then_warned", "next_at", "why"),
    [
        (30, None, None, None, 12, "time enough: look again 12 hours before"),
        (12, None, 12, 12, 4, "the first warning"),
        (9, 12, None, 12, 4, "it has been given"),
        (4, 12, 4, 4, 1, "the second"),
        (0.5, 12, 1, 1, 0, "of two that are late only the last"),
        (0, 1, 0, 0, None, "it has shut"),
        (-5, 0, None, 0, None, "and that was said"),
        (40, 4, None, None, 12, "the follower wrote: all begins anew"),
        (40, 0, None, None, 12, "also where it had shut"),
    ],
)
def test_what_is_due(
    hours_left: float, warned: int | None, step: int | None, then_warned: int | None, next_at: int | None, why: str
):
    closes_at = NOW + timedelta(hours=hours_left)

    due = plan(closes_at, warned, NOW)

    next_look = None if next_at is None else closes_at - timedelta(hours=next_at)
    assert (due.step, due.warned, due.warn_at) == (step, then_warned, next_look), why


def test_a_follower_who_left_has_no_window_and_no_warning():
    assert plan(None, 12, NOW) == plan(None, None, NOW)
    assert plan(None, None, NOW).step is None
