"""A follower's message joins the open ticket or opens one. The hot path: written on Core, a handful of statements."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Row, case, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from service import audit
from service.audit import Event
from service.doorbell import announce, ring
from service.messaging import outbox
from service.messaging.followers import Follower, window_after
from service.messaging.inbox import insert_for
from service.messaging.ports import Inbound, Limits
from service.routing.noise import talk_kind
from service.rulebook import Rulebook
from service.sla.clocks import Clock
from service.tickets import clocks, delivery, locks, receipts
from service.tickets.changes import Deed, change
from service.tickets.models import Attachment, ClockRow, Message, Ticket, TicketCounter
from service.tickets.states import Action, Status

QUIET = timedelta(seconds=3)  # a follower who has been silent this long has finished the thought
SUBJECT_CHARS = 40
REPEAT_DAYS = timedelta(days=7)  # a message this soon after the close is linked to the closed ticket
UNTOUCHED = (Status.PENDING_ACCEPTANCE, Status.IN_PROGRESS)  # a message changes nothing about these but their time


def receive(session: Session, message: Inbound, *, limits: Limits, rules: Rulebook, now: datetime) -> str:
    """Handle one accepted message; returns the text of the passive reply, "" for none."""
    follower = _meet_follower(session, message, limits, now)
    handed = _waiting_goes_out(session, message, follower, limits, rules, now)
    return "\n\n".join(text for text in (handed, _sort(session, message, follower, rules=rules, now=now)) if text)


def _waiting_goes_out(
    session: Session, message: Inbound, follower: Row, limits: Limits, rules: Rulebook, now: datetime
) -> str:
    """Replies that waited for this contact: queued, or in the passive reply of an account that cannot send."""
    if not follower.waiting_items or message.contact not in limits.windows:
        return ""
    if limits.can_send:
        outbox.release_waiting(session, follower.id, now=now)
        return ""
    row = session.get_one(Follower, follower.id)
    return delivery.hand_over(session, row, limits.text_bytes, now=now, rules=rules)


def _sort(session: Session, message: Inbound, follower: Row, *, rules: Rulebook, now: datetime) -> str:
    """What the message is: an event, an answer to a survey, talk, more of an open matter, or a new one."""
    if message.kind in ("subscribe", "unsubscribe"):
        return _following(session, follower.id, message, rules)
    if not message.matter:
        if message.text:
            _add_message(session, message, follower.id, follower.open_ticket_id)
        return ""
    talk = message.kind == "unsupported" or (message.kind == "text" and talk_kind(message.text) is not None)
    if follower.open_ticket_id is not None:
        return _join(session, message, follower, talk=talk, rules=rules, now=now)
    if talk:
        _add_message(session, message, follower.id, None)
        return ""
    return _open(session, message, follower, rules=rules, now=now)


def _meet_follower(session: Session, message: Inbound, limits: Limits, now: datetime) -> Row:
    """The sender's row, made if new and locked either way, its reply window raised: one statement.

    One follower's messages are handled one at a time, because the row stays locked until the commit.
    """
    closes_at, left = window_after(limits, message.contact, message.sent_at, closes_at=None, left=0)
    row = {"channel": message.channel, "address": message.follower, "first_seen_at": now, "last_seen_at": now}
    row |= {"following": True, "window_closes_at": closes_at, "messages_left": left, "waiting_items": 0}
    changed: dict[str, object] = {"last_seen_at": now}
    if closes_at is not None:
        f, at, opens = Follower, message.sent_at, literal(closes_at, Follower.window_closes_at.type)
        shut = or_(f.window_closes_at.is_(None), f.window_closes_at <= at)
        later = or_(shut, f.window_closes_at < opens)
        changed["window_closes_at"] = case((later, opens), else_=f.window_closes_at)
        changed["messages_left"] = case((or_(shut, f.messages_left < left), left), else_=f.messages_left)
        changed["following"] = True
    statement = insert_for(session, Follower).values(row)
    statement = statement.on_conflict_do_update(index_elements=["channel", "address"], set_=changed)
    columns = (Follower.id, Follower.open_ticket_id, Follower.waiting_items, Follower.window_closes_at)
    return session.execute(statement.returning(*columns)).one()


def _following(session: Session, follower_id: int, message: Inbound, rules: Rulebook) -> str:
    following = message.kind == "subscribe"
    session.execute(update(Follower).where(Follower.id == follower_id).values(following=following))
    if not following:  # nothing can be sent until they come back
        session.execute(
            update(Follower).where(Follower.id == follower_id).values(window_closes_at=None, messages_left=0)
        )
    return rules.texts["welcome"] if following else ""


def _join(session: Session, message: Inbound, follower: Row, *, talk: bool, rules: Rulebook, now: datetime) -> str:
    """The message belongs to the open ticket; it reopens an answered one unless it is only thanks."""
    ticket_id = follower.open_ticket_id
    _add_message(session, message, follower.id, ticket_id)
    wait = {} if talk else {"classify_at": now + QUIET}
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket_id, or_(Ticket.status.in_(UNTOUCHED), literal(talk)))
        .values(last_inbound_at=message.sent_at, updated_at=now, version=Ticket.version + 1, **wait)
        .returning(Ticket.number)
        .execution_options(synchronize_session=False)
    )
    number = session.scalar(statement)
    if number is None:
        number = _customer_writes(session, ticket_id, message, rules, now)
    announce(session, f"ticket:{number}", "queue")
    return ""


def _customer_writes(session: Session, ticket_id: int, message: Inbound, rules: Rulebook, now: datetime) -> str:
    """The message moves the ticket: what waited goes on, what was answered is open again."""
    ticket = locks.lock_ticket(session, ticket_id)
    answered = ticket.status is Status.ANSWERED
    deed = Deed(by=None, now=now, rules=rules, actor_name=audit.FOLLOWER)
    with change(session, ticket, Action.CUSTOMER_WRITES, deed) as running:
        if answered:
            running.reopen(at=now)
            running.cancel(clocks.ClockKind.FOLLOW_UP)
            ticket.follow_up_open = False
        ticket.wake_at, ticket.suspend_reason = None, None
        ticket.last_inbound_at, ticket.classify_at = message.sent_at, now + QUIET
    return ticket.number


def _open(session: Session, message: Inbound, follower: Row, *, rules: Rulebook, now: datetime) -> str:
    """A new matter: ticket, clocks, message and event, then the receipt."""
    policy = rules.policies.policy_for(None, "normal")
    started = clocks.at_intake(policy, message.sent_at, rules.calendar)
    values = _ticket_values(message, follower.id, rules, now) | clocks.derived(started)
    values["repeat_of_id"] = _recently_closed(session, follower.id, now)
    values["number"] = number = next_number(session, now, rules)
    ticket_id: int = session.execute(insert(Ticket).values(values).returning(Ticket.id)).scalar_one()
    if started:
        session.execute(insert(ClockRow), [clocks.values_of(clock) | {"ticket_id": ticket_id} for clock in started])
    _add_message(session, message, follower.id, ticket_id)
    event = {"ticket_id": ticket_id, "at": now, "actor": audit.FOLLOWER, "action": Action.OPEN.value, "because": ""}
    after = {
        "status": Status.PENDING_ACCEPTANCE.value,
        "department": rules.department_codes[rules.intake_department_id],
    }
    session.execute(insert(Event).values(event | {"before": {}, "after": after}))
    session.execute(update(Follower).where(Follower.id == follower.id).values(open_ticket_id=ticket_id))
    announce(session, f"ticket:{number}", "queue")
    return receipts.receipt(rules, values, due_of(started), closes_at=follower.window_closes_at, now=now)


def due_of(started: list[Clock]) -> datetime | None:
    """When somebody will have taken the ticket: what the receipt promises."""
    return started[0].due_at if started else None


def _ticket_values(message: Inbound, follower_id: int, rules: Rulebook, now: datetime) -> dict[str, object]:
    return {
        "query_code": f"{secrets.randbelow(1_000_000):06}",
        "status": Status.PENDING_ACCEPTANCE,
        "category": None,
        "priority": "normal",
        "restricted": False,
        "department_id": rules.intake_department_id,
        "intake_department_id": rules.intake_department_id,
        "follower_id": follower_id,
        "channel": message.channel,
        "subject": subject_of(message.text),
        "received_at": message.sent_at,
        "last_inbound_at": message.sent_at,
        "updated_at": now,
        "version": 1,
        "classify_at": now + QUIET,
        "triage": False,
        "follow_up_open": False,
        "follow_up_attempts": 0,
        "rework_rounds": 0,
        "demo": False,
    }


def subject_of(text: str) -> str:
    """First words of the matter, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_CHARS else line[:SUBJECT_CHARS] + "…"


def _recently_closed(session: Session, follower_id: int, now: datetime) -> int | None:
    """The ticket that was closed a few days ago, if this follower has one; the index gives the newest at once."""
    query = select(Ticket.id, Ticket.status, Ticket.closed_at).where(Ticket.follower_id == follower_id)
    newest = session.execute(query.order_by(Ticket.id.desc()).limit(1)).one_or_none()
    if newest is None or newest.status is not Status.CLOSED or newest.closed_at is None:
        return None
    ticket_id: int = newest.id
    return ticket_id if now - newest.closed_at <= REPEAT_DAYS else None


def next_number(session: Session, now: datetime, rules: Rulebook) -> str:
    """The next number of the day. Taken late: the counter's row is locked until the commit."""
    day = now.astimezone(rules.zone).strftime("%Y%m%d")
    statement = insert_for(session, TicketCounter).values(day=day, last=1)
    statement = statement.on_conflict_do_update(index_elements=["day"], set_={"last": TicketCounter.last + 1})
    last = session.execute(statement.returning(TicketCounter.last)).scalar_one()
    return f"GD{day}-{last:04}"


def _add_message(session: Session, message: Inbound, follower_id: int, ticket_id: int | None) -> None:
    values: Mapping[str, object] = {
        "ticket_id": ticket_id,
        "follower_id": follower_id,
        "direction": "inbound",
        "kind": message.kind,
        "text": message.text,
        "at": message.sent_at,
        "extra": dict(message.extra),
    }
    if not message.media:
        session.execute(insert(Message).values(values))
        return
    message_id = session.execute(insert(Message).values(values).returning(Message.id)).scalar_one()
    rows = [{"message_id": message_id, "media_id": m.media_id, "kind": m.kind} for m in message.media]
    session.execute(
        insert(Attachment), [r | {"state": "pending", "attempts": 0, "retry_at": message.sent_at} for r in rows]
    )
    ring(session, "fetch_media")
