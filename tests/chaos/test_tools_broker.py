"""The private RabbitMQ can be limited, alarmed, shut down and destroyed, and is whole again afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError
from broker_traffic import eventually
from rabbitmq_node import Alarm, Depth, RabbitNode

DEADLINE_SECONDS = 30.0
SILENCE_SECONDS = 0.3
WORK = "raw.work"
ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "quorum",
    "x-overflow": "reject-publish",
    "x-max-length-bytes": 1_000_000_000,
}
PAGE = aio_pika.Message(b"page", delivery_mode=2)

pytestmark = pytest.mark.rabbitmq


@asynccontextmanager
async def work_queue(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(2)
        await channel.declare_queue(WORK, durable=True, arguments=ARGUMENTS)
        yield channel


async def publish(channel: AbstractChannel, count: int = 1) -> None:
    for _ in range(count):
        await channel.default_exchange.publish(PAGE, WORK, timeout=DEADLINE_SECONDS)


async def hold(channel: AbstractChannel, count: int) -> None:
    """Take so many messages, and settle none of them."""
    taken: list[AbstractIncomingMessage] = []

    async def take(message: AbstractIncomingMessage) -> None:
        taken.append(message)

    queue = await channel.get_queue(WORK, ensure=False)
    await queue.consume(take)
    await eventually(lambda: len(taken) == count, f"{count} messages are taken")


async def test_depths_tell_what_waits_and_what_is_held(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """Exact at once, though the broker's own figures are some seconds old."""
    async with work_queue(rabbitmq_url) as channel:
        await publish(channel, 5)
        await hold(channel, 2)
        assert rabbitmq_node.depths(rabbitmq_url) == {WORK: Depth(ready=3, unacked=2)}


async def test_a_delivery_not_settled_in_time_costs_its_channel(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """A consumer timeout of a second ends a channel that opened after it was set, within seconds."""
    rabbitmq_node.consumer_timeout(1)
    try:
        async with work_queue(rabbitmq_url) as channel:
            ended = asyncio.Event()
            channel.close_callbacks.add(lambda *_: ended.set())
            await publish(channel)
            await hold(channel, 1)
            await eventually(ended.is_set, "the channel is closed")
    finally:
        rabbitmq_node.consumer_timeout()


async def test_a_queue_is_limited_while_it_is_used(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """The next publish is refused, and after the limit is gone the same channel publishes again."""
    async with work_queue(rabbitmq_url) as channel:
        await publish(channel, 2)
        rabbitmq_node.limit(rabbitmq_url, WORK, max_length=1)
        with pytest.raises(DeliveryError):
            await publish(channel)
        rabbitmq_node.unlimit(rabbitmq_url, WORK)
        await publish(channel)
    assert rabbitmq_node.depths(rabbitmq_url) == {WORK: Depth(ready=3, unacked=0)}


@pytest.mark.parametrize("alarm", ["memory", "disk"])
async def test_an_alarm_blocks_publishers_until_it_is_cleared(
    rabbitmq_node: RabbitNode, rabbitmq_url: str, alarm: Alarm
) -> None:
    """A publish is not confirmed while the alarm is raised, and is when it is cleared."""
    async with work_queue(rabbitmq_url) as channel:
        rabbitmq_node.raise_alarm(alarm)
        try:
            publishing = asyncio.create_task(publish(channel))
            done, _ = await asyncio.wait([publishing], timeout=SILENCE_SECONDS)
            assert not done
        finally:
            rabbitmq_node.clear_alarm(alarm)
        await publishing


async def test_the_connections_of_one_virtual_host_are_dropped(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """Its clients are told, and those of another one go on."""
    async with (
        await aio_pika.connect(rabbitmq_url) as dropped,
        await aio_pika.connect(rabbitmq_node.fresh_url()) as other,
    ):
        ended = asyncio.Event()
        dropped.close_callbacks.add(lambda *_: ended.set())
        await asyncio.to_thread(rabbitmq_node.drop_connections, rabbitmq_url)
        await eventually(ended.is_set, "the connection is closed")
        await other.channel()
        assert not other.is_closed


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_shut_down_keeps_what_a_destruction_loses(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """Shut down in good order, the broker has its messages; destroyed, it has a virtual host given back, empty."""
    async with work_queue(rabbitmq_url) as channel:
        await publish(channel, 3)
    rabbitmq_node.shut_down()
    rabbitmq_node.start()
    assert rabbitmq_node.depths(rabbitmq_url) == {WORK: Depth(ready=3, unacked=0)}
    rabbitmq_node.destroy()
    rabbitmq_node.give_back(rabbitmq_url)
    assert rabbitmq_node.depths(rabbitmq_url) == {}
    async with work_queue(rabbitmq_url) as channel:
        await publish(channel)
