"""From the outbox to the exchange: take, publish with confirms, mark.

    committed events → publish (persistent, mandatory, confirmed) → mark

Killed between publish and mark, the event goes out again under the same id. An event that no queue takes stays here
and is tried again: the topology is wrong then, and an alarm is better than a loss.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from services.processor.outbox import Pending
from shared import metrics
from shared.broker.protocols import Publisher
from shared.errors import PermanentError, TransientError
from shared.lifecycle import Stop
from shared.steps import Step, step
from shared.topology import ARTICLE_EVENTS
from shared.waiting import waiting

log = structlog.get_logger()

LONGEST_PAUSE = 3.0
GATHER_SECONDS = 0.1
PRUNE_EVERY = 3600.0


class Events(Protocol):
    async def take(self, limit: int) -> tuple[UUID, Sequence[Pending]]: ...
    async def confirm(self, token: UUID, events: Sequence[UUID]) -> None: ...
    async def release(self, token: UUID, events: Sequence[UUID]) -> None: ...
    async def oldest_age(self) -> timedelta: ...


class Relay:
    """One loop. `nudge` ends its idling early; without it the outbox is looked at every `idle_seconds`."""

    def __init__(self, events: Events, publisher: Publisher, *, batch: int, idle_seconds: float) -> None:
        self._events = events
        self._publisher = publisher
        self._batch = batch
        self._idle = idle_seconds
        self._work = asyncio.Event()

    def nudge(self) -> None:
        self._work.set()

    async def run(self, stop: Stop) -> None:
        """Relay until the stop, and then what is left."""
        try:
            await self._relay(stop)
        finally:
            waiting.given_up(ARTICLE_EVENTS)

    async def _relay(self, stop: Stop) -> None:
        pause = self._idle
        while not stop:
            try:
                sent, failed = await self.relay_batch()
                if failed or not sent:
                    await self._report_age()
            except TransientError as error:
                waiting.lasts(ARTICLE_EVENTS, "store", str(error))
                sent, failed = 0, True
            else:
                if not failed:
                    waiting.over(ARTICLE_EVENTS)
            pause = min(pause * 2, LONGEST_PAUSE) if failed else self._idle
            if failed:
                await stop.wait(pause)
            elif not sent:
                await self._idle_until_work(stop)
            # What is committed in the next moments goes in one batch, with one lease and one mark.
            await stop.wait(GATHER_SECONDS)
        await self._finish()

    async def _finish(self) -> None:
        """What was committed before the stop goes out as well; what cannot now is for the next start."""
        try:
            sent, failed = await self.relay_batch()
            while sent and not failed:
                sent, failed = await self.relay_batch()
        except TransientError as error:
            log.warning("relay_waits", reason=str(error))

    async def relay_batch(self) -> tuple[int, bool]:
        """Relay what is due; returns how many events were confirmed, and whether some must be sent again.

        An event that no broker takes keeps its lease until that ends: it must not hold up the others.
        """
        self._work.clear()
        with waiting.overdue(ARTICLE_EVENTS, "store"):
            token, batch = await step(Step.OUTBOX_TAKE, self._events.take(self._batch))
        sent = await asyncio.gather(*(self._publish(event) for event in batch))
        done = [event.event_id for event, ok in zip(batch, sent, strict=True) if ok]
        left = [event.event_id for event, ok in zip(batch, sent, strict=True) if ok is False]
        if done:
            await step(Step.OUTBOX_CONFIRM, self._events.confirm(token, done))
        if left:
            await step(Step.OUTBOX_RELEASE, self._events.release(token, left))
        return len(done), bool(left)

    async def _publish(self, event: Pending) -> bool | None:
        """Whether it was confirmed; None when it never will be."""
        try:
            sending = self._publisher.publish(ARTICLE_EVENTS, event.routing_key, event.message)
            await step(Step.EVENT_PUBLISH, sending)
        except TransientError as error:
            waiting.lasts(ARTICLE_EVENTS, "broker", str(error))
            log.debug("event_not_confirmed", event_id=str(event.event_id), reason=str(error))
            return False
        except PermanentError as error:
            log.error("event_refused", event_id=str(event.event_id), reason=error.reason, detail=error.detail)  # noqa: TRY400 - expected
            return None
        metrics.events_confirmed.labels(verb=event.verb).inc()
        return True

    async def _report_age(self) -> None:
        metrics.outbox_oldest.set((await self._events.oldest_age()).total_seconds())

    async def _idle_until_work(self, stop: Stop) -> None:
        waits = [asyncio.ensure_future(self._work.wait()), asyncio.ensure_future(stop.wait())]
        await asyncio.wait(waits, timeout=self._idle, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
