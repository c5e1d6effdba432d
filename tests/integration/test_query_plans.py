"""On PostgreSQL with a few thousand rows and statistics, what is asked all day is answered from an index."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from service.database import db, reading
from service.messaging import inbox, outbox
from service.messaging.followers import Follower
from service.people import User
from service.tickets import (
    attachments,
    callbacks,
    classification,
    invitations,
    notices,
    progress,
    queries,
    recalculation,
    sweeps,
    windows,
)
from service.tickets.queries import Search
from tests.factories import MORNING, Desk
from tests.integration.window_rig import limits_of

TICKETS = 6000
FILL = """
INSERT INTO followers (id, channel, address, following, first_seen_at, last_seen_at, messages_left, waiting_items)
SELECT n, 'wechat:main', 'oBulk' || n, true, :at, :at, 5, 0 FROM generate_series(100, 1100 + :rows / 3) AS n;
INSERT INTO tickets (id, number, query_code, status, category, priority, restricted, department_id,
    intake_department_id, assignee_id, follower_id, channel, subject, received_at, updated_at, last_inbound_at, version,
    triage, overdue, follow_up_open, follow_up_attempts, rework_rounds, demo, due_at, breach_at, classify_at, wake_at)
SELECT n, 'GDBULK-' || n, '000000',
    CASE WHEN n % 40 = 0 THEN 'pending_acceptance' WHEN n % 40 = 1 THEN 'in_progress' ELSE 'closed' END,
    'inquiry', 'normal', n % 500 = 0, 1 + n % 6, 1, CASE WHEN n % 300 = 1 THEN :person END, 100 + n / 3, 'wechat:main',
    '物业费', moment, moment, moment, 1, false, n % 200 = 0, false, 0, 0, false,
    CASE WHEN n % 40 < 2 THEN moment END, CASE WHEN n % 80 = 0 THEN moment END,
    CASE WHEN n % 400 = 0 THEN moment END, CASE WHEN n % 400 = 1 THEN moment END
FROM (SELECT n, CAST(:at AS timestamptz) - n * interval '1 minute' AS moment
      FROM generate_series(1000, 1000 + :rows) AS n) AS numbered;
INSERT INTO messages (id, ticket_id, follower_id, direction, kind, text, at)
SELECT n, 1000 + n / 2, 100 + n / 6, 'outbound', 'text', '您好', :at
FROM generate_series(1, :rows * 2 - 2) AS n;
INSERT INTO outbox (id, channel, follower_id, reference_id, text, state, due_at, attempts, leased_until)
SELECT n, 'wechat:main', 100 + n / 6, n, '您好', CASE WHEN n % 300 = 0 THEN 'queued' WHEN n % 300 = 1 THEN 'sending'
    ELSE 'sent' END, :at, 1, CASE WHEN n % 300 = 1 THEN CAST(:at AS timestamptz) END
FROM generate_series(1, :rows * 2 - 2) AS n;
INSERT INTO inbox (channel, key, follower, kind, text, sent_at, raw, contact, matter, media, extra, received_at,
    handled_at, reply, attempts, retry_at)
SELECT 'wechat:main', 'k' || n, 'oBulk', 'text', '您好', :at, '', 'message', true, '[]', '{}', :at,
    CASE WHEN n % 500 > 0 THEN CAST(:at AS timestamptz) END, '', 0, :at FROM generate_series(1, :rows) AS n;
INSERT INTO events (ticket_id, at, actor, action, before, after, because)
SELECT 1000 + n / 2, :at, 'boss', 'note', '{}', '{}', '' FROM generate_series(1, :rows * 2 - 2) AS n;
INSERT INTO attachments (message_id, media_id, kind, state, attempts, retry_at)
SELECT n, 'M' || n, 'image', CASE WHEN n % 300 = 0 THEN 'pending' ELSE 'stored' END, 0, :at
FROM generate_series(1, :rows) AS n;
"""
BIG = ("tickets", "messages", "outbox", "inbox", "events", "attachments")
Ask = Callable[[Session, User, Desk], object]


def tab(name: str, sort: str = "-received") -> Ask:
    return lambda session, user, _: queries.search(session, user, Search(also=queries.tabs(user)[name], sort=sort))


ASKED: dict[str, Ask] = {
    **{f"tab {name}": tab(name) for name in ("to_accept", "mine", "department", "overdue", "callback", "all")},
    "tab department by due": tab("department", "due"),
    "counts": lambda session, user, _: queries.tab_counts(session, user),
    "follow-ups": lambda s, u, d: queries.search(s, u, Search(also=(queries.Ticket.follow_up_open.expression,))),
    "one ticket": lambda session, user, _: queries.search(session, user, Search(q="GDBULK-1500")),
    "events": lambda s, u, d: queries.events_of(s, s.get_one(queries.Ticket, 1500), None),
    "messages": lambda s, u, d: queries.messages_of(s, queries.Message.ticket_id == 1500, None),
    "last words": lambda session, user, _: queries.last_words(session, [1500, 1501, 1502]),
    "mark overdue": lambda s, u, d: sweeps.mark_overdue(s, now=d.now - timedelta(days=40), rules=d.rules),
    "calendar": lambda s, u, d: recalculation.recompute_due(s, now=d.now, rules=d.rules),
    "wake": lambda s, u, d: sweeps.wake(s, now=d.now - timedelta(days=40), rules=d.rules),
    "classify": lambda s, u, d: classification.classify_due(s, now=d.now - timedelta(days=40), rules=d.rules),
    "next due": lambda session, _, desk: outbox.next_due(session, desk.now),
    "expired": lambda session, _, desk: outbox.expired(session, desk.now),
    "claim": lambda session, _, desk: outbox.claim(session, 300, now=desk.now),
    "items of a message": lambda session, *_: outbox.items_of(session, [300]),
    "unhandled": lambda session, _, desk: inbox.unhandled(session, desk.now),
    "whom to call": lambda s, u, d: callbacks.listing(s, u, now=d.now, until=d.now),
    "calls counted": lambda s, u, d: callbacks.tally(s, u, now=d.now, until=d.now),
    "what to tell": lambda s, *_: callbacks.waiting_words(s, [1500, 1501]),
    "window warnings": lambda s, u, d: windows.warn_due(s, now=d.now, rules=d.rules, limits_of=limits_of),
    "notices": lambda s, u, d: notices.send_due(s, now=d.now, rules=d.rules, limits_of=limits_of),
    "invitations": lambda s, u, d: invitations.invite_due(s, now=d.now, rules=d.rules, limits_of=limits_of),
    "receipt": lambda s, u, d: notices.receipt(s, "wechat:main", "777", "", d.now),
    "ledger": lambda s, u, d: windows.ledger(s, u, s.get_one(Follower, 600), limits_of("wechat:main")),
    "my open tickets": lambda session, *_: progress.open_tickets(session, 600),
    "my ended tickets": lambda session, *_: progress.finished_tickets(session, 600, 2505),
    "my conversation": lambda s, u, d: progress.lines(s, s.get_one(queries.Ticket, 1500)),
    "answers that did not arrive": lambda s, u, d: progress.unread_answers(s, s.get_one(queries.Ticket, 1500)),
    "ticket by its code": lambda session, *_: progress.ticket_by_code(session, "GDBULK-1500", "000000"),
    "pending files": lambda session, _, desk: attachments.pending(session, desk.now),
}
# these look through a bounded piece of the newest tickets by design
BOUNDED = {"one ticket"}


@pytest.fixture
def full(desk: Desk) -> Iterator[User]:
    """An agent, in a database of some size."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("plans are PostgreSQL's: the database is SQLite")
    person = desk.person("zhang", "agent", "KFB")
    with db.engine.begin() as connection:
        for statement in FILL.strip().split(";\n"):
            names = {name for name in ("at", "rows", "person") if f":{name}" in statement}
            values = {"at": MORNING, "rows": TICKETS, "person": person.id}
            connection.execute(text(statement.rstrip(";")), {name: values[name] for name in names})
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in (*BIG, "followers", "clocks"):
            connection.exec_driver_sql(f"ANALYZE {table}")
    yield person
    with db.engine.begin() as connection:  # row by row, as other tests do it, would take seconds
        connection.exec_driver_sql(f"TRUNCATE {', '.join(BIG)}, followers, clocks, follow_ups, ratings CASCADE")


def plans(connection: Connection, asked: list[tuple[str, object]]) -> list[str]:
    found = []
    for statement, values in asked:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", values)  # type: ignore[arg-type]
        found.append("\n".join(row[0] for row in rows))
    return found


def test_what_is_asked_all_day_uses_an_index(desk: Desk, full: User):
    scanned = {}
    for name, ask in ASKED.items():
        asked: list[tuple[str, object]] = []

        def note(_c, _cursor, statement, values, *_, asked=asked):  # type: ignore[no-untyped-def]
            if statement.startswith(("SELECT", "UPDATE")):
                asked.append((statement, values))

        with reading() as session:
            user = session.get_one(User, full.id)
            event.listen(db.engine, "before_cursor_execute", note)
            ask(session, user, desk)
            event.remove(db.engine, "before_cursor_execute", note)
            found = plans(session.connection(), asked)
            session.rollback()
        assert found, name
        scans = [plan for plan in found if re.search(rf"Seq Scan on ({'|'.join(BIG)})", plan)]
        if scans and name not in BOUNDED:
            scanned[name] = scans

    assert not scanned, "\n\n".join(f"{name}:\n{plan}" for name, all_of in scanned.items() for plan in all_of)
