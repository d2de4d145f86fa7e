"""The processor's stores in memory: what `store`, `ledger`, `outbox` and `quarantine` do in SQL, locks included."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from model.clockwork import Process
from model.database import ArticleRow, Database, InboxRow, OutboxRow, RevisionRow, StoreFault, free

from services.processor import ledger as product
from services.processor.model import Article, Decision, Known, Places, Revised, Stored, Twin
from services.processor.outbox import Pending
from services.processor.quarantine import Quarantine as RealQuarantine
from shared.broker.protocols import Delivery, Publisher
from shared.errors import StoreUnavailable
from shared.events import ArticleEvent, Verb
from shared.messages import ObservationKind, RawPage, decode_raw_page
from shared.outcomes import QUARANTINED
from shared.urls import site_of

LEASE = timedelta(seconds=30)


class Store:
    def __init__(self, database: Database, process: Process) -> None:
        self.db = database
        self.process = process

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[product.Ledger]:
        """What the block writes is there all at once when it ends, and never when it raises."""
        self.process.check()
        fault = self.db.faults.pop(0) if self.db.faults else None
        if fault is StoreFault.REFUSED:
            raise StoreUnavailable(fault.value)
        ledger = self.ledger()
        try:
            yield cast("product.Ledger", ledger)
            self.process.check()
            ledger.commit()
        finally:
            self.db.locks.release(ledger)
        if fault is StoreFault.NO_ANSWER:
            raise StoreUnavailable(fault.value)

    async def standing(self, _places: Places) -> frozenset[str]:
        return frozenset()

    def ledger(self) -> "Ledger":
        return Ledger(self.db)


class Ledger:
    """Reads what is committed and its own addresses; everything else it writes is read only by later transactions."""

    def __init__(self, database: Database) -> None:
        self.db = database
        self._writes: list[Callable[[], None]] = []
        self._added: dict[str, UUID] = {}
        self.now = database.now

    def commit(self) -> None:
        for write in self._writes:
            write()

    async def seen(self, raw_id: UUID) -> bool:
        row = self.db.inbox.get(raw_id)
        return row is not None and row.verdict != QUARANTINED

    async def lock(self, places: Places, text_hashes: Collection[str]) -> None:
        names = {f"key:{url}" for url in places.all} | {f"text:{text_hash}" for text_hash in text_hashes}
        for name in sorted(names):
            await self.db.locks.take(self, name)

    async def forgotten(self, places: Places) -> bool:
        return False

    async def live_elsewhere(self, article: UUID, entry: UUID) -> bool:
        others = {row.entry_id for row in self.db.inbox.values() if row.article_id == article} - {entry}
        outcomes = [self.db.outcomes[each][1] for each in others if each in self.db.outcomes]
        return any(each not in product.OUTCOMES_OF_GONE for each in outcomes)

    async def gone_since(self, entry: UUID, observation: int) -> bool:
        newest, outcome = self.db.outcomes.get(entry, (0, ""))
        return newest > observation and outcome in product.OUTCOMES_OF_GONE

    async def address_known(self, url: str) -> bool:
        return url in self.db.addresses

    async def known(self, places: Places) -> Known | None:
        for url in places.own:
            if (article := self.db.addresses.get(url)) is not None:
                await self.db.locks.take(self, f"article:{article}")
                return _known(self.db.articles[article])
        return None

    async def twin(self, article: Article) -> Twin | None:
        rows = [row for row in self.db.revisions.values() if row.text_hash in article.text_hashes]
        if not rows:
            return None
        first = min(rows, key=lambda row: row.created_at)
        found = self.db.articles[first.article_id]
        return Twin(
            article_id=first.article_id,
            story_id=found.stored.story_id,
            url=found.stored.url,
            site=site_of(found.stored.url),
            headline_hash=first.headline_hash,
            withdrawn=found.withdrawn,
        )

    async def stored(self, article: UUID) -> Stored:
        await self.db.locks.take(self, f"article:{article}")
        return self.db.articles[article].stored

    async def urls(self, article: UUID) -> tuple[str, ...]:
        return tuple(url for url, owner in (self.db.addresses | self._added).items() if owner == article)

    async def add_addresses(self, article: UUID, urls: Iterable[str]) -> None:
        new = {url: article for url in urls if url not in self.db.addresses}
        self._added |= new
        self._writes.append(lambda: self.db.addresses.update(new))

    async def confirm(self, article: UUID, page: RawPage) -> None:
        def write() -> None:
            row = self.db.articles[article]
            same = row.observed_by == page.entry_id
            if (row.observation < page.observation) if same else (row.observed_at < page.observed_at):
                self.db.articles[article] = _seen(row, page)

        self._writes.append(write)

    async def rebaseline(self, article: UUID, page: RawPage, revised: Revised) -> None:
        def write() -> None:
            row = _seen(self.db.articles[article], page)
            self.db.articles[article] = replace(row, hashes=revised)
            key = (article, row.stored.revision)
            revision = self.db.revisions[key]
            self.db.revisions[key] = replace(revision, text_hash=revised.text_hash, headline_hash=revised.headline_hash)

        self._writes.append(write)

    async def publish(self, event: ArticleEvent, page: RawPage, revised: Revised) -> None:
        row, revision = _article(event, page, revised), _revision(event, revised, self.now)
        pending = _pending(event, self.named(event, revised))

        def write() -> None:
            self.db.articles[event.data.article_id] = row
            key = (event.data.article_id, event.data.revision)
            assert key not in self.db.revisions, f"revision {key} is written twice"
            self.db.revisions[key] = revision
            self.put(pending)

        self._writes.append(write)

    def named(self, event: ArticleEvent, _revised: Revised) -> UUID:
        return event.event_id

    def put(self, pending: OutboxRow) -> None:
        assert pending.event_id not in self.db.outbox, f"event {pending.event_id} is written twice"
        self.db.outbox[pending.event_id] = pending

    async def settle(self, page: RawPage, decision: Decision, article: UUID | None, event: ArticleEvent | None) -> None:
        verdict = decision.verdict.value
        row = InboxRow(raw_id=page.raw_id, entry_id=page.entry_id, verdict=verdict, article_id=article)

        def write() -> None:
            known = self.db.inbox.get(page.raw_id)
            if known is None or known.verdict == QUARANTINED:
                self.db.inbox[page.raw_id] = row
            self.db.settled[page.raw_id] += 1
            self.db.record(page.entry_id, page.observation, decision.reason)

        self._writes.append(write)

    async def remember_lines(self, _subject: UUID, _article: Article) -> None:
        """No text of the model has lines."""


class Outbox:
    def __init__(self, database: Database, process: Process) -> None:
        self.db = database
        self.process = process

    def due(self, now: datetime) -> list[OutboxRow]:
        return [row for row in self.db.outbox.values() if not row.confirmed and free(row, now)]

    async def take(self, limit: int) -> tuple[UUID, Sequence[Pending]]:
        with self.db.transaction(self.process) as now:
            token, rows = self.db.token(), self.due(now)[:limit]
            for row in rows:
                self.db.outbox[row.event_id] = replace(row, lease=token, lease_until=now + LEASE)
        return token, [_taken(row) for row in rows]

    async def confirm(self, token: UUID, events: Sequence[UUID]) -> None:
        self._end(token, events, confirmed=True)

    async def release(self, token: UUID, events: Sequence[UUID]) -> None:
        self._end(token, events, confirmed=False)

    async def oldest_age(self) -> timedelta:
        return timedelta(0)

    def _end(self, token: UUID, events: Sequence[UUID], *, confirmed: bool) -> None:
        with self.db.transaction(self.process):
            ours = [row for each in events if (row := self.db.outbox[each]).lease == token]
            for row in ours:
                self.db.outbox[row.event_id] = replace(row, confirmed=confirmed, lease=None, lease_until=None)


class Quarantine(RealQuarantine):
    """The real one but for its table."""

    def __init__(self, database: Database, process: Process, publisher: Publisher) -> None:
        super().__init__(None, publisher)  # type: ignore[arg-type]
        self.db = database
        self.process = process

    async def _keep(self, delivery: Delivery) -> None:
        page = decode_raw_page(delivery.message)
        with self.db.transaction(self.process):
            self.db.quarantine.setdefault(page.raw_id, delivery.message)
            if page.raw_id not in self.db.inbox:
                row = InboxRow(raw_id=page.raw_id, entry_id=page.entry_id, verdict=QUARANTINED)
                self.db.inbox[page.raw_id] = row
                self.db.record(page.entry_id, page.observation, QUARANTINED)


def _known(row: ArticleRow) -> Known:
    return Known(
        article_id=row.stored.article_id,
        revision=row.stored.revision,
        withdrawn=row.withdrawn,
        entry_id=row.observed_by,
        number=row.observation,
        observed_at=row.observed_at,
        observed_as=cast("ObservationKind", row.observed_as),
        text_hash=row.hashes.text_hash,
        full_hash=row.hashes.full_hash,
        headline_hash=row.hashes.headline_hash,
        extractor=row.hashes.extractor,
        story_id=row.stored.story_id,
    )


def _article(event: ArticleEvent, page: RawPage, revised: Revised) -> ArticleRow:
    data = event.data
    stored = Stored(
        article_id=data.article_id,
        url=data.url,
        host=data.site.host,
        site_name=data.site.name,
        headline=data.headline,
        language=data.language.code,
        language_confidence=data.language.confidence,
        story_id=data.story.id,
        role=data.story.role,
        revision=data.revision,
    )
    return ArticleRow(
        stored=stored,
        withdrawn=revised.withdrawn,
        observed_at=page.observed_at,
        observed_by=page.entry_id,
        observation=page.observation,
        observed_as=page.kind,
        hashes=revised,
    )


def _seen(row: ArticleRow, page: RawPage) -> ArticleRow:
    return replace(row, observed_at=page.observed_at, observed_by=page.entry_id, observation=page.observation)


def _revision(event: ArticleEvent, revised: Revised, now: datetime) -> RevisionRow:
    return RevisionRow(
        article_id=event.data.article_id,
        number=event.data.revision,
        event_id=event.event_id,
        text_hash=revised.text_hash,
        headline_hash=revised.headline_hash,
        created_at=now,
    )


def _pending(event: ArticleEvent, name: UUID) -> OutboxRow:
    message = replace(event.message(), message_id=str(name))
    return OutboxRow(event_id=name, verb=event.verb, routing_key=event.routing_key, message=message)


def _taken(row: OutboxRow) -> Pending:
    verb = cast("Verb", row.verb)
    return Pending(event_id=row.event_id, verb=verb, routing_key=row.routing_key, message=row.message)
