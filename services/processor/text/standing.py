"""What stands on many pages of one host is no news: subscribe calls, disclaimers, in whatever language. Pure.

A host's last articles are remembered by the keys of their lines; a line that enough of them had is standing.
Measured in docs/decisions/standing-lines.md.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b

from services.processor.fingerprint import normalised_words
from services.processor.text.lines import Line, Why

LONGEST_LINE = 400
"""Characters; what is longer is written for one article."""
SEEN_ON = 3
"""Other articles of the host that had the line."""
WINDOW = 20
"""Of that many, the host's last ones; three of them are 15 %."""
LARGEST_SHARE = 0.4
"""Of a text's characters: where more of it stands on other pages too, the pages are alike, not the lines standing."""
MOST_KEYS = 250
"""Of one article, its last ones: standing lines end a text more often than they begin it."""
KEY_BYTES = 8


def line_keys(lines: Iterable[str]) -> tuple[str, ...]:
    """What each of `lines` is remembered by, in their order, once: 16 hexadecimal digits; at most `MOST_KEYS`."""
    return tuple(dict.fromkeys(key for line in lines if (key := _key(line))))[-MOST_KEYS:]


def standing_keys(articles: Iterable[Collection[str]]) -> frozenset[str]:
    """The keys that at least `SEEN_ON` of a host's articles have; `articles` are the keys of each."""
    counts = Counter(key for keys in articles for key in set(keys))
    return frozenset(key for key, count in counts.items() if count >= SEEN_ON)


def without_standing(lines: Sequence[Line], standing: frozenset[str]) -> tuple[Line, ...]:
    """`lines` with the kept ones that are `standing` dropped, or as they are where that were too much of them."""
    if not standing:
        return tuple(lines)
    marked = tuple(line.because(Why.STANDING) if _key(line.text) in standing else line for line in lines)
    before, after = _size(lines), _size(marked)
    return marked if before - after <= LARGEST_SHARE * before else tuple(lines)


def _size(lines: Iterable[Line]) -> int:
    return sum(len(line.text) for line in lines if line.dropped is None)


def _key(line: str) -> str | None:
    words = " ".join(normalised_words(line)) if len(line) <= LONGEST_LINE else ""
    return blake2b(words.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).hexdigest() if words else None
