"""A feed's own text, as paragraphs: everything in it counts, but what a blog's software appends."""

import re
from collections.abc import Iterator, Sequence

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from services.processor.normalization import paragraphs_of, word_count

_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4",
        "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul",
    }
)  # fmt: skip
_NO_TEXT = frozenset({"script", "style", "iframe", "figure", "noscript", "template", "svg", "form", "video", "audio"})
# What WordPress appends to every item of a feed, in the languages met so far.
_FEED_TRAILER = re.compile(
    r"^(The post .+ appeared first on .+|(L[’']article|Cet article) .+ est apparu en premier sur .+)$"
)
WHOLE_WORDS = 50
"""Of a feed's text that may stand for an article whose page cannot be read."""
# How teasers end, with the words of the link that many carry.
_CUT = re.compile(
    r"(?:…|\.\.\.|\[…\]|\[\.\.\.\])[\])}>\s]*$"
    r"|\b(?:lire (?:la suite|plus)|read more|continue reading|weiterlesen|mehr lesen|leer más|seguir leyendo|leia mais"
    r"|continua a leggere|leggi tutto|lees (?:verder|meer)|czytaj (?:dalej|więcej)|devamını oku)\b.{0,30}$"
    r"|(?:читать (?:далее|дальше|полностью)|اقرأ المزيد|للمزيد|阅读全文|続きを読む|더 보기).{0,30}$",
    re.IGNORECASE,
)


def is_whole(paragraphs: Sequence[str]) -> bool:
    """Whether a feed's text is more than a teaser: some sentences, and no sign at its end that it was cut."""
    enough = word_count("\n".join(paragraphs)) >= WHOLE_WORDS
    return enough and not _CUT.search(paragraphs[-1])


def feed_paragraphs(tree: HtmlElement) -> tuple[str, ...]:
    return tuple(line for line in paragraphs_of("".join(_pieces(tree))) if not _FEED_TRAILER.match(line))


def _pieces(tree: HtmlElement) -> Iterator[str]:
    """The text of `tree` with a line feed around every block."""
    walker = iterwalk(tree, events=("start", "end"))
    for event, element in walker:
        if event == "start":
            yield from _opening(element)
            if element.tag in _NO_TEXT:
                walker.skip_subtree()
        else:
            yield "\n" if element.tag in _BLOCKS else ""
            yield _flowing(element.tail)


def _opening(element: HtmlElement) -> Iterator[str]:
    yield "\n" if element.tag in _BLOCKS else ""
    yield "" if element.tag in _NO_TEXT else _flowing(element.text)


def _flowing(text: str | None) -> str:
    """Line feeds inside markup are spaces to a reader."""
    return " ".join((text or "").splitlines()) if text and "\n" in text else text or ""
