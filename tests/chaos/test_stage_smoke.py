"""The stage itself: a quiet run of each way of running, and a kill of each service at the step that matters most."""

import pytest
from chaos.casting import Way
from chaos.fixtures import OpenStage
from chaos.stage import Stage

from shared.steps import Step

ARTICLES = 12


async def play_a_day(stage: Stage) -> None:
    """12 articles; when all have arrived, 3 corrections, 2 copies and a withdrawal."""
    dispatches = [stage.wire.publish() for _ in range(ARTICLES)]
    await stage.arrived(ARTICLES)
    for dispatch in dispatches[:3]:
        stage.wire.correct(dispatch)
    for dispatch in dispatches[4:6]:
        stage.wire.copy(dispatch)
    stage.wire.withdraw(dispatches[7])
    await stage.settled()


@pytest.mark.parametrize("way", ["stack", "embedded"])
async def test_a_quiet_day_is_told_once(open_stage: OpenStage, way: Way) -> None:
    """Without any fault nothing is lost, nothing is said twice, no id comes again and each number is settled."""
    async with open_stage(way) as stage:
        await stage.start()
        await play_a_day(stage)
        account = await stage.account()

    assert [account.events_by_verb[verb] for verb in ("published", "updated", "copied", "withdrawn")] == [12, 3, 2, 1]


async def test_a_processor_killed_between_commit_and_ack_repeats_nothing_under_another_id(
    open_stage: OpenStage,
) -> None:
    """The page comes again and is found in the inbox."""
    async with open_stage("stack") as stage:
        stage.arm(Step.PAGE_SETTLE, "after", "kill")
        await stage.start()
        await play_a_day(stage)
        killed = await stage.taken(Step.PAGE_SETTLE, "after")
        await stage.account(window="killed after a commit")

    assert killed.name == "processor-1"


async def test_a_fetcher_killed_after_the_broker_took_a_page_loses_nothing(open_stage: OpenStage) -> None:
    """The entry is looked at again under a new number, and the processor finds nothing new in it."""
    async with open_stage("stack") as stage:
        stage.arm(Step.PAGE_PUBLISH, "after", "kill")
        await stage.start()
        await play_a_day(stage)
        killed = await stage.taken(Step.PAGE_PUBLISH, "after")
        await stage.account(window="killed while visits were under way")

    assert killed.name == "fetcher-1"
