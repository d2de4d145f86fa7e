"""The raw pages on their way to the processor: copied as they pass, sent again, or rewritten by the scenario."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import aio_pika
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from chaos.foreign import OURS
from chaos.stage import subscribed
from quick_topology import subscriber_queue

from shared.broker.rabbitmq_messages import to_amqp, to_delivery
from shared.envelope import Message
from shared.topology import RAW_IN, RAW_KEY, RAW_WORK, Binding, Topology

TAP = "sub.raw-pages"
REWRITTEN = "rewritten"
LATER_MILLISECONDS = 3_600_000


def tapped(**arguments: dict[str, str | int]) -> Topology:
    """The stage's topology with a queue that gets a copy of each raw page. `arguments` as in `quick_topology`."""
    whole = subscribed(**arguments)
    tap = subscriber_queue(TAP, Binding(exchange=RAW_IN, key=RAW_KEY))
    return replace(whole, queues=(*whole.queues, tap))


def tapped_with_long_retries() -> Topology:
    """What is to be tried later waits until the scenario says that later is now."""
    return tapped(raw_retry_10s={"x-message-ttl": LATER_MILLISECONDS})


def rewritten() -> Topology:
    """Raw pages reach the work queue only as `RawPages.rewrite` makes them."""
    whole = tapped()
    only = Binding(exchange=RAW_IN, key=REWRITTEN)
    queues = (replace(each, bindings=(only,)) if each.name == RAW_WORK else each for each in whole.queues)
    return replace(whole, queues=tuple(queues))


class RawPages:
    """`passed` are the fetchers' messages in the order in which they came; each is sent `again` so often at once."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self.passed: list[Message] = []
        self.again = 0
        self.rewrite: Callable[[Message], AmqpMessage] | None = None
        self.sent = 0

    @classmethod
    @asynccontextmanager
    async def on(cls, broker_url: str) -> AsyncIterator["RawPages"]:
        connection = await aio_pika.connect(broker_url, timeout=10)
        try:
            pages = cls(await connection.channel())
            await (await pages._channel.get_queue(TAP, ensure=False)).consume(pages._take, no_ack=True)
            yield pages
        finally:
            with suppress(*CONNECTION_EXCEPTIONS, asyncio.TimeoutError):
                await connection.close()

    async def send(self, message: Message, *, times: int = 1) -> None:
        marked = replace(message, headers={**message.headers, OURS: 1})
        for _ in range(times):
            await self.put(to_amqp(marked, now=datetime.now(UTC)))

    async def put(self, message: AmqpMessage) -> None:
        """Whatever it is, as it is."""
        exchange = await self._channel.get_exchange(RAW_IN, ensure=False)
        await exchange.publish(message, REWRITTEN if self.rewrite else RAW_KEY)
        self.sent += 1

    async def waiting(self, queue: str) -> int:
        """Messages that nobody has taken; nothing is said of those that were taken and not settled."""
        declared = await self._channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

    async def release(self, queue: str) -> int:
        """What waits there goes to work now, as it does when its time is over; returns how many."""
        source = await self._channel.get_queue(queue, ensure=False)
        count = 0
        while (found := await source.get(fail=False)) is not None:
            await self.send(to_delivery(found).message)
            await found.ack()
            count += 1
        return count

    async def _take(self, incoming: AbstractIncomingMessage) -> None:
        message = to_delivery(incoming).message
        if OURS in message.headers:
            return
        self.passed.append(message)
        if self.rewrite:
            await self.put(self.rewrite(message))
        await self.send(message, times=self.again)
