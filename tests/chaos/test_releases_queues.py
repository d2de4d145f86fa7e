"""A release that wants other queues than the one before it."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.stage import Stage
from chaos.subscriber import QUEUE
from chaos.wire import Dispatch
from console_command import Finished, fildactu
from quick_topology import subscriber_queue
from rabbitmq_node import RabbitNode

from shared.steps import Step
from shared.topology import ARTICLE_EVENTS, ARTICLE_HISTORY, RAW_WORK, Binding, Topology, topology

# Several minutes may pass on a machine that plays other scenarios, too.
pytestmark = pytest.mark.timeout(300)
ARTICLES = 12
SHORT_TIER, OTHER_TIER = "raw.retry.10s", "raw.retry.2m"
SHORT_TIER_SECONDS = 10.0
DIFFERENT: Mapping[str, dict[str, str | int]] = {
    RAW_WORK: {"x-max-length-bytes": 30_000_000},
    OTHER_TIER: {"x-message-ttl": 2000},
    ARTICLE_HISTORY: {"x-max-age": "1D"},
}
"""What the release before this one wanted."""
BY_ORDER = frozenset({"observation_failed"})


def before() -> Topology:
    """The topology of the release before, with the subscriber's queue."""
    whole = topology()
    everything = Binding(exchange=ARTICLE_EVENTS, key="article.#")
    queues = (replace(each, arguments={**each.arguments, **DIFFERENT.get(each.name, {})}) for each in whole.queues)
    return replace(whole, queues=(*queues, subscriber_queue(QUEUE, everything)))


@pytest.fixture
def impatient_node(rabbitmq_node: RabbitNode) -> Iterator[RabbitNode]:
    """What it cannot route on from a retry queue it tries again soon; by itself, every three minutes."""
    setting = "application:{}_env(rabbit, dead_letter_worker_publisher_confirm_timeout{})."
    before = rabbitmq_node.ctl("eval", setting.format("get", "")).strip().strip("{}").rpartition(",")[2]
    rabbitmq_node.ctl("eval", setting.format("set", ", 2000"))
    yield rabbitmq_node
    rabbitmq_node.ctl("eval", setting.format("set", f", {before}"))


@pytest.mark.long
async def test_other_queue_arguments_are_refused_and_changed_as_documented(
    open_stage: OpenStage, impatient_node: RabbitNode, tmp_path: Path
) -> None:
    """The old release goes on; drained, deleted, declared anew, nothing is lost: not even what waits to be retried."""
    async with open_stage("stack", topology=before()) as stage:
        services = await stage.start(fetchers=2, processors=2)
        articles = [stage.wire.publish() for _ in range(ARTICLES)]
        await stage.arrived(ARTICLES)

        refused = await migrate(stage, tmp_path)
        assert refused.code == 1
        assert all(f"queue {name} " in refused.err for name in DIFFERENT)
        change_some(stage, articles)
        await stage.settled()

        stage.arm(Step.PAGE_SETTLE, "before", "fail")
        change_some(stage, articles)
        await stage.taken(Step.PAGE_SETTLE, "before")
        await asyncio.gather(*(each.terminate() for each in stage.fetchers))
        await stage.until(lambda: drained(impatient_node, stage), "the queues that are to be changed are empty")
        await asyncio.gather(*(each.terminate() for each in stage.processors))
        assert impatient_node.depths(stage.broker_url)[SHORT_TIER].ready == 1
        stage.faults += [f"{name} deleted" for name in DIFFERENT]
        for name in DIFFERENT:
            delete(impatient_node, stage, name)
        # Its time in the retry queue ends while there is no queue that it could go to.
        over = monotonic() + SHORT_TIER_SECONDS + 2
        await stage.until(lambda: monotonic() > over, "the retry is due")
        assert (await migrate(stage, tmp_path)).code == 0

        await asyncio.gather(*(each.start() for each in services))
        change_some(stage, articles)
        await stage.settled()
        await stage.until(lambda: not waiting_for_retry(stage), "what waited to be tried again is tried")
        await stage.account(window="services stopped and started")

    assert not complaints(stage.services, ours=BY_ORDER)


async def migrate(stage: Stage, folder: Path) -> Finished:
    """This release's own command."""
    urls = {"FILDACTU_STORE_URL": stage.store_url, "FILDACTU_BROKER_URL": stage.broker_url}
    return await fildactu("migrate", cwd=folder, env=urls)


def change_some(stage: Stage, articles: list[Dispatch]) -> None:
    for article in articles[: ARTICLES // 2]:
        stage.wire.correct(article)
    articles.append(stage.wire.publish())


def drained(node: RabbitNode, stage: Stage) -> bool:
    depths = node.depths(stage.broker_url)
    return not any(depths[name].ready or depths[name].unacked for name in (RAW_WORK, OTHER_TIER))


def waiting_for_retry(stage: Stage) -> set[str]:
    """Pages that failed, and were not settled since."""
    lines = [line for each in stage.processors for line in each.logs() if "raw_id" in line]
    failed = {line["raw_id"] for line in lines if line["event"] == "observation_failed"}
    return failed - {line["raw_id"] for line in lines if "reason" in line and "verdict" not in line}


def delete(node: RabbitNode, stage: Stage, queue: str) -> None:
    node.ctl("delete_queue", "--vhost", stage.broker_url.rpartition("/")[2], queue)
