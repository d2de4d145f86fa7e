"""Where an article's text begins: what stands above it, and what repeats its head. Pure."""

from collections.abc import Sequence

from services.processor.fingerprint import normalised_words

HEAD_LINES = 5
"""How far down a headline or a lede may stand to be above the text."""
FURNITURE_WORDS = 10
"""Section, date and by-line above a headline are no longer than this."""


def body_and_lede(lines: Sequence[str], titles: Sequence[str], lede: str | None) -> tuple[tuple[str, ...], str | None]:
    """The paragraphs among `lines`, without `titles` and `lede`, so that a text compares equal under other headlines.

    A text that is nothing but its lede stays a text: a bulletin is often one paragraph, repeated in the page's head.
    """
    head = [normalised_words(line) for line in (*titles, lede) if line]
    read = [(line, normalised_words(line)) for line in lines]
    below = read[_end_of_head([words for _, words in read], head) :]
    body = tuple(line for line, words in below if words not in head)
    return (body, lede) if body else (tuple(lines[-1:]), None)


def _end_of_head(lines: Sequence[list[str]], head: Sequence[list[str]]) -> int:
    """How many of the first `lines` stand above the text: all down to the last that is headline or lede."""
    end = 0
    for at, words in enumerate(lines[:HEAD_LINES]):
        if words in head:
            end = at + 1
        elif len(words) > FURNITURE_WORDS:
            break
    return end
