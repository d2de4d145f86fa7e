"""The stream of all events, read from a time on to its end: what was said, whatever a store remembers of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.broker.cancellation import true_cancellations
from shared.broker.rabbitmq_link import CONNECT_SECONDS
from shared.errors import BrokerUnavailable
from shared.topology import ARTICLE_HISTORY

PREFETCH = 200
SILENT_SECONDS = 5.0
"""Asked for its last chunk, a stream that has one sends it at once."""
ANSWER_SECONDS = 60.0


async def history(url: str, since: datetime | None) -> AsyncIterator[bytes]:
    """The bodies of the events, from the oldest that is kept where `since` is None, to the last one there is now.

    Some events may be older, for a stream begins with the chunk that holds the time, and some may come twice.
    Raises BrokerUnavailable, also when the broker falls silent before the end.
    """
    try:
        with true_cancellations():
            async with await aio_pika.connect(url, timeout=CONNECT_SECONDS) as connection:
                channel = await connection.channel()
                await channel.set_qos(prefetch_count=PREFETCH, timeout=ANSWER_SECONDS)
                stream = await channel.get_queue(ARTICLE_HISTORY, ensure=False)
                if (last := await _last_offset(channel, stream)) is None:
                    return
                async for message in _from(stream, since):
                    yield message.body
                    if _offset(message) >= last:
                        return
                raise BrokerUnavailable("history_interrupted")
    except (TimeoutError, *CONNECTION_EXCEPTIONS) as error:
        raise BrokerUnavailable(f"history_not_read: {error!r}") from error


async def _last_offset(channel: AbstractChannel, stream: AbstractQueue) -> int | None:
    """None of a stream that is empty."""
    last = None
    try:
        async for message in _messages(stream, "last", patience=SILENT_SECONDS):
            last = _offset(message)
    except TimeoutError:
        # Silent because that was all, and not because nobody is there any more.
        await channel.declare_queue(ARTICLE_HISTORY, passive=True, timeout=ANSWER_SECONDS)
        return last
    raise BrokerUnavailable("history_interrupted")


async def _from(stream: AbstractQueue, since: datetime | None) -> AsyncIterator[AbstractIncomingMessage]:
    """From the time on; and all there is, where that falls silent: a time after the last chunk brings nothing."""
    if since is not None:
        with suppress(TimeoutError):
            async for message in _messages(stream, since, patience=SILENT_SECONDS):
                yield message
            return
    async for message in _messages(stream, "first", patience=ANSWER_SECONDS):
        yield message


async def _messages(
    stream: AbstractQueue, begin: datetime | str, *, patience: float
) -> AsyncIterator[AbstractIncomingMessage]:
    """Raises TimeoutError when none comes; ends when the channel does."""
    asked: dict[str, Any] = {"x-stream-offset": begin}
    iterator = stream.iterator(arguments=asked, timeout=ANSWER_SECONDS)
    async with iterator as messages:
        while True:
            try:
                async with asyncio.timeout(patience):
                    message = await anext(messages)
            except StopAsyncIteration:
                return
            yield message
            await message.ack()


def _offset(message: AbstractIncomingMessage) -> int:
    offset = message.headers["x-stream-offset"]
    if not isinstance(offset, int):
        raise BrokerUnavailable(f"history_not_read: offset {offset!r}")
    return offset
