"""The migrations make exactly the tables that the models describe, on the database at hand."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect

from service import setup
from service.database import db, reading
from service.rulebook import RulebookVersion


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
