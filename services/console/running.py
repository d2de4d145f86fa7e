"""`fildactu run`: the operator's own feeds, until stopped or until nothing is left to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from services.console.accounts import Backlog
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
    """`once` ends the run when each feed that was due was polled, and no page and no event is left to do now."""

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
    accounts = pipeline.accounts
    unpolled = {feed.url: (feed.polled_at, feed.next_poll_at) for feed in await accounts.feeds() if feed.due}
    while not await stop.wait(LOOK_SECONDS):
        feeds = await accounts.feeds()
        # Once is enough: a feed with a short interval may be due again before the others were polled. One whose host
        # asked us to stay away has only a later next poll, and that is for another run.
        for feed in feeds:
            if unpolled.get(feed.url, (feed.polled_at, feed.next_poll_at)) != (feed.polled_at, feed.next_poll_at):
                del unpolled[feed.url]
        backlog = await accounts.backlog()
        status.show(_state(len(feeds), len(unpolled), backlog), done=len(feeds) - len(unpolled), total=len(feeds))
        if task.once and not unpolled and not backlog:
            return


def _state(feeds: int, unpolled: int, backlog: Backlog) -> str:
    return f"{feeds - unpolled} of {feeds} feeds polled · {backlog.pages} pages due"
