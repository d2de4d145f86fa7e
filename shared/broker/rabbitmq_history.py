"""The stream of all events, read from a time on to its end: what was said, whatever a store remembers of it."""

from collections.abc import AsyncIterator
from datetime import datetime

import aio_pika
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.broker.cancellation import true_cancellations
from shared.broker.rabbitmq_link import CONNECT_SECONDS
from shared.errors import BrokerUnavailable
from shared.topology import ARTICLE_HISTORY

PREFETCH = 200
QUIET_SECONDS = 5.0
"""A stream does not tell where it ends; nobody publishes while it is read, so silence does."""


async def history(url: str, since: datetime | None) -> AsyncIterator[bytes]:
    """The bodies of the events, from the oldest that is kept where `since` is None. Raises BrokerUnavailable.

    A stream begins with the chunk that holds the time: some events may be older.
    """
    try:
        with true_cancellations():
            async with await aio_pika.connect(url, timeout=CONNECT_SECONDS) as connection:
                channel = await connection.channel()
                await channel.set_qos(prefetch_count=PREFETCH)
                stream = await channel.get_queue(ARTICLE_HISTORY, ensure=False)
                offset = {"x-stream-offset": since or "first"}
                async with stream.iterator(arguments=offset, timeout=QUIET_SECONDS) as messages:
                    async for message in messages:
                        yield message.body
                        await message.ack()
    except TimeoutError:
        return
    except CONNECTION_EXCEPTIONS as error:
        raise BrokerUnavailable(f"broker_unreachable: {error!r}") from error
