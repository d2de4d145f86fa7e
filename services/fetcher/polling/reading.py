"""What a feed's document lists, and what of it is new."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from services.fetcher.model import Backlog, Feed, ParsedEntry, ParsedFeed, Response, Unread
from services.fetcher.polling.answers import PARTIAL
from services.fetcher.polling.found import Reading
from services.fetcher.polling.selection import select
from services.fetcher.polling.walk import MOST_DOCUMENTS, Walked, walk
from shared.errors import PermanentError, TransientError
from shared.steps import Step, step
from shared.urls import site_of
from shared.workers import WorkerLost

Parse = Callable[[bytes, str | None, str], Awaitable[ParsedFeed]]
AskMore = Callable[[Feed, str, timedelta], Awaitable[Response]]

MOST_UNREAD = 5
"""Gaps of one feed that wait to be read to their ends."""


class Feeds(Protocol):
    async def known(self, feed: UUID, identities: list[str]) -> Mapping[str, str]: ...


class Reader:
    """Reads documents in worker processes, and earlier ones where the newest does not reach back to what is known."""

    def __init__(self, ask_more: AskMore, feeds: Feeds, parse: Parse) -> None:
        self._ask_more = ask_more
        self._feeds = feeds
        self._parse = parse

    async def read(self, feed: Feed, response: Response) -> Reading:
        """What is new. Raises PermanentError `not_a_feed`, WorkerLost."""
        try:
            parsed = await self._parsed(response)
        except PermanentError as error:
            if isinstance(error, WorkerLost) or not response.truncated:
                raise
            # Too little came to be known for a feed.
            raise TransientError("payload") from error
        known = await self._known(feed, parsed)
        gap, left = earlier(feed, response, parsed, known), feed.standing.unread
        start = gap or left
        far = await self._walk(feed, start) if start else Walked()
        return _reading(feed, parsed, known, far, waiting=left if gap else left and left.then)

    async def go_on(self, feed: Feed, start: Unread) -> Reading:
        """What is new in the earlier documents that an interrupted poll left unread."""
        return _reading(feed, ParsedFeed(), {}, await self._walk(feed, start), waiting=start.then)

    async def _walk(self, feed: Feed, start: Unread) -> Walked:
        async def read(url: str, patience: timedelta) -> ParsedFeed:
            return await self._parsed(await self._ask_more(feed, url, patience))

        async def known(document: ParsedFeed) -> Mapping[str, str]:
            return await self._known(feed, document)

        return await walk(start, read, known)

    async def _parsed(self, response: Response) -> ParsedFeed:
        parsing = self._parse(response.body, response.headers.get("content-type"), response.final_url)
        return await step(Step.POLL_PARSE, parsing)

    async def _known(self, feed: Feed, parsed: ParsedFeed) -> Mapping[str, str]:
        return await self._feeds.known(feed.feed_id, [entry.identity for entry in parsed.entries])


def earlier(feed: Feed, response: Response, parsed: ParsedFeed, known: Mapping[str, str]) -> Unread | None:
    """Where to go on: after a gap, and at a first poll that is to bring all there is; on the feed's own site only."""
    url = parsed.links.earlier
    if url is None or known or response.status == PARTIAL or site_of(url) != site_of(response.final_url):
        return None
    if feed.rhythm.polls == 0 and feed.settings.backlog is not Backlog.ALL:
        return None
    return Unread(url=url, left=MOST_DOCUMENTS)


def _reading(
    feed: Feed, parsed: ParsedFeed, known: Mapping[str, str], far: Walked, *, waiting: Unread | None
) -> Reading:
    whole = ParsedFeed(entries=_once((*parsed.entries, *far.entries)))
    # Before there was anything to know, nothing says that something was missed.
    could_be_known = bool(parsed.entries) and feed.rhythm.newest is not None
    return Reading(
        parsed=parsed,
        selection=select(whole, {**far.known, **known}, feed.settings, first_poll=feed.rhythm.polls == 0),
        overlap=len(known) / len(parsed.entries) if could_be_known else None,
        walked=far.documents,
        closed=far.closed,
        unread=_unread(far.unread, waiting),
        killed=far.killed,
    )


def _unread(interrupted: Unread | None, waiting: Unread | None) -> Unread | None:
    """The newest gap first; with many waiting, its host answers nothing, and the older ones are not given up for it."""
    if interrupted is None or waiting is None:
        return interrupted or waiting
    return replace(interrupted, then=waiting) if _count(waiting) < MOST_UNREAD else waiting


def _count(unread: Unread | None) -> int:
    return 0 if unread is None else 1 + _count(unread.then)


def _once(entries: tuple[ParsedEntry, ...]) -> tuple[ParsedEntry, ...]:
    """As the newest document says each."""
    first: dict[str, ParsedEntry] = {}
    for entry in entries:
        first.setdefault(entry.identity, entry)
    return tuple(first.values())
