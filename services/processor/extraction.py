"""A page or a feed's own text → Article. Runs in a worker process that can be killed.

    bytes → characters → one tree, shared by what the page states (`PageFacts`) and by trafilatura's reading of the text
    → paragraphs without headline and lede → verdict: is this an article at all? → Article

The only importer of trafilatura and lxml.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import urlsplit

from lxml.etree import XPath, iterwalk
from lxml.html import HtmlElement
from trafilatura import bare_extraction, load_html
from trafilatura.settings import Document

from services.processor.body import HEAD_LINES, body_and_lede, is_furniture
from services.processor.charset import decoded
from services.processor.consent import is_consent_wall
from services.processor.fingerprint import headline_hash, normalised_words, page_hash, text_hash
from services.processor.json_ld import article_node
from services.processor.language import classifier, language_of
from services.processor.metadata import Guesses, PageFacts, is_complete, resolve
from services.processor.model import Article, Extracted, NotAnArticle, Source
from services.processor.normalization import one_line, paragraphs_of, word_count
from shared.urls import site_of

EXTRACTOR = f"trafilatura/{version('trafilatura')}+fildactu/1"
"""Stands in every revision: texts made by different versions are not compared."""

ENOUGH_CHARACTERS = 250
"""Precision mode that yields less has probably cut; the default mode reads again."""
LEDE_WORDS = range(5, 101)

_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4",
        "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul",
    }
)  # fmt: skip
_NO_TEXT = frozenset({"script", "style", "iframe", "figure", "noscript", "template", "svg", "form", "video", "audio"})
# In C, because a page has thousands of elements and each that Python sees costs.
_BLOCKS_STARTING = XPath(
    "//*[self::p or self::div or self::span or self::h1 or self::h2 or self::h3 or self::strong or self::em]"
    "[starts-with(normalize-space(text()), $start)]"
)
# What WordPress appends to every item of a feed, in the languages met so far.
_FEED_TRAILER = re.compile(
    r"^(The post .+ appeared first on .+|(L[’']article|Cet article) .+ est apparu en premier sur .+)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The text as it was found, and everything that can be said of it; `origin` is `trafilatura` or `feed`."""

    lines: tuple[str, ...]
    origin: str
    facts: PageFacts
    guesses: Guesses
    lede: str | None = None


def extract(source: Source) -> Extracted:
    """The article of an observation, or why it is none (`empty`, `consent_wall`, `index_page`).

    Picklable in and out. Nothing is raised for bad input; a failure here is a bug or a page that kills workers.
    """
    reading = _read_feed(source) if source.kind == "feed_only" else _read_page(source)
    refusal = _refusal(source, reading)
    return refusal or _article(source, reading)


def warm_up() -> None:
    """Load what is slow to load: call it once in each worker, before its first page."""
    classifier()
    site_of("https://www.example.org/")  # reads the public suffix list
    bare_extraction("<html><body><p>Warm-up</p></body></html>", with_metadata=True)


def _article(source: Source, reading: Reading) -> Article:
    metadata = resolve(source, reading.facts, reading.guesses)
    titles = (metadata.headline or "", *reading.facts.headings)
    body, lede = body_and_lede(reading.lines, titles, reading.lede)
    text = "\n".join(body)
    words = "\n".join((metadata.headline or "", lede or "", text))
    fields = {**metadata.fields, "text": reading.origin, **({"lede": "meta"} if lede else {})}
    return Article(
        url=source.url,
        canonical_url=metadata.canonical_url,
        headline=metadata.headline,
        lede=lede,
        paragraphs=body,
        language=language_of(words, source.feed_language, reading.facts.language),
        authors=metadata.authors,
        published=metadata.published,
        modified=metadata.modified,
        section=metadata.section,
        tags=metadata.tags,
        images=metadata.images,
        site_name=metadata.site_name,
        free=metadata.free,
        word_count=word_count(text),
        text_hash=text_hash(body),
        headline_hash=headline_hash(metadata.headline),
        page_hash=page_hash(source.body),
        extractor=EXTRACTOR,
        fields=fields,
    )


def _refusal(source: Source, reading: Reading) -> NotAnArticle | None:
    text = "\n".join(reading.lines)
    if reading.origin != "feed" and is_consent_wall(source.url, reading.facts.form_targets, text):
        return NotAnArticle(reason="consent_wall")
    if reading.origin != "feed" and _leads_home(source):
        return NotAnArticle(reason="index_page", detail="the address leads to the home page")
    return None if any(map(str.isalnum, text)) else NotAnArticle(reason="empty")


def _leads_home(source: Source) -> bool:
    """Sites that dropped an article often redirect its address to their home page."""
    asked, got = urlsplit(source.entry.url or ""), urlsplit(source.url)
    return got.path in {"", "/"} and not got.query and asked.path not in {"", "/"}


# The page


def _read_page(source: Source) -> Reading:
    tree = load_html(decoded(source.body, source.content_type))
    if tree is None:
        return Reading(lines=(), origin="trafilatura", facts=PageFacts(url=source.url), guesses=Guesses())
    facts = _facts(tree, source.url)
    lines, guesses = _text(tree, source.url, guess=not is_complete(facts))
    lede = _lede(tree, facts.description, lines)
    lines = lines or ((lede,) if lede else ())
    return Reading(lines=lines, origin="trafilatura", facts=facts, guesses=guesses, lede=lede)


def _text(tree: HtmlElement, url: str, *, guess: bool) -> tuple[tuple[str, ...], Guesses]:
    """The main text by trafilatura, which works on a copy of `tree`; guessing metadata costs a third of its time."""
    found = _read(tree, url=url, favor_precision=True, with_metadata=guess)
    text = (found.text if found else None) or ""
    if len(text) < ENOUGH_CHARACTERS:
        again = _read(tree, url=url)
        text = max(text, (again.text if again else None) or "", key=len)
    guesses = Guesses(title=found.title, author=found.author, date=found.date) if found else Guesses()
    return tuple(line for line in paragraphs_of(text) if not is_furniture(line)), guesses


def _read(tree: HtmlElement, **options: Any) -> Document | None:  # noqa: ANN401 (they are the library's)
    found = bare_extraction(tree, include_comments=False, **options)
    return found if isinstance(found, Document) else None


def _lede(tree: HtmlElement, description: str, lines: Sequence[str]) -> str | None:
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


def _facts(tree: HtmlElement, url: str) -> PageFacts:
    found: dict[str, list[HtmlElement]] = {}
    for element in tree.iter("meta", "link", "script", "title", "h1", "form", "base"):
        found.setdefault(element.tag, []).append(element)
    title = next(iter(found.get("title", ())), None)
    scripts = (script for script in found.get("script", ()) if "ld+json" in (script.get("type") or ""))
    return PageFacts(
        url=url,
        meta=_meta(found.get("meta", ())),
        article=article_node(script.text or "" for script in scripts),
        headings=tuple(text for text in (one_line(h1.text_content()) for h1 in found.get("h1", ())[:5]) if text),
        title=one_line(title.text_content()) if title is not None else None,
        canonical=_canonical(found.get("link", ())),
        base=next((href for base in found.get("base", ()) if (href := base.get("href", "")).startswith("http")), None),
        language=tree.get("lang") or tree.get("xml:lang"),
        form_targets=tuple(form.get("action") or "" for form in found.get("form", ())),
    )


def _canonical(links: Iterable[HtmlElement]) -> str | None:
    named = (link.get("href") for link in links if "canonical" in (link.get("rel") or "").lower().split())
    return next((href for href in named if href), None)


def _meta(elements: Iterable[HtmlElement]) -> Mapping[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for element in elements:
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").lower()
        content = element.get("content")
        if name and content:
            values[name] = (*values.get(name, ()), content)
    return values


# The feed's own text


def _read_feed(source: Source) -> Reading:
    markup = decoded(source.body, source.content_type)
    tree = load_html(f"<html><body><div>{markup}</div></body></html>") if markup.strip() else None
    text = "".join(_pieces(tree)) if tree is not None else ""
    lines = tuple(line for line in paragraphs_of(text) if not _FEED_TRAILER.match(line))
    return Reading(lines=lines, origin="feed", facts=PageFacts(url=source.url), guesses=Guesses())


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
