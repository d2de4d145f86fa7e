"""Consuming one queue over one channel.

aio_pika runs a consumer's callback in a task that the channel owns and cancels when it closes, in the middle of
whatever it was doing. So the callback only notes what came; our own workers handle it. All that a session took in
dies with it: nothing is acked, or even started, on a later channel.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.broker.cancellation import true_cancellations
from shared.broker.copies import applicable, for_quarantine, for_retry
from shared.broker.handling import handled
from shared.broker.pace import Patience, Track
from shared.broker.protocols import Delivery, Handler, Publisher
from shared.broker.rabbitmq_link import OPEN_SECONDS, close_channel
from shared.broker.rabbitmq_messages import to_delivery
from shared.delivery import Ack, DeadLetter, Pause, Retry, Verdict
from shared.errors import PermanentError, PipelineError
from shared.steps import Step, step
from shared.topology import RAW_DLX, RAW_KEY, RAW_RETRY
from shared.waiting import waiting

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why a session ended. `paused`: a handler asked for it."""

    reason: str
    paused: bool = False


class Session:
    def __init__(
        self,
        queue: str,
        handler: Handler,
        *,
        concurrency: int,
        publisher: Publisher,
        clock: Callable[[], datetime],
        patience: Patience,
    ) -> None:
        self.settled = 0
        self.queue = queue
        self._handler = handler
        self._concurrency = concurrency
        self._publisher = publisher
        self._clock = clock
        self._patience = patience
        self._incoming: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._subscription: tuple[AbstractQueue, str] | None = None
        self._track = Track()
        self._ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    @property
    def live(self) -> bool:
        """Whether the broker hands over messages here, and they are worked on."""
        return self._subscription is not None and not self._ended.done()

    async def run(self, channel: AbstractChannel) -> Ending:
        """Consume until the channel is lost, a handler asks for a pause, or it is cancelled; hand back the rest."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        for worker in workers:
            worker.add_done_callback(self._on_worker_done)
        try:
            await self._subscribe(channel)
            return await self._ended
        finally:
            await self._wind_up(channel, workers)

    async def _subscribe(self, channel: AbstractChannel) -> None:
        channel.close_callbacks.add(self._on_channel_closed)
        try:
            with true_cancellations():
                under = await channel.get_underlay_channel()
                under.on_consumer_cancel_callbacks.add(lambda _: self._end(Ending(reason="cancelled_by_the_broker")))
                # Small: at a crash all of it counts as delivered once more, innocent messages with the guilty.
                await channel.set_qos(prefetch_count=2 * self._concurrency, timeout=OPEN_SECONDS)
                queue = await channel.get_queue(self.queue, ensure=False)
                tag = await queue.consume(self._note, timeout=OPEN_SECONDS)
                self._subscription = (queue, tag)
                waiting.over(self.queue)
        except CONNECTION_EXCEPTIONS as error:
            self._end(Ending(reason=repr(error)))

    async def _note(self, incoming: AbstractIncomingMessage) -> None:
        self._incoming.put_nowait(incoming)

    async def _work(self) -> None:
        while (incoming := await self._incoming.get()) is not None:
            delivery = to_delivery(incoming)
            async with self._track.entered(alone=delivery.redelivered):
                if self._ended.done():
                    return
                verdict = await handled(self._handler, delivery, queue=self.queue)
                await self._settle(incoming, delivery, applicable(verdict, self.queue))

    async def _settle(self, incoming: AbstractIncomingMessage, delivery: Delivery, verdict: Verdict) -> None:
        if isinstance(verdict, Pause):
            self._end(Ending(reason=verdict.reason, paused=True))
            return
        try:
            taken = await self._taken(delivery, verdict)
            with true_cancellations():
                await step(Step.PAGE_ACK, incoming.ack() if taken else incoming.reject(requeue=False))
        except PipelineError as error:
            # Without the copy's confirm there is no ack: the message goes back and comes again.
            self._end(Ending(reason=f"not_set_aside: {error}"))
        except CONNECTION_EXCEPTIONS:
            self._end(Ending(reason="ack_failed"))
        else:
            self.settled += 1

    async def _taken(self, delivery: Delivery, verdict: Ack | Retry | DeadLetter) -> bool:
        """False where no broker takes the copy: redelivered, it would block its queue for ever.

        Rejected, the message itself goes to the quarantine: of all queues, only the work queue's are set aside.
        """
        try:
            await self._set_aside(delivery, verdict)
        except PermanentError as error:
            facts = {"queue": self.queue, "message_id": delivery.message.message_id}
            log.error("copy_refused", reason=str(error), verdict=verdict, **facts)  # noqa: TRY400 -- no bug of ours
            return False
        return True

    async def _set_aside(self, delivery: Delivery, verdict: Ack | Retry | DeadLetter) -> None:
        match verdict:
            case Ack():
                pass
            case Retry(tier=tier):
                retry = self._publisher.publish(RAW_RETRY, tier.name, for_retry(delivery))
                await step(Step.PAGE_SET_ASIDE, retry)
            case DeadLetter():
                copy = for_quarantine(delivery, verdict, stage=self.queue, failed_at=self._clock())
                await step(Step.PAGE_SET_ASIDE, self._publisher.publish(RAW_DLX, RAW_KEY, copy))
            case _:
                assert_never(verdict)

    async def _wind_up(self, channel: AbstractChannel, workers: list[asyncio.Task[None]]) -> None:
        self._end(Ending(reason="cancelled"))
        for _ in workers:
            self._incoming.put_nowait(None)
        try:
            await self._unsubscribe(channel)
            await asyncio.wait(workers, timeout=self._patience.grace_seconds)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await close_channel(channel)

    async def _unsubscribe(self, channel: AbstractChannel) -> None:
        if self._subscription is None or channel.is_closed:
            return
        queue, tag = self._subscription
        try:
            # No reply is awaited: what still comes in is dropped unacked, and closing the channel hands it back.
            with true_cancellations():
                await queue.cancel(tag, nowait=True, timeout=OPEN_SECONDS)
        except CONNECTION_EXCEPTIONS as error:
            log.debug("consumer_not_cancelled", queue=self.queue, reason=repr(error))

    def _end(self, ending: Ending) -> None:
        if not self._ended.done():
            self._ended.set_result(ending)

    def _on_channel_closed(self, _: AbstractChannel | None, error: BaseException | None) -> None:
        self._end(Ending(reason=repr(error)))

    def _on_worker_done(self, worker: asyncio.Task[None]) -> None:
        # A worker that fails is a bug here; without this, consuming would go on with one worker fewer, and then none.
        if not worker.cancelled() and (error := worker.exception()) and not self._ended.done():
            self._ended.set_exception(error)
