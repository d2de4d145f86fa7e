"""The stream of events, read to its end or not at all: what a restored store learns from."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta

import pytest
from quick_topology import quick_topology
from rabbitmq_node import RabbitNode

from shared.broker import connect, history
from shared.broker import rabbitmq_history as history_module
from shared.broker.rabbitmq_topology import apply_topology
from shared.envelope import Message
from shared.errors import BrokerUnavailable
from shared.topology import ARTICLE_EVENTS

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(90)]
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _soon_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "SILENT_SECONDS", 1.0)


async def publish(url: str, count: int) -> list[bytes]:
    await apply_topology(url, quick_topology())
    bodies = [b"%d" % number for number in range(count)]
    async with connect(url, quick_topology()) as broker:
        for body in bodies:
            message = Message(body=body, message_id=body.decode(), kind="event", content_type="application/json")
            await broker.publish(ARTICLE_EVENTS, "article.published.v1.fr.example", message)
    return bodies


@pytest.mark.parametrize("since", [None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)])
async def test_all_that_was_said_since_is_read_to_the_last(rabbitmq_url: str, since: datetime | None) -> None:
    """And all there is, where the time is after the last event: a quiet day ends the reading no sooner."""
    said = await publish(rabbitmq_url, 500)

    assert said == [body async for body in history(rabbitmq_url, since)]


async def test_an_empty_history_has_an_end(rabbitmq_url: str) -> None:
    """Nothing was said; that is no fault."""
    await publish(rabbitmq_url, 0)

    assert [body async for body in history(rabbitmq_url, None)] == []


async def test_a_broker_that_is_silent_is_no_empty_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that learned nothing from it would look as if there had been nothing to learn."""
    monkeypatch.setattr(history_module, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"amqp://guest:guest@127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(BrokerUnavailable, match="history_not_read"):
            await anext(history(url, None))


async def test_a_history_that_breaks_off_is_not_taken_for_its_end(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """The connection goes while it is read: what came so far is not all."""
    await publish(rabbitmq_url, 500)
    read: list[bytes] = []

    async def read_and_cut() -> None:
        async for body in history(rabbitmq_url, None):
            if not read:
                await asyncio.to_thread(rabbitmq_node.drop_connections, rabbitmq_url)
            read.append(body)

    with pytest.raises(BrokerUnavailable):
        await read_and_cut()
    assert 0 < len(read) < 500
