"""What every outlet's feed and pages show during one edition: computed from the script."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from services.newsroom.content import outlets
from services.newsroom.model import (
    Address,
    Article,
    ArticlePage,
    ConsentWall,
    Feed,
    Listing,
    Moved,
    Outlet,
    Resource,
    Withheld,
)
from services.newsroom.script import DETOURS, EDITIONS, Alias, Trap, new_articles


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the outlets show during one edition; an address that is missing here is not found."""

    feeds: dict[Address, Feed]
    pages: dict[Address, Resource]


def snapshot(edition: int) -> Snapshot:
    """Return what the outlets show during the edition of that number, counted from 1."""
    pages: dict[Address, Resource] = {}
    for outlet in outlets():
        pages.update(_pages(outlet, edition))
    feeds = {(outlet.host, outlet.feed.path): _feed(outlet, edition) for outlet in outlets()}
    return Snapshot(feeds=feeds, pages=pages)


def standing_articles(outlet: Outlet) -> tuple[Article, ...]:
    """Return the outlet's articles that are there from the first edition to the last: safe to link to."""
    withdrawn = {slug for edition in EDITIONS for slug in edition.withdrawals}
    return tuple(article for article in new_articles(outlet, 1) if article.slug not in withdrawn)


def address_of(url: str) -> Address:
    parts = urlsplit(url)
    return parts.netloc, parts.path


def _current_articles(outlet: Outlet, number: int) -> tuple[Article, ...]:
    published = [article for earlier in range(1, number + 1) for article in new_articles(outlet, earlier)]
    past = EDITIONS[:number]
    corrected = {slug for edition in past for slug in edition.corrections}
    withdrawn = {slug for edition in past for slug in edition.withdrawals}
    return tuple(
        article.corrected() if article.slug in corrected else article
        for article in published
        if article.slug not in withdrawn
    )


def _feed(outlet: Outlet, number: int) -> Feed:
    listings = sorted(_listings(outlet, number), key=lambda listing: (listing.age, listing.url))
    return Feed(outlet=outlet, path=outlet.feed.path, age=_last_change(outlet, number), listings=tuple(listings))


def _listings(outlet: Outlet, number: int) -> Iterator[Listing]:
    current = {article.slug: article for article in _current_articles(outlet, number)}
    detours = {detour.slug: detour.url for detour in DETOURS}
    for article in current.values():
        yield listing_of(article, url=detours.get(article.slug, article.url))
    for edition in EDITIONS[:number]:
        for alias in edition.aliases:
            if alias.slug in current:
                yield _alias_listing(alias, current[alias.slug])
        yield from (_trap_listing(trap) for trap in _of_outlet(edition.traps, outlet))


def listing_of(article: Article, *, url: str) -> Listing:
    return Listing(
        url=url,
        guid=f"tag:{article.host},2026:{article.slug}",
        title=article.headline,
        age=article.age,
        modified_age=article.modified_age,
        article=article,
    )


def _alias_listing(alias: Alias, article: Article) -> Listing:
    age = timedelta(minutes=alias.age_minutes)
    return replace(listing_of(article, url=alias.url), guid=alias.guid, age=age, modified_age=age)


def _trap_listing(trap: Trap) -> Listing:
    age = timedelta(minutes=trap.age_minutes)
    return Listing(url=trap.url, guid=trap.url, title=trap.title, age=age, modified_age=age, article=None)


def _of_outlet(traps: Iterable[Trap], outlet: Outlet) -> Iterator[Trap]:
    return (trap for trap in traps if address_of(trap.url)[0] == outlet.host)


def _last_change(outlet: Outlet, number: int) -> timedelta:
    """How old the newest edition is that touched this outlet's feed."""
    slugs = {article.slug for article in outlet.articles}
    touched = [
        edition
        for edition in EDITIONS[1:number]
        if slugs.intersection(
            edition.articles + edition.corrections + edition.withdrawals + tuple(a.slug for a in edition.aliases)
        )
    ]
    return timedelta(minutes=(touched or EDITIONS[:1])[-1].age_minutes)


def _pages(outlet: Outlet, number: int) -> Iterator[tuple[Address, Resource]]:
    detours = {detour.slug: detour.url for detour in DETOURS}
    for article in _current_articles(outlet, number):
        yield address_of(article.url), _article_resource(outlet, article)
        if article.amp_url:
            yield address_of(article.amp_url), ArticlePage(outlet=outlet, article=article, amp=True)
        if article.slug in detours:
            yield address_of(detours[article.slug]), Moved(location=article.url)
    for edition in EDITIONS[:number]:
        for trap in _of_outlet(edition.traps, outlet):
            if trap.reason == "consent_wall":
                yield address_of(trap.url), ConsentWall(url=trap.url, encoding=outlet.page.encoding)


def _article_resource(outlet: Outlet, article: Article) -> Resource:
    return Withheld(url=article.url) if article.feed_only else ArticlePage(outlet=outlet, article=article)
