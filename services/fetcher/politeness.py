"""How a host wants to be treated: its robots.txt (RFC 9309), its pace, its marks of rights. Pure; owns protego."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from protego import Protego

MOST_ROBOTS_BYTES = 512 * 1024
UNREACHABLE = 0
"""The status of a robots.txt that could not be asked for."""

_RESERVING_DIRECTIVES = ("noai", "noimageai", "noindex", "none", "nosnippet", "noarchive")
_RESERVING_HEADERS = ("tdm-reservation", "tdm-policy", "content-signal", "content-usage")
_RESERVING_LINES = ("content-signal", "content-usage")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolitenessPolicy:
    """`delay` is the least time between two requests to a site unless it asks for more, up to `longest_delay`."""

    delay: timedelta = timedelta(seconds=2)
    longest_delay: timedelta = timedelta(seconds=60)
    robots_fresh_for: timedelta = timedelta(hours=24)
    robots_retry_after: timedelta = timedelta(minutes=10)
    penalty: timedelta = timedelta(minutes=10)
    longest_penalty: timedelta = timedelta(days=7)


DEFAULT_POLICY = PolitenessPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSlot:
    """The pace of one site: nothing before `next_allowed` nor before `blocked_until`, then `delay` between requests."""

    next_allowed: datetime
    delay: timedelta
    blocked_until: datetime | None = None


def reserve(slot: HostSlot, now: datetime) -> tuple[datetime, HostSlot]:
    """When the next request may start, and the slot once that start is taken."""
    start = max(now, slot.next_allowed, slot.blocked_until or now)
    return start, replace(slot, next_allowed=start + slot.delay)


def penalty(
    slot: HostSlot, retry_after: timedelta | None, now: datetime, policy: PolitenessPolicy = DEFAULT_POLICY
) -> HostSlot:
    """After a 429 or 503: nothing for as long as the site asks for, or for a while; never shorter than before."""
    until = now + min(retry_after or policy.penalty, policy.longest_penalty)
    return replace(slot, blocked_until=max(until, slot.blocked_until or until))


def pace(
    crawl_delay: float | None, page_delay: timedelta | None, policy: PolitenessPolicy = DEFAULT_POLICY
) -> timedelta:
    """Time between two requests: the operator's word or ours, or more where robots.txt asks, up to a limit."""
    asked = min(timedelta(seconds=min(crawl_delay or 0.0, 86_400.0)), policy.longest_delay)
    return max(page_delay if page_delay is not None else policy.delay, asked)


@dataclass(frozen=True, slots=True)
class Robots:
    """What a robots.txt allows. Made by `parse`."""

    _rules: Any
    reachable: bool
    signals: tuple[str, ...] = ()

    @classmethod
    def parse(cls, status: int | None, body: bytes | str) -> Self:
        """2xx: its rules; 5xx or no answer (`UNREACHABLE`, None): nothing is allowed; any other status: everything."""
        if not status or status >= 500:
            return cls(None, reachable=False)
        if not 200 <= status < 300:
            return cls(None, reachable=True)
        text = (body if isinstance(body, bytes) else body.encode())[:MOST_ROBOTS_BYTES].decode("utf-8-sig", "replace")
        return cls(Protego.parse(text), reachable=True, signals=tuple(_signals(text)))

    def allowed(self, url: str, agent: str) -> bool:
        """`agent` is the whole User-Agent; its product token is what groups are matched with."""
        return self.reachable and (self._rules is None or bool(self._rules.can_fetch(url, _token(agent))))

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


def rights(headers: Mapping[str, str], robots: Robots | None = None) -> tuple[str, ...]:
    """Marks by which a publisher reserves rights, as `header: value`; header names come in lower case."""
    marks = [
        *(f"x-robots-tag: {mark}" for mark in _reserving_tags(headers.get("x-robots-tag", ""))),
        *(f"{name}: {headers[name].strip()}" for name in _RESERVING_HEADERS if name in headers),
        *(f"robots.txt: {signal}" for signal in (robots.signals if robots else ())),
    ]
    return tuple(dict.fromkeys(mark[:500] for mark in marks if mark != "tdm-reservation: 0"))


def _reserving_tags(tags: str) -> Iterator[str]:
    """`googlebot: noindex` is kept with its bot: it is said to someone, and a reader can judge to whom."""
    for tag in tags.lower().split(","):
        if tag.rpartition(":")[2].strip() in _RESERVING_DIRECTIVES:
            yield " ".join(tag.split())


def _signals(robots_text: str) -> Iterator[str]:
    for line in robots_text.splitlines():
        name, _, value = line.partition("#")[0].partition(":")
        if name.strip().lower() in _RESERVING_LINES and value.strip():
            yield f"{name.strip().lower()}: {value.strip()}"


def _token(agent: str) -> str:
    """`FilDActu/0.1 (+https://…)` → `FilDActu`: words of the comment would match other robots' groups."""
    return agent.split("/", 1)[0].split(" ", 1)[0]
