"""What is learned of a feed's server and of its hosts: how they answer, where they are, which feeds are one."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.database import UtcDateTime
from shared.urls import site_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FEED_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("paused", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("site", sa.Text(), nullable=False, server_default=sa.text("''")),
    sa.Column("title", sa.Text()),
    sa.Column("content_hash", sa.String(64)),
    sa.Column("final_url", sa.Text()),
    sa.Column("same_as", sa.Uuid()),
    sa.Column("parent", sa.Uuid()),
    sa.Column("standing", sa.JSON(), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("pushed_until", UtcDateTime()),
)
HOST_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("crawl_seconds", sa.Float()),
    sa.Column("answer_seconds", sa.Float()),
    sa.Column("address", sa.Text()),
)
FEEDS = sa.table("feeds", sa.column("feed_id", sa.Uuid()), sa.column("url", sa.Text()), sa.column("site", sa.Text()))


def upgrade() -> None:
    for column in FEED_COLUMNS:
        op.add_column("feeds", column)
    for column in HOST_COLUMNS:
        op.add_column("hosts", column)
    op.add_column("robots", sa.Column("reached_at", UtcDateTime()))
    op.drop_index("feeds_due", "feeds")
    op.create_index(
        "feeds_due",
        "feeds",
        ["next_poll_at"],
        sqlite_where=sa.text("active = 1 AND paused = 0"),
        postgresql_where=sa.text("active AND NOT paused"),
    )
    op.create_index("feeds_final_url", "feeds", ["final_url"])
    op.create_index("feeds_body_hash", "feeds", ["body_hash"])
    for name in ("parent", "same_as"):
        some = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"feeds_{name}", "feeds", [name], sqlite_where=some, postgresql_where=some)
    op.create_table(
        "host_addresses",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("next_allowed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    _name_the_sites()


def _name_the_sites() -> None:
    connection = op.get_bind()
    sites = [
        {"which": row.feed_id, "its": site_of(row.url)}
        for row in connection.execute(sa.select(FEEDS.c.feed_id, FEEDS.c.url))
    ]
    if sites:
        named = sa.update(FEEDS).where(FEEDS.c.feed_id == sa.bindparam("which")).values(site=sa.bindparam("its"))
        connection.execute(named, sites)


def downgrade() -> None:
    op.drop_table("host_addresses")
    op.drop_index("feeds_due", "feeds")
    op.create_index("feeds_due", "feeds", ["next_poll_at"])
    op.drop_column("robots", "reached_at")
    op.drop_index("feeds_same_as", "feeds")
    op.drop_index("feeds_parent", "feeds")
    op.drop_index("feeds_body_hash", "feeds")
    op.drop_index("feeds_final_url", "feeds")
    for column in HOST_COLUMNS:
        op.drop_column("hosts", column.name)
    for column in FEED_COLUMNS:
        op.drop_column("feeds", column.name)
