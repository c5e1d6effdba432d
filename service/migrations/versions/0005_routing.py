"""Subcategories, assignment and duty, what the classifier learned, second opinions, likely duplicates."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
ROUTED = ("subcategory", "targets_as", "routed_by")


def upgrade() -> None:
    _subcategories()
    _assignment()
    _handovers()
    _duplicates()
    _learning()
    _opinions()


def downgrade() -> None:
    _no_opinions()
    _no_learning()
    _no_duplicates()
    _no_handovers()
    _no_assignment()
    _no_subcategories()


def _assignment() -> None:
    op.add_column("users", sa.Column("ticket_limit", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("skills", sa.JSON(), nullable=True))
    op.add_column("users", sa.Column("presence", sa.Text(), server_default=sa.text("'present'"), nullable=False))
    op.add_column("users", sa.Column("presence_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "tickets", sa.Column("assigned_by_rule", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("tickets", sa.Column("assigned_because", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("wants_assignee_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("pool_return_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("passed_over", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("passed_over_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_tickets_wants_assignee",
        "tickets",
        ["department_id", "priority", "received_at", "id"],
        unique=False,
        postgresql_where=sa.text("wants_assignee_at IS NOT NULL"),
        sqlite_where=sa.text("wants_assignee_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_next_try",
        "tickets",
        ["wants_assignee_at", "department_id"],
        unique=False,
        postgresql_where=sa.text("wants_assignee_at IS NOT NULL"),
        sqlite_where=sa.text("wants_assignee_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_pool_return",
        "tickets",
        ["pool_return_at"],
        unique=False,
        postgresql_where=sa.text("pool_return_at IS NOT NULL"),
        sqlite_where=sa.text("pool_return_at IS NOT NULL"),
    )
    op.create_table(
        "recusals",
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_recusals_ticket_id_tickets"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recusals_user_id_users"),
        sa.PrimaryKeyConstraint("ticket_id", "user_id", name="pk_recusals"),
    )


def _no_assignment() -> None:
    op.drop_table("recusals")
    op.drop_index("ix_tickets_pool_return", table_name="tickets")
    op.drop_index("ix_tickets_next_try", table_name="tickets")
    op.drop_index("ix_tickets_wants_assignee", table_name="tickets")
    for column in ("passed_over_at", "passed_over", "pool_return_at", "wants_assignee_at"):
        op.drop_column("tickets", column)
    for column in ("assigned_because", "assigned_by_rule", "assigned_at"):
        op.drop_column("tickets", column)
    for column in ("last_assigned_at", "presence_at", "presence", "skills", "ticket_limit"):
        op.drop_column("users", column)


def _handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["from_user_id"], ["users.id"], name="fk_handovers_from_user_id_users"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_handovers_ticket_id_tickets"),
        sa.ForeignKeyConstraint(["to_user_id"], ["users.id"], name="fk_handovers_to_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_handovers"),
    )
    op.create_index("ix_handovers_from_user_id_id", "handovers", ["from_user_id", "id"], unique=False)
    op.create_index("ix_handovers_ticket_id", "handovers", ["ticket_id"], unique=False)
    op.create_index("ix_handovers_to_user_id_id", "handovers", ["to_user_id", "id"], unique=False)
    op.create_index(
        "ix_handovers_unseen",
        "handovers",
        ["to_user_id"],
        unique=False,
        postgresql_where=sa.text("acknowledged_at IS NULL AND to_user_id IS NOT NULL"),
        sqlite_where=sa.text("acknowledged_at IS NULL AND to_user_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_in_hand",
        "tickets",
        ["assignee_id", "status"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL AND assignee_id IS NOT NULL"),
        sqlite_where=sa.text("closed_at IS NULL AND assignee_id IS NOT NULL"),
    )


def _no_handovers() -> None:
    op.drop_index("ix_tickets_in_hand", table_name="tickets")
    op.drop_table("handovers")


def _subcategories() -> None:
    for column in ROUTED:
        op.add_column("tickets", sa.Column(column, sa.Text(), nullable=True))


def _no_subcategories() -> None:
    for column in ROUTED:
        op.drop_column("tickets", column)


def _duplicates() -> None:
    op.add_column("followers", sa.Column("matter_mark", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("matter_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("kept", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("compare_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("gist", sa.Text(), nullable=True))
    op.add_column(
        "tickets", sa.Column("incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    _index_where("ix_messages_kept", "messages", ["kept", "at", "id"])
    _index_where("ix_tickets_compare", "tickets", ["compare_at", "id"])
    _index_where("ix_tickets_incident", "tickets", ["incident_id", "received_at", "id"])
    op.create_table(
        "likenesses",
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["other_id"], ["tickets.id"], name="fk_likenesses_other_id_tickets"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_likenesses_ticket_id_tickets"),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", name="pk_likenesses"),
    )
    op.create_index("ix_likenesses_other_id", "likenesses", ["other_id"], unique=False)


def _index_where(name: str, table: str, columns: list[str]) -> None:
    """An index of the rows that have its first column."""
    condition = sa.text(f"{columns[0]} IS NOT NULL")
    op.create_index(name, table, columns, unique=False, postgresql_where=condition, sqlite_where=condition)


def _no_duplicates() -> None:
    op.drop_table("likenesses")
    for table, name in (("tickets", "incident"), ("tickets", "compare"), ("messages", "kept")):
        op.drop_index(f"ix_{table}_{name}", table_name=table)
    for column in ("incident_id", "gist", "compare_at"):
        op.drop_column("tickets", column)
    op.drop_column("messages", "kept")
    for column in ("matter_at", "matter_mark"):
        op.drop_column("followers", column)


def _learning() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "judgements",
        sa.Column("ticket_id", big, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("triage", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("because", sa.JSON(), nullable=False),
        sa.Column("final_category", sa.Text(), nullable=True),
        sa.Column("final_priority", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", big, nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('confirmed', 'corrected')", name="ck_judgements_kind"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_judgements_ticket_id_tickets"),
        sa.ForeignKeyConstraint(["settled_by_id"], ["users.id"], name="fk_judgements_settled_by_id_users"),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_judgements"),
    )
    settled = sa.text("settled_at IS NOT NULL")
    op.create_index(
        "ix_judgements_settled",
        "judgements",
        ["settled_at", "ticket_id", "category", "final_category", "triage", "confidence"],
        unique=False,
        postgresql_where=settled,
        sqlite_where=settled,
    )
    corrected = sa.text("kind = 'corrected'")
    op.create_index(
        "ix_judgements_corrected",
        "judgements",
        ["settled_at", "ticket_id"],
        unique=False,
        postgresql_where=corrected,
        sqlite_where=corrected,
    )
    op.create_index(
        "ix_judgements_pair", "judgements", ["category", "final_category", "settled_at", "ticket_id"], unique=False
    )
    op.create_table(
        "trained_models",
        sa.Column("id", big, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("examples", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_by", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('candidate', 'active', 'kept', 'refused')", name="ck_trained_models_state"),
        sa.PrimaryKeyConstraint("id", name="pk_trained_models"),
        sa.UniqueConstraint("version", name="uq_trained_models_version"),
    )
    active = sa.text("state = 'active'")
    op.create_index(
        "uq_trained_models_active",
        "trained_models",
        ["state"],
        unique=True,
        postgresql_where=active,
        sqlite_where=active,
    )
    op.create_table(
        "training_runs",
        sa.Column("id", big, nullable=False),
        sa.Column("slot", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("because", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'published', 'refused', 'same', 'skipped', 'failed')",
            name="ck_training_runs_state",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_training_runs"),
        sa.UniqueConstraint("slot", name="uq_training_runs_slot"),
    )
    for state in ("waiting", "running"):
        here = sa.text(f"state = '{state}'")
        op.create_index(
            f"uq_training_runs_{state}",
            "training_runs",
            ["state"],
            unique=True,
            postgresql_where=here,
            sqlite_where=here,
        )


def _no_learning() -> None:
    for table in ("training_runs", "trained_models", "judgements"):
        op.drop_table(table)


def _opinions() -> None:
    op.add_column("tickets", sa.Column("opinion_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_tickets_opinion",
        "tickets",
        ["opinion_at"],
        unique=False,
        postgresql_where=sa.text("opinion_at IS NOT NULL"),
        sqlite_where=sa.text("opinion_at IS NOT NULL"),
    )
    op.create_table(
        "opinions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("guess", sa.Text(), nullable=True),
        sa.Column("guess_confidence", sa.Double(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=True),
        sa.CheckConstraint("state IN ('sending', 'done', 'failed', 'skipped')", name="ck_opinions_state"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_opinions_ticket_id_tickets"),
        sa.PrimaryKeyConstraint("id", name="pk_opinions"),
    )
    op.create_index("ix_opinions_ticket_id_id", "opinions", ["ticket_id", "id"], unique=False)
    op.create_index("ix_opinions_at_state", "opinions", ["at", "state"], unique=False)
    op.create_table(
        "opinion_gate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_opinion_gate"),
    )


def _no_opinions() -> None:
    op.drop_table("opinion_gate")
    op.drop_table("opinions")
    op.drop_index("ix_tickets_opinion", table_name="tickets")
    op.drop_column("tickets", "opinion_at")
