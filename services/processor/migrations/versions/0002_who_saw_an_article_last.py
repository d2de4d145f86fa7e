"""Which observation an article was last seen by: numbers order an entry's observations, clocks do not."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Articles from before have none until they are seen again; their order goes by time.

    What stands in the quarantine is marked as such: before, the reason for it was.
    """
    op.add_column("articles", sa.Column("observed_by", sa.Uuid(), nullable=True))
    op.add_column("articles", sa.Column("observation", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE entry_outcomes SET outcome = 'quarantined' WHERE (entry_id, observation) IN "
        "(SELECT entry_id, observation FROM inbox WHERE verdict = 'quarantined')"
    )


def downgrade() -> None:
    op.drop_column("articles", "observation")
    op.drop_column("articles", "observed_by")
