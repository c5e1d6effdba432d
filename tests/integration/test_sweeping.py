"""The sweep as one job: it looks once, takes all that is due in rounds, and nothing of it holds up the rest."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, func, inspect, select, update

from service import jobs, sweeping
from service.database import db, reading, transaction
from service.sweeping import SWEEPS, Sweep
from service.tickets import escalation, handling, sweeps
from service.tickets.models import ClockRow, Ticket
from service.tickets.register import Escalation
from service.tickets.states import Status
from tests.factories import Desk
from tests.fakes import FakeBell

NAMES = [getattr(each.step, "func", each.step).__name__ for each in SWEEPS]


def count(condition: object) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(condition)) or 0  # type: ignore[arg-type]


@pytest.fixture
def overnight(now_desk: Desk) -> Desk:
    """Seven matters of one night, all of them due since the same instant."""
    for number in range(7):
        now_desk.ticket(follower=f"oFollower{number:04}")
    due_at = now_desk.now - timedelta(seconds=1)
    with transaction() as session:
        session.execute(update(Ticket).values(breach_at=due_at, due_at=due_at))
        unmet = ClockRow.kind.in_(("accept", "first_reply"))
        session.execute(update(ClockRow).where(unmet).values(due_at=due_at, next_rung_at=due_at))
    return now_desk


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Batches of two."""
    for module in (sweeps, escalation):
        monkeypatch.setattr(module, "BATCH", 2)
    return monkeypatch


def test_what_is_due_at_one_instant_is_through_in_one_ring_however_much_it_is(
    overnight: Desk, bell: FakeBell, small: pytest.MonkeyPatch
):
    bell.rung.clear()

    jobs.sweep()

    assert count(Ticket.overdue) == 7
    assert count(ClockRow.next_rung_at < overnight.now) == 0
    assert count((Escalation.rung == "overdue") & (Escalation.clock == "first_reply")) == 7
    assert "sweep" not in bell.rung


def test_a_ring_that_would_take_too_long_rings_for_the_rest(overnight: Desk, bell: FakeBell, small: pytest.MonkeyPatch):
    small.setattr(sweeping, "SECONDS", 0.0)
    bell.rung.clear()

    jobs.sweep()
    assert count(Ticket.overdue) == 2
    assert count(Escalation.id > 0) > 0, "no kind waits for another one"
    assert "sweep" in bell.rung

    rings = 1
    while "sweep" in bell.rung:
        bell.rung.clear()
        jobs.sweep()
        rings += 1
    assert count(Ticket.overdue) == 7
    assert rings > 3


def test_a_row_that_cannot_be_read_holds_up_no_other_kind(now_desk: Desk, caplog: pytest.LogCaptureFixture):
    agent = now_desk.person("li", "agent", "QGB")
    broken, asleep = now_desk.ticket(), now_desk.accept(now_desk.ticket(follower="oFollower0002"), agent)
    with now_desk.doing(asleep, agent) as d:
        until = now_desk.now + timedelta(seconds=1)
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=until)
    past = {"breach_at": now_desk.now - timedelta(days=9)}
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == broken.id).values(past))
        session.execute(update(ClockRow).where(ClockRow.ticket_id == broken.id).values(target_unit="fortnights"))

    jobs.sweep()

    assert now_desk.reread(asleep).status is Status.IN_PROGRESS
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["sweep failed"]
    assert caplog.records[-1].step == "mark_overdue"


def test_with_nothing_due_the_database_is_asked_once(now_desk: Desk, counted):
    now_desk.ticket()
    jobs.sweep()  # warms what a process keeps

    with counted() as statements:
        jobs.sweep()

    assert len([statement for statement in statements if "rulebook_version" not in statement]) == 1


@pytest.mark.parametrize("sweep", SWEEPS, ids=NAMES)
def test_the_look_sees_whatever_a_step_looks_for(desk: Desk, sweep: Sweep, counted):
    """What the one look asks for stands in the step's own question: else a step could wait for ever."""
    rules, name = desk.rules, NAMES[SWEEPS.index(sweep)]
    column = re.search(r"min\((\w+\.\w+)\)", str(sweep.due_at))[1]
    with counted() as statements, transaction() as session:
        sweep.step(session, now=desk.now, rules=rules)
    asked = "".join(statements)

    if name == "lapse_due":  # looks at each request that is open
        assert "extension_requests.state" in asked
    elif name == "remind_red":  # at each ticket under a red card, once a day
        assert (column, "tickets.supervision" in asked) == ("supervision_orders.opened_at", True)
    else:
        assert re.search(rf"{column} <=? ", asked), asked


# ---- what answers it


def plans_on_sqlite(connection: Connection, asked: Sequence[tuple[str, object]]) -> list[str]:
    found = []
    for statement, values in asked:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]
        found += [str(row[-1]) for row in rows]
    return found


def test_sqlite_too_answers_every_question_of_the_sweep_from_an_index(desk: Desk):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("bench/sweep.py looks at PostgreSQL's plans")
    asked: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    desk.ticket()
    desk.now += timedelta(days=30)
    rules = desk.rules
    event.listen(db.engine, "before_cursor_execute", note)
    with transaction() as session:
        session.execute(sweeping.LOOK)
        for sweep in SWEEPS:
            sweep.step(session, now=desk.now, rules=rules)
    event.remove(db.engine, "before_cursor_execute", note)
    with reading() as session:
        plans = plans_on_sqlite(session.connection(), asked)

    whole = re.compile(r"^SCAN (tickets|clocks|notifications|followers|outbox|breaches|escalations)\w*$")
    assert len(plans) > len(SWEEPS)
    assert [plan for plan in plans if whole.match(plan)] == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("tickets", "breach_at"),
        ("clocks", "next_rung_at"),
        ("tickets", "wake_at"),
        ("tickets", "remind_at"),
        ("tickets", "window_warn_at"),
        ("tickets", "notice_at"),
        ("tickets", "invite_at"),
        ("notifications", "answer_by"),
        ("supervision_orders", "due_at"),
        ("appeals", "answer_by"),
        ("extension_requests", "at"),
        ("outbox", "leased_until"),
    ],
)
def test_each_instant_has_an_index_of_only_the_rows_that_somebody_looks_for(desk: Desk, table: str, column: str):
    partial = [
        index
        for index in inspect(db.engine).get_indexes(table)
        if index["column_names"][0] == column
        and any(name.endswith("_where") for name in index.get("dialect_options", {}))
    ]

    assert partial, f"{table}.{column}"
