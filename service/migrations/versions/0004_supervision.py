"""Escalation, supervision, extensions, breaches and appeals; versions of the targets; the ladder of each clock."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SHARES = "unclaimed warning soon overdue warning/follow_up overdue/follow_up"  # rungs of the ladder as it is shipped
LATE = "supervision/reply supervision/resolve yellow red"
LONG = timedelta(days=10)


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("carried", sa.Integer(), nullable=True),
        sa.Column("carried_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("version", name="pk_policy_versions"),
    )
    op.create_table(
        "robots",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("department_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('wecom', 'dingtalk', 'feishu')", name="ck_robots_kind"),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name="fk_robots_department_id_departments"),
        sa.PrimaryKeyConstraint("id", name="pk_robots"),
        sa.UniqueConstraint("name", name="uq_robots_name"),
    )
    op.create_table(
        "breaches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("department_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('draft', 'confirmed', 'dismissed', 'revoked')", name="ck_breaches_state"),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name="fk_breaches_department_id_departments"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_breaches_ticket_id_tickets"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_breaches_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_breaches"),
        sa.UniqueConstraint("ticket_id", "clock", "started_at", name="uq_breaches_ticket_id_clock_started_at"),
    )
    op.create_index("ix_breaches_at", "breaches", ["at", "id"], unique=False)
    op.create_index("ix_breaches_department_id_at", "breaches", ["department_id", "at", "id"], unique=False)
    op.create_index("ix_breaches_state_at", "breaches", ["state", "at", "id"], unique=False)
    op.create_index("ix_breaches_user_id_at", "breaches", ["user_id", "at", "id"], unique=False)
    op.create_table(
        "escalations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_escalations_ticket_id_tickets"),
        sa.PrimaryKeyConstraint("id", name="pk_escalations"),
        sa.UniqueConstraint(
            "ticket_id", "clock", "started_at", "rung", name="uq_escalations_ticket_id_clock_started_at_rung"
        ),
    )
    op.create_index("ix_escalations_at", "escalations", ["at"], unique=False)
    op.create_table(
        "extension_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("due_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'granted', 'refused', 'lapsed')", name="ck_extension_requests_state"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_extension_requests_ticket_id_tickets"),
        sa.PrimaryKeyConstraint("id", name="pk_extension_requests"),
    )
    op.create_index("ix_extension_requests_at", "extension_requests", ["at", "id"], unique=False)
    op.create_index(
        "ix_extension_requests_decided",
        "extension_requests",
        ["decided_at", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'pending'"),
        sqlite_where=sa.text("state <> 'pending'"),
    )
    op.create_index(
        "ix_extension_requests_pending",
        "extension_requests",
        ["at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_extension_requests_ticket_id", "extension_requests", ["ticket_id"], unique=False)
    op.create_index(
        "uq_extension_requests_pending",
        "extension_requests",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("robot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pops", sa.Boolean(), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["robot_id"], ["robots.id"], name="fk_notifications_robot_id_robots"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_notifications_ticket_id_tickets"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notifications_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.UniqueConstraint("cause", "way", "target", name="uq_notifications_cause_way_target"),
    )
    op.create_index(
        "ix_notifications_answer",
        "notifications",
        ["answer_by"],
        unique=False,
        postgresql_where=sa.text("answer_by IS NOT NULL"),
        sqlite_where=sa.text("answer_by IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_send",
        "notifications",
        ["send_at"],
        unique=False,
        postgresql_where=sa.text("send_at IS NOT NULL"),
        sqlite_where=sa.text("send_at IS NOT NULL"),
    )
    op.create_index("ix_notifications_ticket_id", "notifications", ["ticket_id"], unique=False)
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL AND way = 'in_app'"),
        sqlite_where=sa.text("read_at IS NULL AND way = 'in_app'"),
    )
    op.create_index("ix_notifications_user_id_id", "notifications", ["user_id", "id"], unique=False)
    op.create_table(
        "supervision_orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.CheckConstraint("level IN ('ordinary', 'yellow', 'red')", name="ck_supervision_orders_level"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_supervision_orders_ticket_id_tickets"),
        sa.PrimaryKeyConstraint("id", name="pk_supervision_orders"),
    )
    op.create_index(
        "ix_supervision_orders_closed",
        "supervision_orders",
        ["closed_at", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
        sqlite_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_supervision_orders_due",
        "supervision_orders",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("answered_at IS NULL AND closed_at IS NULL AND missed_at IS NULL"),
        sqlite_where=sa.text("answered_at IS NULL AND closed_at IS NULL AND missed_at IS NULL"),
    )
    op.create_index(
        "ix_supervision_orders_open",
        "supervision_orders",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_supervision_orders_opened", "supervision_orders", ["opened_at", "id"], unique=False)
    op.create_index("ix_supervision_orders_ticket_id", "supervision_orders", ["ticket_id"], unique=False)
    op.create_index(
        "uq_supervision_orders_open",
        "supervision_orders",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "appeals",
        sa.Column("breach_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("upheld", sa.Boolean(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["breach_id"], ["breaches.id"], name="fk_appeals_breach_id_breaches"),
        sa.PrimaryKeyConstraint("breach_id", name="pk_appeals"),
    )
    op.create_index(
        "ix_appeals_open",
        "appeals",
        ["answer_by", "breach_id"],
        unique=False,
        postgresql_where=sa.text("decided_at IS NULL"),
        sqlite_where=sa.text("decided_at IS NULL"),
    )
    op.create_index(
        "ix_appeals_unanswered",
        "appeals",
        ["answer_by", "breach_id"],
        unique=False,
        postgresql_where=sa.text("decided_at IS NULL AND missed_at IS NULL"),
        sqlite_where=sa.text("decided_at IS NULL AND missed_at IS NULL"),
    )
    op.add_column("clocks", sa.Column("next_rung_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("clocks", sa.Column("registered", sa.Text(), nullable=True))
    op.add_column("clocks", sa.Column("rungs", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_index(
        "ix_clocks_breached",
        "clocks",
        ["ticket_id", "kind"],
        unique=False,
        postgresql_where=sa.text("state = 'breached'"),
        sqlite_where=sa.text("state = 'breached'"),
    )
    op.create_index(
        "ix_clocks_next_rung",
        "clocks",
        ["next_rung_at"],
        unique=False,
        postgresql_where=sa.text("next_rung_at IS NOT NULL"),
        sqlite_where=sa.text("next_rung_at IS NOT NULL"),
    )
    op.add_column("messages", sa.Column("asks", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("tickets", sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("policy_version", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("limit_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("extended_days", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("urges", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("customer_urges", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("supervision", sa.Text(), nullable=True))
    op.drop_index(
        "ix_tickets_overdue", table_name="tickets", postgresql_where=sa.text("overdue"), sqlite_where=sa.text("overdue")
    )
    op.create_index(
        "ix_tickets_overdue",
        "tickets",
        ["due_at", "id", "department_id"],
        unique=False,
        postgresql_where=sa.text("overdue"),
        sqlite_where=sa.text("overdue"),
    )
    op.create_index(
        "ix_tickets_accepted",
        "tickets",
        ["accepted_at", "department_id", "restricted"],
        unique=False,
        postgresql_where=sa.text("accepted_at IS NOT NULL"),
        sqlite_where=sa.text("accepted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_answered",
        "tickets",
        ["answered_at", "department_id", "restricted", "id"],
        unique=False,
        postgresql_where=sa.text("answered_at IS NOT NULL"),
        sqlite_where=sa.text("answered_at IS NOT NULL"),
    )
    op.create_index("ix_tickets_limit", "tickets", ["limit_at", "id"], unique=False)
    op.create_index(
        "ix_tickets_load",
        "tickets",
        ["department_id", "assignee_id", "status", "overdue", "follow_up_open", "restricted", "received_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_tickets_policy",
        "tickets",
        ["policy_version", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_tickets_remind",
        "tickets",
        ["remind_at"],
        unique=False,
        postgresql_where=sa.text("remind_at IS NOT NULL"),
        sqlite_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_supervised",
        "tickets",
        ["supervision", "id"],
        unique=False,
        postgresql_where=sa.text("supervision IS NOT NULL"),
        sqlite_where=sa.text("supervision IS NOT NULL"),
    )
    op.add_column("users", sa.Column("email", sa.Text(), nullable=True))

    op.execute("UPDATE tickets SET limit_at = due_at")
    start_ladder(datetime.now(UTC))


def start_ladder(now: datetime) -> None:
    """Running clocks climb from their start. Of what is late nobody is warned any more, and of what has been late for
    long nobody is told: lists have shown it ever since. Nor does the register begin with what was before it.
    """
    op.execute("UPDATE clocks SET next_rung_at = started_at WHERE state = 'running'")
    op.execute("UPDATE clocks SET registered = 'met' WHERE met_at > due_at")
    late = sa.text("UPDATE clocks SET next_rung_at = due_at, rungs = :shares WHERE state = 'breached'")
    op.execute(late.bindparams(shares=SHARES))
    long_late = sa.text(
        "UPDATE clocks SET next_rung_at = NULL, rungs = :whole, registered = 'unmet'"
        " WHERE state = 'breached' AND due_at < :then"
    )
    then = sa.bindparam("then", now - LONG, sa.DateTime(timezone=True))
    op.execute(long_late.bindparams(then, whole=f"{SHARES} {LATE}"))


def downgrade() -> None:
    op.drop_column("users", "email")
    op.drop_index(
        "ix_tickets_supervised",
        table_name="tickets",
        postgresql_where=sa.text("supervision IS NOT NULL"),
        sqlite_where=sa.text("supervision IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_remind",
        table_name="tickets",
        postgresql_where=sa.text("remind_at IS NOT NULL"),
        sqlite_where=sa.text("remind_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_policy",
        table_name="tickets",
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index(
        "ix_tickets_load",
        table_name="tickets",
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index("ix_tickets_limit", table_name="tickets")
    op.drop_index(
        "ix_tickets_answered",
        table_name="tickets",
        postgresql_where=sa.text("answered_at IS NOT NULL"),
        sqlite_where=sa.text("answered_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_accepted",
        table_name="tickets",
        postgresql_where=sa.text("accepted_at IS NOT NULL"),
        sqlite_where=sa.text("accepted_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_overdue", table_name="tickets", postgresql_where=sa.text("overdue"), sqlite_where=sa.text("overdue")
    )
    op.create_index(
        "ix_tickets_overdue",
        "tickets",
        ["department_id", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("overdue"),
        sqlite_where=sa.text("overdue"),
    )
    op.drop_column("tickets", "supervision")
    op.drop_column("tickets", "customer_urges")
    op.drop_column("tickets", "urges")
    op.drop_column("tickets", "extended_days")
    op.drop_column("tickets", "limit_at")
    op.drop_column("tickets", "policy_version")
    op.drop_column("tickets", "remind_at")
    op.drop_column("messages", "asks")
    op.drop_index(
        "ix_clocks_next_rung",
        table_name="clocks",
        postgresql_where=sa.text("next_rung_at IS NOT NULL"),
        sqlite_where=sa.text("next_rung_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_clocks_breached",
        table_name="clocks",
        postgresql_where=sa.text("state = 'breached'"),
        sqlite_where=sa.text("state = 'breached'"),
    )
    op.drop_column("clocks", "rungs")
    op.drop_column("clocks", "registered")
    op.drop_column("clocks", "next_rung_at")
    op.drop_index(
        "ix_appeals_unanswered",
        table_name="appeals",
        postgresql_where=sa.text("decided_at IS NULL AND missed_at IS NULL"),
        sqlite_where=sa.text("decided_at IS NULL AND missed_at IS NULL"),
    )
    op.drop_index(
        "ix_appeals_open",
        table_name="appeals",
        postgresql_where=sa.text("decided_at IS NULL"),
        sqlite_where=sa.text("decided_at IS NULL"),
    )
    op.drop_table("appeals")
    op.drop_index(
        "uq_supervision_orders_open",
        table_name="supervision_orders",
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index("ix_supervision_orders_ticket_id", table_name="supervision_orders")
    op.drop_index("ix_supervision_orders_opened", table_name="supervision_orders")
    op.drop_index(
        "ix_supervision_orders_open",
        table_name="supervision_orders",
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index(
        "ix_supervision_orders_due",
        table_name="supervision_orders",
        postgresql_where=sa.text("answered_at IS NULL AND closed_at IS NULL AND missed_at IS NULL"),
        sqlite_where=sa.text("answered_at IS NULL AND closed_at IS NULL AND missed_at IS NULL"),
    )
    op.drop_index(
        "ix_supervision_orders_closed",
        table_name="supervision_orders",
        postgresql_where=sa.text("closed_at IS NOT NULL"),
        sqlite_where=sa.text("closed_at IS NOT NULL"),
    )
    op.drop_table("supervision_orders")
    op.drop_index("ix_notifications_user_id_id", table_name="notifications")
    op.drop_index(
        "ix_notifications_unread",
        table_name="notifications",
        postgresql_where=sa.text("read_at IS NULL AND way = 'in_app'"),
        sqlite_where=sa.text("read_at IS NULL AND way = 'in_app'"),
    )
    op.drop_index("ix_notifications_ticket_id", table_name="notifications")
    op.drop_index(
        "ix_notifications_send",
        table_name="notifications",
        postgresql_where=sa.text("send_at IS NOT NULL"),
        sqlite_where=sa.text("send_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_notifications_answer",
        table_name="notifications",
        postgresql_where=sa.text("answer_by IS NOT NULL"),
        sqlite_where=sa.text("answer_by IS NOT NULL"),
    )
    op.drop_table("notifications")
    op.drop_index(
        "uq_extension_requests_pending",
        table_name="extension_requests",
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.drop_index("ix_extension_requests_ticket_id", table_name="extension_requests")
    op.drop_index(
        "ix_extension_requests_pending",
        table_name="extension_requests",
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.drop_index(
        "ix_extension_requests_decided",
        table_name="extension_requests",
        postgresql_where=sa.text("state <> 'pending'"),
        sqlite_where=sa.text("state <> 'pending'"),
    )
    op.drop_index("ix_extension_requests_at", table_name="extension_requests")
    op.drop_table("extension_requests")
    op.drop_index("ix_escalations_at", table_name="escalations")
    op.drop_table("escalations")
    op.drop_index("ix_breaches_user_id_at", table_name="breaches")
    op.drop_index("ix_breaches_state_at", table_name="breaches")
    op.drop_index("ix_breaches_department_id_at", table_name="breaches")
    op.drop_index("ix_breaches_at", table_name="breaches")
    op.drop_table("breaches")
    op.drop_table("robots")
    op.drop_table("policy_versions")
