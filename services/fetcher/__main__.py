"""The fetcher's composition root: settings → adapters → loops."""

import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvloop

from services.fetcher.config import FetcherSettings
from services.fetcher.documents.parsers import Parsers
from services.fetcher.hosts.hosts import HostStore
from services.fetcher.hosts.robots import RobotsGate
from services.fetcher.model import Entry, Feed, PollOutcome
from services.fetcher.pages.downloader import Downloader
from services.fetcher.pages.frontier import Frontier
from services.fetcher.pages.outlet import Outlet
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.listening import Listening
from services.fetcher.polling.outage import Network
from services.fetcher.polling.poller import Poller
from services.fetcher.polling.pushes import Parse, Pushes
from services.fetcher.polling.store import FeedStore
from services.fetcher.rewind import mend_rewound
from services.fetcher.subscribed.feeds import InvalidFeeds, load_feeds
from services.fetcher.subscribed.feeds_file import LOOK_SECONDS, FeedsFile, at_hangup
from services.fetcher.web.http import HttpClient
from services.fetcher.websub import callback
from services.fetcher.websub.hub import Subscriber
from services.fetcher.websub.lapses import mend_lapsed
from services.fetcher.websub.news import NewsStore
from services.fetcher.websub.subscriptions import SubscriptionStore
from shared import lifecycle, logs
from shared.broker.protocols import Publisher
from shared.config import InvalidSettings, load
from shared.database import Database
from shared.lifecycle import Stop
from shared.migrations import Scripts
from shared.service import surroundings
from shared.steps import Step, step

log = structlog.get_logger()
MIGRATIONS = Scripts(Path(__file__).parent / "migrations", "fetcher_version")
RECONCILE_EVERY = 300.0
"""Seconds; more often where observations count as lost sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """The running parts; `run` ends when `stop` is set and what was in flight is done."""

    catalogue: FeedCatalogue
    feeds: FeedStore
    frontier: Frontier
    hosts: HostStore
    poller: Poller
    downloader: Downloader
    outlet: Outlet
    network: Network
    listening: Listening | None
    mend_rewound: Callable[[], Awaitable[int]]
    settings: FetcherSettings
    at_work: Counter[str] = field(default_factory=Counter)
    """Polls in hand, by site."""

    async def run(self, stop: Stop, *more: Coroutine[Any, Any, None]) -> None:
        """Work, with `more` loops beside its own."""
        settings = self.settings
        await lifecycle.run_until(
            stop,
            lifecycle.work_off(
                stop,
                self._lease_feeds,
                self._poll,
                name="feeds",
                concurrency=settings.pollers,
                idle_seconds=settings.idle_seconds,
            ),
            lifecycle.work_off(
                stop,
                self._lease_entries,
                self.downloader.visit,
                name="entries",
                concurrency=settings.downloaders,
                idle_seconds=settings.idle_seconds,
            ),
            lifecycle.every(min(RECONCILE_EVERY, settings.reconcile_seconds / 4), "reconciling", self._reconcile, stop),
            *(() if self.listening is None else self.listening.loops(stop)),
            *more,
            grace_seconds=settings.shutdown_seconds,
        )

    async def _lease_feeds(self, limit: int) -> Sequence[Feed]:
        """None while the broker takes no pages: more entries would only wait. Few while no site can be reached."""
        admitted = self.outlet.admits(limit, self.settings.pollers)
        admitted = admitted and self.network.admits(admitted, datetime.now(UTC))
        if not admitted:
            return ()
        leased = await step(Step.FEEDS_LEASE, self.feeds.lease(admitted, self.at_work))
        self.at_work.update(each.site for each in leased)
        return leased

    async def _poll(self, feed: Feed) -> PollOutcome:
        try:
            return await self.poller.poll(feed)
        finally:
            self.at_work.subtract((feed.site,))
            if not self.at_work[feed.site]:
                del self.at_work[feed.site]

    async def _lease_entries(self, limit: int) -> Sequence[Entry]:
        admitted = 0 if self.network.away else self.outlet.admits(limit, self.settings.downloaders)
        return await step(Step.ENTRIES_LEASE, self.frontier.lease(admitted)) if admitted else ()

    async def _reconcile(self) -> None:
        older_than = timedelta(seconds=self.settings.reconcile_seconds)
        if ahead := await step(Step.CLOCK_MEND, self.mend_rewound()):
            log.warning("clock_set_back", rows=ahead, remedy="none needed: they are due now")
        if found := await step(Step.RECONCILE, self.frontier.reconcile(older_than)):
            log.warning("observations_lost", entries=found, remedy="their pages are downloaded again")
        await step(Step.HOSTS_PRUNE, self.hosts.prune())


@asynccontextmanager
async def build(settings: FetcherSettings, *, database: Database, broker: Publisher) -> AsyncIterator[Fetcher]:
    """Wire the fetcher on a store and a broker that the caller opens and closes."""
    lease = timedelta(seconds=settings.lease_seconds)
    politeness = settings.politeness
    hosts = HostStore(database, politeness)
    listens = bool(settings.websub_callback)
    feeds = FeedStore(database, lease=lease, per_site=settings.polls_per_site, policy=politeness, listens=listens)
    frontier = Frontier(database, lease=lease, per_host=settings.per_host, policy=politeness)
    outlet, network = Outlet(broker, patience_seconds=settings.lease_seconds / 2), Network()
    async with AsyncExitStack() as stack:
        parsers = Parsers(settings.parser)
        stack.push_async_callback(parsers.close)
        client = await stack.enter_async_context(HttpClient(settings.http))

        gate = RobotsGate(
            hosts,
            client,
            agent=settings.http.user_agent,
            policy=politeness,
            feeds_obey_all=settings.feeds_obey_all_robots,
        )
        listening = None
        if settings.websub_callback:
            listening = _listening(settings, database, client, feeds, hosts, parsers.parse)
            at = callback.served(listening.pushes, host=settings.websub_host, port=settings.websub_port)
            await stack.enter_async_context(at)
        yield Fetcher(
            catalogue=FeedCatalogue(database),
            feeds=feeds,
            frontier=frontier,
            hosts=hosts,
            poller=Poller(
                client, feeds, hosts, parsers.parse, delay=settings.politeness.delay, gate=gate, network=network
            ),
            downloader=Downloader(client, frontier, hosts, gate, outlet, settings.visits),
            outlet=outlet,
            network=network,
            listening=listening,
            mend_rewound=partial(mend_rewound, database, lease=lease),
            settings=settings,
        )


def _listening(
    settings: FetcherSettings,
    database: Database,
    client: HttpClient,
    feeds: FeedStore,
    hosts: HostStore,
    parse: Parse,
) -> Listening:
    subscriptions = SubscriptionStore(database, lease=timedelta(seconds=settings.lease_seconds))
    news, address, delay = NewsStore(database), settings.websub_callback, settings.politeness.delay
    return Listening(
        subscriptions=subscriptions,
        subscriber=Subscriber(client, subscriptions, hosts, callback=address, delay=delay),
        news=news,
        pushes=Pushes(subscriptions, news, feeds, parse),
        mend_lapsed=partial(mend_lapsed, database),
        idle_seconds=settings.idle_seconds,
    )


async def serve(settings: FetcherSettings) -> None:
    """The service, until a signal."""
    async with (
        surroundings(settings, name="fetcher") as around,
        build(settings, database=around.database, broker=around.broker) as fetcher,
    ):
        file = FeedsFile(settings.feeds, fetcher.catalogue)
        with at_hangup(file.ask):
            # The store may answer before its tables are made.
            if await lifecycle.answered("store", file.apply, around.stop):
                log.info("fetcher_started")
                looking = lifecycle.every(LOOK_SECONDS, "feeds file", file.look, around.stop)
                await fetcher.run(around.stop, looking)
    log.info("fetcher_stopped")


def main() -> None:
    try:
        settings = load(FetcherSettings, os.environ)
        settings.require_broker()
        if settings.feeds is not None:
            load_feeds(settings.feeds)
    except (InvalidSettings, InvalidFeeds) as error:
        print(f"the fetcher cannot start:\n{error}", file=sys.stderr)  # noqa: T201 - before logging is set up
        sys.exit(2)
    logs.configure(service="fetcher", form=settings.log_format, level=settings.log_level)
    if not settings.contact:
        log.warning("contact_missing", remedy="set FETCHER_CONTACT to a page or address for the sites you read")
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
