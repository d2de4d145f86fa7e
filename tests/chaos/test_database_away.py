"""PostgreSQL goes away in every way, alone and together with the broker: told while it lasts, and over soon after."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.outages import (
    LONG_SECONDS,
    Outage,
    confirmed,
    flows_again,
    pages_asked_for,
    start,
    three_times,
    told,
)
from chaos.stage import HOSTS, Stage
from postgres_cluster import PostgresCluster
from rabbitmq_node import RabbitNode

STORE = ("store",)
CONSUMER_TIMEOUT_SECONDS = 6.0
LONGER = 3
DROPS = 10
REVISIT_SECONDS = 10.0
WINDOW = "transactions whose commits were cut off, and visits that the outage ended"
Makes = Callable[[PostgresCluster], Outage]
Way = tuple[str, Callable[[], None]]


def restarted(cluster: PostgresCluster) -> Outage:
    return Outage(
        name="store stopped in good order", begins=lambda: cluster.stop("fast"), ends=cluster.start, missed=STORE
    )


def killed(cluster: PostgresCluster) -> Outage:
    return Outage(name="store killed", begins=cluster.kill, ends=cluster.start, missed=STORE)


def frozen(cluster: PostgresCluster) -> Outage:
    return Outage(name="store frozen", begins=cluster.freeze, ends=cluster.thaw, missed=STORE, seconds=10.0)


OUTAGES: Mapping[str, Makes] = {made.__name__: made for made in (restarted, killed, frozen)}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("outage", OUTAGES)
async def test_the_store_goes_and_comes_back(
    open_stage: OpenStage, postgres_cluster: PostgresCluster, outage: str
) -> None:
    """Nothing is lost or said twice, both services say what they wait for, and events flow soon after its return."""
    async with open_stage("stack") as stage:
        await three_times(stage, OUTAGES[outage](postgres_cluster))
        await stage.account(window=WINDOW)

    assert not complaints(stage.services)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("outage", ["killed", "frozen"])
async def test_the_store_is_away_longer_than_a_delivery_may_be_held(
    open_stage: OpenStage, rabbitmq_node: RabbitNode, postgres_cluster: PostgresCluster, outage: str
) -> None:
    """The pages that were at hand come again, as often as it takes, and none of them to the quarantine."""
    made = OUTAGES[outage](postgres_cluster)
    longer = Outage(
        name=f"{made.name} for longer than the consumer timeout",
        begins=made.begins,
        ends=made.ends,
        missed=STORE,
        seconds=CONSUMER_TIMEOUT_SECONDS * LONGER,
    )
    with short_consumer_timeout(rabbitmq_node):
        async with open_stage("stack") as stage:
            await three_times(stage, longer)
            account = await stage.account(window=WINDOW)

    assert not [each for each in account.stored.settled if each.verdict == "quarantined"]
    assert not complaints(stage.services)


@contextmanager
def short_consumer_timeout(node: RabbitNode) -> Iterator[None]:
    """For channels that open from now on."""
    node.consumer_timeout(CONSUMER_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        node.consumer_timeout()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_sessions_of_the_store_are_ended_again_and_again(
    open_stage: OpenStage, postgres_cluster: PostgresCluster
) -> None:
    """From the start of the services to the last of their work, under load, and nobody starts anew for it."""
    async with open_stage("stack") as stage:
        desk = Desk(stage.wire, HOSTS)
        desk.news()
        await start(stage, revisit_seconds=REVISIT_SECONDS)
        for _ in range(DROPS):
            await asyncio.to_thread(postgres_cluster.drop_connections, stage.store_url)
            await pages_asked_for(stage, desk)
        stage.faults.append(f"sessions of the store ended {DROPS} times")
        await stage.settled(within=LONG_SECONDS)
        await asyncio.to_thread(postgres_cluster.drop_connections, stage.store_url)
        desk.news()
        await stage.settled(within=LONG_SECONDS)
        await stage.account(window=WINDOW)

    assert [len(each.pids) for each in stage.services] == [1, 1]
    assert not complaints(stage.services)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("order", [("broker", "store"), ("store", "broker")], ids=["broker-first", "store-first"])
async def test_broker_and_store_go_together(
    open_stage: OpenStage, rabbitmq_node: RabbitNode, postgres_cluster: PostgresCluster, order: Sequence[str]
) -> None:
    """Whichever comes back first, the services go on waiting for the other, and then work."""
    returns = {"broker": rabbitmq_node.start, "store": postgres_cluster.start}
    first, second = ((name, returns[name]) for name in order)

    def both_killed() -> None:
        rabbitmq_node.remember_queues()
        rabbitmq_node.kill()
        postgres_cluster.kill()

    async with open_stage("stack") as stage:
        desk = Desk(stage.wire, HOSTS)
        await away_together(stage, desk, both_killed, first, second)
        await stage.arrived(4, within=LONG_SECONDS)
        await pages_asked_for(stage, desk)
        await away_together(stage, desk, both_killed, first, second)
        await stage.settled(within=LONG_SECONDS)
        await away_together(stage, desk, both_killed, first, second)
        await stage.settled(within=LONG_SECONDS)
        await stage.account(window=WINDOW)

    assert not complaints(stage.services)


async def away_together(stage: Stage, desk: Desk, both_go: Callable[[], None], first: Way, second: Way) -> None:
    """Both go, one comes back and the other is waited for, and it comes back as well."""
    await asyncio.to_thread(both_go)
    try:
        desk.news()
        if not stage.services:
            await start(stage)
        # At the start they are waited for one after the other.
        await told(stage, ("store",))
    finally:
        await asyncio.to_thread(first[1])
        try:
            await told(stage, (second[0],))
            before = await confirmed(stage)
        finally:
            await asyncio.to_thread(second[1])
    stage.faults.append(f"both killed, the {first[0]} back first")
    await flows_again(stage, before, f"the return of the {second[0]}")
