"""The reply window as a ticket sees it: warnings before it shuts, the ledger of it, and drafts that wait for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.audit import Event
from service.messaging.followers import Follower
from service.messaging.outbox import Delivery, OutboxItem
from service.messaging.ports import NOTICES, TEXT, Contact, Limits
from service.people import User
from service.rulebook import Rulebook
from service.tickets import access, handling, receipts
from service.tickets.changes import Deed, mention
from service.tickets.clocks import limit_of
from service.tickets.models import Message, Ticket
from service.tickets.states import OURS, Action

STEPS = (1, 4, 12)  # hours before the end
SHUT = 0
BATCH = 200
LEDGER = 20  # lines
CONTACTS = {  # kind of message -> contact; any other is a message
    "subscribe": Contact.FOLLOW,
    "scan": Contact.SCAN,
    "click": Contact.MENU,
    "event:scancode_push": Contact.MENU,
    "event:scancode_waitmsg": Contact.MENU,
}
LimitsOf = Callable[[str], Limits | None]  # by channel; None where its account is gone


@dataclass(frozen=True, slots=True)
class Plan:
    """What to remember of a window's warnings. `step`: hours of the warning that is due now, None for none."""

    step: int | None
    warned: int | None
    warn_at: datetime | None


def plan(closes_at: datetime | None, warned: int | None, now: datetime) -> Plan:
    """Which warning is due, and when the next. Of several steps that have passed only the last is given.

    A window that has moved begins anew, because its steps lie ahead again.
    """
    if closes_at is None or closes_at <= now:
        return Plan(SHUT if closes_at is not None and warned != SHUT else None, SHUT, None)
    left = closes_at - now
    step = next((hours for hours in STEPS if left <= timedelta(hours=hours)), None)
    smaller = max((hours for hours in (SHUT, *STEPS) if step is None or hours < step), default=SHUT)
    return Plan(step if step != warned else None, step, closes_at - timedelta(hours=smaller))


def arm(ticket: Ticket, closes_at: datetime | None, now: datetime) -> None:
    """The follower wrote: look again when the first warning is due. Gives none itself."""
    if ticket.status in OURS and closes_at is not None and closes_at > now:
        ticket.window_warned = None
        ticket.window_warn_at = max(now, closes_at - timedelta(hours=STEPS[-1]))


def warn_due(session: Session, *, now: datetime, rules: Rulebook, limits_of: LimitsOf) -> int:
    """Warn where a window shuts soon while the ticket waits for us; returns how many tickets were looked at.

    One event a step, however many schedulers run: a ticket is locked, and its next look moved, in one transaction.
    """
    query = select(Ticket).where(Ticket.window_warn_at <= now).order_by(Ticket.window_warn_at).limit(BATCH)
    query = query.with_for_update(key_share=True, skip_locked=True, of=Ticket)
    query = query.options(joinedload(Ticket.follower)).execution_options(populate_existing=True)
    tickets = session.scalars(query).all()
    for ticket in tickets:
        limits = limits_of(ticket.channel)
        if ticket.status not in OURS or limits is None or not limits.can_send:
            ticket.window_warned = ticket.window_warn_at = None
            continue
        ticket.limit_at = limit_of(ticket, ticket.follower.window_closes_at, now)
        due = plan(ticket.follower.window_closes_at, ticket.window_warned, now)
        ticket.window_warned, ticket.window_warn_at = due.warned, due.warn_at
        if due.step is not None:
            _warn(session, ticket, due.step, now, rules)
    return len(tickets)


def _warn(session: Session, ticket: Ticket, hours: int, now: datetime, rules: Rulebook) -> None:
    closes_at = ticket.follower.window_closes_at or now
    when = receipts.local(closes_at, now, rules)
    words = f"将于{when} 关闭，工单还在等我方答复" if hours else f"已于{when} 关闭，请电话联系客户"
    after = {"hours": hours, "closes_at": closes_at.isoformat()}
    mention(session, ticket, Action.WINDOW, now=now, because=words, after=after)


def reminder(ticket: Ticket, rules: Rulebook) -> str:
    """The draft that asks the follower for a word, so that the window stays open."""
    return receipts.filled(rules.texts["window_reminder"], {"number": ticket.number})


# ---- the ledger


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger. `kind`: opened spent corrected warned; `text` says what, in short."""

    at: datetime
    kind: str
    text: str = ""
    contact: Contact = Contact.NONE
    code: int | None = None
    parts: int = 1


def ledger(session: Session, user: User, follower: Follower, limits: Limits | None) -> list[Entry]:
    """What opened the follower's window, what was spent, what the platform corrected: newest first, the last few.

    The window is one for all tickets of the follower; the words of a ticket that the user may not see stay away.
    """
    windows: Mapping[Contact, object] = limits.windows if limits else {}
    entries = [*_opened(session, follower, windows), *_spent(session, user, follower), *_corrected(session, follower)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:LEDGER]


def _opened(session: Session, follower: Follower, windows: Mapping[Contact, object]) -> Iterable[Entry]:
    query = select(Message.at, Message.kind, Message.extra).where(
        Message.follower_id == follower.id, Message.direction == "inbound"
    )
    for at, kind, extra in session.execute(query.order_by(Message.at.desc(), Message.id.desc()).limit(LEDGER)):
        contact = Contact.TAP if (extra or {}).get("bizmsgmenuid") else CONTACTS.get(kind, Contact.MESSAGE)
        if contact in windows:
            yield Entry(at, "opened", contact=contact)


def _spent(session: Session, user: User, follower: Follower) -> Iterable[Entry]:
    seen = Message.ticket_id.in_(select(Ticket.id).where(Ticket.follower_id == follower.id, access.visible_to(user)))
    query = select(OutboxItem, seen.label("is_seen")).join(Message, Message.id == OutboxItem.reference_id)
    query = query.where(
        OutboxItem.follower_id == follower.id,
        OutboxItem.state.in_((Delivery.SENT, Delivery.UNKNOWN)),
        OutboxItem.kind.not_in(NOTICES),
    )
    sends: dict[object, list[tuple[OutboxItem, str]]] = {}
    for item, is_seen in session.execute(query.order_by(OutboxItem.id.desc()).limit(LEDGER)):
        # texts that travelled together spent one message
        sends.setdefault(item.sent_with or item.id, []).append((item, item.text if is_seen else ""))
    for items in sends.values():
        at = items[0][0].settled_at or items[0][0].due_at
        yield Entry(at, "spent", "\n".join(text for _, text in reversed(items) if text), parts=len(items))


def _corrected(session: Session, follower: Follower) -> Iterable[Entry]:
    """Refusals of the platform, which stand whatever we had counted."""
    tickets = select(Ticket.id).where(Ticket.follower_id == follower.id).order_by(Ticket.id.desc()).limit(LEDGER)
    query = select(Event).where(Event.ticket_id.in_(tickets), Event.action == Action.DELIVERY.value)
    for event in session.scalars(query.order_by(Event.at.desc(), Event.id.desc()).limit(LEDGER)):
        code = event.after.get("code")
        if event.after.get("delivery") == Delivery.WAITING.value and isinstance(code, int):
            yield Entry(event.at, "corrected", event.because, code=code)


def standing_correction(entries: Sequence[Entry]) -> Entry | None:
    """The platform's last word on this window, unless the follower has opened another since."""
    last = next((e for e in entries if e.kind in ("opened", "corrected")), None)
    return last if last and last.kind == "corrected" else None


# ---- drafts that wait


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply that waits for the follower's next contact."""

    message_id: int
    text: str


def waiting_drafts(session: Session, ticket: Ticket) -> Sequence[Draft]:
    """Replies of this ticket of which nothing has gone out yet and that wait for the follower's next contact."""
    part = (OutboxItem.reference_id == Message.id) & OutboxItem.kind.not_in(NOTICES)
    begun = select(OutboxItem.id).where(part, (OutboxItem.state == Delivery.SENT) | (OutboxItem.kind != TEXT))
    query = select(Message.id, Message.text).where(
        Message.ticket_id == ticket.id,
        Message.direction == "outbound",
        Message.kind == "text",
        Message.delivery == Delivery.WAITING.value,
        ~begun.exists(),
    )
    return [Draft(*row) for row in session.execute(query.order_by(Message.id).limit(LEDGER))]


def take_back_drafts(session: Session, ticket: Ticket, deed: Deed) -> list[str]:
    """Take back what waits, so that its author can put it into one message with something new. Returns the texts."""
    drafts = waiting_drafts(session, ticket)
    for draft in drafts:
        handling.cancel(session, ticket, draft.message_id, deed)
    return [draft.text for draft in drafts]
