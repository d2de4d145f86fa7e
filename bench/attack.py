"""How long the event loop is away, alone and while every attack of the tests is polled beside good feeds."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from hostile_server import ATTACKS, hostile_server

from bench.subscribed import MODES, fetcher, fill, make_due, polled, store
from services.fetcher.__main__ import Fetcher
from services.fetcher.model import Feed, FeedSettings, PollOutcome
from shared.database import Database
from shared.lifecycle import Stop, work_off

EVERY = 0.005
PLACES = 64
"""Polls at once: slow attacks hold theirs for as long as a request may take."""
GOOD = MODES[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How late a loop was that was asked every 5 ms, in milliseconds; and what it polled meanwhile."""

    p99: float
    longest: float
    good_a_second: float
    attacks: int


async def attacked(folder: Path, good: int, port: int, seconds: float) -> tuple[Lag, Lag]:
    """The lag while good feeds are polled over and over: alone, and with the attacks beside them."""
    hostile = [f"http://{name}.example/{name}" for name in sorted(ATTACKS)]
    urls, folder = GOOD.urls(good), folder / "attack"
    folder.mkdir()
    async with store(folder, GOOD) as database:
        await fill(database, GOOD, good)
        with hostile_server() as lair:
            places = dict.fromkeys(urls, port) | dict.fromkeys(hostile, lair)
            async with fetcher(database, places, at_once=PLACES, request_seconds=10.0) as running:
                await polled(running, database, GOOD, good, first=True)
                alone = await _lag(running, database, urls, seconds)
                await running.catalogue.add("hostile", [FeedSettings(url=url, name=url) for url in hostile])
                return alone, await _lag(running, database, urls, seconds, hostile)


async def _lag(
    running: Fetcher, database: Database, urls: Sequence[str], seconds: float, hostile: Sequence[str] = ()
) -> Lag:
    stop, outcomes = Stop(), Counter[bool]()

    async def poll(feed: Feed) -> None:
        bad = feed.settings.url in hostile
        if await running.poller.poll(feed) is not PollOutcome.WAITING:
            outcomes[bad] += 1

    work = work_off(stop, running.feeds.lease, poll, concurrency=PLACES, idle_seconds=0.1)
    async with _late() as late, asyncio.TaskGroup() as tasks:
        tasks.create_task(work)
        tasks.create_task(_again_and_again(database, [*urls, *hostile], stop))
        await asyncio.sleep(seconds)
        measured, good = list(late), outcomes[False]
        stop.set()
    return Lag(
        p99=quantiles(measured, n=100)[-1] * 1000,
        longest=max(measured) * 1000,
        good_a_second=good / seconds,
        attacks=outcomes[True],
    )


async def _again_and_again(database: Database, urls: Sequence[str], stop: Stop) -> None:
    while not stop:
        await make_due(database, urls)
        await stop.wait(1.0)


@asynccontextmanager
async def _late() -> AsyncIterator[list[float]]:
    """By how much each short sleep was longer than it should be, in seconds."""
    late = list[float]()

    async def sleep() -> None:
        while True:
            # Not the loop's own clock: it stands still while the loop does.
            began = time.perf_counter()
            await asyncio.sleep(EVERY)
            late.append(max(0.0, time.perf_counter() - began - EVERY))

    task = asyncio.create_task(sleep())
    try:
        yield late
    finally:
        task.cancel()
