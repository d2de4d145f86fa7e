"""What the pipeline asks of a broker. Two adapters keep these promises: `rabbitmq` and `inprocess`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from shared.delivery import Verdict
from shared.envelope import Message
from shared.errors import TransientError

ATTEMPT_HEADER = "x-attempt"
REASON_HEADER = "x-reason"
DETAIL_HEADER = "x-detail"
STAGE_HEADER = "x-stage"
FAILED_AT_HEADER = "x-failed-at"

State = Literal["connecting", "connected", "blocked"]
"""`blocked`: connected, but the broker takes no publishes, because it is short of memory or disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message handed to a consumer. `attempt` counts from 1 and survives retries."""

    message: Message
    routing_key: str
    attempt: int = 1
    redelivered: bool = False


Handler = Callable[[Delivery], Awaitable[Verdict]]
Ready = Callable[[], Awaitable[None]]
"""Raises while the dependency a handler needs (its store) does not answer."""


class Rejected(TransientError):
    """The broker refused the message because a queue is full: wait, nothing was stored."""


class Unroutable(TransientError):
    """No queue takes this key: the topology is not what the code says; keep the message and raise an alarm."""


class Unconfirmed(TransientError):
    """It is unknown whether the broker has it: publish it again under the same id."""


class Postponed(TransientError):
    """The consumer asked for a later try, `retry_after` seconds from now; the publisher still owns the message.

    Only the in-process broker, which stores nothing, says this; RabbitMQ keeps the message in a retry queue.
    """


class Publisher(Protocol):
    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """Return once the broker has taken responsibility for the message.

        One attempt; the caller owns repeats. Raises Rejected, Unroutable, Unconfirmed, Postponed or
        BrokerUnavailable, and PermanentError for a message no broker takes.
        """


class Consumer(Protocol):
    async def consume(self, queue: str, handler: Handler, *, concurrency: int, ready: Ready) -> None:
        """Hand over messages until cancelled, at most `concurrency` at once, and apply each verdict.

        Survives the broker's restarts. On `Pause` it hands back everything unacked and takes no more until
        `ready` returns without an error. A redelivered message runs alone, so that one that kills workers is told
        from its neighbours. An exception out of `handler` counts as what `delivery.judge` says of it. On
        cancellation it takes no more, lets what is in flight finish within the adapter's grace period and hands
        back the rest. Only the work queue has retries and a quarantine: on any other queue, both count as `Pause`.
        """


class Broker(Publisher, Consumer, Protocol):
    @property
    def state(self) -> State: ...

    async def ping(self) -> None:
        """Raises BrokerUnavailable unless messages can be published now."""

    async def consuming(self, *queues: str) -> None:
        """Raises BrokerUnavailable, naming the queue, unless each of `queues` is being consumed here now."""
