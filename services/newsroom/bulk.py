"""Any number of distinct articles for benches, recombined from stored sentences; not part of the script."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import yaml

from services.newsroom.content import outlets
from services.newsroom.model import Address, Article, ArticlePage, Feed, FeedStyle, Outlet
from services.newsroom.snapshot import Snapshot, address_of, listing_of

HOST = "bulk.example"
FEED_LENGTH = 100
SENTENCES = 23
"""About 480 words in 11 paragraphs: near the mean of real news pages, for texts cost what they are long."""


def bulk_articles(count: int, seed: int = 0) -> tuple[Article, ...]:
    """Return `count` articles, French and English in turn, always the same for one seed."""
    # Sentences for a bench, nothing secret.
    random = Random(seed)  # noqa: S311
    return tuple(_article(index, random) for index in range(count))


def bulk_snapshot(articles: tuple[Article, ...]) -> Snapshot:
    """Return the bulk outlet's feeds, of at most 100 entries each, and its pages."""
    outlet = bulk_outlet()
    feeds = [
        Feed(
            outlet=outlet,
            path=f"/feed/{number}.xml",
            age=timedelta(minutes=20),
            listings=tuple(listing_of(article, url=article.url) for article in chunk),
        )
        for number, chunk in enumerate(_chunks(articles), start=1)
    ]
    return Snapshot(
        feeds={(HOST, feed.path): feed for feed in feeds},
        pages=dict(_pages(outlet, articles)),
    )


@cache
def bulk_outlet() -> Outlet:
    """The bulk outlet looks like an English one of the script, but for its name and feeds."""
    model = next(outlet for outlet in outlets() if outlet.page.template == "harbour-post")
    return replace(
        model,
        name="Bulk Wire",
        host=HOST,
        description="More news than anyone asked for",
        feed=FeedStyle(path="/feed/1.xml", format="rss2", encoding="utf-8", validators=frozenset({"etag"})),
        robots="User-agent: *\nAllow: /\n",
        articles=(),
    )


def _pages(outlet: Outlet, articles: tuple[Article, ...]) -> Iterator[tuple[Address, ArticlePage]]:
    for article in articles:
        yield address_of(article.url), ArticlePage(outlet=outlet, article=article)


def _chunks(articles: tuple[Article, ...]) -> Iterator[tuple[Article, ...]]:
    return (articles[start : start + FEED_LENGTH] for start in range(0, len(articles), FEED_LENGTH))


@cache
def _sentences() -> Mapping[str, Any]:
    source = files("services.newsroom").joinpath("content", "bulk.yaml").read_text(encoding="utf-8")
    pool: Mapping[str, Any] = yaml.safe_load(source)
    return pool


def _article(index: int, random: Random) -> Article:
    language = ("fr", "en")[index % 2]
    pool = _sentences()[language]
    slug = f"item-{index:05d}"
    age = timedelta(minutes=30 + index)
    sentences = [_fill(sentence, pool, random) for sentence in random.choices(pool["sentences"], k=SENTENCES)]
    return Article(
        host=HOST,
        slug=slug,
        url=f"http://{HOST}/news/{slug}",
        language=language,
        section="Bulk",
        age=age,
        modified_age=age,
        headline=_fill(random.choice(pool["headlines"]), pool, random),
        lede=sentences[0],
        paragraphs=tuple(" ".join(sentences[start : start + 2]) for start in range(1, len(sentences), 2)),
    )


def _fill(sentence: str, pool: Mapping[str, Any], random: Random) -> str:
    chosen = {slot: random.choice(values) for slot, values in pool["slots"].items()}
    numbers = {"number": random.randrange(3, 90), "other_number": random.randrange(3, 900)}
    return sentence.format(**chosen, **numbers)
