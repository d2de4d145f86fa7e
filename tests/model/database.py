"""The model's database: rows, the faults it may meet, and the locks of its transactions."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from model.clockwork import Clockwork, Process

from services.fetcher.hosts.politeness import HostSlot
from services.fetcher.model import FeedSettings, Rhythm, Standing, Validators
from services.fetcher.tables import PENDING
from services.processor.model import Revised, Stored
from shared.envelope import Message
from shared.errors import StoreUnavailable, TransientError
from shared.messages import EntryFacts


class StoreFault(Enum):
    """What the next transaction meets. The second is the worse one: it is committed, and nobody knows."""

    REFUSED = "refused"
    NO_ANSWER = "committed without an answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    settings: FeedSettings
    next_poll_at: datetime
    rhythm: Rhythm = field(default_factory=Rhythm)
    standing: Standing = field(default_factory=Standing)
    validators: Validators | None = None
    body_hash: str | None = None
    content_hash: str | None = None
    lease: UUID | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    entry_id: UUID
    url: str
    feed: FeedSettings
    facts: EntryFacts
    discovered_at: datetime
    next_at: datetime | None
    state: str = PENDING
    reason: str | None = None
    attempts: int = 0
    postponed: int = 0
    visits: int = 0
    observations: int = 0
    queued_at: datetime | None = None
    validators: Validators | None = None
    body_hash: str | None = None
    lease: UUID | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow:
    stored: Stored
    withdrawn: bool
    observed_at: datetime
    observed_by: UUID
    observation: int
    observed_as: str
    hashes: Revised


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRow:
    article_id: UUID
    number: int
    event_id: UUID
    text_hash: str
    headline_hash: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    raw_id: UUID
    entry_id: UUID
    verdict: str
    article_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    event_id: UUID
    verb: str
    routing_key: str
    message: Message
    confirmed: bool = False
    lease: UUID | None = None
    lease_until: datetime | None = None


class Locks:
    """Advisory and row locks, held to the end of a transaction; who would close a circle of waiting is refused."""

    def __init__(self) -> None:
        self._owners: dict[str, object] = {}
        self._waiting: dict[object, str] = {}
        self._freed: Mapping[str, list[asyncio.Future[None]]] = defaultdict(list)

    async def take(self, owner: object, name: str) -> None:
        while self._owners.get(name, owner) is not owner:
            if self._waits_for(self._owners[name], owner):
                raise TransientError("store_conflict")
            freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._freed[name].append(freed)
            self._waiting[owner] = name
            try:
                await freed
            finally:
                del self._waiting[owner]
        self._owners[name] = owner

    def release(self, owner: object) -> None:
        for name in [name for name, held_by in self._owners.items() if held_by is owner]:
            del self._owners[name]
            for each in self._freed[name]:
                if not each.done():
                    each.set_result(None)
            self._freed[name].clear()

    def _waits_for(self, one: object, other: object) -> bool:
        while (name := self._waiting.get(one)) is not None and name in self._owners:
            one = self._owners[name]
            if one is other:
                return True
        return one is other


@dataclass(slots=True)
class Database:
    """Tables by key. Rows are values: a transaction puts new ones in their place."""

    loop: Clockwork
    feeds: dict[UUID, FeedRow] = field(default_factory=dict)
    entries: dict[UUID, EntryRow] = field(default_factory=dict)
    feed_entries: dict[tuple[UUID, str], str] = field(default_factory=dict)
    hosts: dict[str, HostSlot] = field(default_factory=dict)
    outcomes: dict[UUID, tuple[int, str]] = field(default_factory=dict)
    articles: dict[UUID, ArticleRow] = field(default_factory=dict)
    revisions: dict[tuple[UUID, int], RevisionRow] = field(default_factory=dict)
    addresses: dict[str, UUID] = field(default_factory=dict)
    inbox: dict[UUID, InboxRow] = field(default_factory=dict)
    outbox: dict[UUID, OutboxRow] = field(default_factory=dict)
    quarantine: dict[UUID, Message] = field(default_factory=dict)
    settled: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    faults: list[StoreFault] = field(default_factory=list)
    locks: Locks = field(default_factory=Locks)
    _tokens: int = 0

    @property
    def now(self) -> datetime:
        return self.loop.now

    def token(self) -> UUID:
        self._tokens += 1
        return UUID(int=self._tokens)

    @contextmanager
    def transaction(self, process: Process) -> Iterator[datetime]:
        """All of the block or nothing: it must raise before it writes, and it must not await."""
        process.check()
        fault = self.faults.pop(0) if self.faults else None
        if fault is StoreFault.REFUSED:
            raise StoreUnavailable(fault.value)
        yield self.now
        if fault is StoreFault.NO_ANSWER:
            raise StoreUnavailable(fault.value)

    def record(self, entry: UUID, observation: int, outcome: str) -> None:
        """As `shared.outcomes.record`: an older observation changes nothing."""
        known = self.outcomes.get(entry)
        if known is None or known[0] <= observation:
            self.outcomes[entry] = (observation, outcome)


def free(row: Any, now: datetime) -> bool:
    return row.lease_until is None or row.lease_until < now
