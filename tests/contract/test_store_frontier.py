"""Entries and visits in the store, on both stores."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fakes import NOW, parsed, poll, settings
from sqlalchemy import select, update

from services.fetcher.errors import HostBusy, LeaseLost
from services.fetcher.hosts.hosts import HostStore
from services.fetcher.hosts.politeness import PolitenessPolicy
from services.fetcher.model import Entry, FeedSettings, Validators
from services.fetcher.pages.due import NEAR
from services.fetcher.pages.frontier import Frontier, VisitResult
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.selection import Selection
from services.fetcher.polling.store import FeedStore
from services.fetcher.tables import entries, feed_entries, feeds
from shared import outcomes
from shared.database import Database, clock

LEASE = timedelta(minutes=3)
OVER = timedelta(seconds=-1)
NO_DELAY = timedelta(0)
PAGE = "https://news.example/a"
VALIDATORS = Validators(url=PAGE, etag='"1"', last_modified=None)


def frontier(database: Database, *, lease: timedelta = LEASE, per_host: int = 2) -> Frontier:
    return Frontier(database, lease=lease, per_host=per_host)


async def store_entries(database: Database, *urls: str | None, feed: FeedSettings | None = None) -> None:
    store = FeedStore(database, lease=LEASE, policy=PolitenessPolicy(delay=NO_DELAY))
    await FeedCatalogue(database).apply("feeds.yaml", [feed or settings()])
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(next_poll_at=NOW - timedelta(days=3650)))
    (held,) = await store.lease(1)
    wanted = [parsed(str(number), url) for number, url in enumerate(urls)]
    assert await store.commit(poll(held, *wanted))


async def one(database: Database, *, lease: timedelta = LEASE) -> Entry:
    (found,) = await frontier(database, lease=lease).lease(1)
    return found


async def make_due(database: Database, **columns: object) -> None:
    async with database.transaction() as connection:
        await connection.execute(update(entries).values(next_at=NOW - timedelta(days=3650), **columns))


async def published(database: Database, held: Entry, next_in: timedelta | None = None) -> None:
    result = VisitResult(entry=held, state="queued", validators=VALIDATORS, body_hash="abc", visits=1, next_in=next_in)
    assert await frontier(database).commit(result)


async def settle(database: Database, entry: UUID, observation: int, *, outcome: str = "published") -> None:
    async with database.transaction() as connection:
        await outcomes.record(connection, entry, observation=observation, outcome=outcome, at=await clock(connection))


async def test_an_entry_is_leased_with_what_its_feed_said(database: Database) -> None:
    """Facts, feed settings and counters come back as they were stored."""
    await store_entries(database, PAGE)
    found = await one(database)

    assert (
        found.url,
        found.facts.title,
        found.feed.name,
        found.observations,
        found.attempts,
    ) == (PAGE, "Title of 0", "News", 0, 0)


async def test_an_entry_without_an_address_is_leased_too(database: Database) -> None:
    """It has its feed's own text, and shares the pace of its feed's site with nobody."""
    await store_entries(database, None)

    assert (await one(database)).url is None


async def test_a_downloader_that_was_overtaken_writes_nothing(database: Database) -> None:
    """Every later write of it is refused: number, result, postponement."""
    await store_entries(database, PAGE)
    slow = await one(database, lease=OVER)
    fast = await one(database)
    works = frontier(database)

    with pytest.raises(LeaseLost):
        await works.number(slow)
    with pytest.raises(LeaseLost):
        await works.begin(slow, NO_DELAY)
    await works.postpone(slow, NOW + timedelta(days=10_000))
    assert not await works.commit(VisitResult(entry=slow, state="queued"))
    assert (await works.number(fast)).number == 1
    assert await works.commit(VisitResult(entry=fast, state="queued"))


async def test_a_visit_loses_its_lease_when_the_feed_says_something_new(database: Database) -> None:
    """What it publishes says the old; the entry stays due, and is visited again for the new."""
    await store_entries(database, PAGE)
    held = await one(database)
    store = FeedStore(database, lease=LEASE)
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(next_poll_at=NOW - timedelta(days=3650)))
    (polled,) = await store.lease(1)
    changed = Selection(changed=(parsed("0", PAGE, "2", title="Corrected"),))
    assert await store.commit(poll(polled, selection=changed))

    assert not await frontier(database).commit(VisitResult(entry=held, state="queued"))
    assert (await one(database)).facts.title == "Corrected"


async def test_observation_numbers_are_never_used_twice(database: Database) -> None:
    """A visit that began and was lost leaves a hole, also when it lost its lease."""
    await store_entries(database, PAGE)
    numbers = []
    for lease in (OVER, OVER, LEASE):
        held = await one(database, lease=lease)
        numbers.append((await frontier(database).begin(held, NO_DELAY)).number)

    assert numbers == [1, 2, 3]


async def test_many_leasers_never_share_an_entry(database: Database, other_database: Database) -> None:
    """Eight tasks on two engines take forty entries: each is taken once, and none is left."""
    urls = [f"https://s{number}.example/a" for number in range(40)]
    await store_entries(database, *urls)

    async def take(works: Frontier) -> list[str]:
        taken: list[str] = []
        while len(found := await works.lease(3)) > 0 or await unleased(database):
            taken += [str(each.url) for each in found]
        return taken

    works = [frontier(each) for each in (database, other_database)] * 4
    taken = await asyncio.gather(*(take(each) for each in works))

    assert sorted(urls) == sorted(url for each in taken for url in each)


async def unleased(database: Database) -> bool:
    async with database.snapshot() as connection:
        return (await connection.execute(select(entries.c.url).where(entries.c.lease.is_(None)))).first() is not None


async def test_few_entries_of_one_host_are_leased_at_a_time(database: Database, other_database: Database) -> None:
    """Those that others hold count, so that one busy host does not take all the places."""
    of_one_host = [f"https://news.example/{number}" for number in range(6)]
    await store_entries(database, *of_one_host, "https://else.example/a")
    first = await frontier(database).lease(10)
    assert sorted(str(each.url).split("/")[2] for each in first) == ["else.example", "news.example", "news.example"]

    assert await frontier(other_database).lease(10) == []
    await frontier(database).commit(VisitResult(entry=next(e for e in first if "news" in str(e.url)), state="queued"))
    assert len(await frontier(other_database).lease(10)) == 1


async def test_a_backlog_of_one_host_hides_no_other(database: Database, other_database: Database) -> None:
    """However far behind it the others are due, those included whose first entry is before its end."""
    backlog = [f"https://news.example/{number}" for number in range(NEAR + 10)]
    await store_entries(
        database, "https://else.example/a", *backlog, "https://else.example/b", "https://late.example/a"
    )
    async with database.transaction() as connection:
        for number, url in enumerate(["https://else.example/a", *backlog]):
            due = NOW - timedelta(days=3650) + timedelta(seconds=number)
            await connection.execute(update(entries).where(entries.c.url == url).values(next_at=due))

    first = await frontier(database).lease(10)
    assert sorted(str(each.url) for each in first) == [
        "https://else.example/a",
        "https://else.example/b",
        "https://late.example/a",
        *backlog[:2],
    ]
    assert await frontier(other_database).lease(10) == []


async def test_a_backlog_of_a_blocked_host_hides_no_other(database: Database) -> None:
    """Not one of its entries can be leased, and all of them are due before the others."""
    backlog = [f"https://news.example/{number}" for number in range(NEAR + 10)]
    await store_entries(database, *backlog, "https://else.example/a")
    async with database.transaction() as connection:
        of_backlog = update(entries).where(entries.c.site == "news.example")
        await connection.execute(of_backlog.values(next_at=NOW - timedelta(days=3650)))
    await HostStore(database).hold("news.example", timedelta(hours=1))

    assert [each.url for each in await frontier(database).lease(10)] == ["https://else.example/a"]


async def test_entries_of_a_blocked_host_wait(database: Database) -> None:
    """A host that asked us to slow down gets no visits until then."""
    await store_entries(database, PAGE)
    await HostStore(database).hold("news.example", timedelta(hours=1))
    assert await frontier(database).lease(10) == []


async def test_a_host_beyond_our_patience_keeps_the_number_unused(database: Database) -> None:
    """The visit did not begin: neither a slot nor a number is taken."""
    await store_entries(database, PAGE)
    held = await one(database)
    hosts = HostStore(database)
    await hosts.reserve("news.example", timedelta(seconds=60))
    with pytest.raises(HostBusy) as busy:
        await frontier(database).begin(held, NO_DELAY)
    await frontier(database).postpone(held, NOW - timedelta(days=1))
    async with database.transaction() as connection:
        now = await clock(connection)
        await connection.execute(update(entries).values(next_at=now))

    assert timedelta(seconds=50) < busy.value.until - now <= timedelta(seconds=60)
    async with database.snapshot() as connection:
        assert await connection.scalar(select(entries.c.observations)) == 0


async def test_validators_are_used_only_when_the_last_observation_came_to_an_outcome(database: Database) -> None:
    """While it is on its way it may yet be lost, and "not modified" would then hide the page for good."""
    await store_entries(database, PAGE)
    held = await one(database)
    number = (await frontier(database).begin(held, NO_DELAY)).number
    await published(database, held, next_in=timedelta(0))
    await make_due(database)
    unsettled = await one(database, lease=OVER)
    assert (unsettled.validators, unsettled.body_hash) == (None, None)

    await settle(database, held.entry_id, number)
    settled = await one(database)
    assert (settled.validators, settled.body_hash) == (VALIDATORS, "abc")


async def test_a_visit_that_was_not_stored_leaves_no_validators_behind(database: Database) -> None:
    """Its page may be published: "as it was before" would then be said of what subscribers do not have any more."""
    await store_entries(database, PAGE)
    held = await one(database)
    number = (await frontier(database).begin(held, NO_DELAY)).number
    await published(database, held, next_in=timedelta(0))
    await settle(database, held.entry_id, number)
    killed = await one(database, lease=OVER)
    number = (await frontier(database).begin(killed, NO_DELAY)).number
    await settle(database, held.entry_id, number)
    again = await one(database)

    assert (killed.body_hash, again.validators, again.body_hash) == ("abc", None, None)


async def test_an_entry_is_held_until_another_takes_it(database: Database) -> None:
    """Also after the lease is over: until then nobody has asked for the page since."""
    await store_entries(database, PAGE)
    held = await one(database, lease=OVER)
    before = await frontier(database).holds(held)
    taken = await one(database)

    assert (before, await frontier(database).holds(held), await frontier(database).holds(taken)) == (True, False, True)


async def test_a_page_in_the_quarantine_is_looked_at_in_full(database: Database) -> None:
    """Nobody has read it: what is unchanged since then says nothing of what is known."""
    await store_entries(database, PAGE)
    held = await one(database)
    number = (await frontier(database).begin(held, NO_DELAY)).number
    await published(database, held, next_in=timedelta(0))
    await settle(database, held.entry_id, number, outcome=outcomes.QUARANTINED)
    again = await one(database)

    assert (again.validators, again.body_hash) == (None, None)


async def test_a_lost_observation_is_made_anew(database: Database) -> None:
    """Queued long ago without an outcome: due at once, without validators."""
    await store_entries(database, PAGE)
    held = await one(database)
    await frontier(database).begin(held, NO_DELAY)
    await published(database, held)
    works = frontier(database)
    assert await works.reconcile(timedelta(hours=1)) == 0

    assert await works.reconcile(timedelta(seconds=-1)) == 1
    again = await one(database)
    assert (again.validators, again.body_hash, again.observations) == (None, None, 1)
    async with database.snapshot() as connection:
        assert tuple((await connection.execute(select(entries.c.etag, entries.c.body_hash))).one()) == (None, None)


async def test_a_settled_observation_is_not_made_anew(database: Database) -> None:
    """Nor one of an entry that is being visited."""
    await store_entries(database, PAGE, "https://else.example/b")
    settled, visited = await frontier(database).lease(2)
    for held in (settled, visited):
        await frontier(database).begin(held, NO_DELAY)
        await published(database, held)
    await settle(database, settled.entry_id, 1)
    await make_due(database)
    held_again = await frontier(database).lease(2)
    assert len(held_again) == 2

    assert await frontier(database).reconcile(timedelta(seconds=-1)) == 0
    for held in held_again:
        await frontier(database).postpone(held, NOW + timedelta(days=10_000))
    assert await frontier(database).reconcile(timedelta(seconds=-1)) == 1


async def test_the_outcome_of_an_older_observation_settles_nothing(database: Database) -> None:
    """The newest one is what counts."""
    await store_entries(database, PAGE)
    held = await one(database)
    await frontier(database).begin(held, NO_DELAY)
    await published(database, held, next_in=timedelta(0))
    await settle(database, held.entry_id, 1)
    await make_due(database)
    again = await one(database)
    await frontier(database).begin(again, NO_DELAY)
    await published(database, again)

    assert (await frontier(database).workload()).unsettled == 1
    await settle(database, held.entry_id, 2)
    await settle(database, held.entry_id, 1)
    assert (await frontier(database).workload()).unsettled == 0


async def test_the_workload_tells_due_from_scheduled(database: Database) -> None:
    """What is due now keeps a single run going; what is scheduled for later does not."""
    await store_entries(database, PAGE, "https://else.example/b")
    held = await one(database)
    await frontier(database).commit(VisitResult(entry=held, state="pending", next_in=timedelta(hours=1)))
    load = await frontier(database).workload()

    assert (load.due, load.scheduled, load.unsettled) == (1, 1, 0)


async def test_the_next_look_is_counted_from_the_database_clock(database: Database) -> None:
    """None means that the page is left alone."""
    await store_entries(database, PAGE)
    await frontier(database).commit(
        VisitResult(entry=await one(database), state="pending", next_in=timedelta(hours=1), reason="x" * 200)
    )
    async with database.snapshot() as connection:
        row = (await connection.execute(select(entries))).one()
        now = await clock(connection)

    assert timedelta(minutes=59) < row.next_at - now <= timedelta(hours=1)
    assert row.reason == "x" * 60


async def test_forgetting_removes_the_entry_and_keeps_its_identity_out(database: Database) -> None:
    """The feed still lists it: it is known, and skipped."""
    await store_entries(database, PAGE, "https://else.example/b")
    assert len(await frontier(database).forget([PAGE, "https://unknown.example/"])) == 1

    async with database.snapshot() as connection:
        left = (await connection.execute(select(entries.c.url, entries.c.facts))).all()
        memory = (await connection.execute(select(feed_entries.c.identity, feed_entries.c.skipped))).all()
    assert {("https://else.example/b", False), (None, True)} == {(url, facts == {}) for url, facts in left}
    assert {("0", "forgotten"), ("1", None)} == {tuple(row) for row in memory}


async def test_a_forgotten_page_does_not_come_back_by_another_feed(database: Database) -> None:
    """Whichever feed lists the address later, its page is not asked for again."""
    await store_entries(database, PAGE)
    await frontier(database).forget([PAGE])
    await store_entries(database, PAGE, feed=settings(url="https://else.example/feed"))

    assert await frontier(database).lease(10) == []


async def test_entries_of_a_feed_whose_secret_is_gone_stop_no_other(database: Database, monkeypatch) -> None:
    """The feed may have left the file together with its variable; its entries wait, the fetcher goes on."""
    monkeypatch.delenv("FILDACTU_TEST_TOKEN", raising=False)
    await store_entries(database, PAGE)
    await FeedCatalogue(database).apply(
        "feeds.yaml", [settings(headers={"Authorization": "Bearer ${FILDACTU_TEST_TOKEN}"})]
    )
    assert await frontier(database, lease=OVER).lease(10) == []

    monkeypatch.setenv("FILDACTU_TEST_TOKEN", "s3cret")
    assert dict((await one(database)).feed.headers) == {"Authorization": "Bearer s3cret"}


async def test_an_entry_that_is_handed_back_is_anyones_at_once(database: Database) -> None:
    """Unless it is another's by then."""
    await store_entries(database, PAGE)
    works, held = frontier(database), await one(database)
    await works.release(replace(held, lease=uuid4()))
    assert await works.lease(1) == []

    await works.release(held)
    assert [each.entry_id for each in await works.lease(1)] == [held.entry_id]
