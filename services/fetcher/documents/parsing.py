"""Bytes to ParsedFeed. Runs in a worker process that is killed when it takes too long; the only importer of feedparser.

    charset    bytes → text, by what the bytes are
    markup     the feed in the text, without what XML forbids and what takes feedparser quadratic time
    feedparser, sitemaps or jsonfeed → drafts → identity → entries

feedparser reads bytes that look like a path as that path's file (hence BytesIO), and cleans HTML that nobody here shows
(hence both flags off, which also is the bulk of its time). It gets no base address: it would resolve guids too, and a
feed that moves would seem to be all new.
"""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

import feedparser

from services.fetcher.documents.charset import read_text
from services.fetcher.documents.elements import read_entry, read_home, read_links, read_title, read_wishes
from services.fetcher.documents.faults import Fault
from services.fetcher.documents.identity import Draft, entries
from services.fetcher.documents.jsonfeed import read_json_feed
from services.fetcher.documents.markup import Markup, is_page, prepare
from services.fetcher.documents.sitemaps import read_sitemap
from services.fetcher.model import ParsedFeed
from shared.errors import PermanentError

MOST_ENTRIES = 2000


def parse_feed(body: bytes, content_type: str | None, final_url: str, now: datetime) -> ParsedFeed:
    """What the document holds; raises PermanentError `not_a_feed` for a page, an empty body or any other document.

    `final_url` is what relative addresses are relative to; where it is empty, what the document says of itself.
    A broken document gives what can be read, and its faults.
    """
    text, faults = read_text(body, content_type)
    if not text.strip():
        raise PermanentError("not_a_feed", "empty body")
    if text.lstrip().startswith("{"):
        return _json_feed(text, final_url, now, faults)
    markup = prepare(text, most_entries=MOST_ENTRIES, now=now)
    markup = replace(markup, faults=(*faults, *markup.faults))
    if markup.root in {"urlset", "sitemapindex"}:
        return _sitemap(markup, final_url, now)
    return _feed(markup, content_type, final_url, now)


def _json_feed(text: str, base: str, now: datetime, faults: tuple[Fault, ...]) -> ParsedFeed:
    feed = read_json_feed(text, base, now, most=MOST_ENTRIES)
    parsed = ParsedFeed(title=feed.title, links=feed.links, faults=(*faults, *feed.faults))
    return _with_entries(parsed, feed.drafts, now)


def _sitemap(markup: Markup, base: str, now: datetime) -> ParsedFeed:
    sitemap = read_sitemap(markup.text, base, now, most=MOST_ENTRIES)
    faults = tuple(dict.fromkeys((*markup.faults, *sitemap.faults)))
    return _with_entries(ParsedFeed(title=sitemap.title, sitemaps=sitemap.sitemaps, faults=faults), sitemap.drafts, now)


def _feed(markup: Markup, content_type: str | None, base: str, now: datetime) -> ParsedFeed:
    document = _document(markup, content_type)
    base = base or read_home(document.feed)
    faults = _faults(document)
    # Where the document is not well-formed feedparser leaves guids escaped.
    escaped, dated_by_dc = Fault.NOT_WELL_FORMED in faults, document.version.startswith("rss")
    drafts = tuple(
        read_entry(entry, base, dated_by_dc=dated_by_dc, escaped=escaped)
        for entry in islice(document.entries, MOST_ENTRIES)
    )
    parsed = ParsedFeed(
        title=read_title(document.feed),
        wishes=read_wishes(document.feed, markup.text),
        links=read_links(document.feed, base),
        faults=tuple(dict.fromkeys((*markup.faults, *faults))),
    )
    return _with_entries(parsed, drafts, now)


def _with_entries(parsed: ParsedFeed, drafts: tuple[Draft, ...], now: datetime) -> ParsedFeed:
    kept = entries(drafts, now)
    faults = parsed.faults if len(kept) == len(drafts) else (*parsed.faults, Fault.REPEATED_ENTRIES)
    return replace(parsed, entries=kept, faults=faults)


def _document(markup: Markup, content_type: str | None) -> Any:  # noqa: ANN401 - feedparser has no types
    if markup.root is None and is_page(markup.text):
        raise _not_a_feed(markup, content_type)
    try:
        document = feedparser.parse(
            io.BytesIO(markup.text.encode()),
            response_headers={"content-type": f"{(content_type or 'application/xml').split(';')[0]}; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    except Exception as error:
        raise PermanentError("not_a_feed", f"the parser gave up: {error!r}"[:300]) from error
    # A page may name the elements of a feed; only what has entries too is a feed in a page.
    said_nothing = not document.entries and (not document.version or Fault.WRAPPED in markup.faults)
    if said_nothing:
        raise _not_a_feed(markup, content_type)
    return document


def _not_a_feed(markup: Markup, content_type: str | None) -> PermanentError:
    looks = "an HTML page" if is_page(markup.text) else "no feed format"
    return PermanentError("not_a_feed", f"{looks}, sent as {content_type or 'no type'}"[:300])


def _faults(document: Mapping[str, Any]) -> tuple[Fault, ...]:
    if not document["bozo"]:
        return ()
    wrong_type = isinstance(document.get("bozo_exception"), feedparser.NonXMLContentType)
    return (Fault.WRONG_CONTENT_TYPE if wrong_type else Fault.NOT_WELL_FORMED,)
