"""The ledger of a follower's reply window: what a contact grants, and what is left of it."""

from datetime import UTC, datetime, timedelta

import pytest

from service.messaging.followers import Follower, can_reach, window_after, window_left
from service.messaging.ports import Contact, Limits
from tests.fakes import WINDOWS

LIMITS = Limits(windows=WINDOWS)
NOW = datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
M = Contact.MESSAGE


@pytest.mark.parametrize(
    ("contact", "closes_in", "left", "then_closes_in", "then_left", "why"),
    [
        (M, None, 0, 48 * HOUR, 5, "a first message"),
        (M, 10 * HOUR, 1, 48 * HOUR, 5, "another message renews both"),
        (M, 10 * HOUR, 5, 48 * HOUR, 5, "what is left is never added up"),
        (Contact.MENU, None, 0, MINUTE, 3, "a tap alone"),
        (Contact.MENU, 10 * HOUR, 5, 10 * HOUR, 5, "a tap never shortens a longer window"),
        (Contact.MENU, 10 * HOUR, 1, 10 * HOUR, 3, "a tap raises what is left to what it grants"),
        (Contact.FOLLOW, -HOUR, 4, MINUTE, 3, "what was left of a window that has closed is gone"),
        (M, timedelta(0), 4, 48 * HOUR, 5, "a window that closes now is closed"),
        (Contact.NONE, 10 * HOUR, 2, 10 * HOUR, 2, "an event that grants nothing"),
        (Contact.NONE, None, 0, None, 0, "nor opens anything"),
    ],
)
def test_window_after_a_contact(
    contact: Contact,
    closes_in: timedelta | None,
    left: int,
    then_closes_in: timedelta | None,
    then_left: int,
    why: str,
):
    closes_at = None if closes_in is None else NOW + closes_in
    wanted = (None if then_closes_in is None else NOW + then_closes_in, then_left)

    assert window_after(LIMITS, contact, NOW, closes_at=closes_at, left=left) == wanted, why


@pytest.mark.parametrize(
    ("contact", "closes_in", "left", "then_closes_in", "then_left", "why"),
    [
        (M, None, 0, 48 * HOUR, 5, "a first message"),
        (M, 10 * HOUR, 1, 10 * HOUR, 1, "another message refills nothing"),
        (M, -HOUR, 1, 48 * HOUR, 5, "once it has closed a message opens another"),
        (M, MINUTE / 2, 2, 48 * HOUR, 5, "a message replaces what a tap opened"),
        (Contact.MENU, 10 * HOUR, 0, 10 * HOUR, 0, "a tap gives nothing while a longer window is open"),
    ],
)
def test_a_window_that_contacts_do_not_refresh(
    contact: Contact,
    closes_in: timedelta | None,
    left: int,
    then_closes_in: timedelta | None,
    then_left: int,
    why: str,
):
    closes_at = None if closes_in is None else NOW + closes_in
    wanted = (None if then_closes_in is None else NOW + then_closes_in, then_left)
    cumulative = Limits(windows=WINDOWS, refreshes=False)

    assert window_after(cumulative, contact, NOW, closes_at=closes_at, left=left) == wanted, why


def follower(*, closes_in: timedelta | None = HOUR, left: int = 1, following: bool = True) -> Follower:
    closes_at = None if closes_in is None else NOW + closes_in
    return Follower(
        channel="wechat:main",
        address="oFollower0001",
        window_closes_at=closes_at,
        messages_left=left,
        following=following,
    )


@pytest.mark.parametrize(
    ("found", "reachable", "why"),
    [
        (follower(), True, "one message left for an hour"),
        (follower(left=0), False, "the quota is used"),
        (follower(closes_in=timedelta(0)), False, "the window closes now"),
        (follower(closes_in=None), False, "the window was never open"),
        (follower(following=False), False, "the follower has gone"),
    ],
)
def test_who_can_be_reached(found: Follower, reachable: bool, why: str):
    assert can_reach(found, NOW) is reachable, why


@pytest.mark.parametrize(("closes_in", "left"), [(HOUR, HOUR), (-HOUR, timedelta(0)), (None, timedelta(0))])
def test_time_until_the_window_closes(closes_in: timedelta | None, left: timedelta):
    assert window_left(follower(closes_in=closes_in), NOW) == left


def test_a_follower_is_called_by_remark_or_by_the_end_of_the_id():
    known, unknown = follower(), follower()
    known.remark = "3 栋李女士"

    assert (known.display_name, unknown.display_name) == ("3 栋李女士", "微信用户·0001")
