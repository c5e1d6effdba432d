"""A follower at a phone's browser without scripts, and the platform that says who they are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import transaction
from tests.factories import Desk
from tests.wechat_fakes import AES_KEY, APP_ID, ORIGINAL_ID, TOKEN, FakePlatform, as_json, running_platform

OPENID = "oFollower0001"
IN_WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) MicroMessenger/8.0.50"
FIELD = re.compile(r'name="(csrf_token|once)"[^>]*?value="([^"]*)"')
EXCHANGE = "/sns/oauth2/access_token"


def add_account(slug: str = "main", **changes: object) -> None:
    values: dict[str, object] = {"slug": slug, "name": "物业服务号", "mode": "safe", "original_id": ORIGINAL_ID}
    values |= {"app_id": APP_ID, "app_secret": "secretOfTheTests", "token": TOKEN, "aes_key": AES_KEY}
    with transaction() as session:
        accounts.add(session, **{**values, **changes})  # type: ignore[arg-type]


@contextmanager
def platform_beside(app: Flask) -> Iterator[FakePlatform]:
    """The platform on loopback in place of the real one."""
    settings = app.config["SETTINGS"]
    with running_platform() as platform:
        app.config["SETTINGS"] = replace(settings, wechat_api_base_url=platform.base_url)
        try:
            yield platform
        finally:
            app.config["SETTINGS"] = settings


def lay_identity(platform: FakePlatform, openid: str = OPENID, **fields: object) -> None:
    """Let the platform say that it is this follower."""
    known = {"access_token": "t", "expires_in": 7200, "refresh_token": "r", "scope": "snsapi_base"}
    platform.lay(EXCHANGE, as_json(**known, openid=openid, **fields))


def desk_of_today(app: Flask) -> Desk:
    """Pages read the real clock, so these followers write today."""
    desk = Desk(app)
    desk.now = utcnow()
    return desk


class Phone:
    """A browser with its cookies."""

    def __init__(self, app: Flask, agent: str = IN_WECHAT) -> None:
        self.app, self.client, self.agent = app, app.test_client(), agent

    def get(self, path: str) -> TestResponse:
        with self.app.app_context():  # a context of its own, as on a server: nothing is left from the page before
            return self.client.get(path, headers={"User-Agent": self.agent}, buffered=True)

    def post(self, path: str, fields: dict[str, object], *, page: str) -> TestResponse:
        """Send a form of this page, with what stands hidden in it."""
        hidden = dict(FIELD.findall(self.get(page).text))
        with self.app.app_context():
            made = self.client.post(path, data={**hidden, **fields}, headers={"User-Agent": self.agent})
        made.request.environ["wsgi.input"].close()  # a file, where the form was large
        return made

    def post_bare(self, path: str, fields: dict[str, object]) -> TestResponse:
        """Send a form that another site made up."""
        with self.app.app_context():
            return self.client.post(path, data=fields)

    def begin(self, path: str = "/my/main/") -> dict[str, str]:
        """Open a page without a session; returns what the platform is asked for."""
        return query_of(self.get(path).location)

    def come_back(self, state: str, code: str = "code-1", slug: str = "main") -> TestResponse:
        return self.get(f"/my/{slug}/callback?code={code}&state={state}")

    def sign_in(self, path: str = "/my/main/", code: str = "code-1") -> TestResponse:
        return self.come_back(self.begin(path)["state"], code)


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def words_of(page: TestResponse) -> str:
    """What a person reads, without the tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
