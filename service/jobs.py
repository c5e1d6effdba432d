"""What workers run. A job takes what is due in batches, is one transaction a step, and may run twice without harm."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from typing import TypeVar

from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service import alerts, notices_out, opinions_out, playable, retraining, sweeping
from service.channels import registry
from service.channels.intake import handle_kept
from service.channels.registry import channel_named
from service.channels.wechat import watching
from service.clock import utcnow
from service.database import reading, transaction
from service.doorbell import Doorbell, ring
from service.errors import NotFound
from service.learning import runs, shelf
from service.messaging import inbox, outbox
from service.messaging.followers import Follower, can_reach
from service.messaging.outbox import Claim
from service.messaging.ports import DeliveryError, Failure
from service.rulebook import Rulebook
from service.tickets import (
    attachments,
    classification,
    delivery,
    likenesses,
    policy_moves,
    recalculation,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

SENDERS = 8  # messages on their way at once: one slow answer must not hold up the rest
FETCHERS = 4  # files on their way at once; each may have a decoder beside it
FILES = 8  # of one job: the same process sends messages, which are more urgent
LONG_PAUSE = timedelta(minutes=10)  # the operator should know of one
RECOMPUTED = 5  # batches of tickets
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
    current, seconds = rules(), current_app.config["SETTINGS"].opinion_url is not None
    for _ in range(ROUNDS):
        with transaction() as session:
            done = classification.classify_due(session, now=utcnow(), rules=current, seconds=seconds)
            if done < classification.BATCH:
                return


@job
def compare() -> None:
    """Find the tickets that those just classified are like."""
    current = rules()
    for _ in range(ROUNDS):
        with transaction() as session:
            if likenesses.compare_due(session, now=utcnow(), rules=current) < likenesses.BATCH:
                return


def _several(width: int, do: Callable[[T], bool], things: Iterable[T]) -> bool:
    """Do it to all of them, so many at once; whether any of them came to something."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(thing: T) -> bool:
        with app.app_context():
            return do(thing)

    with ThreadPoolExecutor(width) as pool:
        return any(list(pool.map(run, things)))


@job
def deliver() -> None:
    """Send what is due, several followers at once, each follower's messages in order."""
    for _ in range(ROUNDS):
        with reading() as session:
            ids = list(outbox.next_due(session, utcnow()))
        if not ids or not _several(SENDERS, _deliver_safely, ids):
            return


def _deliver_safely(item_id: int) -> bool:
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
            if item is not None and item.state in (outbox.Delivery.WAITING, outbox.Delivery.UNKNOWN):
                delivery.lock_for(session, item_id)
                delivery.settled(session, item, now=utcnow(), rules=current)
            return False
        delivery.started(session, item_id)
    outcome = _send(claim)
    with transaction() as session:
        delivery.concluded(session, claim, outcome, now=utcnow(), rules=current.speaking_for(claim.message.channel))
    if isinstance(outcome, DeliveryError):
        # apart from what became of the message; another sender may raise the same alarm at the same moment
        with suppress(IntegrityError), transaction() as session:
            _raise_alarm(session, claim.message.channel, outcome)
    log.info("delivered" if isinstance(outcome, str) else "not delivered", extra={"outbox_id": item_id})
    return True


def _send(claim: Claim) -> str | DeliveryError:
    try:
        return channel_named(claim.message.channel).send(claim.message)
    except DeliveryError as error:
        return error


def _raise_alarm(session: Session, channel: str, error: DeliveryError) -> None:
    """Tell the operator of what holds up every message of the channel."""
    if error.kind is Failure.HALTED:
        registry.halt(session, channel, error.reason)
    elif error.pause >= LONG_PAUSE:
        alerts.raised(session, scope=channel, kind="quota", detail=error.reason, now=utcnow())


@job
def show_typing() -> None:
    """Show followers that somebody writes to them, or no longer; of several notes about one the last counts."""
    bell: Doorbell = current_app.extensions["doorbell"]
    wanted = dict(note.split(":") for note in bell.notes("show_typing"))
    if not wanted:
        return
    with reading() as session:
        query = select(Follower).where(Follower.id.in_([int(follower_id) for follower_id in wanted]))
        reached = [f for f in session.scalars(query) if can_reach(f, utcnow())]
        addresses = [(f.channel, f.address, wanted[str(f.id)] == "on") for f in reached]
    _several(SENDERS, _show, addresses)  # messages wait for this to end


def _show(note: tuple[str, str, bool]) -> bool:
    channel, address, is_on = note
    with suppress(NotFound):
        channel_named(channel).show_typing(address, on=is_on)
    return True


@job
def fetch_media() -> None:
    """Bring followers' files here while the platform still has them, several at once: one slow one holds up none."""
    with reading() as session:
        ids = list(attachments.pending(session, utcnow(), limit=FILES))
    if _several(FETCHERS, _fetch_safely, ids):
        current_app.extensions["doorbell"].ring("fetch_media")  # the rest comes behind the messages that wait


def _fetch_safely(attachment_id: int) -> bool:
    try:
        return fetch_one(attachment_id)
    except Exception as error:  # one that we cannot fetch must not hold up the others
        log.exception("file not fetched", extra={"attachment_id": attachment_id})
        fault = DeliveryError(f"未能取回：{type(error).__name__}", kind=Failure.PASSING)
        with transaction() as session:
            attachments.failed(session, attachment_id, fault, now=utcnow())
        return True


def fetch_one(attachment_id: int) -> bool:
    """Claim, download with no transaction open, convert, keep; False if there was nothing to claim."""
    with transaction() as session:
        wanted = attachments.claim(session, attachment_id, now=utcnow())
    if wanted is None:
        return False
    try:
        content = channel_named(wanted.channel).fetch(wanted.media)
    except DeliveryError as error:
        with transaction() as session:
            attachments.failed(session, attachment_id, error, now=utcnow())
        with suppress(IntegrityError), transaction() as session:
            _raise_alarm(session, wanted.channel, error)
        return True
    sound = _sound_of(content, attachments.judge(content, declared=wanted.declared).content_type)
    files = current_app.extensions["files"]
    with transaction() as session:
        attachments.store(session, attachment_id, content, files=files, declared=wanted.declared, playable=sound)
    return True


def _sound_of(content: bytes, content_type: str | None) -> bytes | None:
    """A voice as browsers play it; None where it is no voice, plays as it is, or cannot be read."""
    if content_type is None or not playable.is_convertible(content_type):
        return None
    try:
        return playable.as_mp3(content, content_type)
    except playable.NotPlayableError as error:
        log.warning("voice not converted: %s", error)
        return None


@job
def sweep() -> None:
    """Everything whose stored instant has passed, and whatever a lost ring left behind."""
    if not sweeping.sweep(rules()):
        current_app.extensions["doorbell"].ring("sweep")  # the rest comes behind what waits


@job
def notify() -> None:
    """Send staff what they are told by mail or robot, a few recipients a ring: followers' messages come first."""
    if notices_out.send_due(now=utcnow(), rules=rules()):
        current_app.extensions["doorbell"].ring("notify")


@job
def ask_opinions() -> None:
    """Ask a language model about what the classifier left to people; replies to followers do not wait for it."""
    opinions_out.begin(rules)


@job
def recompute() -> None:
    """Bring open tickets to a calendar that was changed; a few batches a ring, as breaches must not wait for it."""
    for _ in range(RECOMPUTED):
        with transaction() as session:
            current: Rulebook = current_app.extensions["rulebook"].current(session)
            if recalculation.recompute_due(session, now=utcnow(), rules=current) < recalculation.BATCH:
                return
    with transaction() as session:
        ring(session, "recompute")


@job
def carry_policies() -> None:
    """Bring open tickets to a version of the targets that was saved for them too; a few batches a ring."""
    for _ in range(RECOMPUTED):
        with transaction() as session:
            current: Rulebook = current_app.extensions["rulebook"].current(session)
            if policy_moves.carry_due(session, now=utcnow(), rules=current) < policy_moves.BATCH:
                return
    with transaction() as session:
        ring(session, "carry_policies")


@job
def probe() -> None:
    """Ask for each halted channel whether it may send again; what waits goes out then."""
    with reading() as session:
        names = registry.halted(session, now=utcnow())
    for name in names:
        try:
            registry.probe(name)
        except DeliveryError as error:
            with transaction() as session:
                registry.still_halted(session, name, error.reason)
            continue
        with transaction() as session:
            registry.resume(session, name)
            outbox.hurry(session, name, now=utcnow())


@job
def beat() -> None:
    """Say that a worker lives: `desk check` and /readyz look for it."""
    current_app.extensions["doorbell"].seen("worker")


@job
def read_profiles() -> None:
    """Learn what the platform tells of followers who are new or came back."""
    watching.read_profiles(now=utcnow())


@job
def check_menus() -> None:
    """Whether followers still see the menu that was published."""
    watching.check_menus(now=utcnow())


@job
def learn() -> None:
    """Begin the week's training, or one that somebody asked for, beside the worker; look after the model in use."""
    with transaction() as session:
        is_new_week = runs.put_weekly(session, now=utcnow(), zone=current_app.config["SETTINGS"].time_zone) is not None
        shelf.watch(session, now=utcnow())
        run = runs.claim(session, now=utcnow())
        run_id = run.id if run else None
    if run_id is not None:
        retraining.begin(run_id)
    if is_new_week:
        retraining.fade_texts()


JOBS = {  # job -> queue
    "process_inbox": "default",
    "classify": "default",
    "compare": "default",
    "sweep": "default",
    "recompute": "default",
    "carry_policies": "default",
    "beat": "default",
    "learn": "default",
    "notify": "delivery",
    "probe": "delivery",
    "fetch_media": "delivery",
    "deliver": "delivery",
    "show_typing": "delivery",
    "read_profiles": "delivery",
    "check_menus": "delivery",
    "ask_opinions": "delivery",
}
PERIODIC = {  # seconds
    "classify": 1,
    "compare": 2,
    "deliver": 2,
    "sweep": 2,
    "process_inbox": 5,
    "beat": 5,
    "recompute": 10,
    "carry_policies": 10,
    "notify": 5,
    "probe": 5,
    "fetch_media": 10,
    "read_profiles": 10,
    "check_menus": 600,
    "ask_opinions": 10,
    "learn": 60,
}
