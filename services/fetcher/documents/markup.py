"""The text of a document, made fit for an XML parser without losing what it says. Pure.

Feeds stand in pages, behind warnings and before scripts, hold characters that XML forbids, and hide floods on which
feedparser takes quadratic time. What is taken away is said in the faults: `wrapped` (the feed stood in something
else), `not_well_formed`, `oversized` (a flood was cut), `entries_cut`, `truncated`.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.fetcher.documents.faults import Fault

MOST_ATTRIBUTES = 200
LONGEST_WORD = 500
"""Characters without a space in an element that names a person; feedparser seeks addresses there in quadratic time."""
MOST_TAGS_BEHIND = 5000
"""Closing tags behind the document's end among which the end is sought."""
LONGEST_COMMENT = 4000
"""Characters of comments behind the document; more are taken away unread."""

_ROOTS = "rss|feed|rdf|channel|urlset|sitemapindex"
_ROOT = re.compile(rf"<(?:[\w.-]++:)?({_ROOTS})(?=[\s/>])", re.IGNORECASE)
_ESCAPED = re.compile(rf"&lt;(?:\?xml|(?:[\w.-]++:)?(?:{_ROOTS}))(?=\s|&gt;)", re.IGNORECASE)
_ENTRY = re.compile(r"<(?:[\w.-]++:)?(?:item|entry)(?=[\s/>])", re.IGNORECASE)
_LAST_ENTRY = re.compile(r"</(?:[\w.-]++:)?(?:item|entry)\s*>", re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype\s+)?html\b", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_COMMENT = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_PERSONS = "author|managingeditor|webmaster|creator|contributor|publisher|owner"
_PERSON = re.compile(rf"<((?:[\w.-]++:)?(?:{_PERSONS}))(?:\s[^<>]*)?(?<!/)>", re.IGNORECASE)
_ATTRIBUTE = r"\s++[\w:.-]++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')"
_FLOODED_TAG = re.compile(rf"(<[A-Za-z_][^\s<>/]*+(?:{_ATTRIBUTE}){{{MOST_ATTRIBUTES}}})(?:{_ATTRIBUTE})++")

# Characters that XML forbids, and references to them (or to some neighbours of theirs, in decimal).
_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_FORBIDDEN_REFERENCE = (
    r"&#(?:[xX]0*(?:[dD][89a-fA-F][0-9a-fA-F]{2}|[01]?[0-9a-fA-F]|[1-9a-fA-F][0-9a-fA-F]{5,})"
    r"|0*(?:5[5-7][0-9]{3}|[12]?[0-9]|3[01]|[1-9][0-9]{6,}));"
)
_FORBIDDEN_REFERENCES = re.compile(f"{_FORBIDDEN_REFERENCE}(?:{_FORBIDDEN_REFERENCE})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """`root` is the local name of the document's element, lower case; None where there is none of a feed."""

    text: str
    root: str | None = None
    faults: tuple[Fault, ...] = ()


def prepare(text: str, *, most_entries: int) -> Markup:
    """The feed in `text`, with at most `most_entries` items. Linear in its length."""
    markup = _unwrapped(text)
    if markup.root is None:
        return markup
    for step in (_without_forbidden, _without_floods, _whole):
        markup = step(markup)
    return markup if markup.root in {"urlset", "sitemapindex"} else _cut(markup, most_entries)


def is_page(text: str) -> bool:
    return _PAGE.search(text, 0, 2000) is not None


def _unwrapped(text: str) -> Markup:
    text = text.lstrip()
    root = _ROOT.search(text)
    if root is None:
        return _unescaped(text)
    before = text[: root.start()]
    if not before or (before.startswith(("<?", "<!")) and not _PAGE.search(before)):
        return Markup(text=text, root=root[1].lower())
    declaration = before.rfind("<?xml ")
    start = declaration if declaration > 0 else root.start()
    return Markup(text=text[start:], root=root[1].lower(), faults=(Fault.WRAPPED,))


def _unescaped(text: str) -> Markup:
    """A feed that is shown as text in a page."""
    shown = _ESCAPED.search(text)
    inner = html.unescape(_TAG.sub("", text[shown.start() :])) if shown else ""
    root = _ROOT.search(inner)
    return Markup(text=inner, root=root[1].lower(), faults=(Fault.WRAPPED,)) if root else Markup(text=text)


def _without_forbidden(markup: Markup) -> Markup:
    text, faults = _FORBIDDEN_REFERENCES.sub(_joined, markup.text), markup.faults
    if any(chr(forbidden) in text for forbidden in _FORBIDDEN):
        text, faults = text.translate(_FORBIDDEN), (*faults, Fault.NOT_WELL_FORMED)
    return replace(markup, text=text, faults=faults)


def _joined(found: re.Match[str]) -> str:
    """Halves of characters as references to whole ones: many write emoji so. A half on its own is nothing."""
    numbers = (each[2:] for each in found[0].split(";")[:-1])
    values = (int(each[1:], 16) if each[0] in "xX" else int(each.lstrip("0")[:9] or "0") for each in numbers)
    text = "".join(chr(value) for value in values if value <= 0x10FFFF)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return "".join(f"&#{ord(character)};" for character in whole if ord(character) not in _FORBIDDEN)


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
        return markup if empty else replace(markup, faults=(*markup.faults, Fault.TRUNCATED))
    after = markup.text[end:].strip()
    if not after or (len(after) < LONGEST_COMMENT and not _COMMENT.sub("", after).strip()):
        return markup
    faults = markup.faults if Fault.WRAPPED in markup.faults else (*markup.faults, Fault.WRAPPED)
    return replace(markup, text=markup.text[:end], faults=faults)


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


def _cut(markup: Markup, most: int) -> Markup:
    """Without the items beyond `most`; what stands behind the last of them stays."""
    lower = markup.text.lower()
    if lower.count("item") + lower.count("entry") <= most:
        return markup
    starts = (found.start() for found in _ENTRY.finditer(markup.text))
    beyond = next((start for number, start in enumerate(starts) if number >= most), None)
    if beyond is None:
        return markup
    last = max((found.end() for found in _LAST_ENTRY.finditer(markup.text, beyond)), default=len(markup.text))
    return replace(markup, text=markup.text[:beyond] + markup.text[last:], faults=(*markup.faults, Fault.ENTRIES_CUT))
