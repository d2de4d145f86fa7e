"""The end of a scenario: the work is ended in order, so that what is left undone was lost and not interrupted."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from time import monotonic

from chaos.books import Books
from chaos.service_process import ServiceProcess
from chaos.subscriber import Subscriber

LOOK_SECONDS = 0.1
DRAIN_SECONDS = 30.0
STILL_SECONDS = 8.0
"""Longer than the processor ever needs for one page on a busy machine."""
RETRIED = frozenset({"retry", "waiting", "lease_lost"})


async def wind_down(services: Sequence[ServiceProcess], subscriber: Subscriber, books: Books) -> None:
    """The fetchers first; then what they left is worked off, or stays undone and is a fault to be told."""
    await asyncio.gather(*(each.terminate() for each in services if not each.name.startswith("processor")))
    await _drained(subscriber, books)
    await asyncio.gather(*(each.terminate() for each in services))
    await subscriber.catch_up()


def retried(services: Iterable[ServiceProcess]) -> Counter[str]:
    """By entry, the visits that the fetchers say they ended without an observation."""
    return Counter(
        line["entry_id"]
        for service in services
        for line in service.logs()
        if line.get("event") == "page_visited" and line.get("outcome") in RETRIED
    )


async def _drained(subscriber: Subscriber, books: Books) -> None:
    """Until nothing is on its way and every stored event has arrived; or until nothing moves any more."""
    gives_up, still, seen = monotonic() + DRAIN_SECONDS, monotonic(), None
    while monotonic() < min(still + STILL_SECONDS, gives_up):
        progress = await books.progress()
        await subscriber.catch_up()
        if not await books.left() and len({each.event_id for each in subscriber.deliveries}) >= progress.events:
            return
        now = (progress, len(subscriber.deliveries))
        if now != seen or progress.unsent:
            still, seen = monotonic(), now
        await asyncio.sleep(LOOK_SECONDS)
