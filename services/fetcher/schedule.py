"""When to poll a feed next, and why. Pure.

Half the usual gap between two entries, longer for a feed that fell silent, longer where the server, the feed or a
failure asks for it, never outside the operator's bounds except for Retry-After, and a little later at random.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from itertools import pairwise
from statistics import median
from uuid import UUID

from services.fetcher.hints import Hints
from services.fetcher.model import Bounds, Rhythm

KEPT_GAPS = 20
# A server may keep us away for hours by mistake: max-age of a year and more is found in the wild.
LONGEST_MAX_AGE = timedelta(hours=6)
LONGEST_TTL = timedelta(hours=24)
LONGEST_AFTER_FAILURES = timedelta(hours=24)
LONGEST_RETRY_AFTER = timedelta(days=7)
LONGEST_JITTER = timedelta(minutes=30)
JITTER_SHARE = 0.1
UNKNOWN_RHYTHM = 4
"""Times the shortest interval: how long to wait while there are no gaps to learn from."""
SILENCE = ((timedelta(days=30), 1), (timedelta(days=14), 2), (timedelta(days=7), 4))
"""Silent for longer than the first: at least the longest interval divided by the second."""


class Failure(Enum):
    """How much a failed poll counts: what its owner must mend, what passes, what is likely our own network."""

    LASTING = 1.0
    PASSING = 0.5
    OURS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long from one poll to the next; `terms` are the seconds that each rule asked for, `jitter` among them.

    `wait` is `interval` with its random part. No time of day: that is the store's to say, for all fetchers.
    """

    wait: timedelta
    interval: timedelta
    terms: tuple[tuple[str, float], ...]


def next_poll(
    rhythm: Rhythm,
    *,
    now: datetime,
    bounds: Bounds,
    hints: Hints,
    failed: Failure | None,
    feed_id: UUID,
    jitter: float,
) -> Schedule:
    """The poll after one that ended at `now`; `rhythm` already counts it, as a success or as `failed`.

    `jitter` is random in 0..1; the feed's own phase is added, so that one draw for many feeds spreads them too.
    """
    terms = {"rhythm": _half_gap(rhythm, bounds), **_silence(rhythm, now, bounds), **_hinted(hints)}
    interval = _clamp(max(terms.values()), bounds)
    if failed is not None and rhythm.failures > 1:
        terms["failures"] = max(interval, min(interval * rhythm.failures, LONGEST_AFTER_FAILURES))
        interval = _clamp(terms["failures"], bounds)
    if hints.retry_after:
        terms["retry_after"] = min(hints.retry_after, LONGEST_RETRY_AFTER)
        interval = max(interval, terms["retry_after"])
    terms |= {"shortest": bounds.shortest, "longest": bounds.longest}
    terms["jitter"] = min(interval * JITTER_SHARE, LONGEST_JITTER) * ((jitter + _phase(feed_id)) % 1.0)
    seconds = tuple((name, term.total_seconds()) for name, term in terms.items())
    return Schedule(wait=interval + terms["jitter"], interval=interval, terms=seconds)


def first_poll_at(feed_id: UUID, now: datetime, spread: timedelta) -> datetime:
    """A time within `spread` that is the feed's own, so that an import or a restart is no stampede."""
    return now + spread * _phase(feed_id)


def observe(rhythm: Rhythm, published: Iterable[datetime | None], now: datetime) -> Rhythm:
    """After a successful poll; `published` are the times of its new entries, None for one without.

    An entry without a time, or ahead of the clock, counts as of `now`. Entries of one instant are one publication.
    """
    times = sorted({min(at, now) if at else now for at in published})
    if rhythm.newest is not None:
        times = [rhythm.newest, *(at for at in times if at > rhythm.newest)]
    gaps = tuple((later - earlier).total_seconds() for earlier, later in pairwise(times))
    return replace(
        rhythm,
        gaps=(rhythm.gaps + gaps)[-KEPT_GAPS:],
        newest=times[-1] if times else None,
        failures=0.0,
        polls=rhythm.polls + 1,
    )


def fail(rhythm: Rhythm, weight: float) -> Rhythm:
    """After a failed poll; `weight` is the Failure's value."""
    return replace(rhythm, failures=rhythm.failures + weight)


def _half_gap(rhythm: Rhythm, bounds: Bounds) -> timedelta:
    if not rhythm.gaps:
        return bounds.shortest * UNKNOWN_RHYTHM
    return timedelta(seconds=median(rhythm.gaps) / 2)


def _silence(rhythm: Rhythm, now: datetime, bounds: Bounds) -> dict[str, timedelta]:
    if rhythm.newest is None:
        return {}
    silent = now - rhythm.newest
    share = next((share for longer_than, share in SILENCE if silent > longer_than), None)
    return {} if share is None else {"silence": bounds.longest / share}


def _hinted(hints: Hints) -> dict[str, timedelta]:
    terms = {}
    if hints.max_age:
        terms["max_age"] = min(hints.max_age, LONGEST_MAX_AGE)
    if hints.ttl:
        terms["ttl"] = min(hints.ttl, LONGEST_TTL)
    return terms


def _clamp(interval: timedelta, bounds: Bounds) -> timedelta:
    return min(max(interval, bounds.shortest), bounds.longest)


def _phase(feed_id: UUID) -> float:
    """0..1, the same at every start."""
    return int.from_bytes(blake2b(feed_id.bytes, digest_size=6).digest()) / 2**48
