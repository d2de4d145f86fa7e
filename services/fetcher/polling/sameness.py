"""Whether a document says what the last one said, though its bytes differ. Pure."""

import re
from dataclasses import dataclass

from services.fetcher.web.responses import body_hash

LONGEST_HEAD = 64 * 1024
"""Bytes before the first entry; patterns are looked for in these only, and a document with more counts whole."""

_ENTRY = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_STAMP = re.compile(
    rb"<((?:[\w.-]+:)?(?:lastbuilddate|pubdate|updated|modified|date|generator))(?:\s[^<>]*)?>[^<>]*</\1\s*>",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """Of a body, byte for byte, and of what it says."""

    body: str
    content: str


def hashes(body: bytes) -> Hashes:
    return Hashes(body=body_hash(body), content=content_hash(body))


def content_hash(body: bytes) -> str:
    """Of the body without what a server writes anew each time: times and comments of the channel, and its tail.

    Entries count byte for byte, their times included. A document without entries or of another kind counts whole.
    """
    first = _ENTRY.search(body, 0, LONGEST_HEAD)
    if first is None:
        return body_hash(body)
    head = _STAMP.sub(b"", _without_comments(body[: first.start()]))
    return body_hash(head + b"\n" + _entries(body, first.start()))


def _entries(body: bytes, start: int) -> bytes:
    """Up to the end of the root, where caches like to leave a comment."""
    last = body.rfind(b"</", start)
    end = _END.match(body, last) if last >= 0 else None
    return body[start : end.end()] if end else body[start:]


def _without_comments(head: bytes) -> bytes:
    """In one pass: a pattern would look for the end of each of a hundred thousand comments that have none."""
    kept, position = [], 0
    while (start := head.find(b"<!--", position)) >= 0 and (end := head.find(b"-->", start)) >= 0:
        kept.append(head[position:start])
        position = end + 3
    return b"".join((*kept, head[position:]))
