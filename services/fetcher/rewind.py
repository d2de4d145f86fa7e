"""A clock that was set back: what was written by the later time would wait until that time comes again.

Every time in these tables comes from the store's clock. One that is ahead of it tells that the clock was set back;
it is brought to now, and what hangs on it is due. Rows that wait for a reason of their own (Retry-After, a pause after
a failure) keep their time: they are late by as much as the clock was set back.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from services.fetcher.hosts import PATIENCE
from services.fetcher.tables import entries, feeds, hosts
from shared.database import Connection, Database, clock


async def mend_rewound(database: Database, *, lease: timedelta) -> int:
    """Bring what lies in the future to now; `lease` is how long a lease may be. Returns how many rows that were."""
    async with database.transaction() as connection:
        now = await clock(connection)
        feeds_ahead = update(feeds).where(feeds.c.polled_at > now).values(polled_at=now, next_poll_at=now)
        ahead = (await connection.execute(feeds_ahead)).rowcount
        ahead += await _entries(connection, now)
        ahead += await _leases(connection, now + 2 * lease)
        return ahead + await _hosts(connection, now)


async def _entries(connection: Connection, now: datetime) -> int:
    """What is queued is looked at again when it was to be, and counts as lost no later than it should."""
    found, queued = entries.c.discovered_at > now, entries.c.queued_at > now
    due = update(entries).where(found, entries.c.next_at.is_not(None)).values(discovered_at=now, next_at=now)
    ahead = (await connection.execute(due)).rowcount
    return ahead + (await connection.execute(update(entries).where(queued).values(queued_at=now))).rowcount


async def _leases(connection: Connection, latest: datetime) -> int:
    ahead = 0
    for table in (feeds, entries):
        ended = update(table).where(table.c.lease_until > latest).values(lease=None, lease_until=None)
        ahead += (await connection.execute(ended)).rowcount
    return ahead


async def _hosts(connection: Connection, now: datetime) -> int:
    """A slot is never reserved further ahead than our patience, and the next one begins a delay after it."""
    rows = await connection.execute(select(hosts).where(hosts.c.next_allowed_at > now + PATIENCE))
    ahead = [row.site for row in rows if row.next_allowed_at > now + PATIENCE + timedelta(seconds=row.delay_seconds)]
    await connection.execute(update(hosts).where(hosts.c.site.in_(ahead)).values(next_allowed_at=now))
    return len(ahead)
