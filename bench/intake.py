"""How fast messages are taken in: signed webhooks, eight at a time, against the running service and a bare endpoint.

Half of the messages come from new followers, half go to open tickets. Both run on the same server, database and
machine, in turns; the median of three turns counts. Needs PostgreSQL and Redis:
    python bench/intake.py [--seconds 8] [--turns 3]
BENCH_DATABASE_URL and BENCH_REDIS_URL name the servers; a database of its own is made and dropped.
"""

import argparse
import secrets
import statistics
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import psutil
import psycopg
from redis import Redis

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.installation import REDIS, TOKEN, bare, database, environment_for, service
from bench.load import Load, Measured, run_load

CONCURRENCY = 8
BURST = 10_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--port", type=int, default=8210)
    options = parser.parse_args()
    with database() as url, tempfile.TemporaryDirectory() as folder:
        environment = environment_for(url, folder)
        with service(environment, options.port), bare(environment, options.port + 50):
            measure(options, url)
            burst(options.port, url)
        report_rows(url)
    clean_redis()


def measure(options: argparse.Namespace, url: str) -> None:
    rates: dict[str, list[Measured]] = {"bare": [], "service": []}
    places = {"bare": (options.port + 50, "/bare"), "service": (options.port, "/wechat/bench")}
    for port, path in places.values():  # a first turn that does not count: caches, pools, planner
        load(port, path, 2.0, None)
    for turn in range(options.turns):
        for name, (port, path) in places.items():
            measured = load(port, path, options.seconds, None)
            rates[name].append(measured)
            print(f"turn {turn + 1} {name:8} {measured}", flush=True)
    full = {name: statistics.median(m.rate for m in found) for name, found in rates.items()}
    ratio = full["service"] / full["bare"]
    print(f"median: bare {full['bare']:.0f}/s, service {full['service']:.0f}/s, ratio {ratio:.2f}")
    wait_until_classified(url)  # what the full rate left behind is no part of half of it
    halves = [load(*places["service"], options.seconds, full["service"] / 2) for _ in range(options.turns)]
    for half in halves:
        print(f"service at half of its full rate: {half}", flush=True)
    print(f"median p99 at half of the full rate: {statistics.median(half.at(0.99) for half in halves):.1f} ms")


def burst(port: int, url: str) -> None:
    """Send BURST messages as fast as they are taken, and say how long afterwards all are classified and routed."""
    wait_until_classified(url)
    measured = load(port, "/wechat/bench", None, None, messages=BURST)
    ended = time.perf_counter()
    waiting = count(url, "SELECT count(*) FROM tickets WHERE class_source IS NULL")
    wait_until_classified(url)
    print(f"burst of {BURST}: {measured}")
    print(
        f"classified and routed {time.perf_counter() - ended:.1f} s after its end ({waiting} tickets were waiting then)"
    )


def wait_until_classified(url: str) -> None:
    while count(url, "SELECT count(*) FROM tickets WHERE classify_at IS NOT NULL"):
        time.sleep(0.2)


def count(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]  # type: ignore[call-overload,index,no-any-return]


def load(port: int, path: str, seconds: float | None, rate: float | None, messages: int | None = None) -> Measured:
    """Run the load in a process of its own and name the CPU that each web process took meanwhile."""
    wanted = Load(port, path, TOKEN, CONCURRENCY, seconds, rate, secrets.token_hex(4), messages)
    before = web_cpu(port)
    with get_context("spawn").Pool(1) as pool:
        measured = pool.apply(run_load, (wanted,))
    after = web_cpu(port)
    measured.cpu = [
        round((after[pid] - spent) / measured.seconds * 100) for pid, spent in before.items() if pid in after
    ]
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


def report_rows(url: str) -> None:
    counts = ", ".join(f"{count(url, f'SELECT count(*) FROM {t}')} {t}" for t in ("inbox", "messages", "tickets"))  # noqa: S608
    print(f"rows: {counts}")


def clean_redis() -> None:
    Redis.from_url(REDIS).delete("rq:queue:bench-bare")


if __name__ == "__main__":
    main()
