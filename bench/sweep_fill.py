"""Fills a database for bench/sweep.py by SQL: closed tickets with met clocks, open ones whose clocks end later."""

import contextlib
from datetime import datetime

import psycopg

PEOPLE = """
INSERT INTO users (username, name, department_id, roles, password_hash, password_changed_at, active, session_version,
    created_at, email)
SELECT 'agent' || n, 'Agent ' || n, 1 + n %% 5, CAST('["agent"]' AS json), '', %(now)s, true, 1, %(now)s, NULL
FROM generate_series(0, 39) AS n
UNION ALL SELECT 'head' || n, 'Head ' || n, 1 + n, CAST('["dept_head"]' AS json), '', %(now)s, true, 1, %(now)s,
    'head' || n || '@example.com' FROM generate_series(0, 4) AS n
UNION ALL SELECT 'supervisor' || n, 'Supervisor ' || n, 1, CAST('["supervisor"]' AS json), '', %(now)s, true, 1,
    %(now)s, 'supervisor' || n || '@example.com' FROM generate_series(0, 1) AS n
"""
FOLLOWERS = """
INSERT INTO followers (id, channel, address, following, first_seen_at, last_seen_at, window_closes_at, messages_left,
    waiting_items, open_ticket_id)
SELECT n, 'wechat:bench', 'oBench' || n, true, %(now)s, %(now)s,
    %(now)s + (13 + n %% 35) * interval '1 hour', 5, 0, CASE WHEN 2 * n > %(closed)s THEN 2 * n END
FROM generate_series(0, %(tickets)s / 2) AS n
"""
CLOSED = """
INSERT INTO tickets (id, number, query_code, status, category, priority, restricted, department_id,
    intake_department_id, assignee_id, follower_id, channel, subject, received_at, accepted_at, first_replied_at,
    answered_at, closed_at, updated_at, last_inbound_at, version, triage, overdue, follow_up_open, follow_up_attempts,
    rework_rounds, demo, class_source, calendar_version)
SELECT n, 'GDBENCH-' || n, '000000', 'closed', CASE n %% 3 WHEN 0 THEN 'complaint' ELSE 'inquiry' END, 'normal',
    n %% 200 = 0, 1 + n %% 5, 1, 1 + n %% 40, n / 2, 'wechat:bench', '物业费怎么交', moment,
    moment + interval '10 minutes', moment + interval '20 minutes', moment + interval '1 day',
    moment + interval '2 days', moment + interval '2 days', moment, 9, false, false, false, 1, 0, false, 'keyword',
    1000000
FROM (SELECT n, %(now)s - interval '3 days' - (%(closed)s - n) * interval '30 seconds' AS moment
      FROM generate_series(1, %(closed)s) AS n) AS numbered
"""
OPEN = """
INSERT INTO tickets (id, number, query_code, status, category, priority, restricted, department_id,
    intake_department_id, assignee_id, follower_id, channel, subject, received_at, accepted_at, first_replied_at,
    answered_at, updated_at, last_inbound_at, version, triage, overdue, follow_up_open, follow_up_attempts,
    rework_rounds, demo, class_source, calendar_version, due_at, breach_at, limit_at, wake_at, window_warn_at)
SELECT %(closed)s + k, 'GDBENCH-' || %(closed)s + k, '000000', status,
    CASE k %% 3 WHEN 0 THEN 'complaint' ELSE 'inquiry' END, 'normal', k %% 200 = 0, 1 + k %% 5, 1,
    CASE WHEN k %% 5 > 1 THEN 1 + k %% 40 END, (%(closed)s + k) / 2, 'wechat:bench', '物业费怎么交', moment,
    CASE WHEN k %% 5 > 1 THEN moment END, CASE WHEN k %% 5 > 1 THEN moment END,
    CASE WHEN status = 'answered' THEN moment END, moment, moment, 3, false, false, status = 'answered', 0, 0, false,
    'keyword', 1000000, soon, CASE WHEN status <> 'waiting_customer' THEN soon END, soon,
    CASE WHEN status = 'answered' THEN soon END, CASE WHEN k %% 5 < 4 THEN soon END
FROM (SELECT k, (ARRAY['pending_acceptance', 'pending_acceptance', 'in_progress', 'in_progress',
          CASE WHEN k %% 10 = 4 THEN 'waiting_customer' ELSE 'answered' END])[1 + k %% 5] AS status,
          %(now)s - interval '1 hour' - (k %% 50000) * interval '1 second' AS moment,
          %(now)s + interval '2 hours' + (k * 7919 %% 400000) * interval '1 second' AS soon
      FROM generate_series(1, %(open)s) AS k) AS numbered
"""
CLOCKS = """
INSERT INTO clocks (ticket_id, kind, state, target_amount, target_unit, started_at, due_at, met_at, pauses, provisional,
    next_rung_at, rungs, registered)
SELECT t.id, kind,
    CASE WHEN is_met THEN 'met' WHEN t.status = 'waiting_customer' THEN 'paused' ELSE 'running' END,
    30, 'working_minutes', t.received_at,
    CASE WHEN is_met THEN t.received_at + interval '1 hour' ELSE t.due_at + later END,
    CASE WHEN is_met THEN t.received_at + interval '20 minutes' END,
    CASE WHEN NOT is_met AND t.status = 'waiting_customer'
        THEN json_build_array(json_build_array(to_char(t.received_at, 'YYYY-MM-DD"T"HH24:MI:SS+00:00'), NULL,
            'waiting_customer')) ELSE json_build_array() END,
    false, CASE WHEN NOT is_met AND t.status <> 'waiting_customer' THEN t.due_at - interval '50 minutes' + later END,
    '', NULL
FROM tickets t, LATERAL (VALUES
    ('accept', t.status <> 'pending_acceptance', interval '0'),
    ('first_reply', t.status <> 'pending_acceptance', interval '0'),
    ('resolve', t.status IN ('closed', 'answered'), interval '1 day'),
    ('follow_up', t.status = 'closed', interval '0'),
    ('update', false, interval '6 hours')) AS clock (kind, is_met, later)
WHERE (kind <> 'follow_up' OR (t.status = 'closed' AND t.id %% 3 = 0) OR t.status = 'answered')
    AND (kind <> 'update' OR t.status IN ('in_progress', 'waiting_customer'))
"""
REST = """
INSERT INTO notifications (cause, kind, way, target, user_id, ticket_id, facts, at, urgent, pops, read_at, answer_by,
    digest, attempts, state)
SELECT 'escalation:' || n, 'escalation', 'in_app', 'user:' || 1 + n %% 40, 1 + n %% 40, 1 + n %% %(tickets)s,
    '{}', %(now)s - n * interval '1 minute', false, false, CASE WHEN n %% 10 > 0 THEN %(now)s END,
    CASE WHEN n %% 200 = 0 THEN %(now)s + interval '1 day' END, false, 0, NULL
FROM generate_series(1, %(many)s) AS n;
INSERT INTO events (ticket_id, at, actor, action, before, after, because)
SELECT 1 + n %% %(tickets)s, %(now)s - n * interval '1 minute', 'agent1', 'note', '{}', '{}', ''
FROM generate_series(1, %(many)s) AS n;
INSERT INTO outbox (channel, follower_id, reference_id, text, state, due_at, attempts)
SELECT 'wechat:bench', n %% (%(tickets)s / 2), n, '您好', 'sent', %(now)s, 1 FROM generate_series(1, %(many)s) AS n;
INSERT INTO escalations (ticket_id, clock, started_at, rung, reached_at, at, due_at)
SELECT n, 'resolve', %(now)s, 'warning', %(now)s, %(now)s, %(now)s FROM generate_series(1, %(many)s) AS n;
INSERT INTO breaches (ticket_id, clock, started_at, due_at, at, department_id, state)
SELECT n, 'resolve', %(now)s, %(now)s, %(now)s - n * interval '1 minute', 1 + n %% 5, 'confirmed'
FROM generate_series(1, %(many)s) AS n;
INSERT INTO supervision_orders (ticket_id, level, opened_at, opened_by, reason, due_at, answered_at, answered_by,
    answer, closed_at, closed_by, verdict)
SELECT n, 'ordinary', %(now)s, 'system', '', %(now)s + interval '1 day', %(now)s, 'agent1', '', %(now)s, 'boss', ''
FROM generate_series(1, least(%(many)s, %(tickets)s) / 10) AS n
"""
DUE = """
WITH chosen AS MATERIALIZED (
    UPDATE tickets SET breach_at = %(at)s, due_at = %(at)s, limit_at = %(at)s,
        received_at = %(at)s - interval '30 minutes', overdue = false
    WHERE id IN (SELECT id FROM tickets WHERE status = 'pending_acceptance' ORDER BY id LIMIT %(due)s) RETURNING id
)
UPDATE clocks SET started_at = %(at)s - interval '30 minutes', due_at = %(at)s,
    next_rung_at = %(at)s, state = 'running',
    rungs = CASE kind WHEN 'accept' THEN 'unclaimed soon' ELSE 'warning soon' END
FROM chosen WHERE ticket_id = chosen.id AND kind IN ('accept', 'first_reply')
"""
TABLES = ("tickets", "clocks", "followers", "notifications", "events", "outbox", "escalations", "breaches")
PLAIN = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary AND NOT indisunique
"""


def fill(connection: psycopg.Connection, *, tickets: int, still_open: int, now: datetime) -> None:
    """All rows, the indexes built afterwards: in half of the time that it takes row by row."""
    cursor = psycopg.ClientCursor(connection)  # values with their types, in one statement or several
    values = {"now": now, "tickets": tickets, "open": still_open, "closed": tickets - still_open}
    values["many"] = max(20_000, tickets // 5)
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute("SET session_replication_role = replica")  # no look at foreign keys
    connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '256MB'")
    indexes = connection.execute(PLAIN, (list(TABLES),)).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")  # type: ignore[call-overload]
    for statement in (PEOPLE, FOLLOWERS, CLOSED, OPEN, CLOCKS, REST):
        cursor.execute(statement, values)  # type: ignore[call-overload]
    for _, definition in indexes:
        connection.execute(definition)
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("VACUUM ANALYZE")


def make_due(connection: psycopg.Connection, *, due: int, at: datetime) -> None:
    """Let the accept and first reply of so many tickets be due at one instant, with that rung ahead."""
    psycopg.ClientCursor(connection).execute(DUE, {"due": due, "at": at})
