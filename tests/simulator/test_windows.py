"""When and how often an account may write: the reply windows as values."""

import pytest

from simulator.windows import CLOSED, HOUR, Window, opened, refusal, spent

NOW = 1000.0
DAY_2 = NOW + 48 * HOUR

MAX_ROWS = [
    (CLOSED, "message", Window(5, DAY_2, 48 * HOUR), "a message opens 5 in 48 h"),
    (CLOSED, "click", Window(3, NOW + 60, 60), "a menu tap opens 3 in a minute"),
    (CLOSED, "subscribe", Window(3, NOW + 60, 60), "so does following"),
    (CLOSED, "scan", Window(3, NOW + 60, 60), "and scanning"),
    (CLOSED, "view", CLOSED, "an action that grants nothing"),
    (Window(1, DAY_2, 48 * HOUR), "click", Window(3, DAY_2, 48 * HOUR), "a tap lifts the count, keeps the longer time"),
    (Window(4, DAY_2, 48 * HOUR), "click", Window(4, DAY_2, 48 * HOUR), "a tap takes nothing away"),
    (Window(2, NOW + 60, 60), "message", Window(5, DAY_2, 48 * HOUR), "not added up"),
    (Window(4, NOW, 60), "click", Window(3, NOW + 60, 60), "what is left of a closed window is gone"),
]


@pytest.mark.parametrize(("before", "action", "after", "why"), MAX_ROWS, ids=[row[3] for row in MAX_ROWS])
def test_an_action_lifts_count_and_deadline_to_its_own(before: Window, action: str, after: Window, why: str) -> None:
    assert opened(before, action, now=NOW, model="max") == after, why


CUMULATIVE_ROWS = [
    (CLOSED, "message", Window(5, DAY_2, 48 * HOUR), "the first message opens"),
    (Window(1, NOW + 9, 48 * HOUR), "message", Window(1, NOW + 9, 48 * HOUR), "the second refreshes nothing"),
    (Window(0, NOW + 9, 48 * HOUR), "click", Window(0, NOW + 9, 48 * HOUR), "nor does a tap"),
    (Window(0, NOW + 9, 60), "message", Window(5, DAY_2, 48 * HOUR), "a message replaces a tap's minute"),
    (Window(0, NOW, 48 * HOUR), "message", Window(5, DAY_2, 48 * HOUR), "after the end it opens anew"),
]


@pytest.mark.parametrize(("before", "action", "after", "why"), CUMULATIVE_ROWS, ids=[row[3] for row in CUMULATIVE_ROWS])
def test_in_the_cumulative_model_what_was_sent_keeps_counting(
    before: Window, action: str, after: Window, why: str
) -> None:
    assert opened(before, action, now=NOW, model="cumulative") == after, why


def test_a_closed_window_is_refused_before_an_empty_one() -> None:
    empty = spent(Window(1, NOW + 1))

    assert refusal(Window(1, NOW + 1), now=NOW) is None
    assert refusal(empty, now=NOW) == 45047
    assert refusal(empty, now=NOW + 1) == 45015
