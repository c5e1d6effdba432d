"""The desk with a real account, whose platform the test plays."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from redis import Redis
from sqlalchemy import select

from service.alerts import Alert
from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging.outbox import OutboxItem
from tests.factories import Desk
from tests.fakes import FakeBell
from tests.wechat_fakes import AES_KEY, APP_ID, ORIGINAL_ID, TOKEN, FakePlatform, as_json, running_platform

STABLE, SEND, TYPING = "/cgi-bin/stable_token", "/cgi-bin/message/custom/send", "/cgi-bin/message/custom/typing"
NOT_LISTED = as_json(errcode=40164, errmsg="invalid ip 203.0.113.7, not in whitelist rid: 1-2-3")
GOOD_TOKEN = as_json(access_token="token-1", expires_in=7200)
SECRET = "secretOfTheTests"


class Bell(FakeBell):
    """Remembers what was rung, and has a Redis for tokens."""

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        self.redis = redis


@contextmanager
def wired(desk: Desk, redis: Redis) -> Iterator[FakePlatform]:
    """The account is a real channel; its platform answers what the test lays out."""
    redis.flushall()
    extensions, settings = desk.app.extensions, desk.app.config["SETTINGS"]
    extensions["doorbell"] = Bell(redis)
    for name in ("channels", "wechat_accounts", "wechat_tokens"):
        extensions.pop(name, None)
    with running_platform() as platform:
        platform.lay(TYPING, as_json(errcode=40003, errmsg="invalid openid"))
        desk.app.config["SETTINGS"] = replace(settings, wechat_api_base_url=platform.base_url)
        with transaction() as session:
            names = {"slug": "main", "name": "物业服务号", "original_id": ORIGINAL_ID, "app_id": APP_ID}
            accounts.add(session, **names, app_secret=SECRET, token=TOKEN, aes_key=AES_KEY)
        desk.now = utcnow() - timedelta(minutes=1)
        yield platform
    desk.app.config["SETTINGS"] = settings
    extensions.pop("wechat_tokens", None)


def replied(desk: Desk, count: int = 1) -> None:
    """Replies to followers who have just written, each to another."""
    tickets = [desk.ticket(follower=f"oFollower{number:04}") for number in range(count)]
    agent = desk.person(role="supervisor")
    for ticket in tickets:
        desk.reply(ticket, agent)


def states() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(OutboxItem.state).order_by(OutboxItem.id)))


def all_alerts() -> list[Alert]:
    with reading() as session:
        rows = list(session.scalars(select(Alert).order_by(Alert.id)))
        session.expunge_all()
        return rows


def some_time_passes() -> None:
    """The last probe is a minute ago."""
    with transaction() as session:
        for alert in session.scalars(select(Alert)):
            alert.last_seen_at -= timedelta(seconds=61)
