"""What readers see around an article and what its markup says of it: headings, titles, by-lines, times. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from services.processor.normalization import one_line

MAX_HEADINGS = 5
MAX_TITLES = 10
MAX_BYLINES = 10
MAX_TIMES = 10
MAX_HEADING_CHARACTERS = 1000
MAX_BYLINE_CHARACTERS = 150
NEAR_ANCESTORS = 8
MAX_TEXTS = 30
MAX_SHORT_CHARACTERS = 60
MAX_CANDIDATES = 500
"""Marked elements that are looked at: a page may hold a hundred thousand of them."""

# In C and in one pass, because a page has thousands of elements and each that Python sees costs.
_MARKED = XPath(
    "//@class[contains(., 'title') or contains(., 'headline') or contains(., 'uthor') or contains(., 'auteur')"
    " or contains(., 'yline') or contains(., 'ublish') or contains(., 'date') or contains(., 'time')]/.."
    " | //h1 | //time | //a[contains(@rel, 'author')] | //a[@data-unixtime]"
)
_NEAR_HEADING = XPath("(//h1)[1]/following::text()[string-length(normalize-space(.)) > 7]")
_TITLE_TAGS = frozenset({"div", "p", "span", "h2"})
_NO_BYLINES = frozenset({"link", "script", "style", "body", "img", "article", "time"})
_ASIDE = frozenset({"aside", "nav", "footer", "figure", "a"})
_TITLE = re.compile(r"(?:article|entry|post|story|news|single)(?:-|_|__)(?:title|headline)|headline", re.IGNORECASE)
_BYLINE = re.compile(
    r"(?:[a-z]+[-_]+)*(?:author|auteur|byline)s?(?:[-_]+(?:name|link|text|item|wrap|container|\d+)s?)*", re.IGNORECASE
)
# `By Awa Diop and Jean de Brazza`: after the first word capitals, but for what joins names and parts of names.
_SIGNED = re.compile(
    r"(?i:par|by|von|por|di|بقلم|نویسنده)\s*:?(?:\s+(?:[^\W\d_a-zß-ÿ][\w.'’-]*,?|et|and|und|y|e|de|du|da|dos|van|von|der)){2,9}"
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_OF_OTHERS = re.compile(r"comment|quote|image|photo|related|card|teaser|widget", re.IGNORECASE)
_OF_OTHERS_AROUND = re.compile(r"comment|related|teaser|sidebar|recommend|trending|popular|most-?read", re.IGNORECASE)
_DATE = re.compile(r"(?:[a-z]+[-_]+)*(?:publish(?:ed)?|date|pubdate|time)s?(?:[-_]+[a-z]+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Texts in the order of the page: `headings` are its h1, `titles` other blocks that are named as its title.

    `times` are what `<time>` and dated elements state, machine-readable where they say so.
    """

    headings: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    bylines: tuple[str, ...] = ()
    times: tuple[str, ...] = ()


def shown_on(tree: HtmlElement, *, brief: bool = False) -> Shown:
    """`brief`: only headings and `<time>`, which cost little, where the page states author and time for machines."""
    marked = list(tree.iter("h1", "time")) if brief else cast("list[HtmlElement]", _MARKED(tree))
    near = marked[:MAX_CANDIDATES]
    bylines, times = _bylines(near), _times(near)
    below = () if brief or (bylines and times) else _below_heading(tree)
    return Shown(
        headings=_texts([each for each in near if each.tag == "h1"][:MAX_HEADINGS], MAX_HEADING_CHARACTERS),
        titles=_texts(_titles(near)[:MAX_TITLES], MAX_HEADING_CHARACTERS),
        bylines=bylines or tuple(text for text in below if _SIGNED.fullmatch(text))[:1],
        times=times or tuple(text for text in below if _YEAR.search(text)),
    )


def _titles(marked: Sequence[HtmlElement]) -> list[HtmlElement]:
    return [each for each in marked if each.tag in _TITLE_TAGS and _is_named(each, _TITLE)]


def _bylines(marked: Sequence[HtmlElement]) -> tuple[str, ...]:
    """The first by-line and those beside it: further down other articles are signed."""
    signed = (element for element in marked if element.tag not in _NO_BYLINES and _is_named(element, _BYLINE))
    own = (each for each in signed if not _OF_OTHERS.search(_marks(each)) and not _stands_aside(each))
    texts = [(element, text) for element in own if (text := _text(element, MAX_BYLINE_CHARACTERS))]
    around = texts[0][0].getparent() if texts else None
    return tuple(text for element, text in texts if element.getparent() is around)[:MAX_BYLINES]


def _stands_aside(element: HtmlElement) -> bool:
    """Whether `element` is inside of a card, a list of other articles or what else is beside the article."""
    around = islice(element.iterancestors(), NEAR_ANCESTORS)
    return any(above.tag in _ASIDE or _OF_OTHERS_AROUND.search(_marks(above)) for above in around)


def _times(marked: Sequence[HtmlElement]) -> tuple[str, ...]:
    """Those below the heading, then those above it from the nearest up: farther ones are of other articles."""
    heading = next((at for at, each in enumerate(marked) if each.tag == "h1"), 0)
    near = (*marked[heading:], *reversed(marked[:heading]))
    dated = (each for each in near if _is_dated(each) and not _stands_aside(each))
    texts = (one_line(_time(element)[:MAX_BYLINE_CHARACTERS]) for element in dated)
    return tuple(islice((text for text in texts if any(map(str.isdigit, text))), MAX_TIMES))


def _is_dated(element: HtmlElement) -> bool:
    return element.tag == "time" or bool(element.get("data-unixtime")) or _is_named(element, _DATE)


def _below_heading(tree: HtmlElement) -> tuple[str, ...]:
    """The short texts that follow the heading: old and hand-made pages mark neither by-line nor date."""
    texts = (one_line(str(text)) for text in cast("list[str]", _NEAR_HEADING(tree))[:MAX_TEXTS])
    return tuple(text for text in texts if len(text) <= MAX_SHORT_CHARACTERS)


def _time(element: HtmlElement) -> str:
    return element.get("datetime") or element.get("data-unixtime") or _text(element, MAX_BYLINE_CHARACTERS)


def _is_named(element: HtmlElement, name: re.Pattern[str]) -> bool:
    return any(map(name.fullmatch, _marks(element).split()[:20]))


def _marks(element: HtmlElement) -> str:
    return f"{element.get('class') or ''} {element.get('rel') or ''}"[:MAX_HEADING_CHARACTERS]


def _texts(elements: list[HtmlElement], longest: int) -> tuple[str, ...]:
    return tuple(text for text in (_text(element, longest) for element in elements) if text)


def _text(element: HtmlElement, longest: int) -> str:
    """The text of `element`, empty where it is longer than `longest`: then it is a container of more."""
    pieces: list[str] = []
    length = 0
    for piece in element.itertext():
        length += len(piece.strip())
        if length > longest:
            return ""
        pieces.append(piece)
    return one_line("".join(pieces))
