"""Commands on a store that running services may share: tables, feeds, forgetting."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from services.console.accounts import Accounts, FeedState
from services.console.restored import Learned, learn
from services.fetcher.__main__ import MIGRATIONS as FETCHER_MIGRATIONS
from services.fetcher.model import FeedSettings
from services.fetcher.pages.frontier import Frontier
from services.fetcher.polling.catalogue import FeedCatalogue
from services.processor.__main__ import MIGRATIONS as PROCESSOR_MIGRATIONS
from services.processor.outbox import Outbox
from services.processor.store import ProcessorStore
from shared.broker import apply_topology
from shared.database import ANSWER_SECONDS, Database
from shared.errors import PermanentError, TransientError
from shared.lifecycle import Stop, answered
from shared.migrations import migrate
from shared.topology import topology
from shared.urls import normalise

SQLITE = "sqlite:///"
MIGRATION_SECONDS = 3600.0
"""A migration rewrites tables, and waits for the transactions of running services."""
# These commands lease nothing; the constructors want to know.
NO_LEASE = timedelta(0)


async def prepare(store_url: str, broker_url: str, wait_seconds: float) -> None:
    """Bring the tables of both services and the broker's queues up to date, waiting for either to answer.

    Raises TransientError when one of them did not within `wait_seconds`.
    """
    stop = Stop()
    async with opened(store_url, create=True, answer_seconds=MIGRATION_SECONDS) as database:

        async def declare() -> None:
            await apply_topology(broker_url, topology())

        try:
            async with asyncio.timeout(wait_seconds):
                await answered("store", database.ping, stop)
            # It takes as long as it takes: it is done in full, or not at all.
            await migrate(database, FETCHER_MIGRATIONS, PROCESSOR_MIGRATIONS)
            async with asyncio.timeout(wait_seconds):
                await answered("broker", declare, stop)
        except TimeoutError as error:
            raise TransientError(f"store or broker did not answer within {wait_seconds:g} s") from error


async def apply_feeds(store_url: str, source: str, feeds: Sequence[FeedSettings]) -> int:
    """Make `source` hold exactly these feeds; returns how many are active."""
    async with opened(store_url, create=True) as database:
        return await FeedCatalogue(database).apply(source, feeds)


async def list_feeds(store_url: str, *, everything: bool = False) -> tuple[tuple[FeedState, ...], datetime]:
    """The active feeds, or all there ever were, and the time to read them by."""
    async with opened(store_url) as database:
        accounts = Accounts(database)
        return await accounts.feeds(everything=everything), await accounts.now()


async def forget(store_url: str, url: str) -> tuple[list[str], int]:
    """Remove the article at `url` and every trace of it; returns the addresses it had, and how many entries went."""
    asked = normalise(url) or url
    async with opened(store_url) as database:
        processor = ProcessorStore(database)
        urls = await processor.forget(asked)
        frontier = Frontier(database, lease=NO_LEASE, per_host=1)
        entries = await frontier.forget(list(dict.fromkeys([asked, *urls])))
        await processor.forget_entries(entries)
    return urls, len(entries)


async def republish(store_url: str, since: datetime) -> int:
    """Have the relays send the events made at `since` or later once more; returns how many those are."""
    async with opened(store_url) as database:
        return await Outbox(database).republish(since)


async def restored(store_url: str, broker_url: str, events: Path | None) -> Learned:
    """Learn what was said since the backup: from a file of events, or from the broker's stream."""
    async with opened(store_url) as database:
        return await learn(database, broker_url, events)


@asynccontextmanager
async def opened(url: str, *, create: bool = False, answer_seconds: float = ANSWER_SECONDS) -> AsyncIterator[Database]:
    """The store at `url`. Raises PermanentError `no_state` for an SQLite file that is not there."""
    local = Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None
    if local is not None and create:
        local.parent.mkdir(parents=True, exist_ok=True)
    elif local is not None and not local.exists():
        raise PermanentError("no_state", f"{local} does not exist: nothing was run there")
    database = Database.open(url, answer_seconds=answer_seconds)
    try:
        if local is not None:
            # One file needs no migrate step of its own: whoever opens it brings it up to date.
            await migrate(database, FETCHER_MIGRATIONS, PROCESSOR_MIGRATIONS)
        yield database
    finally:
        await database.close()
