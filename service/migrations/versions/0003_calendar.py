"""With which version of the calendar a ticket's clocks were computed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("calendar_version", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_tickets_calendar",
        "tickets",
        ["calendar_version", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_tickets_calendar", "tickets")
    op.drop_column("tickets", "calendar_version")
