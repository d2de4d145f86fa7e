"""Consuming that is cancelled, as at a SIGTERM: what is at work ends, the rest goes back, and nothing hangs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aio_pika
import pytest
from broker_traffic import Inbox, consuming, eventually, page, send
from quick_topology import quick_topology

from shared.broker.pace import Patience
from shared.broker.protocols import Delivery
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.rabbitmq_topology import apply_topology
from shared.delivery import Ack, DeadLetter, Pause, Verdict
from shared.topology import RAW_DEAD, RAW_WORK

# Longer than any test waits: who needs it to run out fails.
PATIENCE = Patience(wait_seconds=0.5, attempt_seconds=5, grace_seconds=60)

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(90)]


@asynccontextmanager
async def broker_at(url: str) -> AsyncIterator[RabbitBroker]:
    await apply_topology(url, quick_topology())
    async with RabbitBroker(url, name="test", patience=PATIENCE, chance=lambda: 1.0).running() as broker:
        yield broker


async def none_left_to_deliver(url: str) -> None:
    """Wait until consumers have taken all of the work queue, handled or not."""
    async with asyncio.timeout(20), await aio_pika.connect(url) as connection, connection.channel() as channel:
        while (await channel.declare_queue(RAW_WORK, passive=True)).declaration_result.message_count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class Gate:
    """A handler that keeps what it got until `opened`, and then answers each page with its verdict or `Ack`."""

    def __init__(self, **verdicts: Verdict) -> None:
        self.opened = asyncio.Event()
        self.started: list[str] = []
        self.finished: list[str] = []
        self._verdicts = verdicts

    async def __call__(self, delivery: Delivery) -> Verdict:
        name = delivery.message.message_id
        self.started.append(name)
        await self.opened.wait()
        self.finished.append(name)
        return self._verdicts.get(name.replace("-", "_"), Ack())


async def test_a_stop_finishes_what_is_at_work_and_hands_back_what_was_fetched_ahead(rabbitmq_url: str) -> None:
    """Of twenty pages here, the ten at work end with their verdicts; the others, and only they, come again."""
    names = [f"page-{number}" for number in range(20)]
    gate = Gate(page_2=DeadLetter("not_html"), page_3=Pause("refused"))
    later, dead = Inbox(), Inbox()
    async with broker_at(rabbitmq_url) as broker:
        for number in range(20):
            await send(broker, page(number))
        async with consuming(broker, RAW_WORK, gate, concurrency=10) as task:
            await eventually(lambda: len(gate.started) == 10, "ten at work")
            await none_left_to_deliver(rabbitmq_url)
            task.cancel()
            ended, _ = await asyncio.wait([task], timeout=0.2)
            assert set() == ended
            gate.opened.set()
            await eventually(task.done, "ended")
        async with consuming(broker, RAW_WORK, later, concurrency=10), consuming(broker, RAW_DEAD, dead):
            await send(broker, page("last"))
            await eventually(lambda: "page-last" in later.ids, "the last page")
            await later.holds(12)
            await dead.holds(1)

    assert (names[:10], names[:10]) == (sorted(gate.started), sorted(gate.finished))
    assert sorted(["page-3", *names[10:], "page-last"]) == sorted(later.ids)
    had_been_here = [delivery.message.message_id for delivery in later.deliveries if delivery.redelivered]
    assert sorted(["page-3", *names[10:]]) == sorted(had_been_here)
    assert dead.ids == ["page-2"]


class Completing:
    """`asyncio.wait_for` whose call after `left` others completes just as its task is cancelled.

    Up to Python 3.11 the cancellation is lost then, and aiormq awaits with it whatever has a timeout.
    """

    def __init__(self, left: int) -> None:
        self.left = left
        self.reached = False
        self._wait_for = asyncio.wait_for

    async def __call__(self, call: Awaitable[Any], timeout: float | None = None) -> Any:  # noqa: ASYNC109 -- asyncio's
        result = await self._wait_for(call, timeout)
        self.left -= 1
        if self.left == -1:
            self.reached = True
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return result


async def test_no_cancellation_is_lost_in_the_library(rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Consuming ends when it is cancelled, whatever call of the library completes at that moment."""
    async with broker_at(rabbitmq_url) as broker:
        calls = 0
        while await cancelled_after(calls, broker, monkeypatch):
            calls += 1

    # To connect, to set the prefetch and to subscribe, at least.
    assert calls >= 3


async def cancelled_after(calls: int, broker: RabbitBroker, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Cancel consuming as its call after `calls` others completes; False if a page came before there were as many."""
    await send(broker, page(calls))
    inbox, completing = Inbox(), Completing(calls)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "wait_for", completing)
        async with consuming(broker, RAW_WORK, inbox) as task:
            await eventually(lambda: completing.reached or bool(inbox.ids), "a call or a page")
            if not completing.reached:
                completing.left = -1
                return False
            task.cancel()
            await eventually(task.done, f"ended, cancelled after {calls} calls")
            return True
