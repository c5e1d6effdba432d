"""Two schedulers and two workers, one after the other killed: every rung of the ladder is taken, and none twice."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import psutil
import pytest
from scenario_processes import CHECKOUT, command_of, eventually
from scenario_rig import Rig
from scenario_storm import kill
from sqlalchemy import Engine, Text, cast, create_engine, func, literal, select, text, update
from sqlalchemy.engine import make_url

from service.tickets.models import ClockRow, Ticket
from service.tickets.register import Escalation, Notification

TEXTS = [f"请问{place}号楼的物业费怎么交" for place in range(12)]
LONG_AGO = timedelta(days=28)  # the same weekday: every rung, the red card too, has been reached meanwhile
KILLS = 2
RUNGS = {
    "accept": ["unclaimed", "soon", "overdue"],
    "first_reply": ["warning", "soon", "overdue", "supervision/reply", "yellow", "red"],
    "resolve": ["warning", "soon", "overdue", "supervision/resolve", "yellow", "red"],
}


@pytest.fixture
def engine(rig: Rig) -> Iterator[Engine]:
    """The installation's own database."""
    url = make_url(rig.database_url)
    made = create_engine(url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url)
    yield made
    made.dispose()


@contextmanager
def program(rig: Rig, name: str) -> Iterator[None]:
    """One more of what `desk up` runs."""
    with rig.output.open("a") as out:
        command = [sys.executable, str(CHECKOUT / "worker.py"), name]
        process = subprocess.Popen(command, env=rig.environment, cwd=rig.folder, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def sweepers(rig: Rig) -> list[psutil.Process]:
    """The workers that sweep, those of `desk up` and ours. What is killed of `up` is soon followed by another."""
    ours = [process for process in psutil.Process().children() if command_of(process)[-1:] == ["default"]]
    return [process for process in (*rig.programs("worker.py"), *ours) if command_of(process)[-1:] == ["default"]]


def long_ago(engine: Engine, ids: Sequence[int]) -> None:
    """Let what these tickets promise have been promised a while ago."""
    rows = select(ClockRow.ticket_id, ClockRow.kind, ClockRow.started_at, ClockRow.due_at, ClockRow.next_rung_at)
    with engine.begin() as connection:
        for row in connection.execute(rows.where(ClockRow.ticket_id.in_(ids))).all():
            mine = (ClockRow.ticket_id == row.ticket_id) & (ClockRow.kind == row.kind)
            started_at, due_at = row.started_at - LONG_AGO, row.due_at - LONG_AGO
            moved = {"started_at": started_at, "due_at": due_at, "next_rung_at": row.next_rung_at - LONG_AGO}
            connection.execute(update(ClockRow).where(mine).values(moved))
            breach = {"breach_at": due_at, "due_at": due_at, "received_at": started_at}
            connection.execute(update(Ticket).where(Ticket.id == row.ticket_id).values(breach))


@contextmanager
def stuck(engine: Engine) -> Iterator[None]:
    """Whoever notes a rung has to wait in the middle of it. SQLite has no such lock: there it goes on."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE escalations IN SHARE ROW EXCLUSIVE MODE"))
        yield


def is_caught(engine: Engine, rig: Rig) -> bool:
    """Whether a worker waits for that lock; on SQLite whether there is one."""
    if engine.dialect.name != "postgresql":
        return bool(sweepers(rig))
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with engine.connect() as connection:
        return bool(connection.execute(text(query)).scalar_one())


def rungs_ahead(engine: Engine, ids: Sequence[int]) -> int:
    """How many clocks of these tickets have one."""
    ahead = ClockRow.ticket_id.in_(ids) & ClockRow.next_rung_at.is_not(None)
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(ClockRow).where(ahead)) or 0


def told(engine: Engine, ids: Sequence[int]) -> Counter[str]:
    """How many rungs were taken of each key, and how many of them somebody was told about."""
    cause = literal("escalation:").concat(cast(Escalation.id, Text))
    query = select(Escalation.rung, select(Notification.id).where(Notification.cause == cause).exists())
    with engine.connect() as connection:
        rows = connection.execute(query.where(Escalation.ticket_id.in_(ids))).all()
    assert all(is_told for _, is_told in rows)
    return Counter(rung for rung, _ in rows)


def test_with_two_schedulers_and_killed_workers_no_rung_is_skipped_and_none_taken_twice(
    rig: Rig, engine: Engine
) -> None:
    api = rig.api("supervisor")
    numbers = [number for _, number in rig.open_many(TEXTS)]
    eventually(lambda: all(api.ticket(number)["category"] for number in numbers), what="all classified")
    with engine.connect() as connection:
        ids = connection.scalars(select(Ticket.id).where(Ticket.number.in_(numbers))).all()

    with program(rig, "cron"):
        for turn in range(KILLS):
            with stuck(engine), program(rig, "default"):
                if turn == 0:
                    long_ago(engine, ids)
                eventually(lambda: is_caught(engine, rig), within=20, what="a worker in the middle of it")
                assert [kill(process) for process in sweepers(rig)]
        with program(rig, "default"):
            eventually(lambda: not rungs_ahead(engine, ids), within=30, what="all rungs taken")

    for number in numbers:
        taken = [event["after"] for event in api.events(number) if event["action"] == "escalate"]
        assert {clock: [t["rung"] for t in taken if t.get("clock") == clock] for clock in RUNGS} == RUNGS
        api.act(number, "invalid", reason="演练结束")
    assert told(engine, ids) == Counter(rung for rungs in RUNGS.values() for rung in rungs for _ in numbers)
