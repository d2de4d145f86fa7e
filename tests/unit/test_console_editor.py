"""The demo's editor: when an edition is done, and what is said when it never is."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.console.accounts import Backlog, FeedState, PageState
from services.console.demo import Editor, Recorder, faults
from services.console.summary import Summary
from services.newsroom.script import EDITIONS, expected
from services.newsroom.server import Newsroom, Request
from shared.lifecycle import Stop

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FEED = FeedState(name="A", url="http://a.example/feed", source="demo", polled_at=NOW, next_poll_at=NOW, due=False)
PAGE = PageState(url="http://a.example/1", waiting=False, watched=True)


class FakeLedger:
    """A pipeline that asks for everything it knows at each look, once it is let."""

    def __init__(self, newsroom, *, asks=("/feed", "/1"), feed=FEED, page=PAGE):
        self.newsroom = newsroom
        self.asks = asks
        self.feed = feed
        self.page = page
        self.unshown = 0
        self.looks = asyncio.Event()

    async def feeds(self):
        self.looks.set()
        for path in self.asks:
            asked = Request(host="a.example", path_qs=path, at=0.0, status=200, headers={})
            self.newsroom.requests.append(asked)
        return (self.feed,)

    async def pages(self):
        return (self.page,)

    async def backlog(self):
        return Backlog(pages=0, events=self.unshown)


class Nowhere:
    async def write(self, event): ...

    def show(self, text, *, done=0, total=None): ...


def editor(ledger, deadline_seconds=20.0):
    return Editor(ledger.newsroom, ledger, Recorder(Nowhere()), Nowhere(), deadline_seconds=deadline_seconds)


def newsroom():
    return Newsroom(started_at=NOW)


async def test_editions_turn_when_everything_was_asked_for_and_settled():
    """With feeds polled and pages settled since each edition, the newsroom arrives at its last one."""
    ledger = FakeLedger(newsroom())
    editing = editor(ledger)

    await editing.edit(Stop())

    assert ledger.newsroom.edition == ledger.newsroom.last_edition
    assert not editing.late
    assert editing.unfinished == set()


async def stuck(ledger):
    editing = editor(ledger, deadline_seconds=0.5)
    await editing.edit(Stop())
    assert editing.late
    return ledger.newsroom.edition, editing.unfinished


async def test_a_feed_that_was_not_polled_since_holds_the_edition():
    """A poll from before the edition does not count."""
    assert await stuck(FakeLedger(newsroom(), asks=("/1",))) == (1, {"poll of http://a.example/feed"})


async def test_a_poll_under_way_holds_the_edition():
    """A feed that was asked for but whose poll is not stored yet is not done."""
    ledger = FakeLedger(newsroom(), feed=replace(FEED, due=True))

    assert await stuck(ledger) == (1, {"poll of http://a.example/feed"})


async def test_a_page_that_is_not_settled_holds_the_edition():
    """A page that waits for a download, or for the look that confirms a 404, is not done."""
    ledger = FakeLedger(newsroom(), page=replace(PAGE, waiting=True))

    assert await stuck(ledger) == (1, {"look at http://a.example/1"})


async def test_events_that_nobody_saw_hold_the_edition():
    """An event in the outbox is not shown yet."""
    ledger = FakeLedger(newsroom())
    ledger.unshown = 3

    assert await stuck(ledger) == (1, {"events to be shown"})


async def test_the_last_edition_waits_for_one_more_look_at_each_page():
    """Until the last edition settled pages are enough; then each watched page must have been asked for again."""
    last, left = await stuck(FakeLedger(newsroom(), asks=("/feed",)))

    assert last == newsroom().last_edition
    assert left == {"look at http://a.example/1"}


async def test_a_stop_ends_the_editing_at_once():
    """A stop leaves the edition where it is, and tells what was waited for."""
    ledger, stop = FakeLedger(newsroom(), asks=()), Stop()
    editing = editor(ledger)
    task = asyncio.create_task(editing.edit(stop))
    await ledger.looks.wait()

    stop.set()
    await asyncio.wait_for(task, 5)

    assert ledger.newsroom.edition == 1
    assert editing.unfinished
    assert not editing.late


def summed_up(**changed):
    usual: dict[str, Any] = {
        "feeds_polled": 1,
        "polls": 1,
        "entries": 1,
        "observations": 0,
        "events": {},
        "reasons": {},
        "seconds": 60.2,
    }
    return Summary(**usual | changed)


async def test_a_demo_that_gives_up_says_what_it_waited_for():
    """At the deadline the faults name what was not done, besides every event that is missing."""
    ledger = FakeLedger(newsroom(), asks=("/1",))
    editing = editor(ledger, deadline_seconds=0.2)
    await editing.edit(Stop())

    found = faults(editing, Recorder(Nowhere()), summed_up())

    assert found[-1] == "gave up after 60 s, waiting for: poll of http://a.example/feed"
    assert len(found) > len(expected(len(EDITIONS)).events)


def test_a_demo_whose_observations_do_not_add_up_fails():
    """An observation that is neither event nor reason is a fault of its own."""
    found = faults(editor(FakeLedger(newsroom())), Recorder(Nowhere()), summed_up(observations=3, reasons={"gone": 1}))

    assert "3 observations ≠ 0 events + 1 reasons, in 60.2 s" in found
