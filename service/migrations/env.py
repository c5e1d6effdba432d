"""Runs migrations for Flask-Migrate; models equal migrations, which a test checks on both databases."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from service.database import UtcDateTime, db


def render_item(kind: str, thing: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Write our own types as plain ones, so that migrations import no models."""
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        migrate(connection)


def migrate(connection) -> None:  # type: ignore[no-untyped-def]
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
