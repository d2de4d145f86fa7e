"""The one table both services look at: what became of an entry's observations.

The processor writes it in the transaction that decides; the fetcher reads it to find entries whose observation never
arrived (a purged queue, a destroyed broker) and to know that nothing is left to do.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Integer, MetaData, String, Table, Uuid

from shared.database import Connection, UtcDateTime
from shared.statements import Excluded, upsert

metadata = MetaData()

QUARANTINED = "quarantined"
"""The page was set aside unread: nothing may be concluded from it, it is settled when it is replayed, and what is there
instead is looked at in full."""

entry_outcomes = Table(
    "entry_outcomes",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("observation", Integer, nullable=False),
    Column("outcome", String(60), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)


async def record(connection: Connection, entry_id: UUID, *, observation: int, outcome: str, at: datetime) -> None:
    """Keep the outcome of the entry's newest observation; an older one changes nothing."""
    said = {"observation": observation, "outcome": outcome, "recorded_at": at}
    await upsert(connection, entry_outcomes, {"entry_id": entry_id}, said, where=_is_newer)


def _is_newer(said: Excluded) -> ColumnElement[bool]:
    newer: ColumnElement[bool] = entry_outcomes.c.observation <= said.observation
    return newer
