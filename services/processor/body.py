"""Which lines of a page are an article's text: what stands above it or repeats its head is not. Pure."""

import re
from collections.abc import Sequence

from services.processor.fingerprint import normalised_words
from services.processor.normalization import word_count

HEAD_LINES = 5
"""How far down a headline or a lede may stand to be above the text."""
FURNITURE_WORDS = 10
"""Section, date and by-line above a headline are no longer than this."""
FURNITURE_LINE_WORDS = 15

# What no sentence begins with: a photo credit, or a date with the time of day beside it.
_FURNITURE = re.compile(
    r"(©|\(c\) |Photo ?: |Crédits? photo ?: )"
    r"|\d{1,2}[:h]\d{2}[\s,|–-]+\d{1,2}[./-]\d{1,2}[./-]\d{4}\b|\d{1,2}[./-]\d{1,2}[./-]\d{4}[\s,|–-]+\d{1,2}[:h]\d{2}\b",
    re.IGNORECASE,
)


def is_furniture(line: str) -> bool:
    """Whether `line` is a credit or a time stamp, wherever it stands."""
    return bool(_FURNITURE.match(line)) and word_count(line) <= FURNITURE_LINE_WORDS


def body_and_lede(lines: Sequence[str], titles: Sequence[str], lede: str | None) -> tuple[tuple[str, ...], str | None]:
    """The paragraphs among `lines`, without `titles` and `lede`, so that a text compares equal under other headlines.

    A text that is nothing but its lede stays a text: a bulletin is often one paragraph, repeated in the page's head.
    """
    head = [normalised_words(line) for line in (*titles, lede) if line]
    read = [(line, normalised_words(line)) for line in lines]
    below = _without(head, read[_end_of_head([words for _, words in read], head) :])
    body = below or _without(head, read)
    return (body, lede) if body else (tuple(lines[-1:]), None)


def _without(head: Sequence[list[str]], read: Sequence[tuple[str, list[str]]]) -> tuple[str, ...]:
    return tuple(line for line, words in read if words not in head)


def _end_of_head(lines: Sequence[list[str]], head: Sequence[list[str]]) -> int:
    """How many of the first `lines` stand above the text: all down to the last that is headline or lede."""
    end = 0
    for at, words in enumerate(lines[:HEAD_LINES]):
        if words in head:
            end = at + 1
        elif len(words) > FURNITURE_WORDS:
            break
    return end
