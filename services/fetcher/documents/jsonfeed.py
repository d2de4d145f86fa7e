"""JSON Feed 1.0 and 1.1 (jsonfeed.org), whole or cut short. Pure."""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from services.fetcher.documents.dates import read_date
from services.fetcher.documents.faults import Fault
from services.fetcher.documents.identity import Draft
from services.fetcher.model import FeedLinks
from shared.errors import PermanentError
from shared.urls import normalise

MOST_FAULTS = 100
"""Behind which reading goes on; each costs Python's decoder a count of the lines before it."""

_VERSION = "jsonfeed.org/version/"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFeed:
    """A JSON Feed, its entries as drafts."""

    title: str | None = None
    links: FeedLinks = field(default_factory=FeedLinks)
    drafts: tuple[Draft, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_json_feed(text: str, base: str, now: datetime, *, most: int) -> JsonFeed:
    """The `most` newest entries of the JSON Feed at `base`, as far as it goes; raises PermanentError `not_a_feed`."""
    faults: tuple[Fault, ...] = ()
    try:
        document = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        document, faults = _salvage(text, error, most + 1), (Fault.TRUNCATED,)
    if not isinstance(document, dict) or _VERSION not in str(document.get("version")):
        raise PermanentError("not_a_feed", "JSON, but no JSON Feed")
    base = base or _address(document.get("feed_url"), "") or _address(document.get("home_page_url"), "") or ""
    items = [item for item in _list(document.get("items")) if isinstance(item, dict)]
    if len(items) > most:
        items, faults = _newest(items, most, now), (*faults, Fault.ENTRIES_CUT)
    return JsonFeed(
        title=_line(document.get("title")),
        links=_links(document, base),
        drafts=tuple(_draft(item, base) for item in items),
        faults=faults,
    )


def _newest(items: list[dict[str, Any]], most: int, now: datetime) -> list[dict[str, Any]]:
    """The last where the feed is written oldest first, else the first."""
    first, last = (read_date(_text(item.get("date_published")), now) for item in (items[0], items[-1]))
    return items[-most:] if first and last and first < last else items[:most]


def _links(document: Mapping[str, Any], base: str) -> FeedLinks:
    hubs = (hub for hub in _list(document.get("hubs")) if isinstance(hub, dict))
    websub = (hub.get("url") for hub in hubs if str(hub.get("type")).lower() in {"websub", "pubsubhubbub"})
    return FeedLinks(
        hub=_address(next(websub, None), base),
        own=_address(document.get("feed_url"), base),
        earlier=_address(document.get("next_url"), base),
    )


def _salvage(text: str, cause: Exception, most: int) -> dict[str, Any]:
    """What is whole around the faults: the entries are objects one after the other."""
    head, found, tail = text.partition('"items"')
    if _VERSION not in head.replace("\\/", "/") or not found:
        raise PermanentError("not_a_feed", f"broken JSON: {cause}"[:300]) from cause
    return {**_salvaged_head(head), "version": _VERSION, "items": list(islice(_whole_objects(tail), most))}


def _salvaged_head(head: str) -> dict[str, Any]:
    try:
        found = json.loads(head.rstrip().removesuffix(",") + "}", strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _whole_objects(text: str) -> Iterator[Any]:
    """Behind a fault, where parts of the broken object may come first, only what has an id is an entry."""
    decoder = json.JSONDecoder(strict=False)
    at, faults = text.find("{"), 0
    while at >= 0 and faults < MOST_FAULTS:
        try:
            item, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            faults, at = faults + 1, max(error.pos, at + 1)
        except RecursionError:
            return
        else:
            if not faults or "id" in item:
                yield item
        at = text.find("{", at)


def _draft(item: Mapping[str, Any], base: str) -> Draft:
    plain = _text(item.get("content_text"))
    return Draft(
        guid=_text(item.get("id")),
        url=_address(item.get("url"), base) or _address(item.get("external_url"), base),
        title=_line(item.get("title")),
        authors=tuple(_authors(item)),
        published=_text(item.get("date_published")),
        updated=_text(item.get("date_modified")),
        summary=_text(item.get("summary")),
        content=_text(item.get("content_html")) or (html.escape(plain, quote=False) if plain else None),
        tags=tuple(tag for tag in map(_text, _list(item.get("tags"))) if tag),
    )


def _authors(item: Mapping[str, Any]) -> Iterator[str]:
    """`authors` since 1.1, `author` before."""
    for author in _list(item.get("authors")) or [item.get("author")]:
        name = _text(author.get("name")) if isinstance(author, dict) else None
        if name:
            yield name


def _address(value: object, base: str) -> str | None:
    link = _text(value)
    return normalise(link, base) if link else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(value: object) -> str | None:
    return " ".join((_text(value) or "").split()) or None


def _text(value: object) -> str | None:
    """Ids may be numbers; a JSON string may hold NUL and halves of characters, which no store takes."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).replace("\x00", "").encode("utf-8", "ignore").decode().strip() or None
