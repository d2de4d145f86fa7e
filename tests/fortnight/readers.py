"""The fetchers of the fortnight: the product's own parts, on one SQLite file, in the time of a TimeWarp."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fortnight.papers import START
from fortnight.time_warp import TimeWarp
from sqlalchemy import select

from services.fetcher.config import FetcherSettings
from services.fetcher.documents.parsing import parse_feed
from services.fetcher.hosts.hosts import HostStore
from services.fetcher.hosts.robots import RobotsGate
from services.fetcher.model import Feed, FeedSettings, ParsedFeed, Response
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.outage import Network
from services.fetcher.polling.poller import Poller
from services.fetcher.polling.store import FeedStore
from services.fetcher.tables import feed_entries, feeds
from services.fetcher.web.http import HttpClient
from shared.database import Database
from shared.lifecycle import Stop, work_off
from shared.steps import Step, When

CONTACT = "https://fetcher.example/about"
PAGE_DELAY_SECONDS = 2.0
POLLERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all fetchers share: the loop's time, the store's file, and the sites (each host's address is the server).

    `idle_seconds` lie between two looks at what is due: so much later than it is due, a feed may be polled.
    """

    loop: TimeWarp
    store: Path
    port: int
    hosts: Sequence[str]
    idle_seconds: float

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.time())

    def open(self) -> Database:
        return Database.open(f"sqlite:///{self.store}", now=self.now)

    @property
    def settings(self) -> FetcherSettings:
        return FetcherSettings(
            contact=CONTACT,
            resolve=dict.fromkeys(self.hosts, f"127.0.0.1:{self.port}"),
            allowed_networks=("127.0.0.0/8",),
            page_delay_seconds=PAGE_DELAY_SECONDS,
        )


class Killed(BaseException):
    """What SIGKILL leaves of a process: nothing of it may act any more."""


class Fetcher:
    """One process: it is started, stopped and killed, and keeps nothing of its own over that."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._stop = Stop()
        self._task: asyncio.Task[None] | None = None
        self._trap: tuple[Step, When] | None = None
        self._dead = False

    def start(self) -> None:
        self._stop, self._trap, self._dead = Stop(), None, False
        context = copy_context()
        context.run(_running.set, self)
        self._task = self._around.loop.create_task(self._run(self._stop), context=context)

    async def stop(self) -> None:
        """As after SIGTERM: what is at work ends first."""
        self._stop.set()
        await self.ended()

    async def ended(self) -> None:
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    def kill_at(self, step: Step, when: When) -> None:
        """As SIGKILL, the next time that one of its polls comes there."""
        self._trap = (step, when)

    def reached(self, step: Step, when: When) -> None:
        if (step, when) == self._trap and self._task is not None:
            self._dead, self._trap = True, None
            self._task.cancel()
        if self._dead:
            raise Killed

    async def _run(self, stop: Stop) -> None:
        async with wired(self._around) as polling:
            await work_off(
                stop, polling.lease, polling.poll, concurrency=POLLERS, idle_seconds=self._around.idle_seconds
            )


_running: ContextVar[Fetcher | None] = ContextVar("running", default=None)


async def reached(step: Step, when: When) -> None:
    """The hook of `shared.steps`."""
    if (fetcher := _running.get()) is not None:
        fetcher.reached(step, when)


class Polling:
    """What the fetcher's composition root does with a store and a poller."""

    def __init__(self, around: Surroundings, store: FeedStore, poller: Poller, network: Network) -> None:
        self._around = around
        self._store = store
        self._poller = poller
        self._network = network
        self._at_work = Counter[str]()

    async def lease(self, limit: int) -> Sequence[Feed]:
        admitted = self._network.admits(limit, self._around.now())
        leased = await self._store.lease(admitted, self._at_work) if admitted else []
        self._at_work.update(each.site for each in leased)
        return leased

    async def poll(self, feed: Feed) -> None:
        try:
            await self._poller.poll(feed)
        finally:
            self._at_work.subtract((feed.site,))


@asynccontextmanager
async def wired(around: Surroundings) -> AsyncIterator[Polling]:
    settings, network = around.settings, Network()
    politeness = settings.politeness
    async with AsyncExitStack() as stack:
        database = around.open()
        stack.push_async_callback(database.close)
        client = Holding(await stack.enter_async_context(HttpClient(settings.http, clock=around.now)), around.loop)
        lease = timedelta(seconds=settings.lease_seconds)
        store = FeedStore(database, lease=lease, per_site=settings.polls_per_site, policy=politeness)
        hosts = HostStore(database, politeness)

        async def parse(body: bytes, content_type: str | None, url: str) -> ParsedFeed:
            return parse_feed(body, content_type, url, around.now())

        agent = settings.http.user_agent
        gate = RobotsGate(hosts, client, agent=agent, policy=politeness, clock=around.now)
        poller = Poller(
            client, store, hosts, parse, delay=politeness.delay, gate=gate, network=network, clock=around.now
        )
        yield Polling(around, store, poller, network)


class Holding:
    """A client that holds the clock while an answer is on its way, but not while a redirect waits for its slot."""

    def __init__(self, client: HttpClient, loop: TimeWarp) -> None:
        self._client = client
        self._loop = loop

    async def get(
        self, url: str, *, before_hop: Callable[[str], Awaitable[None]] | None = None, **asked: Any
    ) -> Response:
        async def let_go(hop: str) -> None:
            if before_hop is not None:
                with self._loop.let_go():
                    await before_hop(hop)

        with self._loop.hold():
            return await self._client.get(url, before_hop=let_go, **asked)


async def seen(around: Surroundings) -> dict[str, frozenset[str]]:
    """Of each feed (by its address) the identities of the entries that are stored."""
    database = around.open()
    query = select(feeds.c.url, feed_entries.c.identity).join(feeds, feeds.c.feed_id == feed_entries.c.feed_id)
    found: dict[str, set[str]] = {}
    async with database.snapshot() as connection:
        for row in await connection.execute(query):
            found.setdefault(row.url, set()).add(row.identity)
    await database.close()
    return {url: frozenset(identities) for url, identities in found.items()}


async def subscribe(around: Surroundings, urls: Mapping[str, str]) -> None:
    """To all of them at once (name → address)."""
    database = around.open()
    wanted = [FeedSettings(url=url, name=name) for name, url in urls.items()]
    await FeedCatalogue(database).apply("fortnight", wanted)
    await database.close()
