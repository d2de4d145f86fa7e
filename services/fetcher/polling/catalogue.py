"""What is subscribed to. Feeds come, change, pause and go while fetchers run, and keep what was learned of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Row, and_, bindparam, exists, func, not_, select, update

from services.fetcher.model import FeedSettings, Rhythm
from services.fetcher.polling.feed_rows import dump_rhythm
from services.fetcher.polling.schedule import first_poll_at
from services.fetcher.subscribed.feed_actions import KnownFeed
from services.fetcher.subscribed.feeds import dump_settings, load_settings
from services.fetcher.tables import feeds
from shared.database import Connection, Database, clock, lock
from shared.statements import change, upsert_all
from shared.urls import site_of

# Any fixed number that names the lock.
APPLYING = 7_241_906
AT_ONCE = 100
"""Rows in one statement: drivers limit its parameters (asyncpg 32,767), and between two of them others have a turn."""
Wanted = Sequence[tuple[UUID, FeedSettings]]
"""In one order everywhere, by the ids, each of which is dear to make."""

T = TypeVar("T")


OTHER = feeds.alias("other")
WORKS = and_(OTHER.c.active, not_(OTHER.c.paused))


def _leads_to(column: Column[UUID | None], is_so: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the feed that the column names `is_so`. Few rows name one, and an index finds them."""
    return and_(column.is_not(None), exists().where(OTHER.c.feed_id == column, is_so))


ALONE = _leads_to(feeds.c.same_as, not_(WORKS))
FOLLOWING = (
    # Its next poll may be a week away; with that of its last, it is due.
    update(feeds)
    .where(ALONE)
    .values(same_as=None, next_poll_at=func.coalesce(feeds.c.polled_at, feeds.c.next_poll_at)),
    update(feeds).where(_leads_to(feeds.c.parent, not_(WORKS)), not_(feeds.c.paused)).values(paused=True),
    update(feeds).where(_leads_to(feeds.c.parent, WORKS), feeds.c.paused).values(paused=False),
)
KNOWN = tuple(feeds.c[name] for name in ("feed_id", "settings", "source", "active", "paused", "same_as", "parent"))
PAGE = select(*KNOWN).where(feeds.c.feed_id > bindparam("after")).order_by(feeds.c.feed_id).limit(AT_ONCE)
SOME = select(*KNOWN).where(feeds.c.feed_id.in_(bindparam("some", expanding=True)))


class FeedCatalogue:
    """The feeds in the database, for whoever subscribes. Whatever changes, no feed loses its state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, source: str, wanted: Sequence[FeedSettings]) -> int:
        """Make `source` hold exactly these feeds: new ones are due within their shortest interval, missing ones rest.

        What a feed is already is not written again. Returns how many are active.
        """
        gone, anew = await self._differences(source, dict(await asyncio.to_thread(_by_id, wanted)))
        # A quarter of a second a feed: a dozen start at once, an imported ten thousand do not fall on the net.
        longest = timedelta(seconds=len(anew) / 4)
        for some in _batches(anew):
            async with self._changing() as connection:
                await _subscribe(connection, source, some, await clock(connection), longest)
        for rest in _batches(gone):
            async with self._changing() as connection:
                await connection.execute(update(feeds).where(feeds.c.feed_id.in_(rest)).values(active=False))
        async with self._changing() as connection:
            await _follow(connection)
        return len(wanted)

    async def add(self, source: str, wanted: Sequence[FeedSettings]) -> int:
        """Subscribe to those of the feeds that nobody subscribed to; returns how many those were."""
        longest, added = timedelta(seconds=len(wanted) / 4), 0
        for some in _batches(await asyncio.to_thread(_by_id, wanted)):
            async with self._changing() as connection:
                there = await connection.execute(SOME, {"some": [known for known, _ in some]})
                active = {row.feed_id for row in there if row.active}
                new = [each for each in some if each[0] not in active]
                if new:
                    await _subscribe(connection, source, new, await clock(connection), longest)
                    await _set(connection, [known for known, _ in new], paused=False)
                added += len(new)
        return added

    async def pause(self, which: Sequence[UUID]) -> tuple[str, ...]:
        """Poll them no more until they are resumed; returns feeds that they stood for, which are polled from now on."""
        return await self._change(which, paused=True)

    async def resume(self, which: Sequence[UUID]) -> None:
        await self._change(which, paused=False)

    async def remove(self, which: Sequence[UUID]) -> tuple[str, ...]:
        """As `pause`, for good: their entries and all that is known of them stay, for the day they come back."""
        return await self._change(which, active=False)

    async def edit(self, changed: Sequence[FeedSettings]) -> None:
        """Give these feeds new settings."""
        async with self._changing() as connection:
            for each in changed:
                await change(connection, feeds, {"feed_id": each.feed_id}, {"settings": dump_settings(each)})

    async def feeds(self) -> tuple[KnownFeed, ...]:
        """All there ever were, in no order that means anything."""
        return tuple([_read(row) async for row in self._rows()])

    async def some(self, which: Sequence[UUID]) -> tuple[KnownFeed, ...]:
        """Those of them that there are."""
        async with self._database.snapshot() as connection:
            found = [await connection.execute(SOME, {"some": batch}) for batch in _batches(which)]
            return tuple(_read(row) for rows in found for row in rows)

    async def _differences(self, source: str, wanted: Mapping[UUID, FeedSettings]) -> tuple[list[UUID], Wanted]:
        """Feeds of `source` that are not wanted any more, and wanted ones that are new or changed; both by id."""
        gone, as_wanted = [], set()
        async for row in self._rows():
            if row.source != source or not row.active or row.parent is not None:
                continue
            settings = wanted.get(row.feed_id)
            if settings is None:
                gone.append(row.feed_id)
            elif dump_settings(settings) == row.settings:
                as_wanted.add(row.feed_id)
        return gone, [each for each in wanted.items() if each[0] not in as_wanted]

    async def _rows(self) -> AsyncIterator[Row[tuple[object, ...]]]:
        """By id, a few at once: to read a hundred thousand takes seconds, in which others want a turn."""
        after = UUID(int=0)
        while True:
            async with self._database.snapshot() as connection:
                rows = (await connection.execute(PAGE, {"after": after})).all()
            for row in rows:
                yield row
            if len(rows) < AT_ONCE:
                return
            after = rows[-1].feed_id
            # SQLite answers without waiting for anything.
            await asyncio.sleep(0)

    async def _change(self, which: Sequence[UUID], **said: object) -> tuple[str, ...]:
        async with self._changing() as connection:
            for batch in _batches(sorted(which)):
                await _set(connection, batch, **said)
            alone = (await connection.execute(select(feeds.c.url).where(ALONE))).scalars().all()
            await _follow(connection)
        return tuple(sorted(alone))

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Connection]:
        """A new feed has two unique keys, and an upsert waits for one of them: fetchers may start together."""
        async with self._database.transaction() as connection:
            await lock(connection, APPLYING)
            yield connection


async def _follow(connection: Connection) -> None:
    """A feed that another was polled in place of, which is not polled any more, is polled itself again.

    What a sitemap index lists rests with it, and comes back with it.
    """
    for statement in FOLLOWING:
        await connection.execute(statement)


async def _subscribe(connection: Connection, source: str, wanted: Wanted, now: datetime, longest: timedelta) -> None:
    """New feeds are due within `longest`, or sooner; those that are there keep what was learned of them."""
    rows = [
        {
            "feed_id": known,
            "source": source,
            "active": True,
            # What stood in a sitemap index alone is wanted for itself now.
            "parent": None,
            "settings": dump_settings(each),
            "url": each.url,
            "site": site_of(each.url),
            "rhythm": dump_rhythm(Rhythm()),
            "next_poll_at": first_poll_at(known, now, min(each.bounds.shortest, longest)),
        }
        for known, each in wanted
    ]
    await upsert_all(connection, feeds, rows, key=("feed_id",), once=("url", "site", "rhythm", "next_poll_at"))


async def _set(connection: Connection, which: Sequence[UUID], **said: object) -> None:
    await connection.execute(update(feeds).where(feeds.c.feed_id.in_(which)).values(**said))


def _read(row: Row[tuple[object, ...]]) -> KnownFeed:
    return KnownFeed(
        settings=load_settings(row.settings),
        source=row.source,
        active=row.active,
        paused=row.paused,
        same_as=row.same_as,
        parent=row.parent,
    )


def _by_id(wanted: Sequence[FeedSettings]) -> Wanted:
    """Each once."""
    return sorted({each.feed_id: each for each in wanted}.items(), key=itemgetter(0))


def _batches(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    return (whole[start : start + AT_ONCE] for start in range(0, len(whole), AT_ONCE))
