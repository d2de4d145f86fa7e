"""The lines of each host's last articles, and what a text was with those that stand on all of them."""

import sqlalchemy as sa
from alembic import op

import shared.database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of articles from before, nothing was left out: they have the hash of their text alone."""
    op.add_column("articles", sa.Column("full_hash", sa.String(length=64), nullable=True))
    op.create_table(
        "host_lines",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("line_keys", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", shared.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("article_id"),
    )
    op.create_index("host_lines_last", "host_lines", ["host", "seen_at"], unique=False)


def downgrade() -> None:
    op.drop_index("host_lines_last", table_name="host_lines")
    op.drop_table("host_lines")
    op.drop_column("articles", "full_hash")
