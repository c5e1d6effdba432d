"""Messages to be sent: written with the ticket's change, sent after it is committed, never sent twice by themselves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, func, select, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from service.database import BigId, Model, partial_index
from service.doorbell import ring
from service.messaging.followers import Follower, can_reach
from service.messaging.ports import DeliveryError, Failure, Outbound

LEASE = timedelta(seconds=60)  # a claim older than this has lost its worker
MAX_ATTEMPTS = 6
HALTED_PAUSE = timedelta(minutes=1)


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
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey("followers.id"))
    reference_id: Mapped[int] = mapped_column(BigId)  # what the sender calls it: the id of a ticket's message
    text: Mapped[str]
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


def parts_of(text: str, limit: int | None) -> list[str]:
    """The text in pieces of at most `limit` bytes of UTF-8, cut between characters.

    As few as possible, for each spends a message of the window; at the end of a line or sentence where that costs none.
    """
    if limit is None:
        return [text]
    parts = []
    while len(text.encode()) > limit:
        longest = _head(text, limit)
        nice = longest[: max(longest.rfind("\n"), longest.rfind("。") + 1, longest.rfind(" "))]
        costs_more = _fewest(text[len(nice) :], limit) > _fewest(text[len(longest) :], limit)
        parts.append(longest if costs_more else nice)
        text = text[len(parts[-1]) :]
    return [*parts, text]


def _head(text: str, limit: int) -> str:
    """As much of the text as fits: decoding with "ignore" drops the character that the limit cuts through."""
    return text[:limit].encode()[:limit].decode("utf-8", "ignore")


def _fewest(text: str, limit: int) -> int:
    """Into how few pieces the text can be cut."""
    count = 1
    while len(text.encode()) > limit:
        text, count = text[len(_head(text, limit)) :], count + 1
    return count


def put(
    session: Session,
    follower: Follower,
    texts: Iterable[str],
    *,
    reference_id: int,
    now: datetime,
    can_send: bool = True,
) -> Delivery:
    """Queue the texts in order and ring; the state says whether they wait for the follower's next contact."""
    state = Delivery.QUEUED if can_send and can_reach(follower, now) else Delivery.WAITING
    if state is Delivery.QUEUED and follower.waiting_items:
        state = Delivery.WAITING  # earlier ones wait: order is kept
    for text in texts:
        item = OutboxItem(channel=follower.channel, follower_id=follower.id, reference_id=reference_id, text=text)
        item.state, item.due_at = state, now
        session.add(item)
        follower.waiting_items += state is Delivery.WAITING
    session.flush()
    if state is Delivery.QUEUED:
        ring(session, "deliver")
    return state


def release_waiting(session: Session, follower_id: int, *, now: datetime) -> int:
    """The follower wrote: what waited is queued again, in order. Returns how many."""
    query = update(OutboxItem).where(OutboxItem.follower_id == follower_id, OutboxItem.state == Delivery.WAITING)
    count: int = session.execute(query.values(state=Delivery.QUEUED.value, due_at=now)).rowcount  # type: ignore[attr-defined]
    session.execute(update(Follower).where(Follower.id == follower_id).values(waiting_items=0))
    if count:
        ring(session, "deliver")
    return count


def next_due(session: Session, now: datetime, limit: int = 100) -> Sequence[int]:
    """Ids of items that may be sent now: due, and no earlier one of the same follower is on its way."""
    earlier = aliased(OutboxItem)
    blocked = (
        select(earlier.id)
        .where(earlier.follower_id == OutboxItem.follower_id, earlier.id < OutboxItem.id, earlier.state.in_(BLOCKING))
        .exists()
    )
    query = select(OutboxItem.id).where(OutboxItem.state == Delivery.QUEUED, OutboxItem.due_at <= now, ~blocked)
    return session.scalars(query.order_by(OutboxItem.due_at, OutboxItem.id).limit(limit)).all()


def claim(session: Session, item_id: int, *, now: datetime) -> Claim | None:
    """Lease the item for one attempt; None if it is taken, not due, or has to wait.

    One message of the window is spent here and given back if the channel refuses, so two workers cannot spend it twice.
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
    if not can_reach(follower, now):
        _wait(follower, item, "窗口已关，等客户来信")
        return None
    follower.messages_left -= 1
    item.state, item.leased_until, item.attempts = Delivery.SENDING, now + LEASE, item.attempts + 1
    return Claim(item.id, follower.id, Outbound(item.channel, follower.address, item.text))


def find(session: Session, item_id: int) -> OutboxItem | None:
    return session.get(OutboxItem, item_id)


def sent(session: Session, claim: Claim, *, now: datetime) -> OutboxItem:
    """The channel took it."""
    item = session.get_one(OutboxItem, claim.item_id, with_for_update={"key_share": True}, populate_existing=True)
    item.state, item.leased_until, item.settled_at, item.code, item.detail = Delivery.SENT, None, now, 0, None
    return item


def refused(session: Session, claim: Claim, error: DeliveryError, *, now: datetime) -> OutboxItem:
    """The channel did not take it, or we cannot know: queue again, wait, fail, or stop and ask."""
    follower = session.get_one(Follower, claim.follower_id, with_for_update={"key_share": True}, populate_existing=True)
    item = session.get_one(OutboxItem, claim.item_id, with_for_update={"key_share": True}, populate_existing=True)
    item.leased_until, item.code, item.detail = None, error.code, error.reason
    if error.kind is not Failure.UNKNOWN:
        follower.messages_left += 1
    if error.kind is Failure.WINDOW_CLOSED:
        follower.window_closes_at = now
    if error.kind is Failure.QUOTA_USED:
        follower.messages_left = 0
    if error.kind is Failure.HALTED:  # nothing is wrong with the message: it goes out once the operator has acted
        item.state, item.due_at = Delivery.QUEUED, now + HALTED_PAUSE
        return item
    if error.kind is Failure.PASSING and item.attempts < MAX_ATTEMPTS:
        item.state, item.due_at = Delivery.QUEUED, now + backoff(item.attempts)
        return item
    state = AFTER_FAILURE.get(error.kind, Delivery.FAILED)
    if state is Delivery.WAITING:
        _wait(follower, item, error.reason)
    else:
        item.state, item.settled_at = state, now
    return item


def expired(session: Session, now: datetime, limit: int = 100) -> Sequence[int]:
    """Ids of items whose lease has ended: their worker died in the middle."""
    query = select(OutboxItem.id).where(OutboxItem.state == Delivery.SENDING, OutboxItem.leased_until < now)
    return session.scalars(query.order_by(OutboxItem.leased_until).limit(limit)).all()


def expire(session: Session, item_id: int, *, now: datetime) -> OutboxItem | None:
    """Nobody knows whether the message arrived, so a person decides; None if somebody settled it meanwhile."""
    item = session.get_one(OutboxItem, item_id, with_for_update={"key_share": True}, populate_existing=True)
    if item.state != Delivery.SENDING or item.leased_until is None or item.leased_until >= now:
        return None
    item.state, item.leased_until, item.settled_at = Delivery.UNKNOWN, None, now
    item.detail = "发送进程中断，是否送达未知"
    return item


def retry(session: Session, follower: Follower, reference_id: int, *, now: datetime) -> None:
    """A person wants the unsettled parts of this message sent again."""
    state = Delivery.QUEUED if can_reach(follower, now) else Delivery.WAITING
    for item in items_of(session, [reference_id]):
        if item.state in (Delivery.UNKNOWN, Delivery.FAILED):
            item.state, item.due_at, item.attempts, item.settled_at = state, now, 0, None
            follower.waiting_items += state is Delivery.WAITING
    session.flush()
    ring(session, "deliver")


def count_promised(session: Session, follower_id: int) -> int:
    """How many sends have yet to spend their message of the window."""
    unspent = OutboxItem.state.in_((Delivery.QUEUED, Delivery.WAITING))
    query = select(func.count(OutboxItem.id)).where(OutboxItem.follower_id == follower_id, unspent)
    return session.scalar(query) or 0


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
    query = select(func.count(OutboxItem.id)).where(
        OutboxItem.follower_id == item.follower_id, OutboxItem.id < item.id, OutboxItem.state.in_(BLOCKING)
    )
    return bool(session.scalar(query))


def _wait(follower: Follower, item: OutboxItem, reason: str) -> None:
    """Keep the item for the follower's next contact; later ones follow when their turn comes."""
    item.state, item.detail = Delivery.WAITING, reason
    follower.waiting_items += 1
