"""Bytes as served to characters, by what the bytes are before what anybody says they are. Pure.

The order: byte order mark, NUL bytes where UTF-16 has them, valid UTF-8, UTF-8 with a little damage, what the server
and the page say where the bytes do not belie it, a guess. What no markup may hold is mended or taken out.
"""

import codecs
import re
from collections.abc import Iterator

from charset_normalizer import from_bytes
from resiliparse.parse.encoding import detect_encoding

from services.processor.page.mojibake import mended

HEAD_BYTES = 8192
"""How far a declaration inside the page is looked for; browsers stop at 1024."""
SAMPLE_BYTES = 10_000
"""What a guess is made from: guessing on a whole page takes seconds."""
DAMAGE = 0.2
"""A text stays what it is taken for with this share of its characters beyond ASCII broken."""
FOREIGN = 0.5
"""Of the bytes beyond ASCII, the share in runs of three and more: French has hardly any, Russian and Chinese most."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_PAGES = (b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"\x00\x00\x01\x00")
_DECLARED = re.compile(
    rb"<(?:meta\b[^<>]{0,400}?charset|\?xml\b[^<>]{0,200}?encoding)\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE
)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_TEXTS = re.compile(rb"[^<>]*[\x80-\xff][^<>]*")
_RUNS = re.compile(rb"[\x80-\x9f\xa1-\xff]{3,}")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

# What browsers read for these names: https://encoding.spec.whatwg.org/#names-and-labels
_AS_READ = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip
_SEVEN_BIT = frozenset({"iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_kr", "hz"})
_WESTERN = frozenset({"cp1252", "cp1254", "cp1250", "iso8859-2", "iso8859-15", "cp1257"})
# Python's own names of what a page may be in; others of its codecs unpack, escape or take quadratic time.
_CHARSETS = re.compile(r"(utf-8|utf-16|iso|cp|koi8|mac|gb|big5|shift_jis|euc|johab|kz|ptcp|tis|hz)")


def decoded(body: bytes, content_type: str | None) -> str:
    """The characters of `body` without control characters, none of what is no text; undecodable bytes become U+FFFD.

    Nothing raises. `content_type` is the server's header.
    """
    if body.startswith(_NO_PAGES):
        return ""
    return _CONTROLS.sub(_visible, _characters(body, content_type))


def _visible(control: re.Match[str]) -> str:
    """Quotation marks and dashes of Windows that were taken for Latin-1, as browsers show them; of others nothing."""
    code = ord(control[0])
    if 0x80 <= code < 0xA0:
        return bytes([code]).decode("cp1252", "ignore")
    return " " if control[0] in "\x0b\x0c" else ""


def _characters(body: bytes, content_type: str | None) -> str:
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    # This mark is often put before what is no UTF-8; what is will be found to be.
    body = body.removeprefix(codecs.BOM_UTF8)
    if wide := _wide(body):
        return body.decode(wide, "replace")
    named = tuple(_declared(body, content_type))
    if body.isascii():
        return body.decode(next((charset for charset in named if charset in _SEVEN_BIT), "ascii"), "replace")
    utf8 = body.decode("utf-8", "replace")
    if _is_sound(utf8):
        # Bytes beyond ASCII that are valid UTF-8 are UTF-8, whatever a server's default header says.
        return mended(utf8, tuple(charset for charset in named if charset not in _WESTERN))
    return next((text for charset in named if (text := _as_declared(body, charset)) is not None), None) or _guessed(
        body
    )


def _wide(body: bytes) -> str | None:
    """UTF-16 without a mark: a page begins with ASCII, every other byte of which is NUL."""
    shape = "".join("0" if byte == 0 else "x" for byte in body[:4])
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(shape)


def _declared(body: bytes, content_type: str | None) -> Iterator[str]:
    names = _HEADER.findall(content_type or "")
    names += [name.decode("ascii", "replace") for name in _DECLARED.findall(body[:HEAD_BYTES])]
    return filter(None, map(_known, names))


def _known(name: str) -> str | None:
    plain = name.lower().removeprefix("x-").removesuffix("-i")
    for spelling in (plain, plain.replace("windows-", "cp")):
        try:
            found = codecs.lookup(spelling).name
        except (LookupError, ValueError):
            continue
        return _AS_READ.get(found, found) if _CHARSETS.match(found) else None
    return None


def _as_declared(body: bytes, charset: str) -> str | None:
    if charset.startswith("utf") or (charset in _WESTERN and _is_foreign(body)):
        return None
    text = body.decode(charset, "replace")
    return text if _is_sound(text) else None


def _is_sound(text: str) -> bool:
    """Whether damage is the exception: in a wrong encoding few sequences are valid, and those by chance."""
    broken = text.count("\ufffd")
    return not broken or broken <= DAMAGE * (len(text) - len(text.encode("ascii", "ignore")))


def _is_foreign(body: bytes) -> bool:
    """Whether these cannot be accented letters among others, whatever charset for those is declared."""
    beyond = len(body) - len(body.translate(None, bytes(range(0x80, 0x100))))
    return sum(map(len, _RUNS.findall(body))) > FOREIGN * beyond


def _guessed(body: bytes) -> str:
    # Of markup, nearly all is ASCII and tells nothing.
    sample = b"\n".join(_TEXTS.findall(body[: 50 * SAMPLE_BYTES]))[:SAMPLE_BYTES]
    charset = _known(detect_encoding(sample) or "")
    if charset and charset != "utf-8" and _is_sound(text := body.decode(charset, "replace")):
        return text
    return body.decode(_second_guess(sample), "replace")


def _second_guess(sample: bytes) -> str:
    found = list(from_bytes(sample))
    # Of guesses that fit as well as the best, the commonest: French reads as well in Central Europe's charset.
    fitting = [guess.encoding for guess in found if guess.chaos <= found[0].chaos]
    return "cp1252" if "cp1252" in fitting else next(iter(fitting), "utf-8")
