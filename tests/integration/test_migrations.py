"""The migrations make exactly the tables that the models describe, on the database at hand."""

from datetime import datetime, timedelta
from pathlib import Path

import flask_migrate
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, select, update

from service import setup
from service.clock import utcnow
from service.database import db, reading, transaction
from service.rulebook import RulebookVersion
from service.tickets import escalation
from service.tickets.models import ClockRow, Ticket
from service.tickets.register import Escalation, Notification
from tests.factories import Desk

MIGRATIONS = str(Path(setup.__file__).parent / "migrations")


def test_models_equal_migrations(app: Flask):
    with db.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)

        assert compare_metadata(context, db.metadata) == []


def test_every_index_and_constraint_of_the_models_is_there(app: Flask):
    """Names of partial indexes, checks and unique constraints, which the comparison above does not all see."""
    found, wanted = set(), set()
    inspector = inspect(db.engine)
    for table in db.metadata.sorted_tables:
        found |= {index["name"] for index in inspector.get_indexes(table.name)}
        found |= {check["name"] for check in inspector.get_check_constraints(table.name)}
        found |= {unique["name"] for unique in inspector.get_unique_constraints(table.name)}
        wanted |= {str(index.name) for index in table.indexes}
        wanted |= {
            str(c.name) for c in table.constraints if c.__visit_name__ in ("check_constraint", "unique_constraint")
        }

    assert wanted - found == set()


def test_there_is_one_head(app: Flask):
    assert len(ScriptDirectory("service/migrations").get_heads()) == 1


def test_preparing_twice_changes_nothing(app: Flask):
    with reading() as session:
        before = session.get_one(RulebookVersion, 1).version

    setup.prepare(app)

    with reading() as session:
        assert session.get_one(RulebookVersion, 1, populate_existing=True).version in (before, before + 1)


def due_since(ticket: Ticket, at: datetime) -> None:
    """As a ticket may stand in a database of before: nobody took it, and all of it has been late since."""
    with transaction() as session:
        values = {"started_at": at - timedelta(days=1), "due_at": at, "state": "breached"}
        session.execute(update(ClockRow).where(ClockRow.ticket_id == ticket.id).values(values))


def test_an_upgrade_tells_nobody_of_what_was_late_long_before_there_was_a_ladder(desk: Desk):
    desk.now = utcnow()
    fresh, late, old = (desk.ticket(follower=f"oFollower000{number}") for number in range(3))
    due_since(late, desk.now - timedelta(days=6))
    due_since(old, desk.now - timedelta(days=30))
    db.session.remove()

    flask_migrate.downgrade(directory=MIGRATIONS, revision="0003")
    flask_migrate.upgrade(directory=MIGRATIONS)

    assert [row.next_rung_at == row.due_at for row in desk.reread(late).clocks] == [True] * 3
    desk.later(minutes=1)
    with transaction() as session:
        escalation.escalate_due(session, now=desk.now, rules=desk.rules)
    with reading() as session:
        taken = {(row.ticket_id, row.rung) for row in session.scalars(select(Escalation))}
        told = session.scalars(select(Notification.id).where(Notification.ticket_id == old.id)).all()
    warnings = {"unclaimed", "warning", "soon", "overdue"}
    assert not {rung for ticket_id, rung in taken if ticket_id == late.id} & warnings
    assert not {rung for ticket_id, rung in taken if ticket_id == old.id}
    assert told == []
    assert {row.next_rung_at for row in desk.reread(old).clocks} == {None}
    # the warnings of what is not late yet are still to come
    assert [row.next_rung_at < row.due_at for row in desk.reread(fresh).clocks] == [True] * 3
