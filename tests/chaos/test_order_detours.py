"""An old page comes back, from a retry or from the quarantine, when a newer one of its entry has gone by."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.raw_pages import RawPages, tapped_with_long_retries
from chaos.set_aside import Detour, Quarantined
from chaos.stage import Stage
from chaos.wire import Dispatch, Wire

from shared.database import Database
from shared.steps import Step

SELDOM = 600.0
AT_ONCE = 4
SET_ASIDE = 3
"""Of so many changes each time one page is set aside: of all its articles a quarter."""
BY_ORDER = frozenset({"observation_failed", "observation_quarantined"})
Change = Callable[[Wire, Dispatch], None]


@asynccontextmanager
async def detour(open_stage: OpenStage, way: str) -> AsyncIterator[Detour]:
    async with (
        open_stage("stack", topology=tapped_with_long_retries()) as stage,
        RawPages.on(stage.broker_url) as pages,
    ):
        database = Database.open(stage.store_url)
        try:
            yield Detour(way=way, stage=stage, pages=pages, quarantined=Quarantined(database))
        finally:
            await database.close()


@pytest.mark.long
@pytest.mark.parametrize("way", ["retry", "quarantine"])
async def test_a_page_that_comes_back_late_changes_nothing(open_stage: OpenStage, way: str) -> None:
    """First sights, corrections and withdrawals: some are set aside, overtaken, and in the end superseded."""
    async with detour(open_stage, way) as road:
        stage = road.stage
        await stage.start(fetchers=2, processors=2, revisit_seconds=SELDOM)
        articles: Sequence[Dispatch] = ()
        for change, overtaking in ((None, Wire.correct), (Wire.correct, Wire.correct), (Wire.correct, take_down)):
            articles = await some_set_aside(road, change, articles)
            await changed(stage, overtaking, articles)
            await superseded(road)
        await changed(stage, Wire.bring_back, articles)
        await some_set_aside(road, take_down, articles)
        await changed(stage, Wire.bring_back, articles)
        await superseded(road)
        await stage.account()

    assert not complaints(stage.services, ours=BY_ORDER)


@pytest.mark.long
async def test_a_correction_in_the_quarantine_is_not_hidden_by_what_is_unchanged_since(open_stage: OpenStage) -> None:
    """Its page is looked at again in full and then published; replayed afterwards, it changes nothing."""
    async with detour(open_stage, "quarantine") as road:
        stage = road.stage
        await stage.start(processors=2, revisit_seconds=1.0)
        articles = [stage.wire.publish() for _ in range(AT_ONCE)]
        await stage.settled()
        for article in articles[:SET_ASIDE]:
            stage.arm(Step.PAGE_EXTRACT, "before", "refuse")
            stage.wire.correct(article)
            await stage.taken(Step.PAGE_EXTRACT, "before")
        await road.holds(SET_ASIDE)
        await stage.settled()
        await superseded(road)
        await stage.account()

    assert not complaints(stage.services, ours=BY_ORDER)


async def some_set_aside(road: Detour, change: Change | None, articles: Sequence[Dispatch]) -> Sequence[Dispatch]:
    """Change all of them, a few at a time; of each few, one page is set aside. Without a change they are made."""
    wire = road.stage.wire
    made: list[Dispatch] = []
    for number in range(SET_ASIDE):
        road.stage.arm(Step.PAGE_SETTLE, "before", road.action)
        if change is None:
            made += [wire.publish() for _ in range(AT_ONCE)]
        else:
            few = articles[number::SET_ASIDE]
            for article in few:
                change(wire, article)
            made += few
        await road.stage.taken(Step.PAGE_SETTLE, "before")
    await road.holds(SET_ASIDE)
    return made


async def changed(stage: Stage, change: Change, articles: Sequence[Dispatch]) -> None:
    """All of them, and each was looked at since then."""
    for article in articles:
        change(stage.wire, article)
    await looked_at(stage, articles)
    await stage.settled()


async def looked_at(stage: Stage, articles: Sequence[Dispatch]) -> None:
    since = len(stage.wire.requests)

    def each() -> bool:
        return {article.path for article in articles} <= {request.path for request in stage.wire.requests[since:]}

    await stage.until(each, "every page is asked for again")


async def superseded(road: Detour) -> None:
    """Send back what was set aside, and wait until it was found to be overtaken."""
    before = await count_of(road.stage, "superseded")
    await road.back()

    async def enough() -> bool:
        return await count_of(road.stage, "superseded") >= before + SET_ASIDE

    await road.stage.until(enough, "what comes back is superseded")


async def count_of(stage: Stage, verdict: str) -> int:
    return sum(each.verdict == verdict for each in (await stage.books.read()).settled)


def take_down(wire: Wire, article: Dispatch) -> None:
    """Its page is gone, and the feed still lists it, with another summary: so it is looked at."""
    wire.withdraw(article)
    article.listed = True
    article.summary = f"Report {article.number}, taken down as its state {len(article.states)}."
