"""The processor's composition root: settings → adapters → loops."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
import uvloop

from services.processor.config import ProcessorSettings
from services.processor.extraction import extract, warm_up
from services.processor.handler import Handler
from services.processor.model import Extracted, Source
from services.processor.outbox import Outbox
from services.processor.profiles.loading import load_profiles
from services.processor.quarantine import Quarantine
from services.processor.relay import PRUNE_EVERY, Relay
from services.processor.store import ProcessorStore
from shared import lifecycle, logs
from shared.broker.protocols import Broker, Ready
from shared.config import InvalidSettings, load
from shared.database import Database
from shared.lifecycle import Stop
from shared.migrations import Scripts
from shared.service import surroundings
from shared.steps import Step, step
from shared.topology import RAW_DEAD, RAW_WORK
from shared.workers import WorkerPool

log = structlog.get_logger()
MIGRATIONS = Scripts(Path(__file__).parent / "migrations", "processor_version")


async def _always() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """The running parts; `run` ends when `stop` is set and what was in flight is done."""

    store: ProcessorStore
    outbox: Outbox
    handler: Handler
    quarantine: Quarantine
    relay: Relay
    broker: Broker
    settings: ProcessorSettings
    workers_answer: Ready = _always

    async def run(self, stop: Stop) -> None:
        consumed = Stop()
        await lifecycle.run_until(
            stop,
            self._consume_all(stop, consumed),
            # Longer than the consumers: what they still commit goes out.
            self.relay.run(consumed),
            self._prune(stop),
            grace_seconds=self.settings.shutdown_seconds,
        )

    async def _consume_all(self, stop: Stop, consumed: Stop) -> None:
        try:
            await self._consume(stop)
        finally:
            consumed.set()

    async def _consume(self, stop: Stop) -> None:
        """Consume until the stop; the broker lets what is in flight finish when it is cancelled."""
        ready, concurrency = self._ready, self.settings.concurrency
        consuming = [
            asyncio.create_task(
                self.broker.consume(RAW_WORK, self.handler.handle, concurrency=concurrency, ready=ready)
            ),
            asyncio.create_task(self.broker.consume(RAW_DEAD, self.quarantine.handle, concurrency=1, ready=ready)),
        ]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*consuming, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*consuming, stopping):
            task.cancel()
        for result in await asyncio.gather(*consuming, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _ready(self) -> None:
        """Raises Unavailable while a page would only meet the same outage again."""
        await self.store.writable()
        await self.workers_answer()

    async def _prune(self, stop: Stop) -> None:
        bodies = timedelta(days=self.settings.keep_bodies_days)
        ids = timedelta(days=self.settings.keep_inbox_days)
        lines = timedelta(days=self.settings.keep_lines_days)

        async def prune() -> None:
            await step(Step.EVENTS_PRUNE, self.outbox.prune(bodies=bodies, inbox_ids=ids))
            await self.store.prune(lines=lines)

        often = min(PRUNE_EVERY, min(bodies, ids, lines).total_seconds() / 4)
        await lifecycle.every(often, "pruning", prune, stop)


@asynccontextmanager
async def build(settings: ProcessorSettings, *, database: Database, broker: Broker) -> AsyncIterator[Processor]:
    """Wire the processor on a store and a broker that the caller opens and closes."""
    pool = WorkerPool("extraction", settings.extraction, warm_up)
    profiles = load_profiles(settings.profiles_dir)

    async def extract_in_worker(source: Source) -> Extracted:
        return await pool.run(extract, source, profiles)

    async def workers_answer() -> None:
        await pool.run(int)

    lease = timedelta(seconds=settings.relay_lease_seconds)
    store, outbox = ProcessorStore(database), Outbox(database, lease=lease)
    relay = Relay(outbox, broker, batch=settings.relay_batch, idle_seconds=settings.relay_idle_seconds)
    try:
        yield Processor(
            store=store,
            outbox=outbox,
            handler=Handler(store, extract_in_worker, relay.nudge),
            quarantine=Quarantine(database, broker),
            relay=relay,
            broker=broker,
            settings=settings,
            workers_answer=workers_answer,
        )
    finally:
        await pool.close()


async def serve(settings: ProcessorSettings) -> None:
    """The service, until a signal."""
    async with (
        surroundings(
            settings, name="processor", store_check=Database.writable, consumes=(RAW_WORK, RAW_DEAD)
        ) as around,
        build(settings, database=around.database, broker=around.broker) as processor,
    ):
        # A signal may have come while store and broker were waited for.
        if not around.stop:
            log.info("processor_started", workers=settings.workers)
            await processor.run(around.stop)
    log.info("processor_stopped")


def main() -> None:
    try:
        settings = load(ProcessorSettings, os.environ)
        settings.require_broker()
    except InvalidSettings as error:
        print(f"the processor cannot start:\n{error}", file=sys.stderr)  # noqa: T201 - before logging is set up
        sys.exit(2)
    logs.configure(service="processor", form=settings.log_format, level=settings.log_level)
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
