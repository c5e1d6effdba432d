"""A follower whom the platform tells of, and events about them."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import select

from service.channels import intake
from service.database import reading
from service.messaging.followers import Follower
from service.messaging.ports import Contact, Inbound
from tests.account_rig import OK, platform_behind
from tests.factories import Desk
from tests.wechat_fakes import FakePlatform, as_json

OPENID = "oFollower-00000000000000007f3a"
TAGS = "/cgi-bin/tags/get"
BATCHES = ("tagging", "untagging", "blacklist", "unblacklist")
ACTS = ("user/info/updateremark", *(f"tags/members/batch{act}" for act in BATCHES))


@contextmanager
def knowing_platform(app: Flask) -> Iterator[FakePlatform]:
    """A platform that has a tag and takes whatever is done to followers."""
    with platform_behind(app) as running:
        running.lay(
            TAGS, as_json(tags=[{"id": 2, "name": "星标组", "count": 0}, {"id": 101, "name": "业主", "count": 1}])
        )
        for path in ACTS:
            running.lay(f"/cgi-bin/{path}", OK)
        yield running


def happens(desk: Desk, kind: str, *, follower: str = OPENID, contact: Contact = Contact.NONE, **extra: str) -> str:
    """An event of the platform arrives now; returns the passive reply."""
    key = f"e:{follower}:{kind}:{desk.later(seconds=1).isoformat()}"
    event = Inbound("wechat:main", key, follower, kind, "", desk.now, "<xml/>", contact, False, (), extra)
    return intake.handle(event, now=desk.now)


def follows(desk: Desk, scene: str = "") -> None:
    happens(desk, "subscribe", contact=Contact.FOLLOW, **({"scene": scene} if scene else {}))


def known(address: str = OPENID) -> Follower:
    """The follower as they stand in the database."""
    with reading() as session:
        session.expire_all()
        found = session.scalars(select(Follower).where(Follower.address == address)).one()
        session.expunge(found)
    return found
