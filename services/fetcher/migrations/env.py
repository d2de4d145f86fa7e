"""Run by Alembic on the connection that `shared.migrations` hands over."""

from alembic import context

from services.fetcher.tables import metadata

given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=metadata,
    version_table=given["version_table"],
)
context.run_migrations()
