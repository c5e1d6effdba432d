"""A department at work at the time of the wall clock, and rules of assignment that a test may change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete

from service import calendars
from service.clock import utcnow
from service.database import transaction
from service.rulebook import RulebookRow
from service.sla.calendar import SHANGHAI
from service.sla.hours import MIDNIGHT
from service.sla.shifts import Shift
from tests.calendar_rig import fresh, own_calendar


@contextmanager
def own_rules(app: Flask) -> Iterator[Flask]:
    """Calendar and rules of assignment: the shipped ones are put back afterwards."""
    with own_calendar(app) as changed:
        yield changed
        with transaction() as session:
            session.execute(delete(RulebookRow).where(RulebookRow.section == "assignment"))


def at_work(app: Flask, *usernames: str) -> None:
    """A shift around the clock for these people, today and the days beside it."""
    today = utcnow().astimezone(SHANGHAI).date()
    edit = calendars.Edit("boss", utcnow(), "值守")
    days = [today + timedelta(days=offset) for offset in (-1, 0, 1)]
    with transaction() as session:
        shift = Shift((MIDNIGHT, MIDNIGHT), usernames)
        calendars.add_shift(session, edit, scope="KFB", days=days, shift=shift)
    fresh(app)
