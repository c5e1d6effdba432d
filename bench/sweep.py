"""How soon what is due is noticed, and what it costs to look: a million tickets, a tenth of them open with clocks.

Measures (a) a sweep that finds nothing, which may cost 20 ms; (b) how long after an instant the last of `--due` tickets
is breached and has taken its rungs, with a worker and a scheduler as `desk up` runs them, which may be 30 s; (c) the
plan of every query of the sweep, none of which may read through a whole large table. Exit status 1 otherwise. Needs
PostgreSQL and Redis; filling takes about a minute and 2 GB of disk, the rest another minute:
    python bench/sweep.py [--tickets 1000000] [--open 100000] [--due 2000]
BENCH_DATABASE_URL and BENCH_REDIS_URL name the servers; a database of its own is made and dropped.
"""

import argparse
import contextlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
from flask import Flask
from psycopg import sql
from redis import Redis
from sqlalchemy import event

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.installation import REDIS, ROOT, database, environment_for
from bench.sweep_fill import fill, make_due
from service import create_app, jobs, sweeping
from service.clock import utcnow
from service.config import Settings
from service.database import db, transaction

RUNS = 50
IDLE_MS, SECONDS = 20.0, 30.0
LARGE = ("tickets", "clocks", "notifications", "followers", "outbox", "events", "breaches", "escalations")
PARAMETER = re.compile(r"%\((\w+)\)s")
AHEAD = timedelta(seconds=15)  # the workers have started by then
Asked = tuple[str, object]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=2_000)
    options = parser.parse_args()
    with database() as url, tempfile.TemporaryDirectory() as folder:
        environment = environment_for(url, folder)
        subprocess.run([sys.executable, "-m", "service.cli", "init"], env=environment, cwd=ROOT, check=True)
        begun = time.perf_counter()
        with psycopg.connect(url, autocommit=True) as connection:
            fill(connection, tickets=options.tickets, still_open=options.open, now=utcnow())
        print(f"filled in {time.perf_counter() - begun:.0f} s", flush=True)
        app = create_app(Settings.from_environment(environment), serves=False)
        try:
            faults = [*idle(app), *plans(app, url, options.due), *burst(app, url, environment, options.due)]
        finally:
            with app.app_context():
                db.engine.dispose()
    clean_redis()
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(bool(faults))


def idle(app: Flask) -> list[str]:
    """The cost of looking where nothing is due, in turns; the better median counts, as others may use the machine."""
    medians = []
    with app.app_context():
        for turn in range(3):
            spent = [timed(jobs.sweep) for _ in range(RUNS)]
            medians.append(statistics.median(spent))
            p99 = sorted(spent)[int(RUNS * 0.99)]
            if turn:  # the first warms caches and the planner
                print(f"idle sweep, turn {turn}: median {medians[-1]:.1f} ms, p99 {p99:.1f} ms", flush=True)
    return [] if min(medians) < IDLE_MS else [f"an idle sweep takes {min(medians):.1f} ms"]


def timed(deed: object) -> float:
    begun = time.perf_counter()
    deed()  # type: ignore[operator]
    return (time.perf_counter() - begun) * 1000


def plans(app: Flask, url: str, due: int) -> list[str]:
    """Print how each query of the sweep is answered, with nothing due and with something; what reads a whole table."""
    with app.app_context():
        asked = listened(jobs.sweep) | listened(sweep_undone)
        with psycopg.connect(url, autocommit=True) as connection:
            make_due(connection, due=due, at=utcnow() - timedelta(seconds=1))
        busy = listened(sweep_undone)
    with psycopg.connect(url) as connection:
        found = [(said, plans_of(connection, said, values)) for said, values in {**busy, **asked}.items()]
    for statement, (plan, _) in found:
        print(f"\n{' '.join(statement.split())[:200]}\n{plan}")
    every = [plan for _, both in found for plan in both]
    scans = [plan for plan in every if re.search(rf"Seq Scan on ({'|'.join(LARGE)})\b", plan)]
    print(f"\n{len(found)} queries, {len(scans)} of their plans read through a large table\n", flush=True)
    return [f"reads through a whole table:\n{plan}" for plan in scans]


def sweep_undone() -> None:
    """A batch of each step, all of which is taken back."""
    rules = jobs.rules()
    for sweep in sweeping.SWEEPS:
        with contextlib.suppress(Undo), transaction() as session:
            sweep.step(session, now=utcnow(), rules=rules)
            raise Undo


class Undo(Exception):
    """Nothing is to stay of it."""


def listened(deed: object) -> dict[str, object]:
    """What the database was asked meanwhile: each statement once, with its last values."""
    asked: dict[str, object] = {}

    def note(_c: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            asked[statement] = values

    event.listen(db.engine, "before_cursor_execute", note)
    deed()  # type: ignore[operator]
    event.remove(db.engine, "before_cursor_execute", note)
    return asked


def plans_of(connection: psycopg.Connection, statement: str, values: object) -> list[str]:
    """How PostgreSQL answers it knowing the values, and once it has stopped looking at them.

    Of a statement for many rows the first row is explained.
    """
    given = values[0] if isinstance(values, list) else values
    names = list(dict.fromkeys(PARAMETER.findall(statement)))
    numbered = PARAMETER.sub(lambda name: f"${names.index(name[1]) + 1}", statement).replace("%%", "%")
    literals = ", ".join(sql.Literal(given[name]).as_string(connection) for name in names)  # type: ignore[index]
    found = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        connection.execute(f"PREPARE asked AS {numbered}")  # type: ignore[arg-type]
        execute = f"EXECUTE asked({literals})" if names else "EXECUTE asked"
        rows = connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {execute}").fetchall()  # type: ignore[arg-type]
        found.append("\n".join(row[0] for row in rows))
        connection.execute("DEALLOCATE asked")
        connection.rollback()
    return found


def burst(app: Flask, url: str, environment: dict[str, str], due: int) -> list[str]:
    """Let many clocks come due at one instant beside a running worker and scheduler."""
    at = utcnow() + AHEAD
    with psycopg.connect(url, autocommit=True) as connection:
        make_due(connection, due=due, at=at)
        connection.execute("ANALYZE tickets, clocks")
        with program(environment, "cron"), program(environment, "default") as worker:
            time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
            before = sum(worker.cpu_times()[:2])
            breached, escalated = waited(connection, at)
            spent = sum(worker.cpu_times()[:2]) - before
    print(f"{due} tickets due at once: all breached after {breached:.1f} s, all rungs taken after {escalated:.1f} s")
    # a worker is the first to wait where others want the processor: more than this is their doing
    print(f"the worker spent {spent:.1f} s of processor time on it; load of the machine {psutil.getloadavg()[0]:.1f}")
    late = max(breached, escalated)
    return [] if late < SECONDS else [f"the last of {due} was noticed after {late:.1f} s"]


def waited(connection: psycopg.Connection, at: datetime) -> tuple[float, float]:
    """Seconds from the instant until the last breach and the last rung were noticed."""
    left = {
        "breached": "SELECT count(*) FROM tickets WHERE breach_at <= %s",
        "escalated": "SELECT count(*) FROM clocks WHERE next_rung_at <= %s",
    }
    found: dict[str, float] = {}
    while len(found) < len(left):
        for name, query in left.items():
            rest = connection.execute(query, (at,)).fetchone()  # type: ignore[call-overload]
            if name not in found and rest == (0,):
                found[name] = (datetime.now(UTC) - at).total_seconds()
        if (datetime.now(UTC) - at).total_seconds() > 10 * SECONDS:
            raise SystemExit(f"after {10 * SECONDS:.0f} s still only {found}")
        time.sleep(0.1)
    return found["breached"], found["escalated"]


@contextlib.contextmanager
def program(environment: dict[str, str], name: str) -> Iterator[psutil.Process]:
    """A worker of a queue, or the scheduler."""
    process = subprocess.Popen([sys.executable, "worker.py", name], env=environment, cwd=ROOT)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def clean_redis() -> None:
    with Redis.from_url(REDIS) as client:
        keys: Sequence[bytes] = [*client.scan_iter("gongdan:*"), *client.scan_iter("rq:*")]
        if keys:
            client.delete(*keys)


if __name__ == "__main__":
    main()
