"""A page or a feed's own text → Article. Runs in a worker process that can be killed.

bytes → characters → one tree, shared by what the page states (`page`) and by those who look for its text (`text`)
→ lines without furniture, headline and lede → verdict: is this an article at all? → `metadata` → Article
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from services.processor.fingerprint import headline_hash, page_hash, text_hash
from services.processor.language import classifier, language_of
from services.processor.metadata.resolver import is_complete, resolve
from services.processor.model import Article, Extracted, NotAnArticle, Source
from services.processor.normalization import paragraphs_of, word_count
from services.processor.page.charset import decoded
from services.processor.page.consent import is_consent_wall
from services.processor.page.facts import Guesses, PageFacts, facts_of
from services.processor.page.tree import tree_of
from services.processor.text import voices
from services.processor.text.body import without_furniture, without_head
from services.processor.text.feed_text import feed_paragraphs
from services.processor.text.lede import lede_of
from services.processor.text.lines import Line, kept
from shared.urls import site_of

EXTRACTOR = f"{voices.VERSION}+fildactu/2"
"""Stands in every revision: texts made by different versions are not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The lines that were taken for text, and everything that can be said of the page; `origin` is their source."""

    lines: tuple[Line, ...]
    origin: str
    facts: PageFacts
    guesses: Guesses
    lede: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What came out of a page, and what became of every line on the way."""

    extracted: Extracted
    lines: tuple[Line, ...]


def extract(source: Source) -> Extracted:
    """The article of an observation, or why it is none (`empty`, `consent_wall`, `index_page`).

    Picklable in and out. Nothing is raised for bad input; a failure here is a bug or a page that kills workers.
    """
    return trace(source).extracted


def trace(source: Source) -> Traced:
    """As `extract`, for people who ask what was dropped and why."""
    reading = _read_feed(source) if source.kind == "feed_only" else _read_page(source)
    refusal = _refusal(source, reading)
    return Traced(extracted=refusal, lines=reading.lines) if refusal else _article(source, reading)


def warm_up() -> None:
    """Load what is slow to load: call it once in each worker, before its first page."""
    classifier()
    site_of("https://www.example.org/")  # reads the public suffix list
    voices.warm_up()


def _article(source: Source, reading: Reading) -> Traced:
    metadata = resolve(source, reading.facts, reading.guesses)
    titles = (metadata.headline or "", *reading.facts.headings)
    lines, lede = without_head(reading.lines, titles, reading.lede)
    body = kept(lines)
    text = "\n".join(body)
    words = "\n".join((metadata.headline or "", lede or "", text))
    fields = {**metadata.fields, "text": reading.origin, **({"lede": "meta"} if lede else {})}
    article = Article(
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
    return Traced(extracted=article, lines=lines)


def _refusal(source: Source, reading: Reading) -> NotAnArticle | None:
    text = "\n".join(kept(reading.lines))
    if reading.origin != "feed" and is_consent_wall(source.url, reading.facts.form_targets, text):
        return NotAnArticle(reason="consent_wall")
    if reading.origin != "feed" and _leads_home(source):
        return NotAnArticle(reason="index_page", detail="the address leads to the home page")
    return None if any(map(str.isalnum, text)) else NotAnArticle(reason="empty")


def _leads_home(source: Source) -> bool:
    """Sites that dropped an article often redirect its address to their home page."""
    asked, got = urlsplit(source.entry.url or ""), urlsplit(source.url)
    return got.path in {"", "/"} and not got.query and asked.path not in {"", "/"}


def _read_page(source: Source) -> Reading:
    tree = tree_of(decoded(source.body, source.content_type))
    if tree is None:
        return Reading(lines=(), origin="trafilatura", facts=PageFacts(url=source.url), guesses=Guesses())
    facts = facts_of(tree, source.url)
    text, guesses = voices.main_text(tree, source.url, guess=not is_complete(facts))
    lines = without_furniture(Line(text=line) for line in paragraphs_of(text))
    lede = lede_of(tree, facts.description, kept(lines))
    if not kept(lines) and lede:
        lines = (*lines, Line(text=lede, voice="lede"))
    return Reading(lines=lines, origin="trafilatura", facts=facts, guesses=guesses, lede=lede)


def _read_feed(source: Source) -> Reading:
    markup = decoded(source.body, source.content_type)
    tree = tree_of(f"<html><body><div>{markup}</div></body></html>") if markup.strip() else None
    lines = tuple(Line(text=text, voice="feed") for text in feed_paragraphs(tree)) if tree is not None else ()
    return Reading(lines=lines, origin="feed", facts=PageFacts(url=source.url), guesses=Guesses())
