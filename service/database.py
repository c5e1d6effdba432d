"""The database handle, and the only place that commits."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Index,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session

log = logging.getLogger(__name__)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
WRITING = "gongdan_writing"  # execution option: this transaction will write


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python, aware UTC back, on any database; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite gives row ids only to a column declared INTEGER
BigId = BigInteger().with_variant(Integer(), "sqlite")


def partial_index(name: str, condition: str, *columns: str, unique: bool = False) -> Index:
    """An index of only the rows that somebody looks for."""
    where = text(condition)
    return Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
if TYPE_CHECKING:
    Model = Base  # what a type checker can follow; at run time Flask-SQLAlchemy makes it from Base
else:
    Model = db.Model
Model.registry.update_type_annotation_map({datetime: UtcDateTime, str: Text()})


def tune_sqlite(engine: Engine) -> None:
    """WAL, a busy time-out and foreign keys; transactions begin when SQLAlchemy says so, and writers at once."""

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=8000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a reader that turns writer half way cannot wait for the lock: SQLite refuses it at once
        writing = connection.get_execution_options().get(WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: commit on success, roll back on any error, then run the after-commit hooks.

    Opened by edges only (a view, a job, a command). Does not nest: code below an edge
    receives the session and must not decide when it commits.
    """
    with _unit_of_work({WRITING: True}) as session:
        yield session


@contextmanager
def single_statement() -> Iterator[Session]:
    """A unit of work whose only statement is a transaction of its own: BEGIN and COMMIT cost as much as it does."""
    with _unit_of_work({"isolation_level": "AUTOCOMMIT"}) as session:
        yield session


@contextmanager
def _unit_of_work(options: dict[str, object]) -> Iterator[Session]:
    session = db.session()
    if "after_commit" in session.info:
        raise RuntimeError("transaction() inside transaction()")
    session.rollback()  # a read before it has an older snapshot than the lock that follows
    hooks: list[Callable[[], object]] = []
    session.info["after_commit"] = hooks
    try:
        session.connection(execution_options=options)
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        del session.info["after_commit"]
    for hook in hooks:
        try:
            hook()
        except Exception:  # the data is safe; a sweep will pick it up
            log.exception("after-commit hook failed")


@contextmanager
def reading() -> Iterator[Session]:
    """A session to look with: whatever was changed by mistake is rolled back, and the connection goes back at once.

    Inside another one it leaves that to the outer: a rollback would take away what the outer has loaded.
    """
    session = db.session()
    is_inner = "reading" in session.info
    session.info["reading"] = True
    try:
        yield session
    except BaseException:
        if "after_commit" not in session.info:
            session.rollback()
        raise
    finally:
        if not is_inner:
            del session.info["reading"]
            if "after_commit" not in session.info:
                session.rollback()


def on_commit(session: Session, hook: Callable[[], object]) -> None:
    """Run `hook` after the surrounding transaction() has committed; never if it rolls back."""
    session.info["after_commit"].append(hook)
