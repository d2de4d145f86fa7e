"""What a feed's document lists, and what of it is new."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from uuid import UUID

from services.fetcher.model import Backlog, Feed, ParsedEntry, ParsedFeed, Response, Unread
from services.fetcher.polling.answers import PARTIAL
from services.fetcher.polling.found import Reading
from services.fetcher.polling.selection import select
from services.fetcher.polling.walk import MOST_DOCUMENTS, Walked, walk
from shared.steps import Step, step
from shared.urls import site_of

Parse = Callable[[bytes, str | None, str], Awaitable[ParsedFeed]]
AskMore = Callable[[Feed, str], Awaitable[Response]]


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
        parsed = await self._parsed(response)
        known = await self._known(feed, parsed)
        start = earlier(feed, response, parsed, known) or feed.standing.unread
        far = await self._walk(feed, start) if start else Walked()
        return _reading(feed, parsed, known, far)

    async def go_on(self, feed: Feed, start: Unread) -> Reading:
        """What is new in the earlier documents that an interrupted poll left unread."""
        return _reading(feed, ParsedFeed(), {}, await self._walk(feed, start))

    async def _walk(self, feed: Feed, start: Unread) -> Walked:
        async def read(url: str) -> ParsedFeed:
            return await self._parsed(await self._ask_more(feed, url))

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


def _reading(feed: Feed, parsed: ParsedFeed, known: Mapping[str, str], far: Walked) -> Reading:
    whole = ParsedFeed(entries=_once((*parsed.entries, *far.entries)))
    # Before there was anything to know, nothing says that something was missed.
    could_be_known = bool(parsed.entries) and feed.rhythm.newest is not None
    return Reading(
        parsed=parsed,
        selection=select(whole, {**far.known, **known}, feed.settings, first_poll=feed.rhythm.polls == 0),
        overlap=len(known) / len(parsed.entries) if could_be_known else None,
        walked=far.documents,
        closed=far.closed,
        unread=far.unread,
    )


def _once(entries: tuple[ParsedEntry, ...]) -> tuple[ParsedEntry, ...]:
    """As the newest document says each."""
    first: dict[str, ParsedEntry] = {}
    for entry in entries:
        first.setdefault(entry.identity, entry)
    return tuple(first.values())
