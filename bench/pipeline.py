"""Articles per second: a bare extraction loop, the embedded pipeline, and the processor through RabbitMQ.

All three see the same pages in the same run, with as many extraction processes. Each is measured from its
`WARM_UP`-th result on, so that starting processes counts for none of them.
"""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from uuid import uuid4

import aio_pika
import uvloop
from rabbitmq_node import RabbitNode, find_sbin
from trafilatura import bare_extraction
from trafilatura.settings import Document

from bench.clock import Clock, rate
from bench.report import report, spread
from bench.site import Page, Site, site
from services.fetcher.__main__ import MIGRATIONS as FETCHER
from services.fetcher.__main__ import build as build_fetcher
from services.fetcher.config import FetcherSettings
from services.fetcher.model import Bounds, FeedSettings
from services.processor.__main__ import MIGRATIONS as PROCESSOR
from services.processor.__main__ import build as build_processor
from services.processor.config import ProcessorSettings
from shared import logs
from shared.broker import apply_topology, connect
from shared.broker.protocols import Broker, Delivery
from shared.database import Database
from shared.delivery import Ack
from shared.lifecycle import Stop
from shared.messages import EntryFacts, FeedFacts, RawPage, ResponseFacts, raw_id
from shared.migrations import migrate
from shared.topology import ARTICLE_EVENTS, ARTICLE_HISTORY, RAW_IN, RAW_KEY, topology


def warm_up() -> None:
    bare_extraction("<html><body><p>Warm-up</p></body></html>")


def extract_bare(body: bytes) -> int:
    """Trafilatura with the options that the processor uses on these pages, and nothing around it."""
    found = bare_extraction(body, favor_precision=True, include_comments=False, with_metadata=False)
    return len(found.text or "") if isinstance(found, Document) else 0


def bare(pages: Sequence[Page], workers: int) -> float:
    """The loop to compare with: pages in memory, results thrown away."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=warm_up) as pool:
        times = []
        for future in as_completed([pool.submit(extract_bare, page.body) for page in pages]):
            future.result()
            times.append(time.perf_counter())
    return rate(times)


async def embedded(served: Site, workers: int) -> float:
    """Everything: poll, robots, download, extract, decide, commit to SQLite, publish in the process."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(scratch())
        broker = await stack.enter_async_context(connect("inprocess:", topology()))
        fetcher = await stack.enter_async_context(build_fetcher(fast(served), database=database, broker=broker))
        processor = await stack.enter_async_context(
            build_processor(ProcessorSettings(workers=workers), database=database, broker=broker)
        )
        hourly = Bounds(shortest=timedelta(hours=1), longest=timedelta(hours=1))
        await fetcher.catalogue.apply("bench", [FeedSettings(url=url, name=url, bounds=hourly) for url in served.feeds])
        clock, stop = Clock(served.articles), Stop()
        async with running(stop, count(broker, clock), processor.run(stop), fetcher.run(stop)):
            await asyncio.wait_for(clock.done.wait(), 600)
    return clock.rate


async def through_rabbitmq(pages: Sequence[Page], workers: int, url: str) -> float:
    """The processor alone: raw pages wait in `raw.work`, events are counted at a queue bound to all of them."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(scratch())
        broker = await stack.enter_async_context(connect(url, topology()))
        processor = await stack.enter_async_context(
            build_processor(ProcessorSettings(workers=workers), database=database, broker=broker)
        )
        for page in pages:
            await broker.publish(RAW_IN, RAW_KEY, raw_page(page).message())
        clock, stop = Clock(len(pages)), Stop()
        await stack.enter_async_context(subscribed(url, clock))
        async with running(stop, processor.run(stop)):
            await asyncio.wait_for(clock.done.wait(), 600)
    return clock.rate


@asynccontextmanager
async def subscribed(url: str, clock: Clock) -> AsyncIterator[None]:
    """A queue bound to every event: what a subscriber gets, when it gets it."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("sub.bench", durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(ARTICLE_EVENTS, "article.#")

        async def tick(_message: aio_pika.abc.AbstractIncomingMessage) -> None:
            clock.tick()

        await queue.consume(tick, no_ack=True)
        yield


async def count(broker: Broker, clock: Clock) -> None:
    async def tick(_delivery: Delivery) -> Ack:
        clock.tick()
        return Ack()

    await broker.consume(ARTICLE_HISTORY, tick, concurrency=1, ready=_always)


async def _always() -> None:
    return


@asynccontextmanager
async def running(stop: Stop, *loops: object) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(each) for each in loops]  # type: ignore[call-overload]
    try:
        yield
    finally:
        stop.set()
        for task in tasks[:1]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def scratch() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/bench.db")
        await migrate(database, FETCHER, PROCESSOR)
        try:
            yield database
        finally:
            await database.close()


def fast(served: Site) -> FetcherSettings:
    """No courtesy towards our own sample site, and no second looks."""
    return FetcherSettings(
        resolve=served.resolve,
        allowed_networks=("127.0.0.0/8",),
        page_delay_seconds=0,
        per_host=64,
        downloaders=16,
        idle_seconds=0.5,
        revisit_after_seconds=(),
    )


def raw_page(page: Page) -> RawPage:
    entry = uuid4()
    now = datetime.now(UTC)
    return RawPage(
        raw_id=raw_id(entry, 1),
        entry_id=entry,
        observation=1,
        kind="fetched",
        observed_at=now,
        feed=FeedFacts(url="http://bulk.example/feed/1.xml", name="Bulk"),
        entry=EntryFacts(identity=page.url, url=page.url, title=page.title, published=now),
        response=ResponseFacts(requested_url=page.url, final_url=page.url, status=200, content_type=page.content_type),
        body=page.body,
    )


async def main(options: argparse.Namespace) -> None:
    logs.configure(service="bench", level="error")
    figures: dict[str, list[float]] = {"bare trafilatura": [], "embedded pipeline": [], "processor, RabbitMQ": []}
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(site(options.articles, options.page_bytes))
        pages = await served.pages()
        node = private_node(stack)
        for _round in range(options.rounds):
            figures["bare trafilatura"].append(await asyncio.to_thread(bare, pages, options.workers))
            figures["embedded pipeline"].append(await embedded(served, options.workers))
            if node is not None:
                url = node.fresh_url()
                await apply_topology(url, topology())
                figures["processor, RabbitMQ"].append(await through_rabbitmq(pages, options.workers, url))
    facts = {
        "workers": options.workers,
        "pages": len(pages),
        "mean KB": round(mean(len(page.body) for page in pages) / 1024),
        "rounds": options.rounds,
    }
    report("pipeline", facts, rows(figures))


def private_node(stack: AsyncExitStack) -> RabbitNode | None:
    sbin = find_sbin()
    if sbin is None:
        print("rabbitmq-server is not installed: its row is left out")
        return None
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return stack.enter_context(RabbitNode(folder, sbin).running())


def rows(figures: dict[str, list[float]]) -> list[dict[str, object]]:
    base = figures["bare trafilatura"]
    found = []
    for name, rates in figures.items():
        if rates:
            ratios = spread([rate / least for rate, least in zip(rates, base, strict=True)])
            speed = spread(rates)
            found.append({"": name, "articles/s": speed.pop("median"), **speed, "ratio": ratios["median"]})
    return found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=600)
    parser.add_argument("--page-bytes", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=max(1, len(os.sched_getaffinity(0)) - 1))
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(options()))
