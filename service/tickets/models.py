"""Tables only: tickets, their messages, clocks, attachments and follow-ups."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.database import BigId, Model, partial_index
from service.messaging.followers import Follower
from service.people import Department, User
from service.tickets.states import Status

StatusText = Enum(Status, native_enum=False, length=20, values_callable=lambda e: [s.value for s in e])
NO = text("false")
_STATUSES = ", ".join(f"'{s.value}'" for s in Status)


class Ticket(Model):
    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="priority"),
        Index("ix_tickets_received", "received_at", "id"),
        Index("ix_tickets_department_status_received", "department_id", "status", "received_at", "id"),
        Index("ix_tickets_department_received", "department_id", "received_at", "id"),
        Index("ix_tickets_status_received", "status", "received_at", "id"),
        partial_index("ix_tickets_assignee_received", "assignee_id IS NOT NULL", "assignee_id", "received_at", "id"),
        Index("ix_tickets_follower_id", "follower_id", "id"),
        Index("ix_tickets_updated", "updated_at", "id"),
        Index("ix_tickets_due", "due_at", "id"),
        partial_index("ix_tickets_overdue", "overdue", "due_at", "id", "department_id"),
        partial_index("ix_tickets_breach", "breach_at IS NOT NULL", "breach_at"),
        partial_index("ix_tickets_classify", "classify_at IS NOT NULL", "classify_at"),
        partial_index("ix_tickets_wake", "wake_at IS NOT NULL", "wake_at"),
        partial_index("ix_tickets_remind", "remind_at IS NOT NULL", "remind_at"),
        partial_index("ix_tickets_follow_up", "follow_up_open", "department_id", "answered_at", "id"),
        partial_index("ix_tickets_callback", "callback_due_at IS NOT NULL", "callback_due_at", "id"),
        partial_index("ix_tickets_window_warn", "window_warn_at IS NOT NULL", "window_warn_at"),
        partial_index("ix_tickets_window_shut", "window_warned = 0", "due_at", "id"),
        partial_index("ix_tickets_invite", "invite_at IS NOT NULL", "invite_at"),
        partial_index("ix_tickets_opinion", "opinion_at IS NOT NULL", "opinion_at"),
        partial_index("ix_tickets_compare", "compare_at IS NOT NULL", "compare_at", "id"),
        partial_index("ix_tickets_incident", "incident_id IS NOT NULL", "incident_id", "received_at", "id"),
        # what lies where, counted without looking at a row
        partial_index(
            "ix_tickets_load",
            "closed_at IS NULL",
            *("department_id", "assignee_id", "status", "overdue", "follow_up_open", "restricted", "received_at"),
        ),
        partial_index(
            "ix_tickets_answered",
            "answered_at IS NOT NULL",
            *("answered_at", "department_id", "restricted", "id"),
        ),
        partial_index("ix_tickets_accepted", "accepted_at IS NOT NULL", "accepted_at", "department_id", "restricted"),
        partial_index("ix_tickets_calendar", "closed_at IS NULL", "calendar_version", "id"),
        partial_index("ix_tickets_policy", "closed_at IS NULL", "policy_version", "id"),
        partial_index("ix_tickets_notice", "notice_at IS NOT NULL", "notice_at"),
        Index("ix_tickets_limit", "limit_at", "id"),
        partial_index("ix_tickets_supervised", "supervision IS NOT NULL", "supervision", "id"),
        partial_index(
            "ix_tickets_wants_assignee",
            "wants_assignee_at IS NOT NULL",
            *("department_id", "priority", "received_at", "id"),
        ),
        partial_index("ix_tickets_next_try", "wants_assignee_at IS NOT NULL", "wants_assignee_at", "department_id"),
        partial_index("ix_tickets_pool_return", "pool_return_at IS NOT NULL", "pool_return_at"),
        partial_index("ix_tickets_in_hand", "closed_at IS NULL AND assignee_id IS NOT NULL", "assignee_id", "status"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    query_code: Mapped[str]  # six digits for the progress page
    status: Mapped[Status] = mapped_column(StatusText)
    category: Mapped[str | None]
    priority: Mapped[str] = mapped_column(default="normal")
    restricted: Mapped[bool] = mapped_column(default=False)
    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("departments.id"))
    intake_department_id: Mapped[int] = mapped_column(BigId, ForeignKey("departments.id"))  # keeps read access
    assignee_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey("followers.id"))
    channel: Mapped[str]
    subject: Mapped[str]
    received_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    first_replied_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    last_inbound_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    class_source: Mapped[str | None]  # keyword model staff; None until classified
    class_confidence: Mapped[float | None]
    class_because: Mapped[list[str] | None] = mapped_column(JSON)
    triage: Mapped[bool] = mapped_column(default=False)  # the classifier was not sure
    proposal: Mapped[dict[str, object] | None] = mapped_column(JSON)  # its opinion once a person has the ticket in hand
    classify_at: Mapped[datetime | None]  # the follower has been quiet long enough

    due_at: Mapped[datetime | None]  # earliest due time of the clocks that are not met
    breach_at: Mapped[datetime | None]  # earliest due time of those still running: what the sweep looks at
    overdue: Mapped[bool] = mapped_column(default=False)
    wake_at: Mapped[datetime | None]  # when something happens by itself: a suspension ends, an answered ticket closes
    remind_at: Mapped[datetime | None]  # when the handler of a suspended one is told to ask the customer again
    callback_due_at: Mapped[datetime | None]  # an answer waits for the window: call the follower by then
    awaits_window: Mapped[str | None]  # "interim" or "final": a reply that waits for the window

    promise_at: Mapped[datetime | None]
    plan: Mapped[str | None]
    suspend_reason: Mapped[str | None]
    follow_up_open: Mapped[bool] = mapped_column(default=False)
    follow_up_attempts: Mapped[int] = mapped_column(default=0)
    rework_rounds: Mapped[int] = mapped_column(default=0)
    repeat_of_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("tickets.id")
    )  # a closed ticket it takes up again
    merged_into_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("tickets.id"))
    demo: Mapped[bool] = mapped_column(default=False)
    calendar_version: Mapped[int] = mapped_column(default=0, server_default="0")  # with which the clocks were computed
    policy_version: Mapped[int] = mapped_column(default=0, server_default="0")  # of the targets; kept from its start
    limit_at: Mapped[datetime | None]  # due_at, or the end of the reply window where that comes first
    extended_days: Mapped[int] = mapped_column(default=0, server_default="0")  # working days granted beyond resolve
    urges: Mapped[int] = mapped_column(default=0, server_default="0")  # by colleagues
    customer_urges: Mapped[int] = mapped_column(default=0, server_default="0")
    supervision: Mapped[str | None]  # level of its open order: ordinary yellow red
    source: Mapped[str | None]  # scene of the QR code by which the follower last came
    # hours before the window's end of the last warning: 12, 4, 1; 0 once it has shut while the ticket waits for us
    window_warned: Mapped[int | None]
    window_warn_at: Mapped[datetime | None]  # when the next warning is due
    notice_at: Mapped[datetime | None]  # when the next way is tried to tell the follower that an answer waits
    notices_tried: Mapped[list[str] | None] = mapped_column(JSON)  # which have been, since the answer began to wait
    invite_at: Mapped[datetime | None]  # when the follower is asked to rate it
    opinion_at: Mapped[datetime | None]  # when a second opinion is next asked; while it is: end of the lease
    compare_at: Mapped[datetime | None]  # classified: the worker looks for others like it
    gist: Mapped[str | None]  # what likenesses are measured on, without any number of the follower's
    # the first of many tickets that tell of the same thing; no foreign key, as it is only a name for them
    incident_id: Mapped[int | None] = mapped_column(BigId)
    subcategory: Mapped[str | None]  # code within the category; None where nobody is sure
    targets_as: Mapped[str | None]  # "category/priority" whose targets a routing row gave it; None: its own
    routed_by: Mapped[str | None]  # name of the routing row that sent it where it went
    assigned_at: Mapped[datetime | None]  # when the present assignee got it
    assigned_by_rule: Mapped[bool] = mapped_column(default=False, server_default=NO)
    assigned_because: Mapped[str | None]  # why the rule chose this person, or why it found nobody
    wants_assignee_at: Mapped[datetime | None]  # waits for an assignee: when the rule next looks for one
    pool_return_at: Mapped[datetime | None]  # when it goes back to the pool if the chosen one has not accepted it
    passed_over: Mapped[str | None]  # username of the person from whom it last went back to the pool
    passed_over_at: Mapped[datetime | None]

    department: Mapped[Department] = relationship(foreign_keys=[department_id], lazy="raise_on_sql")
    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id], lazy="raise_on_sql")
    follower: Mapped[Follower] = relationship(lazy="raise_on_sql")
    clocks: Mapped[list["ClockRow"]] = relationship(lazy="raise_on_sql")


class ClockRow(Model):
    """One of a ticket's clocks; a clock without a row is not set."""

    __tablename__ = "clocks"
    __table_args__ = (
        partial_index("ix_clocks_next_rung", "next_rung_at IS NOT NULL", "next_rung_at"),
        partial_index("ix_clocks_breached", "state = 'breached'", "ticket_id", "kind"),
    )

    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    target_amount: Mapped[int]
    target_unit: Mapped[str]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    met_at: Mapped[datetime | None]
    pauses: Mapped[list[list[str | None]]] = mapped_column(JSON)  # [from, to or null, reason], ISO 8601
    provisional: Mapped[bool]
    next_rung_at: Mapped[datetime | None]  # when the next rung of the ladder is reached; None while it stands still
    registered: Mapped[str | None]  # what the register of breaches knows of this run: unmet, met (too late)
    rungs: Mapped[str] = mapped_column(default="", server_default=text("''"))  # keys of those reached since started_at


class Message(Model):
    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_ticket_id_at_id", "ticket_id", "at", "id"),
        Index("ix_messages_follower_id_at_id", "follower_id", "at", "id"),
        partial_index("ix_messages_kept", "kept IS NOT NULL", "kept", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("tickets.id"))  # None: talk that opened no ticket
    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey("followers.id"))
    direction: Mapped[str]  # inbound outbound note system
    kind: Mapped[str]  # text image voice …
    text: Mapped[str]
    at: Mapped[datetime]
    author: Mapped[str | None]  # a username; None: the follower or the system
    via: Mapped[str | None]  # outbound: wechat phone in_person
    reply_kind: Mapped[str | None]  # outbound: interim final ask
    delivery: Mapped[str | None]  # outbound by wechat: the state of its slowest part
    # inbound: wants an answer of ours; thanks, taps and keywords want none
    asks: Mapped[bool] = mapped_column(default=False, server_default=NO)
    kept: Mapped[str | None]  # inbound: why it opened no ticket: advert repeat talk keyword blocked
    extra: Mapped[dict[str, str] | None] = mapped_column(JSON)
    attachments: Mapped[list["Attachment"]] = relationship(lazy="raise_on_sql", order_by="Attachment.id")


class Likeness(Model):
    """A ticket that says much the same as an earlier one, as the worker found it."""

    __tablename__ = "likenesses"
    __table_args__ = (Index("ix_likenesses_other_id", "other_id"),)

    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"), primary_key=True)  # the earlier one
    kind: Mapped[str]  # duplicate (open then), repeat (settled then): the same follower's; incident: another's
    score: Mapped[float]  # 0 to 1


class Attachment(Model):
    __tablename__ = "attachments"
    __table_args__ = (
        Index("ix_attachments_message_id", "message_id"),
        partial_index("ix_attachments_pending", "state = 'pending'", "retry_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(BigId, ForeignKey("messages.id"))
    media_id: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]  # pending stored failed expired
    digest: Mapped[str | None]
    playable_digest: Mapped[str | None]  # the same in a form that browsers play
    content_type: Mapped[str | None]
    size_bytes: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime]
    detail: Mapped[str | None]


class FollowUp(Model):
    """One attempt to ask the follower whether the matter is settled."""

    __tablename__ = "follow_ups"
    __table_args__ = (Index("ix_follow_ups_ticket_id", "ticket_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    at: Mapped[datetime]
    by: Mapped[str]
    result: Mapped[str]  # solved unsolved unreachable
    satisfaction: Mapped[int | None]  # 1 to 5
    note: Mapped[str]


class Rating(Model):
    """What a follower thinks of how their matter was handled: the first vote counts, and there is one a ticket."""

    __tablename__ = "ratings"
    __table_args__ = (
        CheckConstraint("score BETWEEN 1 AND 5", name="score"),
        Index("ix_ratings_at", "at", "ticket_id"),
    )

    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"), primary_key=True)
    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey("followers.id"))
    at: Mapped[datetime]
    score: Mapped[int]  # 1 very dissatisfied to 5 very satisfied
    solved: Mapped[bool | None]
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    comment: Mapped[str] = mapped_column(default="")
    via: Mapped[str]  # msgmenu page
    added: Mapped[str | None]  # what they had to say afterwards, once
    added_at: Mapped[datetime | None]


class Recusal(Model):
    """Somebody who keeps away from a ticket because it is about them; a lifted one is kept, so that it stays lifted."""

    __tablename__ = "recusals"

    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    reason: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]  # a username, or system
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]


class Handover(Model):
    """A ticket that somebody who went home gave to a colleague, or back to the pool, with what they had to say."""

    __tablename__ = "handovers"
    __table_args__ = (
        Index("ix_handovers_to_user_id_id", "to_user_id", "id"),
        partial_index("ix_handovers_unseen", "acknowledged_at IS NULL AND to_user_id IS NOT NULL", "to_user_id"),
        Index("ix_handovers_from_user_id_id", "from_user_id", "id"),
        Index("ix_handovers_ticket_id", "ticket_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    from_user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    to_user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))  # None: back to the pool
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    note: Mapped[str]
    acknowledged_at: Mapped[datetime | None]  # when the receiver said that they know


class TicketCounter(Model):
    """The last number given out on a day of the service's time zone."""

    __tablename__ = "ticket_counters"

    day: Mapped[str] = mapped_column(primary_key=True)  # 20261120
    last: Mapped[int]
