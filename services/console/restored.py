"""After a backup was restored: learn what was said since it was made, and number on where nobody was before.

The store is older than what subscribers know and what lies in the broker's queues. Without this, a correction would
get a revision number, and so an id, that subscribers know with another text, and drop; and an observation would get
the id of one that is queued still, and count as its repeat (docs/decisions/after-a-restore.md).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from services.fetcher.pages.frontier import Frontier
from services.processor.store import ProcessorStore
from shared.broker import history
from shared.database import Database
from shared.errors import PermanentError
from shared.events import ArticleEvent, read_event

OVERLAP = timedelta(hours=1)
"""Broker and store have clocks of their own; what is read twice is known the second time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Of the events that were `read`, `new` were not in the backup; `unreadable` lines are no events."""

    read: int = 0
    new: int = 0
    unreadable: int = 0


async def learn(database: Database, broker_url: str, events: Path | None) -> Learned:
    """Learn from a file of events, JSON Lines, or else from the broker's stream. No service may run meanwhile.

    Safe to run again.
    """
    # It leases nothing; the constructor wants to know.
    frontier, store = Frontier(database, lease=timedelta(0), per_host=1), ProcessorStore(database)
    await frontier.number_anew()
    newest = await store.newest()
    said = _lines(events) if events else history(broker_url, newest and newest - OVERLAP)
    learned = Learned()
    async for body in said:
        learned = _counted(learned, await _learn(frontier, store, body))
    return learned


async def _learn(frontier: Frontier, store: ProcessorStore, body: bytes) -> bool | None:
    """Whether it was new; None for what is no event, such as the last line of a process that was killed.

    The page of a new one is looked at again: it may show what it did when the backup was made.
    """
    try:
        event: ArticleEvent = read_event(body)
    except (ValidationError, ValueError, KeyError):
        return None
    if not await store.is_new(event):
        return False
    # First: a command that is interrupted here is run again, and finds known what it has learned.
    await frontier.look_again([event.data.provenance.entry_id])
    return await store.learn(event)


def _counted(learned: Learned, new: bool | None) -> Learned:
    return Learned(
        read=learned.read + (new is not None),
        new=learned.new + bool(new),
        unreadable=learned.unreadable + (new is None),
    )


async def _lines(path: Path) -> AsyncIterator[bytes]:
    try:
        with path.open("rb") as lines:
            for line in lines:
                yield line
    except OSError as error:
        raise PermanentError("events", f"{path} cannot be read: {error.strerror}") from error
