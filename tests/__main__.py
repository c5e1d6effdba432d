"""`make test`: the suite on SQLite and embedded Redis, then on PostgreSQL and Redis if there are any, and a summary.

Arguments go to pytest: `python -m tests tests/scenarios -k quota`.
"""

import collections
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

CHECKOUT = Path(__file__).resolve().parents[1]
STANDARD_POSTGRES = "postgresql://127.0.0.1:5432/postgres"
STANDARD_REDIS = "redis://127.0.0.1:6379"
# they are not about database or queue, so once is enough
INDEPENDENT = (
    "tests/unit",
    "tests/simulator",
    "tests/contract",
    "tests/browser",
    "tests/integration/test_runtime.py",
    "tests/test_architecture.py",
)
# they say the same of either database, so where there is PostgreSQL, SQLite is spared them
SAME_OF_EITHER = (
    *(f"tests/scenarios/test_scenario_{name}.py" for name in ("actions", "api", "autoreplies", "channel", "commands")),
    *(f"tests/scenarios/test_scenario_{name}.py" for name in ("quota", "refusals", "roles", "trouble", "webhook")),
    "tests/integration/test_demo.py",  # on SQLite in either run, as `make run` has it
    *(f"tests/http/test_{name}.py" for name in ("admin_pages", "menu_pages", "page_actions", "page_words", "pages")),
    *(f"tests/http/test_{name}.py" for name in ("portal", "portal_entry", "portal_progress", "qrcode_pages")),
    *(f"tests/http/test_{name}.py" for name in ("replies_pages", "reply_files", "api_refusals", "api_roles", "why")),
    *(
        f"tests/http/test_{name}.py"
        for name in ("api_followers", "board", "board_acts", "breaches_http", "calendar_pages")
    ),
    *(f"tests/http/test_{name}.py" for name in ("extensions_http", "follower_lifecycle", "followers", "notifications")),
    *(f"tests/http/test_{name}.py" for name in ("policy_pages", "robot_pages", "supervision_api", "supervision_pages")),
    *(f"tests/http/test_{name}.py" for name in ("wall", "windows_and_calls", "routing_pages", "rule_pages")),
    *(f"tests/http/test_{name}.py" for name in ("duty_pages", "handover_pages", "kept_pages", "quality_pages")),
    *(f"tests/http/test_{name}.py" for name in ("custody_http", "opinion_on_page")),
    *(f"tests/integration/test_{name}.py" for name in ("learning_corrections", "train_command")),
)
SCENARIOS = "tests/scenarios"  # they mostly wait, so they run beside the rest
AT_ONCE = os.cpu_count() or 1
NAMES = ("TEST_DATABASE_URL", "TEST_REDIS_URL")


@dataclass
class Outcome:
    """What one run of pytest did."""

    where: str
    passed: int = 0
    failed: int = 0
    skipped: collections.Counter[str] = field(default_factory=collections.Counter)
    ended_well: bool = True


def main(arguments: list[str]) -> int:
    """Run, summarise, and close with the line that counts; 0 if all is well."""
    others = [arguments] if arguments else [[f"--ignore={path}" for path in (SCENARIOS, *INDEPENDENT)], [SCENARIOS]]
    runs: list[tuple[str, dict[str, str], list[str]]] = []  # the longest first, so that none is left alone at the end
    absent = []
    database, why_no_database = find_postgres()
    if database:
        server, why_no_redis = find_redis()
        where = f"PostgreSQL and {'Redis' if server else 'embedded Redis'}"
        chosen = {"TEST_DATABASE_URL": database} | ({"TEST_REDIS_URL": server} if server else {})
        runs += [(where, chosen, some) for some in others]
        absent += [why_no_redis] if why_no_redis else []
    else:
        absent.append(why_no_database)
    if not arguments:
        runs.append(("SQLite, what does not depend on the database", {}, list(INDEPENDENT)))
    brief = ["--brief", *(f"--ignore={path}" for path in SAME_OF_EITHER)] if database and not arguments else []
    runs += [("SQLite and embedded Redis", {}, [*some, *brief]) for some in others]
    with ThreadPoolExecutor(AT_ONCE) as at_once:  # each has databases of its own, so none waits for another
        return summarise(list(at_once.map(lambda one: run(*one), runs)), absent)


def run(where: str, servers: dict[str, str], arguments: list[str]) -> Outcome:
    """One run of pytest with these servers and no others; its output is shown whole when it ends."""
    say(f"== on {where}: begun")
    environment = {name: value for name, value in os.environ.items() if name not in NAMES} | servers
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]
        ended = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True)
        outcome = read(report, where) if report.is_file() else Outcome(where)
    outcome.ended_well = ended.returncode == 0
    say(f"== on {where}: ended\n{ended.stdout}{ended.stderr}")
    return outcome


def read(report: Path, where: str) -> Outcome:
    """The counts and the reasons of skipping, from pytest's own report."""
    outcome = Outcome(where)
    for case in ET.parse(report).iter("testcase"):  # noqa: S314
        skip = case.find("skipped")
        if skip is not None:
            outcome.skipped[skip.get("message", "no reason given")] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        else:
            outcome.passed += 1
    return outcome


def find_postgres() -> tuple[str, str]:
    """The server to use, or why there is none: it must let us make databases."""
    url = os.environ.get("TEST_DATABASE_URL") or STANDARD_POSTGRES
    try:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), connect_timeout=3) as connection:
            row = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
            may_create = row.fetchone()
    except psycopg.Error as error:
        return "", f"PostgreSQL: {str(error).strip().splitlines()[0]} (TEST_DATABASE_URL names a server)"
    if may_create and may_create[0]:
        return url, ""
    return "", "PostgreSQL: its user may not create databases (TEST_DATABASE_URL names another)"


def find_redis() -> tuple[str, str]:
    """The server to use, or why there is none."""
    url = os.environ.get("TEST_REDIS_URL") or STANDARD_REDIS
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3) as client:
            client.ping()
    except redis.RedisError as error:
        return "", f"Redis as a server of its own: {error} (TEST_REDIS_URL names one)"
    return url, ""


def summarise(outcomes: list[Outcome], absent: list[str]) -> int:
    """Print what ran where and what did not; the exit code."""
    say("\n== what ran where")
    for outcome in merged(outcomes):
        end = "" if outcome.ended_well else " - FAILED"
        skips = outcome.skipped.total()
        say(f"{outcome.where}: {outcome.passed} passed, {outcome.failed} failed, {skips} skipped{end}")
        for reason, count in sorted(outcome.skipped.items()):
            say(f"  skipped {count}: {reason}")
    if len(merged(outcomes)) > 2:
        say(f"left to PostgreSQL: {len(SAME_OF_EITHER)} files that say the same of either database, and the full storm")
    for reason in absent:
        say(f"not run for lack of a server: {reason}")
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    skipped = sum(outcome.skipped.total() for outcome in outcomes)
    say(f"\ntotal: {passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and all(outcome.ended_well for outcome in outcomes) else 1


def merged(outcomes: list[Outcome]) -> list[Outcome]:
    """One outcome for each place, where it took several runs."""
    found: dict[str, Outcome] = {}
    for outcome in outcomes:
        whole = found.setdefault(outcome.where, Outcome(outcome.where))
        whole.passed, whole.failed = whole.passed + outcome.passed, whole.failed + outcome.failed
        whole.skipped += outcome.skipped
        whole.ended_well = whole.ended_well and outcome.ended_well
    return list(found.values())


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
