"""Those who write to us, and what each reply window still allows: a ledger fed by contacts, corrected by refusals."""

from datetime import datetime, timedelta

from sqlalchemy import JSON, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model, partial_index
from service.messaging.ports import Contact, Limits


class Follower(Model):
    __tablename__ = "followers"
    __table_args__ = (
        UniqueConstraint("channel", "address"),
        partial_index("ix_followers_profile_due", "profile_due_at IS NOT NULL", "profile_due_at"),
        partial_index("ix_followers_remarked", "remark IS NOT NULL", "id"),
        partial_index("ix_followers_blocked", "blocked_at IS NOT NULL", "id"),
        partial_index("ix_followers_erased", "erased_at IS NOT NULL", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    address: Mapped[str]  # the channel's own id, an openid
    remark: Mapped[str | None]  # what staff call them
    following: Mapped[bool] = mapped_column(default=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    window_closes_at: Mapped[datetime | None]
    messages_left: Mapped[int] = mapped_column(default=0)
    # the matter a new message joins; written only by tickets/, no foreign key because that one points here
    open_ticket_id: Mapped[int | None] = mapped_column(BigId)
    waiting_items: Mapped[int] = mapped_column(default=0)  # outbox items that wait for this follower's next contact

    # what they chose to write about (a menu item), for the next message; a category's code
    intent: Mapped[str | None]
    intent_until: Mapped[datetime | None]
    # digest of the words with which their last ticket was opened, and when they wrote them
    matter_mark: Mapped[str | None]
    matter_at: Mapped[datetime | None]
    default_answered_at: Mapped[datetime | None]  # when they last got the answer to what needs none
    blocked_at: Mapped[datetime | None]  # their messages are kept and open nothing
    unreachable: Mapped[str | None]  # why nothing can reach them any more: blocked us, gone, erased
    # the platform's profile of them, as far as it goes
    union_id: Mapped[str | None]
    subscribed_at: Mapped[datetime | None]
    subscribe_scene: Mapped[str | None]
    first_source: Mapped[str | None]  # scene of the QR code they first came by
    last_source: Mapped[str | None]
    tags: Mapped[list[str] | None] = mapped_column(JSON)
    profile_at: Mapped[datetime | None]  # when the profile was last read
    profile_due_at: Mapped[datetime | None]  # when it is to be read
    erased_at: Mapped[datetime | None]  # profile data are gone, as the platform's rules or the person wanted

    @property
    def display_name(self) -> str:
        """The platform gives no nickname: a remark, else a pseudonym from the id's last four characters."""
        return self.remark or f"微信用户·{self.address[-4:]}"


def window_after(
    limits: Limits, contact: Contact, at: datetime, *, closes_at: datetime | None, left: int
) -> tuple[datetime | None, int]:
    """Window and messages left after a contact: each rises to what the contact grants, neither is added up.

    Where the account's windows are not refreshed, only a contact that opens a longer one changes an open window.
    """
    if contact not in limits.windows:
        return closes_at, left
    messages, validity = limits.windows[contact]
    if closes_at is None or closes_at <= at:
        return at + validity, messages
    if not limits.refreshes:
        return (closes_at, left) if closes_at - at > _next_shorter(limits, validity) else (at + validity, messages)
    return max(closes_at, at + validity), max(left, messages)


def contacted(session: Session, follower_id: int, limits: Limits, contact: Contact, at: datetime) -> datetime | None:
    """Write what a contact does to the follower's window where one statement cannot; returns when it closes."""
    follower = session.get_one(Follower, follower_id, populate_existing=True)
    after = window_after(limits, contact, at, closes_at=follower.window_closes_at, left=follower.messages_left)
    follower.window_closes_at, follower.messages_left = after
    if contact in limits.windows:
        follower.following, follower.unreachable = True, None
    session.flush()
    return follower.window_closes_at


def _next_shorter(limits: Limits, validity: timedelta) -> timedelta:
    """The longest window shorter than this one: more time left than it ever has cannot be of that kind."""
    return max((other for _, other in limits.windows.values() if other < validity), default=timedelta(0))


def can_reach(follower: Follower, now: datetime) -> bool:
    """Whether a message sent now would be let through, as far as we have counted."""
    return bool(
        follower.following
        and follower.unreachable is None
        and follower.messages_left > 0
        and follower.window_closes_at
        and follower.window_closes_at > now
    )


def window_left(follower: Follower, now: datetime) -> timedelta:
    """Time until the window closes; zero when it is closed."""
    if follower.window_closes_at is None:
        return timedelta(0)
    return max(follower.window_closes_at - now, timedelta(0))
