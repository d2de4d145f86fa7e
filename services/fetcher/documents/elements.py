"""What feedparser read, by our own rules: titles, links, authors, dates, and what the feed asks of its readers. Pure.

The elements are feedparser's mappings; nothing here needs feedparser itself.
"""

import html
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from services.fetcher.documents.identity import Draft
from services.fetcher.model import FeedLinks, Wishes
from shared.urls import normalise

Element = Mapping[str, Any]

LONGEST_LIST = 2000
"""Characters of `skipHours` or `skipDays`, tags included."""

_TAG = re.compile(r"<(?:/?[A-Za-z]|!)[^<>]*>")
_NAME_IN_BRACKETS = re.compile(r"[^\s@()]+@[^\s@()]+\s*\(([^()]+)\)")
_HOUR = re.compile(r"<hour>\s*(\d{1,2})\s*<")
_DAY = re.compile(r"<day>\s*(\w+)\s*<")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_MINUTES = 365 * 24 * 60

# `dayly` and `always` are met in the wild; an empty period is the module's default.
_PERIOD_HOURS = {
    "always": 1, "hourly": 1, "": 24, "daily": 24, "dayly": 24, "weekly": 7 * 24, "monthly": 30 * 24, "yearly": 365 * 24
}  # fmt: skip


def read_entry(entry: Element, base: str, *, dated_by_dc: bool, escaped: bool) -> Draft:
    """`dated_by_dc`: in RSS a lone `dc:date`, which feedparser takes for the last change, is the day of publication.

    `escaped`: a guid is spelled with references, as in a document that is not well-formed.
    """
    published, updated = _said(entry, "published") or _said(entry, "created"), _said(entry, "updated")
    if dated_by_dc and not published:
        published, updated = updated, None
    summary, content, guid = _summary(entry), _content(entry), _said(entry, "id")
    guid = _clean(html.unescape(guid)) if guid and escaped else guid
    return Draft(
        guid=guid,
        url=_link(entry, guid, base),
        title=read_title(entry),
        authors=tuple(dict.fromkeys(_authors(entry))),
        published=published,
        updated=updated,
        summary=None if summary == content else summary,
        content=content,
        tags=tuple(dict.fromkeys(_tags(entry))),
    )


def read_title(element: Element) -> str | None:
    """As plain text in one line."""
    title = _said(element, "title")
    if title is None:
        return None
    if "html" in element.get("title_detail", {}).get("type", ""):
        title = html.unescape(_TAG.sub("", title))
    return " ".join(title.split()) or None


def read_wishes(feed: Element, text: str) -> Wishes:
    """`text` is the document, for the lists of which feedparser keeps the last item only."""
    minutes = _number(_said(feed, "ttl"))
    text = text.lower()
    hours = {int(hour) % 24 for hour in _HOUR.findall(_list(text, "skiphours")) if int(hour) <= 24}
    days = {day[:3] for day in _DAY.findall(_list(text, "skipdays"))}
    return Wishes(
        ttl=_minutes(minutes) if minutes else None,
        period=_period(feed),
        skip_hours=_some(hours, 24),
        skip_days=_some((_DAYS.index(day) for day in days if day in _DAYS), 7),
    )


def read_links(feed: Element, base: str) -> FeedLinks:
    """The first of each kind; an archive is taken before the next page."""
    found: dict[str, str] = {}
    for link in feed.get("links", ()):
        href = _said(link, "href")
        if href and (address := normalise(href, base)):
            found.setdefault(str(link.get("rel")).lower(), address)
    earlier = found.get("prev-archive") or found.get("next")
    return FeedLinks(hub=found.get("hub"), own=found.get("self"), earlier=earlier)


def read_home(feed: Element) -> str:
    """Where the feed says that it is, or its site; empty where it does not. A document in a file has nothing better."""
    return read_links(feed, "").own or normalise(_said(feed, "link") or "") or ""


def _said(element: Element, key: str) -> str | None:
    """A text of the element itself: feedparser's own lookup falls back from one date to the other."""
    value = dict.get(element, key) if isinstance(element, dict) else None
    return _clean(value) if isinstance(value, str) else None


def _clean(text: str) -> str | None:
    """Without NUL and halves of characters, which character references can smuggle in and no store takes."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode().strip() or None


def _link(entry: Element, guid: str | None, base: str) -> str | None:
    """The page of the entry: http(s), absolute, the publisher's own where a feed service also gives that."""
    pages = (link for link in entry.get("links", ()) if link.get("rel") == "alternate")
    html_first = sorted(pages, key=lambda link: "html" not in (link.get("type") or "html"))
    candidates = [_said(entry, "feedburner_origlink"), *(_said(link, "href") for link in html_first)]
    if entry.get("guidislink") and guid and guid.lower().startswith(("http://", "https://")):
        candidates.append(guid)
    found = (normalise(candidate, base) for candidate in candidates if candidate)
    return next((address for address in found if address), None)


def _summary(entry: Element) -> str | None:
    """Without `summary_detail` it is feedparser's copy of the content."""
    return _said(entry, "summary") if "summary_detail" in entry else None


def _content(entry: Element) -> str | None:
    texts = [text for each in entry.get("content", ()) if (text := _said(each, "value"))]
    return max(texts, key=len, default=None)


def _authors(entry: Element) -> Iterator[str]:
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


def _tags(entry: Element) -> Iterator[str]:
    for tag in entry.get("tags", ()):
        if term := _said(tag, "label") or _said(tag, "term"):
            yield term


def _period(feed: Element) -> timedelta | None:
    """How often the syndication module says that the feed is renewed."""
    if not {"sy_updateperiod", "sy_updatefrequency"} & feed.keys():
        return None
    hours = _PERIOD_HOURS.get((_said(feed, "sy_updateperiod") or "").lower())
    return _minutes(hours * 60 / (_number(_said(feed, "sy_updatefrequency")) or 1.0)) if hours else None


def _minutes(value: float) -> timedelta:
    return timedelta(minutes=min(value, _LONGEST_MINUTES))


def _number(text: str | None) -> float | None:
    """A positive finite number, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value > 0 and math.isfinite(value) else None


def _list(text: str, name: str) -> str:
    start = text.find(f"<{name}")
    return text[start : start + LONGEST_LIST].partition(f"/{name}")[0] if start >= 0 else ""


def _some(members: Iterable[int], of: int) -> frozenset[int]:
    """Nothing where all are skipped: such a feed could never be read."""
    found = frozenset(members)
    return found if len(found) < of else frozenset()
