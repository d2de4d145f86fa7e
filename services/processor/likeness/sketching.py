"""A text's sketch: its words as codes, and the keys by which an index finds it. Pure."""

from hashlib import blake2b

from services.processor.fingerprint import normalised_words
from services.processor.sketch import Sketch

MOST_WORDS = 3000
KEY_WORDS = 6
MOST_KEYS = 32
LEAST_KEYS = 16
ONE_IN = 16


def sketch_of(headline: str | None, text: str) -> Sketch:
    """The sketch of a text under its headline; texts without words have no keys."""
    words = normalised_words(text)
    return Sketch(
        trace=_codes(words[:MOST_WORDS]),
        words=len(words),
        headline=_codes(normalised_words(headline or "")),
        keys=_keys(words[:MOST_WORDS]),
    )


def _codes(words: list[str]) -> bytes:
    return b"".join(blake2b(word.encode(), digest_size=2).digest() for word in words)


def _keys(words: list[str]) -> tuple[int, ...]:
    runs = {" ".join(words[at : at + KEY_WORDS]) for at in range(len(words) - KEY_WORDS + 1)}
    hashes = sorted(
        int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "little", signed=True) for run in runs
    )
    return tuple(hashes[: max(LEAST_KEYS, min(MOST_KEYS, len(hashes) // ONE_IN))])
