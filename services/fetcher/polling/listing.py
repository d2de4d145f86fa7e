"""What a feed lists, in the store: new entries to visit, changed ones to visit again, and what is left out."""

from datetime import datetime

from sqlalchemy import ColumnElement, select

from services.fetcher.model import Feed, ParsedEntry, entry_id
from services.fetcher.polling.selection import Selection
from services.fetcher.tables import FORGOTTEN, PENDING, entries, feed_entries
from shared.database import Connection
from shared.statements import Excluded, insert_new, upsert
from shared.urls import site_of


async def store_selection(connection: Connection, feed: Feed, selection: Selection, now: datetime) -> None:
    """In the transaction that stores what it was read from."""
    changed = frozenset(each.identity for each in selection.changed)
    for entry in await _to_visit(connection, feed, selection):
        await _store_entry(connection, feed, entry, now, changed=entry.identity in changed)
        await _remember(connection, feed, entry, now, skipped=None)
    for skip in selection.skipped:
        await _remember(connection, feed, skip.entry, now, skipped=skip.reason)


async def _to_visit(connection: Connection, feed: Feed, selection: Selection) -> list[ParsedEntry]:
    """What is new or changed, without what was forgotten.

    In one order everywhere: feeds of one site list the same pages, and two polls must not wait for each other.
    """
    left_out = await _forgotten(connection, feed) if selection.changed else frozenset()
    wanted = (each for each in (*selection.new, *selection.changed) if each.identity not in left_out)
    return sorted(wanted, key=lambda each: entry_id(each.facts.url, feed.feed_id, each.identity))


async def _store_entry(connection: Connection, feed: Feed, entry: ParsedEntry, now: datetime, *, changed: bool) -> None:
    """A new entry is due at once, unless another feed listed its address before: feeds share one download.

    One that changed is looked at again. A visit that is under way does not know that yet: it loses its lease.
    """
    said = {
        "facts": entry.facts.model_dump(mode="json", exclude_none=True),
        "feed_id": feed.feed_id,
        "state": PENDING,
        "next_at": now,
        "attempts": 0,
        "postponed": 0,
        "visits": 0,
        "lease": None,
        "lease_until": None,
    }
    once = {
        "url": entry.facts.url,
        "site": site_of(entry.facts.url or feed.settings.url),
        "discovered_at": now,
    }
    key = {"entry_id": entry_id(entry.facts.url, feed.feed_id, entry.identity)}
    if changed:
        await upsert(connection, entries, key, said, once=once, where=_is_remembered)
    else:
        await insert_new(connection, entries, {**key, **said, **once})


async def _remember(
    connection: Connection, feed: Feed, entry: ParsedEntry, now: datetime, *, skipped: str | None
) -> None:
    key = {"feed_id": feed.feed_id, "identity": entry.identity}
    page = None if skipped else entry_id(entry.facts.url, feed.feed_id, entry.identity)
    said = {"fingerprint": entry.fingerprint, "entry_id": page, "skipped": skipped}
    await upsert(connection, feed_entries, key, said, once={"first_seen_at": now})


async def _forgotten(connection: Connection, feed: Feed) -> frozenset[str]:
    forgotten = select(feed_entries.c.identity).where(
        feed_entries.c.feed_id == feed.feed_id, feed_entries.c.skipped == FORGOTTEN
    )
    return frozenset((await connection.execute(forgotten)).scalars())


def _is_remembered(_said: Excluded) -> ColumnElement[bool]:
    return entries.c.state != FORGOTTEN
