"""Bytes as served to characters: byte order mark, HTTP header, the page's own word, UTF-8, a guess. Pure."""

import codecs
import re

from charset_normalizer import from_bytes

HEAD_BYTES = 2048
"""How far a declaration inside the page is looked for; browsers stop at 1024."""
SAMPLE_BYTES = 10_000
"""What a guess is made from, half of it from each end: guessing on a whole page takes seconds."""
BROKEN_SHARE = 0.001
"""A page that says UTF-8 stays UTF-8 with this share of its characters broken: one bad quotation spoils no page."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_HEADER = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
# What browsers read for these names: https://encoding.spec.whatwg.org/#names-and-labels
_AS_READ = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip
# Python's own codecs that are no charset of any page, and slow or odd on hostile input.
_NO_CHARSETS = frozenset({"idna", "punycode", "utf-7", "unicode-escape", "raw-unicode-escape", "undefined"})


def decoded(body: bytes, content_type: str | None) -> str:
    """The characters of `body`; undecodable bytes become U+FFFD, nothing raises."""
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    utf8 = _strict(body, "utf-8")
    # Bytes beyond ASCII that are valid UTF-8 are UTF-8, whatever a server's default header says.
    if utf8 is not None and not utf8.isascii():
        return utf8
    declared = _declared(body, content_type)
    texts = (_as_declared(body, charset) for charset in declared)
    return next((text for text in texts if text is not None), None) or utf8 or _guessed(body)


def _declared(body: bytes, content_type: str | None) -> list[str]:
    names = _HEADER.findall(content_type or "")
    names += [name.decode("ascii") for name in _DECLARED.findall(body[:HEAD_BYTES])]
    return [charset for charset in map(_known, names) if charset]


def _known(name: str) -> str | None:
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return None if found in _NO_CHARSETS else _AS_READ.get(found, found)


def _as_declared(body: bytes, charset: str) -> str | None:
    if charset == "utf-8" or charset.startswith("cp125"):
        text = body.decode(charset, "replace")
        return text if text.count("\ufffd") <= BROKEN_SHARE * len(text) else None
    return _strict(body, charset)


def _strict(body: bytes, charset: str) -> str | None:
    try:
        return body.decode(charset)
    except (UnicodeError, LookupError):  # LookupError: a codec of Python's that is not for text
        return None


def _guessed(body: bytes) -> str:
    half = SAMPLE_BYTES // 2
    sample = body if len(body) <= SAMPLE_BYTES else body[:half] + body[-half:]
    found = list(from_bytes(sample))
    # Of guesses that fit as well as the best, the commonest: French reads as well in Central Europe's charset.
    fitting = [guess.encoding for guess in found if guess.chaos <= found[0].chaos]
    best = "cp1252" if "cp1252" in fitting else next(iter(fitting), "utf-8")
    return body.decode(best, "replace")
