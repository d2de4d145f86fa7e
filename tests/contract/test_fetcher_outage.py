"""What the fetcher takes on while its own network is away."""

from datetime import UTC, datetime, timedelta

from fakes import NOW, Publisher, feed, settings
from sqlalchemy import update

from services.fetcher.__main__ import build
from services.fetcher.config import FetcherSettings
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.outage import LEAST_SITES, TRY_EVERY, Network
from services.fetcher.tables import entries, feeds
from shared.database import Database

FEEDS = 5


async def with_work(database: Database) -> None:
    """Feeds that are due, and a page."""
    wanted = [settings(f"https://site{number}.example/feed.xml") for number in range(FEEDS)]
    await FeedCatalogue(database).apply("feeds.yaml", wanted)
    before = NOW - timedelta(days=3650)
    page = {"entry_id": wanted[0].feed_id, "feed_id": wanted[0].feed_id, "url": "https://page.example/", "facts": {}}
    page |= {"site": "page.example", "state": "pending", "discovered_at": before, "next_at": before}
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(next_poll_at=before))
        await connection.execute(entries.insert().values(**page | {"facts": {"identity": "a"}}))


def away(network: Network, since: datetime) -> None:
    for number in range(LEAST_SITES):
        said = settings(f"https://gone{number}.example/feed.xml")
        network.unreached(f"gone{number}.example", feed(settings=said, feed_id=said.feed_id), since)


async def test_while_the_network_is_away_one_feed_is_taken_now_and_then_and_no_page(database: Database) -> None:
    """Polls would fail, and pages would use up their attempts; the first answer ends it."""
    await with_work(database)
    async with build(FetcherSettings(), database=database, broker=Publisher()) as fetcher:
        away(fetcher.network, datetime.now(UTC))
        assert (await fetcher._lease_feeds(16), await fetcher._lease_entries(16)) == ((), ())

        fetcher.network.reached("up.example", datetime.now(UTC))
        away(fetcher.network, datetime.now(UTC) - TRY_EVERY)
        assert len(await fetcher._lease_feeds(16)) == 1

        fetcher.network.reached("up.example", datetime.now(UTC))
        assert len(await fetcher._lease_feeds(16)) == FEEDS - 1
        assert len(await fetcher._lease_entries(16)) == 1
