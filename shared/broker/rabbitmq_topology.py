"""Declaring exchanges, queues and bindings: once, before anything runs, on a connection of its own."""

import asyncio
import re

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelPreconditionFailed

from shared.broker.cancellation import true_cancellations
from shared.broker.rabbitmq_link import CONNECT_SECONDS
from shared.errors import BrokerUnavailable, PermanentError
from shared.topology import Exchange, Queue, Topology

DECLARE_SECONDS = 10.0


class TopologyDrift(PermanentError):
    """The broker has a queue or an exchange of this name with other properties; it changes none of them in place."""


async def apply_topology(url: str, topology: Topology) -> None:
    """Declare everything; what exists already with the same properties stays as it is.

    Raises TopologyDrift, naming all that differs and what to do, or BrokerUnavailable.
    """
    try:
        with true_cancellations():
            connection = await aio_pika.connect(url, timeout=CONNECT_SECONDS)
    except CONNECTION_EXCEPTIONS as error:
        raise BrokerUnavailable(f"broker_unreachable: {error!r}") from error
    differing: list[str] = []
    everything: tuple[Exchange | Queue, ...] = (*topology.exchanges, *topology.queues)
    async with connection:
        for wanted in everything:
            try:
                await _declared(connection, wanted)
            except TopologyDrift as drift:
                differing.append(drift.detail)
    if differing:
        raise TopologyDrift("topology_drift", "\n".join(differing))


async def _declared(connection: AbstractConnection, wanted: Exchange | Queue) -> None:
    # Each on a channel of its own: the broker closes the channel of a declaration it refuses.
    try:
        with true_cancellations():
            async with asyncio.timeout(DECLARE_SECONDS), connection.channel() as channel:
                if isinstance(wanted, Exchange):
                    await channel.declare_exchange(wanted.name, wanted.kind, durable=True)
                    return
                queue = await channel.declare_queue(wanted.name, durable=True, arguments=dict(wanted.arguments))
                for binding in wanted.bindings:
                    await queue.bind(binding.exchange, binding.key)
    except ChannelPreconditionFailed as error:
        raise TopologyDrift("topology_drift", _explained(wanted, str(error))) from error
    except CONNECTION_EXCEPTIONS as error:
        raise BrokerUnavailable(f"broker_unreachable: {error!r}") from error


def _explained(wanted: Exchange | Queue, answer: str) -> str:
    what = "exchange" if isinstance(wanted, Exchange) else "queue"
    named = re.search(r"inequivalent arg '([^']+)'", answer)
    argument = f" in {named[1]}" if named else ""
    remedy = (
        "delete the exchange"
        if what == "exchange"
        else "stop the fetchers, let the processors empty the queue, stop them too, delete it (docs/operations.md)"
    )
    return (
        f"{what} {wanted.name} on the broker differs{argument}. It cannot be changed in place: {remedy} "
        f"and run the migration again. The broker says: {answer}"
    )
