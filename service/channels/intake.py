"""The edge where every channel hands in what it received: durable first, handled at once where that works."""

import hashlib
import logging
from datetime import datetime
from typing import Protocol

from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.channels.outages import is_database_away, watch
from service.clock import utcnow
from service.database import single_statement, transaction
from service.doorbell import ring
from service.messaging import inbox
from service.messaging.ports import Inbound

log = logging.getLogger(__name__)


class DatabaseAwayError(Exception):
    """Nothing was kept: whoever pushed has to push again."""


class Taken(Protocol):
    """What became of a message."""

    @property
    def reply(self) -> str:
        """The text to answer at once, "" for none."""

    @property
    def unhandled(self) -> int | None:
        """The inbox row that is kept but still has to be handled."""


class Handler(Protocol):
    """What create_app puts into `app.extensions["intake"]`: knows tickets, so that no channel has to."""

    def fits_express(self, message: Inbound) -> bool:
        """Whether `express` may be tried."""

    def express(self, session: Session, message: Inbound, *, now: datetime) -> Taken:
        """Keep and handle the message in one statement; a repeat gets the first answer."""

    def handle(self, session: Session, message: Inbound, *, item_id: int, now: datetime) -> str:
        """Handle the message of an inbox row; returns the text to answer at once, "" for none, and keeps it there."""


def take(message: Inbound) -> str:
    """Keep the message, handle it, and return the text of the passive reply, "" for none. Raises DatabaseAwayError.

    A repeat gets the first delivery's answer. If handling fails, the message is kept alone and a worker does it.
    """
    try:
        reply = handle(message, now=utcnow())
    except Exception as error:
        if is_database_away(error):
            _refuse(error)
        log.exception("not handled in the webhook, left to a worker", extra=_ids(message))
        _leave_to_worker(message)
        reply = ""
    _note_recovery()
    return reply


def keep_oddity(channel: str, reason: str, raw: str) -> None:
    """Keep what no message can be made of. Raises DatabaseAwayError."""
    try:
        with transaction() as session:
            inbox.keep_oddity(session, channel=channel, kind="odd", raw=raw, now=utcnow())
    except Exception as error:
        _refuse(error)
    log.warning("odd push kept: %s", reason, extra={"channel": channel})
    _note_recovery()


def handle(message: Inbound, *, now: datetime) -> str:
    """Keep and handle; of the same message twice at once, the second waits and is a repeat."""
    handler: Handler = current_app.extensions["intake"]
    if not handler.fits_express(message):
        return _handle_in_steps(handler, message, now)
    try:
        with single_statement() as session:
            taken = handler.express(session, message, now=now)
    except IntegrityError:
        return _handle_in_steps(handler, message, now)
    return taken.reply if taken.unhandled is None else handle_kept(taken.unhandled, now=now)


def _handle_in_steps(handler: Handler, message: Inbound, now: datetime) -> str:
    """One transaction; a message that was kept before is not handled again."""
    with transaction() as session:
        item_id = inbox.keep(session, message, now=now, handled_at=now)
        if item_id is None:
            return inbox.earlier_reply(session, message.channel, message.key)
        return handler.handle(session, message, item_id=item_id, now=now)


def handle_kept(item_id: int, *, now: datetime) -> str:
    """Handle a message that is kept but was not handled; "" too if somebody else was quicker."""
    handler: Handler = current_app.extensions["intake"]
    with transaction() as session:
        item = inbox.claim(session, item_id)
        if item is None:
            return ""
        reply = handler.handle(session, item.to_inbound(), item_id=item_id, now=now)
        inbox.settle(session, item_id, now=now)
    return reply


def _leave_to_worker(message: Inbound) -> None:
    try:
        with transaction() as session:
            inbox.accept(session, message, now=utcnow())
            ring(session, "process_inbox")
    except Exception as error:
        _refuse(error)


def _refuse(error: Exception) -> None:
    """Not kept, for whatever reason: the platform must not hear that it was."""
    watch().refuse(now=utcnow())
    if not is_database_away(error):
        log.error("push could not be kept: %s", type(error).__name__)
    raise DatabaseAwayError from error


def _note_recovery() -> None:
    if watch().is_running:
        watch().close(now=utcnow())


def _ids(message: Inbound) -> dict[str, str]:
    # the key holds an openid, which no log may show in full
    return {
        "channel": message.channel,
        "kind": message.kind,
        "key": hashlib.sha256(message.key.encode()).hexdigest()[:12],
    }
