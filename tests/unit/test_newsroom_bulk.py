"""The bulk outlet serves as many distinct articles as a bench wants."""

from datetime import UTC, datetime
from itertools import combinations, pairwise

from services.newsroom.bulk import bulk_articles, bulk_snapshot
from services.newsroom.server import Newsroom
from services.newsroom.snapshot import address_of

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def test_articles_are_distinct_and_repeatable():
    """One seed gives the same articles again, all of different texts, in two languages."""
    articles = bulk_articles(500, 7)

    assert bulk_articles(500, 7) == articles
    assert bulk_articles(500, 8) != articles
    assert 500 == len({article.text for article in articles}) == len({article.url for article in articles})
    assert {"fr", "en"} == {article.language for article in articles}
    assert all(len(article.text.split()) >= 150 for article in articles)


def test_articles_are_not_variations_of_each_other():
    """Two articles share few runs of five words."""
    shingles = [
        set(zip(*(words[start:] for start in range(5)), strict=False))
        for words in (article.text.split() for article in bulk_articles(120, 1))
    ]

    assert max(len(a & b) / min(len(a), len(b)) for a, b in combinations(shingles, 2)) < 0.35


def test_feeds_hold_a_hundred_entries_each():
    """All articles are listed once, newest first, in feeds of at most a hundred, and each has a page."""
    snapshot = bulk_snapshot(bulk_articles(250, 0))
    listings = [feed.listings for feed in snapshot.feeds.values()]

    assert [len(entries) for entries in listings] == [100, 100, 50]
    assert [f"/feed/{number}.xml" for number in (1, 2, 3)] == [path for _, path in snapshot.feeds]
    assert snapshot.pages.keys() == {address_of(entry.url) for entries in listings for entry in entries}
    assert all(a.age < b.age for entries in listings for a, b in pairwise(entries))


def test_a_newsroom_offers_the_bulk_outlet_when_asked():
    """The outlet is there with its feeds if articles are asked for, and else not at all."""
    newsroom = Newsroom(started_at=NOW, bulk=101)

    assert "bulk.example" in newsroom.hosts
    assert {"http://bulk.example/feed/1.xml", "http://bulk.example/feed/2.xml"} <= set(newsroom.feed_urls)
    assert "bulk.example" not in Newsroom(started_at=NOW).hosts
