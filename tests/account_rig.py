"""The official account `main` with a platform on loopback behind it, for what talks to both."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Flask
from redis import Redis

from service.channels.wechat import accounts
from service.channels.wechat.tokens import TokenProvider
from service.database import transaction
from tests.wechat_fakes import AES_KEY, APP_ID, ORIGINAL_ID, TOKEN, FakePlatform, as_json, running_platform

OK = as_json(errcode=0, errmsg="ok")


@contextmanager
def platform_behind(app: Flask, **changes: object) -> Iterator[FakePlatform]:
    """A platform that the account, a certified service account unless told otherwise, talks to."""
    settings = app.config["SETTINGS"]
    names = {"slug": "main", "name": "示例服务号", "original_id": ORIGINAL_ID, "app_id": APP_ID, "app_secret": "s"}
    with running_platform() as platform:
        app.config["SETTINGS"] = replace(settings, wechat_api_base_url=platform.base_url)
        app.extensions["wechat_tokens"] = TokenProvider(Redis.from_url("redis://127.0.0.1:1"), platform.base_url)
        with transaction() as session:
            accounts.add(session, **{**names, "token": TOKEN, "aes_key": AES_KEY, **changes})  # type: ignore[arg-type]
        try:
            yield platform
        finally:
            app.config["SETTINGS"] = settings
            app.extensions.pop("wechat_tokens", None)


def sent(platform: FakePlatform, path: str) -> list[dict[str, object]]:
    """The JSON bodies that were posted to a path."""
    return [json.loads(body) for _query, body in platform.asked(f"/cgi-bin/{path}")]
