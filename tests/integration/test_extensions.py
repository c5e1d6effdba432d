"""Promises about more time: asked for before it is due, decided by another, never shortening, told by hand."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service.database import reading, transaction
from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.people import User
from service.sla.explain import explain
from service.tickets import closing, cooperation, extensions, handling
from service.tickets.clocks import clock_of
from service.tickets.models import ClockRow, Ticket
from service.tickets.register import ExtensionRequest, Notification
from tests.factories import COMPLAINT, Desk
from tests.fakes import FakeChannel

WHY = "厂家还没有回复检测结果"


@pytest.fixture
def head(desk: Desk) -> User:
    return desk.person("head", "dept_head", "KFB")


@pytest.fixture
def handler(desk: Desk) -> User:
    return desk.person("li", "agent", "KFB")


@pytest.fixture
def ticket(desk: Desk, handler: User) -> Ticket:
    """A complaint in hand."""
    return desk.accept(desk.ticket(COMPLAINT), handler)


def ask(desk: Desk, ticket: Ticket, by: User, days: int = 3, reason: str = WHY) -> int:
    with desk.doing(ticket, by) as d:
        return extensions.ask(d.session, d.ticket, d.deed, days=days, reason=reason).id


def decide(desk: Desk, ticket: Ticket, by: User, request: int, *, granted: bool = True, note: str = "同意") -> None:
    with desk.doing(ticket, by) as d:
        found = d.session.get_one(ExtensionRequest, request)
        extensions.decide(d.session, found, d.ticket, d.deed, granted=granted, note=note)


def granted(desk: Desk, ticket: Ticket, by: User, judge: User, days: int = 3) -> int:
    request = ask(desk, ticket, by, days)
    desk.later(minutes=1)
    decide(desk, ticket, judge, request)
    return request


def stored(desk: Desk, request: int) -> ExtensionRequest:
    with reading() as session:
        found = session.get_one(ExtensionRequest, request, populate_existing=True)
        session.expunge(found)
    return found


def due(desk: Desk, ticket: Ticket) -> datetime:
    row = desk.clock(ticket, "resolve")
    assert row is not None
    return row.due_at


def lapse(desk: Desk) -> int:
    with transaction() as session:
        return extensions.lapse_due(session, now=desk.now, rules=desk.rules)


def told(desk: Desk, kind: str = "extension") -> list[tuple[object, int | None]]:
    with reading() as session:
        query = select(Notification).where(Notification.kind == kind).order_by(Notification.id)
        return [(row.facts["what"], row.user_id) for row in session.scalars(query)]


def test_asking_names_the_new_due_time_and_moves_nothing(desk: Desk, ticket: Ticket, handler: User, head: User):
    before = due(desk, ticket)

    request = stored(desk, ask(desk, ticket, handler))

    calendar = desk.rules.calendar_for(ticket.department_id)
    assert (request.state, request.days, request.by, request.due_before) == ("pending", 3, "li", before)
    assert request.due_after == calendar.end_of_working_day(before, 3)
    assert due(desk, ticket) == before
    assert desk.reread(ticket).extended_days == 0
    assert told(desk) == [("asked", head.id)]
    event = desk.events(ticket)[-1]
    assert (event.action, event.actor, event.because, event.after["days"]) == ("extension_request", "li", WHY, 3)


def test_a_grant_moves_due_and_the_next_rung_and_the_explanation_adds_up(
    desk: Desk, ticket: Ticket, handler: User, head: User
):
    before, rung = due(desk, ticket), desk.clock(ticket, "resolve").next_rung_at

    request = stored(desk, granted(desk, ticket, handler, head))

    row = desk.clock(ticket, "resolve")
    assert row.due_at == request.due_after > before
    assert row.next_rung_at > rung
    assert desk.reread(ticket).extended_days == 3
    calendar = desk.rules.calendar_for(ticket.department_id)
    steps = explain(clock_of(row), calendar, extended=3)
    assert steps[-1].end == row.due_at
    counted = [step for step in steps if step.minutes]
    assert sum(step.minutes for step in steps) == sum(
        calendar.working_time(step.start, step.end).total_seconds() / 60 for step in counted
    )
    assert [step.why[:10] for step in counted[-3:]] == ["延期第 1 个工作日", "延期第 2 个工作日", "延期第 3 个工作日"]
    assert not any("延期" in step.why for step in counted[:-3])
    event = desk.events(ticket)[-1]
    assert (event.action, event.actor, event.because) == ("extension_granted", "head", "同意")
    assert event.before["resolve_due_at"] == before.isoformat()
    assert event.after["resolve_due_at"] == row.due_at.isoformat()
    assert told(desk)[-1] == ("granted", handler.id)


def test_targets_in_minutes_get_the_minutes_of_normal_days(desk: Desk, ticket: Ticket, handler: User, boss: User):
    with desk.doing(ticket, boss) as d:
        cooperation.classify(
            d.session, d.ticket, d.deed, category="inquiry", priority="high", reason="只是询问办理方法"
        )
    desk.later(minutes=1)
    with desk.doing(ticket, boss) as d:
        cooperation.assign(d.session, d.ticket, d.deed, assignee="boss")
    other = desk.person("other", "supervisor", "QGB")
    before = desk.clock(ticket, "resolve")

    granted(desk, ticket, boss, other, days=1)

    row, calendar = desk.clock(ticket, "resolve"), desk.rules.calendar_for(desk.reread(ticket).department_id)
    assert before.target_unit == "working_minutes"
    assert row.due_at == calendar.add(before.due_at, calendar.normal_day)
    steps = explain(clock_of(row), calendar, extended=1)
    assert sum(step.minutes for step in steps) == row.target_amount
    assert steps[-1].why == "其中含批准的延期 1 个工作日"


def test_what_was_granted_stays_through_a_change_of_category(desk: Desk, ticket: Ticket, handler: User, boss: User):
    granted(desk, ticket, handler, boss, days=5)
    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="complaint", priority="urgent", reason="影响安全")
    first = desk.clock(ticket, "resolve")

    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="complaint", priority="low", reason="已解除")

    assert desk.reread(ticket).extended_days == 5
    assert desk.clock(ticket, "resolve").due_at > first.due_at


def test_a_promise_that_a_calendar_kept_is_not_shortened_by_more_time(desk: Desk, ticket: Ticket, handler: User):
    kept = due(desk, ticket) + timedelta(days=60)
    with transaction() as session:
        session.get_one(ClockRow, (ticket.id, "resolve")).due_at = kept
    boss = desk.person("boss", "supervisor", "QGB")

    granted(desk, ticket, handler, boss, days=1)

    assert due(desk, ticket) == kept


@pytest.mark.parametrize(("days", "fault"), [(0, InvalidInput), (6, InvalidInput), (5, None)])
def test_a_complaint_gets_five_days_at_a_time(
    desk: Desk, ticket: Ticket, handler: User, days: int, fault: type[Exception] | None
):
    if fault is None:
        assert ask(desk, ticket, handler, days)
        return
    with pytest.raises(fault, match="days: at most 5 working days at a time"):
        ask(desk, ticket, handler, days)


def test_a_complaint_gets_them_twice_and_the_second_from_a_supervisor(
    desk: Desk, ticket: Ticket, handler: User, head: User, boss: User
):
    granted(desk, ticket, handler, head, days=5)
    first = due(desk, ticket)
    second = ask(desk, ticket, handler, 5)
    with pytest.raises(Forbidden, match="decided by a supervisor"):
        decide(desk, ticket, head, second)

    decide(desk, ticket, boss, second)

    assert due(desk, ticket) > first
    assert desk.reread(ticket).extended_days == 10
    assert told(desk)[2:] == [("asked", boss.id), ("granted", handler.id)]
    with pytest.raises(IllegalTransition, match="at most 2 times"):
        ask(desk, ticket, handler, 1)


def test_an_inquiry_gets_one_day_once(desk: Desk, agent: User):
    ticket = desk.accept(desk.ticket(), agent)
    boss = desk.person("boss", "supervisor", "QGB")
    with pytest.raises(InvalidInput, match="at most 1 working days"):
        ask(desk, ticket, agent, 2)

    granted(desk, ticket, agent, boss, days=1)

    with pytest.raises(IllegalTransition, match="at most 1 times"):
        ask(desk, ticket, agent, 1)


def test_one_request_waits_at_a_time(desk: Desk, ticket: Ticket, handler: User):
    ask(desk, ticket, handler)

    with pytest.raises(IllegalTransition, match="waits for its decision"):
        ask(desk, ticket, handler)


def test_a_refusal_says_why_moves_nothing_and_is_no_extension(desk: Desk, ticket: Ticket, handler: User, head: User):
    before = due(desk, ticket)
    request = ask(desk, ticket, handler)
    with pytest.raises(InvalidInput, match="note"):
        decide(desk, ticket, head, request, granted=False, note=" ")

    decide(desk, ticket, head, request, granted=False, note="现有时间足够")

    found = stored(desk, request)
    assert (found.state, found.decided_by, found.note) == ("refused", "head", "现有时间足够")
    assert due(desk, ticket) == before
    assert told(desk)[-1] == ("refused", handler.id)
    assert ask(desk, ticket, handler, 5)
    with pytest.raises(IllegalTransition, match="decided, or has lapsed"):
        decide(desk, ticket, head, request)


@pytest.mark.parametrize(
    ("who", "says"),
    [
        (("li", "agent", "KFB"), "role does not allow"),
        (("other", "dept_head", "QGB"), "role does not allow"),
        (("dispatch", "dispatcher", "QGB"), "role does not allow"),
    ],
)
def test_who_may_not_decide(desk: Desk, ticket: Ticket, handler: User, who: tuple[str, str, str], says: str):
    request = ask(desk, ticket, handler)
    person = handler if who[0] == "li" else desk.person(*who)

    with pytest.raises(Forbidden, match=says):
        decide(desk, ticket, person, request)


def test_nobody_grants_what_they_asked_for(desk: Desk, ticket: Ticket, head: User, boss: User):
    for person in (head, boss):
        request = ask(desk, ticket, person)
        with pytest.raises(Forbidden, match="asked for more time does not grant it"):
            decide(desk, ticket, person, request)
        decide(desk, ticket, desk.person(f"other_{person.username}", "admin", "QGB"), request, granted=False, note="不")


def test_it_is_asked_for_before_it_is_due(desk: Desk, ticket: Ticket, handler: User):
    desk.now = due(desk, ticket)

    with pytest.raises(IllegalTransition, match="before that"):
        ask(desk, ticket, handler)


def test_an_answered_ticket_needs_no_more_time(desk: Desk, ticket: Ticket, handler: User):
    desk.answer(ticket, handler)

    with pytest.raises(IllegalTransition, match="before that"):
        ask(desk, ticket, handler)


def test_a_suspended_ticket_may_get_more_time(desk: Desk, ticket: Ticket, handler: User, head: User):
    with desk.doing(ticket, handler) as d:
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=desk.now + timedelta(days=2))
    before = due(desk, ticket)

    granted(desk, ticket, handler, head)

    assert desk.clock(ticket, "resolve").state == "paused"
    assert due(desk, ticket) > before


@pytest.mark.parametrize("ends", ["answered", "withdrawn", "due"])
def test_a_request_lapses_once_when_nobody_decided_in_time(desk: Desk, ticket: Ticket, handler: User, ends: str):
    request = ask(desk, ticket, handler)
    assert lapse(desk) == 0
    if ends == "answered":
        desk.answer(ticket, handler)
    elif ends == "withdrawn":
        with desk.doing(ticket, desk.person("admin", "admin")) as d:
            closing.withdraw(d.session, d.ticket, d.deed, reason="本人撤回")
    else:
        desk.now = due(desk, ticket) + timedelta(seconds=1)

    assert [lapse(desk), lapse(desk)] == [1, 0]

    assert stored(desk, request).state == "lapsed"
    event = desk.events(ticket)[-1]
    assert (event.action, event.actor) == ("extension_lapsed", "system")
    assert told(desk)[-1] == ("lapsed", handler.id)


def test_it_is_too_late_to_decide_once_it_is_due_also_before_the_sweep(
    desk: Desk, ticket: Ticket, handler: User, head: User
):
    request = ask(desk, ticket, handler)
    desk.now = due(desk, ticket)

    with pytest.raises(IllegalTransition, match="before that"):
        decide(desk, ticket, head, request)


def test_the_customer_is_told_by_a_draft_that_nobody_sends(
    desk: Desk, ticket: Ticket, handler: User, head: User, channel: FakeChannel
):
    sent = len(channel.sent)
    granted(desk, ticket, handler, head)
    desk.deliver()
    assert len(channel.sent) == sent

    with reading() as session:
        found = session.get_one(Ticket, ticket.id, populate_existing=True)
        request = extensions.untold(session, found)
        assert request is not None
        draft = extensions.notice(request, found, desk.rules, desk.now)
    assert ticket.number in draft
    assert WHY in draft
    assert f"{due(desk, ticket).astimezone(desk.rules.zone):%H:%M}" in draft
    desk.later(minutes=5)
    desk.reply(ticket, handler, draft, "interim")

    with reading() as session:
        assert extensions.untold(session, session.get_one(Ticket, ticket.id, populate_existing=True)) is None


def test_the_lists_show_what_waits_for_whom(desk: Desk, ticket: Ticket, handler: User, head: User, boss: User):
    stranger = desk.person("stranger", "dept_head", "CWB")
    first = granted(desk, ticket, handler, head)
    second = ask(desk, ticket, handler)

    with reading() as session:
        assert [r.id for r in extensions.waiting(session, boss, 10)] == [second]
        assert [r.id for r in extensions.decided(session, boss, 10)] == [first]
        counts = {u.username: extensions.count_waiting(session, u) for u in (boss, head, handler, stranger)}
        seen = {u.username: len(extensions.listing(session, u).items) for u in (boss, handler, stranger)}
    assert counts == {"boss": 1, "head": 0, "li": 0, "stranger": 0}  # a second one is a supervisor's
    assert seen == {"boss": 2, "li": 2, "stranger": 0}


def test_a_sweep_without_requests_costs_one_statement(
    desk: Desk, ticket: Ticket, counted: Callable[[], AbstractContextManager[list[str]]]
):
    rules = desk.rules
    with transaction() as session, counted() as statements:
        extensions.lapse_due(session, now=desk.now, rules=rules)

    assert len(statements) == 1


def test_granted_days_are_left_too_when_a_matter_that_was_taken_back_is_opened_again(
    desk: Desk, ticket: Ticket, handler: User, head: User
):
    promised = due(desk, ticket)
    granted(desk, ticket, handler, head)
    extended = due(desk, ticket)
    desk.now = promised  # the granted days are all that is left

    with desk.doing(ticket, head) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="客户撤回")
    with desk.doing(ticket, head) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="客户又来信")

    assert due(desk, ticket) == extended
