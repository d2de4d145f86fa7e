"""Two fetchers and two processors: the real use cases, on stores, a broker and sites in memory."""

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from fakes import Gate
from model import broker, clockwork, fetching, processing, site
from model.clockwork import Actor, Clockwork, Process
from model.database import Database, FeedRow

from services.fetcher.model import Bounds, FeedSettings
from services.fetcher.pages import downloader
from services.fetcher.pages.observation import VisitPolicy
from services.fetcher.pages.outlet import Outlet
from services.fetcher.polling import poller
from services.fetcher.web.responses import body_hash
from services.processor.handler import Handler
from services.processor.model import Extracted, Source
from services.processor.relay import Relay
from shared import steps
from shared.broker.copies import applicable, for_quarantine, for_retry
from shared.broker.handling import handled
from shared.broker.protocols import Delivery
from shared.broker.protocols import Handler as Handle
from shared.delivery import DeadLetter, Pause, Retry, Verdict
from shared.errors import PipelineError, TransientError
from shared.steps import Step, When, step
from shared.topology import RAW_DEAD, RAW_DLX, RAW_IN, RAW_KEY, RAW_RETRY, RAW_WORK

LOST_AFTER = timedelta(hours=1)
NO_DELAY = timedelta(0)
POLICY = VisitPolicy(
    attempts=1000,
    first_pause=timedelta(seconds=20),
    confirm_gone=timedelta(seconds=20),
    revisit_after=(timedelta(minutes=10),),
)
BOUNDS = Bounds(shortest=timedelta(seconds=60), longest=timedelta(seconds=60))
LONG = 100
"""Rounds of half an hour in which everything must have come to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the pipeline is made of; a broken variant has one part of another make."""

    feeds: Callable[[Database, Process], fetching.Feeds] = fetching.Feeds
    frontier: Callable[[Database, Process], fetching.Frontier] = fetching.Frontier
    store: Callable[[Database, Process], processing.Store] = processing.Store
    outbox: Callable[[Database, Process], processing.Outbox] = processing.Outbox
    publisher: Callable[[broker.Broker, Process], broker.Publisher] = broker.Publisher
    ack_first: bool = False


class World:
    """Everything there is; `actors` are the loops that may be let go, in an order that does not change."""

    def __init__(self, parts: Parts) -> None:
        self.loop = Clockwork()
        self.database = Database(self.loop)
        self.broker = broker.Broker(self.loop)
        self.site = site.Site(lambda: self.loop.now)
        self.parts = parts
        self.hiccups: list[Exception] = []
        self.actors: dict[str, tuple[Actor, ...]] = {}
        self.processes: dict[str, Process] = {}
        for name in ("fetcher 1", "fetcher 2", "processor 1", "processor 2"):
            self.start(name)

    def subscribe(self, url: str) -> None:
        said = FeedSettings(url=url, name=url, bounds=BOUNDS)
        self.database.feeds[said.feed_id] = FeedRow(settings=said, next_poll_at=self.loop.now)

    def start(self, name: str) -> None:
        process = self.processes[name] = Process(name)
        self.actors[name] = (_fetcher if name.startswith("fetcher") else _processor)(self, process)

    def crash(self, name: str, *, for_good: bool = False) -> None:
        """As SIGKILL. A supervisor starts it again, unless the machine is gone."""
        process = self.processes[name]
        process.alive = False
        for actor in self.actors[name]:
            actor.die()
        self.broker.disconnect(process)
        self.actors[name] = ()
        if not for_good:
            self.start(name)
        self.look()

    def freeze(self, name: str) -> None:
        """As SIGSTOP, or a machine that hangs: its leases end, and the broker gives up its connection."""
        self.processes[name].frozen = True
        self.broker.disconnect(self.processes[name])
        self.let_pass(31)

    def thaw(self) -> None:
        for process in self.processes.values():
            process.frozen = False

    def ready(self) -> list[Actor]:
        return [actor for actors in self.actors.values() for actor in actors if actor.can_go()]

    def go(self, actor: Actor, which: int = 0) -> None:
        actor.go(which)
        self.look()

    def let_pass(self, seconds: float) -> None:
        self.loop.let_pass(seconds)
        self.look()

    def look(self) -> None:
        """Let who finished be idle again. Raises what nobody expected."""
        for actors in self.actors.values():
            for actor in actors:
                actor.look()
        if _unexpected:
            raise _unexpected.pop()

    def run_dry(self) -> None:
        """Let everyone go, a whole unit of work in turn, until nobody has anything to do."""
        self.run_to(None)

    def run_to(self, trap: tuple[Step, When] | None) -> Actor | None:
        """The same, until one comes to the step `trap` and waits there; that one."""
        self.loop.free, self.loop.trap = True, trap
        try:
            while ready := self.ready():
                for actor in ready:
                    if actor.can_go():
                        self.go(actor)
                        if trap is not None and actor.is_at(*trap):
                            return actor
        finally:
            self.loop.free = False
        return None

    def come_to_rest(self) -> None:
        """No faults any more: everything ends, retries and repairs included."""
        self.database.faults.clear()
        self.broker.faults.clear()
        self.site.failures.clear()
        self.hiccups.clear()
        self.thaw()
        for _ in range(LONG):
            self.run_dry()
            if self.at_rest():
                return
            self.replay()
            self.let_pass(1900)
        raise AssertionError(f"the pipeline never came to rest: {self.unfinished()}")

    def at_rest(self) -> bool:
        return not any(self.unfinished().values())

    def unfinished(self) -> Mapping[str, list[Any]]:
        db, frontier = self.database, self.parts.frontier(self.database, Process("observer"))
        return {
            "feeds": [row for row in db.feeds.values() if row.body_hash != self._current(row.settings.url)],
            "entries": [row for row in db.entries.values() if row.next_at is not None],
            "lost": frontier.lost(timedelta(0), self.loop.now),
            "messages": [*self.broker.queues[RAW_WORK], *self.broker.queues[RAW_DEAD], *self.broker.delayed],
            "unacked": list(self.broker.unacked.values()),
            "events": [row for row in db.outbox.values() if not row.confirmed],
            "quarantined": list(db.quarantine),
            "busy": [actor for actors in self.actors.values() for actor in actors if actor.busy],
        }

    def _current(self, feed: str) -> str:
        return body_hash(self.site.document(feed))

    def replay(self) -> None:
        """An operator sends what was set aside to work again."""
        for message in self.database.quarantine.values():
            self.broker.publish(RAW_IN, RAW_KEY, message)
        self.database.quarantine.clear()

    async def extract(self, source: Source) -> Extracted:
        if self.hiccups:
            raise self.hiccups.pop(0)
        return await site.extract(source)


def _fetcher(world: World, process: Process) -> tuple[Actor, ...]:
    feeds, frontier = world.parts.feeds(world.database, process), world.parts.frontier(world.database, process)
    hosts, publisher = fetching.Hosts(world.database, process), world.parts.publisher(world.broker, process)
    outlet = Outlet(publisher, patience_seconds=fetching.LEASE.total_seconds() / 2)
    polling = poller.Poller(world.site, feeds, hosts, site.parse, delay=NO_DELAY)
    visiting = downloader.Downloader(world.site, frontier, hosts, Gate(), outlet, POLICY)

    async def poll() -> None:
        leased = await step(Step.FEEDS_LEASE, feeds.lease(1))
        await asyncio.gather(*(_patient(polling.poll(each)) for each in leased))

    async def visit() -> None:
        leased = await step(Step.ENTRIES_LEASE, frontier.lease(2))
        await asyncio.gather(*(_patient(visiting.visit(each)) for each in leased))

    async def reconcile() -> None:
        await step(Step.RECONCILE, frontier.reconcile(LOST_AFTER))

    now = world.loop
    return (
        _actor(world, process, "poll", poll, lambda: not outlet.blocked and bool(feeds.due(now.now))),
        _actor(world, process, "visit", visit, lambda: not outlet.blocked and bool(frontier.due(now.now))),
        _actor(world, process, "reconcile", reconcile, lambda: bool(frontier.lost(LOST_AFTER, now.now))),
    )


def _processor(world: World, process: Process) -> tuple[Actor, ...]:
    publisher, outbox = world.parts.publisher(world.broker, process), world.parts.outbox(world.database, process)
    store = world.parts.store(world.database, process)
    relay = Relay(outbox, publisher, batch=3, idle_seconds=1)
    pages = Handler(store, world.extract, relay.nudge).handle
    dead = processing.Quarantine(world.database, process, publisher).handle

    def consumer(queue: str, handle: Handle) -> Actor:
        async def consume() -> None:
            await _Consumer(world, process, publisher, queue).consume(handle)

        return _actor(world, process, queue, consume, lambda: world.broker.waiting(queue))

    async def publish() -> None:
        await relay.relay_batch()

    return (
        consumer(RAW_WORK, pages),
        _actor(world, process, "relay", publish, lambda: bool(outbox.due(world.loop.now))),
        consumer(RAW_DEAD, dead),
    )


class _Consumer:
    """What `rabbitmq_session` does with one message."""

    def __init__(self, world: World, process: Process, publisher: broker.Publisher, queue: str) -> None:
        self._world = world
        self._process = process
        self._publisher = publisher
        self._queue = queue

    async def consume(self, handle: Handle) -> None:
        ours = self._world.broker
        tag, delivery = ours.deliver(self._queue, self._process)
        if self._world.parts.ack_first:
            await ours.ack(self._process, tag)
        verdict = applicable(await handled(handle, delivery, queue=self._queue), self._queue)
        if isinstance(verdict, Pause):
            ours.disconnect(self._process)
            return
        try:
            await self._set_aside(delivery, verdict)
            await step(Step.PAGE_ACK, ours.ack(self._process, tag))
        except PipelineError:
            ours.disconnect(self._process)

    async def _set_aside(self, delivery: Delivery, verdict: Verdict) -> None:
        match verdict:
            case Retry(tier=tier):
                copy = self._publisher.publish(RAW_RETRY, tier.name, for_retry(delivery))
                await step(Step.PAGE_SET_ASIDE, copy)
            case DeadLetter():
                now = self._world.loop.now
                letter = for_quarantine(delivery, verdict, stage=self._queue, failed_at=now)
                await step(Step.PAGE_SET_ASIDE, self._publisher.publish(RAW_DLX, RAW_KEY, letter))


def _actor(
    world: World,
    process: Process,
    name: str,
    work: Callable[[], Coroutine[Any, Any, None]],
    has_work: Callable[[], bool],
) -> Actor:
    async def patient() -> None:
        await _patient(work())

    return Actor(world.loop, process, name, patient, has_work)


async def _patient(work: Awaitable[object]) -> None:
    """As the services' loops: what a fault interrupts is done again."""
    with suppress(TransientError):
        await work


_unexpected: list[BaseException] = []


@contextmanager
def installed(world: World) -> Iterator[None]:
    """The use cases stop at their steps, read the model's clock, and what they log as a bug is one."""
    clock = type("Clock", (datetime,), {"now": staticmethod(lambda _zone=None: world.loop.now)})
    _unexpected.clear()
    before, chance, configured = vars(poller)["datetime"], random.getstate(), structlog.get_config()
    vars(poller)["datetime"] = clock
    random.seed(0)
    steps.install(clockwork.park)
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(processors=[_note_unexpected], wrapper_class=quiet)
    try:
        yield
    finally:
        steps.install(None)
        vars(poller)["datetime"] = before
        random.setstate(chance)
        structlog.configure(**configured)


def _note_unexpected(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    error = event.get("exc_info")
    if error is not None:
        _unexpected.append(error if isinstance(error, BaseException) else sys.exc_info()[1] or AssertionError(event))
    raise structlog.DropEvent
