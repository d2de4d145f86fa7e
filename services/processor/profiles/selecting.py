"""CSS selectors on an lxml tree, compiled once for each process, and the visible text of what they find."""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import cast

from cssselect import SelectorError
from lxml.cssselect import CSSSelector
from lxml.etree import XPathError, iterwalk
from lxml.html import Element, HtmlElement

from services.processor.normalization import one_line

BLOCK_TAGS = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "figure", "h1", "h2",
        "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "tbody", "thead", "tfoot", "tr", "ul",
    }
)  # fmt: skip
"""These stand on lines of their own."""
CELL_TAGS = frozenset({"td", "th"})
BETWEEN_CELLS = " | "
UNSEEN_TAGS = frozenset({"button", "form", "iframe", "noscript", "script", "select", "style", "svg", "template"})


def check(selector: str) -> None:
    """Raises ValueError for what is no CSS selector, or one that has no equivalent in XPath."""
    try:
        every(Element("p"), (selector,))
    except (SelectorError, XPathError) as error:
        raise ValueError(f"{selector!r} is no CSS selector that can be used: {error}") from error


def every(root: HtmlElement, selectors: Sequence[str]) -> list[HtmlElement]:
    """What any of the `selectors` finds in `root` or at it, in the order of the page; nothing for no selectors."""
    return cast("list[HtmlElement]", _compiled(tuple(selectors))(root)) if selectors else []


def preferred(root: HtmlElement, selectors: Sequence[str]) -> list[HtmlElement]:
    """What the first of the `selectors` finds that finds anything."""
    return next((found for selector in selectors if (found := every(root, (selector,)))), [])


def outermost(elements: Sequence[HtmlElement]) -> list[HtmlElement]:
    """`elements` without those inside of another."""
    taken = set(elements)
    return [element for element in elements if taken.isdisjoint(element.iterancestors())]


def lines_of(element: HtmlElement, unseen: Collection[HtmlElement] = ()) -> tuple[str, ...]:
    """The visible text of `element` without that of the elements `unseen`, a line a paragraph, table row or item."""
    if element in unseen:
        return ()
    text = "".join(_pieces(element, unseen))
    return tuple(line for line in (one_line(line).strip("| ") for line in text.split("\n")) if line)


def text_of(element: HtmlElement, unseen: Collection[HtmlElement] = ()) -> str:
    return " ".join(lines_of(element, unseen))


@cache
def _compiled(selectors: tuple[str, ...]) -> CSSSelector:
    return CSSSelector(", ".join(selectors), translator="html")


def _pieces(root: HtmlElement, unseen: Collection[HtmlElement]) -> Iterator[str]:
    walk = iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        if event == "start":
            if element.tag in UNSEEN_TAGS or element in unseen or "hidden" in element.attrib:
                walk.skip_subtree()
            else:
                yield ("\n" if element.tag in BLOCK_TAGS else "") + _spaced(element.text)
        elif element is not root:
            yield (_after(element.tag) if event == "end" else "") + _spaced(element.tail)


def _after(tag: str) -> str:
    return "\n" if tag in BLOCK_TAGS else BETWEEN_CELLS if tag in CELL_TAGS else ""


def _spaced(text: str | None) -> str:
    """Line feeds in the source mean nothing to a reader."""
    return (text or "").replace("\n", " ")
