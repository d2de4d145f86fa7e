"""Clocks that are set forward and back by an hour while services and stores run."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.shifted_clock import ShiftedClock
from chaos.stage import Stage
from database_fixtures import make_template
from postgres_cluster import HOW_TO_GET_IT, PostgresCluster, find_bin

# Several minutes may pass on a machine that plays other scenarios, too.
pytestmark = pytest.mark.timeout(300)
AT_ONCE = 3
REVISITS = 5.0
HOUR = timedelta(hours=1)
TRUE = timedelta(0)
STEPS = (HOUR, TRUE, -HOUR, TRUE)


@pytest.fixture
def clock() -> Iterator[ShiftedClock]:
    """Of the services that are given its environment."""
    with ShiftedClock.built() as clock:
        yield clock


@pytest.fixture(scope="module")
def store_clock() -> Iterator[ShiftedClock]:
    with ShiftedClock.built() as clock:
        yield clock


@pytest.fixture(scope="module")
def postgres_cluster(store_clock: ShiftedClock) -> Iterator[PostgresCluster]:
    """In place of everybody's: one whose clock can be set."""
    programs = find_bin()
    if programs is None:
        pytest.skip(HOW_TO_GET_IT)
    with PostgresCluster.running(programs, store_clock.environment) as cluster:
        make_template(cluster)
        yield cluster


@pytest.mark.long
@pytest.mark.parametrize("whose", ["fetcher", "processor"])
async def test_a_services_clock_is_set(open_stage: OpenStage, clock: ShiftedClock, whose: str) -> None:
    """An hour ahead, true, an hour behind, true again: what happens around each step is told, once, and at once."""
    async with open_stage("stack") as stage:
        own = {whose: clock.environment}
        await stage.start(processors=0, revisit_seconds=REVISITS, environment=own.get("fetcher"))
        await stage.start(fetchers=0, revisit_seconds=REVISITS, environment=own.get("processor"))
        await through_the_hours(stage, clock)
        await stage.account()

    assert not complaints(stage.services)


@pytest.mark.long
async def test_the_clock_of_everything_in_one_process_is_set(open_stage: OpenStage, clock: ShiftedClock) -> None:
    """With it the store's: leases end early or late, and what happens around each step is told once all the same."""
    async with open_stage("embedded") as stage:
        await stage.start(revisit_seconds=REVISITS, environment=clock.environment)
        await through_the_hours(stage, clock)
        await stage.account(window="leases ended by the clock's steps")

    assert not complaints(stage.services)


@pytest.mark.long
async def test_the_stores_clock_is_set(open_stage: OpenStage, store_clock: ShiftedClock) -> None:
    """Leases and pauses are by it: they end early or are mended, and nothing waits for the hour to come again."""
    async with open_stage("stack") as stage:
        await stage.start(fetchers=2, processors=2, revisit_seconds=REVISITS)
        await through_the_hours(stage, store_clock)
        await stage.account(window="leases ended by the clock's steps")

    assert not complaints(stage.services)


@pytest.mark.long
@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])
async def test_one_of_two_fetchers_is_an_hour_off(open_stage: OpenStage, clock: ShiftedClock, off: timedelta) -> None:
    """And one of two processors: they share the work as if their clocks agreed, whoever sees a change first."""
    clock.step(off)
    async with open_stage("stack") as stage:
        await stage.start(revisit_seconds=REVISITS, environment=clock.environment)
        await stage.start(revisit_seconds=REVISITS)
        stage.faults.append(f"one of each {off} off")
        for _ in range(3):
            await some_work(stage)
            await stage.settled()
        await stage.account()

    assert not complaints(stage.services)


async def through_the_hours(stage: Stage, clock: ShiftedClock) -> None:
    """Work before each step, and work that the step meets."""
    for ahead in STEPS:
        await some_work(stage)
        clock.step(ahead)
        stage.faults.append(f"clock set to {ahead}")
        await some_work(stage)
        await stage.settled()


async def some_work(stage: Stage) -> None:
    """New articles, a copy, corrections and a withdrawal, not waited for but for the first of them."""
    wire = stage.wire
    before = list(wire.dispatches)
    made = [wire.publish() for _ in range(AT_ONCE)]
    wire.copy(made[0])
    for article in [each for each in before if each.there][-4:]:
        wire.correct(article)
    for article in [each for each in before if each.there][:1]:
        wire.withdraw(article)
    asked = len(wire.requests)
    await stage.until(lambda: any("/news/" in each.path for each in wire.requests[asked:]), "a page is asked for")
