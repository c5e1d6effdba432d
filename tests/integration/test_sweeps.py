"""What happens by itself when an instant has passed: once, in bounded batches, harmless when repeated."""

from datetime import timedelta

import pytest

from service.database import transaction
from service.people import User
from service.tickets import closing, cooperation, handling, sweeps
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.factories import Desk


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def mark(desk: Desk) -> int:
    with transaction() as session:
        return sweeps.mark_overdue(session, now=desk.now, rules=desk.rules)


def wake(desk: Desk) -> int:
    with transaction() as session:
        return sweeps.wake(session, now=desk.now, rules=desk.rules)


def suspended(desk: Desk, boss: User, **length: float) -> Ticket:
    ticket = desk.accept(desk.ticket(), boss)
    with desk.doing(ticket, boss) as d:
        until = desk.now + timedelta(**length)
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=until)
    return desk.reread(ticket)


def test_due_exactly_now_is_not_late_and_a_moment_later_is(desk: Desk):
    ticket = desk.ticket()
    desk.now = desk.clock(ticket, "accept").due_at
    assert mark(desk) == 0
    assert not desk.reread(ticket).overdue

    desk.later(milliseconds=1)

    assert mark(desk) == 1
    late = desk.reread(ticket)
    assert late.overdue
    assert {row.kind: row.state for row in late.clocks} == {
        "accept": "breached",
        "first_reply": "breached",
        "resolve": "running",
    }


def test_what_became_late_is_written_down_once(desk: Desk):
    ticket = desk.ticket()
    desk.later(hours=1)

    marked = [mark(desk), mark(desk)]

    event = desk.events(ticket)[-1]
    assert marked == [1, 0]
    assert [e.action for e in desk.events(ticket)].count("overdue") == 1
    assert (event.actor, event.before["overdue"], event.after["overdue"]) == ("system", False, True)
    assert desk.reread(ticket).version == ticket.version + 1


def test_an_act_need_not_wait_for_the_sweep_to_find_a_clock_late(desk: Desk, boss: User):
    ticket = desk.ticket()
    desk.later(hours=1)

    taken = desk.accept(ticket, boss)

    assert taken.overdue
    assert desk.clock(ticket, "first_reply").state == "breached"


def test_the_next_clock_is_looked_at_when_it_is_due(desk: Desk):
    ticket = desk.ticket()
    desk.later(hours=1)
    mark(desk)
    desk.now = desk.clock(ticket, "resolve").due_at + timedelta(seconds=1)

    assert mark(desk) == 1
    assert desk.clock(ticket, "resolve").state == "breached"
    assert desk.reread(ticket).breach_at is None


def test_a_clock_that_stands_still_is_not_late(desk: Desk, boss: User):
    ticket = suspended(desk, boss, days=7)
    desk.reply(ticket, boss, "正在核实", "interim")
    desk.deliver()
    desk.later(days=6)
    mark(desk)

    assert desk.clock(ticket, "resolve").state == "paused"
    assert not desk.reread(ticket).overdue


def test_a_batch_is_bounded_and_the_rest_comes_next(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    for number in range(5):
        desk.says("请问几点上班", follower=f"oFollower{number:04}")
    monkeypatch.setattr(sweeps, "BATCH", 2)
    desk.later(hours=1)

    assert [mark(desk), mark(desk), mark(desk), mark(desk)] == [2, 2, 1, 0]


def test_a_suspension_ends_on_its_date(desk: Desk, boss: User):
    ticket = suspended(desk, boss, days=2)
    desk.later(days=2, seconds=-1)
    assert wake(desk) == 0

    desk.later(seconds=1)

    assert wake(desk) == 1
    awake = desk.reread(ticket)
    assert (awake.status, awake.wake_at, awake.suspend_reason) == (Status.IN_PROGRESS, None, None)
    assert (desk.events(ticket)[-1].actor, desk.events(ticket)[-1].action) == ("system", "resume")
    assert wake(desk) == 0


def test_who_writes_wakes_it_before(desk: Desk, boss: User):
    ticket = suspended(desk, boss, days=2)
    desk.later(days=1)
    desk.says("配件到了吗")
    events = len(desk.events(ticket))

    desk.later(days=2)

    assert (desk.reread(ticket).status, wake(desk)) == (Status.IN_PROGRESS, 0)
    assert len(desk.events(ticket)) == events


def test_what_was_transferred_meanwhile_is_not_woken(desk: Desk, boss: User):
    ticket = suspended(desk, boss, days=2)
    with desk.doing(ticket, boss) as d:
        cooperation.transfer(d.session, d.ticket, d.deed, department="CWB", reason="发票问题")
    desk.later(days=3)

    assert wake(desk) == 0
    assert desk.reread(ticket).status is Status.PENDING_ACCEPTANCE


def test_what_has_ended_is_left_alone(desk: Desk, boss: User):
    ticket = suspended(desk, boss, days=2)
    with desk.doing(ticket, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    version = desk.reread(ticket).version
    desk.later(days=30)

    assert (mark(desk), wake(desk), desk.reread(ticket).version) == (0, 0, version)


def test_a_sweep_reads_a_bounded_number_of_statements(desk: Desk, counted):
    for number in range(20):
        desk.says("请问几点上班", follower=f"oFollower{number:04}")
    desk.later(hours=1)

    with counted() as statements:
        assert mark(desk) == 20

    assert len([s for s in statements if s.startswith("SELECT")]) <= 4
