"""Pages that were decoded wrongly before us and written again as UTF-8: read back where there is no doubt. Pure."""

import codecs
import re
from collections.abc import Mapping, Sequence

ENOUGH_BYTES = 10
"""Beyond ASCII; so many that are valid in another encoding, one after the other, are no chance."""
ROUNDS = 2
MOSTLY = 0.5

_ASCII = bytes(range(0x80))
_RUNS = re.compile(rb"[\x80-\xff]{2,}")


def _table(charset: str) -> Mapping[int, int]:
    """Characters → the bytes that `charset` has for them; bytes that it leaves out stand for themselves."""
    named = {ord(bytes([byte]).decode(charset, "ignore") or "\x00"): byte for byte in range(0x80, 0x100)}
    return {byte: byte for byte in range(0x100)} | named


# What Western software takes unknown bytes for. The two differ in eight characters, such as `š`: UTF-8 was read as
# Windows' charset, old encodings more often as Latin-9, which has none of Windows' quotation marks.
_WINDOWS, _LATIN = _table("cp1252"), _table("iso8859-15")


def mended(text: str, declared: Sequence[str]) -> str:
    """`text` as it was meant, or as it is: `cafÃ©` was UTF-8, `ÐÂÎÅ` on a page that says gb2312 was that.

    `declared` are the charsets that the page names, without those of Western Europe. A page is mended as a whole or
    not at all: one with a single sound letter beyond ASCII is no such page.
    """
    ways = [("utf-8", _WINDOWS), *((charset, table) for charset in declared for table in (_LATIN, _WINDOWS))]
    for _ in range(ROUNDS):
        before = text
        beyond = text.encode("utf-8", "replace").translate(None, _ASCII).decode("utf-8")
        likely = [way for way in ways if _may_be(beyond, *way)]
        text = next((found for way in likely if (found := _read_back(text, *way)) is not None), text)
        if text is before:
            break
    return text


def _may_be(beyond: str, charset: str, table: Mapping[int, int]) -> bool:
    """Whether the characters beyond ASCII do not forbid it: nearly every sound page ends here, at little cost."""
    try:
        raw, _ = codecs.charmap_encode(beyond, "strict", table)
        if charset == "utf-8":  # of others, a letter's second byte may be ASCII
            raw.decode(charset)
    except UnicodeError:
        return False
    return True


def _read_back(text: str, charset: str, table: Mapping[int, int]) -> str | None:
    try:
        raw, _ = codecs.charmap_encode(text, "strict", table)
        beyond = len(raw) - len(raw.translate(None, bytes(range(0x80, 0x100))))
        # In all these encodings a letter is two bytes or stands beside another; an accented one stands alone.
        side_by_side = sum(map(len, _RUNS.findall(raw))) > MOSTLY * beyond
        return raw.decode(charset) if beyond >= ENOUGH_BYTES and side_by_side else None
    except UnicodeError:
        return None
