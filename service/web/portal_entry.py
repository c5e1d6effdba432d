"""How a follower comes in: silently through the platform, into a session that is theirs and this account's alone."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask_limiter.util import get_remote_address
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from service.channels.wechat import oauth
from service.channels.wechat.accounts import Account, account_for
from service.channels.wechat.oauth import Claim, ExchangeError, Outcome
from service.clock import utcnow
from service.database import reading, transaction
from service.errors import NotFound
from service.messaging.followers import Follower
from service.web import portal_words
from service.web.pages import Answer
from service.web.security import limiter

log = logging.getLogger(__name__)

SESSION_COOKIE = "gongdan_follower"
SESSION_SECONDS = 12 * 3600
BROWSER_COOKIE = "gongdan_visit"  # binds a state to the browser that asked for it
LONGEST_CODE = 512
STATUSES = {Outcome.STRANGER: 200, Outcome.BUSY: 200, Outcome.SNAPSHOT: 403, Outcome.RETRY: 400, Outcome.AWAY: 503}
View = Callable[..., Answer]

portal = Blueprint("portal", __name__)


@portal.after_request
def keep_out_of_indexes(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def account_named(slug: str) -> Account:
    """The active account. Raises NotFound."""
    account = account_for(slug)
    if account is None or not account.active:
        raise NotFound("no such account")
    return account


def followers_only(view: View) -> View:
    """Call the view with the account and the id of the follower who is signed in to it; send others to come in."""

    @wraps(view)
    def run(slug: str, **kwargs: object) -> Answer:
        account = account_named(slug)
        follower_id = signed_in(account)
        if follower_id is not None:
            return view(account, follower_id, **kwargs)
        if request.method == "GET":
            return enter(account)
        page = render_template("portal/expired.html", account=account, **{k: str(v) for k, v in kwargs.items()})
        return page, 401

    return run


def signed_in(account: Account) -> int | None:
    """Id of the follower whose session this browser holds; None without a valid one. Erasure ends what began before."""
    held = _session_of(account.slug)
    if held is None:
        return None
    with reading() as session:
        follower = session.get(Follower, held.follower_id)
        if follower is None or follower.channel != account.channel:
            return None
        erased_at = follower.erased_at
    # a cookie tells whole seconds
    return None if erased_at and held.begun_at < erased_at.replace(microsecond=0) else held.follower_id


def who_writes() -> str:
    """What limits of writing count: the follower, else the address."""
    slug = str((request.view_args or {}).get("slug", ""))
    held = _session_of(slug)
    return get_remote_address() if held is None else f"follower:{slug}:{held.follower_id}"


@dataclass(frozen=True, slots=True)
class Held:
    """A follower's session as its cookie says."""

    follower_id: int
    begun_at: datetime


def _session_of(slug: str) -> Held | None:
    """The session that this browser holds for the account, if we signed it not too long ago."""
    cookie = request.cookies.get(SESSION_COOKIE, "")
    try:
        follower_id, begun_at = _signer(slug).loads(cookie, max_age=SESSION_SECONDS, return_timestamp=True)
    except BadSignature:
        return None
    return Held(follower_id, begun_at) if isinstance(follower_id, int) else None


def enter(account: Account) -> Answer:
    """Off to the platform, which brings the browser back with a code; or a page that says what to do instead."""
    if not oauth.may_authorize(account):
        return gate(account, portal_words.NO_RIGHT, 200)
    if oauth.is_real_platform() and "MicroMessenger" not in request.headers.get("User-Agent", ""):
        return gate(account, portal_words.OUTSIDE, 200)
    browser = request.cookies.get(BROWSER_COOKIE, "")
    if not 20 <= len(browser) <= 100:
        browser = secrets.token_urlsafe(24)
    path = request.full_path if request.query_string else request.path
    with transaction() as session:
        state = oauth.begin(session, account, browser=browser, return_path=path, now=utcnow())
    back = current_app.config["SETTINGS"].public_url + url_for("portal.callback", slug=account.slug)
    response = redirect(oauth.authorize_url(account, redirect_uri=back, state=state))
    _set_cookie(response, account, BROWSER_COOKIE, browser, int(oauth.STATE_LIFE.total_seconds()))
    return response


@portal.get("/my/<slug>/callback")
@limiter.limit("600 per minute", key_func=get_remote_address)
def callback(slug: str) -> Answer:
    """The platform sends the browser back."""
    account = account_named(slug)
    state, code = request.args.get("state", ""), request.args.get("code", "")
    browser = request.cookies.get(BROWSER_COOKIE, "")
    if not (state and browser and 0 < len(code) <= LONGEST_CODE):
        return arrived(account, Claim(Outcome.RETRY))
    with transaction() as session:
        claim = oauth.claim(session, account, state=state, code=code, browser=browser, now=utcnow())
    if claim.outcome is None:
        claim = asked(account, state, code)
    return arrived(account, claim)


def asked(account: Account, state: str, code: str) -> Claim:
    """What the platform says, kept for a second load of this page."""
    found: oauth.Identity | Outcome
    try:
        found = oauth.exchange(account, code)
    except ExchangeError as error:
        log.warning("no identity for a code: %s", error, extra={"account": account.slug})
        found = error.outcome
    with transaction() as session:
        return oauth.settle(session, account, state, found)


def arrived(account: Account, claim: Claim) -> Answer:
    """In, with a session of their own; or a page that says why not and what to do."""
    if claim.outcome is Outcome.FOLLOWER:
        response = redirect(claim.return_path, 303)
        session_text = str(_signer(account.slug).dumps(claim.follower_id))
        _set_cookie(response, account, SESSION_COOKIE, session_text, SESSION_SECONDS)
        return response
    outcome = claim.outcome or Outcome.RETRY
    again = claim.return_path or url_for("portal.tickets", slug=account.slug)
    is_final = outcome in (Outcome.BUSY, Outcome.SNAPSHOT)
    page = gate(account, portal_words.ARRIVALS[outcome], STATUSES[outcome], again="" if is_final else again)
    if outcome is Outcome.BUSY:
        page.headers["Refresh"] = "1"
    return page


def gate(account: Account, words: portal_words.Words, status: int, again: str = "") -> Response:
    """A page for those who are not in; the progress page is always the other way."""
    return make_response(render_template("portal/gate.html", account=account, words=words, again=again), status)


def _signer(slug: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"follower of {slug}")


def _set_cookie(response: Response, account: Account, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=f"/my/{account.slug}/",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
