"""Commands that change what is subscribed to, on a store that running fetchers may share. All of it, or nothing."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.console.stores import NO_LEASE, opened
from services.fetcher.model import FeedSettings, feed_id
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.store import FeedStore
from services.fetcher.polling.why import Account
from services.fetcher.subscribed.feed_actions import (
    COMMAND,
    IMPORTED,
    Action,
    KnownFeed,
    Refused,
    check,
    check_new,
    meant,
)
from services.fetcher.subscribed.feed_options import InvalidOptions, Keys, edited
from services.fetcher.subscribed.feeds import load_opml
from services.fetcher.subscribed.feeds_yaml import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The feeds as they were before, and the addresses that are polled because of it: they were the same feed's."""

    feeds: tuple[KnownFeed, ...]
    polled_instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How many of the file's feeds are new, how many were subscribed to already, and outlines that name no feed."""

    added: int
    known: int
    faults: tuple[Fault, ...]


async def add(store_url: str, wanted: Sequence[FeedSettings]) -> None:
    """Subscribe to feeds. Raises Refused when one of them is subscribed to already."""
    async with _catalogue(store_url, create=True) as catalogue:
        there = await catalogue.some([each.feed_id for each in wanted])
        check_new(wanted, {each.feed_id: each for each in there})
        await catalogue.add(COMMAND, wanted)


async def import_opml(store_url: str, path: Path) -> Imported:
    """Subscribe to the feeds of an OPML file that are not subscribed to. Raises InvalidFeeds when it lists none."""
    wanted, faults = load_opml(path)
    async with _catalogue(store_url, create=True) as catalogue:
        added = await catalogue.add(IMPORTED + path.name, wanted)
    return Imported(added=added, known=len(wanted) - added, faults=faults)


async def pause(store_url: str, terms: Collection[str]) -> Changed:
    async with _catalogue(store_url) as catalogue:
        found = await _found(catalogue, Action.PAUSE, terms)
        return Changed(feeds=found, polled_instead=await catalogue.pause(_ids(found)))


async def resume(store_url: str, terms: Collection[str]) -> Changed:
    async with _catalogue(store_url) as catalogue:
        found = await _found(catalogue, Action.RESUME, terms)
        await catalogue.resume(_ids(found))
    return Changed(feeds=found)


async def remove(store_url: str, terms: Collection[str]) -> Changed:
    async with _catalogue(store_url) as catalogue:
        found = await _found(catalogue, Action.REMOVE, terms)
        return Changed(feeds=found, polled_instead=await catalogue.remove(_ids(found)))


async def edit(store_url: str, terms: Collection[str], keys: Keys, unset: Collection[str]) -> Changed:
    """Raises InvalidOptions when one of them cannot be so, or nothing is said of them."""
    if not keys and not unset:
        raise InvalidOptions(["nothing to change: say which key, such as --section world"])
    async with _catalogue(store_url) as catalogue:
        found = await _found(catalogue, Action.EDIT, terms)
        await catalogue.edit([edited(each.settings, keys, unset) for each in found])
    return Changed(feeds=found)


async def subscribed(store_url: str) -> tuple[KnownFeed, ...]:
    """The feeds that an operator wants, by name: not those that rest, nor what sitemap indexes list."""
    async with _catalogue(store_url) as catalogue:
        wanted = (each for each in await catalogue.feeds() if each.active and each.parent is None)
        return tuple(sorted(wanted, key=lambda each: (each.settings.name.casefold(), each.settings.url)))


async def account(store_url: str, term: str) -> Account:
    """What decides when the feed is polled next. Raises Refused when there is no such feed."""
    async with opened(store_url) as database:
        (feed,) = await _meant(FeedCatalogue(database), [term])
        found = await FeedStore(database, lease=NO_LEASE).account(feed.settings.url)
    if found is None:
        raise Refused([f"{feed.settings.url}: it was removed just now"])
    return found


async def _found(catalogue: FeedCatalogue, action: Action, terms: Collection[str]) -> tuple[KnownFeed, ...]:
    """The feeds that the terms mean, with each of which `action` may be done. Raises Refused."""
    found = await _meant(catalogue, terms)
    parents = await catalogue.some(sorted({each.parent for each in found if each.parent is not None}))
    check(action, found, {each.feed_id: each for each in parents})
    return found


async def _meant(catalogue: FeedCatalogue, terms: Collection[str]) -> tuple[KnownFeed, ...]:
    asked = {feed_id(term) for term in terms}
    known = await catalogue.some(sorted(asked))
    if len(known) < len(asked):
        # Some are names, or unknown: that takes a look at all of them.
        known = await catalogue.feeds()
    return meant(terms, known)


def _ids(found: Sequence[KnownFeed]) -> list[UUID]:
    return [each.feed_id for each in found]


@asynccontextmanager
async def _catalogue(store_url: str, *, create: bool = False) -> AsyncIterator[FeedCatalogue]:
    async with opened(store_url, create=create) as database:
        yield FeedCatalogue(database)
