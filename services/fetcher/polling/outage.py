"""Whether it is our own network that is away, and not the sites. Pure but for what it remembers.

Most of many sites that fail within two minutes, none of which answers at all, have one cause on our side. From then on
nothing is held against a feed, and few are tried until a site answers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.fetcher.model import Feed

WINDOW = timedelta(minutes=2)
LEAST_SITES = 20
TRY_EVERY = timedelta(seconds=30)
UNREACHED = frozenset({"timeout", "dns", "connect", "reset", "tls"})
"""Reasons of a request that no server answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The last that was seen of a site: when, and the feeds whose polls have failed there since it last answered."""

    at: datetime
    failed: tuple[Feed, ...] = ()


class Network:
    """What the polls of this process have met lately. Bounded by the sites that are asked within the window."""

    def __init__(self) -> None:
        self.away_since: datetime | None = None
        self._sights: dict[str, Sight] = {}
        self._tried: datetime | None = None

    @property
    def away(self) -> bool:
        return self.away_since is not None

    def reached(self, site: str, now: datetime) -> bool:
        """A server answered; whether that ends an outage."""
        self._note(site, Sight(at=now))
        if not self.away:
            return False
        self.away_since = None
        self._sights.clear()
        return True

    def unreached(self, site: str, feed: Feed, now: datetime) -> tuple[Feed, ...]:
        """No server answered. The feeds that failed of late, as they were before, when that begins an outage."""
        others = tuple(each for each in self._failed(site) if each.feed_id != feed.feed_id)
        self._note(site, Sight(at=now, failed=(*others, feed)))
        failing = [sight.failed for sight in self._sights.values() if sight.failed]
        if self.away or len(self._sights) < LEAST_SITES or 2 * len(failing) <= len(self._sights):
            return ()
        self.away_since = self._tried = now
        return tuple(each for failed in failing for each in failed if each is not feed)

    def admits(self, limit: int, now: datetime) -> int:
        """How many of `limit` feeds may be polled now: while the network is away, one now and then."""
        if not self.away:
            return limit
        if self._tried is not None and now - self._tried < TRY_EVERY:
            return 0
        self._tried = now
        return min(limit, 1)

    def _failed(self, site: str) -> tuple[Feed, ...]:
        return self._sights[site].failed if site in self._sights else ()

    def _note(self, site: str, sight: Sight) -> None:
        # Put in again at its end: the first are always the oldest.
        self._sights.pop(site, None)
        self._sights[site] = sight
        while self._sights[next(iter(self._sights))].at < sight.at - WINDOW:
            del self._sights[next(iter(self._sights))]
