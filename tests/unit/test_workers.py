import asyncio
from functools import partial

import killable_work as work
import pytest

from shared.errors import PermanentError, TransientError, Unavailable
from shared.workers import WorkerLimits, WorkerLost, WorkerPool

MEBIBYTE = 2**20


@pytest.fixture
async def pool():
    """Two processes with short limits."""
    made = WorkerPool("test", WorkerLimits(workers=2, seconds=1.0, memory_bytes=512 * MEBIBYTE))
    yield made
    await made.close()


async def test_work_is_done_in_other_processes(pool: WorkerPool) -> None:
    """Its result comes back, and its errors come back as they are, with what they say."""
    assert await pool.run(work.double, 21) == 42
    with pytest.raises(PermanentError) as permanent:
        await pool.run(work.refuse)
    with pytest.raises(TransientError) as transient:
        await pool.run(work.fail_for_now)

    assert (permanent.value.reason, permanent.value.detail) == ("not_html", "an image")
    assert (transient.value.reason, transient.value.retry_after) == ("busy", 5.0)


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        (work.overrun, (), "worker_timeout"),
        (work.eat_memory, (1024 * MEBIBYTE,), "worker_died"),
        (work.be_killed, (), "worker_died"),
        (work.leave, (), "worker_died"),
    ],
)
async def test_work_that_costs_its_process_costs_nothing_else(pool: WorkerPool, function, arguments, reason) -> None:
    """Its neighbour finishes, and the pool goes on."""
    neighbour = asyncio.create_task(pool.run(work.recover, 7))
    with pytest.raises(WorkerLost) as lost:
        await pool.run(function, *arguments)

    assert (lost.value.reason, await neighbour) == (reason, 7)
    assert await pool.run(work.double, 4) == 8


async def test_a_bug_is_raised_as_what_it_is(pool: WorkerPool) -> None:
    """The process lives on: nothing was wrong with it."""
    before = await pool.run(work.own_pid)
    with pytest.raises(RecursionError):
        await pool.run(work.exhaust_the_stack)

    assert before > 0
    assert await pool.run(work.double, 4) == 8


async def test_the_time_limit_does_not_count_the_waiting(pool: WorkerPool) -> None:
    """A long queue is no reason to kill anybody."""
    results = await asyncio.gather(*(pool.run(work.recover, number) for number in range(16)))

    assert results == list(range(16))


async def test_closing_ends_what_is_at_work() -> None:
    """A stop does not wait for a page that takes for ever, and does not leave its handler waiting either."""
    pool = WorkerPool("test", WorkerLimits(workers=2, seconds=60.0))
    task = asyncio.create_task(pool.run(work.overrun))
    await pool.run(work.double, 1)
    async with asyncio.timeout(30):
        await pool.close()
        with pytest.raises(Unavailable):
            await task


async def test_a_pool_whose_processes_do_not_start_is_an_outage_that_ends(tmp_path) -> None:
    """No page may be given up for it, and the pool works again once they do."""
    trouble = tmp_path / "trouble"
    trouble.touch()
    pool = WorkerPool("test", WorkerLimits(workers=2, seconds=5.0), partial(work.warm_up_unless, str(trouble)))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await pool.run(work.double, 4)
    trouble.unlink()

    assert await pool.run(work.double, 4) == 8
    await pool.close()
