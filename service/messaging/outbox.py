"""Messages to be sent: written with the ticket's change, sent after it is committed, never sent twice by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, func, select, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from service.database import BigId, Model, partial_index
from service.doorbell import ring
from service.messaging.followers import Follower, can_reach
from service.messaging.joining import BETWEEN, carriers_of
from service.messaging.ports import NOTICES, TEXT, DeliveryError, Failure, Outbound
from service.messaging.splitting import parts_of as parts_of

LEASE = timedelta(seconds=60)  # a claim older than this has lost its worker
MAX_ATTEMPTS = 6
HALTED_PAUSE = timedelta(minutes=1)
SAME_CLIENT_ID = timedelta(minutes=9)  # the platform knows a template's client id again for about ten
TRIED_AT = "tried_at"  # in a notice's content: when it perhaps arrived for the first time


class Delivery(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    WAITING = "waiting_for_window"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


OPEN = (Delivery.QUEUED, Delivery.SENDING, Delivery.WAITING)
BLOCKING = (Delivery.QUEUED, Delivery.SENDING)  # a follower's messages go out in order: later ones wait for these
AFTER_FAILURE = {
    Failure.PERMANENT: Delivery.FAILED,
    Failure.UNREACHABLE: Delivery.FAILED,
    Failure.WINDOW_CLOSED: Delivery.WAITING,
    Failure.QUOTA_USED: Delivery.WAITING,
    Failure.UNKNOWN: Delivery.UNKNOWN,
}


class OutboxItem(Model):
    """One send: a whole reply, or one part of a reply too long for one message."""

    __tablename__ = "outbox"
    __table_args__ = (
        partial_index("ix_outbox_due", "state = 'queued'", "due_at"),
        partial_index("ix_outbox_blocking", "state IN ('queued', 'sending')", "follower_id", "id"),
        partial_index("ix_outbox_lease", "state = 'sending'", "leased_until"),
        Index("ix_outbox_follower_id_id", "follower_id", "id"),
        Index("ix_outbox_reference_id", "reference_id"),
        partial_index("ix_outbox_vendor_id", "vendor_id IS NOT NULL", "channel", "vendor_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey("followers.id"))
    reference_id: Mapped[int] = mapped_column(BigId)  # what the sender calls it: the id of a ticket's message
    text: Mapped[str]
    kind: Mapped[str] = mapped_column(default=TEXT, server_default=TEXT)  # as in ports.Outbound
    content: Mapped[dict[str, object] | None] = mapped_column(JSON)  # what the kind needs beside the text
    vendor_id: Mapped[str | None]  # the channel's id of what it took, for receipts
    sent_with: Mapped[int | None] = mapped_column(BigId)  # the item in whose message it travels: both waited, both fit
    state: Mapped[str] = mapped_column(default=Delivery.QUEUED.value)
    due_at: Mapped[datetime]  # not before this
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    code: Mapped[int | None]  # the channel's error code of the last attempt
    detail: Mapped[str | None]
    settled_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Claim:
    """A right to send one item, valid until its lease ends."""

    item_id: int
    follower_id: int
    message: Outbound
    also: tuple[int, ...] = ()  # items that travel in the same message
    closes_at: datetime | None = None  # end of the window that this send spends a message of

    @property
    def item_ids(self) -> tuple[int, ...]:
        return (self.item_id, *self.also)


@dataclass(frozen=True, slots=True)
class Part:
    """One send of a message: kind and content as in ports.Outbound, text what it says in words."""

    text: str
    kind: str = TEXT
    content: Mapping[str, object] = field(default_factory=dict)


def put(
    session: Session,
    follower: Follower,
    parts: Iterable[str | Part],
    *,
    reference_id: int,
    now: datetime,
    can_send: bool = True,
) -> Delivery:
    """Queue the parts in order and ring; the state says whether they wait for the follower's next contact.

    Notices never wait: they need no window.
    """
    state = Delivery.QUEUED if can_send and can_reach(follower, now) else Delivery.WAITING
    if state is Delivery.QUEUED and follower.waiting_items:
        state = Delivery.WAITING  # earlier ones wait: order is kept
    states = set()
    for part in (Part(p) if isinstance(p, str) else p for p in parts):
        own = Delivery.QUEUED if part.kind in NOTICES else state
        item = OutboxItem(channel=follower.channel, follower_id=follower.id, reference_id=reference_id, text=part.text)
        item.kind, item.content, item.state, item.due_at = part.kind, dict(part.content) or None, own, now
        session.add(item)
        follower.waiting_items += own is Delivery.WAITING
        states.add(own)
    session.flush()
    if Delivery.QUEUED in states:
        ring(session, "deliver")
    return Delivery.WAITING if Delivery.WAITING in states else Delivery.QUEUED


def release_waiting(session: Session, follower_id: int, *, now: datetime, longest: int | None = None) -> int:
    """The follower wrote: what waited is queued again, in order, texts joined into as few messages as fit.

    `longest`: bytes of one message, None for no limit. Returns how many items.
    """
    waited = select(OutboxItem).where(OutboxItem.follower_id == follower_id, OutboxItem.state == Delivery.WAITING)
    items = session.scalars(waited.order_by(OutboxItem.id).with_for_update(key_share=True)).all()
    carriers = carriers_of([item.text if item.kind == TEXT else None for item in items], longest)
    for item, carrier in zip(items, carriers, strict=True):
        item.state, item.due_at = Delivery.QUEUED.value, now
        item.sent_with = None if items[carrier] is item else items[carrier].id
    session.flush()
    session.execute(update(Follower).where(Follower.id == follower_id).values(waiting_items=0))
    if items:
        ring(session, "deliver")
    return len(items)


def hurry(session: Session, channel: str, *, now: datetime) -> None:
    """What held up this channel is over: what is queued there need not wait out its pause."""
    later = OutboxItem.state == Delivery.QUEUED, OutboxItem.due_at > now, OutboxItem.channel == channel
    session.execute(update(OutboxItem).where(*later).values(due_at=now))
    ring(session, "deliver")


def next_due(session: Session, now: datetime, limit: int = 100) -> Sequence[int]:
    """Ids of items that may be sent now: due, and no earlier one of the same follower is on its way."""
    earlier = aliased(OutboxItem)
    blocked = (
        select(earlier.id)
        .where(earlier.follower_id == OutboxItem.follower_id, earlier.id < OutboxItem.id, earlier.state.in_(BLOCKING))
        .where(earlier.kind.not_in(NOTICES))
        .exists()
    )
    free = OutboxItem.kind.in_(NOTICES) | ~blocked
    query = select(OutboxItem.id).where(OutboxItem.state == Delivery.QUEUED, OutboxItem.due_at <= now, free)
    return session.scalars(query.order_by(OutboxItem.due_at, OutboxItem.id).limit(limit)).all()


def claim(session: Session, item_id: int, *, now: datetime) -> Claim | None:
    """Lease the item for one attempt; None if it is taken, not due, or has to wait.

    One message of the window is spent here and given back if the channel refuses, so two workers cannot spend it twice.
    A notice spends none.
    """
    follower_id = session.scalar(select(OutboxItem.follower_id).where(OutboxItem.id == item_id))
    if follower_id is None:
        return None
    follower = session.get_one(Follower, follower_id, with_for_update={"key_share": True}, populate_existing=True)
    query = select(OutboxItem).where(OutboxItem.id == item_id, OutboxItem.state == Delivery.QUEUED)
    item = session.scalar(
        query.with_for_update(key_share=True, skip_locked=True).execution_options(populate_existing=True)
    )
    if item is None or item.due_at > now or _follows_another(session, item):
        return None
    if item.kind in NOTICES:
        if _tried_too_long_ago(item, now):  # the same client id no longer protects against a second one
            item.state, item.settled_at = Delivery.UNKNOWN, now
            return None
    elif not can_reach(follower, now):
        _wait(follower, item, "窗口已关，等客户来信")
        return None
    else:
        follower.messages_left -= 1
    items = [item, *_companions(session, item)]
    for each in items:
        each.state, each.leased_until, each.attempts = Delivery.SENDING, now + LEASE, each.attempts + 1
    text = BETWEEN.join(each.text for each in items)
    message = Outbound(item.channel, follower.address, text, item.kind, item.content or {})
    also = tuple(each.id for each in items[1:])
    return Claim(item.id, follower.id, message, also, follower.window_closes_at)


def _companions(session: Session, item: OutboxItem) -> Sequence[OutboxItem]:
    """What travels in this item's message and has not been taken back meanwhile, locked."""
    query = select(OutboxItem).where(
        OutboxItem.follower_id == item.follower_id,
        OutboxItem.id > item.id,
        OutboxItem.sent_with == item.id,
        OutboxItem.state == Delivery.QUEUED,
    )
    locked = query.order_by(OutboxItem.id).with_for_update(key_share=True)
    return session.scalars(locked.execution_options(populate_existing=True)).all()


def find(session: Session, item_id: int) -> OutboxItem | None:
    return session.get(OutboxItem, item_id)


def sent(session: Session, claim: Claim, *, now: datetime, vendor_id: str = "") -> OutboxItem:
    """The channel took it, and calls it by that id where it gives one."""
    items = claimed(session, claim)
    for item in items:
        item.state, item.leased_until, item.settled_at, item.code, item.detail = Delivery.SENT, None, now, 0, None
        item.vendor_id = vendor_id or None
    return items[0]


def refused(session: Session, claim: Claim, error: DeliveryError, *, now: datetime) -> OutboxItem:
    """The channel did not take it, or we cannot know: queue again, wait, fail, or stop and ask."""
    follower = session.get_one(Follower, claim.follower_id, with_for_update={"key_share": True}, populate_existing=True)
    items = claimed(session, claim)
    is_another = follower.window_closes_at != claim.closes_at  # opened during the send, which says nothing about it
    if is_another and error.kind in (Failure.WINDOW_CLOSED, Failure.QUOTA_USED):
        error = DeliveryError(error.reason, kind=Failure.PASSING, code=error.code)
    if not is_another and items[0].kind not in NOTICES:
        _correct(follower, error.kind, now)
    if error.kind is Failure.UNREACHABLE:
        follower.unreachable = error.reason
    for item in items:
        item.leased_until, item.code, item.detail = None, error.code, error.reason
        if error.kind is Failure.PERMANENT and claim.also:  # one of them is at fault: each goes out by itself
            item.state, item.due_at, item.sent_with = Delivery.QUEUED, now, None
        else:
            _settle_refused(follower, item, error, now)
    return items[0]


def claimed(session: Session, claim: Claim) -> list[OutboxItem]:
    """Everything that the claim is for, locked."""
    lock = {"with_for_update": {"key_share": True}, "populate_existing": True}
    return [session.get_one(OutboxItem, item_id, **lock) for item_id in claim.item_ids]  # type: ignore[arg-type]


def _settle_refused(follower: Follower, item: OutboxItem, error: DeliveryError, now: datetime) -> None:
    if error.kind is Failure.HALTED:  # nothing is wrong with the message: it goes out once the operator has acted
        item.state, item.due_at = Delivery.QUEUED, now + HALTED_PAUSE
        return
    if _may_be_repeated(item, error.kind, now):
        item.state, item.due_at = Delivery.QUEUED, now + max(backoff(item.attempts), error.pause)
        return
    state = AFTER_FAILURE.get(error.kind, Delivery.FAILED)
    if state is Delivery.WAITING and item.kind not in NOTICES:
        _wait(follower, item, error.reason)
    else:
        item.state, item.settled_at = Delivery.FAILED if state is Delivery.WAITING else state, now


def _correct(follower: Follower, kind: Failure, now: datetime) -> None:
    """Our ledger after a refusal: what was not taken was not spent, and the platform's word stands above our count."""
    if kind is not Failure.UNKNOWN:
        follower.messages_left += 1
    if kind is Failure.WINDOW_CLOSED:
        follower.window_closes_at = now
    if kind is Failure.QUOTA_USED:
        follower.messages_left = 0


def _may_be_repeated(item: OutboxItem, kind: Failure, now: datetime) -> bool:
    """Whether another attempt is right: surely not delivered, or safe by the client id that a template carries."""
    if item.attempts >= MAX_ATTEMPTS:
        return False
    if kind is not Failure.UNKNOWN:
        return kind is Failure.PASSING
    if item.kind != "template" or not (item.content or {}).get("client_id"):
        return False
    item.content = {TRIED_AT: now.isoformat(), **(item.content or {})}  # the first of them stands
    return not _tried_too_long_ago(item, now)


def _tried_too_long_ago(item: OutboxItem, now: datetime) -> bool:
    """Whether a notice perhaps arrived so long ago that the platform may have forgotten its client id."""
    tried_at = (item.content or {}).get(TRIED_AT)
    return tried_at is not None and now - datetime.fromisoformat(str(tried_at)) > SAME_CLIENT_ID


def abandon(session: Session, follower: Follower, *, because: OutboxItem, now: datetime) -> Sequence[OutboxItem]:
    """Nothing reaches this follower: what is still to go out fails for the same reason, and nobody calls for it."""
    query = select(OutboxItem).where(
        OutboxItem.follower_id == follower.id, OutboxItem.state.in_((Delivery.QUEUED, Delivery.WAITING))
    )
    items = session.scalars(
        query.order_by(OutboxItem.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).all()
    for item in items:
        item.state, item.settled_at, item.code, item.detail = Delivery.FAILED, now, because.code, because.detail
    follower.waiting_items = 0
    session.flush()
    return items


def expired(session: Session, now: datetime, limit: int = 100) -> Sequence[int]:
    """Ids of items whose lease has ended: their worker died in the middle."""
    query = select(OutboxItem.id).where(OutboxItem.state == Delivery.SENDING, OutboxItem.leased_until < now)
    return session.scalars(query.order_by(OutboxItem.leased_until).limit(limit)).all()


def expire(session: Session, item_id: int, *, now: datetime) -> OutboxItem | None:
    """Nobody knows whether the message arrived, so a person decides; None if somebody settled it meanwhile."""
    item = session.get_one(OutboxItem, item_id, with_for_update={"key_share": True}, populate_existing=True)
    if item.state != Delivery.SENDING or item.leased_until is None or item.leased_until >= now:
        return None
    if _may_be_repeated(item, Failure.UNKNOWN, now):
        item.state, item.leased_until, item.due_at = Delivery.QUEUED, None, now
        return item
    item.state, item.leased_until, item.settled_at = Delivery.UNKNOWN, None, now
    item.detail = "发送进程中断，是否送达未知"
    return item


def retry(session: Session, follower: Follower, reference_id: int, *, now: datetime) -> None:
    """A person wants the unsettled parts of this message sent again, and be it to somebody who seemed out of reach."""
    if follower.following:
        follower.unreachable = None
    state = Delivery.QUEUED if can_reach(follower, now) else Delivery.WAITING
    for item in items_of(session, [reference_id]):
        if item.state in (Delivery.UNKNOWN, Delivery.FAILED) and item.kind not in NOTICES:
            item.state, item.due_at, item.attempts, item.settled_at = state, now, 0, None
            follower.waiting_items += state is Delivery.WAITING
    session.flush()
    ring(session, "deliver")


def count_promised(session: Session, follower_id: int) -> int:
    """How many sends have yet to spend their message of the window."""
    unspent = OutboxItem.state.in_((Delivery.QUEUED, Delivery.WAITING))
    alone = OutboxItem.sent_with.is_(None) | (OutboxItem.state == Delivery.WAITING)
    query = select(func.count(OutboxItem.id)).where(OutboxItem.follower_id == follower_id, unspent, alone)
    return session.scalar(query.where(OutboxItem.kind.not_in(NOTICES))) or 0


def cancel(session: Session, follower: Follower, reference_id: int, *, now: datetime) -> bool:
    """Take back the parts of this message that have not gone out; False if there are none."""
    taken_back = False
    for item in items_of(session, [reference_id]):
        session.refresh(item, with_for_update={"key_share": True})
        if item.state in (Delivery.QUEUED, Delivery.WAITING):
            follower.waiting_items -= item.state == Delivery.WAITING
            item.state, item.settled_at, taken_back = Delivery.CANCELLED, now, True
    session.flush()
    return taken_back


def waiting_of(session: Session, follower_id: int, limit: int = 50) -> Sequence[OutboxItem]:
    """What waits for this follower's next contact, in order."""
    query = select(OutboxItem).where(OutboxItem.follower_id == follower_id, OutboxItem.state == Delivery.WAITING)
    return session.scalars(query.order_by(OutboxItem.id).limit(limit).with_for_update(key_share=True)).all()


def handed_over(item: OutboxItem, follower: Follower, *, now: datetime) -> None:
    """The item goes out in the passive reply that is being written."""
    item.state, item.settled_at, item.detail = Delivery.SENT, now, "随被动回复送出"
    follower.waiting_items -= 1


def items_of(session: Session, reference_ids: Sequence[int]) -> Sequence[OutboxItem]:
    """All sends of these messages, in order."""
    query = select(OutboxItem).where(OutboxItem.reference_id.in_(reference_ids)).order_by(OutboxItem.id)
    return session.scalars(query).all()


def backoff(attempts: int) -> timedelta:
    """Wait before attempt number attempts + 1: 2 s, 4 s, 8 s … at most 5 min."""
    return min(timedelta(seconds=2**attempts), timedelta(minutes=5))


def _follows_another(session: Session, item: OutboxItem) -> bool:
    if item.kind in NOTICES:
        return False
    query = select(func.count(OutboxItem.id)).where(
        OutboxItem.follower_id == item.follower_id, OutboxItem.id < item.id, OutboxItem.state.in_(BLOCKING)
    )
    return bool(session.scalar(query.where(OutboxItem.kind.not_in(NOTICES))))


def _wait(follower: Follower, item: OutboxItem, reason: str) -> None:
    """Keep the item for the follower's next contact; later ones follow when their turn comes."""
    item.state, item.detail = Delivery.WAITING, reason
    follower.waiting_items += 1
