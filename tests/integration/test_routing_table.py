"""The routing table in force: the first row that fits decides, and a person's word stands beside it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time

import pytest
from flask import Flask
from sqlalchemy import select

from service import routing_rows, rulebook
from service.audit import Event
from service.database import reading, transaction
from service.errors import InvalidInput, NotFound
from service.messaging.ports import Contact
from service.people import User
from service.routing.autoreply import Window
from service.routing.rules import RoutingRow
from service.rulebook import RulebookRow
from service.tickets import classification, cooperation
from service.tickets.models import Message, Ticket
from tests.calendar_rig import fresh
from tests.factories import COMPLAINT, INQUIRY, MORNING, Desk
from tests.policy_rig import saved, tag_follower
from tests.routing_rig import added, edit, known, own_table, table

INVOICE = "请问发票抬头怎么开"
ANY = RoutingRow(0, None, None, None, "YWB")


@pytest.fixture(autouse=True)
def shipped_afterwards(app: Flask) -> Iterator[None]:
    fresh(app)
    with own_table(app):
        yield


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def classified(desk: Desk, ticket: Ticket, by: User, category: str, **more: str | None) -> Ticket:
    with desk.doing(ticket, by) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category=category, reason="看过了", **more)
    return desk.reread(ticket)


# The next ticket


def test_a_row_that_was_added_holds_for_the_next_ticket(desk: Desk):
    before = desk.ticket(INVOICE, follower="oFollower0001")
    name = added(desk, replace(ANY, category="inquiry", subcategory="invoice", department="CWB", set_priority="high"))

    ticket = desk.ticket(INVOICE, follower="oFollower0002")

    assert (before.department.code, before.routed_by) == ("QGB", "90")
    assert (ticket.department.code, ticket.priority, ticket.routed_by) == ("CWB", "high", name)
    event = desk.events(ticket)[-1]
    assert (event.after["department"], event.after["subcategory"], event.after["routed_by"]) == ("CWB", "invoice", name)


def test_without_a_change_inquiries_and_complaints_go_where_the_contract_says(desk: Desk):
    tickets = [desk.ticket(text, follower=text) for text in (INQUIRY, COMPLAINT)]

    assert [ticket.department.code for ticket in tickets] == ["QGB", "KFB"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (replace(ANY, keyword="發票"), "a word of the burst, in either script"),
        (replace(ANY, tag="VIP"), "the follower's tag"),
        (replace(ANY, scene="store-1"), "the scene by which they came"),
        (replace(ANY, menu_key="FAPIAO"), "the key that they tapped before"),
        (replace(ANY, window=Window(start=time(9), end=time(10))), "the hour at which it came, in the service's zone"),
        (replace(ANY, window=Window(hours="inside", days=frozenset({2}))), "a Wednesday in working hours"),
        (replace(ANY, account="main"), "the account"),
    ],
)
def test_a_row_finds_the_matter_by(desk: Desk, row: RoutingRow, why: str):
    added(desk, row)
    desk.says("[菜单]FAPIAO", kind="click", contact=Contact.MENU, matter=False)
    with transaction() as session:
        session.scalars(select(Message)).one().extra = {"EventKey": "FAPIAO"}
    desk.later(seconds=20)
    desk.says(INVOICE)
    ticket = desk.newest()
    tag_follower(ticket, "VIP")
    with transaction() as session:
        session.get_one(Ticket, ticket.id).source = "store-1"

    desk.classify()

    assert desk.reread(ticket).department.code == "YWB", why


def test_a_tap_of_long_ago_is_no_longer_about_what_is_written(desk: Desk):
    added(desk, replace(ANY, menu_key="FAPIAO"))
    desk.says("[菜单]FAPIAO", kind="click", contact=Contact.MENU, matter=False)
    with transaction() as session:
        session.scalars(select(Message)).one().extra = {"EventKey": "FAPIAO"}
    desk.later(minutes=31)

    assert desk.ticket(INVOICE).department.code == "QGB"


def test_more_words_may_bring_another_row(desk: Desk):
    added(desk, replace(ANY, keyword="合同"))
    ticket = desk.ticket(INQUIRY)
    desk.says("请问你们几点上班，我要来签合同")
    desk.classify()

    assert (ticket.department.code, desk.reread(ticket).department.code) == ("QGB", "YWB")


def test_an_urgent_finding_is_not_lowered_by_a_row_about_anything(desk: Desk):
    added(desk, replace(ANY, set_priority="low"))

    assert desk.ticket("快来人，三号楼着火了，有人被困在里面").priority == "urgent"


def test_a_batch_reads_no_more_where_rows_look_at_everything(desk: Desk, counted):
    added(desk, replace(ANY, keyword="没有这个词", tag="x", menu_key="y", scene="z"))
    for number in range(20):
        desk.says(COMPLAINT, follower=f"oFollower{number:04}")
    desk.later(seconds=5)

    with counted() as statements, transaction() as session:
        assert classification.classify_due(session, now=desk.now, rules=desk.rules) == 20

    assert len([s for s in statements if s.lstrip().upper().startswith("SELECT") and "FROM messages" in s]) <= 3


# A person's word


def test_a_priority_that_a_person_names_stands_beside_the_row(desk: Desk, boss: User):
    added(desk, replace(ANY, category="complaint", set_priority="urgent"))
    ticket = desk.ticket(INQUIRY)

    named = classified(desk, ticket, boss, "complaint", priority="low")

    assert (named.priority, named.department.code) == ("low", "YWB")
    assert classified(desk, ticket, boss, "complaint").priority == "urgent"


@pytest.mark.parametrize(
    ("category", "given", "becomes", "why"),
    [
        ("inquiry", None, "invoice", "the same category: as it was"),
        ("inquiry", "hours", "hours", "what the person says"),
        ("inquiry", "", None, "none, as the person says"),
        ("suggestion", None, None, "another category whose words are not there"),
        ("complaint", "attitude", "attitude", "what the person says, in another category"),
    ],
)
def test_a_subcategory_is_corrected(
    desk: Desk, boss: User, category: str, given: str | None, becomes: str | None, why: str
):
    ticket = desk.ticket(INVOICE)
    assert ticket.subcategory == "invoice"

    assert classified(desk, ticket, boss, category, subcategory=given).subcategory == becomes, why


def test_a_subcategory_of_another_category_is_refused(desk: Desk, boss: User):
    ticket = desk.ticket(INVOICE)

    with pytest.raises(InvalidInput, match="unknown in this category"):
        classified(desk, ticket, boss, "complaint", subcategory="invoice")
    assert desk.reread(ticket).category == "inquiry"


# Targets as of another row


def test_a_row_gives_the_targets_of_another_kind_in_whatever_version(desk: Desk):
    added(desk, replace(ANY, category="inquiry", targets="complaint/urgent"))
    saved(desk, {"complaint/urgent": {"resolve": "3 小时"}})

    ticket = desk.ticket(INQUIRY)

    clock = desk.clock(ticket, "resolve")
    assert (ticket.targets_as, ticket.category) == ("complaint/urgent", "inquiry")
    assert (clock.target_amount, clock.target_unit) == (180, "working_minutes")


def test_targets_of_a_row_go_when_the_ticket_goes_by_another_row(desk: Desk, boss: User):
    added(desk, replace(ANY, category="inquiry", targets="complaint/urgent"))
    ticket = desk.ticket(INQUIRY)

    corrected = classified(desk, ticket, boss, "suggestion")

    target = desk.rules.policies.policy_for("suggestion", corrected.priority).resolve
    assert (corrected.targets_as, desk.clock(ticket, "resolve").target_amount) == (None, target.amount)


def test_targets_that_are_there_no_longer_leave_the_ticket_its_own(desk: Desk):
    ticket = desk.ticket(INQUIRY)
    with transaction() as session:
        session.get_one(Ticket, ticket.id).targets_as = "inquiry/gone"
    desk.says(COMPLAINT)
    desk.classify()

    assert desk.reread(ticket).category == "complaint"


# Restricted matters


@pytest.mark.parametrize(("role", "goes"), [("agent", "QGB"), ("supervisor", "YWB")])
def test_a_restricted_matter_goes_only_where_somebody_may_see_it(desk: Desk, boss: User, role: str, goes: str):
    desk.person("li", role, "YWB")
    added(desk, ANY)
    ticket = desk.ticket(INQUIRY)

    assert classified(desk, ticket, boss, "report").department.code == goes


# What administrators do


def test_each_change_is_an_event_with_what_was_before(desk: Desk):
    whole = known(desk)
    name = added(desk, replace(ANY, category="praise"))
    with transaction() as session:
        routing_rows.change(session, RoutingRow(0, "praise", None, None, "LDS", key=name), whole, edit(desk))
        routing_rows.move(session, name, edit(desk), up=False)
        routing_rows.delete(session, name, edit(desk))

    with reading() as session:
        events = session.scalars(select(Event).where(Event.action.startswith("routing_row")).order_by(Event.id)).all()
        told = [(e.action.removeprefix("routing_row_"), e.actor, e.after["about"]) for e in events]
        assert told == [(deed, "root", name) for deed in ("added", "changed", "moved", "deleted")]
        assert (events[1].before["department"], events[1].after["department"]) == ("YWB", "LDS")
        assert (events[2].before["place"], events[2].after["place"]) == (1, 2)
        assert events[3].before["department"] == "LDS"


def test_a_row_moves_past_its_neighbour_and_not_beyond_the_ends(desk: Desk):
    def order() -> list[str]:
        return [row.name for row in table()]

    assert order() == ["10", "20", "30", "90"]
    with transaction() as session:
        routing_rows.move(session, "90", edit(desk), up=True)
        routing_rows.move(session, "90", edit(desk), up=False)
        routing_rows.move(session, "90", edit(desk), up=False)
        routing_rows.move(session, "10", edit(desk), up=True)
        routing_rows.move(session, "20", edit(desk), up=True)

    assert order() == ["20", "10", "30", "90"]


def test_rows_find_room_between_others_however_many(desk: Desk):
    names = [added(desk, replace(ANY, keyword=f"词语{at}"), before="20") for at in range(15)]

    assert [row.name for row in table()] == ["10", *names, "20", "30", "90"]
    assert len({row.position for row in table()}) == len(names) + 4


def test_an_upgrade_leaves_alone_what_was_edited_and_brings_back_nothing_that_was_deleted(desk: Desk):
    name = added(desk, replace(ANY, keyword="合同"))
    with transaction() as session:
        routing_rows.change(session, RoutingRow(0, "complaint", None, None, "LDS", key="10"), known(desk), edit(desk))
        routing_rows.delete(session, "20", edit(desk))
    before = table()

    with transaction() as session:
        rulebook.install(session, now=MORNING)
    fresh(desk.app)

    assert table() == before
    assert [row.name for row in desk.rules.routing] == [name, "10", "30", "90"]
    assert desk.ticket(COMPLAINT).department.code == "LDS"


def test_a_row_that_was_not_touched_is_renewed_by_an_upgrade(desk: Desk):
    added(desk, replace(ANY, keyword="合同"), before="30")

    with reading() as session:
        rows = session.scalars(select(RulebookRow).where(RulebookRow.section == "routing"))
        assert {row.key: row.edited for row in rows if row.key.isdigit()} == dict.fromkeys(
            ["10", "20", "30", "90"], False
        )


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (replace(ANY, department="XXX"), "department"),
        (replace(ANY, category="gone"), "category"),
        (replace(ANY, subcategory="invoice"), "subcategory"),
        (replace(ANY, category="complaint", subcategory="invoice"), "subcategory"),
        (replace(ANY, account="other"), "account"),
        (replace(ANY, keyword="|"), "keyword"),
        (replace(ANY, window=Window(start=time(9), end=time(9))), "start"),
        (replace(ANY, targets="inquiry/gone"), "targets"),
    ],
)
def test_a_row_that_could_never_decide_is_refused_at_its_field(desk: Desk, row: RoutingRow, field: str):
    with pytest.raises(InvalidInput) as refused:
        added(desk, row)
    assert list(refused.value.data["errors"]) == [field]
    assert len(table()) == 4


def test_nobody_changes_a_row_that_is_not_there(desk: Desk):
    for key in ("own-7", "20"):
        with transaction() as session:
            if key == "20":
                routing_rows.delete(session, key, edit(desk))
        with pytest.raises(NotFound), transaction() as session:
            routing_rows.move(session, key, edit(desk), up=True)
