"""What workers run. A job takes what is due in batches, is one transaction a step, and may run twice without harm."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

from flask import Flask, current_app

from service.channels import registry
from service.channels.intake import handle_kept
from service.channels.registry import channel_named
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging import inbox, outbox
from service.messaging.outbox import Claim
from service.messaging.ports import DeliveryError, Failure
from service.rulebook import Rulebook
from service.tickets import attachments, classification, delivery, sweeps

log = logging.getLogger(__name__)

SENDERS = 8  # messages on their way at once: one slow answer must not hold up the rest
ROUNDS = 100  # batches that one ring works off before it lets other jobs have their turn


def rules() -> Rulebook:
    with reading() as session:
        current: Rulebook = current_app.extensions["rulebook"].current(session)
    return current


def job(function: Callable[[], None]) -> Callable[[], None]:
    """Clear the bell before the work: what is written from now on rings again."""

    @wraps(function)
    def run() -> None:
        current_app.extensions["doorbell"].started(function.__name__)
        function()

    return run


@job
def process_inbox() -> None:
    """Handle what a webhook stored but could not handle itself."""
    with reading() as session:
        ids = list(inbox.unhandled(session, utcnow()))
    for item_id in ids:
        try:
            handle_kept(item_id, now=utcnow())
        except Exception:
            log.exception("message not handled", extra={"inbox_id": item_id})
            with transaction() as session:
                inbox.postpone(session, item_id, now=utcnow())


@job
def classify() -> None:
    """Classify and route what its followers have finished writing."""
    current = rules()
    for _ in range(ROUNDS):
        with transaction() as session:
            if classification.classify_due(session, now=utcnow(), rules=current) < classification.BATCH:
                return


@job
def deliver() -> None:
    """Send what is due, several followers at once, each follower's messages in order."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(SENDERS) as senders:
        for _ in range(ROUNDS):
            with reading() as session:
                ids = list(outbox.next_due(session, utcnow()))
            if not ids or not any(list(senders.map(lambda item_id: _in(app, item_id), ids))):
                return


def _in(app: Flask, item_id: int) -> bool:
    with app.app_context():
        try:
            return deliver_one(item_id)
        except Exception:
            log.exception("message not delivered", extra={"outbox_id": item_id})
            return False


def deliver_one(item_id: int) -> bool:
    """Claim, send with no transaction open, settle; False if there was nothing to claim."""
    current = rules()
    with transaction() as session:
        claim = outbox.claim(session, item_id, now=utcnow())
        if claim is None:
            item = outbox.find(session, item_id)
            if item is not None and item.state == outbox.Delivery.WAITING:
                delivery.lock_for(session, item_id)
                delivery.settled(session, item, now=utcnow(), rules=current)
            return False
        delivery.started(session, item_id)
    error = _send(claim)
    with transaction() as session:
        delivery.lock_for(session, item_id)
        item = (
            outbox.sent(session, claim, now=utcnow())
            if error is None
            else outbox.refused(session, claim, error, now=utcnow())
        )
        delivery.settled(session, item, now=utcnow(), rules=current)
        if error is not None and error.kind is Failure.HALTED:
            registry.halt(session, claim.message.channel, error.reason)
    log.info("delivered" if error is None else "not delivered", extra={"outbox_id": item_id})
    return True


def _send(claim: Claim) -> DeliveryError | None:
    try:
        channel_named(claim.message.channel).send(claim.message)
    except DeliveryError as error:
        return error
    return None


@job
def fetch_media() -> None:
    """Bring followers' files here while the platform still has them."""
    with reading() as session:
        ids = list(attachments.pending(session, utcnow()))
    for attachment_id in ids:
        try:
            _fetch(attachment_id)
        except Exception as error:  # one that we cannot fetch must not hold up the others
            log.exception("file not fetched", extra={"attachment_id": attachment_id})
            fault = DeliveryError(f"not fetched: {type(error).__name__}", kind=Failure.PASSING)
            with transaction() as session:
                attachments.failed(session, attachment_id, fault, now=utcnow())


def _fetch(attachment_id: int) -> None:
    with reading() as session:
        wanted = attachments.wanted(session, attachment_id)
    if wanted is None:
        return
    channel, media = wanted
    try:
        content = channel_named(channel).fetch(media)
    except DeliveryError as error:
        with transaction() as session:
            attachments.failed(session, attachment_id, error, now=utcnow())
        return
    with transaction() as session:
        attachments.store(session, attachment_id, content, files=current_app.extensions["files"])


@job
def sweep() -> None:
    """Everything whose stored instant has passed, and whatever a lost ring left behind."""
    current = rules()
    for step in (sweeps.mark_overdue, sweeps.wake):
        with transaction() as session:
            step(session, now=utcnow(), rules=current)
    with reading() as session:
        lost = list(outbox.expired(session, utcnow()))
    for item_id in lost:
        with transaction() as session:
            delivery.lock_for(session, item_id)
            item = outbox.expire(session, item_id, now=utcnow())
            if item is not None:
                delivery.settled(session, item, now=utcnow(), rules=current)


@job
def beat() -> None:
    """Say that a worker lives: `desk check` and /readyz look for it."""
    current_app.extensions["doorbell"].seen("worker")


JOBS = {  # job -> queue
    "process_inbox": "default",
    "classify": "default",
    "sweep": "default",
    "beat": "default",
    "fetch_media": "delivery",
    "deliver": "delivery",
}
PERIODIC = {"process_inbox": 5, "classify": 1, "sweep": 2, "beat": 5, "fetch_media": 10, "deliver": 2}  # seconds
