"""Pushes strange bodies to the webhook and says what went wrong: python -m tests.fuzz [--count 100000] [--seed 1]

Nothing may be answered 500, nothing accepted that the platform did not sign, no message lost that was well-formed, and
no body may cost the handler more than 100 ms of processor time. `--whole` pushes to the whole application instead of
the webhook alone. Exit status 1 where anything was found.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from service import create_app, setup
from service.channels.wechat import accounts
from service.config import Settings
from service.database import db, reading, transaction
from service.messaging.inbox import InboxItem
from tests.fuzzing import ANSWERS, FORGED, KEPT, MODES, Case, cases
from tests.webhook_rig import running_webhook
from tests.wechat_fakes import AES_KEY, APP_ID, ORIGINAL_ID, TOKEN

SLOW = 0.1  # seconds of the handler's own processor time
FRESH = 120.0  # seconds for which a case's timestamp is good enough: the webhook allows 300
ENOUGH = 20  # findings that are told one by one


@dataclass
class Report:
    """What became of the cases."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # message id -> words that have to be in the inbox
    slowest: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        total = sum(self.answers.values())
        lines = [f"{total} bodies in {self.seconds:.0f} s, slowest {self.slowest * 1000:.1f} ms of processor time"]
        lines += [f"  {due:8} {status}: {number}" for (due, status), number in sorted(self.answers.items())]
        return "\n".join([*lines, f"{len(self.findings)} findings", *self.findings[:ENOUGH]])


Post = Callable[[Case], int]  # pushes a case and returns the status


def run(post: Post, made: Iterable[Case], report: Report) -> None:
    """Push every case and note what should not be."""
    for case in made:
        began = time.thread_time()
        try:
            status = post(case)
        except Exception as error:  # a handler that raises is what this looks for
            status = 500
            report.findings.append(f"{case.made}: {type(error).__name__}: {error}")
        cost = least_cost(post, case, time.thread_time() - began)
        report.slowest = max(report.slowest, cost)
        report.answers[case.due, status] += 1
        if status not in ANSWERS[case.due]:
            report.findings.append(f"{case.slug} {case.made}: {status} where {case.due} was due: {case.body[:300]!r}")
        if cost > SLOW:
            report.findings.append(f"{case.slug} {case.made}: {cost * 1000:.0f} ms for {len(case.body)} bytes")
        if case.due == KEPT:
            report.kept[case.message_id] = case.text


def least_cost(post: Post, case: Case, cost: float) -> float:
    """The cost of a body: what seemed slow is pushed again, for collector and database have their moments."""
    for _ in range(3):
        if cost <= SLOW:
            break
        began = time.thread_time()
        with suppress(Exception):
            post(case)
        cost = min(cost, time.thread_time() - began)
    return cost


def look_through_inbox(report: Report) -> None:
    """Every well-formed message is kept with its words, and nothing is that was forged."""
    with reading() as session:
        rows = session.execute(select(InboxItem.key, InboxItem.text, InboxItem.raw).execution_options(yield_per=1000))
        for key, text, raw in rows:
            if FORGED in raw:
                report.findings.append(f"kept although it was not signed: {raw[:300]!r}")
            wanted = report.kept.pop(key.rpartition(":")[2], None) if key.startswith("m:") else None
            if wanted is not None and wanted != text:
                report.findings.append(f"kept with other words: {text!r} instead of {wanted!r}")
    report.findings += [f"lost: message {message_id}, {text!r}" for message_id, text in report.kept.items()]


def fuzz(app: Flask, *, seed: int, count: int, batch: int = 5000) -> Report:
    """Make cases of the moment, batch by batch so that their timestamps stay good, and push them all."""
    report, client, began = Report(), app.test_client(), time.monotonic()

    def post(case: Case) -> int:
        answer = client.post(
            f"/wechat/{case.slug}", query_string=dict(case.query), data=case.body, content_type="text/xml"
        )
        return answer.status_code

    for number, start in enumerate(range(0, count, batch)):
        made = cases(seed * 1000 + number, min(batch, count - start), at=time.time())
        run(post, fresh(made), report)
        getattr(app.extensions["intake"], "messages", []).clear()  # what the rig remembers would fill the memory
    report.seconds = time.monotonic() - began
    with app.app_context():
        look_through_inbox(report)
    return report


def fresh(made: Iterable[Case]) -> Iterator[Case]:
    """The cases, as long as their timestamps are good: on a machine too slow for a batch the rest is left out."""
    ends_at = time.monotonic() + FRESH
    for case in made:
        if time.monotonic() > ends_at:
            return
        yield case


@contextmanager
def whole_application(folder: Path) -> Iterator[Flask]:
    """The application on a database of its own, with an account for each mode."""
    environment = {
        "DATABASE_URL": f"sqlite:///{folder}/fuzz.sqlite3",
        "DATA_DIR": str(folder),
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    app = create_app(Settings.from_environment(environment), RATELIMIT_STORAGE_URI="memory://")
    setup.prepare(app)
    with app.app_context(), transaction() as session:
        for mode in MODES:
            names = {"slug": mode, "name": mode, "mode": mode, "original_id": ORIGINAL_ID}
            accounts.add(session, **names, app_id=APP_ID, app_secret="s", token=TOKEN, aes_key=AES_KEY)
    yield app
    with app.app_context():
        db.engine.dispose()


def main() -> int:
    parser = argparse.ArgumentParser(description="Push strange bodies to the webhook.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="the whole application, not the webhook alone")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # a line for each refusal is what the service owes an operator, not this run
    with (
        tempfile.TemporaryDirectory() as name,
        (whole_application if options.whole else running_webhook)(Path(name)) as app,
    ):
        report = fuzz(app, seed=options.seed, count=options.count)
    sys.stdout.write(f"{report}\n")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
