"""What a handler does with a ticket: each act moves it by the table, writes one event, makes it a version newer."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from service.errors import IllegalTransition, InvalidInput, NotFound
from service.people import User
from service.tickets import closing, cooperation, followup, handling
from service.tickets.states import Status
from tests.factories import Desk, Doing
from tests.fakes import FakeChannel


def accept(d: Doing) -> None:
    handling.accept(d.session, d.ticket, d.deed, plan="先看现场")


def suspend(d: Doing) -> None:
    handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=d.deed.now + timedelta(days=2))


ACTS: dict[str, tuple[str, Callable[[Doing], object], dict[str, object], str]] = {
    # name of the event: state it begins in, the act, what the event says beside the status, and why
    "accept": ("new", accept, {"assignee": "zhang"}, "先看现场"),
    "note": ("new", lambda d: handling.note(d.session, d.ticket, "内部说明", d.deed), {}, ""),
    "suspend": ("taken", suspend, {}, "等配件"),
    "resume": ("suspended", lambda d: handling.resume(d.session, d.ticket, d.deed), {}, ""),
    "classify": (
        "taken",
        lambda d: cooperation.classify(d.session, d.ticket, d.deed, category="praise", reason="是表扬"),
        {"category": "praise", "priority": "low"},
        "是表扬",
    ),
    "transfer": (
        "taken",
        lambda d: cooperation.transfer(d.session, d.ticket, d.deed, department="CWB", reason="发票问题"),
        {"department": "CWB", "assignee": None},
        "发票问题",
    ),
    "assign": (
        "new",
        lambda d: cooperation.assign(d.session, d.ticket, d.deed, assignee="zhang"),
        {"assignee": "zhang"},
        "",
    ),
    "decline": (
        "new",
        lambda d: closing.decline(d.session, d.ticket, d.deed, reason="不归我们管", refer_to="街道办"),
        {"status": "declined", "refer_to": "街道办"},
        "不归我们管",
    ),
    "withdraw": ("taken", lambda d: closing.withdraw(d.session, d.ticket, d.deed, reason="本人撤回"), {}, "本人撤回"),
    "invalid": ("taken", lambda d: closing.invalidate(d.session, d.ticket, d.deed, reason="广告"), {}, "广告"),
    "close": ("taken", lambda d: closing.close(d.session, d.ticket, d.deed, reason="电话中已说明"), {}, "电话中已说明"),
    "reopen": ("closed", lambda d: closing.reopen(d.session, d.ticket, d.deed, reason="又坏了"), {}, "又坏了"),
    "follow_up_solved": (
        "answered",
        lambda d: followup.follow_up(d.session, d.ticket, d.deed, result="solved", satisfaction=5, note="满意"),
        {"result": "solved", "satisfaction": 5},
        "满意",
    ),
}
BECOMES = {  # what the event says about the status; absent: the act leaves it alone
    "accept": ("pending_acceptance", "in_progress"),
    "suspend": ("in_progress", "suspended"),
    "resume": ("suspended", "in_progress"),
    "transfer": ("in_progress", "pending_acceptance"),
    "decline": ("pending_acceptance", "declined"),
    "withdraw": ("in_progress", "withdrawn"),
    "invalid": ("in_progress", "invalid"),
    "close": ("in_progress", "closed"),
    "reopen": ("closed", "in_progress"),
    "follow_up_solved": ("answered", "closed"),
}


def prepare(desk: Desk, state: str, by: User):  # type: ignore[no-untyped-def]
    ticket = desk.ticket()
    if state == "new":
        return ticket
    if state == "answered":
        return desk.answer(ticket, by)
    desk.accept(ticket, by)
    acts = {"taken": None, "suspended": suspend, "closed": ACTS["close"][1]}
    if (act := acts[state]) is not None:
        with desk.doing(ticket, by) as d:
            act(d)
    return desk.reread(ticket)


@pytest.mark.parametrize("name", ACTS)
def test_an_act_writes_one_event_that_says_who_did_what_from_what_to_what_and_why(desk: Desk, name: str):
    state, act, says, why = ACTS[name]
    person = desk.person(role="admin", department="QGB")
    ticket = prepare(desk, state, person)
    written = len(desk.events(ticket))
    desk.later(minutes=1)

    with desk.doing(ticket, person) as d:
        act(d)

    (event,) = desk.events(ticket)[written:]
    assert (event.action, event.actor, event.because, event.at) == (name, "zhang", why, desk.now)
    assert says.items() <= event.after.items()
    assert (event.before.get("status"), event.after.get("status")) == BECOMES.get(name, (None, None))
    assert set(event.before) <= set(event.after)
    assert all(event.before[key] != event.after[key] for key in event.before)
    assert desk.reread(ticket).version == ticket.version + 1


def test_a_refused_act_changes_nothing(desk: Desk):
    person = desk.person(role="admin", department="QGB")
    ticket = desk.accept(desk.ticket(), person)
    written = len(desk.events(ticket))

    with pytest.raises(IllegalTransition), desk.doing(ticket, person) as d:
        handling.accept(d.session, d.ticket, d.deed)

    assert desk.reread(ticket).version == ticket.version
    assert len(desk.events(ticket)) == written


def test_accepting_meets_the_accept_clock_and_makes_it_mine(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    promise = desk.now + timedelta(days=1)

    with desk.doing(ticket, person) as d:
        handling.accept(d.session, d.ticket, d.deed, promise_at=promise)

    taken = desk.reread(ticket)
    assert (taken.assignee_id, taken.accepted_at, taken.promise_at) == (person.id, desk.now, promise)
    assert (desk.clock(ticket, "accept").state, desk.clock(ticket, "accept").met_at) == ("met", desk.now)
    assert desk.clock(ticket, "first_reply").state == "running"


def test_accepting_late_is_met_after_it_was_due(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    desk.later(hours=1)
    desk.sweep()
    assert desk.reread(ticket).overdue

    taken = desk.accept(ticket, person)

    clock = desk.clock(ticket, "accept")
    assert clock.state == "met"
    assert clock.met_at == desk.now > clock.due_at
    assert taken.overdue  # the first reply is late too


def test_two_who_accept_at_once_are_not_both_told_that_it_is_theirs(desk: Desk):
    people = [desk.person(name, department="QGB") for name in ("zhang", "wang")]
    ticket, refused = desk.ticket(), []
    together = threading.Barrier(2)

    def take(person: User) -> None:
        with desk.app.app_context():
            together.wait()
            try:
                desk.accept(ticket, person)
            except IllegalTransition:
                refused.append(person.username)

    threads = [threading.Thread(target=take, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (loser,) = refused
    taken = desk.reread(ticket)
    assert taken.assignee.username != loser
    assert [e.action for e in desk.events(ticket)].count("accept") == 1


def test_replying_accepts_for_its_author(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()

    desk.reply(ticket, person, kind="interim")

    taken = desk.reread(ticket)
    assert (taken.status, taken.assignee_id, taken.accepted_at) == (Status.IN_PROGRESS, person.id, desk.now)
    assert desk.clock(ticket, "accept").state == "met"
    assert [e.action for e in desk.events(ticket)][-1] == "reply"


def test_replying_after_a_transfer_takes_it_for_the_new_department(desk: Desk):
    first, second = desk.person(department="QGB"), desk.person("wang", department="CWB")
    ticket = desk.accept(desk.ticket(), first)
    with desk.doing(ticket, first) as d:
        cooperation.transfer(d.session, d.ticket, d.deed, department="CWB", reason="发票问题")

    desk.reply(ticket, second, kind="interim")

    taken = desk.reread(ticket)
    assert (taken.status, taken.assignee_id) == (Status.IN_PROGRESS, second.id)
    assert taken.accepted_at == ticket.accepted_at  # the first department's acceptance stands


def test_asking_waits_for_the_customer_whose_word_ends_the_wait(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    desk.reply(ticket, person, "请问房号是多少", "ask")
    desk.deliver()
    due = desk.clock(ticket, "resolve").due_at
    assert desk.reread(ticket).status is Status.WAITING_CUSTOMER
    assert desk.clock(ticket, "resolve").state == "paused"

    desk.later(hours=1)
    desk.says("3 栋 502")

    clock = desk.clock(ticket, "resolve")
    assert desk.reread(ticket).status is Status.IN_PROGRESS
    assert [pause[2] for pause in clock.pauses] == ["waiting_customer"]
    assert (clock.state, clock.due_at > due) == ("running", True)


def test_a_nod_answers_our_question(desk: Desk):
    person, ticket = desk.person(department="QGB"), desk.ticket()
    desk.reply(ticket, person, "明天上午来修可以吗", "ask")

    desk.says("好的")

    assert desk.reread(ticket).status is Status.IN_PROGRESS


def test_suspending_stops_resolve_alone_and_resuming_gives_the_time_back(desk: Desk):
    person = desk.person(department="QGB")
    ticket = desk.accept(desk.ticket("我要投诉", classified=False), person)
    with desk.doing(ticket, person) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="inquiry", priority="high", reason="只是问问")
    due = desk.clock(ticket, "resolve").due_at
    with desk.doing(ticket, person) as d:
        suspend(d)
    states = {row.kind: row.state for row in desk.reread(ticket).clocks}
    assert states == {"accept": "met", "first_reply": "running", "resolve": "paused"}

    desk.later(minutes=20)
    with desk.doing(ticket, person) as d:
        handling.resume(d.session, d.ticket, d.deed)

    assert desk.clock(ticket, "resolve").state == "running"
    assert desk.clock(ticket, "resolve").due_at == due + timedelta(minutes=20)
    assert desk.reread(ticket).suspend_reason is None


def test_a_suspension_ends_in_the_future(desk: Desk):
    person = desk.person(department="QGB")
    ticket = desk.accept(desk.ticket(), person)

    with pytest.raises(InvalidInput, match="until"), desk.doing(ticket, person) as d:
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=desk.now)


def test_asking_ends_a_suspension_and_its_date(desk: Desk):
    person = desk.person(department="QGB")
    ticket = prepare(desk, "suspended", person)

    desk.reply(ticket, person, "请问房号是多少", "ask")

    waiting = desk.reread(ticket)
    assert (waiting.status, waiting.wake_at, waiting.suspend_reason) == (Status.WAITING_CUSTOMER, None, None)


def test_a_note_is_for_staff(desk: Desk, channel: FakeChannel):
    person, ticket = desk.person(department="QGB"), desk.ticket()

    with desk.doing(ticket, person) as d:
        handling.note(d.session, d.ticket, "客户是老业主", d.deed)

    desk.deliver()
    message = desk.messages(ticket)[-1]
    assert (message.direction, message.author, message.delivery) == ("note", "zhang", None)
    assert channel.sent == []
    assert desk.reread(ticket).first_replied_at is None


@pytest.mark.parametrize("decide", [handling.send_again, handling.cancel])
def test_a_message_is_decided_upon_where_it_belongs(desk: Desk, decide: Callable[..., object]):
    person = desk.person(department="QGB")
    ticket, other = desk.ticket(), desk.ticket(follower="oFollower0002")
    theirs = desk.reply(other, person)

    with pytest.raises(NotFound), desk.doing(ticket, person) as d:
        decide(d.session, d.ticket, theirs.id, d.deed)
    inbound = desk.messages(ticket)[0].id
    with pytest.raises(NotFound), desk.doing(ticket, person) as d:
        decide(d.session, d.ticket, inbound, d.deed)
