"""A small application that is only the webhook, and the platform that pushes to it."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import event, select

from service.alerts import Alert
from service.channels.outages import Outage
from service.channels.wechat import accounts
from service.channels.wechat.accounts import OfficialAccount
from service.channels.wechat.sightings import Sighting
from service.channels.wechat.token_shelf import AccessToken
from service.channels.wechat.webhook import wechat
from service.database import db, reading, transaction, tune_sqlite
from service.messaging import inbox
from service.messaging.inbox import InboxItem
from tests.fakes import FakeBell
from tests.wechat_fakes import AES_KEY, APP_ID, ORIGINAL_ID, TOKEN, encrypt, envelope_of, query_for


class Desk:
    """What stands behind the webhook: remembers messages, answers what the test says, or breaks."""

    def __init__(self):
        self.messages = []
        self.answer = ""
        self.fault = None

    def fits_express(self, message):
        return False

    def handle(self, session, message, *, item_id, now):
        if self.fault is not None:
            raise self.fault
        self.messages.append(message)
        inbox.answer(session, item_id, self.answer)
        return self.answer


@contextmanager
def running_webhook(folder: Path) -> Iterator[Flask]:
    """The webhook on an empty database with an account for each mode; a writer waits 0.3 s for its turn."""
    app = Flask("webhook")
    engine = {"connect_args": {"timeout": 8, "check_same_thread": False}, "pool_size": 10}
    app.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/d.sqlite3", SQLALCHEMY_ENGINE_OPTIONS=engine)
    db.init_app(app)
    app.extensions["doorbell"] = FakeBell()
    app.extensions["intake"] = Desk()
    app.register_blueprint(wechat)
    with app.app_context():
        tune_sqlite(db.engine)
        event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=300"))
        tables = [model.__table__ for model in (OfficialAccount, Outage, InboxItem, AccessToken, Alert, Sighting)]
        db.Model.metadata.create_all(db.engine, tables=tables)
        for mode in ("plain", "compat", "safe"):
            _add_account(mode)
    yield app
    with app.app_context():
        db.engine.dispose()


def _add_account(mode: str) -> None:
    names = {"slug": mode, "name": mode, "mode": mode, "original_id": ORIGINAL_ID}
    with transaction() as session:
        accounts.add(session, **names, app_id=APP_ID, app_secret="s", token=TOKEN, aes_key=AES_KEY)


class Platform:
    """Pushes as WeChat does, to the account that is named after the mode."""

    def __init__(self, app):
        self.app = app

    def push(self, text, *, mode="safe", **changes):
        """Push this inner document as the platform does in that mode."""
        if mode == "plain":
            return self.post(mode, query_for(time.time()) | changes, text.encode())
        sealed = encrypt(text.encode())
        return self.post(mode, query_for(time.time(), sealed) | changes, envelope_of(sealed))

    def post(self, slug, query, body):
        return self.app.test_client().post(f"/wechat/{slug}", query_string=query, data=body, content_type="text/xml")

    def get(self, slug, query):
        return self.app.test_client().get(f"/wechat/{slug}", query_string=query)


def stored(app, model=InboxItem):
    """Every row of the inbox, or of another table."""
    with app.app_context(), reading() as session:
        rows = list(session.scalars(select(model).order_by(model.id)))
        session.expunge_all()
        return rows


def is_acknowledged(response):
    return (response.status_code, response.data, response.mimetype) == (200, b"success", "text/plain")


class CountingStream(io.RawIOBase):
    """A body of zeros that counts what was read of it."""

    def __init__(self, size):
        self.left = size
        self.taken = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.left)
        self.left -= count
        self.taken += count
        buffer[:count] = bytes(count)
        return count
