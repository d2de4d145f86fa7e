"""The broker inside one process: a publish is the call of the handler.

It stores nothing. A publish is confirmed when the handler has committed, so that a crash repeats work and loses none;
a retry is the publisher's to schedule (`Postponed`). Routing follows the same data as on RabbitMQ.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import assert_never

import structlog

from shared.broker.cancellation import being_cancelled
from shared.broker.copies import applicable, attempt_of, for_quarantine
from shared.broker.handling import handled, until_ready
from shared.broker.pace import SHORTEST_SECONDS, Patience
from shared.broker.protocols import Delivery, Handler, Postponed, Ready, State, Unroutable
from shared.delivery import Ack, DeadLetter, Pause, Retry
from shared.envelope import Message
from shared.errors import BrokerUnavailable
from shared.topology import RAW_DLX, RAW_KEY, RAW_WORK, Queue, Topology
from shared.waiting import waiting

log = structlog.get_logger()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Seat:
    """A consumer at its queue: what it works on, and whether it takes more."""

    def __init__(self, handler: Handler, concurrency: int) -> None:
        self.handler = handler
        self.slots = asyncio.Semaphore(concurrency)
        self.open = asyncio.Event()
        self.open.set()
        self.pause_wanted = asyncio.Event()
        self.at_work: set[asyncio.Task[None]] = set()

    def finished(self, task: asyncio.Task[None]) -> None:
        self.at_work.discard(task)
        self.slots.release()
        if not task.cancelled():
            # Its publisher may be gone; asyncio would then report an exception that nobody asked for.
            task.exception()


class InProcessBroker:
    def __init__(
        self,
        topology: Topology,
        *,
        patience: Patience | None = None,
        clock: Callable[[], datetime] = _utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._topology = topology
        self._patience = patience or Patience()
        self._clock = clock
        self._chance = chance
        self._seats: dict[str, list[_Seat]] = defaultdict(list)
        self._changed = asyncio.Condition()

    @property
    def state(self) -> State:
        return "connected" if any(seat.open.is_set() for seat in self._seats[RAW_WORK]) else "connecting"

    async def ping(self) -> None:
        if self.state != "connected":
            raise BrokerUnavailable("no_consumer")

    async def consuming(self, *queues: str) -> None:
        """As `protocols.Broker.consuming`; a consumer that waits for what it needs is not consuming."""
        for queue in queues:
            if not any(seat.open.is_set() for seat in self._seats[queue]):
                raise BrokerUnavailable(f"not_consuming {queue}")

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """As `protocols.Publisher.publish`; returns when each consumer of the message is done with it."""
        queues = self._topology.routes(exchange, routing_key)
        if not queues:
            raise Unroutable("no_queue_takes_the_key")
        delivery = Delivery(message=message, routing_key=routing_key, attempt=attempt_of(message.headers))
        for queue in queues:
            await self._deliver(queue, delivery)

    async def consume(self, queue: str, handler: Handler, *, concurrency: int, ready: Ready) -> None:
        seat = _Seat(handler, concurrency)
        self._seats[queue].append(seat)
        await self._announce()
        try:
            while True:
                await seat.pause_wanted.wait()
                await asyncio.sleep(SHORTEST_SECONDS)
                await until_ready(ready, self._chance, queue=queue)
                log.debug("consumer_resumed", queue=queue)
                waiting.over(queue)
                seat.pause_wanted.clear()
                seat.open.set()
                await self._announce()
        finally:
            self._seats[queue].remove(seat)
            waiting.given_up(queue)
            await self._wind_up(seat)

    async def _deliver(self, queue: Queue, delivery: Delivery) -> None:
        if queue.arguments.get("x-queue-type") == "stream":
            # Every reader of a stream gets everything; without one, the stream itself has it.
            for seat in tuple(self._seats[queue.name]):
                await self._hand_over(seat, queue.name, delivery)
        else:
            await self._hand_over(await self._free_seat(queue.name), queue.name, delivery)

    async def _free_seat(self, queue: str) -> _Seat:
        def opened() -> list[_Seat]:
            return [seat for seat in self._seats[queue] if seat.open.is_set()]

        try:
            async with asyncio.timeout(self._patience.wait_seconds), self._changed:
                await self._changed.wait_for(opened)
        except TimeoutError as error:
            raise BrokerUnavailable("no_consumer") from error
        return min(opened(), key=lambda seat: len(seat.at_work))

    async def _hand_over(self, seat: _Seat, queue: str, delivery: Delivery) -> None:
        """In a task of its own: a publisher that is cancelled must not tear a commit from its verdict."""
        await seat.slots.acquire()
        if not seat.open.is_set() or seat not in self._seats[queue]:
            seat.slots.release()
            raise BrokerUnavailable("consumer_stopped")
        task = asyncio.create_task(self._handle(seat, queue, delivery))
        seat.at_work.add(task)
        task.add_done_callback(seat.finished)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if being_cancelled():
                raise
            raise BrokerUnavailable("consumer_stopped") from error

    async def _handle(self, seat: _Seat, queue: str, delivery: Delivery) -> None:
        verdict = applicable(await handled(seat.handler, delivery, queue=queue), queue)
        match verdict:
            case Ack():
                pass
            case Retry(tier=tier, reason=reason):
                raise Postponed(reason, retry_after=float(tier.delay_seconds))
            case DeadLetter():
                copy = for_quarantine(delivery, verdict, stage=queue, failed_at=self._clock())
                await self.publish(RAW_DLX, RAW_KEY, copy)
            case Pause(reason=reason):
                self._pause(seat, queue, reason)
                raise BrokerUnavailable(reason)
            case _:
                assert_never(verdict)

    def _pause(self, seat: _Seat, queue: str, reason: str) -> None:
        if seat.open.is_set():
            log.debug("consumer_paused", queue=queue, reason=reason)
        seat.open.clear()
        seat.pause_wanted.set()

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _wind_up(self, seat: _Seat) -> None:
        at_work = tuple(seat.at_work)
        if not at_work:
            return
        try:
            await asyncio.wait(at_work, timeout=self._patience.grace_seconds)
        finally:
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)
