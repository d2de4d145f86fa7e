"""Feeds as their authors make them: what is published when, and the document that lists the newest of it."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

START = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)
"""A Monday."""
LENGTH = timedelta(days=14)
END = START + LENGTH
KNOWN_BEFORE = timedelta(days=30)
"""How long the papers had been there when the fortnight began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """`times` are when its entries come out; the document lists the newest `window` of them.

    It is a JSON Feed, which is read fastest, but for those that say what only RSS can say: `head` stands in the channel
    as it is, `archived` papers have documents of their older entries (RFC 5005), and what a `restless` one says of
    itself changes with the hour.
    """

    url: str
    times: tuple[datetime, ...]
    window: int = 12
    head: str = ""
    archived: bool = False
    restless: bool = False

    @property
    def is_rss(self) -> bool:
        return bool(self.head) or self.archived or self.restless

    @property
    def content_type(self) -> str:
        return "application/rss+xml" if self.is_rss else "application/feed+json"

    def count(self, at: datetime) -> int:
        """How many entries are out; also the document's version."""
        return bisect_right(self.times, at)

    def changed(self, at: datetime) -> datetime:
        return self.times[self.count(at) - 1].replace(microsecond=0)

    def identities(self, count: int) -> list[str]:
        return [f"{self.url}#{number}" for number in range(count)]

    def document(self, at: datetime) -> bytes:
        count = self.count(at)
        first = max(0, count - self.window)
        if not self.is_rss:
            return self._json(first, count)
        built = f"<lastBuildDate>{http_date(at)}</lastBuildDate>" if self.restless else ""
        return self._rss(first, count, built + self.head)

    def archive(self, end: int) -> bytes:
        """The document of the entries before number `end`."""
        return self._rss(max(0, end - self.window), end, "<fh:archive/>")

    def _json(self, first: int, end: int) -> bytes:
        items = [
            {
                "id": f"{self.url}#{number}",
                "url": f"{self.url}.{number}.html",
                "title": f"Edition {number}",
                "date_published": self.times[number].isoformat(),
            }
            for number in reversed(range(first, end))
        ]
        head = {"version": "https://jsonfeed.org/version/1.1", "title": self.url}
        return json.dumps({**head, "items": items}).encode()

    def _rss(self, first: int, end: int, head: str) -> bytes:
        items = "".join(self._item(number) for number in reversed(range(first, end)))
        earlier = f'<atom:link rel="prev-archive" href="{self.url}?before={first}"/>' if self.archived and first else ""
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
            'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
            'xmlns:fh="http://purl.org/syndication/history/1.0">'
            f"<channel><title>{self.url}</title><link>{self.url}</link><description>A paper</description>"
            f"{head}{earlier}{items}</channel></rss>"
        ).encode()

    def _item(self, number: int) -> str:
        return (
            f"<item><title>Edition {number}</title><link>{self.url}.{number}.html</link>"
            f'<guid isPermaLink="false">{self.url}#{number}</guid>'
            f"<pubDate>{http_date(self.times[number])}</pubDate></item>"
        )


def steady(every: timedelta, seed: int) -> tuple[datetime, ...]:
    """An entry about `every` so often, before and during the fortnight."""
    random, at, times = Random(seed), START - max(KNOWN_BEFORE, 5 * every), []
    while at < END:
        times.append(at)
        at += every * random.uniform(0.6, 1.4)
    return tuple(times)


def by_day(times: Sequence[datetime]) -> tuple[datetime, ...]:
    """Without those of the night."""
    return tuple(at for at in times if at.hour >= 6)


def with_burst(times: Sequence[datetime], at: datetime, count: int) -> tuple[datetime, ...]:
    """`count` more entries within as many seconds."""
    return tuple(sorted((*times, *(at + timedelta(seconds=number) for number in range(count)))))


def http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)
