"""Sitemaps, news sitemaps and their indexes (sitemaps.org, Google News) as feeds. Pure.

Their elements are read by expat one by one; entities are refused, and a broken document gives what stood before the
fault. Sitemaps have no order and may list fifty thousand pages: of too many the newest are taken.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from xml.parsers import expat

from services.fetcher.documents.dates import read_date
from services.fetcher.documents.faults import Fault
from services.fetcher.documents.identity import Draft
from services.fetcher.model import Sitemap
from shared.urls import normalise

LONGEST_TEXT = 10_000
"""Characters of one element; what is longer is cut."""

_ITEMS = frozenset({"url", "sitemap"})
_FIELDS = frozenset({"loc", "lastmod", "title", "publication_date", "keywords", "name"})
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapDocument:
    """`title` is the publication's name in a news sitemap. A sitemap has drafts, an index has sitemaps."""

    title: str | None = None
    drafts: tuple[Draft, ...] = ()
    sitemaps: tuple[Sitemap, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_sitemap(text: str, base: str, now: datetime, *, most: int) -> SitemapDocument:
    """The `most` newest pages or sitemaps that the document lists, in its own order."""
    reading = _Reading()
    broken = reading.read(text)
    drafts = tuple(draft for item in reading.pages if (draft := _draft(item, base)))
    sitemaps = tuple(sitemap for item in reading.indexed if (sitemap := _sitemap(item, base, now)))
    kept = _newest([(draft, _modified(draft, now)) for draft in drafts], most)
    listed = _newest([(sitemap, sitemap.modified or _LONG_AGO) for sitemap in sitemaps], most)
    cut = len(kept) < len(drafts) or len(listed) < len(sitemaps)
    return SitemapDocument(
        title=next((item["name"] for item in reading.pages if "name" in item), None),
        drafts=tuple(kept),
        sitemaps=tuple(listed),
        faults=(*([Fault.NOT_WELL_FORMED] if broken else []), *([Fault.ENTRIES_CUT] if cut else [])),
    )


def _newest(dated: list[tuple[T, datetime]], most: int) -> list[T]:
    newest = sorted(range(len(dated)), key=lambda number: dated[number][1], reverse=True)[:most]
    return [dated[number][0] for number in sorted(newest)]


def _draft(item: dict[str, str], base: str) -> Draft | None:
    url = normalise(item.get("loc", ""), base) if item.get("loc") else None
    if url is None:
        return None
    words = (word.strip() for word in item.get("keywords", "").split(","))
    return Draft(
        url=url,
        title=" ".join(item.get("title", "").split()) or None,
        published=item.get("publication_date"),
        updated=item.get("lastmod"),
        tags=tuple(dict.fromkeys(word for word in words if word)),
    )


def _sitemap(item: dict[str, str], base: str, now: datetime) -> Sitemap | None:
    url = normalise(item["loc"], base) if item.get("loc") else None
    return Sitemap(url=url, modified=read_date(item.get("lastmod"), now)) if url else None


def _modified(draft: Draft, now: datetime) -> datetime:
    return read_date(draft.published, now) or read_date(draft.updated, now) or _LONG_AGO


@dataclass(slots=True)
class _Reading:
    """One pass of expat: `pages` and `indexed` are the finished items, their texts by local name."""

    pages: list[dict[str, str]] = field(default_factory=list)
    indexed: list[dict[str, str]] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)
    _item: dict[str, str] = field(default_factory=dict)
    _text: list[str] = field(default_factory=list)

    def read(self, text: str) -> bool:
        """Whether the document is broken."""
        # Namespaces are left unread: many a news sitemap does not declare the one it uses.
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.EntityDeclHandler = _refuse
        try:
            parser.Parse(text.encode(), True)
        except (expat.ExpatError, _Refused):
            return True
        return False

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2].lower())
        self._text.clear()
        if self._path[-1] in _ITEMS:
            self._item = {}

    def _end(self, _name: str) -> None:
        name = self._path.pop()
        if name in _ITEMS:
            (self.pages if name == "url" else self.indexed).append(self._item)
            self._item = {}
        elif name in _FIELDS and self._stands_right(name):
            text = "".join(self._text)[:LONGEST_TEXT].replace("\x00", "").strip()
            if text:
                self._item.setdefault(name, text)
        self._text.clear()

    def _stands_right(self, name: str) -> bool:
        """Directly in its item, or in the item's `news`: images and videos have addresses and titles of their own."""
        parent = self._path[-1] if self._path else ""
        return parent in _ITEMS if name in {"loc", "lastmod"} else parent in {"news", "publication"}


class _Refused(Exception):
    """A sitemap needs no entities."""


def _refuse(*_declaration: object) -> None:
    raise _Refused
