"""Messages of older and newer releases, and what is no message at all, among the ordinary ones."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from aio_pika import Message as AmqpMessage
from chaos import foreign
from chaos.accounting import Kind
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.raw_pages import RawPages, rewritten, tapped
from chaos.set_aside import Quarantined
from chaos.stage import Stage

from shared.database import Database
from shared.messages import RAW_PAGE_KIND, RawPage, decode_raw_page
from shared.topology import RAW_DEAD, RAW_WORK, RETRY_TIERS

ARTICLES = 6
SELDOM = 600.0
Version = Callable[[RawPage], foreign.Sent]
IN_QUARANTINE = frozenset({"observation_failed", "observation_quarantined"})


@pytest.mark.long
@pytest.mark.parametrize("version", [foreign.older_minor, foreign.newer_minor])
async def test_a_page_of_another_minor_version_is_work_like_any(open_stage: OpenStage, version: Version) -> None:
    """All pages of a day as the other release writes them: each is published, updated, withdrawn as ever."""
    async with open_stage("stack", topology=rewritten()) as stage, RawPages.on(stage.broker_url) as pages:
        pages.rewrite = lambda message: version(decode_raw_page(message)).message
        await stage.start(revisit_seconds=2.0)
        articles = [stage.wire.publish() for _ in range(ARTICLES)]
        await stage.settled()
        stage.wire.correct(articles[0])
        stage.wire.copy(articles[1])
        stage.wire.withdraw(articles[2])
        await stage.settled()
        account = await stage.account()

    assert [account.events_by_verb[verb] for verb in ("published", "updated", "copied", "withdrawn")] == [6, 1, 1, 1]
    assert not complaints(stage.services)


async def test_what_is_no_page_goes_to_the_quarantine_and_holds_up_nothing(open_stage: OpenStage) -> None:
    """At the start, in the middle and at the end of the work; each is kept once, with its reason."""
    async with at_work(open_stage) as (stage, pages, quarantined):
        await pages.put(AmqpMessage(b""))
        await stage.start(processors=2, revisit_seconds=SELDOM)
        await publish(stage)
        sent = {"before the start"}
        for message in [*foreign.garbage(page_of(pages)), foreign.newer_major(page_of(pages))]:
            sent.add(message.name)
            await pages.put(message.message)
            stage.wire.publish()
        await stage.settled()
        await stage.until(lambda: holds(quarantined, len(sent)), f"{len(sent)} messages are in the quarantine")
        for message in foreign.garbage(page_of(pages)):
            await pages.put(message.message)
        await nothing_waits(stage, pages)
        kept = await quarantined.rows()
        await stage.account()

    assert {row.reason for row in kept} == {"undecodable"}
    assert all(row.detail for row in kept)
    # The one without an id gets another one from the library each time.
    assert len(kept) == len(sent) + 1


@pytest.mark.long
async def test_a_page_with_impossible_values_holds_up_nothing(open_stage: OpenStage) -> None:
    """It is published as far as it can be, or is in the quarantine; the others come through."""
    async with at_work(open_stage) as (stage, pages, _):
        await stage.start(processors=2, revisit_seconds=SELDOM)
        await publish(stage)
        sent = list(foreign.poisoned(page_of(pages)))
        for message in sent:
            await pages.put(message.message)
            stage.wire.publish()
        await stage.settled()
        await stage.until(lambda: settled(stage, sent), "each of them comes to a verdict")
        await nothing_waits(stage, pages)
        account = await stage.audit()

    assert not [fault for fault in account.faults if fault.kind in {Kind.LOST, Kind.WRONG, Kind.TWICE}]


@asynccontextmanager
async def at_work(open_stage: OpenStage) -> AsyncIterator[tuple[Stage, RawPages, Quarantined]]:
    async with open_stage("stack", topology=tapped()) as stage, RawPages.on(stage.broker_url) as pages:
        database = Database.open(stage.store_url)
        try:
            yield stage, pages, Quarantined(database)
        finally:
            await database.close()


async def publish(stage: Stage) -> None:
    for _ in range(ARTICLES):
        stage.wire.publish()
    await stage.settled()


def page_of(pages: RawPages) -> RawPage:
    """One that was processed already: if anything could be made of what is left of it, it would be a repeat."""
    return decode_raw_page(next(each for each in pages.passed if each.kind == RAW_PAGE_KIND))


async def settled(stage: Stage, sent: Sequence[foreign.Sent]) -> bool:
    came = {each.entry_id for each in (await stage.books.read()).settled}
    return {str(foreign.entry_of(each)) for each in sent} <= came


async def holds(quarantined: Quarantined, count: int) -> bool:
    return len(await quarantined.rows()) >= count


async def nothing_waits(stage: Stage, pages: RawPages) -> None:
    queues = (RAW_WORK, RAW_DEAD, *(tier.queue for tier in RETRY_TIERS))

    async def empty() -> bool:
        return not sum([await pages.waiting(queue) for queue in queues])

    await stage.until(empty, "the broker's queues are empty")
