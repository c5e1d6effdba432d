"""Asks a language model about what is undecided: claim, ask with no transaction open, settle. May run twice.

Its threads are daemons: nobody waits for an answer when the process ends, and the lease of its claim runs out.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta

from flask import Flask, current_app
from sqlalchemy.exc import IntegrityError

from service import alerts
from service.clock import utcnow
from service.config import Settings
from service.database import reading, transaction
from service.opinions.asking import Endpoint, ask
from service.opinions.outcome import PROBLEMS, Opinion, OpinionError, pause_after
from service.rulebook import Rulebook
from service.tickets import opinions, seconding
from service.tickets.opinions import AT_ONCE, TALK, Request
from service.tickets.seconding import Said

log = logging.getLogger(__name__)

ALERT = "opinion"
PERSISTENT = 3  # failures in a row of a kind that passes, before the operator hears of it


def endpoint_in(settings: Settings) -> Endpoint | None:
    """Where to ask; None where second opinions are off."""
    if settings.opinion_url is None:
        return None
    return Endpoint(settings.opinion_url, settings.opinion_model, settings.opinion_key, settings.opinion_timeout)


_round: list[threading.Thread] = []  # the last one of this worker


def begin(rules: Callable[[], Rulebook]) -> None:
    """Ask beside the worker, whose replies to followers must not wait for a model; one round at a time."""
    settings: Settings = current_app.config["SETTINGS"]
    if endpoint_in(settings) is None or any(thread.is_alive() for thread in _round):
        return  # what has become due meanwhile is found by the round's next look, or by the next ring
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def run() -> None:
        with app.app_context():
            try:
                while ask_due(now=utcnow(), rules=rules()):
                    pass
            except Exception:
                log.exception("no second opinions")

    _round[:] = [threading.Thread(target=run, name="opinions", daemon=True)]
    _round[0].start()


def ask_due(*, now: datetime, rules: Rulebook) -> bool:
    """Ask about the next few undecided tickets; whether there may be more."""
    settings: Settings = current_app.config["SETTINGS"]
    endpoint = endpoint_in(settings)
    if endpoint is None:
        return False
    with reading() as session:
        if not opinions.is_due(session, now=now):
            return False
    with transaction() as session:
        requests = opinions.claim(session, now=now, rules=rules, daily=settings.opinion_daily)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(request: Request) -> None:
        with app.app_context():
            _ask_safely(endpoint, request, now=now, rules=rules)

    askers = [threading.Thread(target=run, args=(request,), daemon=True) for request in requests]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    return len(requests) == AT_ONCE


def _ask_safely(endpoint: Endpoint, request: Request, *, now: datetime, rules: Rulebook) -> None:
    try:
        _ask(endpoint, request, now=now, rules=rules)
    except Exception:
        log.exception("no second opinion", extra={"opinion_id": request.opinion_id})


def _ask(endpoint: Endpoint, request: Request, *, now: datetime, rules: Rulebook) -> None:
    began = time.monotonic()
    found = _opinion_of(endpoint, request.text, (*rules.categories, TALK))
    took = timedelta(seconds=time.monotonic() - began)
    if isinstance(found, OpinionError):
        _failed(request, found, now=now)
        return
    now += took  # what comes of it stands in the history after what happened meanwhile
    said = Said(found.category, found.confidence, found.reason, found.tokens)
    with transaction() as session:
        seconding.answered(session, request, said, now=now, rules=rules, took=took)
    with transaction() as session:
        if opinions.concluded(session, now=now):
            alerts.resolved(session, scope="", kind=ALERT, now=now)
    log.info("second opinion", extra={"opinion_id": request.opinion_id})


def _opinion_of(endpoint: Endpoint, text: str, categories: Collection[str]) -> Opinion | OpinionError:
    try:
        return ask(endpoint, text, categories)
    except OpinionError as error:
        return error


def _failed(request: Request, error: OpinionError, *, now: datetime) -> None:
    """The ticket stays with the person who would have decided anyway; the model is left alone for a while."""
    with transaction() as session:
        failures = opinions.faltered(session)
        pause = pause_after(error, failures)
        if pause:
            opinions.leave_alone(session, until=now + pause)
    with transaction() as session:
        seconding.failed(session, request, problem=error.problem, now=now, pause=pause)
    if pause and (PROBLEMS[error.problem].urgent or failures >= PERSISTENT):
        with suppress(IntegrityError), transaction() as session:  # another may raise the same alarm at this moment
            alerts.raised(session, scope="", kind=ALERT, detail=error.sentence(), now=now)
    log.info("no second opinion: %s", error, extra={"opinion_id": request.opinion_id})
