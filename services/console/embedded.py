"""Both services in one process: SQLite in a folder, a broker in memory, events handed to a sink.

Nothing else in here knows that it is one process: the services are built by their own composition roots.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from services.console.accounts import Accounts
from services.console.config import store_in
from services.console.sinks import OutputClosed, OutputFailed, Sink
from services.fetcher.__main__ import MIGRATIONS as FETCHER_MIGRATIONS
from services.fetcher.__main__ import Fetcher
from services.fetcher.__main__ import build as build_fetcher
from services.fetcher.config import FetcherSettings
from services.processor.__main__ import MIGRATIONS as PROCESSOR_MIGRATIONS
from services.processor.__main__ import Processor
from services.processor.__main__ import build as build_processor
from services.processor.config import ProcessorSettings
from shared.broker.inprocess import InProcessBroker
from shared.broker.protocols import Broker, Delivery
from shared.config import InvalidSettings, ServiceSettings, load
from shared.database import Database
from shared.delivery import Ack, Pause, Verdict
from shared.errors import PermanentError
from shared.lifecycle import Stop
from shared.migrations import migrate
from shared.topology import ARTICLE_HISTORY, topology

Watch = Callable[[], Awaitable[None]]
T = TypeVar("T")
S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of both services; their broker and store are given by the way of running."""

    fetcher: FetcherSettings
    processor: ProcessorSettings

    @classmethod
    def from_environment(cls) -> "Settings":
        """Raises InvalidSettings with the faults of both."""
        faults: list[str] = []
        fetcher, processor = _loaded(FetcherSettings, faults), _loaded(ProcessorSettings, faults)
        if fetcher is None or processor is None:
            raise InvalidSettings("\n".join(faults))
        return cls(fetcher=fetcher, processor=processor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The running parts. `run` may be called once."""

    fetcher: Fetcher
    processor: Processor
    broker: Broker
    accounts: Accounts

    async def run(self, stop: Stop, sink: Sink, watch: Watch, *more: Coroutine[Any, Any, None]) -> None:
        """Work until `stop`, while `watch` looks on and may set it. Raises what a service failed with, or OutputFailed.

        `more` are loops of the fetcher's, beside its own.

        The fetcher ends first, then the processor, then the sink: each takes what the one before still hands over.
        """
        show = _Show(sink, stop)
        drained = Stop()
        showing = asyncio.create_task(
            self.broker.consume(ARTICLE_HISTORY, show.handle, concurrency=1, ready=_never_ready)
        )
        # The sink stands at its queue before the first event: what a stream carries without a reader, nobody shows.
        await asyncio.sleep(0)
        processing = asyncio.create_task(_stopping(stop, self.processor.run(drained)))
        fetching = asyncio.create_task(_stopping(stop, self.fetcher.run(stop, *more)))
        watching = asyncio.create_task(_stopping(stop, watch()))
        try:
            await stop.wait()
            await fetching
            drained.set()
            await processing
        finally:
            stop.set()
            drained.set()
            await _ended(watching, fetching, processing, showing)
        if show.failed is not None:
            raise show.failed
        if watching.done() and not watching.cancelled():
            watching.result()


class _Show:
    """The consumer of the events. One that cannot be shown stays in the outbox, for the next run."""

    def __init__(self, sink: Sink, stop: Stop) -> None:
        self._sink = sink
        self._stop = stop
        self.failed: OutputFailed | None = None

    async def handle(self, delivery: Delivery) -> Verdict:
        try:
            await self._sink.write(delivery.message.body)
        except OutputClosed:
            self._stop.set()
            return Pause("output_closed")
        except OutputFailed as error:
            self.failed = error
            self._stop.set()
            return Pause("output_failed")
        return Ack()


@asynccontextmanager
async def embedded(settings: Settings, state: Path) -> AsyncIterator[Pipeline]:
    """Both services on the store in `state`, its tables brought up to date. Raises PermanentError `state_folder`."""
    database = open_state(state)
    try:
        await migrate(database, FETCHER_MIGRATIONS, PROCESSOR_MIGRATIONS)
        broker = InProcessBroker(topology())
        async with (
            build_processor(settings.processor, database=database, broker=broker) as processor,
            build_fetcher(settings.fetcher, database=database, broker=broker) as fetcher,
        ):
            yield Pipeline(fetcher=fetcher, processor=processor, broker=broker, accounts=Accounts(database))
    finally:
        await database.close()


def open_state(state: Path) -> Database:
    """The store in a state folder, which is made where it is missing."""
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError("state_folder", f"{state} cannot be used: {error.strerror}") from error
    return Database.open(store_in(state))


def _loaded(kind: type[S], faults: list[str]) -> S | None:
    try:
        return load(kind, os.environ)
    except InvalidSettings as error:
        faults.append(str(error))
        return None


async def _never_ready() -> None:
    """An output that was closed does not open again."""
    raise OutputClosed("output_closed")


async def _stopping(stop: Stop, work: Awaitable[T]) -> T:
    """Whatever ends, ends all: half a pipeline is none."""
    try:
        return await work
    finally:
        stop.set()


async def _ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
