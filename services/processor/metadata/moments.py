"""When an article was published and last changed: stated times weighed against each other. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import islice

from services.processor.metadata.dates import is_day_only, read_time
from services.processor.model import Source
from services.processor.normalization import as_utc, primary_language
from services.processor.page.facts import Guesses, PageFacts
from services.processor.page.json_ld import text_of, values_of
from shared.events import Moment

FEED_DATE_TOLERANCE = timedelta(days=2)
"""A feed's date further from the page's is the date of a syndication or an import, not of the article."""
MAX_TIMES = 20
SAME_MOMENT = timedelta(minutes=2)

_DATE_ALONE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}-\d\d-\d\d")

# In the order of their measured precision: docs/decisions/metadata-sources.md
_PUBLISHED = (
    "article:published_time", "article:published", "og:article:published_time", "og:published_time", "datepublished",
    "parsely-pub-date", "dc.date.issued", "dcterms.issued", "citation_publication_date", "citation_date",
    "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "dcterms.created", "dc.date", "dcterms.date",
    "dcsext.publishdate", "sailthru.date", "publication_date", "publish-date", "pubdate", "article.published",
    "article:create", "analytics:date", "date",
)  # fmt: skip
_MODIFIED = (
    "article:modified_time", "article:modified", "og:updated_time", "datemodified", "dcterms.modified",
    "article.updated", "last-modified", "revised",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Stated:
    """A time as read, naive where no offset was stated."""

    at: datetime
    source: str


def published(source: Source, facts: PageFacts, guesses: Guesses) -> Moment | None:
    """The feed's time where it agrees with the page's, with the page's offset; else the page's."""
    page = _published_by_page(facts, guesses)
    feed = _feed_moment(source.entry.published)
    if feed is None or page is None:
        return feed or page
    if abs(feed.at - page.at) > FEED_DATE_TOLERANCE or (is_day_only(feed.at) and not is_day_only(page.at)):
        return page
    return Moment(at=feed.at.astimezone(page.at.tzinfo), source="feed")


def modified(source: Source, facts: PageFacts, since: Moment | None) -> Moment | None:
    """The last change that is stated, None where it lies before the publication `since`."""
    stated = list(_stated(facts, "dateModified", _MODIFIED))
    page = _moment(stated[0], _zone(facts, stated)) if stated else None
    found = page or _feed_moment(source.entry.updated)
    return found if found and (since is None or found.at >= since.at - SAME_MOMENT) else None


def read_moment(text: str | None, source: str, beside: Moment | None = None) -> Moment | None:
    """The time in `text`; one without an offset has that of the moment `beside` it, else it is in UTC."""
    at = read_time(text or "")
    return _moment(_Stated(at, source), (beside.at.tzinfo if beside else None) or UTC) if at else None


def is_stated(facts: PageFacts) -> bool:
    """Whether the page states its time of publication where machines look for it."""
    return next(_stated(facts, "datePublished", _PUBLISHED), None) is not None


def _published_by_page(facts: PageFacts, guesses: Guesses) -> Moment | None:
    stated = list(_stated(facts, "datePublished", _PUBLISHED))
    zone = _zone(facts, stated)
    others = [] if stated else [*_shown(facts), *_read((guesses.date or "",), "trafilatura", facts)]
    every = [_moment(each, zone) for each in (*stated, *others)]
    return _precise(every) if every else None


def published_on(facts: PageFacts) -> list[Moment]:
    """Every time of publication that the page states or shows, the more precise source first; naive ones in UTC."""
    return [_moment(each, UTC) for each in (*_stated(facts, "datePublished", _PUBLISHED), *_shown(facts))]


def _shown(facts: PageFacts) -> list[_Stated]:
    return _read((*facts.shown.times, _title_end(facts)), "page", facts)


def _title_end(facts: PageFacts) -> str:
    """`Headline | Section | 28.04.2023`: the last part of the page's title, where that is a date alone."""
    last = (facts.title or "").rpartition("|")[2].strip()
    return last if _DATE_ALONE.fullmatch(last) else ""


def _stated(facts: PageFacts, name: str, tags: Iterable[str]) -> Iterator[_Stated]:
    """Times by source: JSON-LD, meta tags, microdata."""
    linked = map(text_of, values_of(facts.work.get(name)))
    yield from _read(linked, "json-ld", facts)
    yield from _read(facts.every(*tags), "meta", facts)
    yield from _read(facts.items.get(name, ()), "microdata", facts)


def _read(texts: Iterable[str], source: str, facts: PageFacts) -> list[_Stated]:
    language = primary_language(facts.language)
    times = (read_time(text, language) for text in islice(texts, MAX_TIMES))
    return [_Stated(at, source) for at in times if at]


def _precise(moments: list[Moment]) -> Moment:
    """The first, or the first of the same day that has a clock where it is a mere midnight."""
    first = moments[0]
    if not is_day_only(first.at):
        return first
    same_day = (each for each in moments if each.at.date() == first.at.date() and not is_day_only(each.at))
    return next(same_day, first)


def _zone(facts: PageFacts, stated: Sequence[_Stated]) -> tzinfo:
    """The offset of times without one: that of another time on the page, UTC where there is none."""
    if stated and all(each.at.tzinfo for each in stated):
        return UTC
    others = (*stated, *_stated(facts, "dateModified", _MODIFIED), *_read(facts.shown.times, "page", facts))
    offset = next((each.at.utcoffset() for each in others if each.at.tzinfo), None)
    return timezone(offset) if offset else UTC


def _moment(stated: _Stated, zone: tzinfo) -> Moment:
    return Moment(at=stated.at if stated.at.tzinfo else stated.at.replace(tzinfo=zone), source=stated.source)


def _feed_moment(at: datetime | None) -> Moment | None:
    return Moment(at=at, source="feed") if at and as_utc(at) else None
