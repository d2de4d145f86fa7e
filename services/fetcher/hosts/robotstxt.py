"""What a robots.txt says (RFC 9309). Pure; owns protego."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from protego import Protego

from services.fetcher.hosts.politeness import DEFAULT_POLICY, PolitenessPolicy

MOST_BYTES = 512 * 1024
MOST_REDIRECTS = 5
LARGE = 64 * 1024
"""Characters from which on a file takes long enough to read and to ask to hold others up; hardly any has as many."""
UNREACHABLE = 0
"""The status of a robots.txt that could not be asked for."""
UNAVAILABLE = 404
"""The status of a robots.txt that counts as missing."""

_SIGNALS = ("content-signal", "content-usage", "license")


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsFile:
    """A robots.txt as it was answered; `status` 0 means the host was unreachable.

    It is used for `fresh_for`. `reached_at` is when the host answered last, or when it was first asked in vain.
    """

    status: int
    body: str
    fresh_for: timedelta = timedelta(0)
    reached_at: datetime | None = None

    @property
    def is_answer(self) -> bool:
        return 0 < self.status < 500


def obeyed(
    kept: RobotsFile | None, found: RobotsFile, now: datetime, policy: PolitenessPolicy = DEFAULT_POLICY
) -> RobotsFile:
    """What counts once `found` came: while the host does not answer, what it said before, or nothing is allowed.

    Where it has not answered for long, and never did before, it counts as a host without a file.
    """
    if found.is_answer or kept is None:
        return replace(found, reached_at=now)
    if kept.is_answer:
        return kept
    since = kept.reached_at or now
    given_up = now - since > policy.robots_given_up_after
    return replace(found, status=UNAVAILABLE if given_up else found.status, reached_at=since)


@dataclass(frozen=True, slots=True)
class Robots:
    """What a robots.txt allows. Made by `parse`. `agents` are those that it has rules for, in lower case."""

    _rules: Any
    reachable: bool
    signals: tuple[str, ...] = ()
    agents: frozenset[str] = frozenset()
    is_large: bool = False

    @classmethod
    def parse(cls, status: int | None, body: bytes | str) -> Self:
        """2xx: its rules; 5xx or no answer (`UNREACHABLE`, None): nothing is allowed; any other status: everything."""
        if not status or status >= 500:
            return cls(None, reachable=False)
        if not 200 <= status < 300:
            return cls(None, reachable=True)
        text = (body if isinstance(body, bytes) else body.encode())[:MOST_BYTES].decode("utf-8-sig", "replace")
        said = tuple(_said(text))
        return cls(
            Protego.parse(text),
            reachable=True,
            signals=tuple(f"{name}: {value}" for name, value in said if name in _SIGNALS),
            agents=frozenset(value.lower() for name, value in said if name == "user-agent"),
            is_large=len(text) > LARGE,
        )

    def allowed(self, url: str, agent: str) -> bool:
        """`agent` is the whole User-Agent; its product token is what groups are matched with."""
        return self.reachable and self._allows(url, agent)

    def binds_feeds(self, agent: str, *, obey_all: bool) -> bool:
        """Whether there are rules that count for feeds: those for our own name, or with `obey_all` any."""
        return self._rules is not None and (obey_all or _token(agent).lower() in self.agents)

    def allows_feed(self, url: str, agent: str, *, obey_all: bool) -> bool:
        """Feeds are there for robots: what is said to all robots is about pages. A missing answer forbids no feed."""
        return not self.binds_feeds(agent, obey_all=obey_all) or self._allows(url, agent)

    def refused_agents(self, url: str, agents: Iterable[str]) -> tuple[str, ...]:
        """Those of `agents` that have rules of their own, by which they may not have this page.

        None of a large file: each costs a walk through all its rules, for each page.
        """
        if self.is_large:
            return ()
        named = (each for each in agents if each.lower() in self.agents)
        return tuple(each for each in named if not self._allows(url, each))

    def crawl_delay(self, agent: str) -> float | None:
        """Seconds; a Request-rate counts as the delay that it amounts to."""
        if self._rules is None:
            return None
        rate = self._rules.request_rate(_token(agent))
        by_rate = rate.seconds / rate.requests if rate is not None and rate.requests else None
        said = [float(each) for each in (self._rules.crawl_delay(_token(agent)), by_rate) if each is not None]
        return max(said, default=None)

    def fresh_for(self, max_age: timedelta | None, policy: PolitenessPolicy = DEFAULT_POLICY) -> timedelta:
        """How long this may be kept: as long as its answer says, a day at most; an unreachable host is asked sooner."""
        if not self.reachable:
            return policy.robots_retry_after
        return min(max(max_age or policy.robots_fresh_for, policy.robots_retry_after), policy.robots_fresh_for)

    def _allows(self, url: str, agent: str) -> bool:
        return self._rules is None or bool(self._rules.can_fetch(url, _token(agent)))


def _said(text: str) -> Iterator[tuple[str, str]]:
    """Each line's name, in lower case, and value."""
    for line in text.splitlines():
        name, _, value = line.partition("#")[0].partition(":")
        if value.strip():
            yield name.strip().lower(), value.strip()


def _token(agent: str) -> str:
    """`FilDActu/0.1 (+https://…)` → `FilDActu`: words of the comment would match other robots' groups."""
    return agent.split("/", 1)[0].split(" ", 1)[0]
