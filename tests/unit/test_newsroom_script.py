"""The sample newsroom's script agrees with its articles."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.newsroom.content import outlets
from services.newsroom.model import ArticlePage, ConsentWall, Moved, Withheld
from services.newsroom.script import EDITIONS, expected
from services.newsroom.snapshot import address_of, snapshot

LAST = len(EDITIONS)
ARTICLES = [article for outlet in outlets() for article in outlet.articles]


def _shingles(text):
    words = text.split()
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def test_the_whole_script_has_every_kind_of_event():
    """Every verb occurs, and each first sight of an article is told once."""
    verbs = Counter(event.verb for event in expected(LAST).events)

    assert {"published": len(ARTICLES) - 2, "copied": 2, "updated": 1, "withdrawn": 1} == verbs


def test_the_reasons_are_those_of_the_traps_and_aliases():
    """A consent wall and a missing page are there from the start, two aliases come later."""
    assert [reason.reason for reason in expected(1).reasons] == ["consent_wall", "gone"]
    assert [reason.reason for reason in expected(LAST).reasons] == ["consent_wall", "gone", "alias", "alias"]


@given(st.integers(min_value=1, max_value=LAST - 1))
def test_a_later_edition_only_adds_to_what_is_expected(edition):
    """What was expected after one edition stays the beginning of what is expected after the next."""
    before, after = expected(edition), expected(edition + 1)

    assert before.events == after.events[: len(before.events)]
    assert before.reasons == after.reasons[: len(before.reasons)]
    assert len(before.events) < len(after.events)


def test_copies_follow_their_original():
    """Both copies name an original that an earlier edition published at a third outlet, with the same paragraphs."""
    copies = [article for article in ARTICLES if article.story_of]
    originals = {article.url: article for article in ARTICLES}

    assert {"gazette-du-fleuve.example", "courrier-des-lacs.example"} == {copy.host for copy in copies}
    for copy in copies:
        original = originals[copy.story_of or ""]
        assert original.text == copy.text
        assert original.headline != copy.headline
        assert original.url in {event.url for event in expected(1).events}
        assert copy.url not in {event.url for event in expected(1).events}


def test_the_newsroom_is_large_and_varied_enough():
    """There are at least 45 articles in three languages, at six outlets with registrable names of their own."""
    assert len(ARTICLES) >= 45
    assert {"fr", "en", "ar"} == {article.language for article in ARTICLES}
    assert {2} == {len(outlet.host.split(".")) for outlet in outlets()}
    assert len(ARTICLES) == len({article.url for article in ARTICLES})


@pytest.mark.parametrize("edition", range(1, LAST + 1))
def test_every_expected_article_is_served_and_listed(edition):
    """An article that was not withdrawn has a page of the expected headline, and its feed leads there."""
    shown = snapshot(edition)
    withdrawn = {event.url for event in expected(edition).events if event.verb == "withdrawn"}
    latest = {event.url: event for event in expected(edition).events if event.url not in withdrawn}
    listed = {listing.url for feed in shown.feeds.values() for listing in feed.listings}

    for url, event in latest.items():
        resource = shown.pages[address_of(url)]
        assert url in listed or any(resource == Moved(location=url) for resource in shown.pages.values())
        if isinstance(resource, ArticlePage):
            assert (event.headline, event.revision) == (resource.article.headline, resource.article.revision)
        else:
            assert Withheld(url=url) == resource
    for url in withdrawn:
        assert address_of(url) not in shown.pages
        assert url not in listed


@pytest.mark.parametrize("edition", range(1, LAST + 1))
def test_every_listing_is_accounted_for(edition):
    """A feed lists nothing but expected articles and expected reasons, and its guids are all different."""
    shown = snapshot(edition)
    events = {event.url for event in expected(edition).events}
    reasons = {reason.url for reason in expected(edition).reasons}
    for feed in shown.feeds.values():
        for listing in feed.listings:
            moved = shown.pages.get(address_of(listing.url))
            target = moved.location if isinstance(moved, Moved) else listing.url
            assert target in events | reasons
        assert len(feed.listings) == len({listing.guid for listing in feed.listings})
        assert [listing.age for listing in feed.listings] == sorted(listing.age for listing in feed.listings)


def test_traps_lead_to_a_consent_wall_and_to_nothing():
    """The page of a consent wall is one; the page of a gone entry does not exist in any edition."""
    by_reason = {reason.reason: address_of(reason.url) for reason in expected(1).reasons}

    assert isinstance(snapshot(1).pages[by_reason["consent_wall"]], ConsentWall)
    assert all(by_reason["gone"] not in snapshot(edition).pages for edition in range(1, LAST + 1))


def test_articles_are_older_than_the_edition_that_brings_them():
    """Nothing is published in the future or before an earlier edition went out."""
    first_seen: dict[str, tuple[int, float]] = {}
    for edition in range(1, LAST + 1):
        for feed in snapshot(edition).feeds.values():
            for listing in feed.listings:
                first_seen.setdefault(listing.guid, (edition, listing.age.total_seconds() / 60))
    for edition, age in first_seen.values():
        assert age > EDITIONS[edition - 1].age_minutes
        assert edition == 1 or age < EDITIONS[edition - 2].age_minutes


def test_texts_of_different_stories_have_little_in_common():
    """Any two articles that are not copies of each other share fewer than a fifth of their runs of five words."""
    texts = [(article.url, _shingles(article.text)) for article in ARTICLES if not article.story_of]
    alike = [
        (first, second)
        for (first, one), (second, other) in combinations(texts, 2)
        if len(one & other) >= 0.2 * min(len(one), len(other))
    ]

    assert alike == []
