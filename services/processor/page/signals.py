"""What a verdict on a page is made from: what it states, where it led, how it is linked, what it asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from services.processor.normalization import one_line, word_count
from services.processor.page.facts import PageFacts
from services.processor.page.walls import challenge_of

FEW_WORDS = 150
FEW_CHARACTERS = 1500
"""A page with more text than both shows something to read, whatever stands beside it."""
LINK_WORDS = 4
"""A link of so many is a headline, of fewer a menu's."""
MARKED_CHARACTERS = 200_000
"""No challenge's page is longer."""
LONG_LINE = 250
"""Characters; teasers are shorter."""

_LINKS = XPath("//body//a[@href]")
_TEXTS = XPath("//body//text()[not(parent::script or parent::style or parent::noscript)]", smart_strings=False)
_LINKED_TEXTS = XPath("//body//a[@href]//text()", smart_strings=False)
_TITLES = XPath("count(//body//*[self::h2 or self::h3 or self::h4][.//a[@href] or ancestor::a[@href]])")
_PASSWORDS = XPath("boolean(//input[translate(@type, 'PASWORD', 'pasword') = 'password'])")
_ARTICLE_META = ("article:published_time", "article:modified_time", "article:author", "article:section")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Of the lines of a text and of all letters of a page, the share that is links.

    `headlines` are links as long as one, `titles` those that are headings as well.
    """

    lines: float = 0.0
    letters: float = 0.0
    headlines: int = 0
    titles: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """`asked` is the address that the feed gave, `url` where it led; `text` is what was taken for the article.

    `stated`: the page calls itself an article. `passwords`, `mark` (whose bot challenge) and `links` are looked for
    where they may matter: in short texts, and on pages without an article's node.
    """

    asked: str
    url: str
    title: str = ""
    headings: tuple[str, ...] = ()
    types: frozenset[str] = frozenset()
    og_type: str = ""
    stated: bool = False
    form_targets: tuple[str, ...] = ()
    text: str = ""
    words: int = 0
    long_lines: int = 0
    passwords: bool = False
    mark: str | None = None
    links: Links = field(default_factory=Links)

    @property
    def is_short(self) -> bool:
        return self.words <= FEW_WORDS and len(self.text) <= FEW_CHARACTERS


def signals_of(tree: HtmlElement, characters: str, facts: PageFacts, *, asked: str, lines: Sequence[str]) -> Signals:
    """What `facts` and `tree` say; `characters` are the page's, `lines` what was taken for its text."""
    text = "\n".join(lines)
    found = Signals(
        asked=asked,
        url=facts.url,
        title=facts.title or "",
        headings=facts.headings,
        types=facts.linked.types,
        og_type=(facts.first("og:type") or "").lower(),
        stated=_is_stated(facts),
        form_targets=facts.form_targets,
        text=text,
        words=word_count(text[: 2 * FEW_CHARACTERS]),
        long_lines=sum(len(line) >= LONG_LINE for line in lines),
    )
    if found.is_short:
        found = replace(found, passwords=bool(_PASSWORDS(tree)), mark=challenge_of(characters[:MARKED_CHARACTERS]))
    return found if facts.article else replace(found, links=_links(tree, lines))


def _is_stated(facts: PageFacts) -> bool:
    typed = (facts.first("og:type") or "").lower() in {"article", "news", "newsarticle", "news.article"}
    return bool(facts.article) or typed or facts.first(*_ARTICLE_META) is not None


def _links(tree: HtmlElement, lines: Sequence[str]) -> Links:
    texts = {one_line(link.text_content()) for link in cast("list[HtmlElement]", _LINKS(tree))}
    headlines = {text for text in texts if len(text.split()) >= LINK_WORDS or len(text) >= 6 * LINK_WORDS}
    letters, linked = (_letters(found(tree)) for found in (_TEXTS, _LINKED_TEXTS))
    return Links(
        lines=sum(line in texts for line in lines) / max(1, len(lines)),
        letters=linked / max(1, letters),
        headlines=len(headlines),
        titles=int(cast("float", _TITLES(tree))),
    )


def _letters(texts: object) -> int:
    return sum(len(text.strip()) for text in cast("list[str]", texts))
