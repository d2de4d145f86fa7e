"""What becomes of one raw page.

    receive (unacked)
    which lines stand on the host          (a read of its own)
    extract and fingerprint in a worker process
    BEGIN
      seen before?                         → nothing more to do
      article by its stored addresses, the first article with the same text
      decide: published | updated | copied | withdrawn | a reason why there is no event
      store article, revision, addresses, the event in the outbox, the outcome of the entry
    COMMIT
    ack                                    (the broker's part, after we return)

The handler orchestrates; what it means is decided in `decision`, what a failure means in `shared.delivery`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from services.processor.ledger import Ledger
from services.processor.model import (
    Article,
    Decision,
    Extracted,
    NotAnArticle,
    Places,
    Source,
)
from services.processor.settling import settle
from shared import metrics
from shared.broker.protocols import Delivery
from shared.delivery import Ack, judge
from shared.delivery import Verdict as BrokerVerdict
from shared.errors import PipelineError, Unavailable
from shared.events import ArticleEvent
from shared.messages import RawPage, decode_raw_page
from shared.steps import Step, reached, step
from shared.topology import RAW_WORK
from shared.waiting import waiting
from shared.workers import WorkerLost

log = structlog.get_logger()

Extract = Callable[[Source], Awaitable[Extracted]]


class Store(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Ledger]: ...
    async def standing(self, places: Places) -> frozenset[str]: ...


class Handler:
    """RawPage → outcome. `committed` is called after each commit that put an event in the outbox."""

    def __init__(self, store: Store, extract: Extract, committed: Callable[[], None]) -> None:
        self._store = store
        self._extract = extract
        self._committed = committed
        self._alone = asyncio.Lock()

    async def handle(self, delivery: Delivery) -> BrokerVerdict:
        """The broker's verdict on one delivery; never raises for a failure that the pipeline knows."""
        try:
            page = decode_raw_page(delivery.message)
            with metrics.stage.labels(stage="process").time():
                await self._process(page)
        except Exception as error:  # noqa: BLE001 - judge() has a verdict on every error, unknown ones included
            return _failed(error, delivery)
        metrics.deliveries.labels(verdict="ack").inc()
        return Ack()

    async def _process(self, page: RawPage) -> None:
        extracted = await self._extracted(page)
        article = extracted if isinstance(extracted, Article) else None
        places = _places(page, article)
        async with self._store.begin() as ledger:
            # First: a page may be delivered again while the first delivery is at work.
            await ledger.lock(places, article.text_hashes if article else ())
            if await ledger.seen(page.raw_id):
                log.info("observation_repeated", raw_id=str(page.raw_id))
                return
            decision, event = await settle(ledger, page, extracted, places)
            await reached(Step.PAGE_SETTLE, "before")
        await reached(Step.PAGE_SETTLE, "after")
        if event is not None:
            self._committed()
        _report(page, decision, event)

    async def _extracted(self, page: RawPage) -> Extracted | None:
        if page.kind in {"gone", "unchanged"}:
            return None
        standing = await self._store.standing(_places(page, None))
        extracted = await step(Step.PAGE_EXTRACT, self._extract_patiently(_source(page, standing)))
        if isinstance(extracted, NotAnArticle) and page.no_page_reason:
            # The feed's own text was all there is: what kept us from the page is the reason worth recording.
            return NotAnArticle(reason=page.no_page_reason, detail=extracted.reason)
        return extracted

    async def _extract_patiently(self, source: Source) -> Extracted:
        try:
            return await self._extract(source)
        except WorkerLost:
            # Once more, one suspect at a time, so that two heavy pages cannot take the memory from each other.
            async with self._alone:
                return await self._extract(source)


def _source(page: RawPage, standing: frozenset[str]) -> Source:
    said = page.entry.content or page.entry.summary or ""
    fetched = page.kind == "fetched"
    return Source(
        kind=page.kind,
        url=_places(page, None).own[-1],
        body=page.body if fetched else said.encode(),
        content_type=page.response.content_type if page.response and fetched else None,
        entry=page.entry,
        feed_language=page.feed.language,
        section=page.feed.section,
        standing=standing,
    )


def _places(page: RawPage, article: Article | None) -> Places:
    """Asked for first, answered last; an entry without an address is known by its own id.

    Where no article stands at the address that answered, many may have led there: to the home page, to a way in.
    """
    asked = page.entry.url or f"urn:fildactu:entry:{page.entry_id}"
    is_there = not (article and article.page_verdict)
    answered = page.response.final_url if page.response and is_there else asked
    return Places(own=tuple(dict.fromkeys((asked, answered))), canonical=article.canonical_url if article else None)


def _failed(error: Exception, delivery: Delivery) -> BrokerVerdict:
    verdict = judge(error, delivery.attempt)
    name = type(verdict).__name__.lower()
    metrics.deliveries.labels(verdict=name).inc()
    facts = {"raw_id": delivery.message.message_id, "verdict": name, "attempt": delivery.attempt}
    if isinstance(error, Unavailable):
        # Nothing is wrong with the page, and all that are at work meet the same.
        waiting.met(RAW_WORK, error)
        log.debug("observation_interrupted", **facts, reason=str(error)[:300])
    elif isinstance(error, PipelineError):
        log.warning("observation_failed", **facts, reason=str(error)[:300])
    else:
        log.error("observation_failed", **facts, reason=repr(error)[:300], exc_info=error)
    return verdict


def _report(page: RawPage, decision: Decision, event: ArticleEvent | None) -> None:
    metrics.observations.labels(verdict=decision.verdict.value).inc()
    facts = {"event_id": str(event.event_id), "routing_key": event.routing_key} if event else {}
    log.info(
        f"article_{decision.verdict.value}" if event else "observation_settled",
        url=page.entry.url,
        raw_id=str(page.raw_id),
        reason=decision.reason,
        rule=decision.rule,
        **facts,
    )
