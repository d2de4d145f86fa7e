"""Hosts in the database: the pace at which each site may be asked, and what its robots.txt said."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Row, and_, bindparam, or_, select

from services.fetcher.errors import HostBusy
from services.fetcher.politeness import HostSlot, penalty, reserve
from services.fetcher.tables import hosts, robots
from shared.database import Connection, Database, clock
from shared.statements import change, insert_new, prune, upsert

HOST = select(hosts).where(hosts.c.site == bindparam("which")).with_for_update()
PATIENCE = timedelta(seconds=10)
"""How far ahead a request may be reserved; beyond it the work waits in the store, not in memory."""
TOLERANCE = timedelta(minutes=1)
"""A row may be later than our `now` and no clock was set back: another transaction wrote it since we asked the time."""
IDLE_FOR = timedelta(days=7)
"""A site that nobody asked for so long has no pace to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsFile:
    """A robots.txt as it was answered; `status` 0 means the host was unreachable."""

    status: int
    body: str


class Checks(Protocol):
    async def check(self, site: str) -> None: ...


class HostStore:
    """Shared by all fetchers, so that a site is asked at one pace by all of them together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, site: str, delay: timedelta) -> timedelta:
        """Take the site's next slot; returns how long to wait for it. Raises HostBusy."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            return await reserve_slot(connection, site, delay, now) - now

    async def hold(self, site: str, retry_after: timedelta | None) -> datetime:
        """The site asked us to slow down (429, 503): no request before the time that is returned."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            slot = penalty(await _slot(connection, site, None, now), retry_after, now)
            await _save(connection, site, slot)
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
        kept = select(robots).where(robots.c.origin == origin)
        async with self._database.snapshot() as connection:
            row = (await connection.execute(kept)).one_or_none()
            if row is None or row.fresh_until < await clock(connection):
                return None
        return RobotsFile(status=row.status, body=row.body)

    async def save_robots(self, origin: str, found: RobotsFile, fresh_for: timedelta) -> None:
        async with self._database.transaction() as connection:
            until = await clock(connection) + fresh_for
            said = {"status": found.status, "body": found.body, "fresh_until": until}
            await upsert(connection, robots, {"origin": origin}, said)

    async def prune(self) -> None:
        """Drop what robots.txt files said that is out of date, and sites that nobody asks any more."""
        await prune(self._database, robots, robots.c.origin, _outdated)
        await prune(self._database, hosts, hosts.c.site, _idle)


def _outdated(now: datetime) -> ColumnElement[bool]:
    outdated: ColumnElement[bool] = robots.c.fresh_until < now
    return outdated


def _idle(now: datetime) -> ColumnElement[bool]:
    unblocked = or_(hosts.c.blocked_until.is_(None), hosts.c.blocked_until < now)
    return and_(hosts.c.next_allowed_at < now - IDLE_FOR, unblocked)


async def turn(hosts: Checks, site: str, wait: timedelta) -> None:
    """Sleep until a slot that was reserved begins. Raises HostBusy when the site asked us to slow down meanwhile."""
    if wait > timedelta(0):
        await asyncio.sleep(wait.total_seconds())
        await hosts.check(site)


async def reserve_slot(connection: Connection, site: str, delay: timedelta, now: datetime) -> datetime:
    """Take the site's next slot in the caller's transaction; returns its start. Raises HostBusy."""
    start, after = reserve(await _slot(connection, site, delay, now), now)
    if start - now > PATIENCE:
        raise HostBusy(start)
    await _save(connection, site, after)
    return start


async def _slot(connection: Connection, site: str, delay: timedelta | None, now: datetime) -> HostSlot:
    """The site's slot, its row locked until the transaction ends; without a `delay`, with that of the last request."""
    row = (await connection.execute(HOST, {"which": site})).one_or_none()
    if row is None:
        fresh = {"site": site, "next_allowed_at": now, "delay_seconds": (delay or timedelta(0)).total_seconds()}
        await insert_new(connection, hosts, fresh)
        row = (await connection.execute(HOST, {"which": site})).one()
    # Whoever waited for a slot from a clock that is not any more would write down that time for itself, too.
    next_allowed = now if is_rewound(row, now) else row.next_allowed_at
    pace = timedelta(seconds=row.delay_seconds) if delay is None else delay
    return HostSlot(next_allowed=next_allowed, delay=pace, blocked_until=row.blocked_until)


def is_rewound(host: Row[tuple[object, ...]], now: datetime) -> bool:
    """Whether the clock was set back since the host's last slot was taken.

    A slot is never reserved further ahead than our patience, and the next one begins a delay after it.
    """
    return bool(host.next_allowed_at > now + TOLERANCE + PATIENCE + timedelta(seconds=host.delay_seconds))


async def _save(connection: Connection, site: str, slot: HostSlot) -> None:
    said = {
        "next_allowed_at": slot.next_allowed,
        "blocked_until": slot.blocked_until,
        "delay_seconds": slot.delay.total_seconds(),
    }
    await change(connection, hosts, {"site": site}, said)
