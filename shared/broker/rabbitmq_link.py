"""One connection to RabbitMQ, kept alive.

`aio_pika.connect`, not `connect_robust`: that one declares queues again after each reconnect, so that one changed
argument keeps the whole connection down for ever, and it hands over deliveries of the connection before. Here nothing
outlives its connection: who uses a link asks for a new channel.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, UnderlayConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.broker.cancellation import true_cancellations
from shared.broker.pace import LONGEST_SECONDS, waits
from shared.broker.protocols import State
from shared.errors import BrokerUnavailable
from shared.waiting import waiting

# A dead peer is noticed after (heartbeat + 1) * 3 seconds; aiormq's default of 60 would make that three minutes.
# Less than 5 is more likely to take a slow moment for a death: https://www.rabbitmq.com/docs/heartbeats
HEARTBEAT_SECONDS = 5
CONNECT_SECONDS = 10.0
OPEN_SECONDS = 5.0
CLOSE_SECONDS = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    connection: AbstractConnection
    transport: UnderlayConnection
    lost: asyncio.Future[str]
    epoch: int


class Link:
    """`run` keeps the connection up until cancelled; everyone else asks for channels."""

    def __init__(self, url: str, *, name: str, chance: Callable[[], float] = random.random) -> None:
        """`name` is what operators see in the broker's list of connections; `chance` gives 0..1 for jitter."""
        self._url = url
        self._name = name
        self._what = f"connection {name}"
        self._chance = chance
        self._epoch = 0
        self._live: _Live | None = None
        self._up = asyncio.Event()

    @property
    def state(self) -> State:
        if self._live is None:
            return "connecting"
        return "blocked" if _is_blocked(self._live.transport) else "connected"

    async def run(self) -> None:
        try:
            await self._keep_up()
        finally:
            waiting.given_up(self._what)

    async def _keep_up(self) -> None:
        pauses = waits(self._chance)
        while True:
            try:
                live = await self._connect()
            except BrokerUnavailable as error:
                waiting.lasts(self._what, "broker", f"broker_unreachable: {error.reason}")
            else:
                if await self._hold(live) > LONGEST_SECONDS:
                    pauses = waits(self._chance)
            await asyncio.sleep(next(pauses))

    async def up(self, *, within: float) -> None:
        """Wait until publishes and channels are possible. Raises BrokerUnavailable after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while self._live is None:
                    await self._up.wait()
                await self._live.transport.ready()
        except TimeoutError as error:
            reason = "broker_blocked" if self.state == "blocked" else "broker_unreachable"
            raise BrokerUnavailable(reason) from error

    async def channel(self) -> AbstractChannel:
        """A new channel with confirms, on the connection there is now. Raises BrokerUnavailable."""
        live = self._live
        if live is None:
            raise BrokerUnavailable("broker_unreachable")
        try:
            with true_cancellations():
                # Without on_return_raises an unroutable message counts as published.
                channel = live.connection.channel(on_return_raises=True)
                async with asyncio.timeout(OPEN_SECONDS):
                    await channel.initialize()
                return channel
        except CONNECTION_EXCEPTIONS as error:
            raise self._given_up(live, error) from error

    def _given_up(self, live: _Live, error: BaseException) -> BrokerUnavailable:
        # A blocked connection opens no channels either, but a new one would do no better.
        if not live.lost.done() and not _is_blocked(live.transport):
            live.lost.set_result(f"no channel could be opened: {error!r}")
        return BrokerUnavailable("broker_unreachable")

    async def _open(self) -> AbstractConnection:
        connection: AbstractConnection | None = None
        try:
            with true_cancellations():
                connection = await aio_pika.connect(
                    self._url,
                    timeout=CONNECT_SECONDS,
                    heartbeat=HEARTBEAT_SECONDS,
                    client_properties={"connection_name": self._name},
                )
        except asyncio.CancelledError:
            if connection is not None:
                await _closed(connection.close())
            raise
        except Exception as error:
            # Whatever it is, an address that does not parse included: it is told once, and tried again.
            raise BrokerUnavailable(repr(error)) from error
        return connection

    async def _connect(self) -> _Live:
        connection = await self._open()
        self._epoch += 1
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def note(_: AbstractConnection | None, error: BaseException | None) -> None:
            if not lost.done():
                # How aiormq gives up a peer that is silent.
                silent = isinstance(error, asyncio.CancelledError)
                lost.set_result("no heartbeat" if silent else repr(error))

        connection.close_callbacks.add(note)
        transport = connection.transport
        if transport is None or transport.connection.is_closed:
            raise BrokerUnavailable("closed_at_once")
        return _Live(connection=connection, transport=transport, lost=lost, epoch=self._epoch)

    async def _hold(self, live: _Live) -> float:
        """Offer the connection until it is lost; returns the seconds it lasted."""
        since = asyncio.get_running_loop().time()
        self._live = live
        self._up.set()
        waiting.over(self._what)
        tell = log.info if live.epoch == 1 else log.debug
        tell("broker_connected", connection=self._name, epoch=live.epoch)
        try:
            reason = await live.lost
            waiting.lasts(self._what, "broker", f"broker_lost: {reason}")
        finally:
            self._live = None
            self._up.clear()
            await _closed(live.connection.close())
        return asyncio.get_running_loop().time() - since


async def close_channel(channel: AbstractChannel) -> None:
    """Close it, bounded; what is unacked goes back to its queue even if the broker does not answer any more."""
    await _closed(channel.close())


async def _closed(closing: Awaitable[None]) -> None:
    # It is given up already: how its closing fails changes nothing.
    with suppress(*CONNECTION_EXCEPTIONS), true_cancellations():
        async with asyncio.timeout(CLOSE_SECONDS):
            await closing


def _is_blocked(transport: UnderlayConnection) -> bool:
    """Whether the broker has blocked the connection.

    aiormq tells it only through `ready()`, which returns at once unless it is; one step of it is the answer.
    """
    step = transport.connection.ready().__await__()
    try:
        next(step)
    except StopIteration:
        return False
    finally:
        step.close()
    return True
