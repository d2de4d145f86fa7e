"""Feeds and polls in the store, on both stores."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from fakes import NOW, feed, parsed, poll, settings
from postgres_cluster import TEMPLATE, PostgresCluster
from sqlalchemy import select, text, update

from services.fetcher.model import Feed, Rhythm, Validators, feed_id
from services.fetcher.polling import listing
from services.fetcher.polling.catalogue import APPLYING, FeedCatalogue
from services.fetcher.polling.selection import Selection, Skipped
from services.fetcher.polling.store import FeedStore
from services.fetcher.tables import FORGOTTEN, entries, feed_entries, feeds
from shared.database import Database, lock

LEASE = timedelta(minutes=3)
OVER = timedelta(seconds=-1)
"""A lease that is over as soon as it is given."""
OTHER = "https://other.example/feed.xml"
VALIDATORS = Validators(url="https://news.example/feed.xml", etag='"1"', last_modified="Mon")


async def due_feeds(database: Database, *urls: str) -> None:
    wanted = [settings(url) for url in urls or ("https://news.example/feed.xml",)]
    await FeedCatalogue(database).apply("feeds.yaml", wanted)
    await make_due(database)


async def make_due(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(next_poll_at=NOW - timedelta(days=3650)))


async def leased(database: Database) -> Feed:
    (found,) = await FeedStore(database, lease=LEASE).lease(1)
    return found


async def rows(database: Database, table, *columns):
    async with database.snapshot() as connection:
        return [tuple(row) for row in await connection.execute(select(*columns).select_from(table))]


async def test_a_feed_is_leased_with_what_was_stored_of_it(database: Database) -> None:
    """Validators, body hash and rhythm come back exactly as the last poll left them."""
    await due_feeds(database)
    rhythm = Rhythm(gaps=(60.5, 120.0), newest=NOW, failures=1.25, polls=7)
    said = poll(await leased(database), rhythm=rhythm, validators=VALIDATORS, body_hash="abc")
    assert await FeedStore(database, lease=LEASE).commit(said)
    await make_due(database)

    again = await leased(database)

    assert (rhythm, VALIDATORS, "abc") == (again.rhythm, again.validators, again.body_hash)


async def test_feeds_that_leave_the_file_rest_and_keep_their_state(database: Database) -> None:
    """What comes back to the file goes on where it was; other files' feeds are not touched."""
    store = FeedStore(database, lease=LEASE)
    await due_feeds(database)
    await FeedCatalogue(database).apply("other.yaml", [settings(OTHER)])
    await store.commit(poll(await leased(database), body_hash="abc"))
    await FeedCatalogue(database).apply("feeds.yaml", [])
    await make_due(database)
    assert [each.settings.url for each in await store.lease(10)] == [OTHER]

    await FeedCatalogue(database).apply("feeds.yaml", [settings()])
    assert [each.body_hash for each in await store.lease(10)] == ["abc"]


async def test_settings_change_without_losing_the_lease(database: Database) -> None:
    """A feeds file may be applied while a feed is being polled."""
    await due_feeds(database)
    held = await leased(database)
    store = FeedStore(database, lease=LEASE)
    await FeedCatalogue(database).apply("feeds.yaml", [settings(section="world")])
    assert await store.commit(poll(held))
    await make_due(database)

    assert (await leased(database)).settings.section == "world"


async def test_new_feeds_do_not_start_all_at_once(database: Database) -> None:
    """A quarter of a second lies between two of many new feeds, on average."""
    await FeedCatalogue(database).apply(
        "feeds.yaml", [settings(f"https://s{number}.example/") for number in range(100)]
    )
    due = sorted(at for (at,) in await rows(database, feeds, feeds.c.next_poll_at))

    assert timedelta(seconds=15) < due[-1] - due[0] <= timedelta(seconds=25)


async def test_a_leased_feed_is_not_leased_again(database: Database, other_database: Database) -> None:
    """Until its lease is over it is nobody else's."""
    await due_feeds(database)
    assert len(await FeedStore(database, lease=LEASE).lease(10)) == 1

    assert await FeedStore(other_database, lease=LEASE).lease(10) == []


async def test_a_poller_that_was_overtaken_writes_nothing(database: Database) -> None:
    """Its lease ended, another took the feed: its commit is refused, and its entries are not stored."""
    await due_feeds(database)
    (slow,) = await FeedStore(database, lease=OVER).lease(1)
    fast = await leased(database)
    store = FeedStore(database, lease=LEASE)

    assert not await store.commit(poll(slow, parsed(), body_hash="slow"))
    assert await rows(database, entries, entries.c.entry_id) == []
    assert await store.commit(poll(fast, parsed(), body_hash="fast"))
    assert await rows(database, feeds, feeds.c.body_hash) == [("fast",)]


@pytest.mark.postgres
async def test_fetchers_that_start_together_apply_their_feeds_in_turn(postgres_cluster: PostgresCluster) -> None:
    """Two upserts of one new feed may meet in the other of its unique keys, where they do not wait for each other."""
    database = Database.open(postgres_cluster.fresh_url(TEMPLATE))
    async with database.transaction() as first:
        await lock(first, APPLYING)
        second = asyncio.create_task(FeedCatalogue(database).apply("feeds.yaml", [settings()]))
        async with asyncio.timeout(20):
            while not await waiting_for_locks(database):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
    applied = await second
    await database.close()

    assert applied == 1


async def waiting_for_locks(database: Database) -> int:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with database.snapshot() as connection:
        return int(await connection.scalar(text(query)))


async def test_a_commit_is_accepted_once(database: Database) -> None:
    """The token is spent with it."""
    await due_feeds(database)
    store, held = FeedStore(database, lease=LEASE), await leased(database)

    assert (await store.commit(poll(held)), await store.commit(poll(held))) == (True, False)


async def test_many_leasers_never_share_a_feed(database: Database, other_database: Database) -> None:
    """Eight tasks on two engines take forty feeds: each feed is taken once, and none is left."""
    urls = [f"https://s{number}.example/feed.xml" for number in range(40)]
    await due_feeds(database, *urls)

    async def take(store: FeedStore) -> list[str]:
        taken: list[str] = []
        while len(found := await store.lease(3)) > 0 or await waiting(database):
            taken += [each.settings.url for each in found]
        return taken

    stores = [FeedStore(each, lease=LEASE) for each in (database, other_database)] * 4
    taken = await asyncio.gather(*(take(store) for store in stores))

    assert sorted(urls) == sorted(url for each in taken for url in each)


async def waiting(database: Database) -> bool:
    return bool(
        [1 for (lease,) in await rows(database, feeds, feeds.c.lease) if lease is None],
    )


async def test_entries_validators_and_the_next_poll_are_stored_together(database: Database, monkeypatch) -> None:
    """A failure in the middle leaves nothing: validators ahead of their entries would hide them behind a 304."""
    await due_feeds(database)
    held, told = await leased(database), 0

    def fails_at_the_second(*_arguments):
        nonlocal told
        told += 1
        if told == 3:
            raise KeyError("in the middle")
        return "news.example"

    monkeypatch.setattr(listing, "site_of", fails_at_the_second)
    three = [parsed(name, f"https://news.example/{name}") for name in "abc"]
    with pytest.raises(KeyError):
        await FeedStore(database, lease=LEASE).commit(poll(held, *three, validators=VALIDATORS, body_hash="abc"))

    assert told == 3
    assert await rows(database, entries, entries.c.entry_id) == []
    assert await rows(database, feed_entries, feed_entries.c.identity) == []
    assert [(None, None, held.lease)] == await rows(database, feeds, feeds.c.etag, feeds.c.body_hash, feeds.c.lease)


async def test_two_feeds_share_the_entry_of_one_address(database: Database) -> None:
    """One download for both; each feed still knows its own identity of it."""
    await due_feeds(database, "https://news.example/feed.xml", OTHER)
    store = FeedStore(database, lease=LEASE)
    first, second = await store.lease(2)
    await store.commit(poll(first, parsed("guid-1")))
    await store.commit(poll(second, parsed("guid-2")))

    assert len(await rows(database, entries, entries.c.entry_id)) == 1
    assert await store.known(first.feed_id, ["guid-1", "guid-2"]) == {"guid-1": "1"}
    assert await store.known(second.feed_id, ["guid-1", "guid-2"]) == {"guid-2": "1"}


async def test_entries_without_an_address_are_told_apart_by_their_feeds(database: Database) -> None:
    """The same guid in two feeds is two entries."""
    await due_feeds(database, "https://news.example/feed.xml", OTHER)
    store = FeedStore(database, lease=LEASE)
    for each in await store.lease(2):
        await store.commit(poll(each, parsed("guid", None)))

    assert len(await rows(database, entries, entries.c.entry_id)) == 2


async def test_polls_that_list_the_same_pages_in_other_orders_do_not_block_each_other(
    database: Database, other_database: Database
) -> None:
    """Section feeds of one site do; stored in the feeds' own orders they would deadlock."""
    urls = [f"https://news.example/{number}.xml" for number in range(6)]
    await due_feeds(database, *urls)
    held = await FeedStore(database, lease=LEASE).lease(10)
    pages = [parsed(str(number), f"https://news.example/page/{number}") for number in range(20)]
    orders = [pages, pages[::-1]] * 3
    stores = [FeedStore(database, lease=LEASE), FeedStore(other_database, lease=LEASE)] * 3

    kept = await asyncio.gather(
        *(store.commit(poll(each, *order)) for store, each, order in zip(stores, held, orders, strict=True))
    )

    assert kept == [True] * 6
    assert len(await rows(database, entries, entries.c.entry_id)) == 20


async def test_what_is_skipped_is_known_from_then_on(database: Database) -> None:
    """Or the next poll would find it new."""
    await due_feeds(database)
    held, store = await leased(database), FeedStore(database, lease=LEASE)
    skipped = Selection(skipped=(Skipped(entry=parsed("old"), reason="backlog"),))
    await store.commit(poll(held, selection=skipped))

    assert await store.known(held.feed_id, ["old"]) == {"old": "1"}
    assert await rows(database, entries, entries.c.entry_id) == []


async def test_a_changed_entry_is_looked_at_again(database: Database) -> None:
    """With what the feed says now, and patience from the start."""
    await due_feeds(database)
    store = FeedStore(database, lease=LEASE)
    await store.commit(poll(await leased(database), parsed(title="Old")))
    async with database.transaction() as connection:
        worn = {"state": "queued", "next_at": None, "attempts": 3, "visits": 4, "postponed": 2}
        await connection.execute(update(entries).values(**worn))
    await make_due(database)
    changed = Selection(changed=(parsed(fingerprint="2", title="New"),))
    await store.commit(poll(await leased(database), selection=changed))

    found = await rows(
        database, entries, entries.c.state, entries.c.attempts, entries.c.visits, entries.c.postponed, entries.c.facts
    )
    assert [(*counts, facts["title"]) for *counts, facts in found] == [("pending", 0, 0, 0, "New")]


async def test_what_was_forgotten_does_not_come_back_when_its_feed_changes_it(database: Database) -> None:
    """A forgotten entry stays out, whatever the feed says of it later."""
    await due_feeds(database)
    store = FeedStore(database, lease=LEASE)
    await store.commit(poll(await leased(database), parsed("gone"), parsed("kept", "https://news.example/kept")))
    async with database.transaction() as connection:
        await connection.execute(entries.delete())
        gone = update(feed_entries).where(feed_entries.c.identity == "gone")
        await connection.execute(gone.values(skipped=FORGOTTEN, entry_id=None))
    await make_due(database)
    both = (parsed("gone", fingerprint="2"), parsed("kept", "https://news.example/kept", fingerprint="2"))
    await store.commit(poll(await leased(database), selection=Selection(changed=both)))

    assert await rows(database, entries, entries.c.url) == [("https://news.example/kept",)]


async def test_a_feed_whose_secret_is_not_set_stops_no_other(database: Database, monkeypatch) -> None:
    """It is left out while the variable is missing, and works as soon as it is there."""
    monkeypatch.delenv("FILDACTU_TEST_TOKEN", raising=False)
    secret = settings(OTHER, headers={"Authorization": "Bearer ${FILDACTU_TEST_TOKEN}"})
    await FeedCatalogue(database).apply("feeds.yaml", [settings(), secret])
    await make_due(database)
    found = await FeedStore(database, lease=OVER).lease(10)
    assert [each.settings.url for each in found] == ["https://news.example/feed.xml"]

    monkeypatch.setenv("FILDACTU_TEST_TOKEN", "s3cret")
    again = await FeedStore(database, lease=LEASE).lease(10)
    assert {feed_id("https://news.example/feed.xml"), feed_id(OTHER)} == {each.feed_id for each in again}
    assert "s3cret" not in str(await rows(database, feeds, feeds.c.settings))


async def test_a_feed_that_waits_for_its_host_was_not_polled(database: Database) -> None:
    """It is due again when the host is free, and counts as unpolled until then."""
    await due_feeds(database)
    store = FeedStore(database, lease=LEASE)
    await store.postpone(await leased(database), NOW - timedelta(days=1))
    assert await store.unpolled() == 1

    await store.commit(poll(await leased(database)))
    assert await store.unpolled() == 0


async def test_an_overtaken_poller_postpones_nothing(database: Database) -> None:
    """The feed is another's by then."""
    await due_feeds(database)
    store = FeedStore(database, lease=LEASE)
    await store.postpone(feed(), NOW + timedelta(days=10_000))

    assert len(await store.lease(1)) == 1


async def test_another_feed_that_lists_an_address_later_does_not_start_it_anew(database: Database) -> None:
    """The page is not downloaded again, a visit goes on, and its feed stays the first; a change is another matter."""
    await due_feeds(database, "https://news.example/feed.xml", OTHER)
    store = FeedStore(database, lease=LEASE)
    first, second = await store.lease(2)
    await store.commit(poll(first, parsed("guid-1")))
    held, visits = uuid4(), 2
    async with database.transaction() as connection:
        await connection.execute(update(entries).values(state="queued", next_at=None, visits=visits, lease=held))
    await store.commit(poll(second, parsed("guid-2")))
    columns = (entries.c.state, entries.c.next_at, entries.c.visits, entries.c.lease, entries.c.feed_id)
    assert await rows(database, entries, *columns) == [("queued", None, visits, held, first.feed_id)]
    assert len(await rows(database, feed_entries, feed_entries.c.entry_id)) == 2

    await make_due(database)
    again = next(each for each in await store.lease(2) if each.feed_id == second.feed_id)
    await store.commit(poll(again, selection=Selection(changed=(parsed("guid-2", fingerprint="2"),))))
    assert await rows(database, entries, entries.c.state, entries.c.visits, entries.c.lease) == [("pending", 0, None)]


async def test_a_feed_that_is_handed_back_is_anyones_at_once(database: Database) -> None:
    """Unless it is another's by then."""
    await due_feeds(database)
    store, held = FeedStore(database, lease=LEASE), await leased(database)
    await store.release(feed())
    assert await store.lease(1) == []

    await store.release(held)
    assert [each.feed_id for each in await store.lease(1)] == [held.feed_id]
