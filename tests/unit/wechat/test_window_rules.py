"""What the platform grants depends on the day and the account, as data; an account may have figures of its own."""

from datetime import date, timedelta

import pytest

from service.channels.wechat.accounts import Account
from service.channels.wechat.windows import limits_of
from service.messaging.ports import Contact

TODAY = date(2026, 3, 4)


def account(**own: object) -> Account:
    return Account("main", "示例", "gh_0123456789ab", "wx1", "secret", "token", "", window_rules=own)


@pytest.mark.parametrize(
    ("day", "granted"),
    [
        (date(2021, 5, 31), None),
        (date(2021, 6, 1), (20, timedelta(hours=48))),
        (date(2023, 6, 11), (20, timedelta(hours=48))),
        (date(2023, 6, 12), (5, timedelta(hours=48))),
        (TODAY, (5, timedelta(hours=48))),
    ],
)
def test_what_a_message_grants_changes_with_the_platforms_rules(day: date, granted: tuple[int, timedelta] | None):
    assert limits_of(account(), 2048, on=day).windows.get(Contact.MESSAGE) == granted


def test_a_tap_grants_three_messages_for_a_minute_unless_the_account_says_otherwise():
    usual = limits_of(account(), 2048, on=TODAY).windows
    own = limits_of(account(tap={"messages": 5, "minutes": 2880}), 2048, on=TODAY).windows

    assert {usual[c] for c in (Contact.MENU, Contact.SCAN, Contact.FOLLOW, Contact.TAP)} == {(3, timedelta(minutes=1))}
    assert own == {**usual, Contact.TAP: (5, timedelta(hours=48))}


def test_an_account_whose_windows_are_not_refreshed_says_so():
    assert limits_of(account(), 2048, on=TODAY).refreshes
    assert not limits_of(account(model="cumulative"), 2048, on=TODAY).refreshes
