"""The processor's store: transactions for observations, and what operators ask of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import delete, func, select

from services.processor.ledger import ARTICLE, URLS, Ledger, key_id, lock_names
from services.processor.tables import addresses, articles, forgotten, inbox, outbox, quarantine, revisions
from shared.database import Connection, Database, clock
from shared.outcomes import entry_outcomes
from shared.statements import insert_new


class ProcessorStore:
    """Articles, revisions, stories and the outbox in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Ledger]:
        """The transaction of one observation: committed when the block ends, undone when it raises."""
        async with self._database.transaction() as connection:
            yield Ledger(connection, await clock(connection))

    async def writable(self) -> None:
        await self._database.writable()

    async def summary(self) -> Mapping[str, int]:
        """Observations by verdict, or by reason where there was no event."""
        counts = select(inbox.c.reason, func.count()).group_by(inbox.c.reason)
        async with self._database.snapshot() as connection:
            return {row.reason: row[1] for row in await connection.execute(counts)}

    async def forget(self, url: str) -> list[str]:
        """Remove the article at this address and all that is stored of it; returns the addresses it had.

        Nothing comes back: hashes of the addresses are kept, and tell a later observation of them. Events that were
        published are with their subscribers: they are not called back.
        """
        async with self._database.transaction() as connection:
            await lock_names(connection, {f"key:{key_id(url)}"})
            found = select(addresses.c.article_id).where(addresses.c.key_id == key_id(url))
            article = (await connection.execute(found)).scalars().first()
            await insert_new(connection, forgotten, {"key_id": key_id(url)})
            if article is None:
                return []
            await connection.execute(ARTICLE, {"which": article})
            urls = list((await connection.execute(URLS, {"which": article})).scalars())
            await insert_new(connection, forgotten, *({"key_id": key} for key in {key_id(each) for each in urls}))
            observed = select(inbox.c.entry_id).where(inbox.c.article_id == article)
            await _forget_entries(connection, list((await connection.execute(observed)).scalars()))
            for table in (addresses, revisions, outbox, articles):
                await connection.execute(delete(table).where(table.c.article_id == article))
        return urls

    async def forget_entries(self, entry_ids: Sequence[UUID]) -> None:
        """Remove what is stored of these entries' observations, the quarantined ones included."""
        async with self._database.transaction() as connection:
            await _forget_entries(connection, entry_ids)


async def _forget_entries(connection: Connection, entry_ids: Sequence[UUID]) -> None:
    observations = select(inbox.c.raw_id).where(inbox.c.entry_id.in_(entry_ids))
    await connection.execute(delete(quarantine).where(quarantine.c.raw_id.in_(observations)))
    await connection.execute(delete(inbox).where(inbox.c.entry_id.in_(entry_ids)))
    await connection.execute(delete(entry_outcomes).where(entry_outcomes.c.entry_id.in_(entry_ids)))
