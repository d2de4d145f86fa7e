"""`fildactu run`: the operator's own feeds, until stopped or until nothing is left to do."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from services.console.accounts import Backlog, Polled
from services.console.display import Status
from services.console.embedded import Pipeline, Settings, embedded
from services.console.sinks import Sink
from services.console.summary import Summary, summarise, tally
from services.fetcher.subscribed.feeds_file import LOOK_SECONDS, FeedsFile
from shared import lifecycle
from shared.lifecycle import Stop

# One source for all runs: another feeds file on the same state replaces the first one.
SOURCE = "run"
WATCH_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`once` ends the run when each feed that was due was polled, and no page and no event is left to do now."""

    feeds: Path
    state: Path
    once: bool


async def run(task: Task, settings: Settings, sink: Sink, status: Status, stop: Stop) -> Summary:
    """Work until `stop` is set; returns what this run came to."""
    began = monotonic()
    async with embedded(settings, task.state) as pipeline:
        file = FeedsFile(task.feeds, pipeline.fetcher.catalogue, source=SOURCE)
        await file.apply()
        before = await pipeline.accounts.totals(), tally()
        looking = lifecycle.every(LOOK_SECONDS, "feeds file", file.look, stop)
        await pipeline.run(stop, sink, lambda: _watch(pipeline, task, status, stop), looking)
        after = await pipeline.accounts.totals(), tally()
    return summarise(before, after, monotonic() - began)


async def _watch(pipeline: Pipeline, task: Task, status: Status, stop: Stop) -> None:
    accounts = pipeline.accounts
    since = await accounts.now()
    while not await stop.wait(WATCH_SECONDS):
        polled, backlog = await accounts.polled(since), await accounts.backlog()
        status.show(_state(polled, backlog), done=polled.feeds - polled.left, total=polled.feeds)
        if task.once and not polled.left and not backlog:
            return


def _state(polled: Polled, backlog: Backlog) -> str:
    return f"{polled.feeds - polled.left} of {polled.feeds} feeds polled · {backlog.pages} pages due"
