"""Who opens a page inside WeChat: the silent authorization (snsapi_base), its states, and the exchange of the code."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote, urlsplit

from flask import current_app
from sqlalchemy import Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.channels.wechat import api
from service.channels.wechat.accounts import Account, Kind
from service.database import BigId, Model
from service.messaging.followers import Follower

STATE_LIFE = timedelta(minutes=10)
SAME_CODE = timedelta(seconds=60)  # iOS loads the callback twice: the second load gets the first one's answer
KEPT = timedelta(hours=1)
SPENT_CODE = {40029, 40163, 42003}  # garbage, used before, too old: starting again gives another
PLATFORM = "weixin.qq.com"
PAGES = "https://open.weixin.qq.com"  # where the platform shows its authorization page


class Outcome(StrEnum):
    """What became of a visit that came back from the platform."""

    FOLLOWER = "follower"
    STRANGER = "stranger"  # nobody who ever wrote to this account
    SNAPSHOT = "snapshot"  # the preview mode, where the openid is a placeholder
    RETRY = "retry"  # the state or the code is spent: start again
    BUSY = "busy"  # the same page is being loaded by another request at this moment
    AWAY = "away"  # the platform did not answer as it should


class OAuthVisit(Model):
    """A visit on its way through the platform; its state is used once, by the browser that began it."""

    __tablename__ = "oauth_visits"
    __table_args__ = (Index("ix_oauth_visits_begun_at", "begun_at"),)

    state: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str]
    browser: Mapped[str]  # SHA-256 of what the browser's cookie holds
    return_path: Mapped[str]
    begun_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    code_digest: Mapped[str | None]
    outcome: Mapped[str | None]  # None while the platform is being asked
    follower_id: Mapped[int | None] = mapped_column(BigId)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a callback found: an outcome that is settled, or None where this request has to ask the platform."""

    outcome: Outcome | None
    return_path: str = ""
    follower_id: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the platform says it is."""

    openid: str
    is_snapshot: bool


class ExchangeError(Exception):
    """No identity for this code."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


def may_authorize(account: Account) -> bool:
    """Whether the platform gives this account the right: a certified service account."""
    return account.active and account.certified and account.kind is Kind.SERVICE


def is_real_platform() -> bool:
    """Whether calls go to WeChat itself, and not to a stand-in for it."""
    host = urlsplit(_base_url()).hostname or ""
    return host == PLATFORM or host.endswith(f".{PLATFORM}")


def begin(session: Session, account: Account, *, browser: str, return_path: str, now: datetime) -> str:
    """Remember a visit; returns its state. `browser` is a secret that the browser's cookie holds."""
    session.execute(delete(OAuthVisit).where(OAuthVisit.begun_at < now - KEPT))
    state = secrets.token_hex(24)
    visit = OAuthVisit(state=state, slug=account.slug, browser=_digest(browser), return_path=return_path)
    visit.begun_at = now
    session.add(visit)
    return state


def authorize_url(account: Account, *, redirect_uri: str, state: str) -> str:
    """Where to send the browser. The platform checks the order of the parameters and the fragment."""
    pages = PAGES if is_real_platform() else _base_url()
    query = (
        f"appid={quote(account.app_id, safe='')}&redirect_uri={quote(redirect_uri, safe='')}"
        f"&response_type=code&scope=snsapi_base&state={state}"
    )
    return f"{pages}/connect/oauth2/authorize?{query}#wechat_redirect"


def claim(session: Session, account: Account, *, state: str, code: str, browser: str, now: datetime) -> Claim:
    """Use up the state for this code; the same code again within SAME_CODE finds what the first load found."""
    query = select(OAuthVisit).where(OAuthVisit.state == state, OAuthVisit.slug == account.slug)
    visit = session.scalar(query.with_for_update(key_share=True))
    if visit is None or not secrets.compare_digest(visit.browser, _digest(browser)):
        return Claim(Outcome.RETRY)
    if visit.used_at is None:
        if now - visit.begun_at > STATE_LIFE:
            return Claim(Outcome.RETRY, visit.return_path)
        visit.used_at, visit.code_digest = now, _digest(code)
        return Claim(None, visit.return_path)
    if visit.code_digest != _digest(code) or now - visit.used_at > SAME_CODE:
        return Claim(Outcome.RETRY, visit.return_path)
    return Claim(Outcome(visit.outcome) if visit.outcome else Outcome.BUSY, visit.return_path, visit.follower_id)


def exchange(account: Account, code: str) -> Identity:
    """Ask the platform who comes with this code. Raises ExchangeError."""
    parameters = {
        "appid": account.app_id,
        "secret": account.app_secret,
        "code": code,
        "grant_type": "authorization_code",
    }
    try:
        with api.translated():
            response = api.session().get(
                f"{_base_url()}/sns/oauth2/access_token",
                params=parameters,
                timeout=(api.CONNECT_TIMEOUT, api.READ_TIMEOUT),
                allow_redirects=False,  # a redirect would carry the secret to another host
            )
        answer = api.answer_in(response.content, response.status_code)
    except (api.UnsentError, api.UnclearError) as error:
        raise ExchangeError(Outcome.AWAY, str(error)) from error
    openid = answer.text("openid")
    if answer.code or not openid:
        outcome = Outcome.RETRY if answer.code in SPENT_CODE else Outcome.AWAY
        raise ExchangeError(outcome, f"errcode {answer.code}: {answer.message}")
    return Identity(openid, answer.text("is_snapshotuser") == "1")


def settle(session: Session, account: Account, state: str, found: Identity | Outcome) -> Claim:
    """Keep what the platform said for a second load of the same page."""
    visit = session.get_one(OAuthVisit, state, with_for_update={"key_share": True})
    outcome, follower_id = (found, None) if isinstance(found, Outcome) else _known(session, account, found)
    visit.outcome, visit.follower_id = outcome.value, follower_id
    return Claim(outcome, visit.return_path, follower_id)


def _known(session: Session, account: Account, identity: Identity) -> tuple[Outcome, int | None]:
    if identity.is_snapshot:
        return Outcome.SNAPSHOT, None
    query = select(Follower.id).where(Follower.channel == account.channel, Follower.address == identity.openid)
    follower_id = session.scalar(query)
    return (Outcome.STRANGER, None) if follower_id is None else (Outcome.FOLLOWER, follower_id)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _base_url() -> str:
    url: str = current_app.config["SETTINGS"].wechat_api_base_url
    return url
