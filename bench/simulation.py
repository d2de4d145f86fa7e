"""A day in the life of 100,000 feeds and two fetchers, in memory: how soon an entry is seen, and what that costs.

The decisions are the fetcher's own (`schedule`, `sharing`, `politeness`); the feeds, their servers and the time are
made up, from a seed. Entries come by chance, more of them by day than by night and some in bursts; some feeds have not
had one for months; some servers answer 304 or say how long to wait; a fifth of the feeds is on a few hosts.

Polling at one fixed interval is what the schedule is compared with, at as many requests: the interval is stretched
until they are. It has every advantage: requests never fail, no host has a pace, no server asks for anything.
"""

import argparse
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from math import pi, sin
from random import Random
from statistics import fmean
from uuid import UUID

from bench.report import report
from services.fetcher.hosts.politeness import DEFAULT_POLICY, HostSlot
from services.fetcher.hosts.sharing import DueFeed, Paces, share_out
from services.fetcher.model import Bounds, Rhythm
from services.fetcher.polling.schedule import KEPT_GAPS, Failure, Situation, fail, next_poll, observe

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY = 86_400.0
FETCHERS = 2
PLACES = 64
"""Polls that a fetcher has under way at once."""
PER_SITE = 8
ANSWER_SECONDS = 0.3
LEASE_EVERY = 1.0
FAILING = 0.01
"""Of the requests, for reasons that pass."""
FEW_HOSTS = 20
ON_FEW_HOSTS = 0.2
PROVING = 0.6
"""Of the servers; they answer 304."""
MAX_AGES = (None,) * 17 + (600.0, 1800.0, 3600.0)
BY_NIGHT = 0.8
"""How much less than the mean comes out in the deepest night."""
BURST_SECONDS = 300.0
MOST_A_DAY = 300.0
LONG_AGO = 400.0

KINDS = ("usual", "in bursts", "rare", "silent", "busy")
WEIGHTS = (0.5, 0.2, 0.15, 0.1, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """`times` are its entries' in seconds of the day, the past's below 0; the document lists the newest `window`."""

    due: DueFeed
    kind: str
    times: Sequence[float]
    window: int
    proves: bool
    max_age: timedelta | None


@dataclass(slots=True, kw_only=True)
class State:
    """What the store keeps of a feed; `seen` entries were there at its last good poll."""

    rhythm: Rhythm
    seen: int


@dataclass(slots=True, kw_only=True)
class Result:
    """Delays in seconds from publication to poll, by kind of feed; `missed` entries had left the list by then."""

    requests: int = 0
    missed: int = 0
    too_early: int = 0
    delays: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def all_delays(self) -> list[float]:
        return sorted(delay for delays in self.delays.values() for delay in delays)


class Adaptive:
    """The fetchers' day: what is due is leased, each host at its pace, and polled again when the schedule says so."""

    def __init__(self, feeds: Sequence[Feed], bounds: Bounds, random: Random) -> None:
        self._feeds = feeds
        self._bounds = bounds
        self._random = random
        self._numbers = {feed.due.feed_id: number for number, feed in enumerate(feeds)}
        self._states = [_known_before(feed) for feed in feeds]
        self._due = [(self._wait(number, START) * random.random(), number) for number in range(len(feeds))]
        heapify(self._due)
        self._slots: dict[str, HostSlot] = {}
        self._ends: list[list[float]] = [[] for _ in range(FETCHERS)]
        self._last_asked: dict[str, float] = {}
        self.result = Result()

    def run(self) -> Result:
        now = 0.0
        while now < DAY:
            for ends in self._ends:
                self._lease(ends, now)
            now += LEASE_EVERY
        return self.result

    def _lease(self, ends: list[float], now: float) -> None:
        while ends and ends[0] <= now:
            heappop(ends)
        places = PLACES - len(ends)
        due = [self._feeds[number].due for number in self._taken(now, places)]
        at = _moment(now)
        for each in due:
            self._slots.setdefault(each.site, HostSlot(next_allowed=at, delay=DEFAULT_POLICY.delay))
        shares = share_out(due, Paces(slots=self._slots), limit=places, room=lambda _site: PER_SITE, now=at)
        self._slots.update(shares.paces.slots)
        for each in due:
            number = self._numbers[each.feed_id]
            if (start := shares.starts.get(each.feed_id)) is not None:
                began = (start - START).total_seconds()
                heappush(ends, began + ANSWER_SECONDS)
                heappush(self._due, (self._polled(number, began, start), number))
            else:
                later = shares.put_off.get(each.feed_id)
                heappush(self._due, ((later - START).total_seconds() if later else now + LEASE_EVERY, number))

    def _taken(self, now: float, most: int) -> Iterator[int]:
        while most and self._due and self._due[0][0] <= now:
            yield heappop(self._due)[1]
            most -= 1

    def _polled(self, number: int, began: float, at: datetime) -> float:
        """The time of the next poll."""
        self._pace_is_kept(self._feeds[number].due.site, began)
        self.result.requests += 1
        return began + self._wait(number, at, self._learned(number, began, at))

    def _pace_is_kept(self, site: str, began: float) -> None:
        since = began - self._last_asked.get(site, -DAY)
        self.result.too_early += since < DEFAULT_POLICY.delay.total_seconds() - 1e-3
        self._last_asked[site] = began

    def _learned(self, number: int, began: float, at: datetime) -> Situation:
        feed, state = self._feeds[number], self._states[number]
        situation = Situation(bounds=self._bounds, considerate=feed.proves or feed.max_age is not None)
        if self._random.random() < FAILING:
            state.rhythm = fail(state.rhythm, Failure.PASSING.value)
            return replace(situation, failed=Failure.PASSING)
        out = bisect_right(feed.times, began)
        new = feed.times[state.seen : out]
        listed = new[-feed.window :]
        self._count(feed, new, listed, began)
        state.seen = out
        state.rhythm = observe(state.rhythm, map(_moment, listed), at)
        return replace(situation, max_age=feed.max_age, overlap=1 - len(listed) / feed.window if new else None)

    def _count(self, feed: Feed, new: Sequence[float], listed: Sequence[float], began: float) -> None:
        self.result.missed += len(new) - len(listed)
        # What came out before the day was seen late only because the fetchers were not there.
        self.result.delays[feed.kind].extend(began - time for time in listed if time > 0)

    def _wait(self, number: int, at: datetime, situation: Situation | None = None) -> float:
        feed, state = self._feeds[number], self._states[number]
        known = situation or Situation(bounds=self._bounds, considerate=feed.proves, max_age=feed.max_age)
        schedule = next_poll(state.rhythm, known, now=at, feed_id=feed.due.feed_id, jitter=self._random.random())
        return schedule.wait.total_seconds()


def fixed(feeds: Sequence[Feed], interval: float, random: Random) -> Result:
    """Each feed at its own phase, `interval` seconds from poll to poll."""
    result = Result(requests=round(len(feeds) * DAY / interval))
    for feed in feeds:
        phase, first = random.random() * interval, bisect_left(feed.times, 0)
        polls = Counter((time - phase) // interval for time in feed.times[first:])
        result.missed += sum(max(0, each - feed.window) for each in polls.values())
        result.delays[feed.kind].extend(interval - (time - phase) % interval for time in feed.times[first:])
    return result


def make_feeds(count: int, random: Random) -> list[Feed]:
    return [_make_feed(number, random) for number in range(count)]


def _make_feed(number: int, random: Random) -> Feed:
    kind = random.choices(KINDS, WEIGHTS)[0]
    # The few hosts are of unequal size, as hosters are.
    host = int(FEW_HOSTS * random.random() ** 2)
    site = f"host{host}.example" if random.random() < ON_FEW_HOSTS else f"own{number}.example"
    age = random.choice(MAX_AGES)
    return Feed(
        due=DueFeed(feed_id=UUID(int=random.getrandbits(128)), site=site),
        kind=kind,
        times=_times(kind, random),
        window=random.choice((10, 15, 20, 30, 50)),
        proves=random.random() < PROVING,
        max_age=timedelta(seconds=age) if age else None,
    )


def _times(kind: str, random: Random) -> list[float]:
    """Entries of the day, and before it as many as a rhythm remembers."""
    if kind == "silent":
        return sorted(-random.uniform(20, LONG_AGO) * DAY for _ in range(KEPT_GAPS))
    rate = RATES[kind](random)
    size = random.randint(2, 8) if kind == "in bursts" else 1
    night = random.random()
    past = -(KEPT_GAPS + 1) * DAY / rate * size
    return sorted(
        at + random.random() * BURST_SECONDS * (size > 1)
        for at in _moments(past, rate / size, night, random)
        for _ in range(size)
    )


def _moments(start: float, rate: float, night: float, random: Random) -> Iterator[float]:
    """By chance, `rate` times a day on average; thinned by night."""
    at = start
    while (at := at + random.expovariate(rate * (1 + BY_NIGHT) / DAY)) < DAY:
        if random.random() * (1 + BY_NIGHT) < 1 + BY_NIGHT * sin(2 * pi * (at / DAY + night)):
            yield at


RATES: dict[str, Callable[[Random], float]] = {
    "usual": lambda random: min(random.lognormvariate(1.1, 1.2), MOST_A_DAY),
    "in bursts": lambda random: min(random.lognormvariate(1.6, 1.0), MOST_A_DAY),
    "rare": lambda random: random.uniform(0.05, 0.5),
    "busy": lambda random: random.uniform(50, MOST_A_DAY),
}
"""Entries a day."""


def _known_before(feed: Feed) -> State:
    """As if the feed had been polled all along."""
    seen = bisect_left(feed.times, 0)
    past = [_moment(time) for time in feed.times[:seen]]
    return State(rhythm=replace(observe(Rhythm(), past, START), polls=1), seen=seen)


def _moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(name: str, result: Result, feeds: int) -> dict[str, object]:
    """Delays in minutes."""
    delays = result.all_delays
    return {
        "": name,
        "requests a feed": result.requests / feeds,
        **{f"p{share}": _quantile(delays, share) / 60 for share in (50, 90, 99)},
        "mean": fmean(delays) / 60,
        **{kind: fmean(result.delays[kind]) / 60 for kind in KINDS if result.delays[kind]},
        "missed": result.missed,
    }


def _quantile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def compared(feeds: Sequence[Feed], minutes: int, seed: int) -> tuple[Result, list[dict[str, object]]]:
    """The schedule with this shortest interval, and polling at it, stretched to as many requests and as it is."""
    adaptive = Adaptive(feeds, Bounds(shortest=timedelta(minutes=minutes)), Random(seed)).run()
    stretched = len(feeds) * DAY / adaptive.requests
    return adaptive, [
        row(f"from {minutes} min", adaptive, len(feeds)),
        row(f"every {stretched / 60:.0f} min", fixed(feeds, stretched, Random(seed)), len(feeds)),
        row(f"every {minutes} min", fixed(feeds, minutes * 60, Random(seed)), len(feeds)),
    ]


def main(options: argparse.Namespace) -> None:
    began = time.perf_counter()
    feeds = make_feeds(options.feeds, Random(options.seed))
    rows: list[dict[str, object]] = []
    too_early = 0
    for minutes in (15, 60):
        adaptive, found = compared(feeds, minutes, options.seed)
        rows += found
        too_early += adaptive.too_early
    facts = {
        "feeds": len(feeds),
        "entries": sum(len(feed.times) - bisect_left(feed.times, 0) for feed in feeds),
        "fetchers": FETCHERS,
        "requests ahead of a host's pace": too_early,
        "seconds": round(time.perf_counter() - began),
    }
    report("simulation", facts, rows)
    if too_early:
        raise SystemExit(f"{too_early} requests came sooner after the one before than their host's pace allows")


if __name__ == "__main__":
    main(options())
