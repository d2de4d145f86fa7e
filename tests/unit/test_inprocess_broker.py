import asyncio
from dataclasses import replace

import pytest
from broker_traffic import Inbox, consuming, eventually, page, sending

from shared.broker.inprocess import InProcessBroker
from shared.broker.pace import Patience
from shared.broker.protocols import Delivery, Postponed
from shared.delivery import Ack, DeadLetter, Pause, Retry, Verdict
from shared.errors import BrokerUnavailable, StoreUnavailable
from shared.topology import (
    ARTICLE_EVENTS,
    ARTICLE_HISTORY,
    RAW_DEAD,
    RAW_IN,
    RAW_KEY,
    RAW_WORK,
    RETRY_TIERS,
    RetryTier,
    topology,
)

KEY = "article.published.v1.fr.africa.example"


def impatient() -> InProcessBroker:
    return InProcessBroker(topology(), patience=Patience(wait_seconds=0.05, grace_seconds=5), chance=lambda: 1.0)


async def test_a_publish_is_confirmed_only_after_the_handler_is_done() -> None:
    """As long as the handler works, the publisher still owns the message."""
    release = asyncio.Event()

    async def handler(delivery: Delivery) -> Verdict:
        await release.wait()
        return Ack()

    broker = impatient()
    async with consuming(broker, RAW_WORK, handler):
        publish = asyncio.create_task(broker.publish(RAW_IN, RAW_KEY, page()))
        done, _ = await asyncio.wait([publish], timeout=0.1)
        assert set() == done
        release.set()
        await publish


@pytest.mark.parametrize("tier", RETRY_TIERS)
async def test_a_retry_is_the_publisher_s_to_schedule(tier: RetryTier) -> None:
    """It is told the reason and how many seconds to wait."""
    broker = impatient()
    async with consuming(broker, RAW_WORK, Inbox(Retry(tier, "busy"))):
        with pytest.raises(Postponed) as postponed:
            await broker.publish(RAW_IN, RAW_KEY, page())

    assert ("busy", float(tier.delay_seconds)) == (postponed.value.reason, postponed.value.retry_after)


async def test_the_attempt_is_the_one_the_publisher_counted() -> None:
    """Retries are judged by the attempt in the header, so that they end."""
    broker = impatient()
    inbox, dead = Inbox(KeyError("bug")), Inbox()
    async with consuming(broker, RAW_DEAD, dead), consuming(broker, RAW_WORK, inbox):
        await broker.publish(RAW_IN, RAW_KEY, replace(page(), headers={"x-attempt": len(RETRY_TIERS) + 1}))

    assert (inbox.attempts, [d.message.headers["x-reason"] for d in dead.deliveries]) == ([4], ["unexpected_error"])


async def test_without_a_consumer_a_page_stays_with_its_publisher() -> None:
    """Work that nobody takes is refused after a bounded wait."""
    broker = impatient()
    with pytest.raises(BrokerUnavailable, match="no_consumer"):
        await broker.publish(RAW_IN, RAW_KEY, page())
    with pytest.raises(BrokerUnavailable):
        await broker.ping()


async def test_a_dead_letter_that_nobody_quarantines_stays_with_its_publisher() -> None:
    """The page is confirmed only when the quarantine has it."""
    broker = impatient()
    async with consuming(broker, RAW_WORK, Inbox(DeadLetter("not_html"))):
        with pytest.raises(BrokerUnavailable):
            await broker.publish(RAW_IN, RAW_KEY, page())


async def test_an_event_needs_no_reader() -> None:
    """The history is kept in the store: an event without readers is confirmed."""
    await impatient().publish(ARTICLE_EVENTS, KEY, page())


async def test_every_reader_of_the_history_gets_every_event() -> None:
    """Readers of a stream do not share its events out among them."""
    broker = impatient()
    one, other = Inbox(), Inbox()
    async with consuming(broker, ARTICLE_HISTORY, one), consuming(broker, ARTICLE_HISTORY, other):
        await eventually(lambda: len(broker._seats[ARTICLE_HISTORY]) == 2, "both read")
        await broker.publish(ARTICLE_EVENTS, KEY, page())

    assert (one.ids, other.ids) == (["page-1"], ["page-1"])


async def test_a_pause_refuses_pages_until_the_dependency_answers() -> None:
    """The page that met the outage and those after it stay with their publisher; then they are taken."""
    up = asyncio.Event()

    async def ready() -> None:
        if not up.is_set():
            raise StoreUnavailable("refused")

    broker, inbox = impatient(), Inbox(Pause("refused"))
    async with consuming(broker, RAW_WORK, inbox, ready=ready):
        with pytest.raises(BrokerUnavailable, match="refused"):
            await broker.publish(RAW_IN, RAW_KEY, page(1))
        with pytest.raises(BrokerUnavailable, match="no_consumer"):
            await broker.publish(RAW_IN, RAW_KEY, page(2))
        assert broker.state == "connecting"
        up.set()
        async with sending(broker, page(2)):
            await inbox.holds(2)

    assert inbox.ids == ["page-1", "page-2"]


async def test_a_cancelled_publisher_does_not_tear_a_commit() -> None:
    """The handler runs to its end although nobody waits for it any more, and consuming waits for it."""
    started, release = asyncio.Event(), asyncio.Event()
    committed: list[str] = []

    async def handler(delivery: Delivery) -> Verdict:
        started.set()
        await release.wait()
        committed.append(delivery.message.message_id)
        return Ack()

    broker = impatient()
    async with consuming(broker, RAW_WORK, handler):
        publish = asyncio.create_task(broker.publish(RAW_IN, RAW_KEY, page()))
        await started.wait()
        publish.cancel()
        await asyncio.wait([publish])
        assert publish.cancelled()
        release.set()

    assert committed == ["page-1"]


async def test_an_abandoned_handler_still_counts_as_in_flight() -> None:
    """A cancelled publisher does not free a place while its message is still being handled."""
    active, most = 0, 0
    release = asyncio.Event()

    async def handler(delivery: Delivery) -> Verdict:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await release.wait()
        active -= 1
        return Ack()

    broker = impatient()
    async with consuming(broker, RAW_WORK, handler):
        first = asyncio.create_task(broker.publish(RAW_IN, RAW_KEY, page(1)))
        await eventually(lambda: active == 1, "the first is at work")
        first.cancel()
        second = asyncio.create_task(broker.publish(RAW_IN, RAW_KEY, page(2)))
        await asyncio.wait([first])
        await asyncio.wait([second], timeout=0.05)
        release.set()
        await second

    assert most == 1


async def test_two_consumers_of_a_queue_share_its_work() -> None:
    """Each page goes to one of them, the one that has less to do."""
    release = asyncio.Event()
    busy: list[str] = []

    async def occupied(delivery: Delivery) -> Verdict:
        busy.append(delivery.message.message_id)
        await release.wait()
        return Ack()

    broker, idle = impatient(), Inbox()
    async with consuming(broker, RAW_WORK, occupied, concurrency=2), consuming(broker, RAW_WORK, idle):
        await eventually(lambda: len(broker._seats[RAW_WORK]) == 2, "both consume")
        async with sending(broker, page(1)):
            await eventually(lambda: busy == ["page-1"], "the first is at work")
            await broker.publish(RAW_IN, RAW_KEY, page(2))
            release.set()

    assert (busy, idle.ids) == (["page-1"], ["page-2"])
