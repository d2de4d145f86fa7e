"""The broker goes away in every way, or takes nothing: told while it lasts, and over within seconds of its return."""

from collections.abc import Callable, Mapping

import pytest
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.outages import Outage, three_times
from rabbitmq_node import RabbitNode

from shared.topology import RAW_WORK

MINUTE = 60.0
LONGER_THAN_A_PUBLISH = 12.0
"""A publish waits 10 s for its connection, and fails then."""
BROKER = ("broker",)
Makes = Callable[[RabbitNode, str], Outage]


def killed(node: RabbitNode, _url: str) -> Outage:
    def kill() -> None:
        node.remember_queues()
        node.kill()

    return Outage(name="broker killed", begins=kill, ends=node.start, missed=BROKER, seconds=LONGER_THAN_A_PUBLISH)


def shut_down(node: RabbitNode, _url: str) -> Outage:
    return Outage(name="broker shut down", begins=node.shut_down, ends=node.start, missed=BROKER)


def frozen_briefly(node: RabbitNode, _url: str) -> Outage:
    """Too briefly for anybody to notice more than a slow answer."""
    return Outage(name="broker frozen briefly", begins=node.freeze, ends=node.thaw, missed=(), seconds=3.0)


def frozen_past_heartbeats(node: RabbitNode, _url: str) -> Outage:
    """Both sides give up their connections: ours after 18 s, the broker's after 10 s."""
    return Outage(name="broker frozen for 25 s", begins=node.freeze, ends=node.thaw, missed=BROKER, seconds=25.0)


def memory_alarm(node: RabbitNode, _url: str) -> Outage:
    return Outage(
        name="memory alarm",
        begins=lambda: node.raise_alarm("memory"),
        ends=lambda: node.clear_alarm("memory"),
        missed=BROKER,
        # Whoever has nothing to publish does not meet it.
        tellers=("fetcher",),
        seconds=20.0,
    )


def disk_alarm(node: RabbitNode, _url: str) -> Outage:
    return Outage(
        name="disk alarm",
        begins=lambda: node.raise_alarm("disk"),
        ends=lambda: node.clear_alarm("disk"),
        missed=BROKER,
        tellers=("fetcher",),
        seconds=20.0,
    )


def queue_full(node: RabbitNode, url: str) -> Outage:
    """The queue of raw pages takes no more, and nobody takes from it: its publishers are told so."""
    return Outage(
        name="raw.work full",
        begins=lambda: node.limit(url, RAW_WORK, max_length=0),
        ends=lambda: node.unlimit(url, RAW_WORK),
        missed=BROKER,
        tellers=("fetcher",),
        frozen="processor",
        seconds=MINUTE,
    )


OUTAGES: Mapping[str, Makes] = {
    made.__name__: made
    for made in (killed, shut_down, frozen_briefly, frozen_past_heartbeats, memory_alarm, disk_alarm, queue_full)
}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("outage", OUTAGES)
async def test_the_broker_goes_and_comes_back(
    open_stage: OpenStage, rabbitmq_node: RabbitNode, rabbitmq_url: str, outage: str
) -> None:
    """Nothing is lost or said twice, both services say what they wait for, and events flow soon after its return."""
    async with open_stage("stack") as stage:
        await three_times(stage, OUTAGES[outage](rabbitmq_node, rabbitmq_url))
        await stage.account(window="publishes whose confirms were lost, and visits that the outage ended")

    assert not complaints(stage.services)
