"""Every message delivered twice, and some twenty times: to the processor, and to the subscriber."""

from collections.abc import Sequence
from dataclasses import replace

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.raw_pages import RawPages, tapped
from chaos.service_process import ServiceProcess
from chaos.stage import subscribed
from chaos.subscriber import QUEUE
from quick_topology import subscriber_queue

from shared.topology import ARTICLE_EVENTS, Binding

ARTICLES = 12
OFTEN = 20
COPIES = "sub.copies"
SELDOM = 600.0


@pytest.mark.long
async def test_every_raw_page_more_than_once_is_told_once(open_stage: OpenStage) -> None:
    """At once, to two processors, and once more when all is over, the last first: no number of times matters."""
    async with open_stage("stack", topology=tapped()) as stage, RawPages.on(stage.broker_url) as pages:
        await stage.start(processors=2, revisit_seconds=SELDOM)
        pages.again = OFTEN
        stage.wire.publish()
        await stage.settled()
        pages.again = 1
        articles = [stage.wire.publish() for _ in range(ARTICLES)]
        await stage.settled()
        for article in articles[: ARTICLES // 2]:
            stage.wire.correct(article)
            stage.wire.copy(article)
        await stage.settled()
        for message in reversed(pages.passed):
            await pages.send(message)
        await stage.until(lambda: told_as_repeated(stage.processors) >= pages.sent, "every repeat is found to be one")
        account = await stage.account()

    assert account.events_by_verb["published"] + account.events_by_verb["copied"] == len(stage.wire.dispatches)
    assert pages.sent >= 2 * len(pages.passed) + OFTEN - 1
    assert not complaints(stage.services)


@pytest.mark.long
async def test_every_event_more_than_once_is_one_effect_to_who_keeps_ids(open_stage: OpenStage) -> None:
    """At once and again in the end, the last first: a known id is known, an older revision is ignorable."""
    topology = subscribed()
    copies = subscriber_queue(COPIES, Binding(exchange=ARTICLE_EVENTS, key="article.#"))
    async with (
        open_stage("stack", topology=replace(topology, queues=(*topology.queues, copies))) as stage,
        await aio_pika.connect(stage.broker_url, timeout=10) as connection,
    ):
        channel = await connection.channel()
        await stage.start(processors=2, revisit_seconds=SELDOM)
        articles = [stage.wire.publish() for _ in range(ARTICLES)]
        await stage.settled()
        sent = await sent_again(channel)
        for article in articles[: ARTICLES // 2]:
            stage.wire.correct(article)
        await stage.settled()
        sent += await sent_again(channel)
        for event in reversed(sent):
            await to_subscriber(channel, event)
        await stage.until(lambda: len(stage.subscriber.deliveries) >= 3 * len(sent), "every event arrives three times")
        account = await stage.account(window="each event sent three times")

    assert (len(sent), account.repeats) == (ARTICLES * 3 // 2, ARTICLES * 3)


async def sent_again(channel: AbstractChannel) -> list[AbstractIncomingMessage]:
    """What was published since the last time goes to the subscriber once more; these are the events."""
    queue, found = await channel.get_queue(COPIES, ensure=False), []
    while (event := await queue.get(fail=False, no_ack=True)) is not None:
        found.append(event)
        await to_subscriber(channel, event)
    return found


async def to_subscriber(channel: AbstractChannel, event: AbstractIncomingMessage) -> None:
    await channel.default_exchange.publish(aio_pika.Message(event.body, message_id=event.message_id), QUEUE)


def told_as_repeated(services: Sequence[ServiceProcess]) -> int:
    return sum(line.get("event") == "observation_repeated" for each in services for line in each.logs())
