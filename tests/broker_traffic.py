"""Publishing and consuming as the services do it, for tests on any broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from shared.broker.protocols import ATTEMPT_HEADER, Broker, Consumer, Delivery, Handler, Postponed, Publisher, Ready
from shared.delivery import Ack, Verdict
from shared.envelope import Message
from shared.errors import BrokerUnavailable, TransientError
from shared.topology import RAW_IN, RAW_KEY

DEADLINE_SECONDS = 20.0


def page(number: int | str = 1, body: bytes = b"<p>page</p>") -> Message:
    return Message(body=body, message_id=f"page-{number}", kind="raw.page", content_type="application/json")


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for the condition; fail with `what` when it does not come about."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110 -- conditions of any kind, most without an event
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


async def until_consuming(broker: Broker, *queues: str) -> None:
    """Wait until each of the queues is consumed."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await not_consumed(broker, *queues):  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)


async def until_not_consuming(broker: Broker, queue: str) -> None:
    """Wait until the queue is not consumed any more, and is named."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await not_consumed(broker, queue) != f"not_consuming {queue}":  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)


async def not_consumed(broker: Broker, *queues: str) -> str | None:
    """What the broker says of queues of which one is not consumed; None when all are."""
    try:
        await broker.consuming(*queues)
    except BrokerUnavailable as error:
        return error.reason
    return None


async def always_ready() -> None:
    return


async def send(broker: Publisher, message: Message) -> None:
    """Publish a page until the broker has it, as a publisher does that owns its messages."""
    attempt = 1
    while True:
        try:
            await broker.publish(RAW_IN, RAW_KEY, message)
        except Postponed:
            attempt += 1
            message = replace(message, headers={**message.headers, ATTEMPT_HEADER: attempt})
        except TransientError:
            await asyncio.sleep(0.05)
        else:
            return


@asynccontextmanager
async def consuming(
    broker: Consumer, queue: str, handler: Handler, *, concurrency: int = 1, ready: Ready = always_ready
) -> AsyncIterator[asyncio.Task[None]]:
    """Consume in the background; a consumer that failed fails the test."""
    task = asyncio.create_task(broker.consume(queue, handler, concurrency=concurrency, ready=ready))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            await task


@asynccontextmanager
async def sending(broker: Publisher, *messages: Message) -> AsyncIterator[None]:
    """Send in the background; all are taken at the end."""
    async with asyncio.TaskGroup() as group:
        for message in messages:
            group.create_task(send(broker, message))
        async with asyncio.timeout(DEADLINE_SECONDS):
            yield


class Inbox:
    """A handler that keeps what it got and answers with the verdicts it was given, then with `Ack`."""

    def __init__(self, *verdicts: Verdict | Exception) -> None:
        self.deliveries: list[Delivery] = []
        self._verdicts = list(verdicts)

    async def __call__(self, delivery: Delivery) -> Verdict:
        self.deliveries.append(delivery)
        verdict = self._verdicts.pop(0) if self._verdicts else Ack()
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    @property
    def ids(self) -> list[str]:
        return [delivery.message.message_id for delivery in self.deliveries]

    @property
    def attempts(self) -> list[int]:
        return [delivery.attempt for delivery in self.deliveries]

    async def holds(self, count: int) -> None:
        await eventually(lambda: len(self.deliveries) >= count, f"{count} deliveries, there are {self.ids}")
