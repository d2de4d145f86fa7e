"""Polls per second of the fetcher beside a bare aiohttp loop, and what 10,000 feeds take in memory and on disk.

Each feed has a host of its own, as most do, so every poll and every bare GET makes its own connection. The loops'
work is that of the running fetcher: lease, the host's slot, conditional GET, and one transaction for what was found.
Rates are counted from the `WARM_UP`-th answer on, so that starting processes counts for none of them.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import uvloop
from aiohttp.abc import AbstractResolver, ResolveResult
from sqlalchemy import update

from bench.clock import Clock
from bench.feed_server import ETAG, feed_server
from bench.report import report, spread
from services.fetcher.__main__ import MIGRATIONS, Fetcher, build
from services.fetcher.config import FetcherSettings
from services.fetcher.model import Feed, FeedSettings, PollOutcome
from services.fetcher.tables import feeds
from shared import logs
from shared.broker import connect
from shared.database import Database
from shared.lifecycle import Stop, work_off
from shared.migrations import migrate
from shared.topology import topology

POLLERS = 16
ROUND_SECONDS = 40.0
BENCH_SECONDS = 175.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How the server answers at `path`, what a poll makes of it, and what the bare loop says to get the same answer."""

    name: str
    path: str
    outcome: PollOutcome
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return f"{self.path.strip('/')}.db"

    def urls(self, count: int, prefix: str = "f") -> list[str]:
        return [f"http://{prefix}{number:05}.example{self.path}" for number in range(count)]


MODES = (
    Mode(name="304", path="/not-modified", outcome=PollOutcome.NOT_MODIFIED, headers={"If-None-Match": ETAG}),
    Mode(name="unchanged body", path="/same", outcome=PollOutcome.UNCHANGED),
    Mode(name="one new entry", path="/new", outcome=PollOutcome.CHANGED),
)
EMPTY = Mode(name="empty", path="/empty", outcome=PollOutcome.CHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The fetcher's process at its largest, and the store's file for each feed that was polled."""

    mebibytes: float
    bytes_per_feed: int


async def bare(urls: Sequence[str], headers: Mapping[str, str], port: int) -> float:
    """The loop to compare with: the same GETs, as many at once, answers thrown away."""
    clock, left = Clock(len(urls)), iter(urls)
    connector = aiohttp.TCPConnector(resolver=ToServer(port), limit=256, limit_per_host=4)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        await asyncio.gather(*(_get_each(session, left, headers, clock) for _ in range(POLLERS)))
    return clock.rate


async def _get_each(
    session: aiohttp.ClientSession, left: Iterator[str], headers: Mapping[str, str], clock: Clock
) -> None:
    for url in left:
        async with session.get(url, headers=headers) as answer:
            await answer.read()
        clock.tick()


class ToServer(AbstractResolver):
    """Every host is the server."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # noqa: ARG002
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return


async def polled(database: Database, mode: Mode, count: int, port: int, *, first: bool = False) -> float:
    """Poll the store's first `count` feeds once each; every poll must come to what the mode says."""
    await make_due(database, mode.urls(count))
    clock, stop = Clock(count), Stop()
    outcomes: Counter[PollOutcome] = Counter()
    async with fetcher(database, mode.urls(count), port) as running:

        async def poll(feed: Feed) -> None:
            outcomes[await running.poller.poll(feed)] += 1
            clock.tick()

        loop = asyncio.create_task(work_off(stop, running.feeds.lease, poll, concurrency=POLLERS, idle_seconds=0.1))
        try:
            await asyncio.wait_for(clock.done.wait(), ROUND_SECONDS)
        finally:
            stop.set()
            await loop
    expected = PollOutcome.CHANGED if first else mode.outcome
    if outcomes != {expected: count}:
        raise RuntimeError(f"{mode.name}: {dict(outcomes)} instead of {count} × {expected}")
    return clock.rate


@asynccontextmanager
async def fetcher(database: Database, urls: Sequence[str], port: int) -> AsyncIterator[Fetcher]:
    """The real one without courtesy; its downloads are not run, so nothing reaches the broker."""
    settings = FetcherSettings(
        resolve={url.split("/")[2]: f"127.0.0.1:{port}" for url in urls},
        allowed_networks=("127.0.0.0/8",),
        page_delay_seconds=0,
    )
    async with connect("inprocess:", topology()) as broker, build(settings, database=database, broker=broker) as built:
        yield built


async def fill(database: Database, mode: Mode, count: int) -> None:
    """Subscribe to `count` feeds, none of them due during the bench by itself."""
    await migrate(database, MIGRATIONS)
    async with fetcher(database, (), 0) as built:
        await built.feeds.apply("bench", [FeedSettings(url=url, name=url) for url in mode.urls(count)])
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(next_poll_at=datetime.now(UTC) + timedelta(days=1)))


async def make_due(database: Database, urls: Sequence[str]) -> None:
    async with database.transaction() as connection:
        due = update(feeds).where(feeds.c.url.in_(urls)).values(next_poll_at=datetime.now(UTC))
        await connection.execute(due)


@asynccontextmanager
async def store(folder: Path, mode: Mode) -> AsyncIterator[Database]:
    database = Database.open(f"sqlite:///{folder / mode.file}")
    try:
        yield database
    finally:
        await database.close()


async def rates(options: argparse.Namespace, folder: Path, port: int) -> dict[str, list[tuple[float, float]]]:
    """Of each mode the bare loop's rate and the fetcher's, for each round; the modes take turns."""
    found: dict[str, list[tuple[float, float]]] = {mode.name: [] for mode in MODES}
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(store(folder, mode)) for mode in MODES]
        for mode, database in zip(MODES, stores, strict=True):
            await fill(database, mode, options.feeds)
            await polled(database, mode, options.polls, port, first=True)
        for _round in range(options.rounds):
            for mode, database in zip(MODES, stores, strict=True):
                # The bare loop has hosts of its own: the server counts what each host was asked.
                base = await bare(mode.urls(options.polls, "b"), mode.headers, port)
                found[mode.name].append((base, await polled(database, mode, options.polls, port)))
    return found


async def footprint(folder: Path, count: int, polls: int, port: int) -> Footprint:
    """What `count` feeds take, of which `polls` were polled; the feeds list nothing, so that no entry is weighed."""
    async with store(folder, EMPTY) as database:
        await fill(database, EMPTY, count)
    # The last connection to close writes everything to the one file.
    file = folder / EMPTY.file
    subscribed = file.stat().st_size
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        resident = process.submit(resident_after_polls, folder, polls, port)
        mebibytes = await asyncio.wrap_future(resident)
    grown = file.stat().st_size - subscribed
    file.unlink()
    return Footprint(mebibytes=mebibytes, bytes_per_feed=round(subscribed / count + grown / polls))


def resident_after_polls(folder: Path, polls: int, port: int) -> float:
    """Runs in a process of its own; the most memory that it ever held, in MiB, without its parser's process."""
    uvloop.run(_poll_once(folder, polls, port))
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


async def _poll_once(folder: Path, polls: int, port: int) -> None:
    logs.configure(service="bench", level="error")
    async with store(folder, EMPTY) as database:
        await polled(database, EMPTY, polls, port)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=10_000, help="feeds in the store")
    parser.add_argument("--polls", type=int, default=800, help="feeds polled in each round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


async def main(options: argparse.Namespace) -> None:
    logs.configure(service="bench", level="error")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        async with asyncio.timeout(BENCH_SECONDS), feed_server() as port:
            rows = [row(name, found) for name, found in (await rates(options, folder, port)).items()]
            few = await footprint(folder, options.polls, options.polls, port)
            many = await footprint(folder, options.feeds, options.polls, port)
    facts = {
        "feeds": options.feeds,
        "polls": options.polls,
        "rounds": options.rounds,
        f"MiB with {options.polls} feeds": round(few.mebibytes),
        f"MiB with {options.feeds} feeds": round(many.mebibytes),
        "bytes a feed in the file": many.bytes_per_feed,
    }
    report("fetcher", facts, rows)


def row(name: str, found: Sequence[tuple[float, float]]) -> dict[str, object]:
    speed = spread([rate for _, rate in found])
    ratio = spread([rate / base for base, rate in found])
    base = spread([base for base, _ in found])
    return {
        "": name,
        "polls/s": speed["median"],
        "min": speed["min"],
        "max": speed["max"],
        "bare GETs/s": base["median"],
        "ratio": ratio["median"],
    }


if __name__ == "__main__":
    uvloop.run(main(options()))
