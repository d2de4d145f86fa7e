"""When to poll a feed next, and why. Pure.

By the usual gap between two entries, longer for a feed that fell silent, sooner for one whose list runs over, longer
where the server, the feed or a failure asks for it; within the operator's bounds, but for what a server insists on;
a little later at random, and at an hour that the feed does not skip.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from itertools import pairwise
from math import sqrt
from statistics import fmean
from uuid import UUID

from services.fetcher.model import Bounds, Rhythm, Wishes

KEPT_GAPS = 20
PAIRED_WITH = timedelta(minutes=30)
"""Of a usual gap that is longer, the geometric mean with this counts: of so many requests in all, the entries of all
feeds are seen soonest on average where intervals go with the square root of the gap (bench/simulation.py)."""
BACKDATED = timedelta(hours=1)
"""An entry whose date is so much before the last new one was found came after that, whatever its date says."""
# A server may keep us away for hours by mistake: max-age of a year and more is found in the wild.
LONGEST_MAX_AGE = timedelta(hours=6)
LONGEST_WISH = timedelta(hours=24)
LONGEST_AFTER_FAILURES = timedelta(hours=24)
MANY_FAILURES = 30
LONGEST_AFTER_MANY_FAILURES = timedelta(days=30)
LONGEST_RETRY_AFTER = timedelta(days=7)
LONGEST_JITTER = timedelta(minutes=30)
JITTER_SHARE = 0.1
UNKNOWN_RHYTHM = 4
"""Times the shortest interval: how long to wait while there are no gaps to learn from."""
SILENCE = ((timedelta(days=30), 1), (timedelta(days=14), 2), (timedelta(days=7), 4))
"""Silent for longer than the first: at least the longest interval divided by the second."""
UNPROVED = timedelta(minutes=60)
"""The shortest interval for a server that sends whole documents each time; a request costs it more than a 304 does."""
PUSHED = timedelta(hours=6)
"""A feed whose hub tells of its news is polled to be sure, no more."""
LITTLE_OVERLAP = 0.33
"""Of the entries listed, known from before. With fewer, the next ones may run over the end of the list unseen: then
half of UNPROVED does, too."""
HOUR = timedelta(hours=1)
HOURS_SEARCHED = 24 * 8


class Failure(Enum):
    """How much a failed poll counts: what its owner must mend, what passes, what is likely our own network."""

    LASTING = 1.0
    PASSING = 0.5
    OURS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What else is known after a poll. `overlap` is the share of the listed entries that was known; None: not read.

    `considerate` servers answer 304, may yet do so, or say for how long their document is good. `late` is how long the
    poll was overdue. `holds` are waits that nothing shortens, each with the name of its cause.
    """

    bounds: Bounds
    wishes: Wishes = field(default_factory=Wishes)
    max_age: timedelta | None = None
    retry_after: timedelta | None = None
    failed: Failure | None = None
    considerate: bool = False
    pushed: bool = False
    overlap: float | None = None
    late: timedelta = timedelta(0)
    holds: tuple[tuple[str, timedelta], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long from one poll to the next; `terms` are the seconds that each rule asked for, `jitter` among them.

    `wait` is `interval` with its random part and the hours skipped. No time of day: that is the store's to say, for
    all fetchers.
    """

    wait: timedelta
    interval: timedelta
    terms: tuple[tuple[str, float], ...]


def next_poll(rhythm: Rhythm, situation: Situation, *, now: datetime, feed_id: UUID, jitter: float) -> Schedule:
    """The poll after one that ended at `now`; `rhythm` already counts it, as a success or as a failure.

    `jitter` is random in 0..1; the feed's own phase is added, so that one draw for many feeds spreads them too.
    """
    bounds, terms = situation.bounds, _own(rhythm, situation, now)
    least = shortest(situation)
    wanted = max(terms.get("overflow", max(terms.values())), *(asked := _asked(situation)).values(), least)
    interval = min(wanted, bounds.longest)
    if situation.failed is not None and rhythm.failures > 1:
        asked["failures"] = interval = _after_failures(interval, rhythm.failures, bounds)
    held = _held(situation)
    interval = max(interval, *held.values(), timedelta(0))
    terms |= {**asked, **held, "shortest": least, "longest": bounds.longest, "interval": interval}
    draw = (jitter + phase(feed_id)) % 1.0
    terms["jitter"] = _widest_jitter(interval, situation.late, begins=rhythm.polls <= 1) * draw
    wait = interval + terms["jitter"]
    if skipped := _skipped(now + wait, situation.wishes, draw):
        terms["skipped"] = skipped
    seconds = tuple((name, term.total_seconds()) for name, term in terms.items())
    return Schedule(wait=wait + skipped, interval=interval, terms=seconds)


def shortest(situation: Situation) -> timedelta:
    """The operator's word where there is one; else a server must have shown that it is easily asked."""
    bounds = situation.bounds
    said = bounds.shortest != Bounds().shortest
    unproved = UNPROVED / 2 if _runs_over(situation) else UNPROVED
    least = bounds.shortest if said or situation.considerate else max(bounds.shortest, unproved)
    return min(least, bounds.longest)


def first_poll_at(feed_id: UUID, now: datetime, spread: timedelta) -> datetime:
    """A time within `spread` that is the feed's own, so that an import or a restart is no stampede."""
    return now + spread * phase(feed_id)


def observe(rhythm: Rhythm, published: Iterable[datetime | None], now: datetime) -> Rhythm:
    """After a successful poll; `published` are the times of its new entries, None for one without.

    An entry without a time, ahead of the clock or backdated, counts as of `now`. Entries of one instant are one
    publication.
    """
    times = sorted({_listed_at(at, rhythm, now) for at in published})
    last_new = (now if rhythm.polls else times[-1]) if times else rhythm.last_new
    if rhythm.newest is not None:
        times = [rhythm.newest, *(at for at in times if at > rhythm.newest)]
    gaps = tuple((later - earlier).total_seconds() for earlier, later in pairwise(times))
    return replace(
        rhythm,
        gaps=(rhythm.gaps + gaps)[-KEPT_GAPS:],
        newest=times[-1] if times else None,
        last_new=last_new,
        failures=0.0,
        polls=rhythm.polls + 1,
    )


def fail(rhythm: Rhythm, weight: float) -> Rhythm:
    """After a failed poll; `weight` is the Failure's value."""
    return replace(rhythm, failures=rhythm.failures + weight)


def allowed_at(at: datetime, wishes: Wishes) -> datetime:
    """`at`, or the start of the first hour after it that the feed does not skip; one that skips all skips none."""
    if not wishes.skip_hours and not wishes.skip_days:
        return at
    hours = (at.replace(minute=0, second=0, microsecond=0) + number * HOUR for number in range(HOURS_SEARCHED))
    for hour in hours:
        if hour.hour not in wishes.skip_hours and hour.weekday() not in wishes.skip_days:
            return max(at, hour)
    return at


def phase(feed_id: UUID) -> float:
    """0..1, the same at every start."""
    return int.from_bytes(blake2b(feed_id.bytes, digest_size=6).digest()) / 2**48


def _own(rhythm: Rhythm, situation: Situation, now: datetime) -> dict[str, timedelta]:
    """What the feed's own past asks for; `overflow`, where it is there, in place of the others."""
    bounds = situation.bounds
    terms = {"rhythm": _usual(rhythm.gaps) if rhythm.gaps else bounds.shortest * UNKNOWN_RHYTHM}
    last_new = rhythm.last_new or rhythm.newest
    silent = now - last_new if last_new else timedelta(0)
    share = next((share for longer_than, share in SILENCE if silent > longer_than), None)
    if share is not None:
        terms["silence"] = bounds.longest / share
    if _runs_over(situation):
        terms["overflow"] = max(terms.values()) / 2
    return terms


def _usual(gaps: tuple[float, ...]) -> timedelta:
    gap = fmean(gaps)
    return timedelta(seconds=min(gap, sqrt(gap * PAIRED_WITH.total_seconds())) / 2)


def _runs_over(situation: Situation) -> bool:
    return situation.overlap is not None and situation.overlap < LITTLE_OVERLAP


def _listed_at(published: datetime | None, rhythm: Rhythm, now: datetime) -> datetime:
    backdated = published and rhythm.last_new and published < rhythm.last_new - BACKDATED
    return min(published, now) if published and not backdated else now


def _asked(situation: Situation) -> dict[str, timedelta]:
    """What server, document and hub ask for."""
    wishes = situation.wishes
    terms = {
        "max_age": situation.max_age and min(situation.max_age, LONGEST_MAX_AGE),
        "ttl": wishes.ttl and min(wishes.ttl, LONGEST_WISH),
        "period": wishes.period and min(wishes.period, LONGEST_WISH),
        "pushed": PUSHED if situation.pushed else None,
    }
    return {name: term for name, term in terms.items() if term}


def _after_failures(interval: timedelta, failures: float, bounds: Bounds) -> timedelta:
    """As many times as long; a feed that fails for weeks is asked once a month, and never given up."""
    if failures > MANY_FAILURES:
        return max(interval, min(interval * failures, LONGEST_AFTER_MANY_FAILURES))
    return min(max(interval, min(interval * failures, LONGEST_AFTER_FAILURES)), bounds.longest)


def _held(situation: Situation) -> dict[str, timedelta]:
    asked = situation.retry_after
    return {**dict(situation.holds), **({"retry_after": min(asked, LONGEST_RETRY_AFTER)} if asked else {})}


def _widest_jitter(interval: timedelta, late: timedelta, *, begins: bool) -> timedelta:
    """More for a feed that waited for a stopped fetcher, or that begins: it does so together with others."""
    usual = min(interval * JITTER_SHARE, LONGEST_JITTER)
    if begins:
        return max(usual, min(interval / 4, LONGEST_JITTER))
    return max(usual, min(late, interval / 4)) if late > LONGEST_JITTER else usual


def _skipped(at: datetime, wishes: Wishes, draw: float) -> timedelta:
    """How much later than `at`; spread over the first half of the hour, in which all who skip would come at once."""
    later = allowed_at(at, wishes) - at
    return later + HOUR / 2 * draw if later else later
