"""How a feed's documents are asked for: with leave from its robots.txt, in its host's turn, at every hop."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from services.fetcher.errors import HostBusy
from services.fetcher.hosts.hosts import turn
from services.fetcher.model import Feed, Response, Validators
from services.fetcher.polling.answers import DOCUMENT_STATUSES, PASSING_STATUSES
from services.fetcher.polling.schedule import phase
from services.fetcher.polling.standing import Request
from services.fetcher.web.hints import read_hints
from services.fetcher.web.responses import THROTTLING_STATUSES
from shared.errors import PermanentError, TransientError
from shared.steps import Step, step
from shared.urls import site_of

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)

LONGEST_DETOUR_PAUSE = timedelta(minutes=15)
TakeSlot = Callable[[str, timedelta], Awaitable[timedelta]]


class Client(Protocol):
    async def get(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators | None = None,
        headers: Mapping[str, str] = ...,
        before_hop: Callable[[str], Awaitable[None]] | None = None,
    ) -> Response: ...


class Hosts(Protocol):
    async def reserve(self, site: str, delay: timedelta, patience: timedelta = ...) -> timedelta: ...
    async def follow(self, site: str, delay: timedelta) -> timedelta: ...
    async def check(self, site: str) -> None: ...
    async def hold(self, site: str, retry_after: timedelta | None) -> datetime: ...


class Gate(Protocol):
    async def check_feed(self, url: str) -> bool: ...


class FeedClient:
    """Asks for documents of feeds. Raises what the client raises, Disallowed, and HostBusy where the host is not free.

    A host that asks us to slow down is held.
    """

    def __init__(self, client: Client, hosts: Hosts, gate: Gate | None, *, delay: timedelta) -> None:
        self._client = client
        self._hosts = hosts
        self._gate = gate
        self._delay = delay

    async def ask(self, feed: Feed, asked: Request) -> Response:
        """The feed's own document, in the slot that was taken with its lease where there is one."""
        if feed.wait is None:
            await self._slot(feed, asked.url)
        else:
            await turn(self._hosts, site_of(asked.url), feed.wait)
        with _asked_in_vain(feed):
            robots_asked = await self._allowed(asked.url)
        if robots_asked:
            await self._slot(feed, asked.url)
        with _asked_in_vain(feed):
            return await self._get(feed, asked)

    async def ask_more(self, feed: Feed, url: str, patience: timedelta) -> Response:
        """Another document of the feed, when its host's slot begins within `patience`: the feed's own just took one.

        Raises for any answer that is none.
        """
        await self._slot(feed, url, partial(self._hosts.reserve, patience=patience))
        await self._leave(feed, url)
        response = await self._get(feed, Request(url=url))
        if response.status in PASSING_STATUSES:
            raise TransientError(f"http_{response.status}")
        if response.status not in DOCUMENT_STATUSES:
            raise PermanentError(f"http_{response.status}")
        return response

    async def _get(self, feed: Feed, asked: Request) -> Response:
        async def before_hop(url: str) -> None:
            # The slot of the first request is hardly over: a redirect within the site would wait for a whole delay.
            take = self._hosts.follow if site_of(url) == site_of(asked.url) else self._hosts.reserve
            await self._slot(feed, url, take)
            await self._leave(feed, url)

        own_site = site_of(asked.url) == site_of(feed.settings.url)
        answer = self._client.get(
            asked.url,
            accept=ACCEPT,
            validators=asked.validators,
            headers=feed.settings.headers if own_site else {},
            before_hop=before_hop,
        )
        response = await step(Step.POLL_REQUEST, answer)
        if response.status in THROTTLING_STATUSES:
            hints = read_hints(response.headers, response.status, response.fetched_at)
            await step(Step.HOST_HOLD, self._hosts.hold(site_of(response.final_url), hints.retry_after))
        return response

    async def _leave(self, feed: Feed, url: str) -> None:
        """Raises Disallowed. Where robots.txt was asked for in the slot that has begun, another one is taken."""
        if await self._allowed(url):
            await self._slot(feed, url)

    async def _allowed(self, url: str) -> bool:
        """Raises Disallowed; True when robots.txt was asked for just now."""
        return self._gate is not None and await self._gate.check_feed(url)

    async def _slot(self, feed: Feed, url: str, take: TakeSlot | None = None) -> None:
        delay = self._delay if feed.settings.page_delay is None else feed.settings.page_delay
        wait = await step(Step.POLL_SLOT, (take or self._hosts.reserve)(site_of(url), delay))
        await turn(self._hosts, site_of(url), wait)


@contextmanager
def _asked_in_vain(feed: Feed) -> Iterator[None]:
    """A host on the way is busy: the next try asks the feed's own server once more, which did nothing to deserve it.

    At the feed's own time, or all that lead to that host would come back together, and most of them in vain.
    """
    try:
        yield
    except HostBusy as busy:
        pause = min(feed.settings.bounds.shortest, LONGEST_DETOUR_PAUSE)
        raise HostBusy(busy.until + pause * (1 + phase(feed.feed_id))) from busy
