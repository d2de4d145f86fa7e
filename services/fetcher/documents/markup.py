"""The text of a document, made fit for an XML parser without losing what it says. Pure.

Feeds stand in pages, behind warnings and before scripts, hold characters that XML forbids, and hide floods on which
feedparser takes quadratic time. What is taken away is said in the faults: `wrapped` (the feed stood in something
else), `not_well_formed`, `oversized` (a flood was cut), `entries_cut`, `truncated`.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.fetcher.documents.dates import read_date
from services.fetcher.documents.faults import Fault
from services.fetcher.documents.references import FORBIDDEN, with_sound_references, without_forbidden_references

MOST_ATTRIBUTES = 200
LONGEST_WORD = 500
"""Characters without a space in an element that names a person; feedparser seeks addresses there in quadratic time."""
MOST_TAGS_BEHIND = 5000
"""Closing tags behind the document's end among which the end is sought."""
LONGEST_COMMENT = 4000
"""Characters of comments behind the document; more are taken away unread."""

_ROOTS = "rss|feed|rdf|channel|urlset|sitemapindex"
_ROOT = re.compile(rf"<(?:[\w.-]++:)?({_ROOTS})(?=[\s/>])", re.IGNORECASE)
_ROOT_OR_COMMENT = re.compile(rf"<!--.*?(?:-->|\Z)|{_ROOT.pattern}", re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(rf"&lt;(?:\?xml|(?:[\w.-]++:)?(?:{_ROOTS}))(?=\s|&gt;)", re.IGNORECASE)
_ENTRY = re.compile(r"<(?:[\w.-]++:)?(?:item|entry)(?=[\s/>])", re.IGNORECASE)
_LAST_ENTRY = re.compile(r"</(?:[\w.-]++:)?(?:item|entry)\s*>", re.IGNORECASE)
_DATE = re.compile(
    r"<(?:[\w.-]++:)?(?:pubdate|published|issued|date|updated|modified)(?:\s[^<>]*)?>([^<]*)", re.IGNORECASE
)
_PAGE = re.compile(r"<(?:!doctype\s+)?html\b", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_COMMENT = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_PERSONS = "author|managingeditor|webmaster|creator|contributor|publisher|owner"
_PERSON = re.compile(rf"<((?:[\w.-]++:)?(?:{_PERSONS}))(?:\s[^<>]*)?(?<!/)>", re.IGNORECASE)
_ATTRIBUTE = r"\s++[\w:.-]++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')"
_FLOODED_TAG = re.compile(rf"(<[A-Za-z_][^\s<>/]*+(?:{_ATTRIBUTE}){{{MOST_ATTRIBUTES}}})(?:{_ATTRIBUTE})++")


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """`root` is the local name of the document's element, lower case; None where there is none of a feed."""

    text: str
    root: str | None = None
    faults: tuple[Fault, ...] = ()


def prepare(text: str, *, most_entries: int, now: datetime) -> Markup:
    """The feed in `text`, with its newest items, at most `most_entries`. Linear in its length."""
    markup = _unwrapped(text)
    if markup.root is None:
        return markup
    for step in (_without_forbidden, _without_floods, _whole, _with_sound_references):
        markup = step(markup)
    return markup if markup.root in {"urlset", "sitemapindex"} else _cut(markup, most_entries, now)


def is_page(text: str) -> bool:
    return _PAGE.search(text, 0, 2000) is not None


def _unwrapped(text: str) -> Markup:
    text = text.lstrip()
    root = _root(text)
    if root is None:
        return _unescaped(text)
    before = text[: root.start()]
    if not before or (before.startswith(("<?", "<!")) and not _PAGE.search(before)):
        return Markup(text=text, root=root[1].lower())
    declaration = before.rfind("<?xml ")
    start = declaration if declaration > 0 else root.start()
    return Markup(text=text[start:], root=root[1].lower(), faults=(Fault.WRAPPED,))


def _root(text: str) -> re.Match[str] | None:
    """The opening of the feed's element; one in a comment only where there is no other."""
    outside = (found for found in _ROOT_OR_COMMENT.finditer(text) if found[1])
    return next(outside, None) or _ROOT.search(text)


def _unescaped(text: str) -> Markup:
    """A feed that is shown as text in a page."""
    shown = _ESCAPED.search(text)
    inner = html.unescape(_TAG.sub("", text[shown.start() :])) if shown else ""
    root = _ROOT.search(inner)
    return Markup(text=inner, root=root[1].lower(), faults=(Fault.WRAPPED,)) if root else Markup(text=text)


def _without_forbidden(markup: Markup) -> Markup:
    text, faults = without_forbidden_references(markup.text), markup.faults
    if any(chr(forbidden) in text for forbidden in FORBIDDEN):
        text, faults = text.translate(FORBIDDEN), (*faults, Fault.NOT_WELL_FORMED)
    return replace(markup, text=text, faults=faults)


def _with_sound_references(markup: Markup) -> Markup:
    text = with_sound_references(markup.text)
    return markup if text == markup.text else replace(markup, text=text, faults=(*markup.faults, Fault.NOT_WELL_FORMED))


def _without_floods(markup: Markup) -> Markup:
    text = "".join(_without_long_names(_FLOODED_TAG.sub(r"\1", markup.text)))
    return markup if text == markup.text else replace(markup, text=text, faults=(*markup.faults, Fault.OVERSIZED))


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _without_long_names(text: str) -> Iterator[str]:
    """The text without what is too long to name somebody. Nothing is looked at twice, however elements are nested."""
    given, seen, unclosed = 0, 0, set[str]()
    for found in _PERSON.finditer(text):
        if found.start() < seen or found[1] in unclosed:
            continue
        end = text.find(f"</{found[1]}", found.end())
        if end < 0:
            unclosed.add(found[1])
            continue
        seen = end
        if _longest_word(text[found.end() : end]) > LONGEST_WORD:
            yield text[given : found.end()]
            given = end
    yield text[given:]


def _whole(markup: Markup) -> Markup:
    """Without what follows the document's end; without an end it is truncated."""
    end = _end(markup)
    if end is None:
        empty = markup.text.rstrip().endswith("/>") and not _ENTRY.search(markup.text)
        return markup if empty else _closed(replace(markup, faults=(*markup.faults, Fault.TRUNCATED)))
    after = markup.text[end:].strip()
    if not after or (len(after) < LONGEST_COMMENT and not _COMMENT.sub("", after).strip()):
        return markup
    faults = markup.faults if Fault.WRAPPED in markup.faults else (*markup.faults, Fault.WRAPPED)
    return replace(markup, text=markup.text[:end], faults=faults)


def _closed(markup: Markup) -> Markup:
    """A truncated feed without the entry that it breaks off in, and closed, so that the others are read as ever."""
    text = markup.text
    opened = max((found.start() for found in _ENTRY.finditer(text)), default=None)
    root = _root(text)
    if opened is None or root is None:
        return markup
    closing = _LAST_ENTRY.search(text, opened)
    channel = "</channel>" if markup.root == "rss" else ""
    return replace(markup, text=f"{text[: closing.end() if closing else opened]}{channel}</{root[0][1:]}>")


def _end(markup: Markup) -> int | None:
    """Where the last closing tag of the root ends, however it is spelled."""
    tail = re.compile(rf"</(?:[\w.-]++:)?{markup.root}\s*>", re.IGNORECASE)
    at = len(markup.text)
    for _ in range(MOST_TAGS_BEHIND):
        at = markup.text.rfind("</", 0, at)
        found = tail.match(markup.text, at) if at >= 0 else None
        if at < 0 or found:
            return found.end() if found else None
    return None


def _cut(markup: Markup, most: int, now: datetime) -> Markup:
    """The `most` first items, or the last where the feed is written oldest first. What stands around them stays."""
    text, lower = markup.text, markup.text.lower()
    if lower.count("item") + lower.count("entry") <= most:
        return markup
    starts = [found.start() for found in _ENTRY.finditer(text)]
    if len(starts) <= most:
        return markup
    end = max((found.end() for found in _LAST_ENTRY.finditer(text, starts[most])), default=len(text))
    if _is_older(text[starts[0] : starts[1]], text[starts[-1] : end], now):
        kept = text[: starts[0]] + text[starts[-most] :]
    else:
        kept = text[: starts[most]] + text[end:]
    return replace(markup, text=kept, faults=(*markup.faults, Fault.ENTRIES_CUT))


def _is_older(first: str, last: str, now: datetime) -> bool:
    dates = [read_date(found[1], now) if (found := _DATE.search(item)) else None for item in (first, last)]
    return dates[0] is not None and dates[1] is not None and dates[0] < dates[1]
