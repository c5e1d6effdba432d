"""Where access tokens lie for all processes: a row for each AppID, sealed; without the database, this process alone."""

import base64
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, cast

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Engine, Executable, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import WRITING, Model
from service.messaging.ports import DeliveryError, Failure

log = logging.getLogger(__name__)


class AccessToken(Model):
    """What all processes know of the token of one AppID. `sealed` is useless without this installation's SECRET_KEY."""

    __tablename__ = "access_tokens"

    app_id: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]  # whoever holds the lease asks the platform, the others wait
    forced_at: Mapped[datetime | None]
    forced: Mapped[int] = mapped_column(default=0)  # forced renewals of late
    retry_at: Mapped[datetime | None]  # the platform is not asked again before this
    failures: Mapped[int] = mapped_column(default=0)  # one after the other
    failure_kind: Mapped[str | None]
    failure_code: Mapped[int | None]
    failure_reason: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Token:
    """`text` never goes into a log."""

    text: str = field(repr=False)
    expires_at: datetime

    def left(self, now: datetime) -> timedelta:
        return self.expires_at - now


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of the token of one AppID; the fields are those of AccessToken."""

    token: Token | None = None
    leased_until: datetime | None = None
    forced_at: datetime | None = None
    forced: int = 0
    retry_at: datetime | None = None
    failures: int = 0
    failure_kind: str | None = None
    failure_code: int | None = None
    failure_reason: str | None = None

    def failure(self) -> DeliveryError:
        """The last failure once more, for whoever comes before it may be tried again."""
        kind = Failure(self.failure_kind or Failure.PASSING)
        return DeliveryError(self.failure_reason or "", kind=kind, code=self.failure_code)


class Shelf(Protocol):
    def read(self, app_id: str) -> Record:
        """What is known; an empty record if nothing is."""

    def write(self, app_id: str, **values: object) -> None:
        """Change these fields of the record."""

    def lease(self, app_id: str, *, now: datetime, until: datetime) -> bool:
        """Whether nobody else holds the lease; it is ours then, until that time or `write(leased_until=None)`."""


class MemoryShelf:
    """What one process knows by itself."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._lock = threading.Lock()

    def read(self, app_id: str) -> Record:
        return self._records.get(app_id, Record())

    def write(self, app_id: str, **values: object) -> None:
        with self._lock:
            self._records[app_id] = replace(self.read(app_id), **values)  # type: ignore[arg-type]

    def lease(self, app_id: str, *, now: datetime, until: datetime) -> bool:
        with self._lock:
            record = self.read(app_id)
            is_free = record.leased_until is None or record.leased_until <= now
            if is_free:
                self._records[app_id] = replace(record, leased_until=until)
            return is_free


class DatabaseShelf:
    """Shared by all processes. Connections of its own: a caller's open transaction neither waits nor rolls back."""

    def __init__(self, engine: Engine, secret_key: str) -> None:
        self._reading = engine
        self._writing = engine.execution_options(**{WRITING: True})
        self._fernet = Fernet(_key_from(secret_key))
        self._own = MemoryShelf()  # while the database is away

    def read(self, app_id: str) -> Record:
        try:
            with self._reading.connect() as connection:
                row = connection.execute(select(_TABLE).where(_TABLE.c.app_id == app_id)).mappings().one_or_none()
        except SQLAlchemyError:
            return self._own.read(app_id)
        return Record() if row is None else self._record(dict(row))

    def write(self, app_id: str, **values: object) -> None:
        self._own.write(app_id, **values)
        if "token" in values:
            token = cast(Token, values.pop("token"))
            values |= {"sealed": self._fernet.encrypt(token.text.encode()).decode(), "expires_at": token.expires_at}
        try:
            self._run(app_id, update(_TABLE).where(_TABLE.c.app_id == app_id).values(**values))
        except SQLAlchemyError as error:
            log.warning("access token not kept in the database: %s", type(error).__name__)

    def lease(self, app_id: str, *, now: datetime, until: datetime) -> bool:
        held = _TABLE.c.leased_until
        free = update(_TABLE).where(_TABLE.c.app_id == app_id, held.is_(None) | (held <= now))
        try:
            return self._run(app_id, free.values(leased_until=until)) == 1
        except SQLAlchemyError:
            return self._own.lease(app_id, now=now, until=until)

    def _run(self, app_id: str, statement: Executable) -> int:
        """Change the row, made first if it is missing. Returns how many rows were changed."""
        with self._writing.begin() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            missing = insert(_TABLE).values(app_id=app_id, forced=0, failures=0).on_conflict_do_nothing()
            connection.execute(missing)
            return connection.execute(statement).rowcount

    def _record(self, row: Mapping[str, object]) -> Record:
        fields = {name: row[name] for name in Record.__dataclass_fields__ if name != "token"}
        return Record(token=self._opened(row), **fields)  # type: ignore[arg-type]

    def _opened(self, row: Mapping[str, object]) -> Token | None:
        sealed, expires_at = row["sealed"], row["expires_at"]
        if not isinstance(sealed, str) or not isinstance(expires_at, datetime):
            return None
        try:
            return Token(self._fernet.decrypt(sealed).decode(), expires_at)
        except InvalidToken:  # SECRET_KEY was changed: it is fetched anew
            return None


def forgive(session: Session, app_id: str) -> None:
    """Drop what is known of the AppID: the operator has changed something, so the platform may be asked at once."""
    session.execute(delete(AccessToken).where(AccessToken.app_id == app_id))


def _key_from(secret_key: str) -> bytes:
    """The key that seals tokens: made from SECRET_KEY, and of no use for anything else that is made from it."""
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"gongdan access tokens").derive(secret_key.encode())
    return base64.urlsafe_b64encode(made)


_TABLE = cast(Table, AccessToken.__table__)
