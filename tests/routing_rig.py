"""A routing table that a test may change: it is as shipped again afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import delete

from service import routing_rows, rulebook
from service.database import reading, transaction
from service.routing.coverage import Known
from service.routing.rules import RoutingRow
from service.routing_rows import Edit
from service.rulebook import RulebookRow
from tests.factories import MORNING, Desk


@contextmanager
def own_table(app: Flask) -> Iterator[None]:
    yield
    with transaction() as session:
        session.execute(delete(RulebookRow).where(RulebookRow.section == routing_rows.SECTION))
        session.flush()
        rulebook.install(session, now=MORNING)
    app.extensions["rulebook"].forget()


def edit(desk: Desk) -> Edit:
    return Edit("root", desk.now)


def known(desk: Desk) -> Known:
    return routing_rows.known_to(desk.rules, ["main"], list(desk.rules.departments))


def added(desk: Desk, row: RoutingRow, *, before: str | None = "10") -> str:
    """A row in front of another one, in force at once; returns its name."""
    whole = known(desk)
    with transaction() as session:
        made = routing_rows.add(session, row, whole, edit(desk), before=before).name
    desk.app.extensions["rulebook"].forget()
    return made


def table() -> list[RoutingRow]:
    with reading() as session:
        return routing_rows.rows_of(session)
