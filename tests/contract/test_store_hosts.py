"""The pace of hosts and their robots.txt in the store, on both stores."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from services.fetcher import tables
from services.fetcher.errors import HostBusy
from services.fetcher.hosts import hosts as hosts_module
from services.fetcher.hosts.hosts import HostStore, turn
from services.fetcher.hosts.politeness import LONGEST_PATIENCE, PATIENCE
from services.fetcher.hosts.robotstxt import RobotsFile
from services.fetcher.hosts.slots import reserve_slot
from services.fetcher.rewind import mend_rewound
from services.fetcher.tables import robots
from shared import statements
from shared.database import Database, clock

SITE = "news.example"
DELAY = timedelta(seconds=1)


async def test_fetchers_together_ask_a_site_at_one_pace(database: Database, other_database: Database) -> None:
    """Ten reservers on two engines at once get ten starts, each at least the delay after the one before."""

    async def start(each: Database):
        async with each.transaction() as connection:
            return await reserve_slot(connection, SITE, DELAY, await clock(connection))

    starts = sorted(await asyncio.gather(*(start(each) for each in [database, other_database] * 5)))

    assert all(later - earlier >= DELAY for earlier, later in pairwise(starts))


async def test_sites_do_not_wait_for_each_other(database: Database) -> None:
    """Each has a pace of its own."""
    hosts = HostStore(database)
    await hosts.reserve(SITE, DELAY)

    assert timedelta(0) == await hosts.reserve("else.example", DELAY)


async def test_a_wait_beyond_our_patience_is_refused_and_takes_no_slot(database: Database) -> None:
    """The work waits in the store, not in memory; asking again does not push the slot away."""
    hosts = HostStore(database)
    await hosts.reserve(SITE, timedelta(seconds=60))
    untils = []
    for _ in range(2):
        with pytest.raises(HostBusy) as busy:
            await hosts.reserve(SITE, timedelta(seconds=60))
        untils.append(busy.value.until)

    assert untils[0] == untils[1]
    async with database.snapshot() as connection:
        assert PATIENCE < untils[0] - await clock(connection) <= timedelta(seconds=60)


async def test_what_must_follow_at_once_waits_longer(database: Database) -> None:
    """For the slot after the one that was just taken, of the slowest site, too; it is no clock that was set back."""
    hosts = HostStore(database)
    await hosts.reserve(SITE, LONGEST_PATIENCE)
    wait = await hosts.reserve(SITE, LONGEST_PATIENCE, LONGEST_PATIENCE)

    assert PATIENCE < wait <= LONGEST_PATIENCE
    assert await mend_rewound(database, lease=timedelta(minutes=3)) == 0
    with pytest.raises(HostBusy):
        await hosts.reserve(SITE, LONGEST_PATIENCE, timedelta(hours=1))


async def test_a_held_site_is_not_asked_before_its_time(database: Database) -> None:
    """Retry-After is kept, and a shorter one later does not shorten it."""
    hosts = HostStore(database)
    until = await hosts.hold(SITE, timedelta(hours=2))
    assert until == await hosts.hold(SITE, timedelta(minutes=1))
    with pytest.raises(HostBusy) as busy:
        await hosts.reserve(SITE, DELAY)

    assert until == busy.value.until


async def test_robots_are_kept_while_they_are_fresh(database: Database) -> None:
    """Then they are asked for again; a newer answer replaces the older."""
    hosts, origin = HostStore(database), "https://news.example"
    assert None is await hosts.robots(origin)
    await hosts.save_robots(origin, RobotsFile(status=200, body="old"), timedelta(seconds=-1))
    assert None is await hosts.robots(origin)
    new = RobotsFile(status=200, body="User-agent: *\nDisallow: /privé")
    await hosts.save_robots(origin, new, timedelta(hours=1))

    kept = await hosts.robots(origin)
    assert kept is not None
    assert (kept.status, kept.body) == (new.status, new.body)
    assert timedelta(minutes=59) < kept.fresh_for <= timedelta(hours=1)


async def test_pruning_drops_what_is_out_of_date(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Robots files long past their time, sites and addresses that nobody asks any more; never a site that is held."""
    monkeypatch.setattr(statements, "PRUNED_AT_ONCE", 2)
    monkeypatch.setattr(hosts_module, "IDLE_FOR", timedelta(0))
    hosts, file = HostStore(database), RobotsFile(status=200, body="")
    for number in range(5):
        await hosts.save_robots(f"https://old{number}.example", file, timedelta(seconds=-1))
        await hosts.reserve(f"idle{number}.example", timedelta(0))
    await hosts.save_robots("https://new.example", file, timedelta(hours=1))
    await hosts.reserve("asked.example", PATIENCE)
    await hosts.hold("held.example", timedelta(hours=1))
    async with database.transaction() as connection:
        now = await clock(connection)
        for name, at in (("192.0.2.1", now - DELAY), ("192.0.2.2", now + timedelta(hours=1))):
            await connection.execute(tables.host_addresses.insert(), {"address": name, "next_allowed_at": at})
    await hosts.prune()

    keys = (robots.c.origin, tables.hosts.c.site, tables.host_addresses.c.address)
    async with database.snapshot() as connection:
        kept = [list((await connection.execute(select(key))).scalars()) for key in keys]
    assert [sorted(names) for names in kept] == [
        ["https://new.example"],
        ["asked.example", "held.example"],
        ["192.0.2.2"],
    ]


async def test_a_robots_file_that_is_out_of_date_is_kept_for_a_week(database: Database) -> None:
    """Its host may not answer when it is asked for again."""
    hosts, file = HostStore(database), RobotsFile(status=200, body="")
    await hosts.save_robots("https://away.example", file, -hosts_module.IDLE_FOR + DELAY)
    await hosts.save_robots("https://forgotten.example", file, -hosts_module.IDLE_FOR - DELAY)
    await hosts.prune()

    async with database.snapshot() as connection:
        kept = (await connection.execute(select(robots.c.origin))).scalars()
        assert list(kept) == ["https://away.example"]


async def test_a_site_that_is_asked_while_it_is_pruned_keeps_its_pace(
    database: Database, other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row was old a moment ago; what was reserved meanwhile counts."""
    monkeypatch.setattr(hosts_module, "IDLE_FOR", timedelta(0))
    hosts, others = HostStore(database), HostStore(other_database)
    await hosts.reserve(SITE, timedelta(0))
    async with database.transaction() as connection:
        await reserve_slot(connection, SITE, PATIENCE, await clock(connection))
        pruning = asyncio.create_task(others.prune())
        await asyncio.wait([pruning], timeout=0.2)
    await pruning

    assert await hosts.reserve(SITE, DELAY) > timedelta(0)


async def test_a_slot_is_void_once_the_site_is_held(database: Database) -> None:
    """Requests that were reserved before are not made; other sites' are."""
    hosts, soon = HostStore(database), timedelta(milliseconds=1)
    await hosts.reserve(SITE, DELAY)
    await turn(hosts, SITE, soon)
    until = await hosts.hold(SITE, timedelta(hours=2))
    await turn(hosts, "else.example", soon)
    with pytest.raises(HostBusy) as busy:
        await turn(hosts, SITE, soon)

    assert until == busy.value.until


async def test_a_hold_keeps_the_pace_of_a_slow_site(database: Database) -> None:
    """When it is over, the slot that was given out before is still the next one."""
    hosts = HostStore(database)
    await hosts.reserve(SITE, timedelta(minutes=5))
    await hosts.hold(SITE, timedelta(microseconds=1))

    with pytest.raises(HostBusy):
        await hosts.reserve(SITE, timedelta(minutes=5))
