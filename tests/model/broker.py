"""The broker in memory: queues with unacked messages, redelivery and a limit to it, delays, confirms that get lost."""

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from uuid import UUID

from model.clockwork import Clockwork, Process

from shared.broker.copies import attempt_of
from shared.broker.protocols import Delivery, Rejected, Unconfirmed, Unroutable
from shared.envelope import Message
from shared.errors import BrokerUnavailable
from shared.topology import ARTICLE_HISTORY, RAW_DEAD, RAW_KEY, RAW_WORK, RETRY_TIERS, topology

DELIVERY_LIMIT = 4
DELAYS = {tier.queue: tier.delay_seconds for tier in RETRY_TIERS}
TOPOLOGY = topology()


class BrokerFault(Enum):
    """What the next publish meets. After `UNCONFIRMED` the broker has the message, and nobody knows."""

    REJECTED = "queue full"
    UNCONFIRMED = "stored, confirm lost"
    LOST = "lost with its connection"
    AWAY = "not connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    message: Message
    deliveries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacked:
    process: Process
    queue: str
    held: Held


@dataclass(slots=True)
class Broker:
    loop: Clockwork
    queues: dict[str, list[Held]] = field(default_factory=lambda: {RAW_WORK: [], RAW_DEAD: []})
    delayed: list[tuple[float, Message]] = field(default_factory=list)
    unacked: dict[int, Unacked] = field(default_factory=dict)
    heard: list[Message] = field(default_factory=list)
    taken: dict[UUID, Message] = field(default_factory=dict)
    destroyed: set[UUID] = field(default_factory=set)
    faults: list[BrokerFault] = field(default_factory=list)
    _tags: int = 0

    def waiting(self, queue: str) -> bool:
        self._expire()
        return bool(self.queues[queue])

    def deliver(self, queue: str, process: Process) -> tuple[int, Delivery]:
        """The first message of the queue, unacked until the tag is acked or the process loses its connection."""
        self._tags += 1
        held = self.queues[queue].pop(0)
        self.unacked[self._tags] = Unacked(process=process, queue=queue, held=held)
        redelivered, attempt = held.deliveries > 0, attempt_of(held.message.headers)
        return self._tags, Delivery(message=held.message, routing_key=RAW_KEY, attempt=attempt, redelivered=redelivered)

    async def ack(self, process: Process, tag: int) -> None:
        """Nothing where the connection was lost meanwhile."""
        process.check()
        self.unacked.pop(tag, None)

    def disconnect(self, process: Process) -> None:
        """All that it held goes back to the head of its queue; what went back too often is set aside."""
        for tag, each in sorted(self.unacked.items(), reverse=True):
            if each.process is process:
                del self.unacked[tag]
                again = replace(each.held, deliveries=each.held.deliveries + 1)
                spent = again.deliveries > DELIVERY_LIMIT and each.queue == RAW_WORK
                self.queues[RAW_DEAD if spent else each.queue].insert(
                    0, replace(again, deliveries=0) if spent else again
                )

    def duplicate(self, which: int) -> None:
        """A page that was once here comes again, however late."""
        if self.taken:
            message = list(self.taken.values())[which % len(self.taken)]
            self._store(RAW_WORK, message)

    def destroy(self) -> None:
        """All that it holds is gone."""
        held = [each for queue in self.queues.values() for each in queue]
        held += [each.held for each in self.unacked.values()]
        messages = [each.message for each in held] + [message for _, message in self.delayed]
        self.destroyed |= {UUID(each.message_id) for each in messages}
        self.queues = {RAW_WORK: [], RAW_DEAD: []}
        self.unacked.clear()
        self.delayed.clear()

    def publish(self, exchange: str, key: str, message: Message) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is BrokerFault.REJECTED:
            raise Rejected(fault.value)
        if fault is BrokerFault.AWAY:
            raise BrokerUnavailable(fault.value)
        if fault is not BrokerFault.LOST:
            for queue in _routes(exchange, key):
                self._store(queue, message)
        if fault is not None:
            raise Unconfirmed(fault.value)

    def _store(self, queue: str, message: Message) -> None:
        if queue == ARTICLE_HISTORY:
            self.heard.append(message)
            return
        if queue == RAW_WORK:
            raw_id = UUID(message.message_id)
            self.taken[raw_id] = message
            self.destroyed.discard(raw_id)
        if queue in DELAYS:
            self.delayed.append((self.loop.time() + DELAYS[queue], message))
        else:
            self.queues[queue].append(Held(message=message))

    def _expire(self) -> None:
        due = [each for each in self.delayed if each[0] <= self.loop.time()]
        self.delayed = [each for each in self.delayed if each[0] > self.loop.time()]
        self.queues[RAW_WORK] += [Held(message=message) for _, message in sorted(due, key=lambda each: each[0])]


class Publisher:
    """A process' way to the broker."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._process = process

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        self._process.check()
        self._broker.publish(exchange, routing_key, message)


@cache
def _routes(exchange: str, key: str) -> tuple[str, ...]:
    queues = tuple(queue.name for queue in TOPOLOGY.routes(exchange, key))
    if not queues:
        raise Unroutable("no_queue_takes_the_key")
    return queues
