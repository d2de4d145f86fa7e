"""The first tables."""

import sqlalchemy as sa
from alembic import op

import shared.database

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("discovered_at", shared.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("next_at", shared.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("postponed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("visits", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("observations", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("queued_at", shared.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("validators_url", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.String(length=64), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_until", shared.database.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("entries_due", "entries", ["next_at"], unique=False)
    op.create_index("entries_queued", "entries", ["queued_at"], unique=False)
    op.create_table(
        "feed_entries",
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.String(length=500), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("skipped", sa.String(length=60), nullable=True),
        sa.Column("first_seen_at", shared.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("feed_id", "identity"),
    )
    op.create_index("feed_entries_entry", "feed_entries", ["entry_id"], unique=False)
    op.create_table(
        "feeds",
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("validators_url", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.String(length=64), nullable=True),
        sa.Column("rhythm", sa.JSON(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=True),
        sa.Column("polled_at", shared.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_poll_at", shared.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_until", shared.database.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("feed_id"),
        sa.UniqueConstraint("url"),
    )
    op.create_index("feeds_due", "feeds", ["next_poll_at"], unique=False)
    op.create_table(
        "hosts",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("next_allowed_at", shared.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", shared.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("delay_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
    )
    op.create_table(
        "robots",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("fresh_until", shared.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("origin"),
    )


def downgrade() -> None:
    op.drop_table("robots")
    op.drop_table("hosts")
    op.drop_index("feeds_due", table_name="feeds")
    op.drop_table("feeds")
    op.drop_index("feed_entries_entry", table_name="feed_entries")
    op.drop_table("feed_entries")
    op.drop_index("entries_queued", table_name="entries")
    op.drop_index("entries_due", table_name="entries")
    op.drop_table("entries")
