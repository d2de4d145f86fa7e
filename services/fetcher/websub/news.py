"""What hubs tell of, in the database: that a feed is to be polled is stored before the hub gets its answer.

So that nothing is lost with the process that took it: content that nobody has read by `news_at` is polled for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, update

from services.fetcher.tables import feeds, subscriptions
from services.fetcher.websub.subscriptions import NOW, is_free
from services.fetcher.websub.websub import Subscription
from shared.database import Connection, Database, UtcDateTime, clock
from shared.statements import change

PING_PAUSE = timedelta(minutes=1)
"""Between two polls of a feed, however often a hub says that there is news."""
READING = timedelta(seconds=30)
"""What a hub brought is read by then, or the feed is polled for it."""
AT_ONCE = 500
SCHEDULED = (feeds.c.feed_id, feeds.c.polled_at, feeds.c.next_poll_at, feeds.c.standing)


class NewsStore:
    """Feeds of whose news we were told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def brought(self, subscription: Subscription) -> datetime | None:
        """The hub brought content: the feed is polled for it at the time that is returned, unless it is read by then.

        None where the feed is to be polled for other news already, which this content need not hold.
        """
        async with self._database.transaction() as connection:
            now = await clock(connection)
            await change(connection, feeds, {"feed_id": subscription.feed_id}, {"pushed_at": now})
            marked = {"which": subscription.token, "at": now + READING}
            is_first = (await connection.execute(BROUGHT, marked)).rowcount == 1
        return now + READING if is_first else None

    async def told(self, subscription: Subscription) -> None:
        """There is news: the feed is due, or, while somebody polls it, as soon as that ends.

        The poll that is under way may have asked before the news.
        """
        async with self._database.transaction() as connection:
            now = await clock(connection)
            free = (await connection.execute(FEED, {"feed": subscription.feed_id, "now": now})).all()
            await _make_due(connection, free, now)
            await change(connection, feeds, {"feed_id": subscription.feed_id}, {"pushed_at": now})
            said = {"silences": 0, "news_at": None if free else now}
            await change(connection, subscriptions, {"token": subscription.token}, said)

    async def poll_for_news(self) -> int:
        """Make those feeds due that are to be polled by now and that nobody polls; returns how many."""
        async with self._database.snapshot() as connection:
            if (await connection.execute(ANY_NEWS, {"now": await clock(connection)})).first() is None:
                return 0
        async with self._database.transaction() as connection:
            now = await clock(connection)
            rows = (await connection.execute(NEWS, {"now": now})).all()
            await _make_due(connection, rows, now)
            for row in rows:
                read = {"token": row.token, "news_at": row.news_at}
                await change(connection, subscriptions, read, {"news_at": None})
        return len(rows)


async def _make_due(connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> None:
    for row in rows:
        if _is_held(row.standing):
            continue
        due = max(now, row.polled_at + PING_PAUSE) if row.polled_at else now
        if row.next_poll_at > due:
            await change(connection, feeds, {"feed_id": row.feed_id}, {"next_poll_at": due})


def _is_held(standing: Mapping[str, object]) -> bool:
    """Whether its documents cost a worker, or are gone: it is polled when that is over, whatever its hub says."""
    return bool(standing.get("kills") or standing.get("parked"))


def _news() -> Select[*tuple[Any, ...]]:
    return (
        select(subscriptions.c.token, subscriptions.c.news_at, *SCHEDULED)
        .join(feeds, feeds.c.feed_id == subscriptions.c.feed_id)
        .where(subscriptions.c.news_at <= NOW, is_free(feeds.c.lease_until))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=feeds)
    )


BROUGHT = (
    update(subscriptions)
    .where(subscriptions.c.token == bindparam("which"), subscriptions.c.news_at.is_(None))
    .values(silences=0, news_at=bindparam("at", type_=UtcDateTime))
)
FEED = (
    select(*SCHEDULED)
    .where(feeds.c.feed_id == bindparam("feed"), is_free(feeds.c.lease_until))
    .with_for_update(skip_locked=True)
)
ANY_NEWS = select(subscriptions.c.token).where(subscriptions.c.news_at <= NOW).limit(1)
NEWS = _news()
