import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from broker_traffic import eventually
from fakes import Publisher, event, ids
from structlog.testing import capture_logs

from services.processor.outbox import Pending
from services.processor.relay import Relay
from shared.broker.protocols import Unconfirmed, Unroutable
from shared.errors import BrokerUnavailable, PermanentError, StoreUnavailable, TransientError
from shared.lifecycle import Stop
from shared.topology import ARTICLE_EVENTS
from shared.waiting import waiting


class Outbox:
    """Events in a list; a leased one is not given again until it is released. `failures` are raised by `take`."""

    def __init__(self, count: int, *failures: Exception) -> None:
        self.waiting = [pending() for _ in range(count)]
        self.leased: dict[UUID, Pending] = {}
        self.confirmed: list[UUID] = []
        self.failures = list(failures)
        self.sizes: list[int] = []

    async def take(self, limit: int) -> tuple[UUID, Sequence[Pending]]:
        if self.failures:
            raise self.failures.pop(0)
        batch, self.waiting = self.waiting[:limit], self.waiting[limit:]
        self.leased |= {each.event_id: each for each in batch}
        self.sizes.append(len(batch))
        return uuid4(), batch

    async def confirm(self, token: UUID, events: Sequence[UUID]) -> None:
        self.confirmed += [self.leased.pop(each).event_id for each in events]

    async def release(self, token: UUID, events: Sequence[UUID]) -> None:
        self.waiting += [self.leased.pop(each) for each in events]

    async def oldest_age(self) -> timedelta:
        return timedelta(0)


def pending() -> Pending:
    made = event()
    return Pending(event_id=made.event_id, verb=made.verb, routing_key=made.routing_key, message=made.message())


def relay(outbox: Outbox, publisher: Publisher, batch: int = 10) -> Relay:
    return Relay(outbox, publisher, batch=batch, idle_seconds=0.001)


async def test_events_are_published_and_then_marked() -> None:
    """Each to the events' exchange under its own key."""
    outbox, publisher = Outbox(2), Publisher()
    names = [each.event_id for each in outbox.waiting]

    assert await relay(outbox, publisher).relay_batch() == (2, False)
    assert (outbox.confirmed, ids(publisher.published)) == (names, [str(each) for each in names])
    assert {exchange for exchange, _, _ in publisher.published} == {ARTICLE_EVENTS}


async def test_a_batch_bounds_what_is_under_way() -> None:
    """After a crash no more than a batch goes out twice."""
    outbox = Outbox(5)
    await relay(outbox, Publisher(), batch=2).relay_batch()

    assert (outbox.sizes, len(outbox.waiting)) == ([2], 3)


@pytest.mark.parametrize("error", [Unconfirmed("late"), Unroutable("no_queue"), BrokerUnavailable("down")])
async def test_an_unconfirmed_event_is_sent_again_under_the_same_id(error: TransientError) -> None:
    """Its neighbours in the batch are confirmed all the same."""
    outbox, publisher = Outbox(2), Publisher(error)
    works = relay(outbox, publisher)

    assert await works.relay_batch() == (1, True)
    assert await works.relay_batch() == (1, False)
    assert publisher.attempts[0] == publisher.attempts[2]
    assert len(set(outbox.confirmed)) == 2


async def test_an_event_that_no_broker_takes_holds_up_no_other() -> None:
    """It keeps its lease until that ends, and the loop does not slow down for it."""
    outbox = Outbox(3)
    refused = outbox.waiting[0].event_id

    assert await relay(outbox, Publisher(PermanentError("too_large_to_publish"))).relay_batch() == (2, False)
    assert (set(outbox.leased), len(outbox.confirmed)) == ({refused}, 2)


async def test_the_loop_outlives_outages_and_conflicts() -> None:
    """Of the store and of the broker; then everything goes out."""
    outbox = Outbox(3, StoreUnavailable("down"), TransientError("store_conflict"))
    publisher, stop = Publisher(BrokerUnavailable("down")), Stop()
    running = asyncio.create_task(relay(outbox, publisher).run(stop))
    await eventually(lambda: len(outbox.confirmed) == 3, "all events are confirmed")
    stop.set()
    async with asyncio.timeout(10):
        await running

    assert not outbox.leased


@pytest.mark.parametrize(
    ("of_the_store", "of_the_broker", "dependency"),
    [([], [BrokerUnavailable("down")] * 60, "broker"), ([StoreUnavailable("down")] * 3, [], "store")],
)
async def test_an_outage_is_told_once_and_not_for_each_event(
    of_the_store: list[Exception], of_the_broker: list[Exception], dependency: str
) -> None:
    """However many batches meet it; and once more when it is over."""
    waiting.reset()
    outbox, publisher, stop = Outbox(20, *of_the_store), Publisher(*of_the_broker), Stop()
    with capture_logs() as logs:
        running = asyncio.create_task(relay(outbox, publisher, batch=20).run(stop))
        await eventually(lambda: len(outbox.confirmed) == 20, "all events are confirmed")
        await eventually(lambda: not waiting.current(), "the outage is over")
        stop.set()
        await running
    told = [(line["event"], line["dependency"]) for line in logs if line["log_level"] != "debug"]

    assert told == [("waiting_for_dependency", dependency), ("dependency_answers", dependency)]


async def test_a_nudge_ends_the_idling() -> None:
    """An event goes out when it is committed, not when the outbox is looked at next."""
    outbox, stop = Outbox(0), Stop()
    works = Relay(outbox, Publisher(), batch=10, idle_seconds=3600)
    running = asyncio.create_task(works.run(stop))
    await eventually(lambda: outbox.sizes == [0], "the relay idles")
    outbox.waiting.append(pending())
    works.nudge()
    await eventually(lambda: len(outbox.confirmed) == 1, "the event is confirmed")
    stop.set()
    async with asyncio.timeout(10):
        await running


async def test_a_nudge_during_a_batch_is_not_lost() -> None:
    """What was committed after the batch was taken is taken next, without idling."""
    stop, outbox = Stop(), Outbox(1)

    class Slow(Publisher):
        async def publish(self, exchange, routing_key, message) -> None:
            if not self.attempts:
                outbox.waiting.append(pending())
                works.nudge()
            await super().publish(exchange, routing_key, message)

    works = Relay(outbox, Slow(), batch=10, idle_seconds=3600)
    running = asyncio.create_task(works.run(stop))
    await eventually(lambda: len(outbox.confirmed) == 2, "both events are confirmed")
    stop.set()
    async with asyncio.timeout(10):
        await running


async def test_what_was_committed_before_the_stop_goes_out() -> None:
    """However many batches it is; an outage ends it, and the rest is for the next start."""
    outbox, stop = Outbox(25), Stop()
    stop.set()
    await relay(outbox, Publisher()).run(stop)
    assert len(outbox.confirmed) == 25

    left = Outbox(25)
    await relay(left, Publisher(*[BrokerUnavailable("down")] * 10)).run(stop)
    await relay(Outbox(1, StoreUnavailable("down")), Publisher()).run(stop)
    assert (len(left.confirmed), left.leased) == (0, {})
