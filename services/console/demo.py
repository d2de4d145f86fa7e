"""`fildactu demo`: the pipeline against the sample newsroom, edition by edition, and proof of what came out.

    edition appears → every feed is polled again → every page that is due is settled → next edition
    after the last one every page is looked at once more → the events must be the script's, no more and no less

It waits for conditions, never for time: the newsroom's own record says what was asked for, the store what was done.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Protocol

from services.console.accounts import Backlog, FeedState, PageState
from services.console.display import Status, balance
from services.console.embedded import Settings, embedded
from services.console.expectation import differences
from services.console.sinks import OutputClosed, Sink
from services.console.summary import Summary, summarise, tally
from services.fetcher.model import Bounds, FeedSettings
from services.newsroom.script import EDITIONS, expected
from services.newsroom.server import Newsroom, serve
from shared.lifecycle import Stop
from shared.urls import host_of

SOURCE = "demo"
DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.1
POLL_EVERY = timedelta(seconds=1)
REVISIT_EVERY = 3.0
REVISITS = 60
"""More than the deadline has room for: pages are watched until the demo ends."""
NOTE = (
    "Sample newsroom on 127.0.0.1, nothing else is asked; polls, pauses between requests and revisits are shortened to "
    "seconds."
)


class Ended(Enum):
    BY_ITSELF = "by itself"
    INTERRUPTED = "interrupted"
    OUTPUT_CLOSED = "output closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`faults` is empty when the events are exactly the script's and each observation is accounted for."""

    summary: Summary
    faults: Sequence[str]
    ended: Ended


class Recorder:
    """A sink that remembers what went through it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.events: list[dict[str, Any]] = []
        self.closed = False

    async def write(self, event: bytes) -> None:
        try:
            await self._sink.write(event)
        except OutputClosed:
            self.closed = True
            raise
        self.events.append(json.loads(event))


class Ledger(Protocol):
    async def feeds(self) -> tuple[FeedState, ...]: ...
    async def pages(self) -> tuple[PageState, ...]: ...
    async def backlog(self) -> Backlog: ...


class Editor:
    """Turns the newsroom's pages when the pipeline is done with an edition."""

    def __init__(
        self,
        newsroom: Newsroom,
        accounts: Ledger,
        recorder: Recorder,
        status: Status,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._deadline = deadline_seconds
        self._newsroom = newsroom
        self._accounts = accounts
        self._recorder = recorder
        self._status = status
        self._answered_before = 0
        self._total = len(expected(newsroom.last_edition).events)
        self.unfinished: set[str] = set()
        self.late = False

    async def edit(self, stop: Stop) -> None:
        """From the first edition to the last, until `stop` or the deadline; `unfinished` is what was waited for."""
        try:
            async with asyncio.timeout(self._deadline):
                while await self._covered(stop):
                    self._answered_before = len(self._newsroom.requests)
                    if not self._newsroom.advance():
                        return
        except TimeoutError:
            self.late = True

    async def _covered(self, stop: Stop) -> bool:
        """Feeds first: what they bring makes pages due; pages then bring events."""
        return (
            await self._until_none("polling", self._feeds_left, stop)
            and await self._until_none("reading pages", self._pages_left, stop)
            and await self._until_none("showing events", self._events_left, stop)
        )

    async def _until_none(self, what: str, left: Callable[[], Awaitable[set[str]]], stop: Stop) -> bool:
        """Wait until each was done at some moment: with work coming round every second, no moment has all done."""
        self.unfinished = await left()
        while self.unfinished and not await stop.wait(LOOK_SECONDS):
            self.unfinished &= await left()
            edition = f"edition {self._newsroom.edition} of {self._newsroom.last_edition}"
            events = len(self._recorder.events)
            self._status.show(f"{edition} · {what} · {events} events", done=events, total=self._total)
        return not self.unfinished

    async def _feeds_left(self) -> set[str]:
        asked = self._asked()
        feeds = await self._accounts.feeds()
        return {f"poll of {feed.url}" for feed in feeds if feed.due or feed.url not in asked}

    async def _pages_left(self) -> set[str]:
        last = self._newsroom.edition == self._newsroom.last_edition
        asked = self._asked()
        pages = await self._accounts.pages()
        return {
            f"look at {page.url}" for page in pages if page.waiting or (last and page.watched and page.url not in asked)
        }

    async def _events_left(self) -> set[str]:
        backlog = await self._accounts.backlog()
        return {"events to be shown"} if backlog.events else set()

    def _asked(self) -> set[str]:
        """Addresses that were answered for since the edition came out."""
        since = self._newsroom.requests[self._answered_before :]
        return {f"http://{request.host}{request.path_qs}" for request in since}


async def run(settings: Settings, sink: Sink, status: Status, stop: Stop) -> Result:
    """The whole demo in a scratch folder. It ends by itself, by `stop`, or at the deadline with what was missing."""
    began, recorder = monotonic(), Recorder(sink)
    newsroom = Newsroom(started_at=datetime.now(UTC))
    with TemporaryDirectory(prefix="fildactu-demo-") as scratch:
        async with serve(newsroom) as port, embedded(shortened(settings, newsroom, port), Path(scratch)) as pipeline:
            await pipeline.fetcher.catalogue.apply(SOURCE, feeds_of(newsroom))
            before = await pipeline.accounts.totals(), tally()
            editor = Editor(newsroom, pipeline.accounts, recorder, status)
            await pipeline.run(stop, recorder, lambda: editor.edit(stop))
            after = await pipeline.accounts.totals(), tally()
    summary = summarise(before, after, monotonic() - began)
    return Result(summary=summary, faults=faults(editor, recorder, summary), ended=_ended(editor, recorder))


def shortened(settings: Settings, newsroom: Newsroom, port: int) -> Settings:
    """The operator's settings with the newsroom in place of the net, and seconds in place of hours."""
    haste = {
        "resolve": dict.fromkeys(newsroom.hosts, f"127.0.0.1:{port}"),
        "allowed_networks": ("127.0.0.0/8",),
        "allowed_ports": (80, port),
        "page_delay_seconds": 0.02,
        "per_host": 4,
        "idle_seconds": 0.1,
        "retry_seconds": 0.5,
        "confirm_gone_seconds": 0.3,
        "revisit_after_seconds": tuple(REVISIT_EVERY * number for number in range(1, REVISITS + 1)),
    }
    return Settings(
        fetcher=settings.fetcher.model_copy(update=haste),
        processor=settings.processor.model_copy(update={"relay_idle_seconds": 0.2}),
    )


def feeds_of(newsroom: Newsroom) -> tuple[FeedSettings, ...]:
    bounds = Bounds(shortest=POLL_EVERY, longest=POLL_EVERY)
    return tuple(FeedSettings(url=url, name=host_of(url), bounds=bounds) for url in newsroom.feed_urls)


def faults(editor: Editor, recorder: Recorder, summary: Summary) -> list[str]:
    """What is not as the script says, a line each."""
    found = differences(expected(len(EDITIONS)), recorder.events, summary.reasons)
    if not summary.adds_up:
        found.append(balance(summary))
    if editor.late:
        waited = ", ".join(sorted(editor.unfinished)) or "nothing"
        found.append(f"gave up after {summary.seconds:.0f} s, waiting for: {waited}")
    return found


def _ended(editor: Editor, recorder: Recorder) -> Ended:
    if recorder.closed:
        return Ended.OUTPUT_CLOSED
    return Ended.INTERRUPTED if editor.unfinished and not editor.late else Ended.BY_ITSELF
