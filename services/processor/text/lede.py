"""The lede of an article, where its page shows it outside of the text."""

from collections.abc import Iterator, Sequence
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from services.processor.fingerprint import normalised_words
from services.processor.normalization import one_line
from services.processor.text.body import HEAD_LINES

LEDE_WORDS = range(5, 101)

# In C, because a page has thousands of elements and each that Python sees costs.
_BLOCKS_STARTING = XPath(
    "//*[self::p or self::div or self::span or self::h1 or self::h2 or self::h3 or self::strong or self::em]"
    "[starts-with(normalize-space(text()), $start)]"
)


def lede_of(tree: HtmlElement, description: str, lines: Sequence[str]) -> str | None:
    """The page's description where readers see it as a block of its own; others are made for search engines."""
    stated = one_line(description).rstrip(".…[] ")
    words = normalised_words(stated)
    if len(words) not in LEDE_WORDS:
        return None
    begun = (line for line in lines if line[:2] == stated[:2] and normalised_words(line)[: len(words)] == words)
    found = next(begun, None)
    if found:
        # The last line too: trafilatura puts there what it finds outside of the main block.
        return found if normalised_words(found) == words and found in {*lines[:HEAD_LINES], lines[-1]} else None
    # The shortest: the same words stand in the blocks around it too, with what follows them.
    return min((block for block in _blocks_starting(tree, stated) if _tells(block, words)), key=len, default=None)


def _tells(block: str, words: list[str]) -> bool:
    found = normalised_words(block)
    return len(found) in LEDE_WORDS and found[: len(words)] == words


def _blocks_starting(tree: HtmlElement, text: str) -> Iterator[str]:
    """The visible blocks that begin like `text`; told by two characters, before quotation marks can differ."""
    for element in cast("list[HtmlElement]", _BLOCKS_STARTING(tree, start=text[:2])):
        yield one_line(element.text_content())
