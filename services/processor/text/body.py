"""Which of a page's lines are an article's text: what stands above it, repeats its head or signs it is not. Pure."""

from collections.abc import Sequence

from services.processor.fingerprint import normalised_words
from services.processor.normalization import word_count
from services.processor.text.byline import credits_work, is_biography, is_byline
from services.processor.text.furniture import is_date
from services.processor.text.lines import Line, Why, kept

HEAD_LINES = 5
"""How far down a headline or a lede may stand to be above the text."""
TAIL_LINES = 3
"""How far up from the end a by-line or a date may stand to be below the text."""
FURNITURE_WORDS = 10
"""Section, date and by-line above a headline are no longer than this."""


def without_head(
    lines: Sequence[Line], titles: Sequence[str], lede: str | None, authors: Sequence[str] = ()
) -> tuple[tuple[Line, ...], str | None]:
    """`lines` without `titles`, `lede` and what stands above them, so that a text compares equal under other headlines.

    By-lines and dates go from both ends, those of `authors` and others. A text that is nothing but its lede stays a
    text: a bulletin is often one paragraph, repeated in the page's head.
    """
    heads = [normalised_words(title) for title in titles if title]
    stated = normalised_words(lede) if lede else []
    words = [normalised_words(line.text) if line.dropped is None else [] for line in lines]
    # A dropped line is no longer there: it neither is the head nor ends it.
    left = [(line.text, said) for line, said in zip(lines, words, strict=True) if said]
    end = _end_of_head(left[:HEAD_LINES], heads, stated)
    marked = _unsigned(_marked(lines, words, heads, stated, end), authors)
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
        why = _why(said, heads, lede, is_near=at <= HEAD_LINES)
        is_head = bool(said) and (why is not Why.BYLINE or at <= above)
        found.append(line.because(why) if is_head else line)
    return tuple(found)


def _why(said: list[str], heads: Sequence[list[str]], lede: list[str], *, is_near: bool) -> Why:
    if said in heads:
        return Why.HEADLINE
    return Why.LEDE if (said and said == lede) or (is_near and _is_part(said, lede)) else Why.BYLINE


def _is_part(said: list[str], lede: list[str]) -> bool:
    """Whether `said` is one of several paragraphs of the `lede`."""
    return bool(said) and f" {' '.join(said)} " in f" {' '.join(lede)} "


def _unsigned(lines: Sequence[Line], authors: Sequence[str]) -> tuple[Line, ...]:
    """`lines` without by-lines and dates at both ends of the text."""
    left = [at for at, line in enumerate(lines) if line.dropped is None]
    top, bottom = set(left[:HEAD_LINES]), set(left[-TAIL_LINES:])
    return tuple(
        line.because(Why.BYLINE) if _signs(line.text, authors, top=at in top, bottom=at in bottom) else line
        for at, line in enumerate(lines)
    )


def _signs(line: str, authors: Sequence[str], *, top: bool, bottom: bool) -> bool:
    if not (top or bottom):
        return False
    is_below = bottom and (credits_work(line) or is_biography(line, authors))
    return is_below or is_date(line) or is_byline(line, authors)


def _last_alone(lines: Sequence[Line]) -> tuple[Line, ...]:
    last = max((at for at, line in enumerate(lines) if line.dropped is None), default=None)
    return tuple(line if at == last else line.because(Why.LEDE) for at, line in enumerate(lines))


def _end_of_head(lines: Sequence[tuple[str, list[str]]], heads: Sequence[list[str]], lede: list[str]) -> int:
    """How many of the first `lines`, each with its words, stand above the text: down to the last headline or lede."""
    end = 0
    for at, (text, words) in enumerate(lines):
        if words in heads or _is_part(words, lede):
            end = at + 1
        elif word_count(text) > FURNITURE_WORDS:
            break
    return end
