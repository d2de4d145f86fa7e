"""Address → document: everything the newsroom can answer during its current edition."""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import escape

from services.newsroom.bulk import bulk_articles, bulk_outlet, bulk_snapshot
from services.newsroom.content import outlets
from services.newsroom.feeds import content_type, render_feed
from services.newsroom.model import Address, Article, ArticlePage, ConsentWall, Feed, Moved, Outlet, Withheld
from services.newsroom.pages import render_consent_wall, render_home, render_page
from services.newsroom.script import RESTLESS
from services.newsroom.snapshot import Snapshot, snapshot, standing_articles

CARDS = 6


@dataclass(frozen=True, kw_only=True)  # no slots: the compressed body is kept beside the plain one
class Document:
    """A response before it is known what the asker already has."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    etag: str | None = None
    last_modified: datetime | None = None
    location: str | None = None

    @cached_property
    def gzipped(self) -> bytes:
        return gzip.compress(self.body, compresslevel=5, mtime=0)


class Press:
    """Renders documents once and keeps them; the restless page alone is rendered at every request."""

    def __init__(self, *, started_at: datetime, filler_bytes: int, bulk: int) -> None:
        self._started_at = started_at
        self._filler_bytes = filler_bytes
        self._bulk = bulk_snapshot(bulk_articles(bulk)) if bulk else Snapshot(feeds={}, pages={})
        self._outlets = {outlet.host: outlet for outlet in (*outlets(), *([bulk_outlet()] if bulk else []))}
        self._standing = {outlet.host: standing_articles(outlet) for outlet in outlets()}
        self._printed: dict[tuple[str | int | bool, ...], Document] = {}
        self._restless_prints = 0
        self.turn_to(1)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._outlets)

    @property
    def feed_addresses(self) -> tuple[Address, ...]:
        return tuple(self._snapshot.feeds)

    def turn_to(self, edition: int) -> None:
        self._edition = edition
        scripted = snapshot(edition)
        self._snapshot = Snapshot(feeds=scripted.feeds | self._bulk.feeds, pages=scripted.pages | self._bulk.pages)

    def document(self, address: Address) -> Document:
        """Return what stands at that host and path, a 404 that says why if nothing does."""
        host, path = address
        outlet = self._outlets.get(host)
        if outlet is None:
            return _plain(404, f"No outlet is called {host}; this newsroom prints {', '.join(self._outlets)}.\n")
        if path == "/robots.txt":
            return _plain(200, outlet.robots)
        if path == "/":
            return Document(
                body=render_home(outlet, self._standing.get(host, ())),
                content_type=f"text/html; charset={outlet.page.encoding}",
            )
        if feed := self._snapshot.feeds.get(address):
            return self._feed(feed)
        return self._page(address)

    def _feed(self, feed: Feed) -> Document:
        key = (feed.outlet.host, feed.path, self._edition)
        if key not in self._printed:
            self._printed[key] = _validated(
                render_feed(feed, started_at=self._started_at),
                outlet=feed.outlet,
                content_type=content_type(feed),
                modified=self._started_at - feed.age,
            )
        return self._printed[key]

    def _page(self, address: Address) -> Document:
        match self._snapshot.pages.get(address):
            case ArticlePage() as page:
                return self._article_page(page)
            case Moved(location=location):
                return Document(status=301, location=location)
            case ConsentWall() as wall:
                return Document(body=render_consent_wall(wall), content_type=f"text/html; charset={wall.encoding}")
            case Withheld(url=url):
                return _notice(403, f"Members only: {url}")
            case None:
                return _notice(404, f"Nothing is published at {address[1]}")

    def _article_page(self, page: ArticlePage) -> Document:
        if page.article.slug == RESTLESS:
            self._restless_prints += 1
            return self._print(page, variation=self._restless_prints)
        key = (page.article.url, page.amp, page.article.revision)
        if key not in self._printed:
            self._printed[key] = self._print(page, variation=0)
        return self._printed[key]

    def _print(self, page: ArticlePage, *, variation: int) -> Document:
        body = render_page(
            page,
            started_at=self._started_at,
            cards=self._cards(page.article, variation),
            filler_bytes=self._filler_bytes,
            counter=variation,
        )
        return _validated(
            body,
            outlet=page.outlet,
            content_type=f"text/html; charset={page.outlet.page.encoding}",
            modified=self._started_at - page.article.modified_age,
        )

    def _cards(self, article: Article, variation: int) -> Sequence[Article]:
        others = [other for other in self._standing.get(article.host, ()) if other.url != article.url]
        start = variation % len(others) if others else 0
        return (others[start:] + others[:start])[:CARDS]


def _validated(body: bytes, *, outlet: Outlet, content_type: str, modified: datetime) -> Document:
    """Give a body the validators that its outlet sends."""
    digest = hashlib.sha256(body).hexdigest()[:20]
    etags = {"etag": f'"{digest}"', "weak_etag": f'W/"{digest}"'}
    return Document(
        body=body,
        content_type=content_type,
        etag=next((tag for kind, tag in etags.items() if kind in outlet.feed.validators), None),
        last_modified=modified if "last_modified" in outlet.feed.validators else None,
    )


def _notice(status: int, text: str) -> Document:
    body = f"<!doctype html>\n<title>{status}</title>\n<h1>{status}</h1>\n<p>{escape(text)}</p>\n"
    return Document(status=status, body=body.encode())


def _plain(status: int, text: str) -> Document:
    return Document(status=status, body=text.encode(), content_type="text/plain; charset=utf-8")
