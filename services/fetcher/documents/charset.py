"""Bytes of a feed document to text, by what the bytes are before what anybody says they are. Pure.

The order: byte order mark of UTF-16 or 32, NUL bytes where UTF-16 has them, valid UTF-8, UTF-8 with a little damage,
the encoding that the XML declaration names, the one that the server names, windows-1252.
"""

import codecs
import re

from services.fetcher.documents.faults import Fault

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(rb"<\?xml[^<>]{0,200}?\sencoding\s*=\s*[\"']\s*([\w.:-]{1,40})", re.ASCII)
_PARAMETER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_HEAD_BYTES = 4096
_ASCII_ONLY = frozenset({"iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_kr", "hz", "utf-7"})
"""Encodings whose bytes are all ASCII, and which therefore pass for UTF-8."""

# What the web means by a label (encoding.spec.whatwg.org): the superset that is really written.
_MEANT = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip
_KNOWN = re.compile(r"(iso|cp|koi8|mac|gb|big5|shift_jis|euc|johab|kz|ptcp|tis|hz|hp-roman|utf-7|ascii)", re.IGNORECASE)
"""Python's own names of what a feed may be in; others of its codecs unpack, escape or take quadratic time."""


def read_text(body: bytes, content_type: str | None) -> tuple[str, tuple[Fault, ...]]:
    """The text without its byte order mark, and what was wrong with its encoding."""
    # UTF-8's mark is often put before what is none; what is will be found to be.
    body = body.removeprefix(codecs.BOM_UTF8)
    for mark, marked in _MARKS:
        if body.startswith(mark):
            return _lossy(body[len(mark) :], marked)
    if wide := _wide(body):
        return _lossy(body, wide)
    labels = _labels(body, content_type)
    named = [encoding for label in labels if (encoding := _encoding(label))]
    if body.isascii():
        return body.decode(next((encoding for encoding in named if encoding in _ASCII_ONLY), "ascii"), "replace"), ()
    try:
        return body.decode(), ()
    except UnicodeDecodeError:
        return _not_utf_8(body, named, unknown=len(named) < len(labels))


def _not_utf_8(body: bytes, named: list[str], *, unknown: bool) -> tuple[str, tuple[Fault, ...]]:
    if _nearly_utf_8(body):
        return _lossy(body, "utf-8")
    legacy = [encoding for encoding in named if encoding != "utf-8"]
    for encoding in legacy:
        try:
            return body.decode(encoding), ()
        except UnicodeDecodeError:
            continue
    if legacy:
        return _lossy(body, legacy[0])
    return body.decode("cp1252", "replace"), (Fault.UNKNOWN_ENCODING if unknown else Fault.WRONG_ENCODING,)


def _lossy(body: bytes, encoding: str) -> tuple[str, tuple[Fault, ...]]:
    try:
        return body.decode(encoding), ()
    except UnicodeDecodeError:
        return body.decode(encoding, "replace"), (Fault.INVALID_BYTES,)


def _wide(body: bytes) -> str | None:
    """UTF-16 without a mark: a document begins with ASCII, every other byte of which is NUL."""
    head = body[:4]
    if len(head) == 4 and head[0] and not head[1] and head[2] and not head[3]:
        return "utf-16-le"
    return "utf-16-be" if len(head) == 4 and not head[0] and head[1] and not head[2] and head[3] else None


def _nearly_utf_8(body: bytes) -> bool:
    """Whether damage is the exception: other encodings give few valid sequences, and those by chance."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(not character.isascii() for character in text) - bad
    return good > 4 * bad


def _labels(body: bytes, content_type: str | None) -> list[str]:
    inside = _DECLARATION.search(body, 0, _HEAD_BYTES)
    outside = _PARAMETER.search(content_type or "")
    return [*([inside[1].decode()] if inside else []), *([outside[1]] if outside else [])]


def _encoding(label: str) -> str | None:
    """Python's name for what a label means; None for one that is not known, or cannot be true of these bytes."""
    try:
        name = codecs.lookup(label.lower().removeprefix("x-")).name
    except (LookupError, ValueError):
        return None
    return _MEANT.get(name, name) if name == "utf-8" or _KNOWN.match(name) else None
