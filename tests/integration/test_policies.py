"""Versions of the targets: a ticket keeps its own until someone decides otherwise, and a batch shortens no promise."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from service import jobs, policies
from service.audit import Event
from service.database import reading, transaction
from service.errors import IllegalTransition, NotFound, StaleVersion
from service.people import User
from service.policies import Edit
from service.policy_versions import PolicyVersion
from service.sla.drafts import UnusableTable
from service.tickets import closing, cooperation, policy_moves
from service.tickets.models import Ticket
from tests.calendar_rig import fresh, stale
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import FakeBell
from tests.integration.test_races import at_once
from tests.policy_rig import rows, saved, tag_follower

QUICK = {"complaint/high": {"accept": "5 分钟", "resolve": "2 工作日"}}
SLOW = {"complaint/high": {"accept": "2 小时", "resolve": "4 工作日"}}


@pytest.fixture(autouse=True)
def own_rules(app: Flask) -> Iterator[None]:
    fresh(app)
    yield
    fresh(app)


def due(desk: Desk, ticket: Ticket, kind: str) -> str | None:
    row = desk.clock(ticket, kind)
    return row and f"{row.due_at.astimezone(desk.rules.zone):%m-%d %H:%M}"


def classified(desk: Desk, ticket: Ticket, boss: User, category: str = "complaint", priority: str = "high") -> Ticket:
    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category=category, priority=priority, reason="核对")
    return desk.reread(ticket)


def move(desk: Desk, ticket: Ticket, boss: User, version: int | None = None) -> Ticket:
    with desk.doing(ticket, boss) as d:
        policy_moves.move(d.session, d.ticket, d.deed, reason="客户催得紧", version=version)
    return desk.reread(ticket)


def carry(desk: Desk) -> int:
    with transaction() as session:
        return policy_moves.carry_due(session, now=desk.now, rules=desk.rules)


def moves(desk: Desk, ticket: Ticket) -> list[Event]:
    return [event for event in desk.events(ticket) if event.action == "policy"]


def kept() -> list[PolicyVersion]:
    with reading() as session:
        found = list(session.scalars(select(PolicyVersion).order_by(PolicyVersion.version)))
        session.expunge_all()
    return found


# Saving


def test_a_saved_table_is_the_next_version_and_new_tickets_have_it(desk: Desk):
    earlier = desk.ticket(COMPLAINT)

    version = saved(desk, QUICK)
    later = desk.ticket(COMPLAINT, follower="oAnother")

    assert (version, earlier.policy_version, later.policy_version) == (1, 0, 1)
    assert (due(desk, earlier, "accept"), due(desk, later, "accept")) == ("03-04 09:45", "03-04 09:35")


def test_each_save_leaves_an_event_with_its_author_and_reason(desk: Desk):
    saved(desk, QUICK, by="wang", note="投诉要更快")

    with reading() as session:
        event = session.scalars(select(Event).where(Event.action == "policies_saved")).one()
        told = (event.actor, event.because, event.before, event.after["version"], event.after["rows"])
    assert told == ("wang", "投诉要更快", {"version": 0}, 1, ["complaint/high"])


def save(desk: Desk, table: list[dict[str, object]], note: str = "试行", base: int | None = None) -> None:
    with transaction() as session:
        policies.save(session, table, Edit("boss", desk.now, note), base=base)


@pytest.mark.parametrize(
    ("table", "note", "base", "message"),
    [
        (rows({}), "试行", None, "the same as now"),
        (rows(QUICK)[1:], "试行", None, "inquiry/low is missing"),
        (rows(QUICK), " ", None, "say why"),
        (rows(QUICK), "试行", 7, "version 0 was saved while you edited"),
        ([], "试行", None, "empty"),
    ],
)
def test_what_cannot_be_a_version_is_refused(
    desk: Desk, table: list[dict[str, object]], note: str, base: int | None, message: str
):
    with pytest.raises(UnusableTable, match=message):
        save(desk, table, note, base)

    assert kept() == []


def test_versions_are_told_with_what_changed_the_newest_first(desk: Desk):
    saved(desk, QUICK)
    saved(desk, SLOW)

    with reading() as session:
        found = policies.versions(session)
        changes = [[d.policy.name for d in policies.differences(v.before, v.table)] for v in found if v.before]
        pages = [v.version for v in policies.versions(session, before=1)], policies.get_version(session, 1).note
        with pytest.raises(NotFound):
            policies.get_version(session, 9)
    assert [v.version for v in found] == [2, 1, 0]
    assert changes == [["complaint/high"], ["complaint/high"]]
    assert pages == ([0], "试行")


# A ticket keeps its version


def test_a_ticket_keeps_its_version_when_it_is_classified_anew(desk: Desk, boss: User):
    ticket = desk.ticket(INQUIRY)
    saved(desk, QUICK)

    ticket = classified(desk, ticket, boss)

    assert ticket.policy_version == 0
    assert due(desk, ticket, "accept") == "03-04 09:45"  # 15 minutes, not 5


def test_a_ticket_keeps_its_version_when_it_is_reopened(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    desk.later(days=5, hours=8)  # half an hour is left of three working days
    desk.reply(ticket, boss, via="phone")
    saved(desk, QUICK)

    with desk.doing(ticket, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="客户说没解决")

    ticket = desk.reread(ticket)
    assert ticket.policy_version == 0
    assert due(desk, ticket, "resolve") == "03-11 13:45"  # half of three working days, not of two


# Tags


def test_a_tag_takes_hold_when_the_matter_is_classified(desk: Desk):
    saved(desk, {"complaint/high/VIP": {"accept": "5 分钟"}})
    ticket = desk.ticket(COMPLAINT, classified=False)
    unclassified = due(desk, ticket, "accept")
    tag_follower(ticket, "老客户", "VIP")

    desk.classify()

    assert (unclassified, due(desk, ticket, "accept")) == ("03-04 10:00", "03-04 09:35")


def test_tags_cost_a_batch_no_query_a_ticket(desk: Desk, counted):
    saved(desk, {"complaint/high/VIP": {"accept": "5 分钟"}})

    def queries(number: int) -> int:
        for each in range(number):
            desk.says(COMPLAINT, follower=f"o{number}-{each}")
        with counted() as statements:
            desk.classify()
        return sum(statement.startswith("SELECT") and "FROM followers" in statement for statement in statements)

    assert queries(6) == queries(2)


# One ticket, by a person


def test_a_person_moves_a_ticket_to_the_newest_version_with_an_event(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK)

    ticket = move(desk, ticket, boss, version=1)

    event = moves(desk, ticket)[0]
    assert (ticket.policy_version, due(desk, ticket, "accept"), due(desk, ticket, "resolve")) == (
        1,
        "03-04 09:35",
        "03-06 18:00",
    )
    assert (event.actor, event.because) == ("boss", "客户催得紧")
    assert (event.before["policy_version"], event.after["policy_version"]) == (0, 1)
    assert event.before["accept_due_at"] == "2026-03-04T01:45:00+00:00"
    assert event.after["accept_due_at"] == "2026-03-04T01:35:00+00:00"
    assert "first_reply_due_at" not in event.after


def test_a_question_that_waits_gets_the_clock_that_only_the_newest_version_has(desk: Desk, boss: User):
    saved(desk, {"complaint/high": {"next_reply": "—"}})
    ticket = classified(desk, desk.ticket(COMPLAINT), boss)
    desk.later(minutes=1)
    desk.reply(ticket, boss, "正在核实", "interim")
    desk.deliver()
    desk.later(minutes=1)
    desk.says("什么时候有结果？")
    assert desk.clock(ticket, "next_reply") is None
    saved(desk, {"complaint/high": {"next_reply": "20 分钟"}})

    ticket = move(desk, ticket, boss)

    assert due(desk, ticket, "next_reply") == "03-04 09:52", "20 minutes from 09:32"


def test_a_clock_that_is_met_stays_as_it_was(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    desk.accept(ticket, boss)
    saved(desk, QUICK)

    ticket = move(desk, ticket, boss)

    assert due(desk, ticket, "accept") == "03-04 09:45"


def test_a_clock_that_began_again_on_a_remainder_keeps_it(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    desk.answer(ticket, boss)
    with desk.doing(ticket, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="客户说没解决")
    before = due(desk, ticket, "resolve")
    saved(desk, SLOW)

    ticket = move(desk, ticket, boss)

    assert (ticket.policy_version, due(desk, ticket, "resolve")) == (1, before)


def test_granted_days_stay_granted(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    with desk.doing(ticket, boss) as d:
        d.ticket.extended_days = 2
    ticket = classified(desk, ticket, boss, priority="normal")  # 5 + 2 days
    saved(desk, {"complaint/normal": {"resolve": "1 工作日"}})

    ticket = move(desk, ticket, boss)

    assert due(desk, ticket, "resolve") == "03-09 18:00"  # 1 + 2 days


def test_a_preview_tells_what_would_change_and_changes_nothing(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK)

    with desk.doing(ticket, boss) as d:
        changed = policy_moves.preview(d.session, d.ticket, d.deed)

    assert {kind.value for kind in changed} == {"accept", "resolve"}
    assert (desk.reread(ticket).policy_version, due(desk, ticket, "accept")) == (0, "03-04 09:45")


def test_a_move_that_was_looked_at_before_another_save_is_refused(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK)
    saved(desk, SLOW)

    with pytest.raises(StaleVersion):
        move(desk, ticket, boss, version=1)


def test_a_ticket_with_the_newest_targets_moves_nowhere(desk: Desk, boss: User):
    with pytest.raises(IllegalTransition):
        move(desk, desk.ticket(COMPLAINT), boss)


# All open tickets


def test_a_batch_lengthens_and_never_shortens(desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, {"complaint/high": {"accept": "5 分钟", "resolve": "4 工作日"}}, also_open=True)

    assert carry(desk) == 1

    ticket = desk.reread(ticket)
    event = moves(desk, ticket)[0]
    assert (ticket.policy_version, due(desk, ticket, "accept"), due(desk, ticket, "resolve")) == (
        1,
        "03-04 09:45",
        "03-10 18:00",
    )
    assert event.actor == "system"
    assert "原承诺不缩短" in event.because


def test_a_promise_that_was_kept_stays_when_the_matter_is_classified_again(desk: Desk, boss: User):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, QUICK, also_open=True)
    carry(desk)

    ticket = classified(desk, ticket, boss)

    assert due(desk, ticket, "accept") == "03-04 09:45"


def test_a_batch_takes_each_ticket_once_and_then_is_done(desk: Desk):
    tickets = [desk.ticket(COMPLAINT, follower=f"o{number}") for number in range(3)]
    saved(desk, SLOW, also_open=True)

    taken = [carry(desk), carry(desk)]

    assert taken == [3, 0]
    assert [len(moves(desk, ticket)) for ticket in tickets] == [1, 1, 1]
    assert kept()[0].carried_at is not None


def test_a_ticket_whose_clocks_stay_changes_its_version_alone(desk: Desk):
    ticket = desk.ticket(INQUIRY)
    saved(desk, SLOW, also_open=True)

    carry(desk)

    after = desk.reread(ticket)
    assert (after.policy_version, after.version, after.updated_at) == (1, ticket.version, ticket.updated_at)
    assert [event.after for event in moves(desk, ticket)] == [{"policy_version": 1}]


def test_two_workers_share_the_tickets(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_moves, "BATCH", 2)
    tickets = [desk.ticket(COMPLAINT, follower=f"o{number}") for number in range(5)]
    saved(desk, SLOW, also_open=True)

    assert [carry(desk) for _ in range(4)] == [2, 2, 1, 0]
    assert {desk.reread(ticket).policy_version for ticket in tickets} == {1}


def test_two_workers_at_once_take_each_ticket_once(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_moves, "BATCH", 2)
    tickets = [desk.ticket(COMPLAINT, follower=f"o{number}") for number in range(6)]
    saved(desk, SLOW, also_open=True)

    def work() -> None:
        for _ in range(4):
            carry(desk)

    refused = at_once(desk, work, work)
    carry(desk)

    assert refused == []
    assert [len(moves(desk, ticket)) for ticket in tickets] == [1] * 6
    assert kept()[0].carried_at is not None


def test_of_two_saved_at_once_the_second_is_told_of_the_first(desk: Desk):
    tables = [rows(QUICK), rows(SLOW)]
    wrong: list[UnusableTable] = []

    def work(table: list[dict[str, object]]) -> None:
        try:
            save(desk, table, base=0)
        except UnusableTable as unusable:
            wrong.append(unusable)

    at_once(desk, *(lambda table=table: work(table) for table in tables))

    assert [version.version for version in kept()] == [1]
    assert [mistake.code for unusable in wrong for mistake in unusable.mistakes] == ["other"]


def test_a_process_that_has_not_read_the_version_leaves_it_to_others(desk: Desk):
    ticket, old = desk.ticket(COMPLAINT), desk.rules
    saved(desk, SLOW, also_open=True)

    with stale(desk.app, old):
        assert carry(desk) == 0

    assert (carry(desk), desk.reread(ticket).policy_version) == (1, 1)


def test_a_version_for_new_tickets_moves_no_other(desk: Desk):
    ticket = desk.ticket(COMPLAINT)
    saved(desk, SLOW)

    assert (carry(desk), desk.reread(ticket).policy_version) == (0, 0)


def test_a_ticket_that_is_reopened_after_the_batch_keeps_its_version(desk: Desk, boss: User):
    ticket = desk.ticket(INQUIRY)
    with desk.doing(ticket, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="电话里解决了")
    saved(desk, {"inquiry/normal": {"accept": "1 小时"}}, also_open=True)
    carry(desk)

    with desk.doing(ticket, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="又来信")

    assert (carry(desk), desk.reread(ticket).policy_version) == (0, 0)


def test_progress_is_told_until_all_are_done(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_moves, "BATCH", 2)
    for number in range(3):
        desk.ticket(COMPLAINT, follower=f"o{number}")
    saved(desk, SLOW, also_open=True)

    told = []
    for _ in range(3):
        with reading() as session:
            told.append(policy_moves.progress(session))
        carry(desk)

    assert [told and (told.done, told.whole) for told in told] == [(0, 3), (2, 3), None]


def test_the_job_moves_everything_and_rings_only_for_what_is_left(
    now_desk: Desk, bell: FakeBell, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(policy_moves, "BATCH", 1)
    tickets = [now_desk.ticket(COMPLAINT, follower=f"o{number}") for number in range(jobs.RECOMPUTED + 1)]
    saved(now_desk, SLOW, also_open=True)

    bell.rung.clear()
    jobs.carry_policies()
    first = bell.rung.count("carry_policies")
    jobs.carry_policies()

    assert {now_desk.reread(ticket).policy_version for ticket in tickets} == {1}
    assert (first, bell.rung.count("carry_policies")) == (1, 1)


def test_open_tickets_are_counted_by_version(desk: Desk, boss: User):
    desk.ticket(COMPLAINT)
    saved(desk, SLOW)
    desk.ticket(COMPLAINT, follower="oAnother")
    closed = desk.ticket(INQUIRY, follower="oThird")
    with desk.doing(closed, boss) as d:
        closing.withdraw(d.session, d.ticket, d.deed, reason="电话里解决了")

    with reading() as session:
        assert policy_moves.open_by_version(session) == {0: 1, 1: 1}
