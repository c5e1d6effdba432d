"""The whole channel: what the rooms around customer messages keep."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forced", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure_kind", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Integer(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_access_tokens")),
    )
    op.create_table(
        "account_sightings",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slug", "what", name=op.f("pk_account_sightings")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "ix_alerts_resolved",
        "alerts",
        ["resolved_at"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NOT NULL"),
        sqlite_where=sa.text("resolved_at IS NOT NULL"),
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["scope", "kind"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
        sqlite_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "autoreply_hits",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "rule", "day", name=op.f("pk_autoreply_hits")),
    )
    op.create_table(
        "menu_checks",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_menu_checks")),
    )
    op.create_table(
        "oauth_visits",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("return_path", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code_digest", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("follower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_oauth_visits")),
    )
    op.create_index("ix_oauth_visits_begun_at", "oauth_visits", ["begun_at"], unique=False)
    op.create_table(
        "publications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("writers", sa.JSON(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
        sa.UniqueConstraint("kind", "scope", "version", name=op.f("uq_publications_kind_scope_version")),
    )
    op.create_index(
        "uq_publications_open",
        "publications",
        ["kind", "scope"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'submitted')"),
        sqlite_where=sa.text("state IN ('draft', 'submitted')"),
    )
    op.create_index(
        "uq_publications_published",
        "publications",
        ["kind", "scope"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
        sqlite_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "qr_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("follows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qr_codes")),
        sa.UniqueConstraint("channel", "scene", name=op.f("uq_qr_codes_channel_scene")),
    )
    op.create_index("ix_qr_codes_channel_id", "qr_codes", ["channel", "id"], unique=False)
    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("channel", "name", name=op.f("uq_tags_channel_name")),
    )
    op.create_table(
        "follower_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("follower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["follower_id"], ["followers.id"], name=op.f("fk_follower_events_follower_id_followers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follower_events")),
    )
    op.create_index(
        "ix_follower_events_follower_id_at_id", "follower_events", ["follower_id", "at", "id"], unique=False
    )
    op.create_table(
        "notice_grants",
        sa.Column("follower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["follower_id"], ["followers.id"], name=op.f("fk_notice_grants_follower_id_followers")),
        sa.PrimaryKeyConstraint("follower_id", "template_id", name=op.f("pk_notice_grants")),
    )
    op.create_table(
        "taggings",
        sa.Column("tag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("follower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["follower_id"], ["followers.id"], name=op.f("fk_taggings_follower_id_followers")),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_taggings_tag_id_tags")),
        sa.PrimaryKeyConstraint("tag_id", "follower_id", name=op.f("pk_taggings")),
    )
    op.create_index("ix_taggings_follower_id", "taggings", ["follower_id"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("playable_digest", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_uploads_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_user_id_at", "uploads", ["user_id", "at"], unique=False)
    op.create_table(
        "ratings",
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("follower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("added", sa.Text(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_ratings_score")),
        sa.ForeignKeyConstraint(["follower_id"], ["followers.id"], name=op.f("fk_ratings_follower_id_followers")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ratings_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ratings")),
    )
    op.create_index("ix_ratings_at", "ratings", ["at", "ticket_id"], unique=False)
    op.add_column("attachments", sa.Column("playable_digest", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("intent", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("intent_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("followers", sa.Column("default_answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("followers", sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("followers", sa.Column("unreachable", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("union_id", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("subscribed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("followers", sa.Column("subscribe_scene", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("first_source", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("last_source", sa.Text(), nullable=True))
    op.add_column("followers", sa.Column("tags", sa.JSON(), nullable=True))
    op.add_column("followers", sa.Column("profile_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("followers", sa.Column("profile_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("followers", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_followers_blocked",
        "followers",
        ["id"],
        unique=False,
        postgresql_where=sa.text("blocked_at IS NOT NULL"),
        sqlite_where=sa.text("blocked_at IS NOT NULL"),
    )
    op.create_index(
        "ix_followers_erased",
        "followers",
        ["id"],
        unique=False,
        postgresql_where=sa.text("erased_at IS NOT NULL"),
        sqlite_where=sa.text("erased_at IS NOT NULL"),
    )
    op.create_index(
        "ix_followers_profile_due",
        "followers",
        ["profile_due_at"],
        unique=False,
        postgresql_where=sa.text("profile_due_at IS NOT NULL"),
        sqlite_where=sa.text("profile_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_followers_remarked",
        "followers",
        ["id"],
        unique=False,
        postgresql_where=sa.text("remark IS NOT NULL"),
        sqlite_where=sa.text("remark IS NOT NULL"),
    )
    op.add_column("official_accounts", sa.Column("texts", sa.JSON(), nullable=True))
    op.add_column("official_accounts", sa.Column("window_rules", sa.JSON(), nullable=True))
    op.add_column("official_accounts", sa.Column("notices", sa.JSON(), nullable=True))
    op.add_column("outbox", sa.Column("kind", sa.Text(), server_default="text", nullable=False))
    op.add_column("outbox", sa.Column("content", sa.JSON(), nullable=True))
    op.add_column("outbox", sa.Column("vendor_id", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("sent_with", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    op.create_index(
        "ix_outbox_vendor_id",
        "outbox",
        ["channel", "vendor_id"],
        unique=False,
        postgresql_where=sa.text("vendor_id IS NOT NULL"),
        sqlite_where=sa.text("vendor_id IS NOT NULL"),
    )
    op.add_column("tickets", sa.Column("source", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("window_warned", sa.Integer(), nullable=True))
    op.add_column("tickets", sa.Column("window_warn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("notice_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("notices_tried", sa.JSON(), nullable=True))
    op.add_column("tickets", sa.Column("invite_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_tickets_invite",
        "tickets",
        ["invite_at"],
        unique=False,
        postgresql_where=sa.text("invite_at IS NOT NULL"),
        sqlite_where=sa.text("invite_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_notice",
        "tickets",
        ["notice_at"],
        unique=False,
        postgresql_where=sa.text("notice_at IS NOT NULL"),
        sqlite_where=sa.text("notice_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_window_shut",
        "tickets",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("window_warned = 0"),
        sqlite_where=sa.text("window_warned = 0"),
    )
    op.create_index(
        "ix_tickets_window_warn",
        "tickets",
        ["window_warn_at"],
        unique=False,
        postgresql_where=sa.text("window_warn_at IS NOT NULL"),
        sqlite_where=sa.text("window_warn_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_tickets_window_warn",
        table_name="tickets",
        postgresql_where=sa.text("window_warn_at IS NOT NULL"),
        sqlite_where=sa.text("window_warn_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_window_shut",
        table_name="tickets",
        postgresql_where=sa.text("window_warned = 0"),
        sqlite_where=sa.text("window_warned = 0"),
    )
    op.drop_index(
        "ix_tickets_notice",
        table_name="tickets",
        postgresql_where=sa.text("notice_at IS NOT NULL"),
        sqlite_where=sa.text("notice_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_invite",
        table_name="tickets",
        postgresql_where=sa.text("invite_at IS NOT NULL"),
        sqlite_where=sa.text("invite_at IS NOT NULL"),
    )
    op.drop_column("tickets", "invite_at")
    op.drop_column("tickets", "notices_tried")
    op.drop_column("tickets", "notice_at")
    op.drop_column("tickets", "window_warn_at")
    op.drop_column("tickets", "window_warned")
    op.drop_column("tickets", "source")
    op.drop_index(
        "ix_outbox_vendor_id",
        table_name="outbox",
        postgresql_where=sa.text("vendor_id IS NOT NULL"),
        sqlite_where=sa.text("vendor_id IS NOT NULL"),
    )
    op.drop_column("outbox", "sent_with")
    op.drop_column("outbox", "vendor_id")
    op.drop_column("outbox", "content")
    op.drop_column("outbox", "kind")
    op.drop_column("official_accounts", "notices")
    op.drop_column("official_accounts", "window_rules")
    op.drop_column("official_accounts", "texts")
    op.drop_index(
        "ix_followers_remarked",
        table_name="followers",
        postgresql_where=sa.text("remark IS NOT NULL"),
        sqlite_where=sa.text("remark IS NOT NULL"),
    )
    op.drop_index(
        "ix_followers_profile_due",
        table_name="followers",
        postgresql_where=sa.text("profile_due_at IS NOT NULL"),
        sqlite_where=sa.text("profile_due_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_followers_erased",
        table_name="followers",
        postgresql_where=sa.text("erased_at IS NOT NULL"),
        sqlite_where=sa.text("erased_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_followers_blocked",
        table_name="followers",
        postgresql_where=sa.text("blocked_at IS NOT NULL"),
        sqlite_where=sa.text("blocked_at IS NOT NULL"),
    )
    op.drop_column("followers", "erased_at")
    op.drop_column("followers", "profile_due_at")
    op.drop_column("followers", "profile_at")
    op.drop_column("followers", "tags")
    op.drop_column("followers", "last_source")
    op.drop_column("followers", "first_source")
    op.drop_column("followers", "subscribe_scene")
    op.drop_column("followers", "subscribed_at")
    op.drop_column("followers", "union_id")
    op.drop_column("followers", "unreachable")
    op.drop_column("followers", "blocked_at")
    op.drop_column("followers", "default_answered_at")
    op.drop_column("followers", "intent_until")
    op.drop_column("followers", "intent")
    op.drop_column("attachments", "playable_digest")
    op.drop_index("ix_ratings_at", table_name="ratings")
    op.drop_table("ratings")
    op.drop_index("ix_uploads_user_id_at", table_name="uploads")
    op.drop_table("uploads")
    op.drop_index("ix_taggings_follower_id", table_name="taggings")
    op.drop_table("taggings")
    op.drop_table("notice_grants")
    op.drop_index("ix_follower_events_follower_id_at_id", table_name="follower_events")
    op.drop_table("follower_events")
    op.drop_table("tags")
    op.drop_index("ix_qr_codes_channel_id", table_name="qr_codes")
    op.drop_table("qr_codes")
    op.drop_index(
        "uq_publications_published",
        table_name="publications",
        postgresql_where=sa.text("state = 'published'"),
        sqlite_where=sa.text("state = 'published'"),
    )
    op.drop_index(
        "uq_publications_open",
        table_name="publications",
        postgresql_where=sa.text("state IN ('draft', 'submitted')"),
        sqlite_where=sa.text("state IN ('draft', 'submitted')"),
    )
    op.drop_table("publications")
    op.drop_index("ix_oauth_visits_begun_at", table_name="oauth_visits")
    op.drop_table("oauth_visits")
    op.drop_table("menu_checks")
    op.drop_table("autoreply_hits")
    op.drop_index(
        "uq_alerts_open",
        table_name="alerts",
        postgresql_where=sa.text("resolved_at IS NULL"),
        sqlite_where=sa.text("resolved_at IS NULL"),
    )
    op.drop_index(
        "ix_alerts_resolved",
        table_name="alerts",
        postgresql_where=sa.text("resolved_at IS NOT NULL"),
        sqlite_where=sa.text("resolved_at IS NOT NULL"),
    )
    op.drop_table("alerts")
    op.drop_table("account_sightings")
    op.drop_table("access_tokens")
