"""Bringing a database into shape: migrations and the shipped configuration, by one process at a time."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy import text

from service import rulebook
from service.clock import utcnow
from service.database import db, transaction

MIGRATION_LOCK = 7_224_001  # any number, the same for all of us


def prepare(app: Flask) -> None:
    """Create or migrate the database and install the default configuration. Safe to repeat."""
    Path(app.config["SETTINGS"].data_dir).mkdir(parents=True, exist_ok=True, mode=0o700)
    with app.app_context(), one_at_a_time():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            flask_migrate.upgrade(directory=str(Path(__file__).parent / "migrations"))
        with transaction() as session:
            rulebook.install(session, now=utcnow())


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Several machines may start at once: PostgreSQL lets one migrate while the others wait."""
    if db.engine.dialect.name != "postgresql":
        yield
        return
    with db.engine.connect() as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
