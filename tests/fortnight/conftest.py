"""The fortnight, played once for all of its tests."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import cycle

import pytest
from fortnight.papers import START
from fortnight.playing import Play, recorded, until
from fortnight.readers import Fetcher, Surroundings
from fortnight.recording import Recording
from fortnight.sites import DAY, HOUR
from fortnight.world import IDLE_SECONDS, OUTAGE, scenes

from shared.steps import Step, When

DAYS = 14
REPLACED_AFTER = 600.0
"""Seconds from a kill to the next start."""
BAD_MOMENTS: tuple[tuple[Step, When], ...] = (
    (Step.POLL_REQUEST, "before"),
    (Step.POLL_REQUEST, "after"),
    (Step.POLL_PARSE, "after"),
    (Step.POLL_COMMIT, "before"),
    (Step.POLL_COMMIT, "after"),
)


@pytest.fixture(scope="session")
def fortnight() -> Recording:
    return recorded(Play(scenes=scenes(), course=_restarts, away=OUTAGE, idle_seconds=IDLE_SECONDS))


async def _restarts(around: Surroundings) -> Sequence[datetime]:
    """Two fetchers for a fortnight: each day one of them is stopped and started again, and the other one killed."""
    fetchers, kills, moments = [Fetcher(around), Fetcher(around)], list[datetime](), cycle(BAD_MOMENTS)
    for each in fetchers:
        each.start()
    for number in range(DAYS):
        morning = START + number * DAY + (9 + number % 5) * HOUR
        stopped, killed = fetchers if number % 2 else reversed(fetchers)
        await until(around, morning)
        await stopped.stop()
        stopped.start()
        await until(around, morning + 7 * HOUR)
        killed.kill_at(*next(moments))
        await killed.ended()
        kills.append(around.now())
        await asyncio.sleep(REPLACED_AFTER)
        killed.start()
    await until(around, START + DAYS * DAY)
    for each in fetchers:
        await each.stop()
    return kills
