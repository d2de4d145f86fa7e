"""Bytes to ParsedFeed. Runs in a worker process that is killed when it takes too long; the only importer of feedparser.

feedparser is quadratic in places that a feed's author controls, reads bytes that look like a path as that path's file
(hence BytesIO), and cleans HTML that nobody here shows (hence both flags off, which also is the bulk of its time).
It gets no base address: it would resolve guids too, and a feed that moves would seem to be all new.
"""

import html
import io
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import feedparser

from services.fetcher.identity import Draft, entries
from services.fetcher.jsonfeed import read_json_feed
from services.fetcher.model import ParsedFeed, Wishes
from shared.errors import PermanentError
from shared.urls import normalise

MOST_ENTRIES = 2000

_HALF = rb"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*5[5-7][0-9]{3});"
"""A reference to what may be half of a character: U+D800 to U+DFFF, and some neighbours of theirs in decimal."""
_HALVES = re.compile(rb"(?:%b)+" % _HALF)
_TAIL = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_NAME_IN_BRACKETS = re.compile(r"[^\s@()]+@[^\s@()]+\s*\(([^()]+)\)")
_PERIODS = {"hourly": 1, "daily": 24, "dayly": 24, "weekly": 7 * 24, "monthly": 30 * 24, "yearly": 365 * 24}
_FAULTS = (
    (feedparser.NonXMLContentType, "wrong_content_type"),
    (feedparser.CharacterEncodingOverride, "wrong_encoding"),
    (feedparser.CharacterEncodingUnknown, "unknown_encoding"),
)


def parse_feed(body: bytes, content_type: str | None, final_url: str, now: datetime) -> ParsedFeed:
    """What the document holds; raises PermanentError `not_a_feed` for a page, an empty body or any other document.

    `final_url` is what relative addresses are relative to. A broken document gives what can be read, and its faults.
    """
    if not body.strip():
        raise PermanentError("not_a_feed", "empty body")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        title, drafts, faults = read_json_feed(body.decode("utf-8-sig", "replace"), final_url)
        ttl = None
    else:
        document = _document(body, content_type)
        title, ttl = _title(document.feed), _ttl(document.feed)
        drafts, faults = tuple(_drafts(document, final_url)), tuple(_faults(document, body))
    return _feed(title, drafts, ttl, faults, now)


def _feed(
    title: str | None, drafts: tuple[Draft, ...], ttl: timedelta | None, faults: tuple[str, ...], now: datetime
) -> ParsedFeed:
    if len(drafts) > MOST_ENTRIES:
        drafts, faults = drafts[:MOST_ENTRIES], (*faults, "entries_cut")
    kept = entries(drafts, now)
    if len(kept) < len(drafts):
        faults = (*faults, "repeated_entries")
    return ParsedFeed(title=title, entries=kept, wishes=Wishes(ttl=ttl), faults=faults)


def _document(body: bytes, content_type: str | None) -> Any:  # noqa: ANN401 - feedparser has no types
    try:
        document = feedparser.parse(
            io.BytesIO(_HALVES.sub(_joined, body)),
            response_headers={"content-type": _content_type(body, content_type)},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    except Exception as error:
        raise PermanentError("not_a_feed", f"the parser gave up: {error!r}"[:300]) from error
    if not document.version and not document.entries:
        looks = "an HTML page" if re.search(rb"<(?:!doctype )?html", body[:2000], re.IGNORECASE) else "no feed format"
        raise PermanentError("not_a_feed", f"{looks}, sent as {content_type or 'no type'}"[:300])
    return document


def _joined(found: re.Match[bytes]) -> bytes:
    """Halves of characters as references to whole ones; a half on its own is nothing, and feedparser fails on it."""
    numbers = (each[2:] for each in found[0].split(b";")[:-1])
    text = "".join(chr(int(each[1:], 16) if each[:1] in b"xX" else int(each)) for each in numbers)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return b"".join(b"&#%d;" % ord(character) for character in whole)


def _content_type(body: bytes, content_type: str | None) -> str:
    """What decodes as UTF-8 is UTF-8, whatever the server and the document say; many say it by default."""
    given = content_type or "application/xml"
    try:
        decoded_length = len(body.decode())
    except UnicodeDecodeError:
        return given
    return given if decoded_length == len(body) else f"{given.split(';')[0]}; charset=utf-8"


def _faults(document: Mapping[str, Any], body: bytes) -> Iterator[str]:
    if document["bozo"]:
        cause = document.get("bozo_exception")
        yield next((code for kind, code in _FAULTS if isinstance(cause, kind)), "not_well_formed")
    if not _TAIL.search(body.replace(b"\x00", b"")):
        yield "truncated"


def _drafts(document: Any, base: str) -> Iterator[Draft]:  # noqa: ANN401 - as above
    dated_by_dc = document.version.startswith("rss")
    # One more than are kept shows that there were more.
    for entry in islice(document.entries, MOST_ENTRIES + 1):
        published, updated = _said(entry, "published") or _said(entry, "created"), _said(entry, "updated")
        if dated_by_dc and not published:
            published, updated = updated, None
        summary, content = _summary(entry), _content(entry)
        yield Draft(
            guid=_said(entry, "id"),
            url=_link(entry, base),
            title=_title(entry),
            authors=tuple(dict.fromkeys(_authors(entry))),
            published=published,
            updated=updated,
            summary=None if summary == content else summary,
            content=content,
            tags=tuple(dict.fromkeys(_tags(entry))),
        )


def _said(element: Mapping[str, Any], key: str) -> str | None:
    """A text of the element itself: feedparser's own lookup falls back from one date to the other."""
    value = dict.get(element, key) if isinstance(element, dict) else None
    return _clean(value) if isinstance(value, str) else None


def _clean(text: str) -> str | None:
    """Without NUL and halves of characters, which character references can smuggle in and no store takes."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode().strip() or None


def _link(entry: Mapping[str, Any], base: str) -> str | None:
    """The page of the entry: http(s), absolute, the publisher's own where a feed service also gives that."""
    pages = (link for link in entry.get("links", ()) if link.get("rel") == "alternate")
    html_first = sorted(pages, key=lambda link: "html" not in (link.get("type") or "html"))
    candidates = [_said(entry, "feedburner_origlink"), *(_said(link, "href") for link in html_first)]
    if entry.get("guidislink"):
        candidates.append(_guid_address(entry))
    found = (normalise(candidate, base) for candidate in candidates if candidate)
    return next((address for address in found if address), None)


def _guid_address(entry: Mapping[str, Any]) -> str | None:
    guid = _said(entry, "id")
    return guid if guid and guid.lower().startswith(("http://", "https://")) else None


def _title(element: Mapping[str, Any]) -> str | None:
    """As plain text in one line."""
    title = _said(element, "title")
    if title is None:
        return None
    if "html" in element.get("title_detail", {}).get("type", ""):
        title = html.unescape(_TAG.sub("", title))
    return " ".join(title.split()) or None


def _summary(entry: Mapping[str, Any]) -> str | None:
    """Without `summary_detail` it is feedparser's copy of the content."""
    return _said(entry, "summary") if "summary_detail" in entry else None


def _content(entry: Mapping[str, Any]) -> str | None:
    texts = [text for each in entry.get("content", ()) if (text := _said(each, "value"))]
    return max(texts, key=len, default=None)


def _authors(entry: Mapping[str, Any]) -> Iterator[str]:
    """Names only: `desk@example.org (Night Desk)` is Night Desk, a bare address is nobody."""
    for author in entry.get("authors", ()):
        name = " ".join(_author(_said(author, "name") or "", _said(author, "email")).split())
        if name and "@" not in name:
            yield name


def _author(name: str, email: str | None) -> str:
    """An address ends for feedparser four letters into its top domain: `a@b.africa (Desk)` becomes `ca (Desk`."""
    if email is None:
        bracketed = _NAME_IN_BRACKETS.fullmatch(name)
        return bracketed[1] if bracketed else name
    before, _, inside = _TAG.sub("", name).partition("(")
    rest_of_address = len(email.rpartition(".")[2]) == 4 and re.fullmatch(r"[a-z.]+\s*", before)
    return inside if rest_of_address else before


def _tags(entry: Mapping[str, Any]) -> Iterator[str]:
    for tag in entry.get("tags", ()):
        if term := _said(tag, "label") or _said(tag, "term"):
            yield term


def _ttl(feed: Mapping[str, Any]) -> timedelta | None:
    """How long the feed says it stays as it is: RSS `ttl` in minutes, else the syndication module's period."""
    minutes = _number(_said(feed, "ttl"))
    if minutes is None:
        hours = _PERIODS.get((_said(feed, "sy_updateperiod") or "").lower())
        frequency = _number(_said(feed, "sy_updatefrequency")) or 1.0
        minutes = hours * 60 / frequency if hours else None
    return timedelta(minutes=min(minutes, 365 * 24 * 60)) if minutes else None


def _number(text: str | None) -> float | None:
    """A positive finite number, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value > 0 and math.isfinite(value) else None
