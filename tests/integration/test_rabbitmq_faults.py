"""RabbitMQ dying, freezing, running full, being changed under us: all that is confirmed is handled, and it goes on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aio_pika
import pytest
from broker_traffic import (
    Inbox,
    consuming,
    eventually,
    page,
    send,
    sending,
    until_consuming,
    until_not_consuming,
)
from quick_topology import quick_topology
from rabbitmq_node import RabbitNode
from structlog.testing import capture_logs
from structlog.typing import EventDict

from shared.broker.pace import Patience
from shared.broker.protocols import Delivery, Rejected, Unconfirmed, Unroutable
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.rabbitmq_publisher import MAX_BODY_BYTES
from shared.broker.rabbitmq_topology import TopologyDrift, apply_topology
from shared.delivery import Ack, DeadLetter, Pause, Retry, Verdict
from shared.errors import BrokerUnavailable, PermanentError
from shared.topology import ARTICLE_EVENTS, RAW_DEAD, RAW_IN, RAW_KEY, RAW_WORK, RETRY_TIERS, Topology

PATIENCE = Patience(wait_seconds=0.5, attempt_seconds=5, grace_seconds=5)
HASTE = replace(PATIENCE, attempt_seconds=0.3)

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(90)]


@asynccontextmanager
async def broker_at(
    url: str, topology: Topology | None = None, *, patience: Patience = PATIENCE
) -> AsyncIterator[RabbitBroker]:
    await apply_topology(url, topology or quick_topology())
    async with RabbitBroker(url, name="test", patience=patience, chance=lambda: 1.0).running() as broker:
        yield broker


async def test_nothing_confirmed_is_lost_when_the_broker_is_killed(
    rabbitmq_node: RabbitNode, rabbitmq_url: str
) -> None:
    """Through a SIGKILL under load, every confirmed page is handled, and all goes on by itself."""
    confirmed: set[str] = set()
    handled: Counter[str] = Counter()

    async def handler(delivery: Delivery) -> Verdict:
        await asyncio.sleep(0.001)
        handled[delivery.message.message_id] += 1
        return Ack()

    async def publish_some(broker: RabbitBroker, first: int) -> None:
        for number in range(first, 400, 20):
            await send(broker, page(number))
            confirmed.add(f"page-{number}")

    async with broker_at(rabbitmq_url) as broker, consuming(broker, RAW_WORK, handler, concurrency=8):
        async with asyncio.TaskGroup() as group:
            for first in range(20):
                group.create_task(publish_some(broker, first))
            await eventually(lambda: len(confirmed) > 100 and len(handled) > 50, "under way")
            await asyncio.to_thread(rabbitmq_node.kill)
            assert len(confirmed) < 400
            await eventually(lambda: broker.state == "connecting", "the loss is noticed")
            with pytest.raises(BrokerUnavailable):
                await broker.ping()
            await asyncio.to_thread(rabbitmq_node.start)
        await eventually(lambda: confirmed <= handled.keys(), f"missing: {sorted(confirmed - handled.keys())}")
        await broker.ping()

    everything = {f"page-{number}" for number in range(400)}
    assert (everything, everything) == (confirmed, set(handled))


async def test_a_broker_that_is_away_at_the_start_is_waited_for(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """Started before its broker, a service refuses to publish, and works as soon as the broker is there."""
    await apply_topology(rabbitmq_url, quick_topology())
    await asyncio.to_thread(rabbitmq_node.kill)
    inbox = Inbox()
    broker = RabbitBroker(rabbitmq_url, name="early", patience=HASTE, chance=lambda: 1.0)
    async with broker.running(), consuming(broker, RAW_WORK, inbox):
        with pytest.raises(BrokerUnavailable, match="broker_unreachable"):
            await broker.publish(RAW_IN, RAW_KEY, page())
        await asyncio.to_thread(rabbitmq_node.start)
        await send(broker, page())
        await inbox.holds(1)

    assert inbox.ids == ["page-1"]


async def test_a_frozen_broker_leaves_a_publish_unconfirmed(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """A broker that does not answer is given up after the attempt's time, and the same id is published again safely."""
    inbox = Inbox()
    async with broker_at(rabbitmq_url, patience=HASTE) as broker, consuming(broker, RAW_WORK, inbox):
        await send(broker, page("before"))
        rabbitmq_node.stop()
        try:
            with pytest.raises(Unconfirmed, match="confirm_timeout"):
                await broker.publish(RAW_IN, RAW_KEY, page("during"))
        finally:
            rabbitmq_node.cont()
        await send(broker, page("during"))
        await send(broker, page("after"))
        await eventually(lambda: {"page-before", "page-during", "page-after"} == set(inbox.ids), "all handled")


async def test_a_full_queue_refuses_and_takes_again_when_it_is_drained(rabbitmq_url: str) -> None:
    """A full work queue answers Rejected, keeps what it confirmed, and is usable again after a drain."""
    tiny = quick_topology(raw_work={"x-max-length-bytes": 20_000})
    confirmed = 0
    async with broker_at(rabbitmq_url, tiny) as broker:
        with suppress(Rejected):
            while confirmed < 100:
                await broker.publish(RAW_IN, RAW_KEY, page(confirmed, body=b"x" * 5000))
                confirmed += 1
        assert 0 < confirmed < 100
        inbox = Inbox()
        async with consuming(broker, RAW_WORK, inbox):
            await send(broker, page("after", body=b"x" * 5000))
            await inbox.holds(confirmed + 1)

    assert sorted([*(f"page-{n}" for n in range(confirmed)), "page-after"]) == sorted(inbox.ids)


async def test_a_memory_alarm_is_told_and_survived(rabbitmq_node: RabbitNode, rabbitmq_url: str) -> None:
    """While the broker takes no publishes the state is `blocked`, and consuming goes on; afterwards all arrives."""
    inbox = Inbox()
    async with broker_at(rabbitmq_url, patience=HASTE) as broker, consuming(broker, RAW_WORK, inbox):
        await send(broker, page("before"))
        await asyncio.to_thread(rabbitmq_node.ctl, "set_vm_memory_high_watermark", "absolute", "1MB")
        try:
            with pytest.raises(Unconfirmed):
                await broker.publish(RAW_IN, RAW_KEY, page("during"))
            await eventually(lambda: broker.state == "blocked", "blocked")
            with pytest.raises(BrokerUnavailable, match="broker_blocked"):
                await broker.publish(RAW_IN, RAW_KEY, page("during"))
        finally:
            await asyncio.to_thread(rabbitmq_node.ctl, "set_vm_memory_high_watermark", "0.4")
        await send(broker, page("during"))
        await eventually(lambda: {"page-before", "page-during"} == set(inbox.ids), "both handled")


async def test_drift_names_the_queue_the_argument_and_the_remedy(rabbitmq_url: str) -> None:
    """A queue that exists with other arguments stops the migration with an error that says what to do."""
    await apply_topology(rabbitmq_url, quick_topology(raw_work={"x-max-length-bytes": 1_000_000}))
    with pytest.raises(TopologyDrift) as drift:
        await apply_topology(rabbitmq_url, quick_topology())

    told = str(drift.value)
    assert all(part in told for part in ("queue raw.work", "differs in x-max-length-bytes", "delete it", "again"))


async def test_declaring_twice_changes_nothing(rabbitmq_url: str) -> None:
    """The migration may run at every start."""
    await apply_topology(rabbitmq_url, quick_topology())
    await apply_topology(rabbitmq_url, quick_topology())


async def test_a_page_that_kills_its_consumer_runs_alone_when_it_comes_again(rabbitmq_url: str) -> None:
    """After a crash the redelivered messages run one at a time, so that only the guilty one meets the next crash."""
    started: set[str] = set()
    everything = {f"page-{number}" for number in range(4)}

    async def dies(delivery: Delivery) -> Verdict:
        started.add(delivery.message.message_id)
        await asyncio.Event().wait()
        return Ack()

    active: set[str] = set()
    company: dict[str, set[str]] = {}
    redelivered: set[str] = set()

    async def handler(delivery: Delivery) -> Verdict:
        name = delivery.message.message_id
        active.add(name)
        for other in active:
            company.setdefault(other, set()).update(active - {other})
        if delivery.redelivered:
            redelivered.add(name)
        await asyncio.sleep(0.02)
        active.discard(name)
        return Ack()

    async with broker_at(rabbitmq_url, patience=replace(PATIENCE, grace_seconds=0)) as broker:
        async with consuming(broker, RAW_WORK, dies, concurrency=4), sending(broker, *(page(n) for n in range(4))):
            await eventually(lambda: started == everything, "all four at work")
        async with (
            consuming(broker, RAW_WORK, handler, concurrency=4),
            sending(broker, *(page(n) for n in range(4, 12))),
        ):
            await eventually(lambda: len(company) == 12 and not active, "all handled")

    assert everything <= redelivered
    assert {name: set() for name in redelivered} == {name: company[name] for name in redelivered}


async def test_what_was_fetched_ahead_is_handed_back_at_a_pause(rabbitmq_url: str) -> None:
    """Messages that wait in this process when a handler asks for a pause are not started before the store answers."""
    handled: list[str] = []
    handled_when_asked: list[int] = []

    async def handler(delivery: Delivery) -> Verdict:
        handled.append(delivery.message.message_id)
        if len(handled) == 1:
            # Time for the next one to be fetched ahead; without it the test would only see less.
            await asyncio.sleep(0.2)
            return Pause("refused")
        return Ack()

    async def ready() -> None:
        handled_when_asked.append(len(handled))

    async with broker_at(rabbitmq_url) as broker:
        async with sending(broker, *(page(number) for number in range(3))):
            pass
        async with consuming(broker, RAW_WORK, handler, ready=ready):
            await eventually(lambda: len(set(handled)) == 3, "all handled")

    assert handled_when_asked == [1]


async def test_what_the_broker_gives_up_says_so_in_the_quarantine(rabbitmq_url: str) -> None:
    """A message beyond the delivery limit has `delivery_limit` as its reason and the queue as its stage."""
    strict = quick_topology(raw_work={"x-delivery-limit": 1})
    dead = Inbox()
    async with (
        broker_at(rabbitmq_url, strict) as broker,
        consuming(broker, RAW_DEAD, dead),
        consuming(broker, RAW_WORK, Inbox(Pause("refused"), Pause("refused"), Pause("refused"))),
    ):
        await send(broker, page())
        await dead.holds(1)

    headers = dead.deliveries[0].message.headers
    assert (headers["x-reason"], headers["x-stage"]) == ("delivery_limit", RAW_WORK)


@pytest.mark.parametrize("verdict", [DeadLetter("undecodable"), Retry(RETRY_TIERS[0], "busy")])
async def test_a_message_too_large_to_copy_is_quarantined_as_it_is(
    rabbitmq_url: str, verdict: DeadLetter | Retry
) -> None:
    """It comes once, goes to the quarantine with `rejected` as its reason, and what is behind it is handled."""
    body = bytes(MAX_BODY_BYTES + 1)
    work, dead = Inbox(verdict), Inbox()
    async with broker_at(rabbitmq_url) as broker:
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            exchange = await channel.get_exchange(RAW_IN, ensure=False)
            await exchange.publish(aio_pika.Message(body, message_id="large", headers={"x-attempt": 2}), RAW_KEY)
        async with consuming(broker, RAW_WORK, work), consuming(broker, RAW_DEAD, dead):
            await send(broker, page("behind"))
            await work.holds(2)
            await dead.holds(1)

    assert work.ids == ["large", "page-behind"]
    kept = dead.deliveries[0]
    assert (kept.message.message_id, kept.message.body == body, kept.attempt) == ("large", True, 2)
    assert (kept.message.headers["x-reason"], kept.message.headers["x-stage"]) == ("rejected", RAW_WORK)


async def test_a_queue_without_a_consumer_of_its_own_is_named(rabbitmq_url: str) -> None:
    """While its queue is away the broker answers but the service consumes nothing, and that can be asked for."""
    async with (
        broker_at(rabbitmq_url) as broker,
        consuming(broker, RAW_DEAD, Inbox()),
        consuming(broker, RAW_WORK, Inbox()),
    ):
        await until_consuming(broker, RAW_WORK, RAW_DEAD)
        await delete_queue(rabbitmq_url, RAW_WORK)
        await until_not_consuming(broker, RAW_WORK)
        await broker.ping()
        await broker.consuming(RAW_DEAD)
        await apply_topology(rabbitmq_url, quick_topology())
        await until_consuming(broker, RAW_WORK)


async def delete_queue(url: str, queue: str) -> None:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        await channel.queue_delete(queue)


async def test_a_deleted_queue_is_consumed_again_when_it_is_back(rabbitmq_url: str) -> None:
    """The broker cancels the consumer of a deleted queue; it subscribes again by itself."""
    inbox = Inbox()
    with capture_logs() as logs:
        async with broker_at(rabbitmq_url) as broker, consuming(broker, RAW_WORK, inbox):
            await send(broker, page("before"))
            await inbox.holds(1)
            await delete_queue(rabbitmq_url, RAW_WORK)
            with pytest.raises(Unroutable):
                await broker.publish(RAW_IN, RAW_KEY, page("lost"))
            await eventually(lambda: len(reasons(logs)) > 1, "it has noticed, and tried in vain")
            await apply_topology(rabbitmq_url, quick_topology())
            await send(broker, page("after"))
            await inbox.holds(2)

    assert inbox.ids == ["page-before", "page-after"]
    assert reasons(logs)[0] == "cancelled_by_the_broker"


def reasons(logs: list[EventDict]) -> list[str]:
    return [entry["reason"] for entry in logs if entry["event"] == "consumer_interrupted"]


async def test_an_exchange_that_vanishes_disturbs_others_only_for_a_moment(rabbitmq_url: str) -> None:
    """The publish to it is unroutable; pages published beside it are all taken, at the latest at their next attempt."""
    inbox = Inbox()
    async with broker_at(rabbitmq_url) as broker, consuming(broker, RAW_WORK, inbox, concurrency=4):
        await broker.publish(ARTICLE_EVENTS, "article.published.v1.fr.africa.example", page("event"))
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await channel.exchange_delete(ARTICLE_EVENTS)
        async with sending(broker, *(page(number) for number in range(30))):
            with pytest.raises((Unroutable, Unconfirmed)):
                await broker.publish(ARTICLE_EVENTS, "article.published.v1.fr.africa.example", page("event"))
        with pytest.raises(Unroutable, match="no_such_exchange"):
            await broker.publish(ARTICLE_EVENTS, "article.published.v1.fr.africa.example", page("event"))
        await eventually(lambda: {f"page-{n}" for n in range(30)} == set(inbox.ids), "all pages handled")


async def test_a_retry_that_cannot_be_kept_is_not_acked(rabbitmq_url: str) -> None:
    """Without the confirm of the copy in the retry queue the message goes back to its queue and comes again."""
    inbox = Inbox(TimeoutError("slow"))
    async with broker_at(rabbitmq_url) as broker:
        await delete_queue(rabbitmq_url, "raw.retry.10s")
        async with consuming(broker, RAW_WORK, inbox):
            await send(broker, page())
            await inbox.holds(2)

    assert [(delivery.attempt, delivery.redelivered) for delivery in inbox.deliveries] == [(1, False), (1, True)]


async def test_swapped_results_are_impossible(rabbitmq_url: str) -> None:
    """Publishes of one id at the same time, to a right and to a wrong key, each get their own answer."""
    async with broker_at(rabbitmq_url) as broker:
        keys = [RAW_KEY, "wrong"] * 10
        results = await asyncio.gather(
            *(broker.publish(RAW_IN, key, page("same")) for key in keys), return_exceptions=True
        )

    assert [type(None), Unroutable] * 10 == [type(result) for result in results]


async def test_a_message_no_broker_takes_is_a_permanent_error(rabbitmq_url: str) -> None:
    """A body beyond the broker's limit is refused before it closes the channel of everyone else."""
    async with broker_at(rabbitmq_url) as broker:
        with pytest.raises(PermanentError, match="too_large"):
            await broker.publish(RAW_IN, RAW_KEY, page(body=bytes(16 * 1024 * 1024 + 1)))
