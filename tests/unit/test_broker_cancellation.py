"""Libraries that lose cancellations, and ones that raise them for reasons of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aio_pika
import pytest
from broker_traffic import eventually

from shared.broker.cancellation import being_cancelled, true_cancellations
from shared.broker.handling import until_ready
from shared.broker.rabbitmq_link import Link

Call = Callable[[], Awaitable[None]]


async def loses_it() -> None:
    """Return as if nothing had happened, as `asyncio.wait_for` can up to Python 3.11."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def fails_instead() -> None:
    await loses_it()
    raise OSError("reset")


async def passes_it_on() -> None:
    await asyncio.Event().wait()


async def gives_up() -> None:
    """Reject what is waited for, as aiormq does when its connection is stuck."""
    rejected = asyncio.get_running_loop().create_future()
    rejected.set_exception(asyncio.CancelledError())
    await rejected


async def cancelled_in(waiting: Awaitable[None]) -> asyncio.Task[None]:
    """Cancel once it waits; the task, which has ended or lost the cancellation."""
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=1)
    assert isinstance(task, asyncio.Task)
    return task


@pytest.mark.parametrize("call", [loses_it, fails_instead, passes_it_on])
async def test_a_cancellation_during_a_call_comes_out_of_it(call: Call) -> None:
    """Whatever a library makes of a cancellation of the task, the task is cancelled."""

    async def guarded() -> None:
        with true_cancellations():
            await call()

    assert (await cancelled_in(guarded())).cancelled()


async def test_a_cancellation_by_the_library_is_a_lost_connection() -> None:
    """CancelledError that nobody asked for becomes an error that is handled like any broken connection."""
    with pytest.raises(ConnectionError), true_cancellations():
        await gives_up()

    assert not being_cancelled()


async def test_what_a_library_raises_or_returns_is_left_alone() -> None:
    """Without any cancellation, errors and results pass unchanged."""
    with pytest.raises(KeyError, match="title"), true_cancellations():
        raise KeyError("title")
    with true_cancellations():
        await asyncio.sleep(0)


async def test_a_cancelled_task_still_cleans_up() -> None:
    """A cancellation from before the calls neither interrupts them nor passes for one of theirs."""
    cleaned: list[str] = []

    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with true_cancellations():
                await asyncio.sleep(0)
            cleaned.append("unsubscribed")
            with suppress(ConnectionError), true_cancellations():
                await gives_up()
            cleaned.append("closed")

    assert (await cancelled_in(cleans_up())).cancelled()
    assert cleaned == ["unsubscribed", "closed"]


async def test_an_attempt_s_time_is_no_cancellation() -> None:
    """A timeout around or within the calls stays a TimeoutError, even if the library swallows how it is told."""

    async def timed(call: Call) -> None:
        with true_cancellations():
            async with asyncio.timeout(0):
                with true_cancellations():
                    await call()

    for call in (loses_it, fails_instead, passes_it_on):
        with pytest.raises(TimeoutError):
            await timed(call)


async def test_waiting_for_a_dependency_ends_when_it_is_cancelled() -> None:
    """A store's driver that loses the cancellation does not make its consumer take up work again."""
    assert (await cancelled_in(until_ready(loses_it, lambda: 1.0, queue="q"))).cancelled()


async def test_a_store_that_gives_up_its_connection_is_not_ready() -> None:
    """A driver's own CancelledError is one more failure; the next answer ends the wait."""
    answers = iter([gives_up, loses_nothing])

    async def ready() -> None:
        await next(answers)()

    await until_ready(ready, lambda: 1.0, queue="q")

    assert next(answers, None) is None


async def loses_nothing() -> None:
    return


class Connection:
    """What a link asks of a connection."""

    def __init__(self) -> None:
        self.close_callbacks: set[object] = set()
        self.closed = False

    async def close(self) -> None:
        self.closed = True


async def test_a_connection_that_comes_about_as_its_link_is_cancelled_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The link ends, and leaves no connection open that nobody knows of."""
    made: list[Connection] = []

    async def connect(*_: Any, **__: Any) -> Connection:
        made.append(Connection())
        await loses_it()
        return made[-1]

    monkeypatch.setattr(aio_pika, "connect", connect)
    task = asyncio.create_task(Link("amqp://localhost", name="test", chance=lambda: 1.0).run())
    await eventually(lambda: bool(made), "connecting")
    task.cancel()
    await asyncio.wait([task], timeout=1)

    assert (task.cancelled(), [connection.closed for connection in made]) == (True, [True])
