"""How the processor ends: with everything it committed told, and before it has begun."""

import asyncio
import os
import signal
import sys

from broker_traffic import eventually
from fakes import article, raw_page

from services.processor.__main__ import Processor
from services.processor.config import ProcessorSettings
from services.processor.handler import Handler
from services.processor.model import Extracted, Source
from services.processor.outbox import Outbox
from services.processor.quarantine import Quarantine
from services.processor.relay import Relay
from services.processor.store import ProcessorStore
from shared.broker.inprocess import InProcessBroker
from shared.database import Database
from shared.lifecycle import Stop
from shared.topology import RAW_IN, RAW_KEY, topology


async def test_an_event_that_is_committed_during_the_stop_is_told(database: Database) -> None:
    """The relay ends after the consumers: a page that was at work when the stop came has its event out."""
    broker, stop, at_work, go_on = InProcessBroker(topology()), Stop(), asyncio.Event(), asyncio.Event()

    async def extract(source: Source) -> Extracted:
        at_work.set()
        await go_on.wait()
        return article(url=source.url)

    store, outbox = ProcessorStore(database), Outbox(database)
    relay = Relay(outbox, broker, batch=10, idle_seconds=0.01)
    processor = Processor(
        store=store,
        outbox=outbox,
        handler=Handler(store, extract, relay.nudge),
        quarantine=Quarantine(database, broker),
        relay=relay,
        broker=broker,
        settings=ProcessorSettings(),
    )
    running = asyncio.create_task(processor.run(stop))
    await broker_is_consumed(broker)
    page = raw_page()
    publishing = asyncio.create_task(broker.publish(RAW_IN, RAW_KEY, page.message()))
    await at_work.wait()
    stop.set()
    # The relay had all the time it needs to see the stop, and to end.
    await asyncio.wait([running], timeout=0.3)
    go_on.set()
    async with asyncio.timeout(20):
        await asyncio.gather(running, publishing)

    assert await store.summary() == {"published": 1}
    assert await outbox.depth() == 0


async def test_a_processor_that_is_stopped_while_it_waits_does_not_start() -> None:
    """It ends with status 0, and never says that it started."""
    nowhere = {"STORE_URL": "postgresql+asyncpg://a:b@127.0.0.1:9/x", "BROKER_URL": "amqp://a:b@127.0.0.1:9/"}
    settings = {f"PROCESSOR_{name}": value for name, value in {**nowhere, "HEALTH_PORT": "0", "WORKERS": "1"}.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.processor",
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(30):
            while b"waiting_for_dependency" not in said:
                line = await process.stdout.readline()
                assert line, said
                said += line
            process.send_signal(signal.SIGTERM)
            said += await process.stdout.read()
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()

    assert (code, b"processor_started" in said, b"processor_stopped" in said) == (0, False, True), said


async def broker_is_consumed(broker: InProcessBroker) -> None:
    await eventually(lambda: broker.state == "connected", "the processor consumes")
