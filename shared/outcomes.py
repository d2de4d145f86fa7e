"""The one table both services look at: what became of an entry's observations.

The processor writes it in the transaction that decides; the fetcher reads it to find entries whose observation never
arrived (a purged queue, a destroyed broker) and to know that nothing is left to do.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Integer, MetaData, String, Table, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import UtcDateTime, insert_into

metadata = MetaData()

entry_outcomes = Table(
    "entry_outcomes",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("observation", Integer, nullable=False),
    Column("outcome", String(60), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)


async def record(connection: AsyncConnection, entry_id: UUID, *, observation: int, outcome: str, at: datetime) -> None:
    """Keep the outcome of the entry's newest observation; an older one changes nothing."""
    values: Mapping[str, object] = {"observation": observation, "outcome": outcome, "recorded_at": at}
    statement = insert_into(connection, entry_outcomes).values(entry_id=entry_id, **values)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[entry_outcomes.c.entry_id],
            set_=values,
            where=entry_outcomes.c.observation <= observation,
        )
    )
