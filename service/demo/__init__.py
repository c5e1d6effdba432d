"""The demonstration: example people, an account and two weeks of tickets beside a simulated platform.

An edge like the commands: it opens transactions and reads the clock, and goes through the same functions as the rest.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service.channels.registry import channel_named
from service.channels.wechat.accounts import OfficialAccount
from service.clock import utcnow
from service.config import Settings
from service.database import reading, transaction
from service.demo import account, people, player
from service.demo.stage import Stage
from service.runtime.programs import Places
from service.runtime.refusal import RefusedError
from service.runtime.up import Prepared
from service.tickets.models import Ticket
from service.tickets.register import Notification

SEED = 20_261_120
SIMULATOR_FILE = "simulator.json"


def demonstrate(app: Flask, places: Places) -> Prepared:
    """Example data, once; the simulator's file and the lines that say how to sign in, each time.

    Raises RefusedError.
    """
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        with reading() as session:
            refuse_others_tickets(session)
        with transaction() as session:
            official = account.install(session, settings.secret_key)
            people.install(session, settings.secret_key, now=utcnow())
        fill(app, official.app_id, now=utcnow())
        file = settings.data_dir / SIMULATOR_FILE
        with reading() as session:
            account.write_simulator_file(file, official, places.web, account.windows_of(session, utcnow()))
            lines = people.table(session, settings.secret_key)
    return Prepared(lines=(*addresses(places), *lines), simulator_options=("--config", str(file)))


def fill(app: Flask, app_id: str, *, now: datetime, tickets: int = player.TICKETS) -> int:
    """Two weeks of tickets up to now, all or none, where there are no tickets yet; returns how many there are."""
    limits = channel_named(account.CHANNEL).limits
    with quiet(app), transaction() as session:
        if session.scalar(select(Ticket.id).limit(1)) is None:
            stage = Stage(
                session=session,
                rules=app.extensions["rulebook"].current(session),
                limits=limits,
                files=app.extensions["files"],
                chance=random.Random(SEED),  # noqa: S311 - the same demonstration each time
                staff=people.found(session),
                now=now - timedelta(days=player.DAYS + 1),
            )
            player.play(stage, app_id, until=now, tickets=tickets)
            session.execute(update(Ticket).values(demo=True))
            old = update(Notification).where(Notification.at < now - timedelta(days=1))  # they had been at work
            session.execute(old.values(read_at=Notification.at, answer_by=None))
        return session.scalar(select(func.count(Ticket.id))) or 0


@contextmanager
def quiet(app: Flask) -> Iterator[None]:
    """No bell is rung meanwhile: nobody listens yet, and nothing is left for a worker to do."""
    bell = app.extensions["doorbell"]
    app.extensions["doorbell"] = MuteBell()
    try:
        yield
    finally:
        app.extensions["doorbell"] = bell


class MuteBell:
    """Takes rings and announcements, and passes none on."""

    def ring(self, job: str) -> None:
        """Say nothing."""

    def announce(self, *topics: str) -> None:
        """Say nothing."""


def refuse_others_tickets(session: Session) -> None:
    """Raises RefusedError on a database with tickets that neither the demonstration nor its phone made."""
    made_here = session.scalar(select(Ticket.id).where(Ticket.demo).limit(1)) is not None
    others = select(Ticket.number).where(Ticket.demo.is_(False))
    if made_here:
        demo_app_id = select(OfficialAccount.app_id).where(OfficialAccount.slug == account.SLUG)
        if (session.scalar(demo_app_id) or "").startswith(account.APP_ID_PREFIX):
            others = others.where(Ticket.channel != account.CHANNEL)  # what was written on the demo's phone since
    number = session.scalar(others.order_by(Ticket.id).limit(1))
    if number is not None:
        raise RefusedError(
            f"This database has tickets that the demo did not make ({number}): "
            "start without --demo, or name another DATA_DIR or DATABASE_URL."
        )


def addresses(places: Places) -> list[str]:
    """Where the desk and the phone are."""
    lines = ["", f"{people.COMPANY} · 工单台演示 (demo)", f"  desk   {places.web.url}"]
    if places.simulator:
        lines.append(f"  phone  {places.simulator.url}  (a simulated WeChat: write as a follower)")
    return [*lines, ""]
