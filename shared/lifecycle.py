"""How a service starts, runs its loops and stops."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from random import random
from typing import Any, TypeVar

import structlog

from shared.errors import PipelineError, StoreUnavailable, TransientError, Unavailable
from shared.waiting import Ours, waiting

log = structlog.get_logger()
T = TypeVar("T")

FIRST_DELAY = 0.2
LONGEST_DELAY = 3.0
"""Short: an attempt costs next to nothing, and whoever waits goes on within a moment of the answer."""
GATHER_SECONDS = 0.25
HAND_BACK_SECONDS = 3.0


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


async def answered(what: Ours, probe: Callable[[], Awaitable[None]], stop: Stop) -> bool:
    """Wait, with growing pauses, until `probe` passes; False when it was time to stop first."""
    delay, name = FIRST_DELAY, f"start, {what}"
    while not stop:
        try:
            await probe()
        except Unavailable as error:
            waiting.lasts(name, what, str(error))
            await stop.wait(delay * (0.75 + random() / 2))  # noqa: S311 - spreads restarts, keeps no secret
            delay = min(delay * 2, LONGEST_DELAY)
        else:
            waiting.over(name)
            return True
    waiting.given_up(name)
    return False


async def work_off(
    stop: Stop,
    lease: Callable[[int], Awaitable[Sequence[T]]],
    work: Callable[[T], Awaitable[object]],
    *,
    concurrency: int,
    idle_seconds: float,
    name: str = "work",
) -> None:
    """Lease due work as places get free, at most `concurrency` at once, until the stop; then finish what is held.

    A store that does not answer pauses the loop. Work that raises is a bug or an outage: its lease ends by itself
    and it is leased again. Cancelling the loop cancels the work: none outlives what it works with.
    """
    places, pause = _Places(stop), idle_seconds
    try:
        while not stop:
            try:
                with waiting.overdue(name, "store"):
                    leased = await lease(concurrency - len(places.taken))
                pause = idle_seconds
                waiting.over(name)
            except TransientError as error:
                waiting.lasts(name, "store", str(error))
                leased, pause = (), min(max(pause, FIRST_DELAY) * 2, LONGEST_DELAY)
            for each in leased:
                places.take(_logged(work, each, name))
            await (_until_room(places, stop, concurrency) if leased else places.change(pause))
        if places.taken:
            await asyncio.wait(places.taken)
    finally:
        waiting.given_up(name)
        await places.close()


class _Places:
    """Work in progress. One event tells of every end: to wait for each task anew would cost more the more there are."""

    def __init__(self, stop: Stop) -> None:
        self.taken: set[asyncio.Task[object]] = set()
        self._stop = stop
        self._changed = asyncio.Event()
        self._stopping = asyncio.create_task(stop.wait())
        self._stopping.add_done_callback(lambda _: self._changed.set())

    def take(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self.taken.add(task)
        task.add_done_callback(self._ended)

    async def change(self, seconds: float | None = None) -> None:
        """Wait until a unit of work ends, the stop, or for `seconds`."""
        self._changed.clear()
        if not self._stop:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()

    async def close(self) -> None:
        held = (*self.taken, self._stopping)
        for each in held:
            each.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self.taken.discard(task)
        self._changed.set()


async def every(seconds: float, what: str, work: Callable[[], Awaitable[None]], stop: Stop) -> None:
    """Do it again and again until the stop; soon again where the store did not let it be done. `what` is who waits."""
    pause = seconds
    while not await stop.wait(pause):
        try:
            await work()
        except Unavailable as error:
            waiting.met(what, error)
            pause = min(seconds, LONGEST_DELAY)
        except TransientError as error:
            log.debug("put_off", what=what, reason=str(error))
            pause = min(seconds, LONGEST_DELAY)
        else:
            waiting.over(what)
            pause = seconds


async def hand_back(release: Awaitable[None]) -> None:
    """Give up the lease of work that is being cancelled; where that fails, it is waited for until the lease ends."""
    with suppress(PipelineError, TimeoutError):
        async with asyncio.timeout(HAND_BACK_SECONDS):
            await release


async def _until_room(places: _Places, stop: Stop, concurrency: int) -> None:
    """Until half of the places are free, so that one lease takes many; or one, when that takes a while.

    Leasing for each single place would ask the store once for every unit of work.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(GATHER_SECONDS):
            while len(places.taken) > concurrency // 2 and not stop:
                await places.change()
    while len(places.taken) >= concurrency and not stop:
        await places.change()


async def _logged(work: Callable[[T], Awaitable[object]], item: T, name: str) -> None:
    at_work = f"{name} at work"
    try:
        await work(item)
        waiting.over(at_work)
    except StoreUnavailable as error:
        # The loop meets it as well, and knows when it is over.
        log.debug("work_interrupted", reason=str(error))
    except Unavailable as error:
        waiting.met(at_work, error)
    except TransientError as error:
        log.warning("work_interrupted", reason=str(error))
    except Exception:
        log.exception("work_failed")
