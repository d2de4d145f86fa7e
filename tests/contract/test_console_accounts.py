"""What the console says of feeds, on both stores."""

from datetime import timedelta

import pytest
from fakes import settings
from sqlalchemy import insert, update

from services.console.accounts import Accounts, Polled
from services.fetcher.model import FeedSettings
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.subscribed.feed_actions import COMMAND
from services.fetcher.tables import feeds, hosts
from shared.database import Database

ONE, TWO, THREE = (settings(f"https://{name}.example/feed.xml") for name in ("one", "two", "three"))
MINUTE = timedelta(minutes=1)


async def change(database: Database, feed: FeedSettings, **said: object) -> None:
    async with database.transaction() as connection:
        await connection.execute(update(feeds).where(feeds.c.feed_id == feed.feed_id).values(**said))


@pytest.fixture
async def accounts(database: Database) -> Accounts:
    """Of three feeds that are new."""
    await FeedCatalogue(database).add(COMMAND, [ONE, TWO, THREE])
    return Accounts(database)


async def test_a_run_waits_for_each_feed_that_was_due_once(accounts: Accounts, database: Database) -> None:
    """Not for one that was polled meanwhile and is due again, nor for one that was not due when it began."""
    since = await accounts.now()
    assert await accounts.polled(since) == Polled(feeds=3, left=3)

    await change(database, ONE, polled_at=since + MINUTE, next_poll_at=since - MINUTE)
    await change(database, TWO, polled_at=since - MINUTE, next_poll_at=since + MINUTE)
    await change(database, THREE, polled_at=since - MINUTE, next_poll_at=since - MINUTE)

    assert await accounts.polled(since) == Polled(feeds=3, left=1)


async def test_a_run_waits_for_no_feed_that_is_not_polled(accounts: Accounts, database: Database) -> None:
    """One is paused, one is polled as another, and the host of the third asked us to stay away."""
    since = await accounts.now()
    await FeedCatalogue(database).pause([ONE.feed_id])
    await change(database, TWO, same_as=THREE.feed_id)
    async with database.transaction() as connection:
        away = {
            "site": "three.example",
            "next_allowed_at": since,
            "blocked_until": since + MINUTE,
            "delay_seconds": 2.0,
        }
        await connection.execute(insert(hosts).values(**away))

    assert await accounts.polled(since) == Polled(feeds=1, left=0)


async def test_the_list_tells_the_state_of_each_feed(accounts: Accounts, database: Database) -> None:
    """In a word, with what it depends on; feeds that nobody wants are there when they are asked for."""
    now = await accounts.now()
    standing = {"outcome": "failed", "reason": "http_500", "failing_since": now.isoformat()}
    await change(database, ONE, polled_at=now, standing=standing, title="The one")
    await change(database, TWO, same_as=ONE.feed_id)
    await FeedCatalogue(database).remove([THREE.feed_id])

    one, two = await accounts.feeds()
    everything = await accounts.feeds(everything=True)

    assert (one.state, one.title, one.outcome, one.reason, one.failing_since) == (
        "failing",
        "The one",
        "failed",
        "http_500",
        now,
    )
    assert (two.state, two.same_as, two.due) == ("same", ONE.url, False)
    assert {each.url: each.state for each in everything}[THREE.url] == "resting"
    assert one.as_json()["failing_since"] == now.isoformat()


async def test_what_a_sitemap_index_lists_names_it(accounts: Accounts, database: Database) -> None:
    """So that it is known why it is polled."""
    await change(database, TWO, parent=ONE.feed_id)

    assert {each.url: each.index for each in await accounts.feeds()}[TWO.url] == ONE.url
