"""robots.txt: fetched once a day for each origin, kept in the store, asked before every page request."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from services.fetcher.errors import Disallowed
from services.fetcher.hints import read_hints
from services.fetcher.hosts import RobotsFile, turn
from services.fetcher.model import Response
from services.fetcher.politeness import UNREACHABLE, PolitenessPolicy, Robots, pace
from shared.errors import PermanentError, TransientError
from shared.steps import Step, step
from shared.urls import site_of

ACCEPT = "text/plain, */*;q=0.1"
MOST_PARSED = 1000
REMEMBERED = timedelta(minutes=5)
"""How long a parsed file is used without asking the store; all fetchers see a change within it."""


class Store(Protocol):
    async def robots(self, origin: str) -> RobotsFile | None: ...
    async def save_robots(self, origin: str, found: RobotsFile, fresh_for: timedelta) -> None: ...
    async def reserve(self, site: str, delay: timedelta) -> timedelta: ...
    async def check(self, site: str) -> None: ...


class Client(Protocol):
    async def get(self, url: str, *, accept: str) -> Response: ...


class RobotsGate:
    """Asks for leave before a page is requested."""

    def __init__(self, store: Store, client: Client, *, agent: str, policy: PolitenessPolicy) -> None:
        self._store = store
        self._client = client
        self._agent = agent
        self._policy = policy
        self._parsed: dict[str, tuple[Robots, datetime]] = {}
        # A lock is there while someone holds it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def check(self, url: str) -> Robots:
        """What the origin says, if it lets us; raises Disallowed, or TransientError when it cannot be reached.

        Raises PermanentError `address_refused` for a host on a network of our own.
        """
        rules = await self._rules(url)
        if not rules.reachable:
            raise TransientError("robots_unreachable")
        if not rules.allowed(url, self._agent):
            raise Disallowed(url)
        return rules

    def pace(self, rules: Robots, page_delay: timedelta | None) -> timedelta:
        """Time between two requests to the site."""
        return pace(rules.crawl_delay(self._agent), page_delay, self._policy)

    async def _rules(self, url: str) -> Robots:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        async with self._locks.setdefault(origin, asyncio.Lock()):
            rules, until = self._parsed.get(origin, (None, datetime.min.replace(tzinfo=UTC)))
            if rules is None or until < datetime.now(UTC):
                found = await self._store.robots(origin) or await self._fetch(origin)
                rules = Robots.parse(found.status, found.body)
                self._remember(origin, rules)
        return rules

    def _remember(self, origin: str, rules: Robots) -> None:
        # Put in again at its end: the first are always the oldest.
        self._parsed.pop(origin, None)
        while len(self._parsed) >= MOST_PARSED:
            del self._parsed[next(iter(self._parsed))]
        self._parsed[origin] = (rules, datetime.now(UTC) + REMEMBERED)

    async def _fetch(self, origin: str) -> RobotsFile:
        found, max_age = await self._ask(origin)
        kept = Robots.parse(found.status, found.body).fresh_for(max_age, self._policy)
        await step(Step.ROBOTS_SAVE, self._store.save_robots(origin, found, kept))
        return found

    async def _ask(self, origin: str) -> tuple[RobotsFile, timedelta | None]:
        site = site_of(origin)
        await turn(self._store, site, await self._store.reserve(site, self._policy.delay))
        try:
            response = await self._client.get(f"{origin}/robots.txt", accept=ACCEPT)
        except (TransientError, PermanentError) as error:
            if isinstance(error, PermanentError) and error.reason == "address_refused":
                raise
            return RobotsFile(status=UNREACHABLE, body=""), None
        # PostgreSQL's text has no NUL.
        text = response.body.decode("utf-8", "replace").replace("\0", "")
        hints = read_hints(response.headers, response.status, response.fetched_at)
        return RobotsFile(status=response.status, body=text), hints.max_age
