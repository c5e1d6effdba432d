"""A follower's message joins the open ticket or opens one. The hot path: written on Core, a handful of statements."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from service import audit
from service.doorbell import announce, ring
from service.messaging import inbox, outbox, qrcodes
from service.messaging.followers import Follower, can_reach, contacted, window_after
from service.messaging.ports import Contact, Inbound, Limits
from service.messaging.splitting import beginning
from service.routing.autoreply import Hit
from service.routing.classifier import Verdict
from service.routing.noise import REPEAT_WITHIN as SAME_WITHIN
from service.routing.noise import mark_of, noise_kind
from service.rulebook import Rulebook
from service.sla.clocks import Clock
from service.sla.policy import ClockKind
from service.tickets import answering, clocks, delivery, express, kept, locks, notices, profiles, ratings, receipts
from service.tickets import intake_statements as statements
from service.tickets.answering import Case
from service.tickets.changes import Deed, change
from service.tickets.express import Rows, Taken
from service.tickets.intake_statements import Met, NewTicket
from service.tickets.models import Attachment, ClockRow, Ticket
from service.tickets.states import Action, Status

QUIET = timedelta(seconds=3)  # a follower who has been silent this long has finished the thought
SUBJECT_CHARS = 40
FOLLOWING = ("subscribe", "unsubscribe")
ENDINGS = ("thanks", "acknowledgement", "advert")  # what wants no answer
IS_ACCEPT = ClockRow.kind == ClockKind.ACCEPT.value
REPEAT_WITHIN = timedelta(days=7)  # a message this soon after the close is linked to the closed ticket


def fits_express(message: Inbound, limits: Limits, rules: Rulebook, dialect: str) -> bool:
    """Whether one statement may do all of it: an ordinary message of a matter that no rule answers, on PostgreSQL."""
    # the statement raises a window to what the contact grants: the one model of windows that it knows
    fits = dialect == "postgresql" and message.contact in limits.windows and limits.refreshes
    return fits and _is_plain(message, rules)


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


def _is_plain(message: Inbound, rules: Rulebook) -> bool:
    """Words of a matter, as most messages are; not an event, not a nod, not a file, not a keyword."""
    is_matter = message.matter and message.contact is Contact.MESSAGE and not message.media
    return is_matter and _noise_of(message) is None and not answering.may_hit(message, rules)


def _noise_of(message: Inbound) -> str | None:
    """Why the words alone open no ticket; None where they are a matter, or no words at all."""
    if message.kind == "unsupported":
        return "sticker"
    return noise_kind(message.text) if message.kind == "text" else None


def _mark_of(message: Inbound) -> str | None:
    return mark_of(message.text) if message.kind == "text" else None


def _rows(message: Inbound, limits: Limits, rules: Rulebook, now: datetime) -> Rows:
    """What the express statement writes of it."""
    closes_at, left = window_after(limits, message.contact, message.sent_at, closes_at=None, left=0)
    new = new_ticket(message, closes_at, rules, now)
    values = {"channel": message.channel, "address": message.follower, "now": now, "at": message.sent_at}
    values |= {"closes_at": closes_at, "left": left, "quiet_at": now + QUIET, "day": new.day, "lately": new.lately}
    values |= {"mark": new.mark, "since": message.sent_at - SAME_WITHIN}
    item = {name: value for name, value in inbox.row_of(message, now=now).items() if name != "reply"}
    return Rows(new.ticket, new.message, new.event, item, new.clocks, values | {"receipt": new.receipt})


def receive(session: Session, message: Inbound, *, item_id: int, limits: Limits, rules: Rulebook, now: datetime) -> str:
    """Handle the message of an inbox row; returns the passive reply, "" for none, which the row then carries."""
    if message.kind in profiles.PRIVACY:
        profiles.privacy_event(session, message, now=now)
        return ""
    case = Case(message, _meet_follower(session, message, limits, now), rules, now)
    if case.follower.blocked_at is not None:
        _keep_silently(session, case)
        return ""
    hit, noise = answering.hit_of(message, rules, now), _noise_of(message)
    is_matter = message.matter and (hit.opens if hit else noise is None)
    if is_matter and _is_said_again(session, case):
        is_matter, noise = False, kept.REPEAT
    opens = is_matter and case.follower.open_ticket_id is None
    if opens:
        receipt = _open(session, case, answering.choice_of(case, hit))
        answer = answering.by_rule(session, case, hit) if hit else ""
    else:
        answer, receipt = _sort(session, case, hit, noise, is_matter=is_matter), ""
    if is_matter:
        answering.forget_choice(session, case)
    # last, for the message was written before they could read this: a final answer in it is not reopened by it
    handed = _waiting_goes_out(session, case, limits, reserved=receipts.most_bytes(rules) if opens else 0)
    reply = receipts.joined(handed, answer, receipt, room=limits.reply_bytes)
    if reply:
        inbox.answer(session, item_id, reply)
    return reply


def _keep_silently(session: Session, case: Case) -> None:
    """A blocked follower's message stands in the conversation, and nothing comes of it."""
    if case.message.kind in FOLLOWING:
        _following(session, case)
    elif case.message.text:
        _add_message(
            session, case.message, case.follower.id, None, kept_as=kept.BLOCKED if case.message.matter else None
        )


def _is_said_again(session: Session, case: Case) -> bool:
    """Whether these very words have just opened a ticket that a person has merged or found to be nothing.

    After a close they are a matter again, as any message is. Asked only of the few whose words are the same.
    """
    follower, message = case.follower, case.message
    mark = _mark_of(message) if follower.matter_mark and follower.open_ticket_id is None else None
    if mark is None or mark != follower.matter_mark or follower.matter_at is None:
        return False
    newest = select(Ticket.status).where(Ticket.follower_id == follower.id).order_by(Ticket.id.desc()).limit(1)
    is_fresh = message.sent_at - follower.matter_at <= SAME_WITHIN
    return is_fresh and session.scalar(newest) in (Status.MERGED, Status.INVALID)


def _waiting_goes_out(session: Session, case: Case, limits: Limits, *, reserved: int) -> str:
    """Replies that waited for this contact: queued, or in the passive reply of an account that cannot send.

    `reserved`: bytes of the passive reply that a receipt will need.
    """
    follower, rules, now = case.follower, case.rules, case.now
    if not follower.waiting_items or case.message.contact not in limits.windows:
        return ""
    if limits.can_send:
        if not limits.refreshes and not can_reach(session.get_one(Follower, follower.id), now):
            return ""  # the window is used up, and this message has opened no other
        outbox.release_waiting(session, follower.id, now=now, longest=limits.text_bytes)
        delivery.released(session, follower.id, now=now, rules=rules)
        return ""
    row = session.get_one(Follower, follower.id)
    room = None if limits.reply_bytes is None else limits.reply_bytes - reserved
    return delivery.hand_over(session, row, room, now=now, rules=rules)


def _sort(session: Session, case: Case, hit: Hit | None, noise: str | None, *, is_matter: bool) -> str:
    """What a message is that opens no ticket: an event, a survey's answer, a keyword, more of a matter, or noise."""
    message, follower = case.message, case.follower
    if message.kind in FOLLOWING:
        return _following(session, case)
    if not message.matter:
        return _event(session, case)
    if hit is not None and not is_matter:
        answer = answering.by_rule(session, case, hit)  # first, for it may lock the ticket
        _add_beside(session, case, kept_as=kept.REPEAT if noise == kept.REPEAT else kept.KEYWORD)
        return answer
    if follower.open_ticket_id is not None:
        _join(session, case, follower.open_ticket_id, talk=not is_matter)
        chosen = answering.choice_of(case, hit) if is_matter else None
        if chosen is not None:
            answering.choose(session, case, follower.open_ticket_id, chosen)
        return answering.by_rule(session, case, hit) if hit else ""
    _add_message(session, message, follower.id, None, kept_as=noise if noise in kept.OWN else kept.TALK)
    return "" if noise in ENDINGS else answering.default(session, case)


def _event(session: Session, case: Case) -> str:
    """A tap, a scan, a receipt of the platform: a line in the conversation where it has words."""
    message, follower = case.message, case.follower
    _note_source(session, case)
    answer = ""  # also to a kind that nobody knows: the platform's conformance case 18 wants a bare acknowledgement
    if message.kind == "click":
        answer = answering.by_menu(session, case)
    elif message.kind in notices.ABOUT:
        notices.heard(session, message, follower.id, now=case.now)
    elif tapped := message.extra.get("bizmsgmenuid", ""):
        answer = ratings.tapped(session, follower.id, tapped, now=case.now, rules=case.rules)
    if message.text:
        _add_message(session, message, follower.id, follower.open_ticket_id)
    return answer


def _add_beside(session: Session, case: Case, *, kept_as: str) -> None:
    """A keyword stands in the conversation of the open ticket and changes nothing about it."""
    ticket_id = case.follower.open_ticket_id
    _add_message(session, case.message, case.follower.id, ticket_id, kept_as=kept_as)
    if ticket_id is not None:
        announce(session, f"ticket:{session.scalar(select(Ticket.number).where(Ticket.id == ticket_id))}")


def _note_source(session: Session, case: Case) -> None:
    """The scene of a QR code: the last one always, the first one with the first follow that has one."""
    scene = case.message.extra.get("scene")
    if not scene:
        return
    values: dict[str, object] = {"last_source": scene}
    if case.message.kind == "subscribe":
        values["first_source"] = func.coalesce(Follower.first_source, scene)
    session.execute(update(Follower).where(Follower.id == case.follower.id).values(values))
    qrcodes.note_scan(session, case.message.channel, scene, followed=case.message.kind == "subscribe")


def _meet_follower(session: Session, message: Inbound, limits: Limits, now: datetime) -> Met:
    """The sender's row, made if new and locked either way, its reply window raised: one statement.

    One follower's messages are handled one at a time, because the row stays locked until the commit.
    """
    closes_at, left = window_after(limits, message.contact, message.sent_at, closes_at=None, left=0)
    values = {"from_channel": message.channel, "from_address": message.follower, "now": now, "at": message.sent_at}
    if limits.refreshes:
        return statements.meet_follower(session, values | {"closes_at": closes_at, "left": left})
    met = statements.meet_follower(session, values | {"closes_at": None, "left": 0})
    return replace(met, window_closes_at=contacted(session, met.id, limits, message.contact, message.sent_at))


def _following(session: Session, case: Case) -> str:
    """They follow, or no longer do: then nothing can be sent until they come back."""
    profiles.following(session, case.follower.id, case.message, now=case.now)
    _add_message(session, case.message, case.follower.id, case.follower.open_ticket_id)
    if case.message.kind != "subscribe":
        return ""
    _note_source(session, case)
    return "" if case.follower.blocked_at else answering.welcome(session, case)


def _join(session: Session, case: Case, ticket_id: int, *, talk: bool) -> None:
    """The message belongs to the open ticket; it reopens an answered one unless it is only thanks."""
    message, now = case.message, case.now
    values = {"ticket": ticket_id, "at": message.sent_at, "now": now, "quiet_at": now + QUIET}
    values["closes_at"] = case.follower.window_closes_at
    found = session.connection().execute(statements.TALKS_ON if talk else statements.WRITES_ON, values).first()
    if found is not None:
        number, asks = found.number, not talk and not _fetches_final(message, found.awaits_window)
    else:
        number, asks = customer_writes(session, ticket_id, case)
    # after the ticket is locked: the message's foreign key locks it too, and more weakly
    _add_message(session, message, case.follower.id, ticket_id, asks=asks)
    announce(session, f"ticket:{number}", "queue")


def _fetches_final(message: Inbound, awaits_window: str | None) -> bool:
    """Whether a final answer goes out because of the message: then it is no question that the answer leaves open."""
    return awaits_window == "final" and message.contact is not Contact.NONE


def customer_writes(session: Session, ticket_id: int, case: Case, deed: Deed | None = None) -> tuple[str, bool]:
    """The message moves the ticket: what waited goes on, what was answered is open again.

    Returns the number, and whether the message wants an answer. `deed`: of a colleague who put it there.
    """
    message, now = case.message, case.now
    ticket = locks.lock_ticket(session, ticket_id)
    answered, asks = ticket.status is Status.ANSWERED, not _fetches_final(message, ticket.awaits_window)
    deed = deed or Deed(by=None, now=now, rules=case.rules, actor_name=audit.FOLLOWER)
    with change(session, ticket, Action.CUSTOMER_WRITES, deed) as running:
        if answered:
            running.reopen(at=now)
            running.cancel(ClockKind.FOLLOW_UP)
            ticket.follow_up_open = False
        if asks:
            running.heard(at=message.sent_at)
        ticket.wake_at, ticket.suspend_reason = None, None
        ticket.last_inbound_at = max(ticket.last_inbound_at, message.sent_at)
        ticket.classify_at = now + QUIET
    return ticket.number, asks


def _open(session: Session, case: Case, chosen: Verdict | None) -> str:
    """A new matter: ticket, clocks, message and event; returns the receipt. A chosen category holds at once."""
    follower, rules = case.follower, case.rules
    new = new_ticket(case.message, follower.window_closes_at, rules, case.now)
    opened = statements.open_ticket(session, new, follower_id=follower.id, source=follower.last_source)
    _add_media(session, case.message, opened.message_id)
    announce(session, f"ticket:{opened.number}", "queue")
    receipt = new.receipt
    if chosen is not None:
        answering.choose(session, case, opened.ticket_id, chosen)
        due = session.scalar(select(ClockRow.due_at).where(ClockRow.ticket_id == opened.ticket_id, IS_ACCEPT))
        code = str(new.ticket["query_code"])
        receipt = receipts.receipt(rules, code, due, closes_at=follower.window_closes_at, now=case.now)
    return receipt.replace("{number}", opened.number)


def new_ticket(message: Inbound, closes_at: datetime | None, rules: Rulebook, now: datetime) -> NewTicket:
    """The rows of a new matter, but for ids and number, which are given out last."""
    policy, calendar = rules.policies.policy_for(None, "normal"), rules.calendar_for(rules.intake_department_id)
    started = clocks.at_intake(policy, message.sent_at, calendar)
    department = rules.department_codes[rules.intake_department_id]
    after = {"status": Status.PENDING_ACCEPTANCE.value, "department": department}
    event = {"at": now, "actor": audit.FOLLOWER, "action": Action.OPEN.value, "because": "", "before": {}}
    ticket = _ticket_values(message, rules, now) | clocks.derived(started)
    dues = [clock.due_at for clock in started if clock.due_at]
    ticket["limit_at"] = min([closes_at, *dues], default=None) if closes_at else min(dues, default=None)
    return NewTicket(
        day=now.astimezone(rules.zone).strftime("%Y%m%d"),
        ticket=ticket,
        clocks=[clocks.values_of(clock, rules.ladder, calendar) for clock in started],
        message=_message_values(message, asks=True),
        event=event | {"after": after},
        lately=now - REPEAT_WITHIN,
        mark=_mark_of(message),
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
        "calendar_version": rules.calendar_version,
        "policy_version": rules.policy_version,
        "extended_days": 0,
        "urges": 0,
        "customer_urges": 0,
    }


def subject_of(text: str) -> str:
    """First words of the matter, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_CHARS else beginning(line, SUBJECT_CHARS) + "…"


def _add_message(
    session: Session,
    message: Inbound,
    follower_id: int,
    ticket_id: int | None,
    *,
    asks: bool = False,
    kept_as: str | None = None,
) -> None:
    """`kept_as`: why it opened no ticket, where it belongs to none."""
    values = _message_values(message, asks=asks) | {"follower_id": follower_id, "ticket_id": ticket_id}
    if ticket_id is None and kept_as is not None:
        values["kept"] = kept_as
    message_id = session.connection().execute(statements.INSERT_MESSAGE, values).scalar_one()
    _add_media(session, message, message_id)


def _message_values(message: Inbound, *, asks: bool) -> dict[str, object]:
    return {
        "direction": "inbound",
        "kind": message.kind,
        "text": message.text,
        "at": message.sent_at,
        "asks": asks,
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
