"""Feeds of one kind in a store of their own, and the real fetcher on them.

Its loops' work is that of the running service: lease with the hosts' slots, conditional GET, and one transaction for
what was found. It shows no courtesy, and hands its pages to a broker that takes each at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from bench.bare import AT_ONCE, Pace, paced
from bench.clock import Clock
from bench.feed_server import ETAG, SECURE_SITES
from services.fetcher.__main__ import MIGRATIONS, Fetcher, build
from services.fetcher.config import FetcherSettings
from services.fetcher.model import Entry, Feed, FeedSettings, PollOutcome
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.tables import feeds
from shared import outcomes, steps
from shared.broker import connect
from shared.broker.protocols import Delivery
from shared.database import Database
from shared.delivery import Ack
from shared.lifecycle import Stop, work_off
from shared.migrations import migrate
from shared.steps import Step
from shared.topology import RAW_WORK, topology

ROUND_SECONDS = 90.0
WAITS = frozenset({PollOutcome.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How the server answers at `path`, what a poll makes of it, and what the bare loop says to get the same answer."""

    name: str
    path: str
    outcome: PollOutcome
    headers: Mapping[str, str] = field(default_factory=dict)
    secure: bool = False
    parsed: bool = False

    @property
    def file(self) -> str:
        return f"{self.path.strip('/')}{'-tls' * self.secure}.db"

    def urls(self, count: int, prefix: str = "f") -> list[str]:
        """Each feed has a host of its own, as most do."""
        if self.secure:
            return [f"https://{prefix}{each:05}.s{each % SECURE_SITES}.example{self.path}" for each in range(count)]
        return [f"http://{prefix}{each:05}.example{self.path}" for each in range(count)]


_SAYS = {"If-None-Match": ETAG}
MODES = (
    Mode(name="304", path="/not-modified", outcome=PollOutcome.NOT_MODIFIED, headers=_SAYS),
    Mode(name="304, TLS", path="/not-modified", outcome=PollOutcome.NOT_MODIFIED, headers=_SAYS, secure=True),
    Mode(name="unchanged body", path="/same", outcome=PollOutcome.UNCHANGED),
    Mode(name="one new entry", path="/new", outcome=PollOutcome.CHANGED, parsed=True),
)
EMPTY = Mode(name="empty", path="/empty", outcome=PollOutcome.CHANGED)


@asynccontextmanager
async def store(folder: Path, mode: Mode) -> AsyncIterator[Database]:
    database = Database.open(f"sqlite:///{folder / mode.file}")
    try:
        yield database
    finally:
        await database.close()


async def fill(database: Database, mode: Mode, count: int) -> None:
    """Subscribe to `count` feeds, none of them due during the bench by itself."""
    await migrate(database, MIGRATIONS)
    await FeedCatalogue(database).apply("bench", [FeedSettings(url=url, name=url) for url in mode.urls(count)])
    async with database.transaction() as connection:
        # The one table of the processor's that the fetcher reads: the rest of it would only take memory here.
        await connection.run_sync(outcomes.metadata.create_all)
        await connection.execute(update(feeds).values(next_poll_at=datetime.now(UTC) + timedelta(days=1)))


@asynccontextmanager
async def fetcher(
    database: Database, ports: Mapping[str, int], *, at_once: int = AT_ONCE, request_seconds: float = 30.0
) -> AsyncIterator[Fetcher]:
    """On a store; `ports` says of each address at which port its host is."""
    settings = FetcherSettings(
        resolve={url.split("/")[2]: f"127.0.0.1:{port}" for url, port in ports.items()},
        allowed_networks=("127.0.0.0/8",),
        page_delay_seconds=0,
        address_delay_seconds=0,
        host_share=1,
        per_host=AT_ONCE,
        pollers=at_once,
        request_seconds=request_seconds,
    )
    async with connect("inprocess:", topology()) as broker:
        taking = asyncio.create_task(broker.consume(RAW_WORK, _taken, concurrency=AT_ONCE, ready=_always))
        try:
            async with build(settings, database=database, broker=broker) as built:
                yield built
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)


async def _taken(_delivery: Delivery) -> Ack:
    return Ack()


async def _always() -> None:
    return


async def polled(running: Fetcher, database: Database, mode: Mode, count: int, *, first: bool = False) -> Pace:
    """Poll the store's first `count` feeds once each; every poll must come to what the mode says."""
    await make_due(database, mode.urls(count))
    expected = PollOutcome.CHANGED if first else mode.outcome
    with counted(Step.POLL_PARSE) as parses:
        pace, came_to = await _worked(running.feeds.lease, running.poller.poll, count, but_for=WAITS)
    if came_to != {expected: count}:
        raise RuntimeError(f"{mode.name}: {dict(came_to)} instead of {count} × {expected}")
    if not (first or mode.parsed) and parses:
        raise RuntimeError(f"{mode.name}: {len(parses)} bodies were parsed, and there was nothing new in them")
    return pace


async def visited(running: Fetcher, count: int) -> Pace:
    """Ask for `count` pages that are due."""
    return (await _worked(running.frontier.lease, running.downloader.visit, count))[0]


async def _worked(
    lease: Callable[[int], Awaitable[Sequence[Feed | Entry]]],
    work: Callable[..., Awaitable[object]],
    count: int,
    but_for: frozenset[object] = frozenset(),
) -> tuple[Pace, Counter[object]]:
    """The pace of `count` units of the work, and what they came to, `but_for` those that are done again later."""
    clock, stop, found = Clock(count), Stop(), list[Pace]()
    came_to: Counter[object] = Counter()

    async def counting(item: Feed | Entry) -> None:
        outcome = await work(item)
        if outcome not in but_for:
            came_to[outcome] += 1
            clock.tick()

    with paced(clock, found):
        loop = asyncio.create_task(work_off(stop, lease, counting, concurrency=AT_ONCE, idle_seconds=0.1))
        try:
            await asyncio.wait_for(clock.done.wait(), ROUND_SECONDS)
        finally:
            stop.set()
            await loop
    return found[0], came_to


async def make_due(database: Database, urls: Sequence[str]) -> None:
    async with database.transaction() as connection:
        due = update(feeds).where(feeds.c.url.in_(urls)).values(next_poll_at=datetime.now(UTC))
        await connection.execute(due)


@contextmanager
def counted(which: Step) -> Iterator[list[Step]]:
    """Grows by one each time that the step is reached."""
    reached: list[Step] = []

    async def hook(name: Step, when: steps.When) -> None:
        if name is which and when == "before":
            reached.append(name)

    steps.install(hook)
    try:
        yield reached
    finally:
        steps.install(None)
