"""A follower's message joins the open ticket or opens one. The hot path: written on Core, a handful of statements."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from service import audit
from service.doorbell import announce, ring
from service.messaging import inbox, outbox
from service.messaging.followers import Follower, window_after
from service.messaging.ports import Contact, Inbound, Limits
from service.routing.noise import talk_kind
from service.rulebook import Rulebook
from service.sla.clocks import Clock
from service.sla.policy import ClockKind
from service.tickets import clocks, delivery, express, locks, receipts
from service.tickets import intake_statements as statements
from service.tickets.changes import Deed, change
from service.tickets.express import Rows, Taken
from service.tickets.intake_statements import Met, NewTicket
from service.tickets.models import Attachment
from service.tickets.states import Action, Status

QUIET = timedelta(seconds=3)  # a follower who has been silent this long has finished the thought
SUBJECT_CHARS = 40
REPEAT_WITHIN = timedelta(days=7)  # a message this soon after the close is linked to the closed ticket


def fits_express(message: Inbound, limits: Limits, dialect: str) -> bool:
    """Whether one statement may do all of it: an ordinary message of a matter, on PostgreSQL."""
    return dialect == "postgresql" and message.contact in limits.windows and _is_plain(message)


def take_express(session: Session, message: Inbound, *, limits: Limits, rules: Rulebook, now: datetime) -> Taken:
    """Keep and handle the message in one statement.

    Raises IntegrityError where the same message is being kept by another transaction at this moment.
    """
    done = express.run(session, _rows(message, limits, rules, now))
    if done.item_id is None:
        return Taken(done.earlier or "")
    if done.number is None:
        return Taken("", unhandled=done.item_id)
    announce(session, f"ticket:{done.number}", "queue")
    return Taken(done.reply or "")


def _is_plain(message: Inbound) -> bool:
    """Words of a matter, as most messages are; not an event, not a nod, not a file."""
    return message.matter and message.contact is Contact.MESSAGE and not message.media and not _is_talk(message)


def _is_talk(message: Inbound) -> bool:
    return message.kind == "unsupported" or (message.kind == "text" and talk_kind(message.text) is not None)


def _rows(message: Inbound, limits: Limits, rules: Rulebook, now: datetime) -> Rows:
    """What the express statement writes of it."""
    closes_at, left = window_after(limits, message.contact, message.sent_at, closes_at=None, left=0)
    new = _new_ticket(message, closes_at, rules, now)
    values = {"channel": message.channel, "address": message.follower, "now": now, "at": message.sent_at}
    values |= {"closes_at": closes_at, "left": left, "quiet_at": now + QUIET, "day": new.day, "lately": new.lately}
    item = {name: value for name, value in inbox.row_of(message, now=now).items() if name != "reply"}
    return Rows(new.ticket, new.message, new.event, item, new.clocks, values | {"receipt": new.receipt})


def receive(session: Session, message: Inbound, *, item_id: int, limits: Limits, rules: Rulebook, now: datetime) -> str:
    """Handle the message of an inbox row; returns the passive reply, "" for none, which the row then carries."""
    talk = _is_talk(message)
    follower = _meet_follower(session, message, limits, now)
    handed = _waiting_goes_out(session, message, follower, limits, rules, now)
    if message.matter and not talk and follower.open_ticket_id is None:
        return _open(session, message, follower, item_id=item_id, before=handed, rules=rules, now=now)
    answer = _sort(session, message, follower, talk=talk, rules=rules, now=now)
    reply = "\n\n".join(text for text in (handed, answer) if text)
    if reply:
        inbox.answer(session, item_id, reply)
    return reply


def _waiting_goes_out(
    session: Session, message: Inbound, follower: Met, limits: Limits, rules: Rulebook, now: datetime
) -> str:
    """Replies that waited for this contact: queued, or in the passive reply of an account that cannot send."""
    if not follower.waiting_items or message.contact not in limits.windows:
        return ""
    if limits.can_send:
        outbox.release_waiting(session, follower.id, now=now)
        delivery.released(session, follower.id, now=now, rules=rules)
        return ""
    row = session.get_one(Follower, follower.id)
    return delivery.hand_over(session, row, limits.text_bytes, now=now, rules=rules)


def _sort(session: Session, message: Inbound, follower: Met, *, talk: bool, rules: Rulebook, now: datetime) -> str:
    """What the message is: an event, an answer to a survey, more of an open matter, or talk."""
    if message.kind in ("subscribe", "unsubscribe"):
        return _following(session, follower.id, message, rules)
    if not message.matter:
        if message.text:
            _add_message(session, message, follower.id, follower.open_ticket_id)
        return ""
    if follower.open_ticket_id is not None:
        return _join(session, message, follower.id, follower.open_ticket_id, talk=talk, rules=rules, now=now)
    _add_message(session, message, follower.id, None)
    return ""


def _meet_follower(session: Session, message: Inbound, limits: Limits, now: datetime) -> Met:
    """The sender's row, made if new and locked either way, its reply window raised: one statement.

    One follower's messages are handled one at a time, because the row stays locked until the commit.
    """
    closes_at, left = window_after(limits, message.contact, message.sent_at, closes_at=None, left=0)
    values = {"from_channel": message.channel, "from_address": message.follower, "now": now, "at": message.sent_at}
    return statements.meet_follower(session, values | {"closes_at": closes_at, "left": left})


def _following(session: Session, follower_id: int, message: Inbound, rules: Rulebook) -> str:
    following = message.kind == "subscribe"
    session.execute(update(Follower).where(Follower.id == follower_id).values(following=following))
    if not following:  # nothing can be sent until they come back
        session.execute(
            update(Follower).where(Follower.id == follower_id).values(window_closes_at=None, messages_left=0)
        )
    return rules.texts["welcome"] if following else ""


def _join(
    session: Session,
    message: Inbound,
    follower_id: int,
    ticket_id: int,
    *,
    talk: bool,
    rules: Rulebook,
    now: datetime,
) -> str:
    """The message belongs to the open ticket; it reopens an answered one unless it is only thanks."""
    values = {"ticket": ticket_id, "at": message.sent_at, "now": now, "quiet_at": now + QUIET}
    number = session.connection().execute(statements.TALKS_ON if talk else statements.WRITES_ON, values).scalar()
    if number is None:
        number = _customer_writes(session, ticket_id, message, rules, now)
    # after the ticket is locked: the message's foreign key locks it too, and more weakly
    _add_message(session, message, follower_id, ticket_id)
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
            running.cancel(ClockKind.FOLLOW_UP)
            ticket.follow_up_open = False
        ticket.wake_at, ticket.suspend_reason = None, None
        ticket.last_inbound_at, ticket.classify_at = message.sent_at, now + QUIET
    return ticket.number


def _open(
    session: Session,
    message: Inbound,
    follower: Met,
    *,
    item_id: int,
    before: str,
    rules: Rulebook,
    now: datetime,
) -> str:
    """A new matter: ticket, clocks, message and event, then the receipt."""
    new = _new_ticket(message, follower.window_closes_at, rules, now)
    opened = statements.open_ticket(session, new, follower_id=follower.id)
    _add_media(session, message, opened.message_id)
    announce(session, f"ticket:{opened.number}", "queue")
    receipt = new.receipt.replace("{number}", opened.number)
    reply = f"{before}\n\n{receipt}" if before else receipt
    inbox.answer(session, item_id, reply)
    return reply


def _new_ticket(message: Inbound, closes_at: datetime | None, rules: Rulebook, now: datetime) -> NewTicket:
    """The rows of a new matter, but for ids and number, which are given out last."""
    policy = rules.policies.policy_for(None, "normal")
    started = clocks.at_intake(policy, message.sent_at, rules.calendar)
    department = rules.department_codes[rules.intake_department_id]
    after = {"status": Status.PENDING_ACCEPTANCE.value, "department": department}
    event = {"at": now, "actor": audit.FOLLOWER, "action": Action.OPEN.value, "because": "", "before": {}}
    ticket = _ticket_values(message, rules, now) | clocks.derived(started)
    return NewTicket(
        day=now.astimezone(rules.zone).strftime("%Y%m%d"),
        ticket=ticket,
        clocks=[clocks.values_of(clock) for clock in started],
        message=_message_values(message),
        event=event | {"after": after},
        lately=now - REPEAT_WITHIN,
        receipt=receipts.receipt(rules, str(ticket["query_code"]), due_of(started), closes_at=closes_at, now=now),
    )


def due_of(started: list[Clock]) -> datetime | None:
    """When somebody will have taken the ticket: what the receipt promises."""
    return started[0].due_at if started else None


def _ticket_values(message: Inbound, rules: Rulebook, now: datetime) -> dict[str, object]:
    return {
        "query_code": f"{secrets.randbelow(1_000_000):06}",
        "status": Status.PENDING_ACCEPTANCE,
        "category": None,
        "priority": "normal",
        "restricted": False,
        "department_id": rules.intake_department_id,
        "intake_department_id": rules.intake_department_id,
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


def _add_message(session: Session, message: Inbound, follower_id: int, ticket_id: int | None) -> None:
    values = _message_values(message) | {"follower_id": follower_id, "ticket_id": ticket_id}
    message_id = session.connection().execute(statements.INSERT_MESSAGE, values).scalar_one()
    _add_media(session, message, message_id)


def _message_values(message: Inbound) -> dict[str, object]:
    return {
        "direction": "inbound",
        "kind": message.kind,
        "text": message.text,
        "at": message.sent_at,
        "extra": dict(message.extra),
    }


def _add_media(session: Session, message: Inbound, message_id: int) -> None:
    """Files of the message, which a worker fetches."""
    if not message.media:
        return
    pending = {"message_id": message_id, "state": "pending", "attempts": 0, "retry_at": message.sent_at}
    rows = [pending | {"media_id": m.media_id, "kind": m.kind} for m in message.media]
    session.execute(insert(Attachment), rows)
    ring(session, "fetch_media")
