"""Hosts in the database: the pace at which each site may be asked, and what its robots.txt said."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, and_, or_, select

from services.fetcher.errors import HostBusy
from services.fetcher.hosts.politeness import DEFAULT_POLICY, PATIENCE, PolitenessPolicy, penalty
from services.fetcher.hosts.robotstxt import RobotsFile, obeyed
from services.fetcher.hosts.slots import follow_slot, locked_paces, reserve_slot
from services.fetcher.tables import host_addresses, hosts, robots
from shared.database import Connection, Database, clock
from shared.statements import change, prune, upsert
from shared.urls import host_of, site_of

NEVER = datetime.min.replace(tzinfo=UTC)
IDLE_FOR = timedelta(days=7)
"""A site that nobody asked for so long has no pace to keep, and nothing is known of its robots.txt."""


class Checks(Protocol):
    async def check(self, site: str) -> None: ...


class HostStore:
    """Shared by all fetchers, so that a site is asked at one pace by all of them together."""

    def __init__(self, database: Database, policy: PolitenessPolicy = DEFAULT_POLICY) -> None:
        self._database = database
        self._policy = policy

    async def reserve(self, site: str, delay: timedelta, patience: timedelta = PATIENCE) -> timedelta:
        """Take the site's next slot; returns how long to wait for it. Raises HostBusy beyond our patience."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            return await reserve_slot(connection, site, delay, now, self._policy, patience) - now

    async def follow(self, site: str, delay: timedelta) -> timedelta:
        """Take a slot for a redirect within a site that is being asked; returns how long to wait. Raises HostBusy."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            return await follow_slot(connection, site, delay, now, self._policy) - now

    async def hold(self, site: str, retry_after: timedelta | None) -> datetime:
        """The site asked us to slow down (429, 503): no request before the time that is returned."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            known = (await locked_paces(connection, (site,), now, self._policy)).slots[site]
            slot = penalty(known, retry_after, now, self._policy)
            said = {"blocked_until": slot.blocked_until, "answer_seconds": slot.answer_seconds}
            await change(connection, hosts, {"site": site}, said)
        return slot.blocked_until or now

    async def check(self, site: str) -> None:
        """Raises HostBusy while the site is held."""
        blocked = select(hosts.c.blocked_until).where(hosts.c.site == site)
        async with self._database.snapshot() as connection:
            until = await connection.scalar(blocked)
            if until is not None and until > await clock(connection):
                raise HostBusy(until)

    async def robots(self, origin: str) -> RobotsFile | None:
        """What is kept and still fresh."""
        async with self._database.snapshot() as connection:
            kept, fresh_until = await _kept(connection, origin)
            now = await clock(connection)
        return replace(kept, fresh_for=fresh_until - now) if kept and fresh_until >= now else None

    async def save_robots(
        self, origin: str, found: RobotsFile, fresh_for: timedelta, crawl_seconds: float | None = None
    ) -> RobotsFile:
        """Keep what was answered; returns what is obeyed for `fresh_for`: an older file where there is no answer.

        The pace that it asks for is the site's from now on.
        """
        async with self._database.transaction() as connection:
            now = await clock(connection)
            file = obeyed((await _kept(connection, origin))[0], found, now, self._policy)
            if file.status == found.status:
                await _save_crawl_delay(connection, origin, crawl_seconds, now)
            said = {"status": file.status, "body": file.body, "reached_at": file.reached_at}
            await upsert(connection, robots, {"origin": origin}, {**said, "fresh_until": now + fresh_for})
        return replace(file, fresh_for=fresh_for)

    async def prune(self) -> None:
        """Drop what robots.txt files said long ago, and sites and addresses that nobody asks any more."""
        await prune(self._database, robots, robots.c.origin, _outdated)
        await prune(self._database, hosts, hosts.c.site, _idle)
        await prune(self._database, host_addresses, host_addresses.c.address, _unused)


async def _kept(connection: Connection, origin: str) -> tuple[RobotsFile | None, datetime]:
    row = (await connection.execute(select(robots).where(robots.c.origin == origin))).one_or_none()
    if row is None:
        return None, NEVER
    return RobotsFile(status=row.status, body=row.body, reached_at=row.reached_at), row.fresh_until


async def _save_crawl_delay(connection: Connection, origin: str, seconds: float | None, now: datetime) -> None:
    """A host that asks for nothing takes nothing back of what others of its site ask, unless it is the site itself."""
    site = site_of(origin)
    if seconds is not None or host_of(origin) in {site, f"www.{site}"}:
        fresh = {"next_allowed_at": now, "delay_seconds": 0.0}
        await upsert(connection, hosts, {"site": site}, {"crawl_seconds": seconds}, once=fresh)


def _outdated(now: datetime) -> ColumnElement[bool]:
    outdated: ColumnElement[bool] = robots.c.fresh_until < now - IDLE_FOR
    return outdated


def _idle(now: datetime) -> ColumnElement[bool]:
    unblocked = or_(hosts.c.blocked_until.is_(None), hosts.c.blocked_until < now)
    return and_(hosts.c.next_allowed_at < now - IDLE_FOR, unblocked)


def _unused(now: datetime) -> ColumnElement[bool]:
    unused: ColumnElement[bool] = host_addresses.c.next_allowed_at < now - IDLE_FOR
    return unused


async def turn(hosts: Checks, site: str, wait: timedelta) -> None:
    """Sleep until a slot that was reserved begins. Raises HostBusy when the site asked us to slow down meanwhile."""
    if wait > timedelta(0):
        await asyncio.sleep(wait.total_seconds())
        await hosts.check(site)
