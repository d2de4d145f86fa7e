"""The broker on RabbitMQ: a link to publish, and one more for each queue that is consumed.

Separate, because a broker that is short of memory stops reading from connections that publish.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from shared.broker.handling import until_ready
from shared.broker.pace import Patience, waits
from shared.broker.protocols import Handler, Ready, State
from shared.broker.rabbitmq_link import Link
from shared.broker.rabbitmq_publisher import RabbitPublisher
from shared.broker.rabbitmq_session import Ending, Session
from shared.envelope import Message
from shared.errors import BrokerUnavailable
from shared.waiting import waiting

log = structlog.get_logger()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RabbitBroker:
    """Inside `running()`; the queues and exchanges must exist (`rabbitmq_topology.apply_topology`)."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        patience: Patience | None = None,
        clock: Callable[[], datetime] = _utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`name` is what the broker's own tools show for our connections; `chance` gives 0..1 for jitter."""
        self._url = url
        self._name = name
        self._patience = patience or Patience()
        self._clock = clock
        self._chance = chance
        self._publishing = Link(url, name=f"{name} publishing", chance=chance)
        self._links = [self._publishing]
        self._publisher = RabbitPublisher(self._publishing, clock=clock, patience=self._patience)
        self._sessions: set[Session] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["RabbitBroker"]:
        async with _kept_up(self._publishing):
            try:
                yield self
            finally:
                await self._publisher.close()

    @property
    def state(self) -> State:
        """The worst of its connections."""
        states = {link.state for link in self._links}
        return "connecting" if "connecting" in states else "blocked" if "blocked" in states else "connected"

    async def ping(self) -> None:
        await self._publisher.ping()

    async def consuming(self, *queues: str) -> None:
        """As `protocols.Broker.consuming`; between two sessions, and while one is paused, nothing is consumed."""
        live = {session.queue for session in self._sessions if session.live}
        for queue in queues:
            if queue not in live:
                raise BrokerUnavailable(f"not_consuming {queue}")

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        await self._publisher.publish(exchange, routing_key, message)

    async def consume(self, queue: str, handler: Handler, *, concurrency: int, ready: Ready) -> None:
        link = Link(self._url, name=f"{self._name} {queue}", chance=self._chance)
        self._links.append(link)
        try:
            async with _kept_up(link):
                await self._consume(link, queue, handler, concurrency, ready)
        finally:
            self._links.remove(link)
            waiting.given_up(queue)

    async def _consume(self, link: Link, queue: str, handler: Handler, concurrency: int, ready: Ready) -> None:
        pauses = waits(self._chance)
        while True:
            await self._until_up(link, queue)
            session = Session(
                queue,
                handler,
                concurrency=concurrency,
                publisher=self._publisher,
                clock=self._clock,
                patience=self._patience,
            )
            ending = await self._run(session, link)
            if session.settled:
                pauses = waits(self._chance)
            log.debug("consumer_paused" if ending.paused else "consumer_interrupted", queue=queue, reason=ending.reason)
            if not ending.paused:
                waiting.lasts(queue, "broker", ending.reason)
            await asyncio.sleep(next(pauses))
            if ending.paused:
                await until_ready(ready, self._chance, queue=queue)
                log.debug("consumer_resumed", queue=queue)

    async def _until_up(self, link: Link, queue: str) -> None:
        """Without pauses: the link has its own, and consuming goes on the moment that it is up."""
        while True:
            try:
                return await link.up(within=self._patience.wait_seconds)
            except BrokerUnavailable as error:
                waiting.met(queue, error)

    async def _run(self, session: Session, link: Link) -> Ending:
        try:
            channel = await link.channel()
        except BrokerUnavailable as error:
            return Ending(reason=error.reason)
        self._sessions.add(session)
        try:
            return await session.run(channel)
        finally:
            self._sessions.discard(session)


@asynccontextmanager
async def _kept_up(link: Link) -> AsyncIterator[None]:
    # No task group: it would wrap whatever the caller raises into an exception group.
    keeping = asyncio.create_task(link.run())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        if not keeping.cancelled():
            keeping.result()
