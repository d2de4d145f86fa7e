"""Where raw pages go out: publish with a confirm, wait while the queue is full, never drop."""

import asyncio
from dataclasses import replace
from random import random

import structlog

from shared.broker.protocols import ATTEMPT_HEADER, Postponed, Publisher
from shared.envelope import Message
from shared.errors import TransientError
from shared.lifecycle import FIRST_DELAY, LONGEST_DELAY
from shared.messages import RawPage
from shared.topology import RAW_IN, RAW_KEY
from shared.waiting import waiting

log = structlog.get_logger()


class Outlet:
    """`blocked` while a page waits for the broker: polling slows with it."""

    def __init__(self, publisher: Publisher, *, patience_seconds: float) -> None:
        self._publisher = publisher
        self._patience = patience_seconds
        self._waiting = 0
        self._refused = False

    @property
    def blocked(self) -> bool:
        return self._waiting > 0

    def admits(self, free: int, places: int) -> int:
        """How many units of work to take up for `free` of the `places`: none while a page waits for the broker.

        Once our patience with it is over, one at a time, and alone, until the broker takes one: pages are downloaded
        only to be thrown away for as long as it does not.
        """
        if self.blocked:
            return 0
        return int(free == places) if self._refused else free

    async def send(self, page: RawPage, *, attempt: int = 1) -> None:
        """Return once the broker has the page; it is published again under the same id until then.

        `attempt` counts from 1: how often this was tried, by which the processor judges whether to go on trying.
        Raises Postponed when the broker wants the page later, or the last failure once our patience is over: the
        entry is observed again then, under a new number.
        """
        message, delay = _message(page, attempt), FIRST_DELAY
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                await self._publisher.publish(RAW_IN, RAW_KEY, message)
            except Postponed:
                self._refused = False
                raise
            except TransientError as error:
                waiting.lasts(RAW_IN, "broker", str(error))
                log.debug("page_waits", raw_id=message.message_id, reason=str(error))
                if asyncio.get_running_loop().time() + delay > deadline:
                    self._refused = True
                    raise
            else:
                self._refused = False
                waiting.over(RAW_IN)
                return
            await self._wait(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _wait(self, delay: float) -> None:
        self._waiting += 1
        try:
            await asyncio.sleep(delay * (0.75 + random() / 2))  # noqa: S311 - spreads retries, keeps no secret
        finally:
            self._waiting -= 1


def _message(page: RawPage, attempt: int) -> Message:
    message = page.message()
    return replace(message, headers={**message.headers, ATTEMPT_HEADER: attempt}) if attempt > 1 else message
