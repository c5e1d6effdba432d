"""What the check list of an account looks at, gathered: the database and, on demand, the platform."""

from datetime import datetime

from service import alerts
from service.channels.wechat import sightings, tokens
from service.channels.wechat.accounts import Account
from service.channels.wechat.certification import CERTIFICATION
from service.channels.wechat.readiness import Facts
from service.config import Settings
from service.database import reading
from service.messaging.ports import DeliveryError


def facts(account: Account, settings: Settings, *, asked: bool, now: datetime) -> Facts:
    """The facts; `asked`: with what the platform says now. Outside of any transaction."""
    with reading() as session:
        seen = sightings.seen(session, account.slug)
        alert = alerts.find(session, account.channel, CERTIFICATION)
    return Facts(
        public_url=settings.public_url,
        api_url=settings.wechat_api_base_url,
        now=now,
        seen=seen,
        certification=alert.detail if alert else "",
        asked=asked,
        refusal=refusal_of(account) if asked else None,
    )


def refusal_of(account: Account) -> DeliveryError | None:
    """What the platform says against these credentials; None if it takes them."""
    try:
        tokens.provider().check(account)
    except DeliveryError as error:
        return error
    return None
