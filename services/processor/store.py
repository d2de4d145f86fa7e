"""The processor's store: transactions for observations, and what operators ask of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update

from services.processor.fingerprint import headline_hash, text_hash
from services.processor.ledger import ARTICLE, URLS, Ledger, key_id, lock_names
from services.processor.model import Decision, Places, Revised, Verdict
from services.processor.standing_lines import prune_lines, standing_lines
from services.processor.tables import addresses, articles, forgotten, host_lines, inbox, outbox, quarantine, revisions
from shared.database import Connection, Database, clock
from shared.events import ArticleEvent
from shared.messages import EntryFacts, FeedFacts, RawPage
from shared.outcomes import entry_outcomes
from shared.statements import insert_new
from shared.urls import host_of


class ProcessorStore:
    """Articles, revisions, stories and the outbox in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Ledger]:
        """The transaction of one observation: committed when the block ends, undone when it raises."""
        async with self._database.transaction() as connection:
            yield Ledger(connection, await clock(connection))

    async def standing(self, places: Places) -> frozenset[str]:
        """The keys of the lines that stand on the host that answers there, as other articles of it show."""
        own = [key_id(url) for url in places.own]
        async with self._database.snapshot() as connection:
            return await standing_lines(connection, host_of(places.own[-1]), own)

    async def prune(self, *, lines: timedelta) -> None:
        """Forget the lines of articles that were last seen longer ago than this."""
        await prune_lines(self._database, lines)

    async def writable(self) -> None:
        await self._database.writable()

    async def summary(self) -> Mapping[str, int]:
        """Observations by verdict, or by reason where there was no event."""
        counts = select(inbox.c.reason, func.count()).group_by(inbox.c.reason)
        async with self._database.snapshot() as connection:
            return {row.reason: row[1] for row in await connection.execute(counts)}

    async def newest(self) -> datetime | None:
        """When an article was last observed; all that is not known here was said later."""
        async with self._database.snapshot() as connection:
            newest: datetime | None = await connection.scalar(select(func.max(articles.c.observed_at)))
            return newest

    async def is_new(self, event: ArticleEvent) -> bool:
        """Whether it is of an article that is not known here, or of a later revision."""
        async with self._database.snapshot() as connection:
            return await _is_new(connection, event)

    async def learn(self, event: ArticleEvent) -> bool:
        """Take in an event that was said and is not known here; False when it is known, overtaken or forgotten.

        The observation that caused it counts as settled.
        """
        data, page, revised = event.data, _observation(event), _revised(event)
        places = Places(own=data.urls)
        async with self._database.transaction() as connection:
            ledger = Ledger(connection, await clock(connection))
            await ledger.lock(places, {revised.text_hash} - {""})
            if not await _is_new(connection, event) or await ledger.forgotten(places):
                return False
            await ledger.add_addresses(data.article_id, data.urls)
            await ledger.publish(event, page, revised)
            said = update(outbox).where(outbox.c.event_id == event.event_id)
            await connection.execute(said.values(confirmed_at=ledger.now))
            decision = Decision(verdict=Verdict(event.verb), reason=event.verb, rule="learned")
            await ledger.settle(page, decision, data.article_id, event)
        return True

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
            for table in (addresses, revisions, outbox, host_lines, articles):
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


async def _is_new(connection: Connection, event: ArticleEvent) -> bool:
    stored = select(articles.c.revision).where(articles.c.article_id == event.data.article_id)
    return event.data.revision > (await connection.scalar(stored) or 0)


def _observation(event: ArticleEvent) -> RawPage:
    """What an event tells of the observation that caused it."""
    source, data = event.data.provenance, event.data
    return RawPage(
        raw_id=source.raw_id,
        entry_id=source.entry_id,
        observation=source.observation,
        kind=source.observed_as,
        observed_at=data.fetched.at,
        feed=FeedFacts(url=source.feed_url, name=source.feed_name),
        entry=EntryFacts(identity=str(source.entry_id), url=data.url),
    )


def _revised(event: ArticleEvent) -> Revised:
    data, withdrawn = event.data, event.verb == "withdrawn"
    return Revised(
        text_hash="" if withdrawn else text_hash(data.paragraphs),
        headline_hash="" if withdrawn else headline_hash(data.headline),
        page_hash="",
        extractor=data.provenance.extractor or "",
        withdrawn=withdrawn,
    )
