"""The fetcher's stores in memory: what `store`, `frontier` and `hosts` do in SQL, leases and fences included."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from model.clockwork import Process
from model.database import Database, EntryRow, FeedRow, free

from services.fetcher.errors import HostBusy, LeaseLost
from services.fetcher.hosts.politeness import PATIENCE, HostSlot, penalty, reserve
from services.fetcher.model import Entry, Feed, ParsedEntry, entry_id
from services.fetcher.pages.frontier import Visit, VisitResult
from services.fetcher.polling.store import Poll
from services.fetcher.tables import PENDING, QUEUED
from shared.outcomes import QUARANTINED
from shared.urls import site_of

LEASE = timedelta(seconds=30)


class Feeds:
    def __init__(self, database: Database, process: Process) -> None:
        self.db = database
        self.process = process

    async def lease(self, limit: int) -> Sequence[Feed]:
        with self.db.transaction(self.process) as now:
            token = self.db.token()
            taken = self.due(now)[:limit]
            for each in taken:
                self.put(each, lease=token, lease_until=now + LEASE)
        return [_feed(self.db.feeds[each], each, token) for each in taken]

    def due(self, now: datetime) -> list[UUID]:
        due = [each for each, row in self.db.feeds.items() if row.next_poll_at <= now and free(row, now)]
        return sorted(due, key=lambda each: self.db.feeds[each].next_poll_at)

    async def known(self, feed: UUID, identities: list[str]) -> Mapping[str, str]:
        with self.db.transaction(self.process):
            known = self.db.feed_entries
            return {each: known[feed, each] for each in identities if (feed, each) in known}

    async def commit(self, poll: Poll) -> bool:
        with self.db.transaction(self.process) as now:
            if not self.ours(poll.feed):
                return False
            self.remember(poll, now)
            self.store(poll, now)
        return True

    def remember(self, poll: Poll, now: datetime) -> None:
        self.put(
            poll.feed.feed_id,
            validators=poll.validators,
            body_hash=poll.body_hash,
            content_hash=poll.content_hash,
            rhythm=poll.rhythm,
            standing=poll.standing,
            next_poll_at=now + poll.schedule.wait,
            lease=None,
            lease_until=None,
        )

    def store(self, poll: Poll, now: datetime) -> None:
        if poll.selection is None:
            return
        changed = {each.identity for each in poll.selection.changed}
        for each in (*poll.selection.new, *poll.selection.changed):
            self._store_entry(poll, each, now, changed=each.identity in changed)
            self.db.feed_entries[poll.feed.feed_id, each.identity] = each.fingerprint

    def _store_entry(self, poll: Poll, entry: ParsedEntry, now: datetime, *, changed: bool) -> None:
        url = entry.facts.url or ""
        key = entry_id(entry.facts.url, poll.feed.feed_id, entry.identity)
        known, feed = self.db.entries.get(key), poll.feed.settings
        if known is None:
            row = EntryRow(entry_id=key, url=url, feed=feed, facts=entry.facts, discovered_at=now, next_at=now)
            self.db.entries[key] = row
        elif changed:
            anew = {"state": PENDING, "next_at": now, "attempts": 0, "postponed": 0, "visits": 0}
            _put_entry(self.db, key, **anew, facts=entry.facts, feed=feed, lease=None, lease_until=None)

    async def postpone(self, feed: Feed, until: datetime) -> None:
        with self.db.transaction(self.process):
            if self.ours(feed):
                self.put(feed.feed_id, next_poll_at=until, lease=None, lease_until=None)

    async def put_off(self, feed: Feed, others: tuple[Feed, ...], wait: timedelta) -> None:
        with self.db.transaction(self.process) as now:
            if self.ours(feed):
                self.put(feed.feed_id, next_poll_at=now + wait, lease=None, lease_until=None)
            for each in others:
                if self.db.feeds[each.feed_id].lease is None:
                    self.put(each.feed_id, rhythm=each.rhythm, standing=each.standing, next_poll_at=now + wait)

    async def release(self, feed: Feed) -> None:
        with self.db.transaction(self.process):
            if self.ours(feed):
                self.put(feed.feed_id, lease=None, lease_until=None)

    def ours(self, feed: Feed) -> bool:
        return self.db.feeds[feed.feed_id].lease == feed.lease

    def put(self, feed: UUID, **said: object) -> None:
        self.db.feeds[feed] = replace(self.db.feeds[feed], **said)  # type: ignore[arg-type]


class Frontier:
    nothing_to_compare_with: Mapping[str, None] = {"validators": None, "body_hash": None}

    def __init__(self, database: Database, process: Process) -> None:
        self.db = database
        self.process = process

    async def lease(self, limit: int) -> Sequence[Entry]:
        with self.db.transaction(self.process) as now:
            token = self.db.token()
            taken = self.due(now)[:limit]
            for each in taken:
                self.put(each.entry_id, lease=token, lease_until=now + LEASE)
            return [_entry(each, token, understood=self.understood(each)) for each in taken]

    def due(self, now: datetime) -> list[EntryRow]:
        """Those on hosts that may be asked soon."""
        rows = self.db.entries.values()
        due = [(row.next_at, row) for row in rows if row.next_at is not None and row.next_at <= now and free(row, now)]
        return [row for _, row in sorted(due, key=lambda each: each[0]) if self._askable(row, now)]

    def _askable(self, row: EntryRow, now: datetime) -> bool:
        slot = self.db.hosts.get(site_of(row.url))
        if slot is None:
            return True
        return slot.next_allowed <= now + PATIENCE and (slot.blocked_until is None or slot.blocked_until <= now)

    async def begin(self, entry: Entry, delay: timedelta) -> Visit:
        with self.db.transaction(self.process) as now:
            site = site_of(entry.url or entry.feed.url)
            start, after = _slot(self.db, site, delay, now)
            number = self._number(entry)
            self.db.hosts[site] = after
        return Visit(start=start, wait=start - now, number=number)

    async def number(self, entry: Entry) -> Visit:
        with self.db.transaction(self.process) as now:
            return Visit(start=now, wait=timedelta(0), number=self._number(entry))

    async def holds(self, entry: Entry) -> bool:
        with self.db.transaction(self.process):
            return self.ours(entry)

    def _number(self, entry: Entry) -> int:
        if not self.ours(entry):
            raise LeaseLost
        self.put(entry.entry_id, observations=entry.observations + 1, **self.nothing_to_compare_with)
        return entry.observations + 1

    async def commit(self, result: VisitResult) -> bool:
        with self.db.transaction(self.process) as now:
            if not self.ours(result.entry):
                return False
            self.put(
                result.entry.entry_id,
                validators=result.validators,
                body_hash=result.body_hash,
                state=result.state,
                reason=result.reason,
                attempts=result.attempts,
                postponed=result.postponed,
                visits=result.visits,
                next_at=None if result.next_in is None else now + result.next_in,
                lease=None,
                lease_until=None,
                **({"queued_at": now} if result.state == QUEUED else {}),
            )
        return True

    async def postpone(self, entry: Entry, until: datetime) -> None:
        with self.db.transaction(self.process):
            if self.ours(entry):
                self.put(entry.entry_id, next_at=until, lease=None, lease_until=None)

    async def release(self, entry: Entry) -> None:
        with self.db.transaction(self.process):
            if self.ours(entry):
                self.put(entry.entry_id, lease=None, lease_until=None)

    async def reconcile(self, older_than: timedelta) -> int:
        with self.db.transaction(self.process) as now:
            lost = self.lost(older_than, now)
            for each in lost:
                self.put(each, validators=None, body_hash=None, state=PENDING, next_at=now)
        return len(lost)

    def lost(self, older_than: timedelta, now: datetime) -> list[UUID]:
        old = [row for row in self.db.entries.values() if row.queued_at and row.queued_at < now - older_than]
        return [row.entry_id for row in old if row.state == QUEUED and not self.settled(row) and free(row, now)]

    def settled(self, row: EntryRow) -> bool:
        observation, _ = self.db.outcomes.get(row.entry_id, (-1, ""))
        return observation >= row.observations

    def understood(self, row: EntryRow) -> bool:
        return self.settled(row) and self.db.outcomes[row.entry_id][1] != QUARANTINED

    def ours(self, entry: Entry) -> bool:
        return self.db.entries[entry.entry_id].lease == entry.lease

    def put(self, entry: UUID, **said: object) -> None:
        _put_entry(self.db, entry, **said)


class Hosts:
    def __init__(self, database: Database, process: Process) -> None:
        self.db = database
        self.process = process

    async def reserve(self, site: str, delay: timedelta, patience: timedelta = PATIENCE) -> timedelta:
        with self.db.transaction(self.process) as now:
            start, self.db.hosts[site] = _slot(self.db, site, delay, now, patience)
        return start - now

    follow = reserve

    async def check(self, site: str) -> None:
        with self.db.transaction(self.process) as now:
            slot = self.db.hosts.get(site)
            if slot is not None and slot.blocked_until is not None and slot.blocked_until > now:
                raise HostBusy(slot.blocked_until)

    async def hold(self, site: str, retry_after: timedelta | None) -> datetime:
        with self.db.transaction(self.process) as now:
            slot = self.db.hosts.get(site) or HostSlot(next_allowed=now, delay=timedelta(0))
            self.db.hosts[site] = held = penalty(slot, retry_after, now)
        return held.blocked_until or now


def _put_entry(database: Database, entry: UUID, **said: object) -> None:
    database.entries[entry] = replace(database.entries[entry], **said)  # type: ignore[arg-type]


def _slot(
    database: Database, site: str, delay: timedelta, now: datetime, patience: timedelta = PATIENCE
) -> tuple[datetime, HostSlot]:
    known = database.hosts.get(site) or HostSlot(next_allowed=now, delay=delay)
    start, after = reserve(replace(known, delay=delay), now)
    if start - now > patience:
        raise HostBusy(start)
    return start, after


def _feed(row: FeedRow, feed: UUID, token: UUID) -> Feed:
    return Feed(
        feed_id=feed,
        settings=row.settings,
        lease=token,
        validators=row.validators,
        body_hash=row.body_hash,
        content_hash=row.content_hash,
        rhythm=row.rhythm,
        standing=row.standing,
    )


def _entry(row: EntryRow, token: UUID, *, understood: bool) -> Entry:
    return Entry(
        entry_id=row.entry_id,
        url=row.url,
        facts=row.facts,
        feed=row.feed,
        lease=token,
        observations=row.observations,
        attempts=row.attempts,
        postponed=row.postponed,
        visits=row.visits,
        discovered_at=row.discovered_at,
        validators=row.validators if understood else None,
        body_hash=row.body_hash if understood else None,
        reason=row.reason,
    )
