"""The broker's data are destroyed: what waited there is made again, from the sites and from the store."""

import asyncio
from pathlib import Path

import pytest
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.outages import LONG_SECONDS, REVISIT_SECONDS, confirmed, flows_again, told
from chaos.stage import HOSTS, Stage, subscribed
from chaos.subscriber import QueueSubscriber
from console_command import fildactu
from rabbitmq_node import RabbitNode

from shared.broker import apply_topology
from shared.topology import RAW_WORK


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_destroyed_broker_loses_nothing(
    open_stage: OpenStage, rabbitmq_node: RabbitNode, tmp_path: Path
) -> None:
    """Pages that waited are asked for again; events that no subscriber had read go out again under their ids."""
    async with open_stage("stack") as stage:
        desk = Desk(stage.wire, HOSTS)
        await destroyed(stage, desk, rabbitmq_node)
        await stage.arrived(4, within=LONG_SECONDS)
        await events_unread(stage, desk)
        await pages_waiting(stage, desk, rabbitmq_node)
        await destroyed(stage, desk, rabbitmq_node)
        await republished(stage, tmp_path)
        await stage.settled(within=LONG_SECONDS)
        await destroyed(stage, desk, rabbitmq_node)
        await stage.settled(within=LONG_SECONDS)
        await stage.account(window="republished, and pages that the broker lost")

    assert not complaints(stage.services)


async def destroyed(stage: Stage, desk: Desk, node: RabbitNode) -> None:
    """Until its queues are declared again the services wait; then the subscriber comes, and events flow."""
    await asyncio.to_thread(node.destroy)
    stage.faults.append("broker's data destroyed")
    for processor in stage.processors:
        processor.thaw()
    desk.news()
    if not stage.services:
        await stage.start(revisit_seconds=REVISIT_SECONDS, environment={"CHAOS_WORKERS": "forked"})
    await told(stage, ("broker",))
    before = await confirmed(stage)
    await asyncio.to_thread(node.give_back, stage.broker_url)
    await apply_topology(stage.broker_url, subscribed())
    subscriber_of(stage).come_back()
    await flows_again(stage, before, "the return of the broker's queues")


async def events_unread(stage: Stage, desk: Desk) -> None:
    """Events that the broker has confirmed and the subscriber has not."""
    subscriber_of(stage).leave()
    known = (await stage.books.progress()).events
    desk.news()

    async def confirmed_unread() -> bool:
        progress = await stage.books.progress()
        return progress.events >= known + 4 and not progress.unsent

    await stage.until(confirmed_unread, "the broker confirms events that nobody reads", LONG_SECONDS)


async def pages_waiting(stage: Stage, desk: Desk, node: RabbitNode) -> None:
    """Pages that the broker has, and no processor."""
    for processor in stage.processors:
        processor.freeze()
    desk.news()

    async def wait() -> bool:
        return (await asyncio.to_thread(node.depths, stage.broker_url))[RAW_WORK].ready > 0

    await stage.until(wait, "pages wait for a processor", LONG_SECONDS)


async def republished(stage: Stage, folder: Path) -> None:
    done = await fildactu(
        "events", "republish", "--since", "1h", cwd=folder, env={"FILDACTU_STORE_URL": stage.store_url}
    )
    assert done.code == 0, done.err
    stage.faults.append(done.out.strip())


def subscriber_of(stage: Stage) -> QueueSubscriber:
    assert isinstance(stage.subscriber, QueueSubscriber)
    return stage.subscriber
