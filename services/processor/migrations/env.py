"""Run by Alembic on the connection that `shared.migrations` hands over."""

from alembic import context

from services.processor.tables import metadata
from shared.outcomes import metadata as outcomes

given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=[metadata, outcomes],
    version_table=given["version_table"],
)
context.run_migrations()
