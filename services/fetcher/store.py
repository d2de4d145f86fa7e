"""Feeds and polls: what is subscribed, what is due, and what one poll found, in one transaction."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import BindParameter, ColumnElement, Row, Select, bindparam, func, not_, or_, select, update

from services.fetcher.feeds import dump_settings, expand, load_settings
from services.fetcher.model import Feed, FeedSettings, ParsedEntry, Rhythm, Timing, Validators, entry_id
from services.fetcher.schedule import Schedule, first_poll_at
from services.fetcher.selection import Selection
from services.fetcher.tables import entries, feed_entries, feeds
from shared.database import Connection, Database, UtcDateTime, clock, lock
from shared.errors import PermanentError
from shared.statements import Excluded, change, insert_new, upsert
from shared.urls import site_of

log = structlog.get_logger()

# Any fixed number that names the lock.
APPLYING = 7_241_906
PENDING = "pending"
QUEUED = "queued"
FORGOTTEN = "forgotten"

KNOWN = select(feed_entries.c.identity, feed_entries.c.fingerprint).where(
    feed_entries.c.feed_id == bindparam("feed"), feed_entries.c.identity.in_(bindparam("identities", expanding=True))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one poll changes. `selection` is None when nothing new was read (304, the same body, a failure)."""

    feed: Feed
    schedule: Schedule
    rhythm: Rhythm
    validators: Validators | None
    body_hash: str | None
    selection: Selection | None = None
    timing: Timing | None = None


class FeedStore:
    """Feeds in the database. Leases expire by the database's clock; every write shows the lease's token."""

    def __init__(self, database: Database, *, lease: timedelta) -> None:
        self._database = database
        self._lease = lease

    async def apply(self, source: str, wanted: Sequence[FeedSettings]) -> int:
        """Make `source` hold exactly these feeds: new ones are due within their shortest interval, missing ones rest.

        A feed keeps its state when its settings change, and when it comes back. Returns how many are active.
        """
        async with self._database.transaction() as connection:
            # A new feed has two unique keys, and an upsert waits for one of them: fetchers may start together.
            await lock(connection, APPLYING)
            now = await clock(connection)
            keep = [each.feed_id for each in wanted]
            resting = update(feeds).where(feeds.c.source == source, feeds.c.feed_id.not_in(keep)).values(active=False)
            await connection.execute(resting)
            # In one order everywhere: two fetchers that start together must not wait for each other.
            for settings in sorted(wanted, key=lambda each: each.feed_id):
                # A quarter of a second a feed: a dozen start at once, an imported ten thousand do not fall on the net.
                spread = min(settings.bounds.shortest, timedelta(seconds=len(wanted) / 4))
                await self._upsert(connection, source, settings, first_poll_at(settings.feed_id, now, spread))
        return len(wanted)

    async def _upsert(self, connection: Connection, source: str, settings: FeedSettings, due: datetime) -> None:
        said = {"source": source, "active": True, "settings": dump_settings(settings)}
        once = {
            "url": settings.url,
            "site": site_of(settings.url),
            "rhythm": dump_rhythm(Rhythm()),
            "next_poll_at": due,
        }
        await upsert(connection, feeds, {"feed_id": settings.feed_id}, said, once=once)

    async def lease(self, limit: int) -> list[Feed]:
        """At most `limit` feeds that are due, now ours until the lease ends."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            rows = (await connection.execute(DUE, {"now": now, "limit": limit})).all()
            token = uuid4()
            if rows:
                taken = update(feeds).where(feeds.c.feed_id.in_([row.feed_id for row in rows]))
                await connection.execute(taken.values(lease=token, lease_until=now + self._lease))
        return [feed for row in rows if (feed := _feed(row, token, now))]

    async def known(self, feed: UUID, identities: Iterable[str]) -> Mapping[str, str]:
        """Identity → fingerprint of the entries that were seen before."""
        which = {"feed": feed, "identities": list(identities)}
        async with self._database.snapshot() as connection:
            return {row.identity: row.fingerprint for row in await connection.execute(KNOWN, which)}

    async def commit(self, poll: Poll) -> bool:
        """Store the entries, the validators, the body hash and the next poll together; False when the lease was lost.

        Together, because a validator that is stored ahead of the entries it covers hides them behind the next 304.
        """
        async with self._database.transaction() as connection:
            now = await clock(connection)
            if not await self._release(connection, poll, now):
                return False
            if poll.selection is not None:
                await self._store_selection(connection, poll.feed, poll.selection, now)
        return True

    async def postpone(self, feed: Feed, until: datetime) -> None:
        """Hand the feed back until `until`; nothing else about it changes."""
        async with self._database.transaction() as connection:
            await change(connection, feeds, _ours(feed), {"next_poll_at": until, "lease": None, "lease_until": None})

    async def release(self, feed: Feed) -> None:
        """Hand the feed back as it was taken: it is due, and anyone's."""
        async with self._database.transaction() as connection:
            await change(connection, feeds, _ours(feed), {"lease": None, "lease_until": None})

    async def _release(self, connection: Connection, poll: Poll, now: datetime) -> bool:
        said = {
            **validator_columns(poll.validators),
            "body_hash": poll.body_hash,
            "rhythm": dump_rhythm(poll.rhythm),
            "why": [[name, seconds] for name, seconds in poll.schedule.terms],
            "polled_at": now,
            "next_poll_at": now + poll.schedule.wait,
            "lease": None,
            "lease_until": None,
        }
        return await change(connection, feeds, _ours(poll.feed), said) == 1

    async def _store_selection(self, connection: Connection, feed: Feed, selection: Selection, now: datetime) -> None:
        changed = frozenset(each.identity for each in selection.changed)
        for entry in await self._to_visit(connection, feed, selection):
            await self._store_entry(connection, feed, entry, now, changed=entry.identity in changed)
            await self._remember(connection, feed, entry, now, skipped=None)
        for skip in selection.skipped:
            await self._remember(connection, feed, skip.entry, now, skipped=skip.reason)

    async def _to_visit(self, connection: Connection, feed: Feed, selection: Selection) -> list[ParsedEntry]:
        """What is new or changed, without what was forgotten.

        In one order everywhere: feeds of one site list the same pages, and two polls must not wait for each other.
        """
        left_out = await _forgotten(connection, feed) if selection.changed else frozenset()
        wanted = (each for each in (*selection.new, *selection.changed) if each.identity not in left_out)
        return sorted(wanted, key=lambda each: entry_id(each.facts.url, feed.feed_id, each.identity))

    async def _store_entry(
        self, connection: Connection, feed: Feed, entry: ParsedEntry, now: datetime, *, changed: bool
    ) -> None:
        """A new entry is due at once, unless another feed listed its address before: feeds share one download.

        One that changed is looked at again. A visit that is under way does not know that yet: it loses its lease.
        """
        said = {
            "facts": entry.facts.model_dump(mode="json", exclude_none=True),
            "feed_id": feed.feed_id,
            "state": PENDING,
            "next_at": now,
            "attempts": 0,
            "postponed": 0,
            "visits": 0,
            "lease": None,
            "lease_until": None,
        }
        once = {
            "url": entry.facts.url,
            "site": site_of(entry.facts.url or feed.settings.url),
            "discovered_at": now,
        }
        key = {"entry_id": entry_id(entry.facts.url, feed.feed_id, entry.identity)}
        if changed:
            await upsert(connection, entries, key, said, once=once, where=_is_remembered)
        else:
            await insert_new(connection, entries, {**key, **said, **once})

    async def _remember(
        self, connection: Connection, feed: Feed, entry: ParsedEntry, now: datetime, *, skipped: str | None
    ) -> None:
        key = {"feed_id": feed.feed_id, "identity": entry.identity}
        page = None if skipped else entry_id(entry.facts.url, feed.feed_id, entry.identity)
        said = {"fingerprint": entry.fingerprint, "entry_id": page, "skipped": skipped}
        await upsert(connection, feed_entries, key, said, once={"first_seen_at": now})

    async def unpolled(self) -> int:
        """Active feeds that were never polled."""
        count = select(func.count()).select_from(feeds).where(feeds.c.active, feeds.c.polled_at.is_(None))
        async with self._database.snapshot() as connection:
            return int((await connection.execute(count)).scalar_one())


async def _forgotten(connection: Connection, feed: Feed) -> frozenset[str]:
    forgotten = select(feed_entries.c.identity).where(
        feed_entries.c.feed_id == feed.feed_id, feed_entries.c.skipped == FORGOTTEN
    )
    return frozenset((await connection.execute(forgotten)).scalars())


def _is_remembered(_said: Excluded) -> ColumnElement[bool]:
    return entries.c.state != FORGOTTEN


def _ours(feed: Feed) -> dict[str, UUID]:
    return {"feed_id": feed.feed_id, "lease": feed.lease}


def free(lease_until: ColumnElement[datetime | None], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(lease_until.is_(None), lease_until < now)


def _due() -> Select[*tuple[Any, ...]]:
    """The first `limit` active feeds that are due `now` and that nobody holds."""
    now = bindparam("now", type_=UtcDateTime)
    return (
        select(feeds)
        .where(feeds.c.active, not_(feeds.c.paused), feeds.c.same_as.is_(None))
        .where(feeds.c.next_poll_at <= now, free(feeds.c.lease_until, now))
        .order_by(feeds.c.next_poll_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )


DUE = _due()


def validator_columns(validators: Validators | None) -> dict[str, str | None]:
    if validators is None:
        return {"etag": None, "last_modified": None, "validators_url": None}
    return {
        "etag": validators.etag,
        "last_modified": validators.last_modified,
        "validators_url": validators.url,
    }


def read_validators(row: Row[tuple[object, ...]]) -> Validators | None:
    if row.validators_url is None:
        return None
    return Validators(url=row.validators_url, etag=row.etag, last_modified=row.last_modified)


def dump_rhythm(rhythm: Rhythm) -> dict[str, object]:
    return {
        "gaps": list(rhythm.gaps),
        "newest": rhythm.newest.isoformat() if rhythm.newest else None,
        "failures": rhythm.failures,
        "polls": rhythm.polls,
        "ttl": rhythm.ttl.total_seconds() if rhythm.ttl else None,
    }


def read_rhythm(stored: Mapping[str, Any]) -> Rhythm:
    return Rhythm(
        gaps=tuple(stored["gaps"]),
        newest=datetime.fromisoformat(stored["newest"]) if stored["newest"] else None,
        failures=stored["failures"],
        polls=stored["polls"],
        ttl=timedelta(seconds=stored["ttl"]) if stored["ttl"] else None,
    )


def filled_in(stored: Mapping[str, object]) -> FeedSettings | None:
    """The settings as they are used; None, with a line in the log, while a variable that they name is not set."""
    try:
        return expand(load_settings(stored), os.environ)
    except PermanentError as error:
        log.warning("feed_unusable", reason=error.reason, detail=error.detail)
        return None


def _feed(row: Row[tuple[object, ...]], token: UUID, now: datetime) -> Feed | None:
    settings = filled_in(row.settings)
    if settings is None:
        return None
    return Feed(
        feed_id=row.feed_id,
        settings=settings,
        lease=token,
        validators=read_validators(row),
        body_hash=row.body_hash,
        rhythm=read_rhythm(row.rhythm),
        pushed=row.pushed_until is not None and row.pushed_until > now,
    )
