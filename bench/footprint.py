"""What many feeds take: memory, bytes in the file, and the store's share of a poll as their number grows."""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import uvloop

from bench.bare import AT_ONCE, Pace, paced
from bench.clock import Clock
from bench.subscribed import EMPTY, fetcher, fill, make_due, polled, store
from services.fetcher.model import Feed
from services.fetcher.polling.schedule import Schedule
from services.fetcher.polling.store import FeedStore, Poll
from shared import logs
from shared.database import Database

ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The fetcher's process at its largest, the file for each feed, and what the store takes of a poll, in µs of CPU.

    The feeds list nothing, so that no entry is weighed.
    """

    feeds: int
    mebibytes: float
    bytes_per_feed: int
    store: Pace


async def footprint(folder: Path, count: int, polls: int, port: int) -> Footprint:
    """Of `count` feeds, of which `polls` are polled."""
    async with store(folder, EMPTY) as database:
        await fill(database, EMPTY, count)
    # The last connection to close writes everything to the one file.
    file = folder / EMPTY.file
    subscribed = file.stat().st_size
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        resident = process.submit(resident_after_polls, folder, polls, port)
        mebibytes = await asyncio.wrap_future(resident)
    grown = file.stat().st_size - subscribed
    async with store(folder, EMPTY) as database:
        paces = [await stored(database, polls) for _ in range(ROUNDS)]
    file.unlink()
    return Footprint(
        feeds=count,
        mebibytes=mebibytes,
        bytes_per_feed=round(subscribed / count + grown / polls),
        store=Pace(rate=median(each.rate for each in paces), cpu=median(each.cpu for each in paces)),
    )


async def stored(database: Database, polls: int) -> Pace:
    """The store's work for polls that found nothing, without the polls: lease with the hosts' slots, and commit."""
    await make_due(database, EMPTY.urls(polls))
    feeds, clock, found = FeedStore(database, lease=timedelta(minutes=3)), Clock(polls), list[Pace]()

    async def commit(feed: Feed) -> None:
        schedule = Schedule(interval=timedelta(hours=1), wait=timedelta(hours=1), terms=(("rhythm", 3600.0),))
        await feeds.commit(
            Poll(
                feed=feed,
                schedule=schedule,
                rhythm=feed.rhythm,
                standing=feed.standing,
                validators=feed.validators,
                body_hash=feed.body_hash,
            )
        )
        clock.tick()

    with paced(clock, found):
        while leased := await feeds.lease(AT_ONCE // 2):
            await asyncio.gather(*(commit(feed) for feed in leased))
    return found[0]


def resident_after_polls(folder: Path, polls: int, port: int) -> float:
    """Runs in a process of its own; the most memory that it ever held, in MiB, without its parser's processes."""
    uvloop.run(_poll_once(folder, polls, port))
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


async def _poll_once(folder: Path, polls: int, port: int) -> None:
    logs.configure(service="bench", level="error")
    ports = dict.fromkeys(EMPTY.urls(polls), port)
    async with store(folder, EMPTY) as database, fetcher(database, ports) as running:
        await polled(running, database, EMPTY, polls, first=True)
