import asyncio
import os
import signal

import pytest
from broker_traffic import eventually
from structlog.testing import capture_logs

from shared import lifecycle
from shared.errors import StoreUnavailable, TransientError
from shared.lifecycle import Stop, answered, hand_back, run_until, stop_on_signals, work_off
from shared.waiting import waiting


@pytest.fixture(autouse=True)
def short_delays(monkeypatch):
    monkeypatch.setattr(lifecycle, "FIRST_DELAY", 0.001)
    monkeypatch.setattr(lifecycle, "LONGEST_DELAY", 0.002)


class Queue:
    """Work to lease, and what became of it. An exception in `trouble` is raised by the next lease."""

    def __init__(self, *items: int, trouble: list[Exception] | None = None) -> None:
        self.items = list(items)
        self.trouble = trouble or []
        self.limits: list[int] = []
        self.done: list[int] = []
        self.at_work = 0
        self.most_at_work = 0
        self.release = asyncio.Event()

    async def lease(self, limit: int) -> list[int]:
        self.limits.append(limit)
        if self.trouble:
            raise self.trouble.pop(0)
        taken, self.items = self.items[:limit], self.items[limit:]
        return taken

    async def work(self, item: int) -> None:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await self.release.wait()
            if item < 0:
                raise KeyError(item)
            self.done.append(item)
        finally:
            self.at_work -= 1

    def loop(self, stop: Stop, concurrency: int = 3) -> "asyncio.Task[None]":
        return asyncio.create_task(work_off(stop, self.lease, self.work, concurrency=concurrency, idle_seconds=0.001))


async def test_work_is_leased_as_places_get_free() -> None:
    """Never more at once than there are places; in the end all is done."""
    queue, stop = Queue(*range(10)), Stop()
    task = queue.loop(stop)
    await eventually(lambda: queue.at_work == 3, "all places are taken")
    queue.release.set()
    await eventually(lambda: len(queue.done) == 10, "all is done")
    stop.set()
    await task

    assert (queue.most_at_work, max(queue.limits)) == (3, 3)


async def test_a_stop_finishes_what_is_held_and_takes_no_more() -> None:
    """What was not leased is another's."""
    queue, stop = Queue(*range(10)), Stop()
    task = queue.loop(stop)
    await eventually(lambda: queue.at_work == 3, "all places are taken")
    stop.set()
    queue.release.set()
    await task

    assert (sorted(queue.done), queue.items) == ([0, 1, 2], list(range(3, 10)))


@pytest.mark.parametrize("error", [StoreUnavailable("down"), TransientError("store_conflict")])
async def test_the_loop_outlives_a_store_that_does_not_answer(error: TransientError) -> None:
    """It goes on as soon as leasing works again."""
    queue, stop = Queue(1, 2, trouble=[error, error]), Stop()
    queue.release.set()
    task = queue.loop(stop)
    await eventually(lambda: len(queue.done) == 2, "all is done")
    stop.set()
    await task


async def test_an_outage_is_told_once_and_not_for_each_unit_of_work() -> None:
    """The loop that leases tells it, and that it is over; the work that met it says nothing."""
    waiting.reset()
    queue, stop = Queue(*range(6), trouble=[StoreUnavailable("down")] * 5), Stop()
    left = [StoreUnavailable("down")] * 4

    async def work(_item: int) -> None:
        if left:
            raise left.pop()

    with capture_logs() as logs:
        task = asyncio.create_task(work_off(stop, queue.lease, work, concurrency=3, idle_seconds=0.001, name="feeds"))
        await eventually(lambda: not queue.items and not left and not waiting.current(), "all is worked off")
        stop.set()
        await task
    told = [(line["event"], line["dependency"]) for line in logs if line["log_level"] != "debug"]

    assert told == [("waiting_for_dependency", "store"), ("dependency_answers", "store")]


async def test_work_that_raises_costs_itself_only() -> None:
    """Its lease ends by itself; its place is free again."""
    queue, stop = Queue(-1, 1, -2, 2), Stop()
    queue.release.set()
    task = queue.loop(stop, concurrency=1)
    await eventually(lambda: len(queue.done) == 2, "the others are done")
    stop.set()
    await task


async def test_cancelling_the_loop_ends_the_work() -> None:
    """It would go on with a store and a client that are closed by then."""
    queue = Queue(1, 2)
    task = queue.loop(Stop())
    await eventually(lambda: queue.at_work == 2, "both are at work")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (queue.at_work, queue.done) == (0, [])


async def test_a_loop_that_fails_takes_the_others_down() -> None:
    """Half a service is worse than a restart; its error is raised once the others have ended."""
    stop, ended = Stop(), []

    async def fails() -> None:
        raise KeyError("bug")

    async def patient() -> None:
        await stop.wait()
        ended.append("patient")

    with pytest.raises(KeyError):
        await run_until(stop, fails(), patient(), grace_seconds=10)

    assert ended == ["patient"]


async def test_what_does_not_end_within_the_grace_is_cancelled() -> None:
    """A service that is told to stop stops."""
    stop, ended = Stop(), []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    stop.set()
    async with asyncio.timeout(10):
        await run_until(stop, stubborn(), grace_seconds=0.01)

    assert ended == ["cancelled"]


async def test_a_dependency_is_waited_for() -> None:
    """Until it answers, or until it is time to stop."""
    stop, asked = Stop(), 0

    async def probe() -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise StoreUnavailable("down")

    async def never() -> None:
        stop.set()
        raise StoreUnavailable("down")

    assert await answered("store", probe, stop) is True
    assert await answered("store", never, stop) is False
    assert asked == 3


async def test_a_signal_asks_for_a_clean_stop_once() -> None:
    """The next one ends the process as usual: its handler is the default again."""
    async with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await stop.wait() is True
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_waiting_for_a_stop_may_end_earlier() -> None:
    """It says whether it is time to stop."""
    stop = Stop()
    assert (await stop.wait(0.001), bool(stop)) == (False, False)
    stop.set()
    assert (await stop.wait(60), bool(stop)) == (True, True)


@pytest.mark.parametrize("trouble", [StoreUnavailable("down"), None])
async def test_handing_back_does_not_hold_up_the_stop(monkeypatch, trouble: Exception | None) -> None:
    """A store that is away, or that does not answer, costs the lease's time only."""
    monkeypatch.setattr(lifecycle, "HAND_BACK_SECONDS", 0.01)

    async def release() -> None:
        if trouble is not None:
            raise trouble
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        await hand_back(release())
