"""Counts results and knows their rate once the warm-up is over, so that starting processes counts for nothing."""

import asyncio
import time

WARM_UP = 60


class Clock:
    """`done` is set with the `expected`-th result."""

    def __init__(self, expected: int) -> None:
        self.times: list[float] = []
        self.done = asyncio.Event()
        self._expected = expected

    def tick(self) -> None:
        self.times.append(time.perf_counter())
        if len(self.times) >= self._expected:
            self.done.set()

    @property
    def rate(self) -> float:
        return rate(self.times)


def rate(times: list[float]) -> float:
    """Results a second, from the `WARM_UP`-th on; of few results, after a quarter of them."""
    skipped = min(WARM_UP, len(times) // 4)
    return (len(times) - 1 - skipped) / (times[-1] - times[skipped])
