"""The frontier: entries whose pages are due, and the visits to them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Row, and_, bindparam, func, select, update

from services.fetcher.errors import LeaseLost
from services.fetcher.hosts.politeness import DEFAULT_POLICY, PolitenessPolicy
from services.fetcher.hosts.slots import reserve_slot, settle_timing
from services.fetcher.model import Entry, Timing, Validators
from services.fetcher.pages.due import take_due, unsettled
from services.fetcher.polling.leasing import free
from services.fetcher.polling.store import filled_in, read_validators, validator_columns
from services.fetcher.tables import FORGOTTEN, LONGEST_REASON, PENDING, QUEUED, entries, feed_entries, numbering
from shared.database import Connection, Database, clock
from shared.messages import EntryFacts
from shared.statements import change, upsert
from shared.urls import site_of

FIRST_SECOND = datetime(2026, 1, 1, tzinfo=UTC)
HELD = select(entries.c.entry_id).where(
    entries.c.entry_id == bindparam("entry_id"), entries.c.lease == bindparam("lease")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Leave to look at an entry's page after `wait`, at `start` by the store's clock, as observation `number` of it."""

    start: datetime
    wait: timedelta
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitResult:
    """How a visit changes its entry. `next_in` is the time to the next look at the page; None when there is none."""

    entry: Entry
    state: str
    next_in: timedelta | None = None
    attempts: int = 0
    postponed: int = 0
    visits: int = 0
    validators: Validators | None = None
    body_hash: str | None = None
    reason: str | None = None
    timing: Timing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is left to do: `due` now, `scheduled` for later, `unsettled` published but without an outcome."""

    due: int
    scheduled: int
    unsettled: int


class Frontier:
    """Entries in the database. Leases expire by the database's clock; every write shows the lease's token."""

    def __init__(
        self, database: Database, *, lease: timedelta, per_host: int, policy: PolitenessPolicy = DEFAULT_POLICY
    ) -> None:
        self._database = database
        self._policy = policy
        self._lease = lease
        self._per_host = per_host

    async def lease(self, limit: int) -> list[Entry]:
        """At most `limit` entries that are due on hosts that may be asked soon.

        Of one host at most a few are leased at a time, those that others hold included.
        """
        async with self._database.transaction() as connection:
            token = uuid4()
            rows = await take_due(connection, limit, per_host=self._per_host, token=token, lease=self._lease)
        return [entry for row in rows if (entry := _entry(row, token))]

    async def begin(self, entry: Entry, delay: timedelta) -> Visit:
        """Take the host's next slot and number the observation, in one transaction.

        Raises LeaseLost, and HostBusy when the host is not free within our patience.
        """
        async with self._database.transaction() as connection:
            now = await clock(connection)
            site = site_of(entry.url or entry.feed.url)
            start = await reserve_slot(connection, site, delay, now, self._policy)
            number = await _number(connection, entry)
        return Visit(start=start, wait=start - now, number=number)

    async def number(self, entry: Entry) -> Visit:
        """Number an observation that asks no host (the feed's own text). Raises LeaseLost."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            return Visit(start=now, wait=timedelta(0), number=await _number(connection, entry))

    async def holds(self, entry: Entry) -> bool:
        """Whether the entry is still ours: nobody has asked for its page since we did, under a later number."""
        async with self._database.snapshot() as connection:
            return (await connection.execute(HELD, _ours(entry))).first() is not None

    async def postpone(self, entry: Entry, until: datetime) -> None:
        """Hand the entry back until `until`; nothing else about it changes."""
        async with self._database.transaction() as connection:
            await change(connection, entries, _ours(entry), {"next_at": until, "lease": None, "lease_until": None})

    async def release(self, entry: Entry) -> None:
        """Hand the entry back as it was taken: it is due, and anyone's."""
        async with self._database.transaction() as connection:
            await change(connection, entries, _ours(entry), {"lease": None, "lease_until": None})

    async def commit(self, result: VisitResult) -> bool:
        """Store what a visit came to; False when the lease was lost."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            changed = {
                **validator_columns(result.validators),
                "body_hash": result.body_hash,
                "state": result.state,
                "reason": result.reason[:LONGEST_REASON] if result.reason else None,
                "attempts": result.attempts,
                "postponed": result.postponed,
                "visits": result.visits,
                "next_at": None if result.next_in is None else now + result.next_in,
                "lease": None,
                "lease_until": None,
            }
            queued = {"queued_at": now} if result.state == QUEUED else {}
            # Before the entry: a visit locks its host first, too.
            await settle_timing(connection, result.timing)
            return await change(connection, entries, _ours(result.entry), {**changed, **queued}) == 1

    async def reconcile(self, older_than: timedelta) -> int:
        """Make entries due again whose observation was published and never came to an outcome; returns how many.

        The message is lost then: a purged queue, a destroyed broker. The page is asked for anew, without validators:
        "not modified" would be said of an observation that nobody has.
        """
        async with self._database.transaction() as connection:
            now = await clock(connection)
            lost = and_(entries.c.queued_at < now - older_than, unsettled(), free(entries.c.lease_until, now))
            again = update(entries).where(lost).values(**_anew(now))
            return (await connection.execute(again)).rowcount

    async def look_again(self, which: Collection[UUID]) -> None:
        """Ask for these entries' pages anew, without validators: what was known when they were stored is outdated."""
        known = and_(entries.c.entry_id.in_(which), entries.c.state != FORGOTTEN)
        async with self._database.transaction() as connection:
            await connection.execute(update(entries).where(known).values(**_anew(await clock(connection))))

    async def workload(self) -> Workload:
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            due = func.count().filter(entries.c.next_at <= now)
            scheduled = func.count().filter(entries.c.next_at > now)
            waiting = func.count().filter(unsettled())
            row = (await connection.execute(select(due, scheduled, waiting).select_from(entries))).one()
        return Workload(due=row[0], scheduled=row[1], unsettled=row[2])

    async def number_anew(self) -> None:
        """Number observations above all that were given out before this store was restored.

        In seconds: no entry is observed more often than that. Not a count of restores, which a restore would undo.
        """
        async with self._database.transaction() as connection:
            above = int((await clock(connection) - FIRST_SECOND).total_seconds())
            await upsert(connection, numbering, {"one": 1}, {"above": above})

    async def forget(self, urls: list[str]) -> list[UUID]:
        """Empty the entries with these addresses; returns which they were.

        What stays is a number made from the address, so that feeds that list it do not bring it back.
        """
        nothing = {column.name: None for column in entries.columns if column.nullable}
        async with self._database.transaction() as connection:
            which = select(entries.c.entry_id).where(entries.c.url.in_(urls))
            gone = list((await connection.execute(which)).scalars())
            emptied = update(entries).where(entries.c.entry_id.in_(gone))
            await connection.execute(emptied.values(**nothing, site="", facts={}, state=FORGOTTEN))
            listed = update(feed_entries).where(feed_entries.c.entry_id.in_(gone))
            await connection.execute(listed.values(skipped=FORGOTTEN, entry_id=None))
        return gone


def _anew(now: datetime) -> dict[str, object]:
    return {**validator_columns(None), "body_hash": None, "state": PENDING, "next_at": now}


def _ours(entry: Entry) -> dict[str, UUID]:
    return {"entry_id": entry.entry_id, "lease": entry.lease}


async def _number(connection: Connection, entry: Entry) -> int:
    """Numbers are never used twice: an observation that was lost on its way leaves a hole.

    Validators belong to the newest number. Those of the one before would stay, if this one is published and its commit
    is lost, and a page that then is as it was would count as unchanged.
    """
    number = entry.observations + 1
    said = {"observations": number, **validator_columns(None), "body_hash": None}
    if await change(connection, entries, _ours(entry), said) != 1:
        raise LeaseLost
    return number


def _entry(row: Row[tuple[object, ...]], token: UUID) -> Entry | None:
    """Without validators until the last observation was read: "not modified" would hide a page that nobody has."""
    settings = filled_in(row.settings)
    if settings is None:
        return None
    return Entry(
        entry_id=row.entry_id,
        url=row.url,
        facts=EntryFacts.model_validate(row.facts),
        feed=settings,
        lease=token,
        observations=max(row.observations, row.above),
        attempts=row.attempts,
        postponed=row.postponed,
        visits=row.visits,
        discovered_at=row.discovered_at,
        validators=read_validators(row) if row.understood else None,
        body_hash=row.body_hash if row.understood else None,
        reason=row.reason,
    )
