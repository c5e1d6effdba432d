"""Intake in one statement, for PostgreSQL and the common cases: a new matter, or more of one that stays as it is.

It is a transaction of its own. What it finds to be anything else it leaves to intake.py: then it has written only the
inbox row, unhandled, and the follower. A row of statements did the same at a lower rate (`bench/intake.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from service.tickets.intake_statements import STAYS

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything the statement may write. Ids, number and receipt are completed by it."""

    ticket: Row
    message: Row
    event: Row
    item: Row  # the inbox row, without handled_at and reply
    clocks: Sequence[Row]
    # channel address now at closes_at left quiet_at day lately mark since receipt ({number} stands for the number)
    values: Row


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message: its passive reply, or the inbox row that still has to be handled."""

    reply: str
    unhandled: int | None = None


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
    names = (tuple(rows.ticket), tuple(rows.message), tuple(rows.event), tuple(rows.item), tuple(rows.clocks[0]))
    # rows travel as JSON: five parameters instead of sixty, which the driver could no longer cache
    given = {"ticket": rows.ticket, "message": rows.message, "event": rows.event, "item": rows.item}
    documents = {name: json.dumps(row, default=str, ensure_ascii=False) for name, row in given.items()}
    values = {**rows.values, **documents, "key": rows.item["key"], "clocks": json.dumps(rows.clocks, default=str)}
    return Done(*session.connection().execute(_statement(*names), values).one())


@cache
def _statement(*names: tuple[str, ...]) -> TextClause:
    """The statement for rows with these columns. Foreign keys are checked at its end, so the order within is free."""
    ticket, message, event, item, clock = (", ".join(columns) for columns in names)
    stays = ", ".join(f"'{status.value}'" for status in STAYS)
    columns = {"ticket": ticket, "message": message, "event": event, "item": item, "clock": clock}
    return text(TEMPLATE.format(stays=stays, opens=OPENS, **columns))


# a follower's row, as it stands, with nothing open: a new matter, unless they have just written the very same words.
# No query more: what they opened their last ticket with stands in the row that is locked here anyway
OPENS = """followers.open_ticket_id IS NULL AND followers.waiting_items = 0 AND followers.intent IS NULL
            AND followers.blocked_at IS NULL AND (followers.matter_mark = CAST(:mark AS text)
                AND followers.matter_at >= CAST(:since AS timestamptz)) IS NOT TRUE"""
TEMPLATE = """
WITH earlier AS (
    SELECT reply FROM inbox WHERE channel = :channel AND key = :key
), fresh AS MATERIALIZED (
    SELECT nextval('tickets_id_seq') AS id WHERE NOT EXISTS (SELECT 1 FROM earlier)
), follower AS (
    INSERT INTO followers (channel, address, first_seen_at, last_seen_at, following, window_closes_at, messages_left,
        waiting_items, open_ticket_id, profile_due_at, matter_mark, matter_at)
    SELECT :channel, :address, :now, :now, true, CAST(:closes_at AS timestamptz), CAST(:left AS integer), 0, fresh.id,
        :now, CAST(:mark AS text), CAST(:at AS timestamptz)
    FROM fresh
    ON CONFLICT (channel, address) DO UPDATE SET last_seen_at = excluded.last_seen_at, following = true,
        unreachable = NULL,
        window_closes_at = CASE WHEN followers.window_closes_at > excluded.window_closes_at
            THEN followers.window_closes_at ELSE excluded.window_closes_at END,
        messages_left = CASE WHEN followers.window_closes_at > CAST(:at AS timestamptz)
            THEN greatest(followers.messages_left, excluded.messages_left) ELSE excluded.messages_left END,
        open_ticket_id = CASE WHEN {opens} THEN excluded.open_ticket_id ELSE followers.open_ticket_id END,
        matter_mark = CASE WHEN {opens} THEN excluded.matter_mark ELSE followers.matter_mark END,
        matter_at = CASE WHEN {opens} THEN excluded.matter_at ELSE followers.matter_at END
    RETURNING id, open_ticket_id, last_source,
        waiting_items = 0 AND intent IS NULL AND blocked_at IS NULL AS is_plain,
        coalesce(open_ticket_id = (SELECT id FROM fresh), false) AS is_new
), joined AS (
    UPDATE tickets SET last_inbound_at = CAST(:at AS timestamptz), updated_at = CAST(:now AS timestamptz),
        classify_at = CAST(:quiet_at AS timestamptz), version = version + 1,
        limit_at = least(due_at, CAST(:closes_at AS timestamptz))
    FROM follower WHERE tickets.id = follower.open_ticket_id AND NOT follower.is_new AND follower.is_plain
        AND tickets.status IN ({stays}) AND tickets.first_replied_at IS NULL
    RETURNING tickets.id, tickets.number
), counter AS (
    INSERT INTO ticket_counters (day, last) SELECT :day, 1 FROM follower WHERE is_new
    ON CONFLICT (day) DO UPDATE SET last = ticket_counters.last + 1 RETURNING CAST(last AS text) AS last
), opened AS (
    INSERT INTO tickets (id, follower_id, number, source, repeat_of_id, {ticket})
    SELECT follower.open_ticket_id, follower.id, 'GD' || :day || '-' || lpad(last, greatest(4, length(last)), '0'),
        follower.last_source,
        (SELECT id FROM tickets WHERE status = 'closed' AND closed_at >= :lately
            AND id = (SELECT max(id) FROM tickets WHERE follower_id = follower.id)),
        {ticket}
    FROM counter, follower,
        LATERAL (SELECT {ticket} FROM json_populate_record(NULL::tickets, CAST(:ticket AS json))) AS given
    RETURNING id, number
), ticket AS (
    SELECT id, number, false AS is_new FROM joined UNION ALL SELECT id, number, true FROM opened
), clock AS (
    INSERT INTO clocks (ticket_id, {clock})
    SELECT opened.id, {clock}
    FROM opened, LATERAL (SELECT {clock} FROM json_populate_recordset(NULL::clocks, CAST(:clocks AS json))) AS given
), event AS (
    INSERT INTO events (ticket_id, {event})
    SELECT opened.id, {event}
    FROM opened, LATERAL (SELECT {event} FROM json_populate_record(NULL::events, CAST(:event AS json))) AS given
), message AS (
    INSERT INTO messages (ticket_id, follower_id, {message})
    SELECT ticket.id, follower.id, {message}
    FROM ticket, follower,
        LATERAL (SELECT {message} FROM json_populate_record(NULL::messages, CAST(:message AS json))) AS given
    RETURNING id
), kept AS (
    INSERT INTO inbox (handled_at, reply, {item})
    SELECT CASE WHEN ticket.id IS NOT NULL THEN CAST(:now AS timestamptz) END,
        CASE WHEN ticket.is_new THEN replace(:receipt, '{{number}}', ticket.number) ELSE '' END, {item}
    FROM follower LEFT JOIN ticket ON true,
        LATERAL (SELECT {item} FROM json_populate_record(NULL::inbox, CAST(:item AS json))) AS given
    RETURNING id, reply
)
SELECT (SELECT reply FROM earlier), kept.id, ticket.number, message.id, kept.reply
FROM (SELECT 1) AS one LEFT JOIN kept ON true LEFT JOIN ticket ON true LEFT JOIN message ON true
"""
