"""Those who write to us, and what each reply window still allows: a ledger fed by contacts, corrected by refusals."""

from datetime import datetime, timedelta

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.database import BigId, Model
from service.messaging.ports import Contact, Limits


class Follower(Model):
    __tablename__ = "followers"
    __table_args__ = (UniqueConstraint("channel", "address"),)

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

    @property
    def display_name(self) -> str:
        """The platform gives no nickname: a remark, else a pseudonym from the id's last four characters."""
        return self.remark or f"微信用户·{self.address[-4:]}"


def window_after(
    limits: Limits, contact: Contact, at: datetime, *, closes_at: datetime | None, left: int
) -> tuple[datetime | None, int]:
    """Window and messages left after a contact: each rises to what the contact grants, neither is added up."""
    if contact not in limits.windows:
        return closes_at, left
    messages, validity = limits.windows[contact]
    if closes_at is None or closes_at <= at:
        return at + validity, messages
    return max(closes_at, at + validity), max(left, messages)


def can_reach(follower: Follower, now: datetime) -> bool:
    """Whether a message sent now would be let through, as far as we have counted."""
    return bool(
        follower.following
        and follower.messages_left > 0
        and follower.window_closes_at
        and follower.window_closes_at > now
    )


def window_left(follower: Follower, now: datetime) -> timedelta:
    """Time until the window closes; zero when it is closed."""
    if follower.window_closes_at is None:
        return timedelta(0)
    return max(follower.window_closes_at - now, timedelta(0))
