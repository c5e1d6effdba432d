"""Lists and counts: filtered, paged without gaps or repeats, in a bounded number of statements."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from service.database import reading, transaction
from service.errors import InvalidInput
from service.people import User
from service.tickets import cooperation, queries
from service.tickets.models import Message, Ticket
from service.tickets.queries import Search
from tests.factories import COMPLAINT, INQUIRY, Desk

Counted = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def follower(number: int) -> str:
    return f"oFollower{number:04}"


def found(user: User, **wanted: object) -> list[str]:
    with reading() as session:
        page = queries.search(session, session.get_one(User, user.id), Search(**wanted))  # type: ignore[arg-type]
        return [t.number[-4:] for t in page.items]


def pages(user: User, **wanted: object) -> list[list[str]]:
    """Every page to the end."""
    got: list[list[str]] = []
    cursor: str | None = None
    while cursor or not got:
        with reading() as session:
            search = Search(cursor=cursor, **wanted)  # type: ignore[arg-type]
            page = queries.search(session, session.get_one(User, user.id), search)
            got.append([t.number[-4:] for t in page.items])
            cursor = page.next_cursor
    return got


@pytest.fixture
def some(desk: Desk, boss: User) -> list[Ticket]:
    """1 a complaint that waits, 2 an inquiry of mine, 3 answered, 4 not yet classified."""
    texts = (COMPLAINT, INQUIRY, "请问停车费怎么交")
    tickets = [desk.ticket(text, follower=follower(n)) for n, text in enumerate(texts, 1)]
    desk.accept(tickets[1], boss)
    desk.answer(tickets[2], boss)
    tickets.append(desk.ticket("请问电费怎么交", follower=follower(4), classified=False))
    return tickets


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, ["0004", "0003", "0002", "0001"]),
        ({"sort": "received"}, ["0001", "0002", "0003", "0004"]),
        ({"status": ["pending_acceptance"]}, ["0004", "0001"]),
        ({"status": ["in_progress", "answered"]}, ["0003", "0002"]),
        ({"category": "complaint"}, ["0001"]),
        ({"priority": "high"}, ["0001"]),
        ({"assignee": "me"}, ["0003", "0002"]),
        ({"assignee": "boss", "status": ["in_progress"]}, ["0002"]),
        ({"assignee": "nobody"}, []),
        ({"assignee": "none"}, ["0004", "0001"]),
        ({"channel": "wechat:main"}, ["0004", "0003", "0002", "0001"]),
        ({"channel": "wechat:other"}, []),
        ({"overdue": False}, ["0004", "0003", "0002", "0001"]),
        ({"overdue": True}, []),
        ({"q": "停车"}, ["0003"]),
        ({"q": "gd20260304-0002"}, ["0002"]),
        ({"q": "停车", "status": ["in_progress"]}, []),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"sort": "updated", "limit": 1}, ["0004"]),
    ],
)
def test_a_list_is_what_was_asked_for(boss: User, some: list[Ticket], wanted: dict[str, object], numbers: list[str]):
    assert found(boss, **wanted) == numbers


def test_overdue_lists_what_a_sweep_has_marked(desk: Desk, boss: User, some: list[Ticket]):
    desk.later(hours=1)
    desk.sweep()

    assert found(boss, overdue=True) == ["0004", "0002", "0001"]


@pytest.mark.parametrize("sort", list(queries.SORTS))
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_meet_without_gap_or_repeat_even_at_equal_times(desk: Desk, boss: User, sort: str, limit: int):
    for number in range(5):
        desk.says(INQUIRY, follower=follower(number))  # five at the same instant
    desk.classify()
    with desk.doing(desk.newest(), boss) as d:  # and one without a due time
        cooperation.classify(d.session, d.ticket, d.deed, category="praise", reason="是表扬")

    got = pages(boss, sort=sort, limit=limit)

    together = [number for page in got for number in page]
    assert sorted(together) == ["0001", "0002", "0003", "0004", "0005"]
    assert together == found(boss, sort=sort)
    assert all(len(page) == limit for page in got[:-1])


def test_what_is_due_first_comes_first_and_what_is_not_due_last(desk: Desk, boss: User):
    slow = desk.ticket("我建议小区多种些树", follower=follower(1))
    desk.ticket(INQUIRY, follower=follower(2))
    with desk.doing(slow, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="suggestion", reason="是建议")
    praise = desk.ticket(INQUIRY, follower=follower(3))
    with desk.doing(praise, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="praise", reason="是表扬")

    assert found(boss, sort="due") == ["0002", "0001", "0003"]


def test_the_limit_is_the_window_where_it_ends_before_what_is_due(desk: Desk, boss: User):
    first = desk.ticket(INQUIRY, follower=follower(1))  # its window shuts two days from now, before its resolve is due
    desk.accept(first, boss)
    desk.reply(first, boss, "已电话告知王先生进展", "interim", via="phone")  # nothing else is owed so soon
    desk.later(hours=1)
    desk.ticket(INQUIRY, follower=follower(2))  # to be accepted in half an hour
    praise = desk.ticket(INQUIRY, follower=follower(3))
    with desk.doing(praise, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="praise", reason="是表扬")  # its window alone
    with desk.doing(first, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="suggestion", reason="是建议")

    limits = {t.number[-4:]: (t.limit_at, t.due_at) for t in map(desk.reread, [first, praise])}
    assert limits["0001"][0] < limits["0001"][1]
    assert limits["0003"][1] is None
    assert found(boss, sort="limit") == ["0002", "0001", "0003"]
    assert found(boss, sort="due")[0] == "0002"
    assert found(boss, sort="due")[-1] == "0003"


@pytest.mark.parametrize("cursor", ["nonsense", "MjAyNg", "", "2026-03-04T01:30:00+00:00 7"])
def test_a_cursor_of_no_list_is_refused(boss: User, cursor: str):
    if cursor == "":
        assert found(boss, cursor=cursor) == []
        return
    with pytest.raises(InvalidInput, match="cursor"):
        found(boss, cursor=cursor)


def test_a_list_costs_the_same_statements_for_one_ticket_and_for_many(desk: Desk, boss: User, counted: Counted):
    counts = []
    for number in (1, 8):
        for n in range(number):
            ticket = desk.ticket(follower=follower(10 * number + n))
            desk.accept(ticket, desk.person(f"agent{number}{n}", "agent", "QGB"))
        with reading() as session:
            user = session.get_one(User, boss.id)
            with counted() as statements:
                listed = queries.search(session, user, Search()).items
                shown = [(t.follower.address, t.department.code, t.assignee.username, len(t.clocks)) for t in listed]
            assert len({address for address, *_ in shown}) == len(listed)
            counts.append(len(statements))
            session.expunge_all()

    assert counts[0] == counts[1] <= 3


def talk(session, ticket: Ticket, numbers: Sequence[int]) -> None:  # type: ignore[no-untyped-def]
    for number in numbers:
        message = Message(ticket_id=ticket.id, follower_id=ticket.follower_id, direction="inbound", kind="text")
        message.text, message.at = str(number), ticket.received_at + timedelta(minutes=number // 3)
        session.add(message)


def test_a_long_conversation_comes_in_pages_of_200_in_order(desk: Desk, counted: Counted):
    ticket = desk.ticket("0")
    with transaction() as session:
        talk(session, ticket, range(1, 450))

    texts, sizes, cursor = [], [], None
    while cursor or not sizes:
        with reading() as session, counted() as statements:
            page = queries.messages_of(session, Message.ticket_id == ticket.id, cursor)
        assert len(statements) <= 2
        texts += [m.text for m in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor

    assert (texts, sizes) == ([str(n) for n in range(450)], [200, 200, 50])


def test_events_come_in_order_and_in_pages(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    desk.answer(ticket, boss)
    actions, cursor = [], None
    while cursor or not actions:
        with reading() as session:
            page = queries.events_of(session, ticket, cursor, limit=2)
        actions += [e.action for e in page.items]
        cursor = page.next_cursor

    assert actions == ["open", "classify", "accept", "reply", "delivery", "answer"]


def test_tabs_count_what_they_list(desk: Desk, boss: User, some: list[Ticket]):
    desk.later(hours=1)
    desk.sweep()
    with reading() as session:
        user = session.get_one(User, boss.id)
        counts = queries.tab_counts(session, user)
        listed = {
            name: len(queries.search(session, user, Search(also=parts)).items)
            for name, parts in queries.tabs(user).items()
        }

    assert listed == {"to_accept": 2, "mine": 1, "department": 2, "overdue": 3, "callback": 0, "all": 4}
    assert counts == {name: n for name, n in listed.items() if name != "all"}


def test_the_last_word_of_each_ticket_is_one_query(desk: Desk, boss: User, counted: Counted):
    tickets = [desk.ticket(follower=follower(n)) for n in range(5)]
    desk.reply(tickets[0], boss, "您好", "interim")
    with desk.doing(tickets[1], boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="inquiry", reason="确认")

    with reading() as session, counted() as statements:
        words = queries.last_words(session, [t.id for t in tickets])
        texts = [words[t.id].text for t in tickets]

    assert (texts, len(statements)) == (["您好", *[INQUIRY] * 4], 1)
