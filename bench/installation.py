"""A running installation for a benchmark: a database of its own on PostgreSQL, `desk up`, one account."""

import contextlib
import http.client
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from service.config import Settings
from service.runtime.addresses import Address
from service.runtime.programs import web_command

TOKEN = "benchToken2026"
SERVER = os.environ.get("BENCH_DATABASE_URL", "postgresql://127.0.0.1:5432/postgres")
REDIS = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/13")
ROOT = Path(__file__).parent.parent


def environment_for(url: str, folder: str) -> dict[str, str]:
    """What the processes of a benchmark see."""
    return os.environ | {
        "DATABASE_URL": url,
        "REDIS_URL": REDIS,
        "DATA_DIR": folder,
        "BENCH_TOKEN": TOKEN,
        "BENCH_DATABASE_URL": make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False),
        "BENCH_REDIS_URL": REDIS,
    }


@contextlib.contextmanager
def service(environment: dict[str, str], port: int) -> Iterator[None]:
    """`desk up` on the database, with one account in plain mode."""
    desk = [sys.executable, "-m", "service.cli"]
    run = lambda *arguments: subprocess.run([*desk, *arguments], env=environment, cwd=ROOT, check=True)  # noqa: E731
    run("init")
    account = ["--app-id", "wxbench", "--app-secret", "none", "--token", TOKEN, "--original-id", "gh_bench"]
    run("account", "add", "bench", "--name", "Bench", *account, "--mode", "plain", "--kind", "service")
    with background([*desk, "up", "--bind", f"127.0.0.1:{port}"], environment, port):
        yield


@contextlib.contextmanager
def bare(environment: dict[str, str], port: int) -> Iterator[None]:
    """The bare endpoint on the same server with the same number of processes and threads."""
    with psycopg.connect(environment["DATABASE_URL"].replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_bare (id bigserial PRIMARY KEY, follower text, kind text, body text)")
    settings = Settings.from_environment(environment)
    command = list(web_command(settings, Address.parse(f"127.0.0.1:{port}"), "bench.bare:app"))
    with contextlib.ExitStack() as stack:
        for _ in range(settings.web_workers):
            stack.enter_context(background(command, environment, port))
        yield


@contextlib.contextmanager
def background(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status in (200, 404):
                return
        time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")


@contextlib.contextmanager
def database() -> Iterator[str]:
    name = f"gongdan_bench_{secrets.token_hex(4)}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        try:
            yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]
