"""How deliveries and attempts follow one another: who runs alone, and how long to wait after a failure."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

SHORTEST_SECONDS = 0.2
LONGEST_SECONDS = 3.0
"""Short: a connect or a probe costs next to nothing, and several such waits may follow one another after an outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each thing may take, in seconds."""

    wait_seconds: float = 10.0
    """A publish waits this long for a connection, in one process for a consumer."""
    attempt_seconds: float = 10.0
    """... and this long for the broker's confirm."""
    grace_seconds: float = 20.0
    """What handlers at work get to finish when consuming stops."""


def waits(chance: Callable[[], float]) -> Iterator[float]:
    """Seconds to wait after the first, second, ... failure in a row; `chance` gives 0..1.

    Doubling, and up to half of it taken off at random: after an outage not every client comes back at once.
    """
    for failures in itertools.count():
        yield min(LONGEST_SECONDS, SHORTEST_SECONDS * 2 ** min(failures, 10)) * (1 - chance() / 2)


class Track:
    """Ordinary work runs side by side; work that must run alone waits for it and keeps others waiting, in turn."""

    def __init__(self) -> None:
        self._gate = asyncio.Lock()
        self._running = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @asynccontextmanager
    async def entered(self, *, alone: bool) -> AsyncIterator[None]:
        if alone:
            async with self._gate:
                await self._empty.wait()
                yield
            return
        async with self._gate:
            self._running += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._running -= 1
            if self._running == 0:
                self._empty.set()
