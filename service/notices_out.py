"""Sends what staff are to be told by mail or robot: claim, send with no transaction open, settle. May run twice."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from flask import Flask, current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service import alerts
from service.config import Settings
from service.database import reading, transaction
from service.messengers import mail, robots
from service.messengers.mail import Letter, Server
from service.messengers.outcome import Fate, SendError
from service.messengers.robots import Address
from service.rulebook import Rulebook
from service.tickets import dispatch
from service.tickets.dispatch import Claim
from service.tickets.register import Robot

log = logging.getLogger(__name__)

AT_ONCE = 4  # one slow server must not hold up the rest
A_RING = 8  # recipients of one job: the same process sends followers' messages, which are more urgent
PASSING = {"often", "busy"}  # over by itself: nobody has to see to it


def send_due(*, now: datetime, rules: Rulebook) -> bool:
    """Send to the next few for whom something is due; whether there may be more."""
    with transaction() as session:
        dispatch.expire(session, now=now)
    with reading() as session:
        due = dispatch.next_due(session, now, A_RING)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(recipient: tuple[str, str]) -> None:
        with app.app_context():
            _send_safely(*recipient, now=now, rules=rules)

    if due:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(run, due))
    return len(due) == A_RING


def _send_safely(way: str, target: str, *, now: datetime, rules: Rulebook) -> None:
    try:
        send_to(way, target, now=now, rules=rules)
    except Exception:
        log.exception("notice not sent", extra={"target": target})


def send_to(way: str, target: str, *, now: datetime, rules: Rulebook) -> bool:
    """One message with everything that is due for one recipient; False if there was nothing to send."""
    with transaction() as session:
        claim = dispatch.claim(session, way, target, now=now, rules=rules)
    if claim is None:
        return False
    settings: Settings = current_app.config["SETTINGS"]
    error = None
    try:
        hand_over(claim, settings, now=now)
    except SendError as caught:
        error = caught
    with transaction() as session:
        _settle(session, claim, error, now)
    _after(claim, error, now)
    log.info("notice not sent" if error else "notice sent", extra={"target": target})
    return True


def hand_over(claim: Claim, settings: Settings, *, now: datetime) -> None:
    """To the mail server or the robot. Raises SendError."""
    if claim.robot is not None:
        say(claim.robot, claim.text, settings, now=now)
        return
    if settings.smtp_url is None or settings.mail_from is None:
        raise SendError("no_mail_server", fate=Fate.REFUSED)
    letter = Letter(str(claim.email), claim.subject, claim.text, claim.key)
    mail.send(Server(settings.smtp_url, settings.mail_from), letter, now=now)


def say(robot: Robot, text: str, settings: Settings, *, now: datetime) -> None:
    """Let a robot say it. Raises SendError."""
    robots.send(Address(robot.kind, robot.url, robot.secret), text, now=now, more_hosts=settings.robot_hosts)


def scope_of(robot: Robot) -> str:
    """What an alert about this robot concerns."""
    return f"robot:{robot.name}"


def _settle(session: Session, claim: Claim, error: SendError | None, now: datetime) -> None:
    if error is None:
        dispatch.sent(session, claim)
    elif error.fate is Fate.UNKNOWN:
        dispatch.unclear(session, claim, error.sentence())
    else:
        again = error.fate is Fate.NOT_SENT
        dispatch.not_sent(session, claim, error.sentence(), now=now, again=again, pause=error.pause)


def _after(claim: Claim, error: SendError | None, now: datetime) -> None:
    """Apart from what became of the message: the operator is told, and the same server is left alone for a while."""
    kind = "robot" if claim.robot else "mail"
    own, whole = f"{kind}:{claim.name}", scope_of(claim.robot) if claim.robot else kind
    with suppress(IntegrityError), transaction() as session:  # another sender may raise the same alarm at this moment
        if error is None:
            for scope in {own, whole}:
                alerts.resolved(session, scope=scope, kind=kind, now=now)
        elif error.problem not in PASSING:
            scope = whole if error.whole else own
            alerts.raised(session, scope=scope, kind=kind, detail=error.sentence(), now=now)
    if error is not None and error.whole and error.pause > timedelta(0):
        with transaction() as session:
            dispatch.hold(session, claim, until=now + error.pause)
