"""The page of shifts: entered for many days at once, seen, dropped, on record, and felt by natural clocks."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from service.audit import Event
from service.database import reading
from service.people import User
from service.sla.calendar import SHANGHAI
from service.web import formats
from tests.calendar_rig import fresh, own_calendar
from tests.factories import Desk
from tests.page_rig import visitor, words_of

SATURDAYS = {
    "first": "2026-11-21",
    "last": "2026-12-06",
    "weekdays": ["5"],
    "hours": "09:00-12:00, 13:00-15:00",
    "people": ["chenjing"],
    "reason": "年底值班",
}
NOON = datetime(2026, 11, 28, 10, tzinfo=SHANGHAI)


@pytest.fixture(autouse=True)
def editable(app: Flask) -> Iterator[Flask]:
    with own_calendar(app) as changed:
        yield changed


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "now", lambda: datetime(2026, 11, 20, 10, tzinfo=SHANGHAI))


@pytest.fixture
def boss(desk: Desk) -> User:
    desk.person("chenjing", "agent", "KFB")
    return desk.person("boss", "admin", "QGB")


def enter(desk: Desk, boss: User, **changed: object):
    answer = visitor(desk.app, boss).post("/admin/calendar/shifts", {**SATURDAYS, **changed})
    fresh(desk.app)
    return answer


def test_shifts_of_many_days_are_entered_at_once(desk: Desk, boss: User):
    answer = enter(desk, boss)

    assert answer.status_code == 303
    assert sorted(desk.rules.shifts[""]) == [date(2026, 11, 21), date(2026, 11, 28), date(2026, 12, 5)]
    assert desk.rules.on_duty(desk.rules.departments["KFB"], NOON) == ("chenjing",)
    page = words_of(visitor(desk.app, boss).get("/admin/calendar/shifts"))
    assert "2026-11-28" in page
    assert "13:00-15:00" in page


def test_a_shift_is_entered_once(desk: Desk, boss: User):
    enter(desk, boss)
    version = desk.rules.version

    enter(desk, boss)

    assert len(desk.rules.shifts[""][date(2026, 11, 28)]) == 2
    assert desk.rules.version == version


def test_one_shift_is_dropped_and_the_other_stays(desk: Desk, boss: User):
    enter(desk, boss)

    visitor(desk.app, boss).post("/admin/calendar/shifts/2026-11-28/0/drop")
    fresh(desk.app)

    [left] = desk.rules.shifts[""][date(2026, 11, 28)]
    assert left.hours[0].hour == 13
    with reading() as session:
        actions = [event.action for event in session.scalars(select(Event).where(Event.actor == "boss"))]
    assert actions == ["calendar_shifts_changed"] * 3


@pytest.mark.parametrize("number", [2, 99])
def test_a_shift_that_is_gone_is_said_to_be(desk: Desk, boss: User, number: int):
    enter(desk, boss)
    caller = visitor(desk.app, boss)

    caller.post(f"/admin/calendar/shifts/2026-11-28/{number}/drop")
    answer = caller.get("/admin/calendar/shifts")

    assert "这一班已经被删除" in words_of(answer)
    fresh(desk.app)
    assert len(desk.rules.shifts[""][date(2026, 11, 28)]) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"hours": ""}, {"hours": "18-22"}, {"people": []}, {"last": "2026-11-01"}, {"last": "2028-11-01"}, {"reason": ""}],
)
def test_what_cannot_be_is_said_beside_its_field(desk: Desk, boss: User, wrong: dict[str, object]):
    answer = enter(desk, boss, **wrong)

    assert answer.status_code == 422
    assert "field-errors" in answer.text
    assert desk.rules.shifts == {}


def test_a_department_has_shifts_of_its_own(desk: Desk, boss: User):
    visitor(desk.app, boss).post("/admin/calendar/shifts?department=KFB", SATURDAYS)
    fresh(desk.app)

    assert desk.rules.on_duty(desk.rules.departments["KFB"], NOON) == ("chenjing",)
    assert desk.rules.on_duty(desk.rules.departments["QGB"], NOON) == ()


def test_a_day_that_is_none_is_not_found(desk: Desk, boss: User):
    assert visitor(desk.app, boss).post("/admin/calendar/shifts/someday/0/drop").status_code == 404
