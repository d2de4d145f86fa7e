"""What copies are found by, what a revision changed, and looser keys of addresses."""

import sqlalchemy as sa
from alembic import op

import shared.database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of articles from before, nothing is known of these until they are seen again."""
    op.add_column("articles", sa.Column("published_at", shared.database.UtcDateTime(timezone=True), nullable=True))
    op.add_column("articles", sa.Column("facets", sa.LargeBinary(), nullable=True))
    op.add_column("articles", sa.Column("emptied_at", shared.database.UtcDateTime(timezone=True), nullable=True))
    op.add_column("addresses", sa.Column("hint", sa.BigInteger(), nullable=True))
    op.add_column("addresses", sa.Column("seen_hash", sa.LargeBinary(), nullable=True))
    op.create_index("addresses_hint", "addresses", ["hint"], unique=False)


def downgrade() -> None:
    op.drop_index("addresses_hint", table_name="addresses")
    op.drop_column("addresses", "seen_hash")
    op.drop_column("addresses", "hint")
    op.drop_column("articles", "emptied_at")
    op.drop_column("articles", "facets")
    op.drop_column("articles", "published_at")
