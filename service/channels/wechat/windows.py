"""What the platform lets us send after a contact: its rules by account kind and day, and an account's own over them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from service.channels.wechat import accounts
from service.channels.wechat.accounts import Account
from service.channels.wechat.replies import LONGEST_REPLY
from service.database import on_commit
from service.errors import InvalidInput
from service.messaging.ports import Contact, Limits

MODELS = ("max", "cumulative")  # cumulative: a new message does not refill a window that is still open
AS_A_MESSAGE = {"messages": 5, "minutes": 2880}  # for an account whose taps open what a message does
MOST_MESSAGES, LONGEST_MINUTES = 100, 60 * 24 * 7

Windows = Mapping[Contact, tuple[int, timedelta]]


@dataclass(frozen=True, slots=True)
class Rule:
    """From a day on, a contact grants so many messages for so long to accounts of these kinds."""

    begins: date
    kinds: Sequence[str]
    contact: Contact
    messages: int
    validity: timedelta


@lru_cache
def shipped() -> tuple[Rule, ...]:
    """The platform's rules as they are known, in the order in which they came."""
    rows = json.loads(Path(__file__).with_name("windows.json").read_text(encoding="utf-8"))
    rules = (
        Rule(
            date.fromisoformat(row["from"]),
            row["kinds"],
            Contact(row["contact"]),
            row["messages"],
            timedelta(minutes=row["minutes"]),
        )
        for row in rows
    )
    return tuple(sorted(rules, key=lambda rule: rule.begins))


@lru_cache
def windows_on(day: date, kind: str) -> Windows:
    """What each contact granted an account of that kind on that day."""
    return {r.contact: (r.messages, r.validity) for r in shipped() if r.begins <= day and kind in r.kinds}


def limits_of(account: Account, text_bytes: int, *, on: date) -> Limits:
    """What the account may send: the platform's rules of the day, what this account has of its own over them."""
    own = account.window_rules
    return Limits(
        text_bytes=text_bytes if account.certified else LONGEST_REPLY,  # each part has to fit into a passive reply
        reply_bytes=LONGEST_REPLY,
        windows={**windows_on(on, account.kind), **_overrides(own)},
        can_send=account.certified,
        refreshes=own.get("model", MODELS[0]) != "cumulative",
        notices=account.notices,
    )


def _overrides(own: Mapping[str, object]) -> Windows:
    """Contacts with figures of their own: {"message": {"messages": 5, "minutes": 2880}}."""
    found = {}
    for contact in Contact:
        figures = own.get(contact.value)
        if isinstance(figures, Mapping):
            found[contact] = (int(figures["messages"]), timedelta(minutes=int(figures["minutes"])))
    return found


def keep(session: Session, slug: str, *, rules: Mapping[str, object], notices: Mapping[str, object]) -> None:
    """Give the account window rules and notices of its own; they hold everywhere within two seconds.

    Raises NotFound, InvalidInput.
    """
    _refuse_mistakes(rules)
    row = accounts.get_row(session, slug)
    row.window_rules, row.notices = dict(rules) or None, dict(notices) or None
    session.flush()
    on_commit(session, accounts.book().forget)


def _refuse_mistakes(rules: Mapping[str, object]) -> None:
    if rules.get("model", MODELS[0]) not in MODELS:
        raise InvalidInput(model=f"use one of {', '.join(MODELS)}")
    for name, (messages, validity) in _overrides(rules).items():
        if not (0 < messages <= MOST_MESSAGES and 0 < validity.total_seconds() <= LONGEST_MINUTES * 60):
            raise InvalidInput(**{name.value: f"use 1 to {MOST_MESSAGES} messages for 1 to {LONGEST_MINUTES} minutes"})
