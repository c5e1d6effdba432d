"""A calendar that a test may change, put back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import select

from service import rulebook
from service.database import transaction
from service.rulebook import Rulebook, RulebookRow
from tests.factories import MORNING


def fresh(app: Flask) -> None:
    """Let this process read the rules anew at once."""
    app.extensions["rulebook"].forget()


@contextmanager
def stale(app: Flask, rules: Rulebook) -> Iterator[None]:
    """A process that has not heard of the newest rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.extensions["rulebook"], "current", lambda _session: rules)
        yield


@contextmanager
def own_calendar(app: Flask) -> Iterator[Flask]:
    """Rules that a test may change: the shipped ones are put back afterwards."""
    fresh(app)
    yield app
    shipped = {str(row["key"]) for row in rulebook.shipped("calendar_cn.json")}
    with transaction() as session:
        for row in session.scalars(select(RulebookRow).where(RulebookRow.edited)):
            row.edited = False
            if row.section == "calendar" and row.key not in shipped:
                session.delete(row)
        session.flush()
        rulebook.install(session, now=MORNING)
    fresh(app)
