"""A page cut into the blocks of text that a reader sees apart, each with where it stands. One pass over the text nodes.

Elements that hold no text are never looked at: on most pages these are the greater part.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntFlag, auto
from functools import lru_cache
from types import MappingProxyType
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from services.processor.normalization import one_line


class Hint(IntFlag):
    """What the names in an element's class and id say of its purpose."""

    BODY = auto()
    MAIN = auto()
    CAPTION = auto()
    RELATED = auto()
    SOCIAL = auto()
    SUBSCRIBE = auto()
    CHROME = auto()
    HIDDEN = auto()
    BYLINE = auto()
    LEDE = auto()
    LIVE = auto()
    COMMENT = auto()
    ADVERT = auto()
    TITLE = auto()
    TAGS = auto()


class Inside(IntFlag):
    """The elements around a block that mean something in HTML, and the roles that name the same."""

    ARTICLE = auto()
    MAIN = auto()
    ASIDE = auto()
    FOOTER = auto()
    HEADER = auto()
    NAV = auto()
    FIGURE = auto()
    FORM = auto()
    TABLE = auto()
    LIST = auto()
    QUOTE = auto()
    SECTION = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the page text stands: shared by all text that stands directly in one element.

    `tag` and `parent` are of the nearest block-level elements, `depth` counts all elements above. `own` are the hints
    of the block-level element itself, `hints` also those around it. `container` numbers the element that holds the
    paragraph among its like, `outer` the one around that. `link` is the address that a click leads to.
    `article` numbers the `<article>` around it, 0 where there is none.
    """

    tag: str
    parent: str
    depth: int
    own: int
    hints: int
    inside: int
    container: int
    outer: int
    hidden: bool
    link: str | None
    article: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text that no block-level element and no line break divides.

    `text` is one line; `linked` counts its characters inside of links, `link` is the address of the first.
    """

    text: str
    linked: int
    link: str | None
    place: Place


def blocks_of(tree: HtmlElement) -> tuple[Block, ...]:
    """All text of the page in document order, without scripts and the like; linear in the size of the page."""
    return tuple(_Reader().blocks(cast("list[_Text]", _TEXT(tree))))


class _Text(str):
    """What lxml gives for a text node: the `tail` of the element before it, or the text at the start of its parent."""

    __slots__ = ()
    is_tail: bool

    def getparent(self) -> HtmlElement: ...


_TEXT = XPath("//text()")

_INLINE = frozenset(
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del", "dfn", "em", "font",
        "i", "img", "ins", "kbd", "label", "mark", "nobr", "q", "rb", "rp", "rt", "ruby", "s", "samp", "small", "span",
        "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
    }
)  # fmt: skip
_NO_TEXT = frozenset(
    {
        "audio", "canvas", "datalist", "head", "iframe", "math", "noscript", "object", "script", "select", "style",
        "svg", "template", "textarea", "title", "video",
    }
)  # fmt: skip
# What may stand inside of a paragraph.
_FLOWING = _INLINE | {"script", "style", "noscript", "template", "svg"}
# What holds a single paragraph or item: the container is the element around them.
_PARAGRAPHS = frozenset(
    {"p", "li", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "tr", "tbody"}
)
_INSIDE: Mapping[str, int] = MappingProxyType(
    {
        "article": int(Inside.ARTICLE), "main": int(Inside.MAIN), "aside": int(Inside.ASIDE),
        "footer": int(Inside.FOOTER), "header": int(Inside.HEADER), "nav": int(Inside.NAV),
        "figure": int(Inside.FIGURE), "figcaption": int(Inside.FIGURE), "form": int(Inside.FORM),
        "table": int(Inside.TABLE), "ul": int(Inside.LIST), "ol": int(Inside.LIST), "dl": int(Inside.LIST),
        "blockquote": int(Inside.QUOTE), "section": int(Inside.SECTION),
        # Roles.
        "navigation": int(Inside.NAV), "banner": int(Inside.HEADER), "contentinfo": int(Inside.FOOTER),
        "complementary": int(Inside.ASIDE), "search": int(Inside.FORM),
    }
)  # fmt: skip
_NAMES = {
    Hint.BODY: "articlebody body content contents text story entry post copy richtext prose paragraph artikeltext "
    "texte cuerpo corpo inhalt tresc postbody storybody bodytext articletext maincontent entrycontent wysiwyg",
    Hint.MAIN: "article articles artikel main news page single detail details artykul articolo articulo noticia",
    Hint.CAPTION: "caption captions figcaption credit credits photo photos image images img picture pic legend legende "
    "copyright media gallery slideshow slide diaporama bild bildunterschrift figure video player foto",
    Hint.RELATED: "related recommend recommended recommendation recommendations recirc more also readmore similar "
    "popular trending latest teaser teasers promo card cards carousel outbrain taboola seealso next previous prev most "
    "mostread top suggestions list listing widget sidebar rail ticker headlines inread jump linkbox",
    Hint.SOCIAL: "social share sharing sharebar facebook twitter whatsapp telegram linkedin pinterest follow instagram "
    "addthis like likes buttons toolbar tools icons embed tweet",
    Hint.SUBSCRIBE: "subscribe subscription newsletter signup sign paywall premium login register registration account "
    "abo abonnement abonnieren cta offer piano donate donation membership member",
    Hint.CHROME: "nav navigation navbar menu breadcrumb breadcrumbs footer header masthead sitemap search pagination "
    "pager topbar bottom foot head logo cookie cookies consent gdpr banner modal popup overlay dropdown skip copyright "
    "legal disclaimer language lang submenu",
    Hint.HIDDEN: "hidden hide invisible screenreader sr visuallyhidden offscreen noprint print collapse collapsed",
    Hint.BYLINE: "byline author authors autor auteur writer bio date dateline time timestamp meta metadata published "
    "publish updated pubdate info infos source signature reporter",
    Hint.LEDE: "lead lede intro introduction standfirst dek deck chapo chapeau summary excerpt abstract subtitle "
    "subheadline subhead kicker announce sommario description perex ingress vorspann entradilla bajada sapo preamble",
    Hint.LIVE: "live liveblog liveticker update updates minute direct directo keyevents timeline",
    Hint.COMMENT: "comment comments commentaires kommentare comentarios disqus discussion reply respond replies "
    "reactions forum feedback rating ratings vote poll",
    Hint.ADVERT: "ad ads advert advertisement adsense dfp gpt sponsor sponsored sponsors partner partners werbung "
    "anzeige publicite reklama promoted commercial",
    Hint.TITLE: "title headline heading titre titel titulo titolo hed",
    Hint.TAGS: "tag tags keyword keywords topic topics category categories label labels section rubric rubrik",
}
_MEANING = {name: int(hint) for hint, names in reversed(_NAMES.items()) for name in names.split()}
_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NOT_SHOWN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SAYING = frozenset({"class", "id", "role", "style", "hidden", "href"})
NAMES_LENGTH = 300
"""A class or id that is longer says nothing more."""


@lru_cache(maxsize=8192)
def hints_of(names: str) -> int:
    """The hints in the words of a class or id attribute, as in `article-body`, `articleBody` or `article__body`."""
    found = 0
    for name in _NAME.findall(names):
        found |= _MEANING.get(name.lower(), 0)
    return found


@dataclass(frozen=True, slots=True)
class _Element:
    """What is known of an element with text in it: `place` is that of its own text, `block` its block-level element."""

    place: Place
    block: int
    is_text: bool
    inner: int
    """The container of what is inside."""


@dataclass(slots=True)
class _Run:
    """The block that is being read."""

    block: int = -1
    place: Place | None = None
    pieces: list[str] = field(default_factory=list)
    linked: int = 0
    link: str | None = None

    def add(self, piece: str, link: str | None) -> None:
        self.pieces.append(piece)
        if link is not None:
            self.linked += len(piece.strip())
            self.link = self.link or link

    def ended(self) -> Iterator[Block]:
        text = one_line("".join(self.pieces)) if self.place else ""
        if self.place and text:
            yield Block(text, self.linked, self.link, self.place)


class _Reader:
    """Walks the text nodes; an element is looked at once, when the first text below it comes."""

    def __init__(self) -> None:
        outside = Place("", "", 0, 0, 0, 0, 0, 0, hidden=False, link=None)
        self._known: dict[HtmlElement | None, _Element] = {None: _Element(outside, 0, is_text=True, inner=0)}

    def blocks(self, nodes: Iterable[_Text]) -> Iterator[Block]:
        run = _Run()
        for node in nodes:
            if node.isspace():
                run.pieces.append(" ")
                continue
            above = node.getparent()
            is_after_block = node.is_tail and above.tag not in _FLOWING and isinstance(above.tag, str)
            if node.is_tail:
                above = above.getparent()
            element = self._known.get(above) or self._element(above)
            if not element.is_text:
                continue
            if element.block != run.block or is_after_block:
                yield from run.ended()
                run = _Run(element.block, element.place)
            run.add(node, element.place.link)
        yield from run.ended()

    def _element(self, element: HtmlElement) -> _Element:
        """From the nearest ancestor that is known down, without recursion: pages nest thousands of elements."""
        unknown = [element]
        while (above := unknown[-1].getparent()) not in self._known:
            unknown.append(above)
        found = self._known[above]
        for each in reversed(unknown):
            found = self._known[each] = _below(found, each, number=len(self._known))
        return found


def _below(above: _Element, element: HtmlElement, *, number: int) -> _Element:
    tag = element.tag
    if not above.is_text or tag in _NO_TEXT or not isinstance(tag, str):
        return _Element(above.place, above.block, is_text=False, inner=0)
    place = _place(above, element, tag, number)
    if tag in _INLINE:
        return _Element(place, above.block, is_text=True, inner=above.inner)
    return _Element(place, number, is_text=True, inner=above.inner if tag in _PARAGRAPHS else number)


def _place(above: _Element, element: HtmlElement, tag: str, number: int) -> Place:
    outer = above.place
    is_block = tag not in _INLINE
    # Not `items`, whose time is the square of their number.
    said = {name: element.get(name, "") for name in element.keys() if name in _SAYING}  # noqa: SIM118
    own = _named(said.get("class", "")) | _named(said.get("id", ""))
    # By position: a page has hundreds of these.
    return Place(
        tag if is_block else outer.tag,
        outer.tag if is_block else outer.parent,
        outer.depth + 1,
        own if is_block else outer.own | own,
        outer.hints | own,
        outer.inside | _INSIDE.get(tag, 0) | _INSIDE.get(said.get("role", ""), 0),
        above.inner,
        outer.outer if above.inner == outer.container else outer.container,
        outer.hidden or _is_hidden(said),
        said.get("href", "") if tag == "a" else outer.link,
        number if tag == "article" else outer.article,
    )


def _named(names: str) -> int:
    return hints_of(names[:NAMES_LENGTH]) if names else 0


def _is_hidden(said: Mapping[str, str]) -> bool:
    return "hidden" in said or ("style" in said and bool(_NOT_SHOWN.search(said["style"])))
