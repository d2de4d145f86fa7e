"""Subscriptions at WebSub hubs, which tell us of a feed's news."""

import sqlalchemy as sa
from alembic import op

from shared.database import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feeds", sa.Column("pushed_at", UtcDateTime()))
    op.create_table(
        "subscriptions",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(64)),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("asked", sa.String(20)),
        sa.Column("asked_at", UtcDateTime()),
        sa.Column("verified_until", UtcDateTime()),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("silences", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("reason", sa.String(60)),
        sa.Column("next_at", UtcDateTime()),
        sa.Column("news_at", UtcDateTime()),
        sa.Column("lease", sa.Uuid()),
        sa.Column("lease_until", UtcDateTime()),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("subscriptions_feed", "subscriptions", ["feed_id"])
    op.create_index("subscriptions_due", "subscriptions", ["next_at"])
    op.create_index("subscriptions_news", "subscriptions", ["news_at"])


def downgrade() -> None:
    op.drop_table("subscriptions")
    op.drop_column("feeds", "pushed_at")
