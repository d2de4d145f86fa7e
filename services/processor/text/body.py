"""Which lines of a page are an article's text: what stands above it or repeats its head is not. Pure."""

import re
from collections.abc import Iterable, Sequence

from services.processor.fingerprint import normalised_words
from services.processor.normalization import word_count
from services.processor.text.lines import Line, Why, kept

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


def without_furniture(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(line.because(Why.FURNITURE) if is_furniture(line.text) else line for line in lines)


def without_head(lines: Sequence[Line], titles: Sequence[str], lede: str | None) -> tuple[tuple[Line, ...], str | None]:
    """`lines` without `titles`, `lede` and what stands above them, so that a text compares equal under other headlines.

    A text that is nothing but its lede stays a text: a bulletin is often one paragraph, repeated in the page's head.
    """
    heads = [normalised_words(title) for title in titles if title]
    stated = normalised_words(lede) if lede else []
    words = [normalised_words(line.text) if line.dropped is None else [] for line in lines]
    # A dropped line is no longer there: it neither is the head nor ends it.
    end = _end_of_head([each for each in words if each][:HEAD_LINES], [*heads, stated])
    marked = _marked(lines, words, heads, stated, end)
    if not kept(marked):
        marked = _marked(lines, words, heads, stated, 0)
    return (marked, lede) if kept(marked) else (_last_alone(lines), None)


def _marked(
    lines: Sequence[Line], words: Sequence[list[str]], heads: Sequence[list[str]], lede: list[str], above: int
) -> tuple[Line, ...]:
    """`lines` with the headlines, the lede and the first `above` of those still kept marked as such."""
    found, at = [], 0
    for line, said in zip(lines, words, strict=True):
        at += bool(said)
        why = Why.HEADLINE if said in heads else Why.LEDE if said and said == lede else Why.BYLINE
        is_head = bool(said) and (why is not Why.BYLINE or at <= above)
        found.append(line.because(why) if is_head else line)
    return tuple(found)


def _last_alone(lines: Sequence[Line]) -> tuple[Line, ...]:
    last = max((at for at, line in enumerate(lines) if line.dropped is None), default=None)
    return tuple(line if at == last else line.because(Why.LEDE) for at, line in enumerate(lines))


def _end_of_head(lines: Sequence[list[str]], head: Sequence[list[str]]) -> int:
    """How many of the first `lines` stand above the text: all down to the last that is headline or lede."""
    end = 0
    for at, words in enumerate(lines):
        if words in head:
            end = at + 1
        elif len(words) > FURNITURE_WORDS:
            break
    return end
