"""What is known: one transaction for everything that an observation causes."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.processor.model import NAMESPACE, Decision, Known, Places, Revised, Stored, Twin
from services.processor.tables import addresses, articles, inbox, outbox, revisions
from shared import outcomes
from shared.database import Database, clock, insert_into
from shared.events import ArticleEvent
from shared.messages import RawPage
from shared.urls import KEY_VERSION, address_key, site_of

URLS_IN_EVENT = 20


class ProcessorStore:
    """Articles, revisions, stories and the outbox in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["Ledger"]:
        """The transaction of one observation: committed when the block ends, undone when it raises."""
        async with self._database.transaction() as connection:
            yield Ledger(connection, await clock(connection))

    async def ping(self) -> None:
        await self._database.ping()

    async def summary(self) -> Mapping[str, int]:
        """Observations by verdict, or by reason where there was no event."""
        counts = select(inbox.c.reason, func.count()).group_by(inbox.c.reason)
        async with self._database.snapshot() as connection:
            return {reason: count for reason, count in await connection.execute(counts)}

    async def forget(self, url: str) -> list[str]:
        """Remove the article at this address and all its traces; returns the addresses it had.

        Events that were published are with their subscribers: they are not called back.
        """
        async with self._database.transaction() as connection:
            found = select(addresses.c.article_id).where(addresses.c.key_id == _key_id(url))
            article = (await connection.execute(found)).scalars().first()
            if article is None:
                return []
            urls = list(await _urls(connection, article))
            for table in (addresses, revisions, outbox, inbox, articles):
                await connection.execute(delete(table).where(table.c.article_id == article))
        return urls


class Ledger:
    """One observation's transaction. `now` is the database's clock at its start."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self.now = now

    async def seen(self, raw_id: UUID) -> bool:
        found = select(inbox.c.raw_id).where(inbox.c.raw_id == raw_id)
        return (await self._connection.execute(found)).first() is not None

    async def lock(self, places: Places, text_hash: str | None) -> None:
        """Keep other processors away from the same article and the same text until the end.

        Sorted, so that two processors never wait for each other. SQLite has one writer anyway.
        """
        if self._connection.dialect.name == "sqlite":
            return
        names = {f"key:{_key_id(url)}" for url in places.all} | ({f"text:{text_hash}"} if text_hash else set())
        for key in sorted(uuid5(NAMESPACE, name).int % 2**63 for name in names):
            await self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    async def address_known(self, url: str) -> bool:
        found = select(addresses.c.url).where(addresses.c.address_id == _address_id(url))
        return (await self._connection.execute(found)).first() is not None

    async def known(self, places: Places) -> Known | None:
        """The article that these addresses lead to; an address of its own goes before the canonical one."""
        for url in places.own:
            if row := await self._at(url):
                return _known(row, "address")
        row = await self._at(places.canonical) if places.canonical else None
        return _known(row, "canonical") if row else None

    async def _at(self, url: str) -> Row[tuple[object, ...]] | None:
        joined = addresses.join(articles, articles.c.article_id == addresses.c.article_id)
        found = select(articles).select_from(joined).where(addresses.c.key_id == _key_id(url)).limit(1)
        return (await self._connection.execute(found)).first()

    async def twin(self, text_hash: str) -> Twin | None:
        """The article that was first seen with this text."""
        joined = revisions.join(articles, articles.c.article_id == revisions.c.article_id)
        found = (
            select(articles, revisions.c.headline_hash.label("headline_then"))
            .select_from(joined)
            .where(revisions.c.text_hash == text_hash)
            .order_by(revisions.c.created_at, articles.c.first_seen_at)
            .limit(1)
        )
        row = (await self._connection.execute(found)).first()
        if row is None:
            return None
        return Twin(
            article_id=row.article_id,
            story_id=row.story_id,
            url=row.url,
            site=site_of(row.url),
            headline_hash=row.headline_then,
        )

    async def stored(self, article: UUID) -> Stored:
        row = (await self._connection.execute(select(articles).where(articles.c.article_id == article))).one()
        return Stored(**{name: getattr(row, name) for name in Stored.__slots__})

    async def urls(self, article: UUID) -> tuple[str, ...]:
        return await _urls(self._connection, article)

    async def add_addresses(self, article: UUID, urls: Iterable[str]) -> None:
        """An address that leads to an article already keeps leading there."""
        for url in dict.fromkeys(urls):
            row = {
                "address_id": _address_id(url),
                "key_id": _key_id(url),
                "key_version": KEY_VERSION,
                "url": url,
                "article_id": article,
                "first_seen_at": self.now,
            }
            await self._connection.execute(insert_into(self._connection, addresses).values(**row).on_conflict_do_nothing())

    async def confirm(self, article: UUID, observed_at: datetime) -> None:
        """The current revision was seen again: what is older than this cannot change it any more."""
        newer = update(articles).where(articles.c.article_id == article, articles.c.observed_at < observed_at)
        await self._connection.execute(newer.values(observed_at=observed_at))

    async def rebaseline(self, article: UUID, observed_at: datetime, revised: Revised) -> None:
        """Our own extractor changed: its text is the one to compare with from now on."""
        changed = update(articles).where(articles.c.article_id == article)
        await self._connection.execute(changed.values(observed_at=observed_at, **_hashes(revised)))

    async def publish(self, event: ArticleEvent, page: RawPage, revised: Revised) -> None:
        """Store the article's new state, the revision and the event in the outbox."""
        await self._store_article(event, page, revised)
        data, message = event.data, event.message()
        await self._connection.execute(
            insert_into(self._connection, revisions).values(
                article_id=data.article_id,
                number=data.revision,
                verb=event.verb,
                event_id=event.event_id,
                text_hash=revised.text_hash,
                headline_hash=revised.headline_hash,
                observed_at=page.observed_at,
                created_at=self.now,
            )
        )
        await self._connection.execute(
            insert_into(self._connection, outbox).values(
                event_id=event.event_id,
                sequence=int(self.now.timestamp() * 1_000_000),
                article_id=data.article_id,
                verb=event.verb,
                routing_key=event.routing_key,
                correlation_id=message.correlation_id,
                headers=dict(message.headers),
                body=message.body,
                created_at=self.now,
            )
        )

    async def _store_article(self, event: ArticleEvent, page: RawPage, revised: Revised) -> None:
        data = event.data
        state = {
            "url": data.url,
            "host": data.site.host,
            "site_name": data.site.name,
            "headline": data.headline,
            "language": data.language.code,
            "language_confidence": data.language.confidence,
            "story_id": data.story.id,
            "role": data.story.role,
            "revision": data.revision,
            "withdrawn": revised.withdrawn,
            "observed_at": page.observed_at,
            "observed_as": page.kind,
            **_hashes(revised),
        }
        statement = insert_into(self._connection, articles).values(
            article_id=data.article_id, first_seen_at=self.now, **state
        )
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=[articles.c.article_id], set_=state)
        )

    async def settle(self, page: RawPage, decision: Decision, article: UUID | None, event: ArticleEvent | None) -> None:
        """Record what the observation came to, for the inbox and for its entry."""
        await self._connection.execute(
            insert_into(self._connection, inbox).values(
                raw_id=page.raw_id,
                entry_id=page.entry_id,
                observation=page.observation,
                verdict=decision.verdict.value,
                reason=decision.reason,
                rule=decision.rule,
                article_id=article,
                event_id=event.event_id if event else None,
                received_at=self.now,
            )
        )
        await outcomes.record(
            self._connection, page.entry_id, observation=page.observation, outcome=decision.reason, at=self.now
        )


def _known(row: Row[tuple[object, ...]], matched: str) -> Known:
    return Known(
        article_id=row.article_id,
        revision=row.revision,
        withdrawn=row.withdrawn,
        observed_at=row.observed_at,
        observed_as=row.observed_as,
        text_hash=row.text_hash,
        headline_hash=row.headline_hash,
        extractor=row.extractor,
        story_id=row.story_id,
        matched=matched,
    )


def _hashes(revised: Revised) -> dict[str, str]:
    return {
        "text_hash": revised.text_hash,
        "headline_hash": revised.headline_hash,
        "page_hash": revised.page_hash,
        "extractor": revised.extractor,
    }


async def _urls(connection: AsyncConnection, article: UUID) -> tuple[str, ...]:
    found = (
        select(addresses.c.url)
        .where(addresses.c.article_id == article)
        .order_by(addresses.c.first_seen_at, addresses.c.url)
        .limit(URLS_IN_EVENT)
    )
    return tuple((await connection.execute(found)).scalars())


def _address_id(url: str) -> UUID:
    return uuid5(NAMESPACE, f"address:{url}")


def _key_id(url: str) -> UUID:
    return uuid5(NAMESPACE, f"key:{address_key(url)}")
