"""Where a site may keep its feeds: by what a page of it says, then by custom. Pure.

A page is read to its first half megabyte with the standard library's tokeniser; a broken page gives what it can.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser
from urllib.parse import urlsplit

from shared.urls import host_of, normalise, site_of

MOST_PAGE_CHARACTERS = 512 * 1024
MOST_CANDIDATES = 40

_FEED_TYPES = (
    "application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml", "application/rss",
    "application/atom", "application/json", "application/xml", "text/xml", "text/rss", "text/rss+xml", "text/atom",
)  # fmt: skip
_FEED_LIKE = re.compile(r"(?<![a-z])(?:rss|atom|feeds?|rdf|news[_-]?sitemap|sitemap[_-]?news)(?![a-z])", re.IGNORECASE)
_NO_FEED = re.compile(r"comments?[/_-]?feed|withcomments|/wp-json/|oembed|\.(?:css|js|png|svg)$", re.IGNORECASE)
_CUSTOM = ("/feed", "/rss.xml", "/atom.xml", "/feed.json", "/sitemap-news.xml")


class Source(StrEnum):
    """Why an address may be a feed, the best reason first."""

    GIVEN = "given"
    ANNOUNCED = "announced"
    LINKED = "linked"
    ROBOTS = "robots"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """An address where a feed may be; `title` is what the page calls it."""

    url: str
    source: Source
    title: str | None = None


def guess(page: str, url: str, robots: str = "") -> tuple[Guess, ...]:
    """Best first, each address once: what the page at `url` announces, links to, robots.txt lists, and custom."""
    reader = _Reader()
    # The tokeniser gives up on some malformed declarations; what stood before them counts.
    with suppress(AssertionError, ValueError):
        reader.feed(page[:MOST_PAGE_CHARACTERS])
    base = normalise(reader.base or url, url) or url
    announced = _guesses(reader.announced, base, Source.ANNOUNCED)
    linked = [each for each in _guesses(reader.linked, base, Source.LINKED) if _is_feed_like(each.url, url)]
    listed = _guesses(((line, None) for line in _news_sitemaps(robots)), url, Source.ROBOTS)
    by_custom = _guesses(((path, None) for path in _CUSTOM), url, Source.CUSTOM)
    best: dict[str, Guess] = {}
    for each in (*announced, *linked, *listed, *by_custom):
        best.setdefault(each.url, each)
    return tuple(best.values())[:MOST_CANDIDATES]


def _guesses(found: Iterable[tuple[str, str | None]], base: str, source: Source) -> list[Guess]:
    resolved = ((normalise(link, base), title) for link, title in found)
    return [
        Guess(url=link, source=source, title=" ".join((title or "").split()) or None)
        for link, title in resolved
        if link and not _NO_FEED.search(link)
    ]


def _is_feed_like(link: str, page: str) -> bool:
    """An address that names a feed format, on the page's own site or on a host for feeds."""
    parts = urlsplit(link)
    named = _FEED_LIKE.search(f"{parts.path}?{parts.query}")
    return (named is not None and site_of(link) == site_of(page)) or host_of(link).startswith(("feeds.", "rss."))


def _news_sitemaps(robots: str) -> list[str]:
    """Those that name news before the others: a plain sitemap lists a site's whole past."""
    fields = (line.partition(":") for line in robots.splitlines())
    listed = [value.strip() for name, _, value in fields if name.strip().lower() == "sitemap" and value.strip()]
    return sorted(listed, key=lambda address: "news" not in address.lower())


class _Reader(HTMLParser):
    """Collects addresses with their titles. A link's own text is not read: `RSS` and an icon say nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.base: str | None = None
        self.announced: list[tuple[str, str | None]] = []
        self.linked: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if not said.get("href"):
            return
        if tag == "base" and self.base is None:
            self.base = said["href"]
        elif tag in {"link", "a"} and _announces(said):
            self.announced.append((said["href"], said.get("title")))
        elif tag == "a":
            self.linked.append((said["href"], said.get("title")))


def _announces(said: Mapping[str, str]) -> bool:
    relations = said.get("rel", "").lower().split()
    kind = said.get("type", "").partition(";")[0].strip().lower()
    return "feed" in relations or ("alternate" in relations and kind in _FEED_TYPES)
