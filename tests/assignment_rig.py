"""Departments whose tickets find their people by themselves: switched on for a test, put back afterwards."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time

import pytest
from flask import Flask
from sqlalchemy import delete

from service.database import reading, transaction
from service.people import User
from service.routing.assignment import EVERYBODY, AssignmentRules, Mode, row_of
from service.rulebook import RulebookRow
from service.sla.shifts import Shift
from service.tickets import assigning
from service.tickets.models import Ticket
from tests.calendar_rig import fresh
from tests.factories import MORNING, Desk


@contextmanager
def own_assignment(app: Flask) -> Iterator[Flask]:
    """Rules of assignment that a test may change: the shipped ones are put back afterwards."""
    fresh(app)
    yield app
    with transaction() as session:
        session.execute(delete(RulebookRow).where(RulebookRow.section == "assignment", RulebookRow.key != EVERYBODY))
    fresh(app)


def switch(desk: Desk, department: str, mode: Mode = Mode.LOAD, **more: object) -> None:
    """From now on the department's tickets find their people by this rule."""
    rules = replace(AssignmentRules(mode), **more)  # type: ignore[arg-type]
    with transaction() as session:
        gone = delete(RulebookRow).where(RulebookRow.section == "assignment", RulebookRow.key == department)
        session.execute(gone)
        row = RulebookRow(section="assignment", key=department, position=1, value=row_of(department, rules))
        row.edited, row.changed_at = True, MORNING
        session.add(row)
    fresh(desk.app)


def on_shift(patch: pytest.MonkeyPatch, desk: Desk, department: str, days: Mapping[date, Mapping[str, str]]) -> None:
    """People of a department on shift: day -> username -> "08:00-16:00"."""
    shifts = {
        day: tuple(
            Shift((time.fromisoformat(hours[:5]), time.fromisoformat(hours[6:])), (username,))
            for username, hours in people.items()
        )
        for day, people in days.items()
    }
    rules = replace(desk.rules, shifts={department: shifts})
    patch.setattr(desk.app.extensions["rulebook"], "current", lambda _session: rules)


def assign(desk: Desk) -> int:
    """What the sweep does; returns how many found somebody."""
    rules = desk.rules
    with transaction() as session:
        return assigning.assign_due(session, now=desk.now, rules=rules)


def give_back(desk: Desk) -> int:
    rules = desk.rules
    with transaction() as session:
        return assigning.return_due(session, now=desk.now, rules=rules)


def change_person(user: User, **values: object) -> None:
    with transaction() as session:
        found = session.get_one(User, user.id)
        for name, value in values.items():
            setattr(found, name, value)


def why(desk: Desk, ticket: Ticket) -> str | None:
    """Why nobody has it, as its page says."""
    rules = desk.rules
    with reading() as session:
        return assigning.why_nobody(session, session.get_one(Ticket, ticket.id), now=desk.now, rules=rules)


def has(desk: Desk, ticket: Ticket) -> str | None:
    """Username of who has it now."""
    found = desk.reread(ticket)
    return found.assignee.username if found.assignee else None
