"""What crosses between the service and its workers: anything that work may return or raise."""

import asyncio

import killable_work
import odd_work as work
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.workers import LARGE_BYTES, WorkerLimits, WorkerLost, WorkerPool

MEBIBYTE = 2**20


@pytest.fixture
async def pool():
    made = WorkerPool("test", WorkerLimits(workers=2, seconds=2.0, memory_bytes=512 * MEBIBYTE))
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("function", "arguments", "raised"),
    [
        (work.unpicklable_result, (), TypeError),
        (work.unpicklable_error, (), RuntimeError),
        (work.error_that_does_not_come_back, (), RuntimeError),
        (work.result_that_does_not_come_back, (), ValueError),
        (work.deep, (100_000,), RecursionError),
        (work.giant, (400 * MEBIBYTE,), WorkerLost),
        (work.slow_to_pack, (), WorkerLost),
        (work.echo, (work.Unpicklable(),), TypeError),
    ],
)
async def test_what_cannot_be_handed_back_costs_nobody_else(pool, function, arguments, raised):
    """It is an error of its own, within the limits of the work; a neighbour's result comes, and the pool goes on."""
    neighbour = asyncio.create_task(pool.run(killable_work.recover, 7))
    with pytest.raises(raised):
        await pool.run(function, *arguments)

    assert await neighbour == 7
    assert await pool.run(work.echo, 4) == 4


async def test_a_large_result_comes_whole(pool):
    """Far above what a pipe holds, and beside the event loop."""
    assert await pool.run(work.giant, 50 * LARGE_BYTES) == b"x" * 50 * LARGE_BYTES


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


async def test_values_come_back_as_they_were(pool):
    """Texts with halves of characters and NUL, bytes, nested collections: the result is what was returned."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(values)
    def echoed(value):
        assert asyncio.run_coroutine_threadsafe(pool.run(work.echo, value), loop).result(60) == value

    await asyncio.to_thread(echoed)
    assert await pool.run(work.echo, "\ud800\x00") == "\ud800\x00"


async def test_an_error_says_where_it_came_from(pool):
    """What cannot cross keeps its kind and its words."""
    with pytest.raises(RuntimeError, match="NeedsTwo: a b"):
        await pool.run(work.error_that_does_not_come_back)
    with pytest.raises(PermanentError, match="not_html"):
        await pool.run(killable_work.refuse)
