"""The calendar as administrators change it, and what that does to open tickets: each once, none shortened."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from service import calendars, jobs, rulebook
from service.audit import Event
from service.calendars import Edit
from service.database import reading, transaction
from service.errors import InvalidInput
from service.people import User
from service.sla.importing import Notice
from service.tickets import cooperation, recalculation
from service.tickets.models import Ticket
from tests.calendar_rig import fresh, own_calendar, stale
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import FakeBell
from tests.holidays import notice_2027, off
from tests.page_rig import visitor, words_of

NEW_YEAR = datetime(2026, 12, 30, 2, tzinfo=UTC)  # a Wednesday, 10:00 in Shanghai
CLOSED = {"kind": "holiday", "name": "司庆"}
EVENINGS = {day: [["18:00", "22:00"]] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}


@pytest.fixture(autouse=True)
def editable(app: Flask) -> Iterator[Flask]:
    with own_calendar(app) as changed:
        yield changed


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def edit(desk: Desk, reason: str = "国办通知") -> Edit:
    return Edit("boss", desk.now, reason)


def imported(desk: Desk, notice: Notice) -> calendars.Plan:
    with transaction() as session:
        made = calendars.import_year(session, notice, edit(desk))
    fresh(desk.app)
    return made


def set_day(desk: Desk, day: str, value: dict[str, object] | None, scope: str = "") -> None:
    with transaction() as session:
        calendars.change_day(session, edit(desk), scope=scope, day=date.fromisoformat(day), value=value)
    fresh(desk.app)


def set_hours(desk: Desk, value: dict[str, object] | None, scope: str, name: str = "hours") -> None:
    with transaction() as session:
        calendars.change_week(session, edit(desk), scope=scope, name=name, value=value)
    fresh(desk.app)


def recompute(desk: Desk) -> int:
    """What the worker does once; returns how many tickets it looked at."""
    with transaction() as session:
        return recalculation.recompute_due(session, now=desk.now, rules=desk.rules)


def due(desk: Desk, ticket: Ticket, kind: str = "resolve") -> str:
    row = desk.clock(ticket, kind)
    assert row is not None
    return f"{row.due_at.astimezone(desk.rules.zone):%Y-%m-%d %H:%M}" + ("?" if row.provisional else "")


def events_of_the_calendar() -> list[Event]:
    with reading() as session:
        query = select(Event).where(Event.ticket_id.is_(None), Event.action.startswith("calendar")).order_by(Event.id)
        found = list(session.scalars(query))
        session.expunge_all()
    return found


def moves(desk: Desk, ticket: Ticket) -> list[Event]:
    return [event for event in desk.events(ticket) if event.action == "calendar"]


def complaint(desk: Desk, follower: str = "oFollower0001") -> Ticket:
    """A complaint of the last days of 2026, due in 2027."""
    desk.now = NEW_YEAR
    return desk.ticket(COMPLAINT, follower=follower)


# Import


def test_working_minutes_go_on_at_a_make_up_day(desk: Desk):
    desk.now = datetime(2026, 2, 13, 9, 45, tzinfo=UTC)  # 17:45

    ticket = desk.ticket(INQUIRY)

    assert due(desk, ticket, "first_reply") == "2026-02-14 09:15"


def test_a_due_time_in_an_unannounced_year_is_provisional_until_the_import(desk: Desk, boss: User):
    ticket = complaint(desk)
    before = due(desk, ticket)
    assert before.startswith("2027-01")
    assert before.endswith("?")

    imported(desk, notice_2027())
    recompute(desk)

    assert due(desk, ticket) == before.removesuffix("?")
    event = moves(desk, ticket)[0]
    assert (event.actor, event.because) == ("system", "2027 年日历已确认")
    assert (event.before["provisional"], event.after["provisional"]) == (True, False)
    assert event.before["resolve_due_at"] == event.after["resolve_due_at"]


def test_a_due_time_moves_later_with_a_day_off_more(desk: Desk, boss: User):
    ticket = complaint(desk)
    before = desk.clock(ticket, "resolve")

    imported(desk, notice_2027(off("2027-01-04")))
    recompute(desk)

    after = desk.clock(ticket, "resolve")
    assert before and after and after.due_at == before.due_at + timedelta(days=1)  # noqa: PT018
    event = moves(desk, ticket)[0]
    assert event.before["resolve_due_at"] == before.due_at.isoformat()
    assert event.after["resolve_due_at"] == after.due_at.isoformat()
    assert desk.reread(ticket).version == ticket.version + 1


def test_a_promise_is_not_shortened_by_a_make_up_day(desk: Desk, boss: User):
    ticket = complaint(desk)
    before = due(desk, ticket)

    imported(desk, Notice(2027, without_third()))
    recompute(desk)

    assert due(desk, ticket) == before.removesuffix("?")
    assert moves(desk, ticket)[0].because == "2027 年日历已确认；原承诺不缩短"
    caller = desk.client(boss)
    steps = caller.get(f"/tickets/{ticket.number}/explain").json["clocks"]["resolve"]["steps"]
    assert steps[-1]["why"].startswith("原承诺不缩短")


def without_third() -> tuple[calendars.OfficialDay, ...]:
    """The arrangement with 3 January as a make-up day in place of a day off."""
    third = date(2027, 1, 3)
    days = [each for each in notice_2027().days if each.day != third]
    return (*days, calendars.OfficialDay(third, "makeup_workday", "元旦"))


def test_a_reclassification_with_the_same_target_keeps_the_promise(desk: Desk, boss: User):
    ticket = complaint(desk)
    before = due(desk, ticket).removesuffix("?")
    imported(desk, Notice(2027, without_third()))
    recompute(desk)
    now = desk.reread(ticket)

    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category=now.category, priority=now.priority, reason="复核")

    assert due(desk, ticket) == before


def test_the_same_import_twice_changes_nothing(desk: Desk, boss: User):
    ticket = complaint(desk)
    assert imported(desk, notice_2027()).rows
    recompute(desk)
    version, history = desk.rules.version, len(desk.events(ticket))

    again = imported(desk, notice_2027())
    recompute(desk)

    assert (again.rows, again.diff.all) == ({}, ())
    assert (desk.rules.version, len(desk.events(ticket)), len(events_of_the_calendar())) == (version, history, 1)


def test_an_import_is_on_record_with_who_what_and_why(desk: Desk, boss: User, bell: FakeBell):
    imported(desk, notice_2027())

    [event] = events_of_the_calendar()
    assert (event.actor, event.action, event.because) == ("boss", "calendar_imported", "国办通知")
    assert event.after["2027"] == {"key": "2027", "confirmed": True, "papers": ["https://www.gov.cn/2027.htm"]}
    assert event.after["about"] == "2027"
    assert event.before == {}
    assert "recompute" in bell.rung


def test_the_diff_is_told_against_what_was_expected(desk: Desk):
    with reading() as session:
        planned = calendars.plan(session, notice_2027())

    added = {each.day for each in planned.diff.added}
    assert date(2027, 1, 2) in added
    assert date(2027, 1, 1) not in added  # a statutory day, known before
    assert desk.rules.calendar.confirmed_years == {2025, 2026}


def test_a_correction_takes_days_back_and_an_upgrade_does_not_bring_them(desk: Desk, app: Flask):
    imported(desk, notice_2027(off("2027-01-04")))

    made = imported(desk, notice_2027())
    with transaction() as session:
        rulebook.install(session, now=desk.now)
    fresh(app)

    assert [each.day for each in made.diff.removed] == [date(2027, 1, 4)]
    assert desk.rules.calendar.intervals_on(date(2027, 1, 4))


def test_a_later_notice_decides_the_december_before_for_good(desk: Desk):
    with reading() as session:
        rows = calendars.rows_of(session)
        known = [(row, key) for key, row in rows.items() if key.startswith("2026-")]
        days = [calendars.official(date.fromisoformat(key), row.value) for row, key in known]
    notice_2026 = Notice(2026, tuple(day for day in days if day))
    imported(desk, notice_2027(off("2026-12-31")))

    made = imported(desk, notice_2026)

    assert made.rows == {}
    assert desk.rules.calendar.intervals_on(date(2026, 12, 31)) == ()


def test_the_companys_own_days_outlive_an_import(desk: Desk):
    set_day(desk, "2027-01-05", CLOSED)

    imported(desk, notice_2027())

    assert desk.rules.calendar.intervals_on(date(2027, 1, 5)) == ()


# Recomputation


def test_a_worker_that_was_killed_goes_on_where_it_stopped(desk: Desk, boss: User, monkeypatch: pytest.MonkeyPatch):
    tickets = [complaint(desk, f"oFollower{number:04}") for number in range(5)]
    imported(desk, notice_2027())
    monkeypatch.setattr(recalculation, "BATCH", 2)
    assert recompute(desk) == 2

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(recalculation, "told", killed)
        with pytest.raises(KeyboardInterrupt):
            recompute(desk)
    seen = [recompute(desk), recompute(desk), recompute(desk)]

    assert seen == [2, 1, 0]
    assert [len(moves(desk, ticket)) for ticket in tickets] == [1] * 5


def test_the_job_works_off_all_of_them_and_no_more(desk: Desk, boss: User, monkeypatch: pytest.MonkeyPatch):
    tickets = [complaint(desk, f"oFollower{number:04}") for number in range(3)]
    imported(desk, notice_2027())
    monkeypatch.setattr(recalculation, "BATCH", 1)
    monkeypatch.setattr(jobs, "RECOMPUTED", 2)

    jobs.recompute()
    rung = list(desk.app.extensions["doorbell"].rung)
    jobs.recompute()

    assert rung[-1] == "recompute"  # there was more to do
    assert [len(moves(desk, ticket)) for ticket in tickets] == [1] * 3


def test_what_a_process_computed_with_old_rules_is_computed_again(desk: Desk, boss: User):
    old = desk.rules
    imported(desk, notice_2027(off("2027-01-04")))
    with stale(desk.app, old):
        ticket = complaint(desk)
    fresh(desk.app)

    assert recompute(desk) == 1
    assert not due(desk, ticket).endswith("?")


def test_a_change_of_a_ticket_under_old_rules_is_not_hidden(desk: Desk, boss: User):
    old = desk.rules
    ticket = complaint(desk)
    imported(desk, notice_2027())
    recompute(desk)
    with stale(desk.app, old):
        desk.accept(ticket, boss)
    fresh(desk.app)

    assert recompute(desk) == 1
    assert recompute(desk) == 0


def test_what_is_closed_is_left_alone(desk: Desk, boss: User):
    ticket = complaint(desk)
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket.id).values(closed_at=desk.now))

    imported(desk, notice_2027())

    assert recompute(desk) == 0


def test_a_ticket_that_the_calendar_does_not_touch_has_no_event(desk: Desk, boss: User):
    ticket = desk.ticket(INQUIRY)
    version = desk.reread(ticket).version

    imported(desk, notice_2027())

    assert recompute(desk) == 1
    assert recompute(desk) == 0
    assert (moves(desk, ticket), desk.reread(ticket).version) == ([], version)


# Own days, hours, departments


def test_a_company_holiday_moves_what_is_open(desk: Desk, boss: User):
    ticket = desk.ticket(INQUIRY)
    assert due(desk, ticket) == "2026-03-05 18:00"

    set_day(desk, "2026-03-05", CLOSED)
    recompute(desk)

    assert due(desk, ticket) == "2026-03-06 18:00"
    assert moves(desk, ticket)[0].because == "2026 年日历有变更"
    assert [event.action for event in events_of_the_calendar()] == ["calendar_day_changed"]


def test_a_day_taken_back_does_not_shorten_what_was_promised(desk: Desk, boss: User):
    ticket = desk.ticket(INQUIRY)
    set_day(desk, "2026-03-05", CLOSED)
    recompute(desk)

    set_day(desk, "2026-03-05", None)
    recompute(desk)

    assert due(desk, ticket) == "2026-03-06 18:00"
    assert len(moves(desk, ticket)) == 1
    assert events_of_the_calendar()[1].before["*:2026-03-05"] == CLOSED | {"key": "*:2026-03-05"}


def test_a_department_works_at_its_own_hours(desk: Desk, boss: User):
    set_hours(desk, EVENINGS, "KFB")

    inquiry, complained = desk.ticket(INQUIRY), desk.ticket(COMPLAINT, follower="oFollower0002")

    assert due(desk, inquiry, "first_reply") == "2026-03-04 10:00"
    assert due(desk, complained, "first_reply") == "2026-03-04 18:30"


def test_a_transfer_takes_the_clocks_to_the_other_departments_hours(desk: Desk, boss: User):
    set_hours(desk, EVENINGS, "CWB")
    ticket = desk.ticket(INQUIRY)

    with desk.doing(ticket, boss) as d:
        cooperation.transfer(d.session, d.ticket, d.deed, department="CWB", reason="发票问题")

    row, moved = desk.clock(ticket, "first_reply"), desk.reread(ticket)
    assert due(desk, ticket, "first_reply") == "2026-03-04 18:30"
    assert row and row.started_at == ticket.received_at == moved.received_at  # noqa: PT018
    caller = desk.client(boss)
    why = caller.get(f"/tickets/{ticket.number}/explain").json["clocks"]["first_reply"]
    assert [step["minutes"] for step in why["steps"] if step["minutes"]] == [30]


@pytest.mark.parametrize("by_hand", [True, False])
def test_new_targets_are_reckoned_at_the_hours_of_the_department_that_gets_the_ticket(
    desk: Desk, boss: User, *, by_hand: bool
):
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    set_hours(desk, {day: [["09:00", "18:00"]] for day in week}, "KFB")
    ticket = desk.ticket(INQUIRY if by_hand else COMPLAINT)

    if by_hand:
        with desk.doing(ticket, boss) as d:
            cooperation.classify(d.session, d.ticket, d.deed, category="complaint", priority="high", reason="是投诉")

    # three working days after Wednesday, of which Saturday is one there: nobody was promised Monday
    assert desk.reread(ticket).department_id == desk.rules.departments["KFB"]
    assert due(desk, ticket) == "2026-03-07 18:00"


def test_a_department_may_go_back_to_the_companys_hours(desk: Desk, boss: User):
    set_hours(desk, EVENINGS, "KFB")

    set_hours(desk, None, "KFB")

    assert desk.rules.calendars == {}


@pytest.mark.parametrize(
    ("value", "why"),
    [({}, "never open"), ({"monday": [["10:00", "09:00"]]}, "backwards"), ({"someday": []}, "no weekday")],
)
def test_hours_that_cannot_be_are_refused(desk: Desk, value: dict[str, object], why: str):
    with pytest.raises(InvalidInput):
        set_hours(desk, value, "KFB")

    assert events_of_the_calendar() == [], why


def test_natural_time_runs_around_the_clock_once_nights_are_staffed(desk: Desk, boss: User):
    set_hours(desk, {"nights_staffed": True}, "", "duty")

    assert desk.rules.calendar.natural.is_open(desk.now + timedelta(hours=14))


def test_the_tickets_page_tells_what_the_calendar_did(desk: Desk, boss: User):
    ticket = complaint(desk)
    imported(desk, Notice(2027, without_third()))
    recompute(desk)

    words = words_of(visitor(desk.app, boss).get(f"/tickets/{ticket.number}"))

    assert "日历变更" in words
    assert "2027 年日历已确认；原承诺不缩短" in words
    assert "办结时限" in words
