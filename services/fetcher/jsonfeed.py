"""JSON Feed 1.0 and 1.1 (jsonfeed.org), whole or cut short. Pure."""

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

from services.fetcher.identity import Draft
from shared.errors import PermanentError
from shared.urls import normalise

_VERSION = "jsonfeed.org/version/"


def read_json_feed(text: str, base: str) -> tuple[str | None, tuple[Draft, ...], tuple[str, ...]]:
    """Title, entries and faults of a JSON Feed at `base`; raises PermanentError `not_a_feed`."""
    faults: tuple[str, ...] = ()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        document, faults = _salvage(text, error), ("truncated",)
    if not isinstance(document, dict) or _VERSION not in str(document.get("version")):
        raise PermanentError("not_a_feed", "JSON, but no JSON Feed")
    items = document.get("items")
    drafts = tuple(_draft(item, base) for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
    return _text(document.get("title")), drafts, faults


def _salvage(text: str, cause: Exception) -> dict[str, Any]:
    """What stands before the fault: the entries are complete objects one after the other."""
    head, found, tail = text.partition('"items"')
    if _VERSION not in head.replace("\\/", "/") or not found:
        raise PermanentError("not_a_feed", f"broken JSON: {cause}") from cause
    return {"version": _VERSION, "items": list(_whole_objects(tail))}


def _whole_objects(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            item, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return  # the rest is what was lost, and the caller reports it as truncated
        yield item
        at = text.find("{", end)


def _draft(item: Mapping[str, Any], base: str) -> Draft:
    link = _text(item.get("url")) or _text(item.get("external_url"))
    plain = _text(item.get("content_text"))
    return Draft(
        guid=_text(item.get("id")),
        url=normalise(link, base) if link else None,
        title=_text(item.get("title")),
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


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    """Ids may be numbers; a JSON string may hold NUL and halves of characters, which no store takes."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).replace("\x00", "").encode("utf-8", "ignore").decode().strip() or None
