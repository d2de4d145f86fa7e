"""Metadata of an article out of what page, feed and extractor say: which source is believed for which field. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from html import unescape
from urllib.parse import urlsplit

from services.processor.fingerprint import normalised_words
from services.processor.model import Source
from services.processor.normalization import as_utc, distinct, one_line, parse_time, split_authors, without_site_suffix
from services.processor.page.facts import Guesses, PageFacts
from shared.events import Image, Moment
from shared.urls import normalise, site_of

ALIKE = 0.6
"""How alike a visible heading must be to a stated headline to be that headline."""
FEED_DATE_TOLERANCE = timedelta(days=2)
"""A feed's date further from the page's is the date of a syndication or an import, not of the article."""
MAX_TAGS = 30
MAX_HEADING_CHARACTERS = 300

Found = tuple[str, str]
"""A value and where it was read: `feed`, `json-ld`, `meta`, `h1`, `title`, `trafilatura`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    headline: str | None
    authors: tuple[str, ...]
    published: Moment | None
    modified: Moment | None
    section: str | None
    tags: tuple[str, ...]
    images: tuple[Image, ...]
    site_name: str | None
    canonical_url: str | None
    free: bool | None
    fields: Mapping[str, str]


def resolve(source: Source, facts: PageFacts, guesses: Guesses) -> Metadata:
    """Each field from the most trusted source that has it; `fields` says which that was."""
    headline, authors = _headline(source, facts, guesses), _authors(source, facts, guesses)
    published, modified = _published(source, facts, guesses), _modified(source, facts)
    section, tags, images = _section(source, facts), _tags(source, facts), _images(source, facts)
    site_name, canonical = _site_name(facts), _canonical(source, facts)
    found = {"headline": headline, "authors": authors, "section": section, "tags": tags, "images": images,
             "site_name": site_name, "canonical_url": canonical}  # fmt: skip
    moments = {"published": published, "modified": modified}
    return Metadata(
        headline=headline[0] if headline else None,
        authors=authors[0] if authors else (),
        published=published,
        modified=modified,
        section=section[0] if section else None,
        tags=tags[0] if tags else (),
        images=images[0] if images else (),
        site_name=site_name[0] if site_name else None,
        canonical_url=canonical[0] if canonical else None,
        free=_free(facts.article.get("isAccessibleForFree")),
        fields={name: value[1] for name, value in found.items() if value}
        | {name: moment.source for name, moment in moments.items() if moment},
    )


def is_complete(facts: PageFacts) -> bool:
    """Whether the page states all that the extractor would otherwise have to guess."""
    return bool(_stated_headlines(facts) and _stated_authors(facts) and _stated_times(facts))


def _headline(source: Source, facts: PageFacts, guesses: Guesses) -> Found | None:
    """The visible heading that is most like a stated headline: it is whole, where meta tags are cut or sold."""
    stated = _stated_headlines(facts)
    feed = one_line(unescape(source.entry.title or ""))
    references = [text for text, _ in stated] + [feed] * bool(feed)
    best, heading = max(((_likeness(text, references), text) for text in facts.headings), default=(0.0, ""))
    if best >= ALIKE:
        return heading, "h1"
    guess = one_line(guesses.title or "")
    title = _without_suffix(facts.title or "", facts)
    others = ((feed, "feed"), (guess, "trafilatura"), (title, "title"))
    return next((found for found in (*stated, *others) if found[0]), None)


def _stated_headlines(facts: PageFacts) -> list[Found]:
    linked = _text(facts.article.get("headline"))
    shared = _without_suffix(facts.first("og:title", "twitter:title") or "", facts)
    return [found for found in ((linked, "json-ld"), (shared, "meta")) if found[0]]


def _likeness(heading: str, references: Iterable[str]) -> float:
    words = " ".join(normalised_words(heading))[:MAX_HEADING_CHARACTERS]
    others = {" ".join(normalised_words(text))[:MAX_HEADING_CHARACTERS] for text in references}
    if words in others:
        return 1.0
    return max((SequenceMatcher(None, words, other, autojunk=False).ratio() for other in others), default=0.0)


def _without_suffix(title: str, facts: PageFacts) -> str:
    site, publisher = site_of(facts.url), _name(facts.article.get("publisher"))
    names = (facts.first("og:site_name") or "", facts.first("application-name") or "", publisher)
    return without_site_suffix(one_line(title), (*names, site, site.partition(".")[0]))


def _authors(source: Source, facts: PageFacts, guesses: Guesses) -> tuple[tuple[str, ...], str] | None:
    feed, guessed = _people(source.entry.authors), _people((guesses.author or "",))
    others = ((feed, "feed"), (guessed, "trafilatura"))
    return _stated_authors(facts) or next((found for found in others if found[0]), None)


def _stated_authors(facts: PageFacts) -> tuple[tuple[str, ...], str] | None:
    linked = _people(_names(facts.article.get("author")))
    names = ("author", "article:author", "dc.creator", "parsely-author", "sailthru.author", "byl")
    tagged = next((people for name in names if (people := _people(facts.meta.get(name, ())))), ())
    return next((found for found in ((linked, "json-ld"), (tagged, "meta")) if found[0]), None)


def _people(names: Iterable[str]) -> tuple[str, ...]:
    return distinct(tuple(author for name in names for author in split_authors(unescape(name))))


def _published(source: Source, facts: PageFacts, guesses: Guesses) -> Moment | None:
    stated = _stated_times(facts)
    guess = _moment(guesses.date, "trafilatura")
    page = stated or guess
    feed = _feed_moment(source.entry.published)
    if feed and (page is None or abs(feed.at - page.at) <= FEED_DATE_TOLERANCE):
        return feed
    return page


def _stated_times(facts: PageFacts) -> Moment | None:
    tagged = facts.first("article:published_time", "og:published_time", "datepublished", "parsely-pub-date", "dc.date")
    return _moment(_text(facts.article.get("datePublished")), "json-ld") or _moment(tagged, "meta")


def _modified(source: Source, facts: PageFacts) -> Moment | None:
    tagged = facts.first("article:modified_time", "og:updated_time", "datemodified")
    page = _moment(_text(facts.article.get("dateModified")), "json-ld") or _moment(tagged, "meta")
    return page or _feed_moment(source.entry.updated)


def _moment(text: str | None, source: str) -> Moment | None:
    at = parse_time(text)
    return Moment(at=at, source=source) if at else None


def _feed_moment(at: datetime | None) -> Moment | None:
    utc = as_utc(at) if at else None
    return Moment(at=utc, source="feed") if utc else None


def _section(source: Source, facts: PageFacts) -> Found | None:
    linked = next(iter(_texts(facts.article.get("articleSection"))), "")
    others = ((facts.first("article:section") or "", "meta"), (source.section or "", "feed"))
    return next((found for found in ((linked, "json-ld"), *others) if found[0]), None)


def _tags(source: Source, facts: PageFacts) -> tuple[tuple[str, ...], str] | None:
    linked = [tag for text in _texts(facts.article.get("keywords")) for tag in text.split(",")]
    listed = [tag for text in (facts.first("news_keywords", "keywords") or "",) for tag in text.split(",")]
    tagged = list(facts.meta.get("article:tag", ())) or listed
    for tags, origin in ((linked, "json-ld"), (tagged, "meta"), (source.entry.tags, "feed")):
        kept = distinct(tuple(tag for tag in map(one_line, tags) if tag))[:MAX_TAGS]
        if kept:
            return kept, origin
    return None


def _images(source: Source, facts: PageFacts) -> tuple[tuple[Image, ...], str] | None:
    """The article's own picture: what the page shows when it is shared, else what its JSON-LD names."""
    linked = facts.article.get("image")
    node = next(iter(linked), None) if isinstance(linked, list) else linked
    address, caption = _linked_image(node)
    shared = facts.first("og:image", "og:image:url", "twitter:image")
    alt = facts.first("og:image:alt", "twitter:image:alt")
    for found, origin in ((shared, "meta"), (address, "json-ld")):
        url = normalise(found, facts.base or source.url) if found else None
        if url:
            return (Image(url=url, alt=alt, caption=caption if found == address else None),), origin
    return None


def _linked_image(node: object) -> tuple[str, str | None]:
    if not isinstance(node, dict):
        return _text(node), None
    return _text(node.get("url") or node.get("contentUrl")), _text(node.get("caption")) or None


def _site_name(facts: PageFacts) -> Found | None:
    others = ((_name(facts.article.get("publisher")), "json-ld"), (facts.first("application-name") or "", "meta"))
    return next((found for found in ((facts.first("og:site_name") or "", "meta"), *others) if found[0]), None)


def _canonical(source: Source, facts: PageFacts) -> Found | None:
    stated = ((facts.canonical, "link"), (facts.first("og:url"), "meta"))
    for address, origin in stated:
        found = normalise(address, facts.base or source.url) if address else None
        if found and is_plausible_canonical(found, source.url):
            return found, origin
    return None


def is_plausible_canonical(canonical: str, url: str) -> bool:
    """Whether a page at `url` may have `canonical` as its address: on the same site, and not just the home page."""
    if site_of(canonical) != site_of(url):
        return False
    stated, fetched = urlsplit(canonical), urlsplit(url)
    return bool(stated.path.strip("/") or stated.query) or not fetched.path.strip("/")


def _free(value: object) -> bool | None:
    words = {"true": True, "false": False}
    return words.get(str(value).lower().rpartition("/")[2])


def _text(value: object) -> str:
    return one_line(unescape(value)) if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in map(_text, values) if text]


def _name(value: object) -> str:
    return next(iter(_names(value)), "")


def _names(value: object) -> tuple[str, ...]:
    """Names in JSON-LD: a string, a node with a name, or a list of these."""
    values = value if isinstance(value, list) else [value]
    nodes = (node.get("name") if isinstance(node, dict) else node for node in values)
    return tuple(text for node in nodes for text in _texts(node))
