"""The address the platform pushes to: `/wechat/<slug>`. Checks who it is, keeps what it says, answers at once."""

import logging
import secrets
from datetime import datetime

from flask import Blueprint, Response, request
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from service.channels import intake
from service.channels.outages import watch
from service.channels.wechat import envelope, replies, sightings
from service.channels.wechat.accounts import Account, Mode, account_for
from service.channels.wechat.parsing import Oddity, parse
from service.clock import utcnow
from service.messaging.ports import Inbound

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
PUSHES = Counter("wechat_pushes_total", "Pushes of the WeChat platform", ["slug", "outcome"])

wechat = Blueprint("wechat", __name__)


@wechat.get("/wechat/<slug>")
def verify(slug: str) -> Response:
    """The platform asks whether this address is ours: right signature, and its own text goes back."""
    account = _find(slug)
    if not isinstance(account, Account):
        return account
    echo = request.args.get("echostr", "")
    try:
        envelope.check(account, envelope.Query.of(request.args), now=utcnow())
        if not echo:
            raise envelope.RefusedError("a parameter is missing")
    except envelope.RefusedError as refused:
        return _refuse(account, refused.reason)
    return _answer(account.slug, "verified", 200, echo)


@wechat.post("/wechat/<slug>")
def receive(slug: str) -> Response:
    """A message or an event. 200 only once it is durable; what is not from the platform is not kept."""
    account = _find(slug)
    if not isinstance(account, Account):
        return account
    body = _body()
    if body is None:
        return _answer(account.slug, "too_large", 413)
    now, query = utcnow(), envelope.Query.of(request.args)
    try:
        document = envelope.open_push(account, query, body, now=now)
    except envelope.RefusedError as refused:
        return _refuse(account, refused.reason)
    # a compatible account answers in plaintext, which a platform in safe mode does not take
    alone = "encryption alone where plaintext is due too"
    misfit = alone if account.mode is Mode.COMPAT and b"MsgType" not in body else ""
    return _keep(account, parse(document, account, now=now), now, misfit)


def _keep(account: Account, found: Inbound | Oddity, now: datetime, misfit: str) -> Response:
    try:
        if isinstance(found, Oddity):
            intake.keep_oddity(account.channel, found.reason, found.raw)
            return _answer(account.slug, "odd", 200, "success", detail=found.reason)
        text = intake.take(found)
    except intake.DatabaseAwayError:
        return _answer(account.slug, "database_away", 503)
    outcome = "other" if found.kind == "unknown" or found.kind.startswith("event:") else "taken"
    if not text:
        return _answer(account.slug, outcome, 200, "success", detail=misfit)
    reply = replies.text_reply(text, sender=account.original_id, follower=found.follower, at=int(now.timestamp()))
    if account.mode is Mode.SAFE:
        reply = envelope.seal(account, reply, timestamp=str(int(now.timestamp())), nonce=secrets.token_hex(8))
    return _answer(account.slug, outcome, 200, reply, "application/xml", misfit)


def _find(slug: str) -> Account | Response:
    """The account, or what to answer where there is none."""
    try:
        account = account_for(slug)
    except SQLAlchemyError:  # a cold start without a database: whether it is ours cannot be told
        watch().refuse(now=utcnow())
        return _answer("unknown", "database_away", 503)
    if account is None or not account.active:
        return _answer("unknown", "no_account", 404)
    return account


def _body() -> bytes | None:
    """The body; None if it is too large, announced or not. Never reads more than the limit."""
    if (request.content_length or 0) > MAX_BODY:
        return None
    body = request.stream.read(MAX_BODY + 1)
    return None if len(body) > MAX_BODY else body


def _refuse(account: Account, reason: str) -> Response:
    log.warning("push refused: %s", reason, extra={"account": account.slug})
    return _answer(account.slug, "refused", 403, detail=reason)


def _answer(
    slug: str, outcome: str, status: int, text: str = "", content_type: str = "text/plain", detail: str = ""
) -> Response:
    PUSHES.labels(slug, outcome).inc()
    sightings.note(slug, outcome, detail)
    response = Response(text, status=status, content_type=f"{content_type}; charset=utf-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
