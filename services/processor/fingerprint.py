"""Texts reduced to their words, and words to hashes: what typography may change without changing a text. Pure."""

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

HASH_BYTES = 16

# Letters that typesetters join and Unicode's compatibility forms keep.
_LIGATURES = {"œ": "oe", "æ": "ae"}
# Before NFKC, which makes a combining mark of the acute accent, and takes the others for letters.
_APOSTROPHES = str.maketrans(dict.fromkeys("´`ʼʻʹˈ", "'"))
# Arabic vowel signs, small letters above and the stretching mark: written or left out at will.
_ARABIC_SIGNS = frozenset([*range(0x0610, 0x061B), 0x0640, *range(0x064B, 0x0660), 0x0670, *range(0x06D6, 0x06EE)])


class _Folding(dict[int, str | None]):
    """What `str.translate` makes of each character, worked out at its first sight.

    Letters, digits and the marks that belong to them stay; signs that change what a number means stand alone;
    invisible characters vanish; everything else separates words.
    """

    def __missing__(self, code: int) -> str | None:
        self[code] = folded = _folded(chr(code))
        return folded


def _folded(character: str) -> str | None:
    category = unicodedata.category(character)
    if character in _LIGATURES:
        return _LIGATURES[character]
    if ord(character) in _ARABIC_SIGNS or category in {"Cf", "Cn"} or 0xFE00 <= ord(character) <= 0xFE0F:
        return None
    if category == "Sc" or character == "%":
        return f" {character} "
    return character if category[0] in "LNM" else " "


_FOLDING = _Folding()


def normalised_words(text: str) -> list[str]:
    """The words of `text` without case, punctuation, vowel signs and typographic variants."""
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold())
    return unicodedata.normalize("NFKC", lower.translate(_FOLDING)).split()


def text_hash(paragraphs: Iterable[str]) -> str:
    """Equal for two texts of the same words, however they are divided into paragraphs."""
    return _words_hash("\n".join(paragraphs))


def headline_hash(headline: str | None) -> str:
    return _words_hash(headline or "")


def page_hash(body: bytes) -> str:
    return blake2b(body, digest_size=HASH_BYTES).hexdigest()


def _words_hash(text: str) -> str:
    return page_hash(" ".join(normalised_words(text)).encode("utf-8", "surrogatepass"))
