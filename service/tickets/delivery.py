"""What became of a reply, and what that means for its ticket: a reply counts when the platform has taken it."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.messaging import outbox
from service.messaging.followers import Follower
from service.messaging.outbox import Claim, Delivery, OutboxItem
from service.messaging.ports import NOTICES, DeliveryError, Failure
from service.rulebook import Rulebook
from service.sla.policy import ClockKind
from service.tickets import locks, notices
from service.tickets.changes import Deed, change, tell
from service.tickets.clocks import policy_of
from service.tickets.models import Message, Ticket
from service.tickets.states import Action, Status, allows

INVITED_AFTER = timedelta(minutes=10)  # an answer is read before it is rated
CLOSES_AFTER = timedelta(days=7)  # an answered ticket that needs no follow-up
WORST_FIRST = (  # a message in parts is in the state of its worst part
    Delivery.FAILED,
    Delivery.UNKNOWN,
    Delivery.SENDING,
    Delivery.QUEUED,
    Delivery.WAITING,
    Delivery.CANCELLED,
    Delivery.SENT,
)


def lock_for(session: Session, *item_ids: int) -> None:
    """Lock what a settlement touches, in the order that all keep: follower, tickets, and the items by its caller."""
    query = select(Message.ticket_id).join(OutboxItem, OutboxItem.reference_id == Message.id)
    query = query.where(OutboxItem.id.in_(item_ids), Message.ticket_id.is_not(None)).distinct()
    for ticket_id in session.scalars(query.order_by(Message.ticket_id)).all():
        locks.lock_ticket(session, ticket_id or 0)


def state_of(items: Sequence[OutboxItem]) -> Delivery:
    """State of a message from the states of its parts; a notice that a message waits is none of them."""
    parts = [item for item in items if item.kind not in NOTICES] or items
    states = {Delivery(item.state) for item in parts}
    return next(state for state in WORST_FIRST if state in states)


def started(session: Session, item_id: int) -> None:
    """A send has begun: whoever looks at the messages in it sees that. A notice is not a part of its message."""
    follower = select(OutboxItem.follower_id).where(OutboxItem.id == item_id).scalar_subquery()
    references = select(OutboxItem.reference_id).where(
        OutboxItem.follower_id == follower,
        (OutboxItem.id == item_id) | (OutboxItem.sent_with == item_id),
        OutboxItem.state == Delivery.SENDING,
        OutboxItem.kind.not_in(NOTICES),
    )
    session.execute(
        update(Message).where(Message.id.in_(references)).values(delivery=Delivery.SENDING.value),
        execution_options={"synchronize_session": False},
    )


def concluded(
    session: Session, claim: Claim, outcome: str | DeliveryError, *, now: datetime, rules: Rulebook
) -> OutboxItem:
    """A send ended: with the channel's id of the message, or with what went wrong."""
    lock_for(session, *claim.item_ids)
    if isinstance(outcome, DeliveryError):
        outbox.refused(session, claim, outcome, now=now)
    else:
        outbox.sent(session, claim, now=now, vendor_id=outcome)
    items = outbox.claimed(session, claim)
    for item in items:
        settled(session, item, now=now, rules=rules)
    if items[0].kind in NOTICES:
        notices.concluded(session, items[0], now=now)
    if isinstance(outcome, DeliveryError) and outcome.kind is Failure.UNREACHABLE:
        _give_up(session, items[0], now=now, rules=rules)
    return items[0]


def _give_up(session: Session, failed: OutboxItem, *, now: datetime, rules: Rulebook) -> None:
    """The follower is out of reach: whatever else was on its way to them has failed too."""
    follower = session.get_one(Follower, failed.follower_id)
    others = outbox.abandon(session, follower, because=failed, now=now)
    for item in {item.reference_id: item for item in others}.values():
        lock_for(session, item.id)
        settled(session, item, now=now, rules=rules)


def settled(session: Session, item: OutboxItem, *, now: datetime, rules: Rulebook) -> None:
    """A send ended, well or not: bring the message and its ticket up to date. The ticket is locked by `lock_for`."""
    message = session.get_one(Message, item.reference_id)
    if message.ticket_id is None:
        message.delivery = state_of(outbox.items_of(session, [message.id])).value
        return
    ticket = session.get_one(Ticket, message.ticket_id)
    if message.direction == "system":
        _system_settled(session, ticket, message, now)
        return
    deed = Deed(by=None, now=now, rules=rules)
    before = message.delivery
    state = state_of(outbox.items_of(session, [message.id]))
    if state.value == before:
        return
    if state in (Delivery.SENDING, Delivery.QUEUED):
        message.delivery = state.value
        tell(session, ticket)
        return
    also: dict[str, object] = {"message": message.id, "delivery": state.value}
    if state is Delivery.WAITING and item.code:
        also["code"] = item.code  # the platform refused it: its word stands above our count
    because = item.detail or ""
    with change(session, ticket, Action.DELIVERY, deed, because=because, also=also) as clocks:
        message.delivery = state.value
        note_waiting(session, ticket, deed)
        if state is Delivery.SENT:
            clocks.spoke(at=message.at)
    if state is Delivery.SENT and message.reply_kind == "final":
        answered(session, ticket, at=message.at, deed=deed)
        ticket.invite_at = now + INVITED_AFTER
    if state is Delivery.FAILED:
        not_asked(session, ticket, message, deed, because="询问没有送达")


def _system_settled(session: Session, ticket: Ticket, message: Message, now: datetime) -> None:
    """What we say by ourselves counts for nothing, and is not worth a message of a later window."""
    state = state_of(outbox.items_of(session, [message.id]))
    if state is Delivery.WAITING:
        follower = session.get_one(Follower, ticket.follower_id)
        outbox.cancel(session, follower, message.id, now=now)
        state = Delivery.CANCELLED
    message.delivery = state.value
    tell(session, ticket)


def not_asked(session: Session, ticket: Ticket, message: Message, deed: Deed, *, because: str) -> None:
    """A question that the follower never read is nothing to wait for, unless there is another one."""
    if message.reply_kind != "ask" or ticket.status is not Status.WAITING_CUSTOMER:
        return
    lost = (Delivery.FAILED.value, Delivery.CANCELLED.value)
    asked = select(Message.id).where(
        Message.ticket_id == ticket.id,
        Message.reply_kind == "ask",
        Message.at >= ticket.last_inbound_at,
        Message.delivery.not_in(lost),
    )
    if session.scalar(asked.limit(1)) is None:
        with change(session, ticket, Action.RESUME, deed, because=because):
            pass


def released(session: Session, follower_id: int, *, now: datetime, rules: Rulebook) -> None:
    """The follower wrote: what waited is on its way, and no clock stands still for it any more."""
    waited = update(Message).where(Message.follower_id == follower_id, Message.delivery == Delivery.WAITING.value)
    session.execute(waited.values(delivery=Delivery.QUEUED.value))
    tickets = select(Ticket.id).where(Ticket.follower_id == follower_id, Ticket.awaits_window.is_not(None))
    deed = Deed(by=None, now=now, rules=rules)
    for ticket_id in session.scalars(tickets.order_by(Ticket.id)).all():
        ticket = locks.lock_ticket(session, ticket_id)
        also = {"delivery": Delivery.QUEUED.value}
        with change(session, ticket, Action.DELIVERY, deed, because="客户来信", also=also):
            note_waiting(session, ticket, deed)


def refresh(session: Session, ticket: Ticket, message: Message, deed: Deed) -> None:
    """Take over the state of the message's parts after a person has changed it."""
    message.delivery = state_of(outbox.items_of(session, [message.id])).value
    session.flush()
    note_waiting(session, ticket, deed)


def note_waiting(session: Session, ticket: Ticket, deed: Deed) -> None:
    """Remember which kind of reply waits for the window; a call-back is then due in one working day."""
    session.flush()
    query = select(Message.reply_kind).where(
        Message.ticket_id == ticket.id, Message.direction == "outbound", Message.delivery == Delivery.WAITING.value
    )
    kinds = set(session.scalars(query))
    begins = ticket.awaits_window is None
    ticket.awaits_window = "final" if "final" in kinds else "interim" if kinds else None
    if begins or not kinds:  # the follower is told once that something waits
        ticket.notice_at, ticket.notices_tried = deed.now if kinds else None, None
    if not kinds:
        ticket.callback_due_at = None
    elif ticket.callback_due_at is None:
        ticket.callback_due_at = deed.rules.calendar_for(ticket.department_id).end_of_working_day(deed.now, 1)


def answered(session: Session, ticket: Ticket, *, at: datetime, deed: Deed) -> None:
    """The final answer counts: resolve is met, the follow-up starts where the policy asks for it."""
    if ticket.status is Status.ANSWERED or not allows(ticket.status, Action.ANSWER):
        return
    policy = policy_of(ticket, deed.rules)
    wanted = is_drawn(ticket.number, policy.follow_up_share) or ticket.rework_rounds > 0
    with change(session, ticket, Action.ANSWER, deed, also={"follow_up": wanted}) as clocks:
        clocks.spoke(at=at)
        clocks.meet(ClockKind.RESOLVE, at=at)
        clocks.cancel(ClockKind.UPDATE)
        ticket.answered_at, ticket.suspend_reason, ticket.promise_at = at, None, None
        ticket.follow_up_open, ticket.follow_up_attempts = wanted, 0
        ticket.wake_at = None if wanted else deed.now + CLOSES_AFTER
        ticket.callback_due_at = None
        if wanted:
            clocks.start(ClockKind.FOLLOW_UP, policy.follow_up, at=deed.now)


def is_drawn(number: str, share: float) -> bool:
    """Whether this ticket is in the sample: decided by its number, so that asking twice gives the same answer."""
    draw = int.from_bytes(hashlib.sha256(number.encode()).digest()[:6], "big") / 2**48
    return draw < share


def hand_over(session: Session, follower: Follower, limit: int | None, *, now: datetime, rules: Rulebook) -> str:
    """What waits for a follower of an account that cannot send, as one text for the passive reply; marks it sent."""
    texts: list[str] = []
    for item in outbox.waiting_of(session, follower.id):
        size = len("\n".join([*texts, item.text]).encode())
        if limit is not None and size > limit:
            break  # beside a receipt there may be no room at all: it goes out at the contact after
        texts.append(item.text)
        lock_for(session, item.id)
        outbox.handed_over(item, follower, now=now)
        session.flush()
        settled(session, item, now=now, rules=rules)
    return "\n".join(texts)
