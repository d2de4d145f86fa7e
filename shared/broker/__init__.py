"""The message broker, in the process or RabbitMQ; which one is in the URL, and nobody else needs to know."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from shared.broker.pace import Patience
from shared.broker.protocols import Broker
from shared.topology import Topology

DEFAULT_GRACE_SECONDS = 20.0


@asynccontextmanager
async def connect(
    url: str, topology: Topology, *, name: str = "fildactu", grace_seconds: float = DEFAULT_GRACE_SECONDS
) -> AsyncIterator[Broker]:
    """The broker at `url`: `inprocess:`, `amqp://…` or `amqps://…`. Does not wait for it to answer.

    `name` is shown for our connections in the broker's own tools; `grace_seconds` is what handlers get to finish when
    consuming is cancelled. Raises ValueError for any other URL.
    """
    patience = Patience(grace_seconds=grace_seconds)
    if _scheme(url) == "inprocess":
        from shared.broker.inprocess import InProcessBroker  # noqa: PLC0415 -- as below

        yield InProcessBroker(topology, patience=patience)
        return
    # Imported where it is used: aio_pika takes a noticeable part of a command's start, which one process can spare.
    from shared.broker.rabbitmq import RabbitBroker  # noqa: PLC0415

    async with RabbitBroker(url, name=name, patience=patience).running() as broker:
        yield broker


async def history(url: str, since: datetime | None) -> AsyncIterator[bytes]:
    """The events that the broker keeps, from a time on to the end; none in one process, where no broker keeps any.

    Raises BrokerUnavailable.
    """
    if _scheme(url) == "inprocess":
        return
    from shared.broker.rabbitmq_history import history as read  # noqa: PLC0415 -- as above

    async for body in read(url, since):
        yield body


async def apply_topology(url: str, topology: Topology) -> None:
    """Declare all exchanges and queues; in one process there is nothing to do.

    Raises BrokerUnavailable, or PermanentError naming what the broker has with other properties and what to do.
    """
    if _scheme(url) == "inprocess":
        return
    from shared.broker.rabbitmq_topology import apply_topology as declare  # noqa: PLC0415 -- as above

    await declare(url, topology)


def _scheme(url: str) -> str:
    scheme = url.partition(":")[0]
    if scheme not in {"inprocess", "amqp", "amqps"}:
        # Not the URL itself: it may hold a password.
        raise ValueError(f"unknown broker scheme {scheme!r}: use inprocess:, amqp:// or amqps://")
    return scheme
