"""Feeds leased together with the slots of their hosts, on both stores."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from fakes import NOW, poll, settings
from sqlalchemy import ClauseElement, Executable, select, text, update
from sqlalchemy.ext.compiler import compiles

from services.fetcher.errors import HostBusy
from services.fetcher.hosts.hosts import HostStore
from services.fetcher.hosts.politeness import DEFAULT_POLICY, PATIENCE, PolitenessPolicy
from services.fetcher.hosts.robotstxt import RobotsFile
from services.fetcher.hosts.slots import settle_timing
from services.fetcher.model import Feed, Timing
from services.fetcher.pages.frontier import Frontier
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.leasing import DUE, LeaseTerms, lease_due
from services.fetcher.polling.store import FeedStore
from services.fetcher.tables import entries, feeds, host_addresses, hosts
from shared.database import Database, clock
from shared.urls import site_of

LEASE = timedelta(minutes=3)
LONG_AGO = NOW - timedelta(days=3650)
DELAY = DEFAULT_POLICY.delay
SITE = "news.example"
SHARED, ELSEWHERE = "93.184.215.14", "93.184.215.15"
TERMS = LeaseTerms(lease=LEASE)


def feed_urls(site: str, count: int) -> list[str]:
    return [f"https://{site}/{number}.xml" for number in range(count)]


async def due_feeds(database: Database, *urls: str, since: datetime = LONG_AGO, **more: Any) -> None:
    source = f"{since.isoformat()}.yaml"
    await FeedCatalogue(database).apply(source, [settings(url, **more) for url in urls])
    async with database.transaction() as connection:
        await connection.execute(update(feeds).where(feeds.c.source == source).values(next_poll_at=since))


def store(database: Database, **more: Any) -> FeedStore:
    return FeedStore(database, lease=LEASE, **more)


def urls(leased: Sequence[Feed]) -> list[str]:
    return sorted(each.settings.url for each in leased)


def waits(leased: Sequence[Feed]) -> list[float]:
    return [round(each.wait / timedelta(seconds=1), 1) for each in leased if each.wait is not None]


async def host(database: Database, site: str = SITE) -> Any:
    async with database.snapshot() as connection:
        return (await connection.execute(select(hosts).where(hosts.c.site == site))).one()


async def learn(database: Database, site: str, **more: Any) -> None:
    """An answer of a site that was asked before."""
    await HostStore(database).reserve(site, timedelta(0))
    async with database.transaction() as connection:
        await settle_timing(connection, Timing(**{"site": site, "address": None, "seconds": 0.1, **more}))


async def test_feeds_are_leased_with_slots_of_their_hosts(database: Database) -> None:
    """Each site's first feed at once, its second a delay later; whoever else wants to ask the site comes after them."""
    await due_feeds(database, *feed_urls(SITE, 2), *feed_urls("else.example", 1))
    leased = await store(database).lease(10)

    assert sorted(waits(leased)) == [0, 0, 2]
    assert DELAY < await HostStore(database).reserve(SITE, DELAY) <= 2 * DELAY


async def test_a_feed_of_a_blocked_host_is_not_leased(database: Database) -> None:
    """It holds up nobody, and is due when the pause is over."""
    await due_feeds(database, *feed_urls(SITE, 3), *feed_urls("else.example", 1))
    until = await HostStore(database).hold(SITE, timedelta(hours=1))

    assert urls(await store(database).lease(10)) == feed_urls("else.example", 1)
    async with database.snapshot() as connection:
        due = (await connection.execute(select(feeds.c.next_poll_at).where(feeds.c.site == SITE))).scalars()
        assert sorted(due) == [until, until + DELAY, until + 2 * DELAY]


async def test_one_site_with_many_feeds_does_not_starve_the_others(database: Database) -> None:
    """All of its feeds were due before all others'; it gets what its pace allows, and the others get theirs."""
    await due_feeds(database, *feed_urls(SITE, 300))
    others = [f"https://s{number}.example/feed.xml" for number in range(5)]
    await due_feeds(database, *others, since=LONG_AGO + timedelta(days=1))
    leased = await store(database, per_site=2).lease(10)

    assert sorted(each.site for each in leased) == [SITE] * 2 + [site_of(url) for url in others]


async def test_a_site_that_takes_no_more_does_not_hide_the_others(database: Database) -> None:
    """Without a delay nothing of it is put off; it is left out of the next look."""
    quick = PolitenessPolicy(delay=timedelta(0))
    await due_feeds(database, *feed_urls(SITE, 300))
    await due_feeds(database, "https://else.example/feed.xml", since=LONG_AGO + timedelta(days=1))
    works = store(database, per_site=2, policy=quick)
    leased = await works.lease(10)

    assert len(leased) == 3
    assert len(await works.lease(10, {SITE: 1})) == 1
    assert await works.lease(10, {SITE: 2}) == []


async def test_what_is_put_off_comes_in_its_turn(database: Database) -> None:
    """None is lost: as the site's slots pass, all of its feeds are leased, each once."""
    await due_feeds(database, *feed_urls(SITE, 12))
    works, taken = store(database), list[str]()
    for _ in range(4):
        taken += urls(await works.lease(10))
        async with database.transaction() as connection:
            await connection.execute(update(hosts).values(next_allowed_at=LONG_AGO))
            await connection.execute(update(feeds).where(feeds.c.lease.is_(None)).values(next_poll_at=LONG_AGO))

    assert sorted(taken) == sorted(feed_urls(SITE, 12))


async def test_fetchers_that_lease_together_keep_the_pace_of_each_host(
    database: Database, other_database: Database
) -> None:
    """Eight tasks on two engines: no feed is taken twice, and no two starts of a site are closer than its delay."""
    sites = [f"s{number}.example" for number in range(6)]
    await due_feeds(database, *(url for site in sites for url in feed_urls(site, 8)))
    for site in sites:
        await learn(database, site, address=SHARED)

    leased = await asyncio.gather(*(lease_due(each, 4, TERMS) for each in [database, other_database] * 4))
    starts: dict[str, list[datetime]] = {}
    for each in (one for some in leased for one in some):
        starts.setdefault(each.row.site, []).append(each.now + each.wait)

    taken = [each.row.url for some in leased for each in some]
    assert len(taken) == len(set(taken)) > len(sites)
    for found in starts.values():
        assert all(later - earlier >= DELAY for earlier, later in pairwise(sorted(found)))


async def test_what_leases_and_visits_take_is_one_pace(database: Database, other_database: Database) -> None:
    """Leases lock hosts in one order, and so do all others: nobody waits for each other for ever."""
    sites = [f"s{number}.example" for number in range(6)]
    await due_feeds(database, *(url for site in sites for url in feed_urls(site, 4)))
    others = HostStore(other_database)

    async def ask(site: str) -> None:
        await learn(other_database, site, address=SHARED)
        await others.hold(site, timedelta(microseconds=1))

    leases: list[Any] = [lease_due(each, 12, TERMS) for each in (database, other_database)]
    found = await asyncio.gather(*leases, *(ask(site) for site in reversed(sites)))

    assert len([each for some in found if some for each in some]) > 0


async def test_sites_at_one_address_share_its_pace(database: Database) -> None:
    """Each site is idle; the third waits for two requests to their address."""
    sites = ["a.example", "b.example", "c.example", "d.example"]
    await due_feeds(database, *(f"https://{site}/feed.xml" for site in sites))
    for site in sites:
        await learn(database, site, address=ELSEWHERE if site == "d.example" else SHARED)
    async with database.transaction() as connection:
        await connection.execute(update(hosts).values(next_allowed_at=LONG_AGO))

    assert sorted(waits(await store(database).lease(10))) == [0, 0, 0.2, 0.4]


async def test_a_visit_waits_for_its_address_too(database: Database) -> None:
    """Whatever took it: no visit is leased while its address is taken for longer than our patience."""
    await due_feeds(database, settings().url)
    await learn(database, SITE, address=SHARED)
    feed = settings().feed_id
    async with database.transaction() as connection:
        now = await clock(connection)
        await connection.execute(host_addresses.insert(), {"address": SHARED, "next_allowed_at": now + 2 * PATIENCE})
        await connection.execute(update(hosts).values(next_allowed_at=now))
        row = {"entry_id": feed, "site": SITE, "feed_id": feed, "facts": {"identity": "a"}, "state": "pending"}
        await connection.execute(entries.insert(), {**row, "discovered_at": now, "next_at": now})
    frontier = Frontier(database, lease=LEASE, per_host=2)

    assert await frontier.lease(1) == []
    with pytest.raises(HostBusy):
        await HostStore(database).reserve(SITE, timedelta(0))
    async with database.transaction() as connection:
        await connection.execute(update(host_addresses).values(next_allowed_at=now))
    assert len(await frontier.lease(1)) == 1


async def test_a_poll_teaches_the_pace_of_its_host(database: Database) -> None:
    """A site that takes 16 seconds to answer gets four between two requests."""
    await due_feeds(database, *feed_urls(SITE, 3))
    works = store(database)
    (held,) = await works.lease(1)
    timing = Timing(site=SITE, address=SHARED, seconds=16.0)
    assert await works.commit(poll(held, timing=timing))
    assert ((await host(database)).answer_seconds, (await host(database)).address) == (16.0, SHARED)

    first, second = await works.lease(2)
    assert first.wait is not None
    assert second.wait is not None
    assert second.wait - first.wait == timedelta(seconds=4)


async def test_a_visit_teaches_it_too(database: Database) -> None:
    """A quarter of the way; small steps are not written down, and a refusal makes nobody quicker."""
    await learn(database, SITE, seconds=8.0)
    await learn(database, SITE, seconds=12.0)
    assert (await host(database)).answer_seconds == 9.0
    await learn(database, SITE, seconds=9.5)
    await learn(database, SITE, seconds=0.1, good=False)

    assert (await host(database)).answer_seconds == 9.0


async def test_an_answer_of_a_host_that_is_not_known_teaches_nothing(database: Database) -> None:
    """Its row was pruned meanwhile; nothing is stored of a site that nobody asks."""
    async with database.transaction() as connection:
        await settle_timing(connection, Timing(site=SITE, address=SHARED, seconds=1.0))
        await settle_timing(connection, None)
        assert (await connection.execute(select(hosts))).all() == []


async def test_a_private_address_has_no_pace(database: Database) -> None:
    """It is the operator's own."""
    await learn(database, SITE, address="127.0.0.1")

    assert (await host(database)).address is None


async def test_a_feed_keeps_the_pace_that_robots_txt_asks_for(database: Database) -> None:
    """So does whoever else asks its site; the operator's word may ask for more, not for less."""
    found = RobotsFile(status=200, body="User-agent: *\nCrawl-delay: 5")
    await HostStore(database).save_robots(f"https://{SITE}", found, timedelta(hours=1), 5.0)
    await due_feeds(database, *feed_urls(SITE, 2), page_delay=timedelta(seconds=1))

    assert waits(await store(database).lease(2)) == [0, 5]
    before = (await host(database)).next_allowed_at
    await HostStore(database).reserve(SITE, DELAY)

    assert (await host(database)).next_allowed_at - before == timedelta(seconds=5)


async def test_what_another_host_of_the_site_does_not_ask_for_is_kept(database: Database) -> None:
    """Only the site's own host takes a crawl delay back."""
    works, none = HostStore(database), RobotsFile(status=404, body="")
    await works.save_robots(f"https://www.{SITE}", none, timedelta(hours=1), 5.0)
    await works.save_robots(f"https://img.{SITE}", none, timedelta(hours=1), None)
    assert (await host(database)).crawl_seconds == 5.0

    await works.save_robots(f"https://www.{SITE}", none, timedelta(hours=1), None)
    assert (await host(database)).crawl_seconds is None


async def test_an_unreachable_robots_txt_does_not_displace_what_was_said(database: Database) -> None:
    """Its rules and its pace go on; it is asked for again when the new time is over."""
    works, origin = HostStore(database), f"https://{SITE}"
    said = RobotsFile(status=200, body="User-agent: *\nCrawl-delay: 5")
    await works.save_robots(origin, said, timedelta(seconds=-1), 5.0)
    obeyed = await works.save_robots(origin, RobotsFile(status=0, body=""), timedelta(minutes=10), None)
    kept = await works.robots(origin)

    assert (obeyed.status, obeyed.body, obeyed.fresh_for) == (200, said.body, timedelta(minutes=10))
    assert kept is not None
    assert (kept.status, (await host(database)).crawl_seconds) == (200, 5.0)


async def test_a_throttled_site_is_asked_more_slowly_afterwards(database: Database) -> None:
    """Half as often as it was, when the pause is over."""
    works = HostStore(database)
    await works.reserve(SITE, DELAY)
    await works.hold(SITE, timedelta(microseconds=1))
    async with database.transaction() as connection:
        await connection.execute(update(hosts).values(next_allowed_at=await clock(connection)))
    await works.reserve(SITE, DELAY)

    assert (await host(database)).delay_seconds == 2 * DELAY.total_seconds()


async def test_a_redirect_within_a_slow_site_is_followed_soon(database: Database) -> None:
    """And the site is left alone for its whole delay afterwards."""
    works, minute = HostStore(database), timedelta(minutes=1)
    await works.reserve(SITE, minute)
    wait = await works.follow(SITE, minute)

    assert wait <= DELAY
    async with database.snapshot() as connection:
        now = await clock(connection)
    assert (await host(database)).next_allowed_at > now + minute - timedelta(seconds=30)


@pytest.mark.parametrize(
    ("delay", "followed"), [(timedelta(minutes=1), timedelta(minutes=1)), (timedelta(minutes=5), DELAY)]
)
async def test_redirects_are_no_clock_that_was_set_back(
    database: Database, delay: timedelta, followed: timedelta
) -> None:
    """A slow site keeps its pace, whoever follows, however often, and at which delay."""
    works = HostStore(database)
    await works.reserve(SITE, delay)
    for _ in range(3):
        await works.follow(SITE, followed)

    with pytest.raises(HostBusy):
        await works.reserve(SITE, delay)


class Explain(Executable, ClauseElement):
    """How the store would find a statement's rows."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(Explain)
def explain(element: Explain, compiler: Any, **_options: Any) -> str:
    words = "EXPLAIN QUERY PLAN" if compiler.dialect.name == "sqlite" else "EXPLAIN"
    return f"{words} {compiler.process(element.statement)}"


async def test_leases_find_their_feeds_by_an_index(database: Database) -> None:
    """However many there are, those that rest included."""
    async with database.transaction() as connection:
        if connection.dialect.name == "postgresql":
            # Of an empty table it would take the pages that it supposes there to be, and sort.
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
            await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        asked = {"now": await clock(connection), "left_out": [SITE], "width": 10}
        plan = " ".join(str(tuple(row)) for row in await connection.execute(Explain(DUE), asked))

    assert "feeds_due" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
