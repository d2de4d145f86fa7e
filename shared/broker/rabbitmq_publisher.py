"""Publishing to RabbitMQ: one attempt, and a definite word on what became of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    ChannelNotFoundEntity,
    DeliveryError,
    PublishError,
)
from pamqp.commands import Basic

from shared.broker.cancellation import true_cancellations
from shared.broker.pace import Patience
from shared.broker.protocols import Rejected, Unconfirmed, Unroutable
from shared.broker.rabbitmq_link import Link, close_channel
from shared.broker.rabbitmq_messages import to_amqp
from shared.envelope import Message
from shared.errors import BrokerUnavailable, PermanentError

# A confirm of many messages costs time in proportion to all that are in flight.
IN_FLIGHT = 100
# RabbitMQ 4's default; 3.10 takes more. The broker answers a larger one by closing the channel of all others too.
MAX_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Outlet:
    """A channel and the exchanges that were seen to exist: a publish to a missing one would close the connection."""

    channel: AbstractChannel
    exchanges: dict[str, AbstractExchange] = field(default_factory=dict)


class RabbitPublisher:
    def __init__(self, link: Link, *, clock: Callable[[], datetime], patience: Patience) -> None:
        self._link = link
        self._clock = clock
        self._attempt_seconds = patience.attempt_seconds
        self._wait_seconds = patience.wait_seconds
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._in_flight: dict[str, asyncio.Event] = {}
        self._opening = asyncio.Lock()
        self._outlet: _Outlet | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """As `protocols.Publisher.publish`; never raises Postponed."""
        if len(message.body) > MAX_BODY_BYTES:
            raise PermanentError("too_large_to_publish", f"{len(message.body)} bytes")
        await self._link.up(within=self._wait_seconds)
        async with self._only_one(message.message_id), self._slots:
            outlet = await self._open_outlet()
            target = await self._existing(outlet, exchange)
            with_properties = to_amqp(message, now=self._clock())
            await self._attempt(outlet, target, routing_key, with_properties)

    async def ping(self) -> None:
        """Raises BrokerUnavailable unless the connection is up, unblocked and opens channels."""
        await self._link.up(within=self._wait_seconds)
        await self._open_outlet()

    async def close(self) -> None:
        """Wait for the channels that were thrown away."""
        if self._outlet is not None:
            self._discard(self._outlet)
        await asyncio.gather(*self._closing, return_exceptions=True)

    @asynccontextmanager
    async def _only_one(self, message_id: str) -> AsyncIterator[None]:
        # aiormq tells returned messages apart by their id: two in flight under one id swap their results.
        while (other := self._in_flight.get(message_id)) is not None:
            await other.wait()
        done = self._in_flight[message_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._in_flight[message_id]
            done.set()

    async def _open_outlet(self) -> _Outlet:
        async with self._opening:
            if self._outlet is None or self._outlet.channel.is_closed:
                self._outlet = _Outlet(await self._link.channel())
            return self._outlet

    async def _existing(self, outlet: _Outlet, exchange: str) -> AbstractExchange:
        if exchange not in outlet.exchanges:
            await self._look_for(exchange)
            outlet.exchanges[exchange] = await outlet.channel.get_exchange(exchange, ensure=False)
        return outlet.exchanges[exchange]

    async def _look_for(self, exchange: str) -> None:
        """Ask on a channel of its own, which the broker closes if there is no such exchange."""
        probe = await self._link.channel()
        try:
            with true_cancellations():
                await probe.declare_exchange(exchange, passive=True, timeout=self._attempt_seconds)
        except ChannelNotFoundEntity as error:
            raise Unroutable("no_such_exchange") from error
        except CONNECTION_EXCEPTIONS as error:
            raise BrokerUnavailable("connection_lost") from error
        finally:
            await close_channel(probe)

    async def _attempt(self, outlet: _Outlet, target: AbstractExchange, key: str, message: AmqpMessage) -> None:
        try:
            with true_cancellations():
                answer = await target.publish(message, key, mandatory=True, timeout=self._attempt_seconds)
        except PublishError as error:
            raise Unroutable("no_queue_takes_the_key") from error
        except DeliveryError as error:
            raise Rejected("queue_full") from error
        except (Exception, asyncio.CancelledError) as error:
            # Whether the broker has it is unknown. Its late answer must not meet the next attempt under the same id.
            self._discard(outlet)
            if isinstance(error, asyncio.CancelledError | ValueError):
                raise
            raise _unanswered(error, target.name) from error
        if not isinstance(answer, Basic.Ack):
            self._discard(outlet)
            raise Unconfirmed("no_confirm")

    def _discard(self, outlet: _Outlet) -> None:
        if self._outlet is outlet:
            self._outlet = None
            closing = asyncio.create_task(close_channel(outlet.channel))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


def _unanswered(error: Exception, exchange: str) -> Unroutable | Unconfirmed:
    """What an attempt without an answer means to the caller."""
    match error:
        case ChannelNotFoundEntity() if f"'{exchange}'" in str(error):
            return Unroutable("no_such_exchange")
        case TimeoutError():
            return Unconfirmed("confirm_timeout")
        case _:
            # aiormq rejects what waits on a closed channel with whatever closed it, plain Exception included.
            return Unconfirmed("connection_lost")
