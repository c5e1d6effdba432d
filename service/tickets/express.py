"""Intake in one statement, for PostgreSQL and the common cases: a new matter, or more of one that stays as it is.

What it finds to be anything else it leaves to intake.py, in the same transaction: then only the inbox row is written and
the follower locked. Five statements in a row did the same at less than half the rate (`bench/intake.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sqlalchemy import JSON, Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from service.tickets.intake_statements import CLOCKS, EVENTS, INBOX, MESSAGES, STAYS, TICKETS

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
TABLES = {"t": TICKETS, "m": MESSAGES, "e": EVENTS, "i": INBOX}  # prefix of the parameters of each row
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything the statement may write. Ids, number and receipt are completed by it."""

    ticket: Row
    message: Row
    event: Row
    item: Row  # the inbox row, without handled_at and reply
    clocks: Sequence[Row]
    # channel address now at closes_at left quiet_at day lately receipt ({number} stands for the number)
    values: Row


@dataclass(frozen=True, slots=True)
class Done:
    """What the statement did; all but `earlier` are None for a message that was kept before."""

    earlier: str | None  # the reply of the first delivery
    item_id: int | None
    number: str | None  # of the ticket that was joined or opened; None: the rest is left to intake.py
    message_id: int | None
    reply: str | None


def run(session: Session, rows: Rows) -> Done:
    """Run it. Raises IntegrityError where the same message is being kept by another transaction at this moment."""
    given = {"t": rows.ticket, "m": rows.message, "e": rows.event, "i": rows.item}
    values: dict[str, object] = {**rows.values, "clocks": json.dumps(rows.clocks, default=str)}
    for prefix, row in given.items():
        values |= {f"{prefix}_{name}": _plain(TABLES[prefix], name, value) for name, value in row.items()}
    statement = _statement(tuple((prefix, tuple(row)) for prefix, row in given.items()))
    return Done(*session.connection().execute(statement, values).one())


def _plain(table: Table, name: str, value: object) -> object:
    """As the driver takes it where no column type is there to convert."""
    if isinstance(table.c[name].type, JSON):
        return json.dumps(value, ensure_ascii=False)
    return value.value if isinstance(value, StrEnum) else value


def _names(columns: Sequence[str]) -> str:
    return ", ".join(columns)


def _binds(prefix: str, columns: Sequence[str]) -> str:
    types = (TABLES[prefix].c[name].type.compile(DIALECT) for name in columns)
    return ", ".join(f"CAST(:{prefix}_{name} AS {kind})" for name, kind in zip(columns, types, strict=True))


@cache
def _statement(given: tuple[tuple[str, tuple[str, ...]], ...]) -> TextClause:
    """The statement for rows with these columns. Foreign keys are checked at its end, so the order within is free."""
    columns = dict(given)
    clock = [c for c in CLOCKS.c if c.name != "ticket_id"]
    parts = {
        "stays": ", ".join(f"'{status.value}'" for status in STAYS),
        "clock_columns": _names([c.name for c in clock]),
        "clock_types": ", ".join(f"{c.name} {c.type.compile(DIALECT)}" for c in clock),
    }
    for prefix, names in columns.items():
        parts |= {f"{prefix}_columns": _names(names), f"{prefix}_binds": _binds(prefix, names)}
    return text(TEMPLATE.format_map(parts))


TEMPLATE = """
WITH earlier AS (
    SELECT reply FROM inbox WHERE channel = :channel AND key = :i_key
), fresh AS MATERIALIZED (
    SELECT nextval('tickets_id_seq') AS id WHERE NOT EXISTS (SELECT 1 FROM earlier)
), follower AS (
    INSERT INTO followers (channel, address, first_seen_at, last_seen_at, following, window_closes_at, messages_left,
        waiting_items, open_ticket_id)
    SELECT :channel, :address, :now, :now, true, CAST(:closes_at AS timestamptz), CAST(:left AS integer), 0, fresh.id FROM fresh
    ON CONFLICT (channel, address) DO UPDATE SET last_seen_at = excluded.last_seen_at, following = true,
        window_closes_at = CASE WHEN followers.window_closes_at > excluded.window_closes_at
            THEN followers.window_closes_at ELSE excluded.window_closes_at END,
        messages_left = CASE WHEN followers.window_closes_at > CAST(:at AS timestamptz)
            THEN greatest(followers.messages_left, excluded.messages_left) ELSE excluded.messages_left END,
        open_ticket_id = CASE WHEN followers.waiting_items > 0 THEN followers.open_ticket_id
            ELSE coalesce(followers.open_ticket_id, excluded.open_ticket_id) END
    RETURNING id, open_ticket_id, waiting_items = 0 AS is_plain,
        coalesce(open_ticket_id = (SELECT id FROM fresh), false) AS is_new
), joined AS (
    UPDATE tickets SET last_inbound_at = CAST(:at AS timestamptz), updated_at = CAST(:now AS timestamptz),
        classify_at = CAST(:quiet_at AS timestamptz), version = version + 1
    FROM follower WHERE tickets.id = follower.open_ticket_id AND NOT follower.is_new AND follower.is_plain
        AND tickets.status IN ({stays})
    RETURNING tickets.id, tickets.number
), counter AS (
    INSERT INTO ticket_counters (day, last) SELECT :day, 1 FROM follower WHERE is_new
    ON CONFLICT (day) DO UPDATE SET last = ticket_counters.last + 1 RETURNING CAST(last AS text) AS last
), opened AS (
    INSERT INTO tickets (id, follower_id, number, repeat_of_id, {t_columns})
    SELECT follower.open_ticket_id, follower.id, 'GD' || :day || '-' || lpad(last, greatest(4, length(last)), '0'),
        (SELECT id FROM tickets WHERE status = 'closed' AND closed_at >= :lately
            AND id = (SELECT max(id) FROM tickets WHERE follower_id = follower.id)),
        {t_binds}
    FROM counter, follower RETURNING id, number
), ticket AS (
    SELECT id, number, false AS is_new FROM joined UNION ALL SELECT id, number, true FROM opened
), clock AS (
    INSERT INTO clocks (ticket_id, {clock_columns})
    SELECT opened.id, {clock_columns} FROM opened, json_to_recordset(CAST(:clocks AS json)) AS given ({clock_types})
), event AS (
    INSERT INTO events (ticket_id, {e_columns}) SELECT opened.id, {e_binds} FROM opened
), message AS (
    INSERT INTO messages (ticket_id, follower_id, {m_columns})
    SELECT ticket.id, follower.id, {m_binds} FROM ticket, follower RETURNING id
), kept AS (
    INSERT INTO inbox (handled_at, reply, {i_columns})
    SELECT CASE WHEN ticket.id IS NOT NULL THEN CAST(:now AS timestamptz) END,
        CASE WHEN ticket.is_new THEN replace(:receipt, '{{number}}', ticket.number) ELSE '' END, {i_binds}
    FROM follower LEFT JOIN ticket ON true RETURNING id, reply
)
SELECT (SELECT reply FROM earlier), kept.id, ticket.number, message.id, kept.reply
FROM (SELECT 1) AS one LEFT JOIN kept ON true LEFT JOIN ticket ON true LEFT JOIN message ON true
"""
