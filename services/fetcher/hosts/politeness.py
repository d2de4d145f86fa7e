"""The pace at which a host is asked: its slots, what slows it down, how it follows the host's answers. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address

from services.fetcher.model import Timing

PATIENCE = timedelta(seconds=10)
"""How far ahead a request may be reserved; beyond it the work waits in the store, not in memory."""
LONGEST_PATIENCE = timedelta(minutes=1)
"""The same, for what must follow a request at once: as long as the slowest site wants between two."""
NEWEST_WEIGHT = 0.25
"""Of the newest answer in the average of how long a site takes."""
ANSWERS_AT_ONCE = 4
"""How many requests a slow site may have to answer at the same time, as its pace follows its answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolitenessPolicy:
    """`delay` is the least time between two requests to a site unless it asks for more, up to `longest_delay`.

    `address_delay` is the least time between two requests to one IP address, whichever sites are served there.
    """

    delay: timedelta = timedelta(seconds=2)
    longest_delay: timedelta = timedelta(seconds=60)
    address_delay: timedelta = timedelta(seconds=0.2)
    robots_fresh_for: timedelta = timedelta(hours=24)
    robots_retry_after: timedelta = timedelta(minutes=10)
    robots_given_up_after: timedelta = timedelta(days=30)
    penalty: timedelta = timedelta(minutes=10)
    longest_penalty: timedelta = timedelta(days=7)


DEFAULT_POLICY = PolitenessPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSlot:
    """The pace of one site: nothing before `next_allowed` nor before `blocked_until`, then `delay` between requests.

    `crawl_seconds` is what its robots.txt asks for, `answer_seconds` how long it takes to answer, on average, and
    `address` where it did so last.
    """

    next_allowed: datetime
    delay: timedelta
    blocked_until: datetime | None = None
    crawl_seconds: float | None = None
    answer_seconds: float | None = None
    address: str | None = None


def reserve(slot: HostSlot, now: datetime, address_free: datetime | None = None) -> tuple[datetime, HostSlot]:
    """When the next request may start, and the slot once that start is taken."""
    start = max(now, slot.next_allowed, slot.blocked_until or now, address_free or now)
    return start, replace(slot, next_allowed=start + slot.delay)


def reserve_address(free_at: datetime | None, now: datetime, policy: PolitenessPolicy = DEFAULT_POLICY) -> datetime:
    """When the address is free once another request was given a start there.

    Counted from now and not from that start, which may be late for the pace of its own site: others do not wait for it.
    """
    return max(now, free_at or now) + policy.address_delay


def follow(
    slot: HostSlot, now: datetime, address_free: datetime | None = None, policy: PolitenessPolicy = DEFAULT_POLICY
) -> tuple[datetime, HostSlot]:
    """When a redirect within the site may be followed, and the slot then: soon, in the slot of what was redirected.

    With a slot of its own it would come after our patience where the site is slow, and the visit would never end. What
    comes later keeps its distance from either, and no more: many redirects put it off no further than one.
    """
    soon = min(slot.next_allowed, now + min(policy.delay, slot.delay))
    start = max(now, soon, slot.blocked_until or now, address_free or now)
    return start, replace(slot, next_allowed=max(slot.next_allowed, start + slot.delay))


def penalty(
    slot: HostSlot, retry_after: timedelta | None, now: datetime, policy: PolitenessPolicy = DEFAULT_POLICY
) -> HostSlot:
    """After a 429 or 503: nothing for as long as the site asks for, or for a while; never shorter than before.

    Then it is asked half as often as until now, until its answers are good again.
    """
    until = now + min(retry_after or policy.penalty, policy.longest_penalty)
    slower = min(2 * slot.delay, policy.longest_delay).total_seconds() * ANSWERS_AT_ONCE
    return replace(
        slot,
        blocked_until=max(until, slot.blocked_until or until),
        answer_seconds=max(slower, slot.answer_seconds or 0.0),
    )


def pace(
    crawl_delay: float | None, page_delay: timedelta | None, policy: PolitenessPolicy = DEFAULT_POLICY
) -> timedelta:
    """Time between two requests: the operator's word or ours, or more where robots.txt asks, up to a limit."""
    asked = min(timedelta(seconds=min(crawl_delay or 0.0, 86_400.0)), policy.longest_delay)
    return max(page_delay if page_delay is not None else policy.delay, asked)


def adapted(delay: timedelta, answer_seconds: float | None, policy: PolitenessPolicy = DEFAULT_POLICY) -> timedelta:
    """`delay`, or more for a site that takes long to answer, up to a limit."""
    return max(delay, min(timedelta(seconds=(answer_seconds or 0.0) / ANSWERS_AT_ONCE), policy.longest_delay))


def paced(slot: HostSlot, page_delay: timedelta | None, policy: PolitenessPolicy = DEFAULT_POLICY) -> HostSlot:
    """The site's slot at the pace that the operator, its robots.txt and its answers ask for."""
    return replace(slot, delay=adapted(pace(slot.crawl_seconds, page_delay, policy), slot.answer_seconds, policy))


def averaged(answer_seconds: float | None, timing: Timing, policy: PolitenessPolicy = DEFAULT_POLICY) -> float:
    """How long the site takes to answer, with its newest answer; a refusal makes no site look quicker."""
    known = timing.seconds if answer_seconds is None else answer_seconds
    mixed = known + NEWEST_WEIGHT * (timing.seconds - known)
    longest = policy.longest_delay.total_seconds() * ANSWERS_AT_ONCE
    return min(mixed if timing.good else max(known, mixed), longest)


@lru_cache(maxsize=10_000)
def paced_address(address: str | None) -> str | None:
    """The address, where it has a pace of its own: a private one is the operator's, and may be one door for all."""
    return address if address is not None and ip_address(address).is_global else None
