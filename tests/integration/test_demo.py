"""The demonstration: two weeks that production could have had, made once, and the way to sign in, each time."""

import random
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from service import create_app, credentials, setup
from service.audit import Event
from service.config import Settings
from service.database import db, reading, transaction
from service.demo import demonstrate, fill, people, player, script
from service.demo.followers import AT_EASE, ON_THE_PHONE, openid_for
from service.messaging.followers import Follower
from service.messaging.inbox import InboxItem
from service.messaging.outbox import Delivery, OutboxItem
from service.people import Department, Permission, User
from service.rulebook import shipped
from service.runtime.addresses import Address
from service.runtime.programs import Places
from service.runtime.refusal import RefusedError
from service.runtime.up import Prepared
from service.sla.calendar import calendar_from
from service.sla.clocks import Clock
from service.sla.explain import explain
from service.sla.policy import ClockKind, Unit
from service.tickets.clocks import ROUNDS, clock_of
from service.tickets.models import Attachment, ClockRow, FollowUp, Message, Ticket
from service.tickets.register import SupervisionOrder
from service.tickets.states import LIVE, Action, Status
from simulator import config as simulator_config
from simulator import state as simulator_state
from tests.factories import MORNING, Desk

Column = InstrumentedAttribute[object]
CALENDAR = calendar_from(shipped("calendar_cn.json"))


@dataclass
class Demonstration:
    """An installation that was started with the demonstration, and what that start said."""

    app: Flask
    prepared: Prepared

    def counts(self, column: Column, *conditions: object) -> dict[object, int]:
        """How many rows there are of each value."""
        query = select(column, func.count()).where(*conditions).group_by(column)  # type: ignore[arg-type]
        with self.app.app_context(), reading() as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def start_again(self, port: int = 8000) -> Prepared:
        return demonstrate(self.app, places(port))

    @property
    def simulator_file(self) -> Path:
        return Path(self.prepared.simulator_options[1])


def places(port: int = 8000) -> Places:
    return Places(web=Address("127.0.0.1", "127.0.0.1", port), simulator=Address("127.0.0.1", "127.0.0.1", port + 1))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """Made once for all, as it takes seconds, and on SQLite, as `make run` does."""
    folder = tmp_path_factory.mktemp("demo")
    app = create_app(
        Settings.from_environment({"DATA_DIR": str(folder / "data"), "REDIS_URL": "redis://127.0.0.1:1"}),
        TESTING=True,
        RATELIMIT_STORAGE_URI="memory://",
    )
    setup.prepare(app)
    yield Demonstration(app, demonstrate(app, places()))
    with app.app_context():
        db.engine.dispose()


def test_hundreds_of_tickets_stand_in_every_status(demo: Demonstration) -> None:
    counts = demo.counts(Ticket.status, Ticket.demo)

    assert sum(counts.values()) >= 300
    assert set(counts) == set(Status)


def test_every_category_and_priority_occurs(demo: Demonstration) -> None:
    assert set(demo.counts(Ticket.category)) == {row["code"] for row in shipped("categories.json")}
    assert set(demo.counts(Ticket.priority)) == {"low", "normal", "high", "urgent"}


def test_every_department_that_works_has_tickets(demo: Demonstration) -> None:
    with demo.app.app_context(), reading() as session:
        codes = set(session.scalars(select(Department.code).join(Ticket, Ticket.department_id == Department.id)))

    assert codes == {"QGB", "KFB", "JSB", "CWB", "YWB"}


def test_some_are_overdue_by_each_clock(demo: Demonstration) -> None:
    assert demo.counts(Ticket.overdue)[True] >= 10
    assert set(demo.counts(ClockRow.kind, ClockRow.state == "breached")) == {kind.value for kind in ClockKind}


def test_some_clocks_were_met_late(demo: Demonstration) -> None:
    late = demo.counts(ClockRow.kind, ClockRow.met_at > ClockRow.due_at)

    assert set(late) >= {kind.value for kind in ClockKind if kind not in ROUNDS}


def test_every_explanation_leads_to_its_due_time_and_adds_up_to_its_target(demo: Demonstration) -> None:
    with demo.app.app_context(), reading() as session:
        rows = session.scalars(select(ClockRow)).all()
        wrong = [(row.ticket_id, row.kind) for row in rows if not adds_up(clock_of(row))]

    assert len(rows) > 800
    assert wrong == []


def adds_up(clock: Clock) -> bool:
    """Whether the steps follow each other to the due time, and their minutes are the target's."""
    steps, target = explain(clock, CALENDAR), clock.target
    assert target is not None
    assert clock.started_at is not None
    owed = target.amount
    if target.unit is Unit.WORKING_DAYS:
        closing, midnight = (
            CALENDAR.end_of_working_day(clock.started_at, owed),
            CALENDAR.midnight_after(clock.started_at),
        )
        owed = CALENDAR.working_time(midnight, closing) // timedelta(minutes=1)
    follow = [step.start for step in steps] == [clock.started_at, *(step.end for step in steps[:-1])]
    return follow and steps[-1].end == clock.due_at and sum(step.minutes for step in steps) == owed


def test_replies_wait_fail_and_are_unknown_but_none_is_about_to_go_out(demo: Demonstration) -> None:
    states = set(demo.counts(OutboxItem.state))

    assert states >= {Delivery.SENT, Delivery.WAITING, Delivery.FAILED, Delivery.UNKNOWN}
    assert not states & {Delivery.QUEUED, Delivery.SENDING}


def test_call_backs_follow_ups_and_repeats_are_there(demo: Demonstration) -> None:
    assert demo.counts(Ticket.callback_due_at, Ticket.callback_due_at.is_not(None))
    assert demo.counts(Ticket.repeat_of_id, Ticket.repeat_of_id.is_not(None))
    assert set(demo.counts(FollowUp.result)) == {"solved", "unsolved", "unreachable"}
    assert demo.counts(Ticket.follow_up_open)[True] > 0


def test_orders_stand_in_every_state_and_level_and_some_were_urged(demo: Demonstration) -> None:
    is_open, unanswered = SupervisionOrder.closed_at.is_(None), SupervisionOrder.answered_at.is_(None)

    assert set(demo.counts(SupervisionOrder.level, is_open)) == {"ordinary", "yellow", "red"}
    assert demo.counts(SupervisionOrder.level, is_open, unanswered, SupervisionOrder.missed_at.is_not(None))
    assert demo.counts(SupervisionOrder.level, is_open, ~unanswered)
    assert set(demo.counts(SupervisionOrder.closed_by)) >= {"shenjianping"}
    assert len(demo.counts(Ticket.urges)) > 1
    assert len(demo.counts(Ticket.customer_urges)) > 1


def test_nothing_is_left_over_for_the_workers(demo: Demonstration) -> None:
    assert not demo.counts(InboxItem.kind, InboxItem.handled_at.is_(None))
    assert set(demo.counts(Attachment.state)) == {"stored"}
    assert not demo.counts(Ticket.status, Ticket.classify_at.is_not(None))


def test_an_answered_ticket_that_is_closed_owes_nothing(demo: Demonstration) -> None:
    closed = select(Ticket.id).where(Ticket.status == Status.CLOSED)

    assert set(demo.counts(ClockRow.state, ClockRow.ticket_id.in_(closed))) == {"met"}


def test_some_words_opened_no_ticket(demo: Demonstration) -> None:
    words = Message.kind != "subscribe"  # a line in the conversation, and nobody's words

    assert demo.counts(Message.direction, Message.ticket_id.is_(None), words) == {"inbound": 12}


def test_restricted_tickets_stay_with_those_who_may_see_them_or_were_given_them(demo: Demonstration) -> None:
    given = select(Event.ticket_id).where(Event.action == Action.ASSIGN)
    query = select(User).join(Ticket, Ticket.assignee_id == User.id).where(Ticket.restricted, Ticket.id.not_in(given))
    with demo.app.app_context(), reading() as session:
        may_see = {user.username: user.may(Permission.SEE_RESTRICTED) for user in session.scalars(query)}

    assert may_see == {"hejingyi": True}


def test_the_first_people_on_the_phone_have_nothing_open(demo: Demonstration) -> None:
    """What a visitor writes as one of them opens a ticket."""
    assert not demo.counts(Follower.remark, Follower.remark.in_(AT_EASE), Follower.open_ticket_id.is_not(None))


def test_the_printed_passwords_open_the_desk(demo: Demonstration) -> None:
    rows = [line.split() for line in demo.prepared.lines if line.startswith("  ")]
    agent = next(row for row in rows if row[0] == "chenjianing")

    with demo.app.app_context(), reading() as session:
        user = credentials.user_with_password(session, agent[0], agent[1])
        name = user.name if user else None

    assert name == "陈佳宁"


def test_a_second_start_adds_nothing_and_says_the_same(demo: Demonstration) -> None:
    before = demo.counts(Message.direction)

    again = demo.start_again()

    assert again == demo.prepared
    assert demo.counts(Message.direction) == before


def test_a_password_that_somebody_changed_is_not_printed(demo: Demonstration) -> None:
    with demo.app.app_context(), transaction() as session:
        user = credentials.get_user(session, "huangmin")
        credentials.set_password(user, "another-one-77", now=datetime.now(CALENDAR.zone))

    line = next(line for line in demo.start_again().lines if "huangmin" in line)

    assert "desk user password" in line


def test_the_simulator_gets_the_account_and_the_followers_of_the_tickets(demo: Demonstration) -> None:
    chosen = simulator_config.read(demo.simulator_file)

    account = chosen.accounts[0]
    assert account.webhook_url == "http://127.0.0.1:8000/wechat/main"
    assert chosen.follower_names == ON_THE_PHONE
    openids = {simulator_state.openid_for(account.app_id, name) for name in ON_THE_PHONE}
    assert openids == {openid_for(account.app_id, name) for name in ON_THE_PHONE}
    assert set(demo.counts(Follower.address, Follower.address.in_(openids))) == openids


def test_the_simulators_file_holds_secrets_and_is_ours_alone(demo: Demonstration) -> None:
    assert stat.S_IMODE(demo.simulator_file.stat().st_mode) == 0o600


def test_another_port_is_told_to_the_simulator(demo: Demonstration) -> None:
    demo.start_again(port=8123)

    try:
        account = simulator_config.read(demo.simulator_file).accounts[0]
        assert account.webhook_url == "http://127.0.0.1:8123/wechat/main"
    finally:
        demo.start_again()


def test_what_was_written_on_the_phone_does_not_stop_the_next_start(demo: Demonstration) -> None:
    with demo.app.app_context():
        Desk(demo.app).says("路灯坏了，请派人修", follower="oSomebodyOnThePhone")

    demo.start_again()

    assert demo.counts(Ticket.demo)[False] == 1


def test_a_database_with_tickets_of_its_own_is_refused(desk: Desk) -> None:
    ticket = desk.ticket()

    with pytest.raises(RefusedError, match=ticket.number):
        demonstrate(desk.app, places())

    assert desk.reread(ticket).number == ticket.number


def test_it_can_be_played_on_whatever_database_there_is(app: Flask) -> None:
    with transaction() as session:
        people.install(session, "a secret key", now=MORNING)

    made = fill(app, "wxdemo0123456789ab", now=MORNING, tickets=40)

    with reading() as session:
        open_followers = session.scalars(select(Follower.open_ticket_id).where(Follower.open_ticket_id.is_not(None)))
        live = session.scalars(select(Ticket.id).where(Ticket.status.in_(LIVE)))
        assert made >= 40
        assert sorted(open_followers) == sorted(live)


def test_seventy_conversations_differ_and_can_be_said() -> None:
    now = datetime(2026, 11, 20, 10, tzinfo=CALENDAR.zone)
    values = {"name": "", "staff": ""} | script.slots(random.Random(1), "王女士") | script.dates(now, CALENDAR)

    said = [script.filled(text, values) for c in script.conversations() for turn in c.turns for text in turn.texts]

    assert len({c.key for c in script.conversations()}) == len(script.conversations()) >= 70
    assert not [text for text in said if "{" in text or "}" in text]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ("2026-11-25 15:00", "a Wednesday afternoon"),
        ("2026-11-21 00:30", "the night to a Saturday"),
        ("2026-10-07 12:00", "the last day of a week of holidays"),
        ("2026-02-24 09:05", "the morning after nine days of holidays"),
        ("2027-03-03 10:00", "a year whose holidays are not announced"),
    ],
)
def test_the_fortnight_can_be_played_on_any_day(now: str, why: str) -> None:
    until = datetime.fromisoformat(now).replace(tzinfo=CALENDAR.zone)
    chance = random.Random(1)

    starts = sorted(player.start_times(until, CALENDAR, chance))
    dealt = player.deal(starts, until, CALENDAR, chance)

    assert len(starts) == player.TICKETS, why
    assert starts[-1] < until, why
    assert {fate.name for fate in dealt} == {fate.name for fate in (*player.FATES, player.NORMAL)}, why
