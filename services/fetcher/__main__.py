"""The fetcher's composition root: settings → adapters → loops."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
import uvloop

from services.fetcher.config import FetcherSettings
from services.fetcher.downloader import Downloader
from services.fetcher.feeds import InvalidFeeds, load_feeds
from services.fetcher.frontier import Frontier
from services.fetcher.hosts import HostStore
from services.fetcher.http import HttpClient
from services.fetcher.model import Entry, Feed, ParsedFeed
from services.fetcher.outlet import Outlet
from services.fetcher.parsing import parse_feed
from services.fetcher.poller import Poller
from services.fetcher.rewind import mend_rewound
from services.fetcher.robots import RobotsGate
from services.fetcher.store import FeedStore
from shared import lifecycle, logs
from shared.broker.protocols import Publisher
from shared.config import InvalidSettings, load
from shared.database import Database
from shared.lifecycle import Stop
from shared.migrations import Scripts
from shared.service import surroundings
from shared.steps import Step, step
from shared.workers import WorkerPool

log = structlog.get_logger()
MIGRATIONS = Scripts(Path(__file__).parent / "migrations", "fetcher_version")
RECONCILE_EVERY = 300.0
"""Seconds; more often where observations count as lost sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """The running parts; `run` ends when `stop` is set and what was in flight is done."""

    feeds: FeedStore
    frontier: Frontier
    hosts: HostStore
    poller: Poller
    downloader: Downloader
    outlet: Outlet
    mend_rewound: Callable[[], Awaitable[int]]
    settings: FetcherSettings

    async def run(self, stop: Stop) -> None:
        settings = self.settings
        await lifecycle.run_until(
            stop,
            lifecycle.work_off(
                stop,
                self._lease_feeds,
                self.poller.poll,
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
            grace_seconds=settings.shutdown_seconds,
        )

    async def _lease_feeds(self, limit: int) -> Sequence[Feed]:
        """None while the broker takes no pages: more entries would only wait."""
        return () if self.outlet.blocked else await step(Step.FEEDS_LEASE, self.feeds.lease(limit))

    async def _lease_entries(self, limit: int) -> Sequence[Entry]:
        return () if self.outlet.blocked else await step(Step.ENTRIES_LEASE, self.frontier.lease(limit))

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
    hosts = HostStore(database)
    feeds = FeedStore(database, lease=lease)
    frontier = Frontier(database, lease=lease, per_host=settings.per_host)
    outlet = Outlet(broker, patience_seconds=settings.lease_seconds / 2)
    async with AsyncExitStack() as stack:
        parsers = WorkerPool("parsing", settings.parser)
        stack.push_async_callback(parsers.close)
        client = await stack.enter_async_context(HttpClient(settings.http))

        async def parse(body: bytes, content_type: str | None, url: str) -> ParsedFeed:
            return await parsers.run(parse_feed, body, content_type, url, datetime.now(UTC))

        gate = RobotsGate(hosts, client, agent=settings.http.user_agent, policy=settings.politeness)
        yield Fetcher(
            feeds=feeds,
            frontier=frontier,
            hosts=hosts,
            poller=Poller(client, feeds, hosts, parse, delay=settings.politeness.delay),
            downloader=Downloader(client, frontier, hosts, gate, outlet, settings.visits),
            outlet=outlet,
            mend_rewound=partial(mend_rewound, database, lease=lease),
            settings=settings,
        )


async def serve(settings: FetcherSettings) -> None:
    """The service, until a signal."""
    async with (
        surroundings(settings, name="fetcher") as around,
        build(settings, database=around.database, broker=around.broker) as fetcher,
    ):
        # The store may answer before its tables are made.
        if await lifecycle.answered("store", partial(_apply_feeds, fetcher, settings.feeds), around.stop):
            log.info("fetcher_started")
            await fetcher.run(around.stop)
    log.info("fetcher_stopped")


async def _apply_feeds(fetcher: Fetcher, path: Path | None) -> None:
    if path is not None:
        active = await fetcher.feeds.apply(path.name, load_feeds(path))
        log.info("feeds_applied", file=path.name, active=active)


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
