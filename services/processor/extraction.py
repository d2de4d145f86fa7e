"""A page or a feed's own text → Article. Runs in a worker process that can be killed.

bytes → characters → one tree, shared by what the page states (`page`) and by those who look for its text (`text`)
→ lines without furniture, headline and lede → verdict: is this an article at all? → `metadata` → Article
"""

from dataclasses import dataclass, replace

from services.processor.fingerprint import headline_hash, page_hash, text_hash
from services.processor.language import classifier, language_of
from services.processor.likeness.sketching import sketch_of
from services.processor.metadata.access import is_free
from services.processor.metadata.dates import read_time
from services.processor.metadata.profiled import with_stated
from services.processor.metadata.resolver import is_complete, resolve
from services.processor.model import Article, Extracted, NotAnArticle, Source
from services.processor.normalization import paragraphs_of, word_count
from services.processor.page.charset import decoded
from services.processor.page.facts import Guesses, PageFacts, facts_of
from services.processor.page.signals import signals_of
from services.processor.page.stated import Stated
from services.processor.page.tree import parsed
from services.processor.page.verdict import ARTICLE, PageVerdict, verdict_of
from services.processor.profiles.applying import ProfileReading, reading_of
from services.processor.profiles.loading import Profiles, shipped_profiles
from services.processor.text import voices
from services.processor.text.blocks import blocks_of
from services.processor.text.body import without_head
from services.processor.text.editing import reviewed
from services.processor.text.features import stated_by
from services.processor.text.feed_text import feed_paragraphs, is_whole
from services.processor.text.furniture import without_furniture
from services.processor.text.lede import Lede
from services.processor.text.lines import Line, kept
from services.processor.text.paywall import free_part
from services.processor.text.pictures import merged
from services.processor.text.pieces import pieces_of
from services.processor.text.reviewer import Weights, shipped_weights
from services.processor.text.standing import line_keys, without_standing
from shared.events import Image, Related
from shared.urls import site_of

EXTRACTOR = f"{voices.VERSION}+fildactu/3+reviewer/{shipped_weights().version}"
"""Stands in every revision: texts made by different versions are not compared."""

MAX_BYTES = 10 * 2**20
"""Of a page; the fetcher brings none that is larger unless it is told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The lines that were taken for text, and everything that can be said of the page; `origin` is their source."""

    lines: tuple[Line, ...]
    origin: str
    facts: PageFacts
    guesses: Guesses
    lede: Lede | None = None
    figures: tuple[Image, ...] = ()
    related: tuple[Related, ...] = ()
    stated: Stated | None = None
    """What a profile read: its text is whole and has no head that could be cut."""
    verdict: PageVerdict = ARTICLE
    excerpt: bool = False
    """Whether the lines are only the free part of a paid text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What came out of a page, and what became of every line on the way."""

    extracted: Extracted
    lines: tuple[Line, ...]


def extract(source: Source, profiles: Profiles | None = None) -> Extracted:
    """The article of an observation, or why it is none (`page.verdict`; `too_large`, `too_complex`, `paywall`).

    Where the page holds none, a text of the feed's own is the article, and `page_verdict` says why.

    `profiles` are the shipped ones where none are given.

    Picklable in and out. Nothing is raised for bad input; a failure here is a bug or a page that kills workers.
    """
    return trace(source, profiles).extracted


def trace(source: Source, profiles: Profiles | None = None, weights: Weights | None = None) -> Traced:
    """As `extract`, for people who ask what was dropped and why; `weights` in place of the shipped reviewer's."""
    if source.kind == "feed_only":
        reading = _read_feed(source)
    else:
        reading = _read_page(source, profiles or shipped_profiles(), weights or shipped_weights())
    return _article(source, reading) if reading.verdict.reason is None else _way_out(source, reading)


def warm_up() -> None:
    """Load what is slow to load: call it once in each worker, before its first page."""
    classifier()
    site_of("https://www.example.org/")  # reads the public suffix list
    read_time("29 juillet 2026", "fr")  # loads the words of dates
    voices.warm_up()


def _article(source: Source, reading: Reading) -> Traced:
    stated, metadata = reading.stated, resolve(source, reading.facts, reading.guesses)
    metadata = with_stated(metadata, stated) if stated else metadata
    titles = (metadata.headline or "", *reading.facts.headings)
    full, lede = reading.lines, reading.lede.text if reading.lede else None
    if not stated:
        full, lede = without_head(full, titles, lede, metadata.authors)
    lines = without_standing(full, source.standing)
    body = kept(lines)
    text = "\n".join(body)
    words = "\n".join((metadata.headline or "", lede or "", text))
    fields = {
        **metadata.fields,
        "text": reading.origin,
        **({"lede": reading.lede.source} if lede and reading.lede else {}),
    }
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
        images=merged(metadata.images, reading.figures),
        site_name=metadata.site_name,
        free=False if reading.excerpt else metadata.free,
        related=reading.related,
        form=(stated.form if stated else None) or reading.verdict.form,
        excerpt=reading.excerpt,
        word_count=word_count(text),
        text_hash=text_hash(body),
        full_hash=text_hash(kept(full)) if lines != full else None,
        headline_hash=headline_hash(metadata.headline),
        page_hash=page_hash(source.body),
        extractor=f"{EXTRACTOR}+{stated.origin}/{stated.version}" if stated else EXTRACTOR,
        line_keys=line_keys(kept(full)),
        sketch=sketch_of(metadata.headline, text),
        fields=fields,
    )
    return Traced(extracted=article, lines=lines)


def _way_out(source: Source, reading: Reading) -> Traced:
    """The feed's own text in place of a page that holds no article, where it is more than a teaser."""
    reason, entry = reading.verdict.reason or "empty", source.entry
    refusal = Traced(extracted=NotAnArticle(reason=reason, detail=reading.verdict.detail), lines=reading.lines)
    said = entry.content or entry.summary or ""
    # Under the address that the feed gave: where it led, a login page may stand for many articles.
    feed = replace(source, kind="feed_only", url=entry.url or source.url, body=said.encode(), content_type=None)
    instead = _read_feed(feed)
    if source.kind == "feed_only" or instead.verdict.reason or not is_whole(kept(instead.lines)):
        return refusal
    found = _article(feed, instead)
    if not isinstance(found.extracted, Article):
        return refusal
    return replace(found, extracted=replace(found.extracted, page_verdict=reason, page_hash=page_hash(source.body)))


def _read_page(source: Source, profiles: Profiles, weights: Weights) -> Reading:
    if len(source.body) > MAX_BYTES:
        return _unread(source, "too_large", f"{len(source.body)} bytes")
    page = parsed(decoded(source.body, source.content_type))
    if page is None or page.too_complex:
        return _unread(source, "too_complex" if page else "empty", (page and page.too_complex) or "")
    tree, facts = page.tree, facts_of(page.tree, source.url)
    found = reading_of(tree, facts, profiles)
    if found is not None:
        return _read_by_profile(found)
    text, guesses = voices.main_text(tree, source.url, guess=not is_complete(facts))
    blocks, second = blocks_of(tree), voices.second_text(page.characters)
    lines = without_furniture(reviewed(paragraphs_of(text), blocks, second, stated_by(facts), weights))
    pieces = pieces_of(tree, blocks, lines, facts, source.entry.summary)
    part = free_part(pieces.lines, facts, free=is_free(facts))
    signals = signals_of(tree, page.characters, facts, asked=source.entry.url or source.url, lines=kept(part.lines))
    verdict = verdict_of(signals)
    if verdict.reason == "empty" and kept(part.lines) != kept(pieces.lines):
        verdict = PageVerdict(reason="paywall", detail="nothing but offers")
    return Reading(
        lines=part.lines,
        origin="trafilatura",
        facts=facts,
        guesses=guesses,
        lede=pieces.lede,
        figures=pieces.figures,
        related=pieces.related,
        verdict=verdict,
        excerpt=part.excerpt,
    )


def _unread(source: Source, reason: str, detail: str) -> Reading:
    verdict = PageVerdict(reason=reason, detail=detail)
    facts = PageFacts(url=source.url)
    return Reading(lines=(), origin="trafilatura", facts=facts, guesses=Guesses(), verdict=verdict)


def _read_by_profile(found: ProfileReading) -> Reading:
    """A page with the site's own mark of an article's text is an article; whether it shows any, is left to ask."""
    part = free_part(found.lines, found.facts, free=is_free(found.facts))
    paid = PageVerdict(reason="paywall", detail="nothing but offers")
    return Reading(
        lines=part.lines,
        origin=found.stated.origin,
        facts=found.facts,
        guesses=Guesses(),
        lede=Lede(text=found.lede, source=found.stated.origin) if found.lede else None,
        figures=found.stated.images,
        related=found.stated.related,
        stated=found.stated,
        verdict=ARTICLE if kept(part.lines) else paid,
        excerpt=part.excerpt,
    )


def _read_feed(source: Source) -> Reading:
    markup = decoded(source.body, source.content_type)
    page = parsed(f"<html><body><div>{markup}</div></body></html>") if markup.strip() else None
    is_read = page is not None and not page.too_complex
    lines = tuple(Line(text=text, voice="feed") for text in feed_paragraphs(page.tree)) if page and is_read else ()
    said = any(map(str.isalnum, "".join(kept(lines))))
    verdict = ARTICLE if said else PageVerdict(reason="empty")
    return Reading(lines=lines, origin="feed", facts=PageFacts(url=source.url), guesses=Guesses(), verdict=verdict)
