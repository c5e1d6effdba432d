"""The ladder at work: each rung once, in order, whoever looks, whatever dies, however long nobody looked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import pytest
from sqlalchemy import event, select, text

from service.database import db, reading, transaction
from service.people import User
from service.rulebook import Rulebook
from service.sla.calendar import DayException
from service.tickets import closing, cooperation, escalation, handling, recalculation, sweeps
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.register import Escalation
from service.tickets.states import Status
from tests.factories import COMPLAINT, MORNING, Desk
from tests.integration.test_races import at_once

# an inquiry's 30 minutes from 09:30 are due at 10:00, to be accepted and to be answered
LADDER = [
    ("accept", "unclaimed", "09:45"),
    ("first_reply", "warning", "09:52"),
    ("accept", "soon", "09:57"),
    ("first_reply", "soon", "09:57"),
    ("accept", "overdue", "10:00"),
    ("first_reply", "overdue", "10:00"),
    ("first_reply", "supervision/reply", "11:00"),
]
NEXT_DAY = [
    ("first_reply", "yellow", "18:00"),
    ("resolve", "warning", "16:07"),
    ("resolve", "soon", "17:15"),
    ("resolve", "overdue", "18:00"),
]


def escalate(desk: Desk, rules: Rulebook | None = None) -> int:
    """One batch at this desk's time."""
    given = rules or desk.rules
    with transaction() as session:
        return escalation.escalate_due(session, now=desk.now, rules=given)


def steps(desk: Desk, ticket: Ticket) -> list[tuple[str, str, str]]:
    """Clock, rung and the instant that was set for it, in the order in which they were taken."""
    with reading() as session:
        query = select(Escalation).where(Escalation.ticket_id == ticket.id).order_by(Escalation.id)
        rows = session.scalars(query).all()
        return [(row.clock, row.rung, f"{row.reached_at + timedelta(hours=8):%H:%M}") for row in rows]


def told(desk: Desk, ticket: Ticket) -> list[tuple[object, object]]:
    """The same from the ticket's events."""
    found = [e for e in desk.events(ticket) if e.action == "escalate"]
    return [(e.after["clock"], e.after["rung"]) for e in found]


def at(clock_time: str, days: int = 0) -> datetime:
    """A time of day in Shanghai, on the Wednesday on which the desk begins or later."""
    hour, minute = map(int, clock_time.split(":"))
    return datetime(2026, 3, 4, hour, minute, tzinfo=UTC) - timedelta(hours=8) + timedelta(days=days)


@pytest.fixture
def ticket(desk: Desk) -> Ticket:
    """An inquiry of 09:30 that nobody has taken."""
    assert desk.now == MORNING
    return desk.ticket()


def test_each_rung_is_taken_when_it_is_reached(desk: Desk, ticket: Ticket):
    taken = 0
    for _ in range(95):
        escalate(desk)
        now_taken = len(steps(desk, ticket))
        new, taken = steps(desk, ticket)[taken:], now_taken
        assert all(timedelta() < desk.now - at(reached) < timedelta(minutes=2) for _, _, reached in new)
        desk.later(minutes=1)

    assert steps(desk, ticket) == LADDER
    assert told(desk, ticket) == [(clock, rung) for clock, rung, _ in LADDER]


def test_what_is_reached_exactly_now_is_taken_a_moment_later(desk: Desk, ticket: Ticket):
    desk.now = at("09:45")
    assert escalate(desk) == 0

    desk.later(microseconds=1)

    assert escalate(desk) == 1
    assert steps(desk, ticket) == LADDER[:1]
    assert desk.clock(ticket, "accept").next_rung_at == at("09:57")


def test_two_schedulers_at_once_take_each_rung_once(desk: Desk):
    tickets = [desk.ticket(follower=f"oFollower{number:04}") for number in range(8)]
    rules = desk.rules
    for minutes in (20, 5, 30, 60):
        desk.later(minutes=minutes)
        at_once(desk, *[lambda: escalate(desk, rules)] * 3)
        at_once(desk, *[lambda: escalate(desk, rules)] * 2)  # those that were locked elsewhere

    for ticket in tickets:
        found = told(desk, ticket)
        for kind in ("accept", "first_reply"):
            climbed = [rung for clock, rung in found if clock == kind]
            assert climbed == [rung for clock, rung, _ in LADDER if clock == kind], "none skipped and none twice"
        assert len(steps(desk, ticket)) == len(found)


def test_after_a_rest_of_a_day_all_that_was_missed_is_taken_in_order(desk: Desk, ticket: Ticket):
    desk.now = at("19:00", days=1)
    looked_at = [escalate(desk), escalate(desk)]

    found = steps(desk, ticket)
    assert looked_at == [3, 0]
    assert sorted(found) == sorted(LADDER + NEXT_DAY)
    for clock in ("accept", "first_reply", "resolve"):
        assert [step for step in found if step[0] == clock] == [
            step for step in [*LADDER, *sorted(NEXT_DAY, key=lambda step: step[2])] if step[0] == clock
        ]
    assert desk.reread(ticket).supervision == "yellow"


def test_a_clock_that_goes_back_an_hour_and_forth_repeats_and_skips_nothing(desk: Desk, ticket: Ticket):
    desk.now = at("09:53")
    escalate(desk)
    desk.later(hours=-1)
    assert escalate(desk) == 0
    desk.later(hours=2)
    escalate(desk)
    desk.later(hours=-1)
    assert escalate(desk) == 0

    desk.now = at("11:30")
    escalate(desk)

    assert sorted(steps(desk, ticket)) == sorted(LADDER)


@contextmanager
def dying_at(number: int) -> Iterator[None]:
    """A process that ends as it says its nth statement to the database."""
    said = count()

    def die(*_: object) -> None:
        if next(said) == number:
            raise SystemExit("killed")

    event.listen(db.engine, "before_cursor_execute", die)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", die)


def test_a_worker_that_dies_at_any_moment_leaves_nothing_half_done(desk: Desk, ticket: Ticket):
    rules, desk.now = desk.rules, at("10:30")
    died = 0
    while steps(desk, ticket) == []:
        with suppress(SystemExit), dying_at(died):
            escalate(desk, rules)
        died += not told(desk, ticket)

    assert died > 5
    assert sorted(steps(desk, ticket)) == sorted(LADDER[:6])
    assert len(told(desk, ticket)) == 6


def test_a_ticket_that_somebody_has_in_hand_comes_with_the_next_round(desk: Desk, ticket: Ticket):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer")
    desk.now, rules = at("09:50"), desk.rules
    with db.engine.begin() as elsewhere:
        elsewhere.execute(text("SELECT id FROM tickets WHERE id = :id FOR UPDATE"), {"id": ticket.id})
        assert escalate(desk, rules) == 0
    assert steps(desk, ticket) == []

    assert escalate(desk, rules) == 1
    assert steps(desk, ticket) == LADDER[:1]


def test_a_batch_is_bounded_and_the_rest_comes_next(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    for number in range(5):
        desk.says("请问几点上班", follower=f"oFollower{number:04}")
    monkeypatch.setattr(escalation, "BATCH", 2)
    desk.later(minutes=20)

    assert [escalate(desk) for _ in range(4)] == [2, 2, 1, 0]


def test_what_has_no_rung_left_is_not_looked_at_again(desk: Desk, ticket: Ticket):
    desk.later(days=30)
    escalate(desk)
    desk.later(days=30)

    assert escalate(desk) == 0
    assert {row.next_rung_at for row in desk.reread(ticket).clocks} == {None}
    assert [rung for clock, rung, _ in steps(desk, ticket) if clock == "resolve"] == [
        "warning",
        "soon",
        "overdue",
        "supervision/resolve",
        "yellow",
        "red",
    ]


# ---- what happens to the ticket meanwhile


def act(desk: Desk, ticket: Ticket, by: User, deed: Callable[..., object], **words: object) -> None:
    with desk.doing(ticket, by) as d:
        deed(d.session, d.ticket, d.deed, **words)


def of_clock(desk: Desk, ticket: Ticket, kind: str) -> Sequence[tuple[str, str]]:
    return [(rung, reached) for clock, rung, reached in steps(desk, ticket) if clock == kind]


def test_what_is_met_or_over_tells_nobody(desk: Desk, ticket: Ticket, agent: User):
    desk.accept(ticket, agent)
    desk.later(minutes=1)
    act(desk, ticket, agent, closing.close, reason="电话中已说明")
    desk.later(days=5)

    assert escalate(desk) == 0
    assert steps(desk, ticket) == []


def test_a_pause_takes_the_next_instant_away_and_its_end_gives_one_back(desk: Desk, ticket: Ticket, agent: User):
    desk.accept(ticket, agent)
    desk.reply(ticket, agent, "正在核实", "interim")
    desk.deliver()
    assert desk.clock(ticket, "resolve").next_rung_at == at("16:07", days=1) + timedelta(seconds=30)
    desk.now = at("16:00", days=1)
    act(desk, ticket, agent, handling.suspend, reason="等配件", until=at("10:00", days=5))
    assert {row.next_rung_at for row in desk.reread(ticket).clocks} == {None}

    desk.now = at("10:00", days=5) + timedelta(seconds=1)
    escalate(desk)
    assert of_clock(desk, ticket, "resolve") == []
    with transaction() as session:
        sweeps.wake(session, now=desk.now, rules=desk.rules)

    # Thursday 16:00 to Monday 10:00: seven and a half minutes were left until three quarters
    assert desk.reread(ticket).status is Status.IN_PROGRESS
    left = timedelta(minutes=7, seconds=31)
    assert desk.clock(ticket, "resolve").next_rung_at == at("10:00", days=5) + left
    desk.later(minutes=8)
    escalate(desk)
    assert [rung for rung, _ in of_clock(desk, ticket, "resolve")] == ["warning"]


def test_a_reopened_ticket_has_a_new_run_with_all_its_rungs(desk: Desk, ticket: Ticket, agent: User):
    desk.accept(ticket, agent)
    desk.now = at("17:30", days=1)
    escalate(desk)
    act(desk, ticket, agent, closing.close, reason="电话中已说明")
    first = of_clock(desk, ticket, "resolve")
    assert [rung for rung, _ in first] == ["warning", "soon"]

    desk.now = at("09:00", days=2)
    act(desk, ticket, agent, closing.reopen, reason="还有问题")
    desk.now = at("18:00", days=6)
    escalate(desk)

    again = of_clock(desk, ticket, "resolve")[2:]
    assert [rung for rung, _ in again][:4] == ["warning", "soon", "overdue", "supervision/resolve"]
    assert again[0] == ("warning", "11:48"), "three quarters of half a day's 225 minutes after 09:00"


def test_a_shorter_target_repeats_no_rung(desk: Desk, ticket: Ticket, boss: User):
    desk.now = at("16:10", days=1)
    escalate(desk)
    assert of_clock(desk, ticket, "resolve") == [("warning", "16:07")]

    act(desk, ticket, boss, cooperation.classify, category="inquiry", priority="high", reason="着急")
    desk.later(minutes=1)
    escalate(desk)

    # 240 minutes from Wednesday 09:30 are full at 15:00
    assert of_clock(desk, ticket, "resolve") == [
        ("warning", "16:07"),
        ("soon", "14:36"),
        ("overdue", "15:00"),
        ("supervision/resolve", "09:45"),
    ]


def test_a_clock_that_was_dropped_and_runs_again_from_its_start_repeats_no_rung(desk: Desk, ticket: Ticket, boss: User):
    other = desk.ticket(follower="oFollower0002")
    desk.now = at("09:50")
    escalate(desk)
    for category in ("praise", "inquiry"):  # a slip, and its correction: praise has no clocks
        act(desk, ticket, boss, cooperation.classify, category=category, reason="看错了")
    desk.now = at("09:53")

    escalate(desk)

    assert steps(desk, ticket) == LADDER[:2]
    assert steps(desk, other) == LADDER[:2], "nor does it hold up the others"
    assert desk.clock(ticket, "accept").next_rung_at == at("09:57")


def test_a_department_with_other_hours_has_other_instants(desk: Desk, ticket: Ticket, agent: User):
    desk.accept(ticket, agent)
    rules = desk.rules
    hours = {day: ((time(11), time(18)),) for day in range(5)}
    late = replace(rules.calendar, week=hours, days={})
    other = replace(rules, calendars={**rules.calendars, rules.departments["CWB"]: late})

    with transaction() as session:
        found = session.get_one(Ticket, ticket.id)
        deed = Deed(by=session.get_one(User, agent.id), now=desk.now, rules=other)
        cooperation.transfer(session, found, deed, department="CWB", reason="发票问题")
    desk.later(microseconds=1)

    # their day is 11:00 to 18:00: three quarters of Thursday's seven hours
    assert desk.clock(ticket, "resolve").next_rung_at == at("16:15", days=1)


def test_a_calendar_that_changes_moves_what_is_not_taken(desk: Desk, ticket: Ticket, agent: User):
    desk.accept(ticket, agent)
    rules = desk.rules
    days = {**rules.calendar.days, date(2026, 3, 5): DayException("司庆", "holiday")}
    calendar, version = replace(rules.calendar, days=days), rules.calendar_version + 1
    free = replace(rules, calendar=calendar, calendar_version=version)

    with transaction() as session:
        recalculation.recompute_due(session, now=desk.now, rules=free)

    assert desk.clock(ticket, "resolve").next_rung_at == at("16:07", days=2) + timedelta(seconds=30)


def test_what_is_urgent_at_intake_climbs_at_once_by_its_own_targets(desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    desk.now = at("09:53") + timedelta(seconds=1)
    escalate(desk)

    # a complaint of high priority is to be accepted within 15 minutes, and answered within 30
    assert steps(desk, ticket) == [
        ("accept", "unclaimed", "09:37"),
        ("accept", "soon", "09:43"),
        ("accept", "overdue", "09:45"),
        ("first_reply", "warning", "09:52"),
    ]
