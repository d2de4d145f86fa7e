"""Texts that come back, that are told by two at once, and that are seen at two addresses at once."""

from collections.abc import Sequence

import pytest
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.stage import Stage
from chaos.wire import Dispatch

from shared.steps import Step

# Several minutes may pass on a machine that plays other scenarios, too.
pytestmark = pytest.mark.timeout(300)
REVISITS = 4.0
SELDOM = 6.0
EACH = 4
TURNS = ("A", "B", "A", "B")
PAIRS_AT_ONCE = 6


@pytest.mark.long
@pytest.mark.parametrize("way", ["stack", "embedded"])
async def test_a_text_that_goes_to_and_fro_is_told_each_time(open_stage: OpenStage, way: str) -> None:
    """A, B, A, B are four updates, told by the feed or only seen on the page, also when who tells them is killed."""
    async with open_stage("stack" if way == "stack" else "embedded") as stage:
        await stage.start(fetchers=2, processors=2, revisit_seconds=REVISITS)
        told, untold = publish(stage, EACH), publish(stage, EACH)
        await stage.settled()
        for text in TURNS:
            stage.arm(Step.PAGE_SETTLE, "after", "kill")
            set_all(stage, told, text, told=True)
            set_all(stage, untold, text, told=False)
            await stage.taken(Step.PAGE_SETTLE, "after")
            await stage.settled()
        account = await stage.account(window="killed after each turn's first commit")

    assert account.events_by_verb["updated"] == 2 * EACH * len(TURNS)
    assert not complaints(stage.services)


@pytest.mark.long
async def test_a_text_that_changes_faster_than_it_is_seen_comes_to_rest(open_stage: OpenStage) -> None:
    """What is skipped is skipped; what is told was there, in the order in which it was there."""
    async with open_stage("stack") as stage:
        await stage.start(fetchers=2, processors=2, revisit_seconds=REVISITS)
        articles = publish(stage, 2 * EACH)
        for turn in range(30):
            set_all(stage, articles[turn % 3 :: 3], "AB"[turn // 3 % 2], told=bool(turn % 2))
            await asked_again(stage)
        await stage.settled()
        await stage.account()

    assert not complaints(stage.services)


@pytest.mark.long
async def test_an_original_and_its_copy_at_once_are_an_original_and_a_copy(open_stage: OpenStage) -> None:
    """Whichever is seen first; also when who sees them is killed, and when one of the two is corrected meanwhile."""
    async with open_stage("stack") as stage:
        await stage.start(fetchers=2, processors=2, revisit_seconds=60.0)
        for when in ("before", "after"):
            stage.arm(Step.PAGE_SETTLE, when, "kill")
            originals = publish(stage, PAIRS_AT_ONCE)
            copies = [stage.wire.copy(each) for each in originals]
            await stage.taken(Step.PAGE_SETTLE, when)
            stage.wire.correct(originals[0])
            stage.wire.correct(copies[1])
            await stage.settled()
        account = await stage.account(window="killed around a commit")

    assert account.events_by_verb["copied"] >= 2 * (PAIRS_AT_ONCE - 2)
    assert not complaints(stage.services)


@pytest.mark.long
async def test_an_article_in_two_feeds_and_at_two_addresses_is_one(open_stage: OpenStage) -> None:
    """Its first sight, its corrections, its withdrawal and its return are each told once."""
    async with open_stage("stack") as stage:
        stage.wire.second_feeds = True
        await stage.start(fetchers=2, processors=2, revisit_seconds=SELDOM)
        articles = publish(stage, 2 * EACH)
        await stage.settled()
        for when in ("before", "after"):
            stage.arm(Step.PAGE_SETTLE, when, "kill")
            for article in articles:
                stage.wire.correct(article)
            await stage.taken(Step.PAGE_SETTLE, when)
            await stage.settled()
        for article in articles[:EACH]:
            stage.wire.withdraw(article)
        await stage.settled()
        for article in articles[:EACH]:
            stage.wire.bring_back(article)
        await stage.settled()
        await stage.account(window="killed around a commit")

    assert not complaints(stage.services)


async def asked_again(stage: Stage) -> None:
    since = len(stage.wire.requests)
    await stage.until(lambda: len(stage.wire.requests) > since + 3, "the site is asked again")


def publish(stage: Stage, count: int) -> list[Dispatch]:
    return [stage.wire.publish() for _ in range(count)]


def set_all(stage: Stage, articles: Sequence[Dispatch], text: str, *, told: bool) -> None:
    for article in articles:
        stage.wire.set_text(article, text, told=told)
