"""A stretch of time is played: sites, fetchers and what happens to them, from an empty store on."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from fortnight.papers import START
from fortnight.readers import Surroundings, reached, seen, subscribe
from fortnight.recorder import Recorder
from fortnight.recording import Recording
from fortnight.time_warp import TimeWarp
from fortnight.world import Scene
from structlog.testing import capture_logs

from services.fetcher.__main__ import MIGRATIONS
from shared import steps
from shared.migrations import migrate

MEMORY = Path("/dev/shm")
"""Where a commit does not wait for a disk; nothing here is about crashes of the machine."""

Course = Callable[[Surroundings], Awaitable[Sequence[datetime]]]
"""Starts, stops and kills fetchers; returns when it killed one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """`away` says when our own network is out."""

    scenes: Sequence[Scene]
    course: Course
    away: Callable[[datetime], bool]
    idle_seconds: float


def recorded(play: Play) -> Recording:
    with (
        TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
        asyncio.Runner(loop_factory=TimeWarp) as runner,
        warnings.catch_warnings(),
    ):
        # Of what a killed fetcher was about to do.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited")
        steps.install(reached)
        try:
            return runner.run(_played(Path(folder) / "store.db", play))
        finally:
            steps.install(None)


async def _played(store: Path, play: Play) -> Recording:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TimeWarp)
    sites = {host: site for scene in play.scenes for host, site in scene.sites.items()}
    recorder = Recorder(sites, lambda: START + timedelta(seconds=loop.time()), play.away)
    with capture_logs() as logs:
        async with recorder.serving() as port:
            around = Surroundings(loop=loop, store=store, port=port, hosts=tuple(sites), idle_seconds=play.idle_seconds)
            await _make(around)
            await subscribe(around, {scene.name: scene.url for scene in play.scenes})
            kills = await play.course(around)
            stored = await seen(around)
    return Recording(
        scenes={scene.name: scene for scene in play.scenes},
        exchanges=recorder.exchanges,
        broken=recorder.broken,
        seen=stored,
        kills=kills,
        logs=logs,
    )


async def _make(around: Surroundings) -> None:
    database = around.open()
    await migrate(database, MIGRATIONS)
    await database.close()


async def until(around: Surroundings, moment: datetime) -> None:
    await asyncio.sleep(max(0.0, (moment - around.now()).total_seconds()))
