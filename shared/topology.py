"""Every exchange, queue, binding and delay tier on the broker, as data.

Arguments are spelled out even where they equal a default, because defaults differ between RabbitMQ 3.10 and 4.x
(the delivery limit is none on the one and 20 on the other): https://www.rabbitmq.com/docs/quorum-queues
No exchange has an alternate exchange: it would turn an unroutable publish into a confirmed one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RAW_IN = "raw.in"
RAW_RETRY = "raw.retry"
RAW_DLX = "raw.dlx"
RAW_WORK = "raw.work"
RAW_DEAD = "raw.dead"
ARTICLE_EVENTS = "article.events"
ARTICLE_HISTORY = "article.history"

RAW_KEY = "page"
"""The one routing key used on the raw exchanges: they are direct, and work is shared, not sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    name: str
    kind: Literal["direct", "topic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    exchange: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    name: str
    bindings: tuple[Binding, ...]
    arguments: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTier:
    """A delay queue. One queue per delay with a TTL of its own: a TTL per message expires only at the queue's head."""

    name: str
    delay_seconds: int

    @property
    def queue(self) -> str:
        return f"{RAW_RETRY}.{self.name}"


RETRY_TIERS = (
    RetryTier(name="10s", delay_seconds=10),
    RetryTier(name="2m", delay_seconds=120),
    RetryTier(name="30m", delay_seconds=1800),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]

    def routes(self, exchange: str, key: str) -> tuple[Queue, ...]:
        """The queues a message with this key reaches; none where the exchange does not exist either."""
        kinds = {known.name: known.kind for known in self.exchanges}
        return tuple(
            queue
            for queue in self.queues
            if any(
                binding.exchange == exchange and exchange in kinds and _takes(kinds[exchange], binding.key, key)
                for binding in queue.bindings
            )
        )


def _takes(kind: Literal["direct", "topic"], pattern: str, key: str) -> bool:
    if kind == "direct":
        return pattern == key
    return _words_match(pattern.split("."), key.split("."))


def _words_match(pattern: list[str], words: list[str]) -> bool:
    """Topic rules: `*` stands for one word, `#` for any number of words, none included."""
    if not pattern:
        return not words
    first, rest = pattern[0], pattern[1:]
    if first == "#":
        return any(_words_match(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and first in {"*", words[0]} and _words_match(rest, words[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Disk budgets, in bytes, and the age of the history; operators set them to their disks."""

    raw_work_bytes: int = 20_000_000_000
    raw_dead_bytes: int = 5_000_000_000
    history_bytes: int = 20_000_000_000
    history_age: str = "90D"


def topology(limits: Limits | None = None) -> Topology:
    """Everything the pipeline needs on a broker."""
    sizes = limits or Limits()
    return Topology(
        exchanges=(
            Exchange(name=RAW_IN, kind="direct"),
            Exchange(name=RAW_RETRY, kind="direct"),
            Exchange(name=RAW_DLX, kind="direct"),
            Exchange(name=ARTICLE_EVENTS, kind="topic"),
        ),
        queues=(_work(sizes), _dead(sizes), *(_retry(tier, sizes) for tier in RETRY_TIERS), _history(sizes)),
    )


def _work(sizes: Limits) -> Queue:
    return Queue(
        name=RAW_WORK,
        bindings=(Binding(exchange=RAW_IN, key=RAW_KEY),),
        arguments={
            **_quorum(max_bytes=sizes.raw_work_bytes),
            "x-delivery-limit": 20,
            **_dead_letters_to(RAW_DLX),
        },
    )


def _dead(sizes: Limits) -> Queue:
    return Queue(
        name=RAW_DEAD,
        bindings=(Binding(exchange=RAW_DLX, key=RAW_KEY),),
        arguments={**_quorum(max_bytes=sizes.raw_dead_bytes), "x-delivery-limit": 1_000_000},
    )


def _retry(tier: RetryTier, sizes: Limits) -> Queue:
    return Queue(
        name=tier.queue,
        bindings=(Binding(exchange=RAW_RETRY, key=tier.name),),
        arguments={
            **_quorum(max_bytes=sizes.raw_work_bytes),
            "x-message-ttl": tier.delay_seconds * 1000,
            **_dead_letters_to(RAW_IN),
        },
    )


def _history(sizes: Limits) -> Queue:
    return Queue(
        name=ARTICLE_HISTORY,
        bindings=(Binding(exchange=ARTICLE_EVENTS, key="article.#"),),
        arguments={
            "x-queue-type": "stream",
            "x-max-age": sizes.history_age,
            "x-max-length-bytes": sizes.history_bytes,
            "x-stream-max-segment-size-bytes": 100_000_000,
        },
    )


def _quorum(*, max_bytes: int) -> dict[str, str | int]:
    return {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-max-length-bytes": max_bytes}


def _dead_letters_to(exchange: str) -> dict[str, str | int]:
    # At-least-once: the default strategy may drop a message on its way from one queue to the other.
    return {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-routing-key": RAW_KEY,
        "x-dead-letter-strategy": "at-least-once",
    }
