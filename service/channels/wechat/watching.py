"""What a worker asks the platform by itself: profiles that are due, and whether the menu is still ours."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from service.channels.wechat import followers_api, menus
from service.channels.wechat.accounts import PREFIX, Account, account_for
from service.channels.wechat.calls import RefusedError
from service.database import reading, transaction
from service.messaging import profiles
from service.messaging.profiles import Due

log = logging.getLogger(__name__)

ROUNDS = 20  # batches of one run
AGAIN = timedelta(hours=1)


def read_profiles(*, now: datetime) -> int:
    """Read the profiles that are due. Returns how many were learnt."""
    learnt = 0
    for _ in range(ROUNDS):
        with reading() as session:
            batch = profiles.due(session, now)
        found = [
            _read(channel, [due for due in batch if due.channel == channel], now)
            for channel in dict.fromkeys(due.channel for due in batch)
        ]
        learnt += sum(number for number in found if number is not None)
        if None in found or len(batch) < profiles.AT_ONCE:
            break  # where the platform does not answer, other work goes first
    return learnt


def _read(channel: str, batch: Sequence[Due], now: datetime) -> int | None:
    """How many were learnt; None where the platform did not answer."""
    account = account_for(channel.removeprefix(PREFIX))
    ids = [due.id for due in batch]
    if account is None or not followers_api.may_read(account):
        _postpone(ids, None)  # nothing will ever be told; a certification is followed by new contacts
        return 0
    try:
        found = followers_api.read(account, [due.address for due in batch])
    except RefusedError as refused:
        return _read_less(account, batch, refused, now)
    for due in batch:
        profile = found.get(due.address)
        with transaction() as session:
            if profile is None:
                profiles.postpone(session, [due.id], None)
            else:
                profiles.learn(session, due.id, profile, now=now)
    return len(found)


def _read_less(account: Account, batch: Sequence[Due], refused: RefusedError, now: datetime) -> int | None:
    """One follower whom the platform does not know spoils the whole question: halve it until that one is alone."""
    if refused.code != followers_api.UNKNOWN_FOLLOWER:
        log.warning("profiles not read: %s", refused, extra={"account": account.slug})
        _postpone([due.id for due in batch], now + AGAIN)
        return None
    if len(batch) == 1:
        _postpone([batch[0].id], None)
        return 0
    middle = len(batch) // 2
    return sum(_read(account.channel, half, now) or 0 for half in (batch[:middle], batch[middle:]))


def _postpone(ids: Sequence[int], until: datetime | None) -> None:
    with transaction() as session:
        profiles.postpone(session, ids, until)


def check_menus(*, now: datetime) -> None:
    """Compare each published menu with what followers see, once a day."""
    with reading() as session:
        slugs = menus.due_checks(session, now=now)
    for slug in slugs:
        account = account_for(slug)
        if account is not None:
            with suppress(IntegrityError):  # somebody else compares it at this moment
                compare(account, now=now)


def compare(account: Account, *, now: datetime) -> menus.Outcome:
    """Ask what followers see, and note whether it is what is in force."""
    try:
        found = menus.shown(account)
    except RefusedError as refused:
        log.warning("menu not compared: %s", refused, extra={"account": account.slug})
        found = None
    with transaction() as session:
        return menus.compared(session, account.channel, found, now=now)
