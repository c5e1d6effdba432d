"""Tables only: what was escalated, supervised, extended, breached and appealed."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.database import BigId, Model, partial_index
from service.people import Department, User
from service.tickets.models import Ticket


class Escalation(Model):
    """A rung of the ladder that a clock has reached: at most once a run of the clock, whoever looked."""

    __tablename__ = "escalations"
    __table_args__ = (UniqueConstraint("ticket_id", "clock", "started_at", "rung"), Index("ix_escalations_at", "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    clock: Mapped[str]
    started_at: Mapped[datetime]
    rung: Mapped[str]  # its key
    reached_at: Mapped[datetime]  # the instant that was set for it
    at: Mapped[datetime]  # when it was noticed
    due_at: Mapped[datetime]


class Notification(Model):
    """Something that one person should know, by one way: in_app, mail, or a robot's group (then no person)."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("cause", "way", "target"),
        partial_index("ix_notifications_unread", "read_at IS NULL AND way = 'in_app'", "user_id", "id"),
        Index("ix_notifications_user_id_id", "user_id", "id"),
        partial_index("ix_notifications_send", "send_at IS NOT NULL", "send_at"),
        partial_index("ix_notifications_answer", "answer_by IS NOT NULL", "answer_by"),
        Index("ix_notifications_ticket_id", "ticket_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    cause: Mapped[str]  # what it is about, once: "escalation:12", "order:7:opened"
    kind: Mapped[str]  # escalation urge supervision extension breach appeal unread
    way: Mapped[str]  # in_app mail robot
    target: Mapped[str]  # "user:5" or "robot:2": no two of one cause, which NULLs would allow
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    robot_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robots.id"))
    ticket_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("tickets.id"))
    facts: Mapped[dict[str, object]] = mapped_column(JSON)  # values for its words, in the reader's language
    at: Mapped[datetime]
    urgent: Mapped[bool] = mapped_column(default=False)  # goes out in quiet hours too
    read_at: Mapped[datetime | None]
    answer_by: Mapped[datetime | None]  # unread by then, the next level hears of it
    pops: Mapped[bool] = mapped_column(default=False)  # in_app: an open page shows it outside the browser's window too
    # None: in the app only, or done. While it is sent: end of the lease
    send_at: Mapped[datetime | None]
    digest: Mapped[bool] = mapped_column(default=False)  # goes out with the others of the morning
    state: Mapped[str | None]  # of what leaves the house: due sending sent failed unknown
    attempts: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str | None]
    user: Mapped[User | None] = relationship(lazy="raise_on_sql")
    ticket: Mapped[Ticket | None] = relationship(lazy="raise_on_sql")


class Robot(Model):
    """A group robot of WeCom, DingTalk or Feishu, of one department or of all."""

    __tablename__ = "robots"
    __table_args__ = (CheckConstraint("kind IN ('wecom', 'dingtalk', 'feishu')", name="kind"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    url: Mapped[str]
    secret: Mapped[str | None]  # signs what we send, where the robot asks for it
    department_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("departments.id"))  # None: of all
    active: Mapped[bool] = mapped_column(default=True)
    department: Mapped[Department | None] = relationship(lazy="raise_on_sql")


class SupervisionOrder(Model):
    """A supervisor demands an answer about a ticket; there is one open order a ticket."""

    __tablename__ = "supervision_orders"
    __table_args__ = (
        CheckConstraint("level IN ('ordinary', 'yellow', 'red')", name="level"),
        partial_index("uq_supervision_orders_open", "closed_at IS NULL", "ticket_id", unique=True),
        partial_index(
            "ix_supervision_orders_due", "answered_at IS NULL AND closed_at IS NULL AND missed_at IS NULL", "due_at"
        ),
        partial_index("ix_supervision_orders_open", "closed_at IS NULL", "due_at", "id"),
        partial_index("ix_supervision_orders_closed", "closed_at IS NOT NULL", "closed_at", "id"),
        Index("ix_supervision_orders_opened", "opened_at", "id"),
        Index("ix_supervision_orders_ticket_id", "ticket_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    level: Mapped[str]  # ordinary yellow red
    opened_at: Mapped[datetime]
    opened_by: Mapped[str]  # username, or system
    reason: Mapped[str]
    due_at: Mapped[datetime]  # by when the handler answers
    missed_at: Mapped[datetime | None]  # the answer did not come in time
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    answer: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    verdict: Mapped[str | None]  # words of whoever closed it
    ticket: Mapped[Ticket] = relationship(lazy="raise_on_sql")


class ExtensionRequest(Model):
    """A handler asks for more time, before the ticket is due."""

    __tablename__ = "extension_requests"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'granted', 'refused', 'lapsed')", name="state"),
        partial_index("uq_extension_requests_pending", "state = 'pending'", "ticket_id", unique=True),
        partial_index("ix_extension_requests_pending", "state = 'pending'", "at", "id"),
        Index("ix_extension_requests_ticket_id", "ticket_id"),
        Index("ix_extension_requests_at", "at", "id"),
        partial_index("ix_extension_requests_decided", "state <> 'pending'", "decided_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    at: Mapped[datetime]
    by: Mapped[str]
    reason: Mapped[str]
    days: Mapped[int]  # working days
    due_before: Mapped[datetime]
    due_after: Mapped[datetime]
    state: Mapped[str]  # pending granted refused lapsed (the ticket ended or was answered first)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    note: Mapped[str | None]
    ticket: Mapped[Ticket] = relationship(lazy="raise_on_sql")


class Breach(Model):
    """A clock that was not met in time: a draft until a supervisor confirms or dismisses it."""

    __tablename__ = "breaches"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'confirmed', 'dismissed', 'revoked')", name="state"),
        UniqueConstraint("ticket_id", "clock", "started_at"),
        Index("ix_breaches_state_at", "state", "at", "id"),
        Index("ix_breaches_at", "at", "id"),
        Index("ix_breaches_department_id_at", "department_id", "at", "id"),
        Index("ix_breaches_user_id_at", "user_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    clock: Mapped[str]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    at: Mapped[datetime]  # when it was noticed
    met_at: Mapped[datetime | None]  # late
    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("departments.id"))
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))  # who had the ticket then
    state: Mapped[str]  # draft confirmed dismissed revoked (an appeal was right)
    judged_at: Mapped[datetime | None]
    judged_by: Mapped[str | None]
    note: Mapped[str | None]
    ticket: Mapped[Ticket] = relationship(lazy="raise_on_sql")
    department: Mapped[Department] = relationship(lazy="raise_on_sql")
    user: Mapped[User | None] = relationship(lazy="raise_on_sql")
    appeal: Mapped["Appeal | None"] = relationship(lazy="raise_on_sql", back_populates="breach")


class Appeal(Model):
    """Whoever is blamed objects to a confirmed breach, once."""

    __tablename__ = "appeals"
    __table_args__ = (
        partial_index("ix_appeals_open", "decided_at IS NULL", "answer_by", "breach_id"),
        partial_index("ix_appeals_unanswered", "decided_at IS NULL AND missed_at IS NULL", "answer_by", "breach_id"),
    )

    breach_id: Mapped[int] = mapped_column(BigId, ForeignKey("breaches.id"), primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    text: Mapped[str]
    answer_by: Mapped[datetime]
    missed_at: Mapped[datetime | None]  # no answer came in time, and those who should know were told
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    upheld: Mapped[bool | None]  # True: the breach is revoked
    note: Mapped[str | None]
    breach: Mapped[Breach] = relationship(lazy="raise_on_sql", back_populates="appeal")
