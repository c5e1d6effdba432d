"""Pushes turned away while the database was down: counted in the process, written down with their time span later."""

import logging
import sqlite3
import threading
from datetime import datetime

from flask import current_app
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Mapped, mapped_column

from service import alerts
from service.database import BigId, Model, transaction

log = logging.getLogger(__name__)

# classes and codes of SQLSTATE that mean that the server is away, not that the statement was bad
AWAY = ("08", "57P", "53", "58", "XX")
SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
}


class Outage(Model):
    """A time in which one process could not keep what the platform pushed; it was told to push again."""

    __tablename__ = "outages"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime] = mapped_column(index=True)
    refused: Mapped[int]  # pushes turned away


class OutageWatch:
    """Remembers a running outage in this process until it can be written down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began_at: datetime | None = None
        self._refused = 0

    @property
    def is_running(self) -> bool:
        return self._began_at is not None

    def refuse(self, *, now: datetime) -> None:
        """Count a push that was turned away; the first of an outage is logged."""
        with self._lock:
            self._refused += 1
            if self._began_at is not None:
                return
            self._began_at = now
        log.error("database away: pushes are turned away until it is back")

    def close(self, *, now: datetime) -> None:
        """Write the outage down, if one was running and the database takes it."""
        with self._lock:
            began_at, refused = self._began_at, self._refused
            self._began_at, self._refused = None, 0
        if began_at is None:
            return
        try:
            with transaction() as session:
                session.add(Outage(began_at=began_at, ended_at=now, refused=refused))
                alerts.raised(session, scope="", kind="outage", detail=_told(began_at, now, refused), now=now)
        except DBAPIError:
            with self._lock:  # away again: the same outage goes on
                self._began_at, self._refused = began_at, self._refused + refused
            return
        span = {"began_at": began_at.isoformat(), "ended_at": now.isoformat(), "refused": refused}
        log.warning("database back after %s, %d pushes turned away", now - began_at, refused, extra=span)


def _told(began_at: datetime, ended_at: datetime, refused: int) -> str:
    """What the operator reads; times in UTC, as this room knows no zone."""
    span = f"{began_at:%Y-%m-%d %H:%M:%S} 至 {ended_at:%H:%M:%S}（UTC）"
    return f"{span}数据库没有响应，退回推送 {refused} 条。平台会重推几次，中断较长时仍可能有来信没有收到。"


def watch() -> OutageWatch:
    """The watch of the current app; a readiness check may close it too, once the database answers again."""
    found = current_app.extensions.get("outages")
    if isinstance(found, OutageWatch):
        return found
    made: OutageWatch = current_app.extensions.setdefault("outages", OutageWatch())
    return made


def is_database_away(error: BaseException) -> bool:
    """Whether the database cannot be reached or cannot write, rather than that a statement was bad."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in SQLITE_AWAY
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(AWAY)  # no state: the connection itself failed
