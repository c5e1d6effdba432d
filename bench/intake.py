"""How fast messages are taken in: signed webhooks at concurrency 8 against the running service and against a bare endpoint.

Half of the messages come from new followers, half go to open tickets. Both run on the same server, database and
machine, in turns; the median of three turns counts. Needs PostgreSQL and Redis:
    python bench/intake.py [--seconds 8] [--turns 3]
BENCH_DATABASE_URL and BENCH_REDIS_URL name the servers; a database of its own is made and dropped.
"""

import argparse
import contextlib
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import psutil
import psycopg
from redis import Redis
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.load import Load, Measured, run_load  # noqa: E402 - the checkout is not installed where this runs
from service.config import Settings  # noqa: E402
from service.runtime.addresses import Address  # noqa: E402
from service.runtime.programs import web_command  # noqa: E402

TOKEN = "benchToken2026"
CONCURRENCY = 8
SERVER = os.environ.get("BENCH_DATABASE_URL", "postgresql://127.0.0.1:5432/postgres")
REDIS = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/13")
ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--port", type=int, default=8210)
    options = parser.parse_args()
    with database() as url, tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DATABASE_URL": url,
            "REDIS_URL": REDIS,
            "DATA_DIR": folder,
            "BENCH_TOKEN": TOKEN,
            "BENCH_DATABASE_URL": make_url(url).set(drivername="postgresql+psycopg").render_as_string(False),
            "BENCH_REDIS_URL": REDIS,
        }
        with service(environment, options.port), bare(environment, options.port + 50):
            measure(options)
        report_rows(url)
    clean_redis()


def measure(options: argparse.Namespace) -> None:
    rates: dict[str, list[Measured]] = {"bare": [], "service": []}
    places = {"bare": (options.port + 50, "/bare"), "service": (options.port, "/wechat/bench")}
    for name, (port, path) in places.items():  # a first turn that does not count: caches, pools, planner
        load(port, path, 2.0, None)
    for turn in range(options.turns):
        for name, (port, path) in places.items():
            measured = load(port, path, options.seconds, None)
            rates[name].append(measured)
            print(f"turn {turn + 1} {name:8} {measured}", flush=True)
    full = {name: statistics.median(m.rate for m in found) for name, found in rates.items()}
    print(f"median: bare {full['bare']:.0f}/s, service {full['service']:.0f}/s, ratio {full['service'] / full['bare']:.2f}")
    half = load(*places["service"], options.seconds, full["service"] / 2)
    print(f"service at half of its full rate: {half}")


def load(port: int, path: str, seconds: float, rate: float | None) -> Measured:
    """Run the load in a process of its own and name the CPU that each web process took meanwhile."""
    wanted = Load(port, path, TOKEN, CONCURRENCY, seconds, rate, secrets.token_hex(4))
    before = web_cpu(port)
    with get_context("spawn").Pool(1) as pool:
        measured = pool.apply(run_load, (wanted,))
    after = web_cpu(port)
    measured.cpu = [round((after[pid] - spent) / seconds * 100) for pid, spent in before.items() if pid in after]
    return measured


def web_cpu(port: int) -> dict[int, float]:
    """CPU seconds so far of each process of the server on this port that does work."""
    found = {}
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        line = " ".join(process.info["cmdline"] or [])
        parent = process.parent()
        mine = f"--port {port}" in line or (parent and f"--port {port}" in " ".join(parent.cmdline() or []))
        if "python" in line and mine:
            times = process.info["cpu_times"]
            found[process.pid] = times.user + times.system
    return {pid: spent for pid, spent in found.items() if spent > 0.5}


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
    import http.client  # noqa: PLC0415 - only here

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


def report_rows(url: str) -> None:
    with psycopg.connect(url) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("inbox", "messages", "tickets")]  # type: ignore[index,call-overload]  # noqa: S608
    print(f"stored: {counts[0]} pushes, {counts[1]} messages, {counts[2]} tickets")


def clean_redis() -> None:
    Redis.from_url(REDIS).delete("rq:queue:bench-bare")


if __name__ == "__main__":
    main()
