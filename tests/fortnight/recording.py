"""What a fortnight leaves behind to be judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from fortnight.papers import END
from fortnight.recorder import Asked, Exchange
from fortnight.world import Scene

INTERRUPTED = timedelta(minutes=1)
"""Before a kill: a request whose answer the fetcher may not have lived to store, and repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """`seen` are the stored entries by feed, `kills` when a fetcher was killed, `logs` the log's events."""

    scenes: Mapping[str, Scene]
    exchanges: Sequence[Exchange]
    broken: Sequence[Asked]
    seen: Mapping[str, frozenset[str]]
    kills: Sequence[datetime]
    logs: Sequence[Mapping[str, object]]

    def of(self, url: str) -> list[Exchange]:
        """What was asked at this address, and answered."""
        return [each for each in self.exchanges if each.asked.url == url]

    def tries(self, url: str) -> list[datetime]:
        """When it was asked for, with or without an answer."""
        broken = [each.at for each in self.broken if each.url == url]
        return sorted([*(each.asked.at for each in self.of(url)), *broken])

    def at(self, scene: str) -> list[Exchange]:
        return self.of(self.scenes[scene].url)

    def urls(self) -> list[str]:
        """All addresses that were asked for, but for those of robots.txt."""
        return sorted({each.asked.url for each in self.exchanges if each.asked.target != "/robots.txt"})

    def successive(self, url: str) -> Iterator[tuple[Exchange, Exchange]]:
        """Each request with the one after it, but for those that a kill made necessary."""
        return (pair for pair in pairwise(self.of(url)) if not self.was_interrupted(pair[0]))

    def was_interrupted(self, exchange: Exchange) -> bool:
        return any(timedelta(0) <= kill - exchange.asked.at < INTERRUPTED for kill in self.kills)

    def unseen(self, scene: str, end: datetime = END - timedelta(days=1)) -> set[str]:
        """Entries that were listed from the first poll to `end`, and are not stored."""
        paper = self.scenes[scene].paper
        there = self.seen.get(self.scenes[scene].url, frozenset())
        first = next(each.asked.at for each in self.of(paper.url) if each.answer.status == 200)
        out = range(max(0, paper.count(first) - paper.window), paper.count(end))
        return {name for number, name in enumerate(paper.identities(len(paper.times))) if number in out} - there

    def statuses(self, scene: str, when: Callable[[datetime], bool] = lambda _: True) -> list[int]:
        return [each.answer.status for each in self.at(scene) if when(each.asked.at)]
