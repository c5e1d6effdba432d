"""Databases of the tests' own: SQLite in a folder, or a database on the PostgreSQL server of TEST_DATABASE_URL."""

import gc
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import event
from sqlalchemy.engine import make_url

from service import create_app, credentials, setup
from service.channels import registry
from service.clock import utcnow
from service.config import Settings
from service.database import db, reading
from service.people import User
from tests.factories import Desk
from tests.fakes import FakeBell, FakeChannel

KEPT = {"rulebook", "rulebook_version", "departments", "alembic_version"}  # installed once, changed by nobody


CHROMIUM = shutil.which("chromium")


def server_url() -> str | None:
    return os.environ.get("TEST_DATABASE_URL") or None


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # what is loaded by now stays: looking at it again and again was a seventh of the suite
    gc.set_threshold(50_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--brief", action="store_true", help="a small storm")


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database that is gone afterwards."""
    with own_database(tmp_path_factory.mktemp("database")) as url:
        yield url


class own_database:  # noqa: N801 - reads as a verb phrase at the call
    """Makes a database and drops it: `gongdan_test_<random>` on PostgreSQL, a file elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"gongdan_test_{secrets.token_hex(6)}"

    def __enter__(self) -> str:
        server = server_url()
        if server is None:
            return f"sqlite:///{self.folder / 'test.sqlite3'}"
        self._say(f'CREATE DATABASE "{self.name}"')
        self._say(f'ALTER DATABASE "{self.name}" SET synchronous_commit = off')  # nothing here outlives a power cut
        return make_url(server).set(drivername="postgresql", database=self.name).render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        if server_url() is not None:
            self._say(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _say(self, statement: str) -> None:
        url = make_url(str(server_url())).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture(scope="module")  # its event loop must be gone before a test that runs one of its own
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for pages as they are seen."""
    if CHROMIUM is None:
        pytest.skip("no chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )


@pytest.fixture(scope="session")
def installed(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application on a database with the default configuration; nothing listens on its Redis."""
    settings = Settings.from_environment(
        {
            "DATABASE_URL": database_url,
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "REDIS_URL": "redis://127.0.0.1:1",
        }
    )
    credentials.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # half of each test was hashing
    app = create_app(settings, TESTING=True, RATELIMIT_STORAGE_URI="memory://")
    setup.prepare(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(installed: Flask) -> Iterator[Flask]:
    """The application with empty tables, a bell that only remembers, and a channel that only remembers."""
    installed.extensions["doorbell"] = FakeBell()
    for name in ("channels", "wechat_accounts", "wechat_tokens", "wechat_sightings"):
        installed.extensions.pop(name, None)
    with installed.app_context():
        registry.register(FakeChannel("wechat:main"))
        yield installed
        db.session.remove()
        with reading() as session:
            rules = installed.extensions["rulebook"].current(session)
    empty(installed)
    if rules.own_texts or rules.documents or rules.policy_version or rules.own_model:  # they are gone from the tables
        installed.extensions["rulebook"].forget()


def empty(app: Flask) -> None:
    names = [t.name for t in reversed(db.metadata.sorted_tables) if t.name not in KEPT]
    with app.app_context(), db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for name in names:
                connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608 - our own table names
        else:  # all in one round trip
            connection.exec_driver_sql(";".join(f"DELETE FROM {name}" for name in names))  # noqa: S608


@pytest.fixture
def bell(app: Flask) -> FakeBell:
    found: FakeBell = app.extensions["doorbell"]
    return found


@pytest.fixture
def channel(app: Flask) -> FakeChannel:
    found = registry.channel_named("wechat:main")
    assert isinstance(found, FakeChannel)
    return found


@pytest.fixture
def desk(app: Flask) -> Desk:
    """Followers who write, people who act, and the clock between them."""
    return Desk(app)


@pytest.fixture
def now_desk(desk: Desk) -> Desk:
    """A desk at the time of the wall clock, which pages and jobs read."""
    desk.now = utcnow() - timedelta(minutes=1)
    return desk


@pytest.fixture
def agent(desk: Desk) -> User:
    return desk.person("zhang", "agent", "QGB")


@pytest.fixture
def boss(desk: Desk) -> User:
    """Who may see and do everything with tickets."""
    return desk.person("boss", "supervisor", "KFB")


@pytest.fixture
def counted(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """`with counted() as statements:` lists what the database was asked meanwhile."""

    @contextmanager
    def watching() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            if statement != "BEGIN":  # SQLite is told so, PostgreSQL is not
                statements.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        yield statements
        event.remove(db.engine, "before_cursor_execute", note)

    return watching
