"""Days on which the pipeline comes to each step of its protocol: what must happen for it, by step."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aio_pika
from aio_pika.abc import AbstractChannel
from chaos.desk import Desk
from chaos.stage import HOSTS, Stage, subscribed
from chaos.troubled import POISON, STUMBLE

from shared.broker import apply_topology
from shared.steps import Step
from shared.topology import ARTICLE_EVENTS, RAW_WORK, Binding, Queue

Act = Callable[[Stage, Desk], Awaitable[None]]
CLOSED = "closed.example"
MORE_HOSTS = tuple(f"site-{number}.example" for number in range(1, 7))
FULL = "sub.full"
LONG = "delay:60"
AWAY_SECONDS = 15


async def _nothing(_stage: Stage, _desk: Desk) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """`provoke` is called when the order for the step was given and the services run, `relent` when it was taken.

    `around` puts the pages behind redirects; `delivery_limit` is that of the queue of raw pages.
    """

    provoke: Act = _nothing
    relent: Act = _nothing
    environment: Mapping[str, str] = field(default_factory=dict)
    more_hosts: tuple[str, ...] = ()
    around: bool = False
    delivery_limit: int = 20
    loud: frozenset[str] = frozenset()
    """Lines that each of the many processes writes once for each site."""


@asynccontextmanager
async def channel_of(stage: Stage) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(stage.broker_url, timeout=10) as connection:
        yield await connection.channel()


async def _throttle(stage: Stage, _desk: Desk) -> None:
    stage.wire.answer_with("status", status=429, prefix="/news")


async def _send_away(stage: Stage, desk: Desk) -> None:
    """For longer than a poll waits for its turn."""
    stage.wire.answer_with("status", host=HOSTS[0], prefix="/news", status=429, retry_after=AWAY_SECONDS)
    stage.wire.publish(HOSTS[0])
    desk.news()


async def _answer_well(stage: Stage, _desk: Desk) -> None:
    stage.wire.answer_well()


async def _publish_elsewhere(stage: Stage, _desk: Desk) -> None:
    """On a site that nobody asked yet."""
    known = {each.host for each in stage.wire.dispatches}
    stage.wire.publish(next((each for each in MORE_HOSTS if each not in known), MORE_HOSTS[-1]))


async def _publish_closed(stage: Stage, _desk: Desk) -> None:
    """Where robots.txt refuses the page, its feed's text is observed, under a number taken for it alone."""
    stage.wire.close_to_robots(CLOSED)
    stage.wire.publish(CLOSED)


def _stopped_in(request: Step) -> Act:
    async def stop(stage: Stage, _desk: Desk) -> None:
        """A service is to end while it waits for an answer."""
        stage.arm(request, "before", LONG)
        service = await stage.taken(request, "before")
        os.kill(service.pid, signal.SIGTERM)

    return stop


def _written(variant: str) -> Act:
    async def write(stage: Stage, _desk: Desk) -> None:
        stage.wire.set_text(stage.wire.publish(HOSTS[0]), variant, told=True)

    return write


async def _correct_last(stage: Stage, _desk: Desk) -> None:
    stage.wire.correct(stage.wire.dispatches[-1])


async def _lose_connections(stage: Stage, _desk: Desk) -> None:
    """A page is held by two processors, one after the other, that die of something else."""
    for _ in range(2):
        stage.arm(Step.PAGE_EXTRACT, "before")
        await stage.taken(Step.PAGE_EXTRACT, "before")


async def _fill_up(stage: Stage, desk: Desk) -> None:
    """One subscriber takes no more: no event is confirmed."""
    everything = Binding(exchange=ARTICLE_EVENTS, key="article.#")
    whole = subscribed()
    full: Mapping[str, str | int] = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
    more = Queue(name=FULL, bindings=(everything,), arguments=full)
    await apply_topology(stage.broker_url, replace(whole, queues=(*whole.queues, more)))
    desk.news()


async def _leave(stage: Stage, _desk: Desk) -> None:
    async with channel_of(stage) as channel:
        await channel.queue_delete(FULL)


async def purged(stage: Stage, *, pages: int = 1) -> None:
    """The broker loses what waits for a processor, as soon as it is so many pages."""
    async with channel_of(stage) as channel:

        async def waiting() -> bool:
            declared = await channel.declare_queue(RAW_WORK, passive=True)
            return (declared.declaration_result.message_count or 0) >= pages

        await stage.until(waiting, "pages wait in the queue")
        await (await channel.get_queue(RAW_WORK)).purge()


async def _purge(stage: Stage, desk: Desk) -> None:
    """Pages that wait for a processor are gone from the queue."""
    processor = stage.processors[0]
    processor.freeze()
    desk.news()
    await purged(stage)
    processor.thaw()
    stage.faults.append("queue purged")


EVERY_DAY = Day()
THROTTLED = Day(
    provoke=_throttle,
    relent=_answer_well,
    environment={"FETCHER_PAGE_DELAY_SECONDS": "0.1"},
    loud=frozenset({"waiting_for_dependency"}),
)
REFUSED_PAGES = {"CHAOS_BROKEN": "refused-pages"}
POISONED = Day(provoke=_written(POISON), relent=_correct_last, environment=REFUSED_PAGES)
STUMBLING = Day(provoke=_written(STUMBLE), environment=REFUSED_PAGES)

SHARED: Mapping[Step, Day] = {
    Step.FEEDS_LEASE: EVERY_DAY,
    Step.POLL_SLOT: EVERY_DAY,
    Step.POLL_REQUEST: EVERY_DAY,
    Step.POLL_PARSE: EVERY_DAY,
    Step.POLL_COMMIT: EVERY_DAY,
    Step.POLL_POSTPONE: replace(THROTTLED, provoke=_send_away),
    Step.POLL_RELEASE: Day(provoke=_stopped_in(Step.POLL_REQUEST)),
    Step.HOST_HOLD: THROTTLED,
    Step.ENTRIES_LEASE: EVERY_DAY,
    Step.ROBOTS_SAVE: Day(provoke=_publish_elsewhere, more_hosts=MORE_HOSTS),
    Step.VISIT_BEGIN: EVERY_DAY,
    Step.VISIT_NUMBER: Day(provoke=_publish_closed, more_hosts=(CLOSED,)),
    Step.VISIT_REQUEST: EVERY_DAY,
    Step.VISIT_HOP: Day(around=True),
    Step.PAGE_PUBLISH: EVERY_DAY,
    Step.VISIT_COMMIT: EVERY_DAY,
    Step.VISIT_POSTPONE: THROTTLED,
    Step.VISIT_RELEASE: Day(provoke=_stopped_in(Step.VISIT_REQUEST)),
    Step.PAGE_EXTRACT: EVERY_DAY,
    Step.PAGE_SETTLE: EVERY_DAY,
    Step.QUARANTINE_KEEP: POISONED,
    Step.OUTBOX_TAKE: EVERY_DAY,
    Step.EVENT_PUBLISH: EVERY_DAY,
    Step.OUTBOX_CONFIRM: EVERY_DAY,
    Step.CLOCK_MEND: EVERY_DAY,
    Step.HOSTS_PRUNE: EVERY_DAY,
    Step.EVENTS_PRUNE: Day(environment={"PROCESSOR_KEEP_BODIES_DAYS": "0.0001"}),
}
STACK: Mapping[Step, Day] = {
    **SHARED,
    Step.RECONCILE: Day(provoke=_purge, environment={"FETCHER_RECONCILE_SECONDS": "1.5"}),
    Step.PAGE_SET_ASIDE: STUMBLING,
    Step.PAGE_ACK: EVERY_DAY,
    Step.QUARANTINE_REDRIVE: Day(provoke=_lose_connections, delivery_limit=1),
    Step.OUTBOX_RELEASE: Day(provoke=_fill_up, relent=_leave),
}
EMBEDDED: Mapping[Step, Day] = {
    **SHARED,
    Step.RECONCILE: EVERY_DAY,
    Step.OUTBOX_RELEASE: Day(environment={"CHAOS_BROKEN": "moody-broker"}),
}
NOT_EMBEDDED = frozenset({Step.PAGE_SET_ASIDE, Step.PAGE_ACK, Step.QUARANTINE_REDRIVE})
"""In one process nothing is acknowledged, set aside or delivered too often."""
