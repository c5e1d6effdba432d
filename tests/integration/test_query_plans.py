"""On PostgreSQL with a few thousand rows and statistics, what is asked all day is answered from an index."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, select, text, update
from sqlalchemy.orm import Session

from service.database import db, reading
from service.learning import corrections, runs
from service.messaging import inbox, outbox
from service.messaging.followers import Follower
from service.people import User
from service.routing.assignment import EVERYBODY, AssignmentRules, Mode
from service.tickets import (
    appeals,
    assigning,
    attachments,
    breaches,
    callbacks,
    classification,
    custody,
    dispatch,
    extensions,
    handovers,
    invitations,
    judgements,
    kept,
    keyword_trial,
    likenesses,
    load,
    noticeboard,
    notices,
    notifying,
    opinions,
    orders,
    pool,
    progress,
    quality,
    queries,
    recalculation,
    standing,
    supervised,
    supervision,
    suspensions,
    sweeps,
    windows,
)
from service.tickets.breaches import Filter
from service.tickets.load import Ahead
from service.tickets.quality import Wanted as Judged
from service.tickets.queries import Search
from service.tickets.register import Notification
from service.tickets.supervised import Wanted
from service.web import board_view
from service.web.board_view import Choice
from tests.factories import MORNING, Desk
from tests.integration.window_rig import limits_of

TICKETS = 6000
FILL = """
INSERT INTO followers (id, channel, address, following, first_seen_at, last_seen_at, messages_left, waiting_items)
SELECT n, 'wechat:main', 'oBulk' || n, true, :at, :at, 5, 0 FROM generate_series(100, 1100 + :rows / 3) AS n;
INSERT INTO tickets (id, number, query_code, status, category, priority, restricted, department_id,
    intake_department_id, assignee_id, follower_id, channel, subject, received_at, updated_at, last_inbound_at, version,
    triage, overdue, follow_up_open, follow_up_attempts, rework_rounds, demo, due_at, breach_at, classify_at, wake_at,
    limit_at, accepted_at, answered_at, closed_at)
SELECT n, 'GDBULK-' || n, '000000',
    CASE WHEN n % 40 = 0 THEN 'pending_acceptance' WHEN n % 40 = 1 THEN 'in_progress' ELSE 'closed' END,
    'inquiry', 'normal', n % 500 = 0, 1 + n % 6, 1, CASE WHEN n % 300 = 1 THEN :person END, 100 + n / 3, 'wechat:main',
    '物业费', moment, moment, moment, 1, false, n % 200 = 0, false, 0, 0, false,
    CASE WHEN n % 40 < 2 THEN moment END, CASE WHEN n % 80 = 0 THEN moment END,
    CASE WHEN n % 400 = 0 THEN moment END, CASE WHEN n % 400 = 1 THEN moment END, CASE WHEN n % 40 < 2 THEN moment END,
    CASE WHEN n % 40 > 0 THEN moment END, CASE WHEN n % 40 > 1 THEN moment END, CASE WHEN n % 40 > 1 THEN moment END
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
INSERT INTO supervision_orders (ticket_id, level, opened_at, opened_by, reason, due_at, closed_at, missed_at)
SELECT n, 'ordinary', :at, 'system', '办结超时', CAST(:at AS timestamptz) + n * interval '1 minute',
    CASE WHEN n % 400 > 1 THEN CAST(:at AS timestamptz) END, CASE WHEN n % 3 = 0 THEN CAST(:at AS timestamptz) END
FROM generate_series(1000, 1000 + :rows) AS n;
INSERT INTO attachments (message_id, media_id, kind, state, attempts, retry_at)
SELECT n, 'M' || n, 'image', CASE WHEN n % 300 = 0 THEN 'pending' ELSE 'stored' END, 0, :at
FROM generate_series(1, :rows) AS n;
INSERT INTO users (id, username, name, department_id, roles, password_hash, password_changed_at, active,
    session_version, created_at) SELECT 5000 + n, 'bulk' || n, 'bulk', 1, '["agent"]', '', :at, false, 1, :at
    FROM generate_series(0, 49) AS n;
INSERT INTO notifications (cause, kind, way, target, user_id, ticket_id, facts, at, urgent, pops, digest, attempts,
    read_at, answer_by, send_at, state)
SELECT 'bulk:' || n, 'escalation', CASE WHEN n % 10 = 0 THEN 'mail' ELSE 'in_app' END, 'user', CASE WHEN n % 20 = 1
    THEN :person ELSE 5000 + n % 50 END, 1000 + n / 2, '{}', :at, false, false, false, 0,
    CASE WHEN n % 3 > 0 THEN CAST(:at AS timestamptz) END, CASE WHEN n % 300 = 7 THEN CAST(:at AS timestamptz) END,
    CASE WHEN n % 300 = 0 THEN CAST(:at AS timestamptz) END, CASE WHEN n % 300 = 0 THEN 'due' END
FROM generate_series(1, :rows * 2 - 2) AS n;
INSERT INTO breaches (ticket_id, clock, started_at, due_at, at, department_id, user_id, state)
SELECT 1000 + n, 'resolve', :at, :at, CAST(:at AS timestamptz) - n * interval '1 minute', 1 + n % 6,
    CASE WHEN n % 300 = 1 THEN :person END, CASE WHEN n % 40 = 0 THEN 'draft' WHEN n % 9 = 0 THEN 'dismissed'
    ELSE 'confirmed' END FROM generate_series(1, :rows - 1) AS n;
INSERT INTO appeals (breach_id, at, by, text, answer_by, decided_at)
SELECT id, :at, 'li', '请复核', :at, CASE WHEN id % 200 > 0 THEN CAST(:at AS timestamptz) END FROM breaches
WHERE state = 'confirmed' AND id % 10 = 0;
INSERT INTO extension_requests (ticket_id, at, by, reason, days, due_before, due_after, state, decided_at)
SELECT 1000 + n, CAST(:at AS timestamptz) - n * interval '1 minute', 'li', '等配件', 1, :at, :at,
    CASE WHEN n % 400 = 1 THEN 'pending' ELSE 'granted' END, CASE WHEN n % 400 <> 1 THEN CAST(:at AS timestamptz) END
FROM generate_series(1, :rows - 1) AS n;
INSERT INTO handovers (at, from_user_id, to_user_id, ticket_id, note, acknowledged_at)
SELECT CAST(:at AS timestamptz) - n * interval '1 minute', 5000 + n % 50, CASE WHEN n % 40 = 1 THEN :person
    ELSE 5000 + n % 50 END, 1000 + n, '', CASE WHEN n % 400 > 1 THEN CAST(:at AS timestamptz) END
FROM generate_series(1, :rows - 1) AS n;
INSERT INTO opinions (ticket_id, at, state, category)
SELECT 1000 + n, CAST(:at AS timestamptz) - n * interval '9 minutes',
    CASE WHEN n % 9 = 0 THEN 'failed' ELSE 'done' END, 'inquiry' FROM generate_series(1, :rows - 1) AS n;
UPDATE tickets SET opinion_at = :at WHERE id % 400 = 0;
UPDATE messages SET ticket_id = NULL, kept = CASE WHEN id % 300 = 0 THEN 'advert' ELSE 'talk' END WHERE id % 100 = 0;
UPDATE tickets SET gist = '停水', incident_id = CASE WHEN id % 300 = 3 THEN 1300 END, class_source = 'keyword',
    compare_at = CASE WHEN id % 400 = 3 THEN CAST(:at AS timestamptz) END WHERE id % 3 = 0;
INSERT INTO likenesses (ticket_id, other_id, kind, score) SELECT 1000 + n, 999 + n, 'incident', 0.9
FROM generate_series(2, :rows - 1) AS n;
INSERT INTO judgements (ticket_id, at, category, priority, confidence, triage, source, model, because, final_category,
    settled_at, kind, text) SELECT 1000 + n, :at, CASE WHEN n % 90 = 0 THEN 'fault' ELSE 'inquiry' END, 'normal', 0.9,
    n % 9 = 0, 'model', '0', '["退款"]', CASE WHEN n % 90 < 2 THEN 'fault' ELSE 'inquiry' END,
    CAST(:at AS timestamptz) - n * interval '1 hour', CASE WHEN n % 90 = 1 THEN 'corrected' ELSE 'confirmed' END, '退款'
FROM generate_series(1, :rows - 1) AS n;
INSERT INTO clocks (ticket_id, kind, state, target_amount, target_unit, started_at, due_at, pauses, provisional)
SELECT ticket_id, 'resolve', 'running', 1, 'working_days', :at, CAST(:at AS timestamptz) + interval '9 days', '[]',
    false FROM extension_requests WHERE state = 'pending' ON CONFLICT DO NOTHING;
"""
BIG = (
    "tickets",
    "messages",
    "outbox",
    "inbox",
    "events",
    "attachments",
    "supervision_orders",
    "notifications",
    "breaches",
    "extension_requests",
    "handovers",
    "opinions",
    "judgements",
    "likenesses",
)
Ask = Callable[[Session, User, Desk], object]


def chief() -> User:
    """Somebody who supervises everything."""
    return User(id=0, username="chief", roles=["supervisor"], active=True, department_id=1)


def tab(name: str, sort: str = "-received") -> Ask:
    return lambda session, user, _: queries.search(session, user, Search(also=queries.tabs(user)[name], sort=sort))


CHIEF = User(id=0, username="chief", roles=["supervisor"], active=True, department_id=2)


def supervised_list(state: str) -> Ask:
    return lambda session, *_: supervised.listing(session, CHIEF, Wanted(state))


def assignment(session: Session, _: User, desk: Desk) -> None:
    """A ticket that waits looks for somebody."""
    waiting = update(queries.Ticket).where(queries.Ticket.id == 1040)
    session.execute(waiting.values(wants_assignee_at=desk.now, department_id=desk.rules.departments["KFB"]))
    rules = replace(desk.rules, assignment={EVERYBODY: AssignmentRules(Mode.LOAD)})
    session.info["after_commit"] = []  # as in a transaction, which this is not: it is rolled back
    assigning.assign_due(session, now=desk.now, rules=rules)
    del session.info["after_commit"]


def ahead(desk: Desk, hours: int = 2) -> list[Ahead]:
    """The next hours of every department, as the board looks at them; of the days before they tell nothing."""
    moments = (desk.now - timedelta(days=40) + timedelta(hours=number) for number in range(hours + 1))
    return [Ahead(frozenset(desk.rules.department_codes), tuple(moments))]


def board(kind: str, clock: str = "") -> Ask:
    """A list of the board, of everybody's tickets."""
    return lambda s, u, d: queries.search(
        s, u, Search(sort="due", also=[board_view.condition(Choice(kind=kind, clock=clock), ahead(d))])
    )


SEEN = queries.Ticket.restricted.is_(False)
ASKED: dict[str, Ask] = {
    **{f"tab {name}": tab(name) for name in ("to_accept", "mine", "department", "overdue", "callback", "all")},
    "tab department by due": tab("department", "due"),
    **{f"tab {name} by limit": tab(name, "limit") for name in ("to_accept", "mine", "department", "all")},
    **{f"board {kind}": board(kind) for kind in board_view.KINDS},
    "board": board(""),
    "board by clock": board("", "accept"),
    "board late by clock": board("late", "first_reply"),
    "open by place": lambda s, u, d: load.open_by_place(s, SEEN),
    "due by place": lambda s, u, d: load.due_by_place(s, SEEN, ahead(d)),
    "clocks by place": lambda s, u, d: load.clocks_by_place(s, SEEN, ahead(d)),
    "marked by place": lambda s, u, d: load.marked_by_place(s, SEEN),
    "pace": lambda s, u, d: load.done_since(s, d.now - timedelta(hours=2), d.rules.department_codes),
    "today": lambda s, u, d: load.today_by_department(s, SEEN, d.now - timedelta(hours=2)),
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
    "orders missed": lambda s, u, d: supervision.miss_due(s, now=d.now, rules=d.rules),
    "an open order": lambda s, u, d: orders.find_open(s, s.get_one(queries.Ticket, 1000)),
    **{f"orders {state}": supervised_list(state) for state in supervised.STATES},
    "orders counted": lambda s, u, d: supervised.counts(s, CHIEF, Wanted()),
    "orders by level": lambda s, u, d: supervised.levels(s, CHIEF, Wanted()),
    "notifications": lambda s, u, d: noticeboard.page(s, u, cursor=None, limit=50),
    "notifications of a kind": lambda s, u, d: noticeboard.page(s, u, kind="urge", cursor=None, limit=50),
    "older notifications": lambda s, u, d: noticeboard.page(s, u, cursor="r9000", limit=50),
    "unread notifications": lambda s, u, d: noticeboard.unread(s, u),
    "newest notification": lambda s, u, d: noticeboard.newest(s, u),
    "news": lambda s, u, d: noticeboard.news(s, u, after=11_000),
    "seen": lambda s, u, d: noticeboard.seen(s, u, s.get_one(queries.Ticket, 1500), now=d.now),
    "unread in time": lambda s, u, d: notifying.unread_due(s, now=d.now - timedelta(days=1), rules=d.rules),
    "red cards": lambda s, u, d: notifying.remind_red(s, now=d.now, rules=d.rules),
    "told before": lambda s, u, d: s.scalar(select(Notification.id).where(Notification.cause == "x").limit(1)),
    "notices to send": lambda s, u, d: dispatch.next_due(s, d.now, 8),
    "notices of one": lambda s, u, d: dispatch.claim(s, "mail", "user", now=d.now - timedelta(days=1), rules=d.rules),
    "lost notices": lambda s, u, d: dispatch.expire(s, now=d.now),
    "register": lambda s, u, d: breaches.listing(s, u, Filter()),
    "register of a supervisor": lambda s, u, d: breaches.listing(s, chief(), Filter()),
    "drafts": lambda s, u, d: breaches.listing(s, chief(), Filter("draft")),
    "open appeals": lambda s, u, d: breaches.listing(s, chief(), Filter("appealed")),
    "settled breaches": lambda s, u, d: breaches.listing(s, chief(), Filter("settled")),
    "breaches of a ticket": lambda s, u, d: breaches.of_ticket(s, chief(), s.get_one(queries.Ticket, 1500)),
    "late appeals": lambda s, u, d: appeals.late_due(s, now=d.now - timedelta(days=40), rules=d.rules),
    "requests that lapse": lambda s, u, d: extensions.lapse_due(s, now=d.now - timedelta(days=40), rules=d.rules),
    "requests to decide": lambda s, u, d: extensions.waiting(s, chief(), 100),
    "requests decided": lambda s, u, d: extensions.decided(s, chief(), 20),
    "requests counted": lambda s, u, d: extensions.count_waiting(s, chief()),
    "requests": lambda s, u, d: extensions.listing(s, chief()),
    "requests of a ticket": lambda s, u, d: extensions.of_ticket(s, s.get_one(queries.Ticket, 1500)),
    "reminders of suspensions": lambda s, u, d: suspensions.remind_due(
        s, now=d.now - timedelta(days=40), rules=d.rules
    ),
    "in hand": lambda s, u, d: handovers.in_hand(s, u, until=d.now),
    "left behind": lambda s, u, d: handovers.left_behind(s, [u], now=d.now, rules=d.rules),
    "handed to me": lambda s, u, d: handovers.received(s, u, since=d.now - timedelta(days=2)),
    "acknowledged": lambda s, u, d: handovers.acknowledge(s, u, up_to=9, now=d.now),
    "who stands how": lambda s, u, d: standing.standings(s, [u], d.rules, d.now),
    "assignment": assignment,
    "back to the pool": lambda s, u, d: pool.return_due(s, now=d.now, rules=d.rules),
    "who keeps away": lambda s, u, d: custody.recusals_of(s, [1500, 1501]),
    "second opinions due": lambda s, u, d: opinions.is_due(s, now=d.now),
    "second opinions to ask": lambda s, u, d: opinions.claim(
        s, now=d.now - timedelta(days=1), rules=d.rules, daily=9000
    ),
    "second opinions of a day": lambda s, u, d: opinions.asked_on_day(s, d.now, d.rules),
    "second opinion on a ticket": lambda s, u, d: opinions.newest(s, s.get_one(queries.Ticket, 1500)),
    "waiting for somebody": lambda s, u, d: standing.queues(s, d.rules.department_codes),
    "kept": lambda s, u, d: kept.listing(s, kept.REASONS, None),
    "kept before": lambda s, u, d: kept.listing(s, kept.DOUBTFUL, queries.encode_cursor(d.now, 9000)),
    "compare": lambda s, u, d: likenesses.compare_due(s, now=d.now, rules=d.rules),
    "alike": lambda s, u, d: likenesses.shown_to(s, chief(), s.get_one(queries.Ticket, 1503)),
    "alike today": lambda s, u, d: likenesses.alike_since(s, s.get_one(queries.Ticket, 1503), d.now),
    "a draft of the rules": lambda s, u, d: keyword_trial.run(
        s, chief(), d.rules.classifier, d.rules.classifier, now=d.now
    ),
    "quality of four weeks": lambda s, u, d: quality.summary(s, chief(), since=d.now - timedelta(days=28), weeks=4),
    "words that misled": lambda s, u, d: quality.words(s, chief(), since=d.now - timedelta(days=90)),
    "judged and settled": lambda s, u, d: quality.tickets(s, chief(), Judged(d.now - timedelta(days=90))),
    "judged wrong": lambda s, u, d: quality.tickets(
        s, chief(), Judged(d.now - timedelta(days=900), category="inquiry", final="fault")
    ),
    "corrected": lambda s, u, d: quality.tickets(
        s, chief(), Judged(d.now - timedelta(days=900), kind="corrected", final="fault")
    ),
    "new corrections": lambda s, u, d: runs.new_corrections(s),
    "examples": lambda s, u, d: corrections.gather(s),
    "old examples": lambda s, u, d: judgements.fade(s, before=d.now - timedelta(days=900)),
    "examples of one follower": lambda s, u, d: judgements.forget(s, 500),
    "pending files": lambda session, _, desk: attachments.pending(session, desk.now),
}
# these look through a bounded piece of the newest tickets by design
BOUNDED = {"one ticket", "a draft of the rules"}


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
