"""The pipeline worked by hand: the real services on a real store, one step at a time, the broker's queues in sight.

What a crash leaves behind is made by leaving out the steps that follow.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chaos.small_site import FEED, HOST

from services.fetcher.__main__ import Fetcher
from services.fetcher.__main__ import build as build_fetcher
from services.fetcher.config import FetcherSettings
from services.fetcher.model import Bounds, Entry, FeedSettings
from services.processor.__main__ import Processor
from services.processor.__main__ import build as build_processor
from services.processor.config import ProcessorSettings
from shared.broker.protocols import Delivery, Handler, Ready, State
from shared.database import Database
from shared.delivery import Ack
from shared.envelope import Message
from shared.topology import ARTICLE_EVENTS, RAW_IN, RAW_KEY

SOURCE = "by-hand.yaml"
MANY = 100
Event = dict[str, Any]
AT_ONCE = timedelta(milliseconds=10)
THE_FEED = FeedSettings(url=FEED, name="Dispatch", bounds=Bounds(shortest=AT_ONCE, longest=AT_ONCE))
DEADLINE_SECONDS = 20.0


@dataclass(slots=True)
class Queues:
    """A broker that takes everything: `work` are raw pages that nobody has processed, `said` the events, in order."""

    work: list[Message] = field(default_factory=list)
    said: list[Event] = field(default_factory=list)
    state: State = "connected"

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        if exchange == RAW_IN:
            self.work.append(message)
        elif exchange == ARTICLE_EVENTS:
            self.said.append(json.loads(message.body))

    async def consume(self, queue: str, handler: Handler, *, concurrency: int, ready: Ready) -> None:
        raise AssertionError("worked by hand, nothing is consumed")

    async def ping(self) -> None:
        return

    async def consuming(self, *queues: str) -> None:
        return


@dataclass(slots=True)
class ByHand:
    """Both services on one store."""

    fetcher: Fetcher
    processor: Processor
    queues: Queues

    async def poll(self) -> None:
        """Poll the feed now, whenever it is due."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not (due := await self.fetcher.feeds.lease(1)):  # noqa: ASYNC110 - the store's clock has no event
                    await asyncio.sleep(AT_ONCE.total_seconds())
        except TimeoutError:
            raise AssertionError("never happened: the feed is due") from None
        await self.fetcher.poller.poll(due[0])

    async def lease(self, limit: int = MANY) -> list[Entry]:
        return await self.fetcher.frontier.lease(limit)

    async def visit(self, *entries: Entry) -> None:
        for entry in entries or await self.lease():
            await self.fetcher.downloader.visit(entry)

    async def process(self) -> None:
        """Everything that is queued, in its order."""
        while self.queues.work:
            verdict = await self.processor.handler.handle(delivered(self.queues.work[0]))
            assert verdict == Ack(), verdict
            del self.queues.work[0]

    async def relay(self) -> None:
        while (await self.processor.relay.relay_batch())[0]:
            pass

    async def round(self) -> None:
        """From the feed to the subscriber, once."""
        await self.poll()
        await self.visit()
        await self.process()
        await self.relay()


@asynccontextmanager
async def by_hand(url: str, port: int, queues: Queues | None = None, **fetcher: Any) -> AsyncIterator[ByHand]:
    """The services on the store at `url`, reading the small site at `port`. Everything is due at once, always."""
    database, broker = Database.open(url), queues or Queues()
    try:
        async with (
            build_processor(ProcessorSettings(workers=1), database=database, broker=broker) as processor,
            build_fetcher(hasty(port, **fetcher), database=database, broker=broker) as fetching,
        ):
            await fetching.catalogue.apply(SOURCE, [THE_FEED])
            yield ByHand(fetcher=fetching, processor=processor, queues=broker)
    finally:
        await database.close()


def hasty(port: int, **more: Any) -> FetcherSettings:
    said: dict[str, Any] = {
        "resolve": {HOST: f"127.0.0.1:{port}"},
        "allowed_networks": ("127.0.0.0/8",),
        "allowed_ports": (80, port),
        "page_delay_seconds": 0.0,
        "per_host": MANY,
        "confirm_gone_seconds": 0.0,
        "idle_seconds": 0.05,
        "retry_seconds": 0.01,
        "revisit_after_seconds": (0.0,) * MANY,
    }
    return FetcherSettings(**said | more)


def delivered(message: Message) -> Delivery:
    return Delivery(message=message, routing_key=RAW_KEY)
