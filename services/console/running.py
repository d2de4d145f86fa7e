"""`fildactu run`: the operator's own feeds, until stopped or until nothing is left to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from services.console.display import Status
from services.console.embedded import Pipeline, Settings, embedded
from services.console.sinks import Sink
from services.console.summary import Summary, summarise, tally
from services.fetcher.model import FeedSettings
from shared.lifecycle import Stop

# One source for all runs: another feeds file on the same state replaces the first one.
SOURCE = "run"
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`once` ends the run when each feed was polled and nothing more can be done now."""

    feeds: Sequence[FeedSettings]
    state: Path
    once: bool


async def run(task: Task, settings: Settings, sink: Sink, status: Status, stop: Stop) -> Summary:
    """Work until `stop` is set; returns what this run came to."""
    began = monotonic()
    async with embedded(settings, task.state) as pipeline:
        await pipeline.fetcher.feeds.apply(SOURCE, task.feeds)
        before = await pipeline.accounts.totals(), tally()
        await pipeline.run(stop, sink, lambda: _watch(pipeline, task, status, stop))
        after = await pipeline.accounts.totals(), tally()
    return summarise(before, after, monotonic() - began)


async def _watch(pipeline: Pipeline, task: Task, status: Status, stop: Stop) -> None:
    while not await stop.wait(LOOK_SECONDS):
        backlog, totals = await pipeline.accounts.backlog(), await pipeline.accounts.totals()
        events = sum(totals.events.values())
        status.show(
            f"{totals.feeds_polled} of {len(task.feeds)} feeds polled · {backlog.pages} pages due · {events} events",
            done=totals.feeds_polled,
            total=len(task.feeds),
        )
        if task.once and not backlog:
            return
