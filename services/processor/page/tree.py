"""Characters → one lxml tree, which everything that reads a page shares."""

from lxml.html import HtmlElement
from trafilatura import load_html


def tree_of(characters: str) -> HtmlElement | None:
    """The page as a tree; None for what holds no markup at all."""
    found: HtmlElement | None = load_html(characters)
    return found
