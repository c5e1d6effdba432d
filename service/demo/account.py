"""The demonstration's official account, and the simulator's file that makes it the platform of that account."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels.wechat import accounts
from service.channels.wechat.accounts import OfficialAccount
from service.demo.console import AUTOREPLY
from service.demo.followers import ON_THE_PHONE
from service.demo.keys import aes_key_of, letters_of
from service.demo.people import COMPANY
from service.messaging.followers import Follower
from service.runtime.addresses import Address
from service.runtime.refusal import RefusedError

SLUG = "main"
CHANNEL = accounts.PREFIX + SLUG
APP_ID_PREFIX = "wxdemo"  # no appid of the platform: behind wx it has hexadecimal digits only


def install(session: Session, secret: str) -> OfficialAccount:
    """The account, registered if it is not. Raises RefusedError where another account has its name."""
    account = session.scalar(select(OfficialAccount).where(OfficialAccount.slug == SLUG))
    if account is None:
        return accounts.add(
            session,
            slug=SLUG,
            name=COMPANY,
            original_id="gh_" + letters_of(secret, "original id", 12, "0123456789abcdef"),
            app_id=APP_ID_PREFIX + letters_of(secret, "appid", 12, "0123456789abcdef"),
            app_secret=letters_of(secret, "app secret", 32),
            token=letters_of(secret, "token", 24),
            aes_key=aes_key_of(secret, "aes key"),
        )
    if not account.app_id.startswith(APP_ID_PREFIX):
        raise RefusedError(f"The account {SLUG!r} is not the demo's: name another DATA_DIR, or start without --demo.")
    return account


def windows_of(session: Session, now: datetime) -> dict[str, tuple[int, float]]:
    """The reply windows that are open, as our ledger has them: the simulator begins with the same."""
    query = select(Follower).where(Follower.channel == CHANNEL, Follower.window_closes_at > now)
    return {
        f.address: (f.messages_left, f.window_closes_at.timestamp())
        for f in session.scalars(query)
        if f.window_closes_at
    }


def write_simulator_file(
    path: Path, account: OfficialAccount, web: Address, windows: Mapping[str, tuple[int, float]]
) -> None:
    """Tell the simulator whose platform it is; readable by us alone, as it holds the account's secrets."""
    names = ("slug", "name", "app_id", "app_secret", "token", "aes_key", "mode", "original_id", "kind", "certified")
    values: dict[str, object] = {name: getattr(account, name) for name in names}
    values["webhook_url"] = f"{web.url}/wechat/{account.slug}"
    values["autoreply"] = AUTOREPLY
    # a reply to a follower of the example tickets who is not on the phone must find somebody
    config: dict[str, object] = {
        "accounts": [values],
        "follower_names": list(ON_THE_PHONE),
        "adopt_unknown_followers": True,
    }
    config["follower_windows"] = dict(windows)
    text = json.dumps(config, ensure_ascii=False, indent=2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
