"""A clock that was set back: what was written by the later time would wait until that time comes again.

Every time in these tables comes from the store's clock. One that is ahead of it tells that the clock was set back;
it is brought to now, and what hangs on it is due: a page is looked at again too early rather than an hour late. Hosts
that asked for a pause keep it: they are late by as much as the clock was set back.
"""

from datetime import datetime, timedelta

from sqlalchemy import case, literal, select, update

from services.fetcher.hosts.politeness import PATIENCE
from services.fetcher.hosts.slots import TOLERANCE, is_address_rewound, is_rewound
from services.fetcher.tables import PENDING, entries, feeds, host_addresses, hosts
from shared.database import Connection, Database, UtcDateTime, clock

# When a pause after a failure began is not known; only where others were in the future it may have been, too.
PAUSING = entries.c.state == PENDING


async def mend_rewound(database: Database, *, lease: timedelta) -> int:
    """Bring what lies in the future to now; `lease` is how long a lease may be. Returns how many rows that were."""
    # By itself: a visit locks its host first, and its entry then.
    async with database.transaction() as connection:
        ahead = await _hosts(connection, await clock(connection))
    async with database.transaction() as connection:
        now = await clock(connection)
        polled = update(feeds).where(feeds.c.polled_at > now + TOLERANCE).values(polled_at=now, next_poll_at=now)
        found = (await connection.execute(polled)).rowcount + await _entries(connection, now)
        if found:
            await connection.execute(update(entries).where(PAUSING, entries.c.next_at > now).values(next_at=now))
        return ahead + found + await _leases(connection, now + TOLERANCE + 2 * lease)


async def _entries(connection: Connection, now: datetime) -> int:
    """What is queued counts as lost no later than it should; what is not to be looked at again is not."""
    found, queued = entries.c.discovered_at > now + TOLERANCE, entries.c.queued_at > now + TOLERANCE
    again = case((entries.c.next_at.is_(None), None), else_=literal(now, UtcDateTime()))
    ahead = (await connection.execute(update(entries).where(found).values(discovered_at=now, next_at=again))).rowcount
    return (
        ahead + (await connection.execute(update(entries).where(queued).values(queued_at=now, next_at=again))).rowcount
    )


async def _leases(connection: Connection, latest: datetime) -> int:
    ahead = 0
    for table in (feeds, entries):
        ended = update(table).where(table.c.lease_until > latest).values(lease=None, lease_until=None)
        ahead += (await connection.execute(ended)).rowcount
    return ahead


async def _hosts(connection: Connection, now: datetime) -> int:
    """Their slots; addresses have some, too, and are locked after the sites."""
    ahead = 0
    for table, key, is_ahead in (
        (hosts, hosts.c.site, is_rewound),
        (host_addresses, host_addresses.c.address, is_address_rewound),
    ):
        rows = await connection.execute(select(table).where(table.c.next_allowed_at > now + PATIENCE))
        which = [getattr(row, key.name) for row in rows if is_ahead(row, now)]
        await connection.execute(update(table).where(key.in_(which)).values(next_allowed_at=now))
        ahead += len(which)
    return ahead
