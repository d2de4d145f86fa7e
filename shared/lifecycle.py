"""How a service starts, runs its loops and stops."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from random import random
from typing import Any, TypeVar

import structlog

from shared.errors import Unavailable

log = structlog.get_logger()
T = TypeVar("T")

FIRST_DELAY = 0.2
LONGEST_DELAY = 15.0


class Stop:
    """A stop that can be waited for; loops look at it between units of work."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Sleep until the stop or for `seconds`; True when it is time to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def stop_on_signals() -> AsyncIterator[Stop]:
    """SIGTERM and SIGINT ask for a clean stop; a second one ends the process as usual."""
    loop, stop = asyncio.get_running_loop(), Stop()

    def ask(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        stop.set()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def run_until(stop: Stop, *loops: Coroutine[Any, Any, None], grace_seconds: float) -> None:
    """Run the loops until `stop` is set or one of them fails; then give them `grace_seconds` before cancelling.

    A loop that fails takes the service down: half a service is worse than a restart.
    """
    tasks = [asyncio.create_task(each) for each in loops]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.wait(tasks, timeout=grace_seconds)
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def answered(what: str, probe: Callable[[], Awaitable[None]], stop: Stop) -> bool:
    """Wait, with growing pauses, until `probe` passes; False when it was time to stop first."""
    delay = FIRST_DELAY
    while not stop:
        try:
            await probe()
        except Unavailable as error:
            log.warning("waiting_for_dependency", dependency=what, reason=str(error), retry_seconds=round(delay, 1))
            await stop.wait(delay * (0.75 + random() / 2))  # noqa: S311 - spreads restarts, keeps no secret
            delay = min(delay * 2, LONGEST_DELAY)
        else:
            return True
    return False


async def work_off(
    stop: Stop,
    lease: Callable[[int], Awaitable[Sequence[T]]],
    work: Callable[[T], Awaitable[object]],
    *,
    concurrency: int,
    idle_seconds: float,
) -> None:
    """Lease due work as places get free, at most `concurrency` at once, until the stop; then finish what is held.

    A store that does not answer pauses the loop. Work that raises is a bug or an outage: its lease ends by itself
    and it is leased again.
    """
    running: set[asyncio.Task[object]] = set()
    pause = idle_seconds
    while not stop:
        try:
            leased = await lease(concurrency - len(running)) if len(running) < concurrency else ()
            pause = idle_seconds
        except Unavailable as error:
            log.warning("waiting_for_dependency", dependency="store", reason=str(error))
            leased, pause = (), min(max(pause, FIRST_DELAY) * 2, LONGEST_DELAY)
        for each in leased:
            task = asyncio.create_task(_logged(work, each))
            running.add(task)
            task.add_done_callback(running.discard)
        await _until_free(running, stop, pause, full=len(running) >= concurrency, found=bool(leased))
    if running:
        await asyncio.wait(running)


async def _until_free(
    running: set[asyncio.Task[object]], stop: Stop, pause: float, *, full: bool, found: bool
) -> None:
    """Wait for a free place when all are taken; for a while, or the next free place, when nothing was due."""
    if found and not full:
        return
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({*running, stopping}, timeout=None if full else pause, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def _logged(work: Callable[[T], Awaitable[object]], item: T) -> None:
    try:
        await work(item)
    except Unavailable as error:
        log.warning("work_interrupted", reason=str(error))
    except Exception:
        log.exception("work_failed")
