"""create_app(): the composition root, and the only module that knows every other."""

import logging
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from service import jobs
from service.channels import registry
from service.channels.registry import channel_named
from service.channels.wechat.events import OF_THE_ACCOUNT
from service.config import Settings
from service.database import db, reading, tune_sqlite
from service.doorbell import Doorbell
from service.files import FileStore
from service.messaging.ports import Inbound
from service.rulebook import Rulebook, RulebookCache
from service.tickets import intake
from service.tickets.express import Taken

LOCK_TIMEOUT_MS = 3000  # a webhook has 5 s: what cannot get its lock by then is left to a worker


def create_app(settings: Settings, *, serves: bool = True, **overrides: object) -> Flask:
    """The application. Connects to nothing; `overrides` are Flask settings for tests.

    A worker serves no pages (`serves=False`), and is there again a third sooner without what they need.
    """
    app = Flask(__name__)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=25 * 1024 * 1024,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        SESSION_COOKIE_NAME="gongdan_session",
        **overrides,
    )
    logging.getLogger("service").setLevel(settings.log_level)
    db.init_app(app)
    app.extensions["doorbell"] = Doorbell(settings.redis_url, jobs.JOBS)
    app.extensions["rulebook"] = RulebookCache(settings.time_zone, settings.public_url, registry.own_texts)
    app.extensions["files"] = FileStore(settings.data_dir / "files")
    app.extensions["intake"] = TicketIntake(app)
    if serves:
        from service.web import serving  # noqa: PLC0415 - that third

        serving.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            tune_sqlite(db.engine)
    return app


def engine_options(url: str) -> dict[str, object]:
    """Connections for the threads of one process; PostgreSQL gives up on a lock before the platform does."""
    if url.startswith("sqlite"):
        return {
            "hide_parameters": True,
            "connect_args": {"timeout": 8, "check_same_thread": False},
            "pool_size": 20,
            "max_overflow": 30,
        }
    return {
        "hide_parameters": True,  # an error in the log must not carry what a follower wrote
        "pool_size": 10,
        "max_overflow": 20,
        "pool_timeout": 4,
        "pool_pre_ping": False,
        "pool_recycle": 1800,
        "pool_use_lifo": True,  # few connections stay warm instead of all lukewarm
        "connect_args": {"connect_timeout": 3, "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"},
    }


class TicketIntake:
    """What a channel hands its messages to: tickets, with the rules and limits of the moment."""

    def __init__(self, app: Flask) -> None:
        self._rulebook: RulebookCache = app.extensions["rulebook"]
        self._dialect = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).get_backend_name()

    def fits_express(self, message: Inbound) -> bool:
        with reading() as session:
            rules = self._rulebook.current(session)
        return intake.fits_express(message, channel_named(message.channel).limits, rules, self._dialect)

    def express(self, session: Session, message: Inbound, *, now: datetime) -> Taken:
        rules, limits = self._rules_for(session, message), channel_named(message.channel).limits
        return intake.take_express(session, message, limits=limits, rules=rules, now=now)

    def handle(self, session: Session, message: Inbound, *, item_id: int, now: datetime) -> str:
        rules, limits = self._rules_for(session, message), channel_named(message.channel).limits
        registry.note_event(session, message.channel, message.kind, message.extra, now)
        if message.kind in OF_THE_ACCOUNT:  # its sender is the platform: no follower may be made of it
            return ""
        return intake.receive(session, message, item_id=item_id, limits=limits, rules=rules, now=now)

    def _rules_for(self, session: Session, message: Inbound) -> Rulebook:
        return self._rulebook.current(session).speaking_for(message.channel)
