"""A clock that was set back, on both stores: the store's times are moved into the future instead."""

from datetime import timedelta

import pytest
from fakes import URL, event, parsed, poll, raw_page, settings
from sqlalchemy import Table, select, update

from services.fetcher.hosts.hosts import HostStore
from services.fetcher.pages.frontier import Frontier, VisitResult
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.store import FeedStore
from services.fetcher.rewind import mend_rewound
from services.fetcher.tables import PENDING, QUEUED, entries, feeds, host_addresses, hosts
from services.processor.model import Revised
from services.processor.outbox import Outbox
from services.processor.store import ProcessorStore
from services.processor.tables import outbox
from shared.database import Database, clock

LEASE = timedelta(minutes=3)
HOUR = timedelta(hours=1)


async def move(database: Database, table: Table, by: timedelta, *columns: str) -> None:
    async with database.transaction() as connection:
        row = (await connection.execute(select(table))).one()
        moved = {name: getattr(row, name) + by for name in columns}
        await connection.execute(update(table).values(moved))


@pytest.fixture
async def polled(database: Database) -> FeedStore:
    """One feed, polled, with one entry that is due."""
    store = FeedStore(database, lease=LEASE)
    await FeedCatalogue(database).apply("test", [settings()])
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(next_poll_at=await clock(connection)))
    (leased,) = await store.lease(1)
    assert await store.commit(poll(leased, parsed()))
    return store


@pytest.fixture
def frontier(database: Database) -> Frontier:
    return Frontier(database, lease=LEASE, per_host=2)


async def test_a_feed_that_was_polled_in_the_future_is_due(database: Database, polled: FeedStore) -> None:
    """Whenever it was to be polled next: that was reckoned by a clock that is not any more."""
    await move(database, feeds, HOUR, "polled_at", "next_poll_at")
    assert await polled.lease(1) == []

    assert await mend_rewound(database, lease=LEASE) == 1
    assert len(await polled.lease(1)) == 1
    assert await mend_rewound(database, lease=LEASE) == 0


@pytest.mark.usefixtures("polled")
async def test_an_entry_that_was_found_in_the_future_is_due(database: Database, frontier: Frontier) -> None:
    """It was due when it was found."""
    await move(database, entries, HOUR, "discovered_at", "next_at")
    assert await frontier.lease(1) == []

    assert await mend_rewound(database, lease=LEASE) == 1
    assert len(await frontier.lease(1)) == 1


@pytest.mark.usefixtures("polled")
async def test_a_page_that_was_queued_in_the_future_counts_as_queued_now(
    database: Database, frontier: Frontier
) -> None:
    """Or its observation would be missed an hour late, if it is lost; and the next look at it is due."""
    (entry,) = await frontier.lease(1)
    await frontier.number(entry)
    assert await frontier.commit(VisitResult(entry=entry, state=QUEUED, next_in=HOUR))
    await move(database, entries, HOUR, "queued_at", "next_at")

    assert await mend_rewound(database, lease=LEASE) == 1
    assert len(await frontier.lease(1)) == 1
    assert await frontier.reconcile(timedelta(0)) == 0
    await move(database, entries, -HOUR, "lease_until")
    assert await frontier.reconcile(timedelta(0)) == 1


@pytest.mark.usefixtures("polled")
async def test_a_page_that_is_left_alone_stays_so(database: Database, frontier: Frontier) -> None:
    """Its last look was in the future."""
    (entry,) = await frontier.lease(1)
    assert await frontier.commit(VisitResult(entry=entry, state=QUEUED))
    await move(database, entries, HOUR, "queued_at", "discovered_at")

    assert await mend_rewound(database, lease=LEASE) > 0
    assert await frontier.lease(1) == []


async def test_a_pause_from_the_future_ends(database: Database, polled: FeedStore, frontier: Frontier) -> None:
    """A look that failed and was to come again soon does so, and not an hour later."""
    (entry,) = await frontier.lease(1)
    assert await frontier.commit(VisitResult(entry=entry, state=PENDING, next_in=timedelta(minutes=1), attempts=1))
    await move(database, entries, HOUR, "next_at")
    assert await mend_rewound(database, lease=LEASE) == 0
    await move(database, feeds, HOUR, "polled_at", "next_poll_at")

    assert await mend_rewound(database, lease=LEASE) == 1
    assert len(await frontier.lease(1)) == 1


async def test_what_others_write_meanwhile_is_no_sign_of_a_clock(database: Database, polled: FeedStore) -> None:
    """Their rows are later than the time at which we looked, by as long as we take."""
    await move(database, feeds, timedelta(seconds=30), "polled_at", "next_poll_at")
    await move(database, entries, timedelta(seconds=30), "discovered_at", "next_at")

    assert await mend_rewound(database, lease=LEASE) == 0


async def test_leases_from_the_future_end(database: Database, polled: FeedStore, frontier: Frontier) -> None:
    """Whoever holds one still shows its token in vain, and does the work again."""
    (entry,) = await frontier.lease(1)
    await move(database, entries, HOUR, "lease_until")

    assert await mend_rewound(database, lease=LEASE) == 1
    assert not await frontier.commit(VisitResult(entry=entry, state=QUEUED))
    assert len(await frontier.lease(1)) == 1


async def test_leases_of_now_stay(database: Database, polled: FeedStore, frontier: Frontier) -> None:
    """A clock that nobody touched changes nothing."""
    await frontier.lease(1)

    assert await mend_rewound(database, lease=LEASE) == 0
    assert await frontier.lease(1) == []


@pytest.mark.parametrize(("delay", "by", "mended"), [(timedelta(seconds=2), HOUR, 1), (2 * HOUR, timedelta(0), 0)])
async def test_a_host_is_not_kept_waiting_for_a_slot_in_the_future(
    database: Database, delay: timedelta, by: timedelta, mended: int
) -> None:
    """Unless its own pace is as slow as that."""
    await HostStore(database).reserve("news.example", delay)
    await move(database, hosts, by, "next_allowed_at")

    assert await mend_rewound(database, lease=LEASE) == mended


async def test_a_slot_in_the_future_is_nobodys_reason_to_wait(database: Database) -> None:
    """Who is refused writes down until when, and would wait for that hour after all else is mended."""
    works = HostStore(database)
    await works.reserve("news.example", timedelta(seconds=2))
    await move(database, hosts, HOUR, "next_allowed_at")

    assert await works.reserve("news.example", timedelta(seconds=2)) == timedelta(0)
    assert await mend_rewound(database, lease=LEASE) == 0


async def test_an_address_is_not_kept_waiting_for_a_slot_in_the_future(database: Database) -> None:
    """Until it is mended, nobody waits for that time either."""
    async with database.transaction() as connection:
        now = await clock(connection)
        taken = {"address": "93.184.215.14", "next_allowed_at": now + HOUR}
        await connection.execute(host_addresses.insert(), taken)
        asked = {"site": "news.example", "address": taken["address"], "delay_seconds": 0.0}
        await connection.execute(hosts.insert(), {**asked, "next_allowed_at": now})

    assert await HostStore(database).reserve("news.example", timedelta(0)) == timedelta(0)
    await move(database, host_addresses, HOUR, "next_allowed_at")
    assert await mend_rewound(database, lease=LEASE) == 1
    assert await mend_rewound(database, lease=LEASE) == 0


async def test_an_event_that_a_relay_took_in_the_future_is_sent(database: Database) -> None:
    """The relay may be gone; if it is not, the event goes out twice under one id."""
    async with ProcessorStore(database).begin() as ledger:
        revised = Revised(text_hash="t", headline_hash="h", page_hash="p", extractor="x/1", withdrawn=False)
        await ledger.publish(event(), raw_page(URL), revised)
    works = Outbox(database)
    await works.take(1)
    await move(database, outbox, HOUR, "lease_until")

    _, again = await works.take(1)

    assert len(again) == 1
