"""robots.txt: fetched once a day for each origin, kept in the store, asked before every request of a page or a feed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from services.fetcher.errors import Disallowed, HostBusy
from services.fetcher.hosts.hosts import turn
from services.fetcher.hosts.politeness import PolitenessPolicy, pace
from services.fetcher.hosts.robotstxt import (
    LARGE,
    MOST_BYTES,
    MOST_REDIRECTS,
    UNAVAILABLE,
    UNREACHABLE,
    Robots,
    RobotsFile,
)
from services.fetcher.model import Response
from services.fetcher.web.hints import read_hints
from services.fetcher.web.responses import THROTTLING_STATUSES
from shared.errors import PermanentError, StoreConflict, TransientError, Unavailable
from shared.steps import Step, step
from shared.urls import site_of

LONGEST_URL = 8192
ACCEPT = "text/plain, */*;q=0.1"
MOST_PARSED = 1000
MOST_SILENT = 100_000
"""Origins of which it is remembered that nothing in their files is about feeds; a hundred bytes or two each."""
REMEMBERED = timedelta(minutes=5)
"""How long a parsed file is used without asking the store; all fetchers see a change within it."""
LOST_ON_THE_WAY = frozenset({"too_many_redirects", "redirect_loop", "bad_url"})

T = TypeVar("T")


class Store(Protocol):
    async def robots(self, origin: str) -> RobotsFile | None: ...
    async def save_robots(
        self, origin: str, found: RobotsFile, fresh_for: timedelta, crawl_seconds: float | None
    ) -> RobotsFile: ...
    async def reserve(self, site: str, delay: timedelta) -> timedelta: ...
    async def follow(self, site: str, delay: timedelta) -> timedelta: ...
    async def check(self, site: str) -> None: ...
    async def hold(self, site: str, retry_after: timedelta | None) -> datetime: ...


class Client(Protocol):
    async def get(
        self, url: str, *, accept: str, before_hop: Callable[[str], Awaitable[None]] | None = None
    ) -> Response: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A parsed file, and until when it may be used."""

    rules: Robots
    fresh_until: datetime


class RobotsGate:
    """Asks for leave before a page or a feed is requested."""

    def __init__(
        self,
        store: Store,
        client: Client,
        *,
        agent: str,
        policy: PolitenessPolicy,
        feeds_obey_all: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """For feeds only rules for our own name count, unless `feeds_obey_all`: then those for all robots do, too."""
        self._store = store
        self._client = client
        self._agent = agent
        self._policy = policy
        self._feeds_obey_all = feeds_obey_all
        self._clock = clock
        self._parsed = Recent[Known](MOST_PARSED)
        self._silent = Recent[bool](MOST_SILENT)
        # A lock is there while someone holds it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def check(self, url: str) -> Robots:
        """What the origin says, if it lets us; raises Disallowed, or TransientError when it cannot be reached.

        Raises PermanentError `address_refused` for a host on a network of our own, and HostBusy.
        """
        rules = (await self._known(_origin(url), self._own_slot))[0].rules
        if not rules.reachable:
            raise TransientError("robots_unreachable")
        if not await _asked(rules, rules.allowed, url, self._agent):
            raise Disallowed(url)
        return rules

    async def check_feed(self, url: str) -> bool:
        """Leave to poll a feed whose host's slot has begun; raises Disallowed. A file that cannot be had forbids none.

        True when robots.txt was asked for in that slot: the feed needs another one then. Raises PermanentError
        `address_refused`, and HostBusy.
        """
        origin = _origin(url)
        if self._silent.get(origin, self._clock()):
            return False
        known, fetched = await self._known(origin, _no_slot)
        rules = known.rules
        if not await _asked(rules, rules.allows_feed, url, self._agent, obey_all=self._feeds_obey_all):
            raise Disallowed(url)
        if not rules.binds_feeds(self._agent, obey_all=self._feeds_obey_all):
            asked_again = self._clock() + self._policy.robots_fresh_for
            self._silent.put(origin, True, known.fresh_until if rules.reachable else asked_again)
        return fetched

    def pace(self, rules: Robots, page_delay: timedelta | None) -> timedelta:
        """Time between two requests to the site."""
        return pace(rules.crawl_delay(self._agent), page_delay, self._policy)

    async def _known(self, origin: str, slot: Callable[[str], Awaitable[None]]) -> tuple[Known, bool]:
        """What the origin says, and whether it was asked just now."""
        async with self._locks.setdefault(origin, asyncio.Lock()):
            known = self._parsed.get(origin, self._clock())
            if known is not None:
                return known, False
            kept = await self._store.robots(origin)
            file = kept or await self._fetch(origin, slot)
            now = self._clock()
            known = Known(rules=await _parsed(file), fresh_until=now + file.fresh_for)
            self._parsed.put(origin, known, min(now + REMEMBERED, known.fresh_until))
            return known, kept is None

    async def _fetch(self, origin: str, slot: Callable[[str], Awaitable[None]]) -> RobotsFile:
        await slot(site_of(origin))
        found, max_age = await self._ask(origin)
        rules = await _parsed(found)
        delay = rules.crawl_delay(self._agent)
        saving = self._store.save_robots(origin, found, rules.fresh_for(max_age, self._policy), delay)
        return await step(Step.ROBOTS_SAVE, saving)

    async def _own_slot(self, site: str) -> None:
        await turn(self._store, site, await self._store.reserve(site, self._policy.delay))

    async def _ask(self, origin: str) -> tuple[RobotsFile, timedelta | None]:
        try:
            response = await self._client.get(f"{origin}/robots.txt", accept=ACCEPT, before_hop=self._hops(origin))
        except (HostBusy, StoreConflict, Unavailable):
            # Of a hop's host, or our own: the file was not asked for to its end.
            raise
        except TransientError:
            return RobotsFile(status=UNREACHABLE, body=""), None
        except PermanentError as error:
            if error.reason == "address_refused":
                raise
            lost = error.reason in LOST_ON_THE_WAY
            return RobotsFile(status=UNAVAILABLE if lost else UNREACHABLE, body=""), None
        hints = read_hints(response.headers, response.status, response.fetched_at)
        if response.status in THROTTLING_STATUSES:
            await step(Step.HOST_HOLD, self._store.hold(site_of(response.final_url), hints.retry_after))
        if response.truncated and 200 <= response.status < 300:
            # What is missing may be what forbids.
            return RobotsFile(status=UNREACHABLE, body=""), None
        # PostgreSQL's text has no NUL.
        text = response.body[:MOST_BYTES].decode("utf-8", "replace").replace("\0", "")
        return RobotsFile(status=response.status, body=text), hints.max_age

    def _hops(self, origin: str) -> Callable[[str], Awaitable[None]]:
        followed: list[str] = []

        async def before_hop(target: str) -> None:
            followed.append(target)
            if len(followed) > MOST_REDIRECTS:
                raise PermanentError("too_many_redirects", f"more than {MOST_REDIRECTS}")
            site = site_of(target)
            within = site == site_of(origin)
            wait = await (self._store.follow if within else self._store.reserve)(site, self._policy.delay)
            await turn(self._store, site, wait)

        return before_hop


class Recent(Generic[T]):
    """What was learned of origins, each for a time. Without room, the oldest goes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, tuple[T, datetime]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, origin: str, now: datetime) -> T | None:
        value, until = self._known.get(origin, (None, now))
        return value if until > now else None

    def put(self, origin: str, value: T, until: datetime) -> None:
        # Put in again at its end: the first are always the oldest.
        self._known.pop(origin, None)
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[origin] = (value, until)


async def _no_slot(_site: str) -> None:
    """The feed's own slot is there."""


async def _parsed(file: RobotsFile) -> Robots:
    if len(file.body) <= LARGE:
        return Robots.parse(file.status, file.body)
    return await asyncio.to_thread(Robots.parse, file.status, file.body)


async def _asked(rules: Robots, question: Callable[..., bool], *about: str, **more: bool) -> bool:
    """A rule costs a little for each character of the address, and a hostile file has tens of thousands of rules."""
    return await asyncio.to_thread(question, *about, **more) if rules.is_large else question(*about, **more)


def _origin(url: str) -> str:
    """Raises PermanentError `bad_url` for an address that no server would take."""
    if len(url) > LONGEST_URL:
        raise PermanentError("bad_url", f"longer than {LONGEST_URL} characters")
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
