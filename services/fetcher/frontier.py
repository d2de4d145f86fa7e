"""The frontier: entries whose pages are due, and the visits to them."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, Subquery, Update, and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.errors import HostBusy, LeaseLost
from services.fetcher.feeds import expand, load_settings
from services.fetcher.hosts import PATIENCE, reserve_slot
from services.fetcher.model import Entry, Validators
from services.fetcher.store import PENDING, QUEUED, free, read_validators, validator_columns
from services.fetcher.tables import entries, feed_entries, feeds, hosts
from shared.database import Database, clock
from shared.messages import EntryFacts
from shared.outcomes import entry_outcomes
from shared.urls import site_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Leave to look at an entry's page after `wait`, as observation `number` of it."""

    wait: timedelta
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitResult:
    """How a visit changes its entry. `next_in` is the time to the next look at the page; None when there is none."""

    entry: Entry
    state: str
    next_in: timedelta | None = None
    attempts: int = 0
    visits: int = 0
    validators: Validators | None = None
    body_hash: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is left to do: `due` now, `scheduled` for later, `unsettled` published but without an outcome."""

    due: int
    scheduled: int
    unsettled: int


class Frontier:
    """Entries in the database. Leases expire by the database's clock; every write shows the lease's token."""

    def __init__(self, database: Database, *, lease: timedelta, per_host: int) -> None:
        self._database = database
        self._lease = lease
        self._per_host = per_host

    async def lease(self, limit: int) -> list[Entry]:
        """At most `limit` entries that are due on hosts that may be asked soon, and at most a few of each host."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            ranked = _ranked(now)
            few = select(ranked.c.entry_id).where(ranked.c.rank <= self._per_host).order_by(ranked.c.next_at).limit(limit)
            chosen = (
                select(entries, feeds.c.settings)
                .join(feeds, feeds.c.feed_id == entries.c.feed_id)
                .where(entries.c.entry_id.in_(few), free(entries.c.lease_until, now))
                .with_for_update(skip_locked=True, of=entries)
            )
            rows = (await connection.execute(chosen)).all()
            token = uuid4()
            taken = update(entries).where(entries.c.entry_id.in_([row.entry_id for row in rows]))
            await connection.execute(taken.values(lease=token, lease_until=now + self._lease))
        return [_entry(row, token) for row in rows]

    async def begin(self, entry: Entry, delay: timedelta) -> Visit:
        """Take the host's next slot and number the observation, in one transaction.

        Raises LeaseLost; raises HostBusy after handing the entry back to the store until the host is free.
        """
        try:
            async with self._database.transaction() as connection:
                now = await clock(connection)
                start = await reserve_slot(connection, site_of(entry.url or entry.feed.url), delay, now)
                number = await _number(connection, entry)
        except HostBusy as busy:
            await self.postpone(entry, busy.until)
            raise
        return Visit(wait=start - now, number=number)

    async def number(self, entry: Entry) -> Visit:
        """Number an observation that asks no host (the feed's own text). Raises LeaseLost."""
        async with self._database.transaction() as connection:
            return Visit(wait=timedelta(0), number=await _number(connection, entry))

    async def postpone(self, entry: Entry, until: datetime) -> None:
        """Hand the entry back until `until`; nothing else about it changes."""
        async with self._database.transaction() as connection:
            await connection.execute(_ours(entry).values(next_at=until, lease=None, lease_until=None))

    async def commit(self, result: VisitResult) -> bool:
        """Store what a visit came to; False when the lease was lost."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            changed = {
                **validator_columns(result.validators),
                "body_hash": result.body_hash,
                "state": result.state,
                "reason": result.reason,
                "attempts": result.attempts,
                "visits": result.visits,
                "next_at": None if result.next_in is None else now + result.next_in,
                "queued_at": now if result.state == QUEUED else entries.c.queued_at,
                "lease": None,
                "lease_until": None,
            }
            done = await connection.execute(_ours(result.entry).values(**changed))
        return done.rowcount == 1

    async def reconcile(self, older_than: timedelta) -> int:
        """Make entries due again whose observation was published and never came to an outcome; returns how many.

        The message is lost then: a purged queue, a destroyed broker.
        """
        async with self._database.transaction() as connection:
            now = await clock(connection)
            lost = and_(entries.c.queued_at < now - older_than, _unsettled(), free(entries.c.lease_until, now))
            again = update(entries).where(lost).values(state=PENDING, next_at=now)
            return (await connection.execute(again)).rowcount

    async def workload(self) -> Workload:
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            due = func.count().filter(entries.c.next_at <= now)
            scheduled = func.count().filter(entries.c.next_at > now)
            waiting = func.count().filter(_unsettled())
            row = (await connection.execute(select(due, scheduled, waiting).select_from(entries))).one()
        return Workload(due=row[0], scheduled=row[1], unsettled=row[2])

    async def forget(self, urls: list[str]) -> int:
        """Remove the entries with these addresses and what the feeds' memory holds of them; returns how many.

        A feed that still lists the address will bring it again; its identity is kept as skipped, so it does not.
        """
        async with self._database.transaction() as connection:
            gone = select(entries.c.entry_id).where(entries.c.url.in_(urls))
            skip = update(feed_entries).where(feed_entries.c.entry_id.in_(gone)).values(skipped="forgotten", entry_id=None)
            await connection.execute(skip)
            return (await connection.execute(delete(entries).where(entries.c.url.in_(urls)))).rowcount


def _ranked(now: datetime) -> Subquery:
    """Due entries on hosts that may be asked soon, numbered within their host."""
    rank = func.row_number().over(partition_by=entries.c.site, order_by=entries.c.next_at).label("rank")
    askable = and_(
        or_(hosts.c.next_allowed_at.is_(None), hosts.c.next_allowed_at <= now + PATIENCE),
        or_(hosts.c.blocked_until.is_(None), hosts.c.blocked_until <= now),
    )
    return (
        select(entries.c.entry_id, entries.c.next_at, rank)
        .select_from(entries.outerjoin(hosts, hosts.c.site == entries.c.site))
        .where(entries.c.next_at <= now, free(entries.c.lease_until, now), askable)
        .subquery()
    )


def _unsettled() -> ColumnElement[bool]:
    settled = exists().where(
        entry_outcomes.c.entry_id == entries.c.entry_id, entry_outcomes.c.observation >= entries.c.observations
    )
    return and_(entries.c.state == QUEUED, ~settled)


def _ours(entry: Entry) -> Update:
    return update(entries).where(entries.c.entry_id == entry.entry_id, entries.c.lease == entry.lease)


async def _number(connection: AsyncConnection, entry: Entry) -> int:
    """Numbers are never used twice: an observation that was lost on its way leaves a hole."""
    number = entry.observations + 1
    if (await connection.execute(_ours(entry).values(observations=number))).rowcount != 1:
        raise LeaseLost
    return number


def _entry(row: Row[tuple[object, ...]], token: UUID) -> Entry:
    return Entry(
        entry_id=row.entry_id,
        url=row.url,
        facts=EntryFacts.model_validate(row.facts),
        feed=expand(load_settings(row.settings), os.environ),
        lease=token,
        observations=row.observations,
        attempts=row.attempts,
        visits=row.visits,
        discovered_at=row.discovered_at,
        validators=read_validators(row),
        body_hash=row.body_hash,
        reason=row.reason,
    )
