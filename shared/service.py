"""What both services do around their work: open store and broker, serve health, wait until both answer."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from shared import broker as brokers
from shared import health, lifecycle
from shared.broker.protocols import Broker
from shared.config import ServiceSettings
from shared.database import Database
from shared.lifecycle import Stop
from shared.topology import topology
from shared.waiting import Ours, waiting

log = structlog.get_logger()

ANSWER_SECONDS = 15.0
"""For one command of the store. Each takes a moment; what is left without an answer for so long gets none."""

StoreCheck = Callable[[Database], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a service works with; `stop` is set by a signal, which may have come before everything answered."""

    stop: Stop
    database: Database
    broker: Broker


@asynccontextmanager
async def surroundings(
    settings: ServiceSettings, *, name: str, store_check: StoreCheck = Database.ping, consumes: Sequence[str] = ()
) -> AsyncIterator[Surroundings]:
    """Open everything in order and close it in reverse; health answers from the start and says what is missing.

    `store_check` says what the service needs of the store: that it answers, or `Database.writable`. `consumes` are
    the queues without whose consumers it is not ready, though they start later than this waits.
    """
    for setting in settings.default_credentials:
        log.warning("default_credentials", setting=setting, remedy="set a password of your own in .env")
    waiting.reset()
    async with AsyncExitStack() as stack:
        stop = await stack.enter_async_context(lifecycle.stop_on_signals())
        database = Database.open(settings.store_url.get_secret_value(), answer_seconds=ANSWER_SECONDS)
        stack.push_async_callback(database.close)
        url, grace = settings.broker_url.get_secret_value(), settings.shutdown_seconds
        broker = await stack.enter_async_context(brokers.connect(url, topology(), name=name, grace_seconds=grace))
        checks: dict[Ours, health.Check] = {"store": partial(store_check, database), "broker": broker.ping}
        shown: dict[str, health.Check] = dict(checks.items())
        if consumes:
            shown["consumers"] = partial(broker.consuming, *consumes)
        await stack.enter_async_context(health.served(shown, host=settings.health_host, port=settings.health_port))
        for what, probe in checks.items():
            await lifecycle.answered(what, probe, stop)
        yield Surroundings(stop=stop, database=database, broker=broker)
