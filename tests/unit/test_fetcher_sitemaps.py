"""Sitemaps as feeds: what tests/data/feeds does not show of them."""

import gzip
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
from feed_documents import FEEDS

from services.fetcher.documents.parsing import MOST_ENTRIES, parse_feed
from services.fetcher.web.decoding import Decoding, DecodingLimits

BASE = "https://reef.example/sitemap.xml"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SITEMAP = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">%s</urlset>'


def parse(text):
    return parse_feed(text.encode(), "application/xml", BASE, NOW)


def page(number, modified):
    return f"<url><loc>/{number}</loc><lastmod>{modified:%Y-%m-%dT%H:%M:%SZ}</lastmod></url>"


def test_of_too_many_pages_the_newest_are_taken():
    """A sitemap has no order: the newest pages are kept wherever they stand, and that there were more is said."""
    oldest_first = (
        page(number, NOW - timedelta(hours=MOST_ENTRIES + 5 - number)) for number in range(MOST_ENTRIES + 5)
    )
    parsed = parse(SITEMAP % "".join(oldest_first))

    assert (parsed.entries[0].identity, len(parsed.entries)) == ("https://reef.example/5", MOST_ENTRIES)
    assert parsed.faults == ("entries_cut",)


def test_a_page_is_one_entry_with_the_time_of_its_last_change():
    """A plain sitemap says no more, and its entries need no more."""
    facts = parse(SITEMAP % page(1, NOW)).entries[0].facts

    assert (facts.url, facts.updated, facts.published, facts.title) == ("https://reef.example/1", NOW, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "<urlset><url><loc>/a</loc></url></urlset>",
        '<s:urlset xmlns:s="u"><s:url><s:loc>/a</s:loc></s:url></s:urlset>',
        '<URLSET xmlns="other"><Url><LOC>/a</LOC></Url></URLSET>',
    ],
)
def test_namespaces_do_not_matter(text):
    """Prefixed, default or missing: elements are known by their names."""
    assert [entry.identity for entry in parse(text).entries] == ["https://reef.example/a"]


NEWS = "<url><loc>/%s</loc><news:news><news:title>%s</news:title></news:news></url>"


def test_faults_in_a_news_sitemap_cost_no_page():
    """A prefix that is not declared, bare ampersands and HTML's names: all pages are read, with their titles."""
    parsed = parse(SITEMAP % (NEWS % ("?a=1&b=2", "rice & fish") + NEWS % ("2", "a&nbsp;b") + NEWS % ("3", "c")))

    assert [entry.facts.title for entry in parsed.entries] == ["rice & fish", "a b", "c"]
    assert (parsed.entries[0].facts.url, parsed.faults) == ("https://reef.example/?a=1&b=2", ("not_well_formed",))


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE urlset [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
        '<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_are_refused(declared):
    """No sitemap needs them: the document counts as broken, and nothing of it is read."""
    parsed = parse(declared + SITEMAP % "<url><loc>/a</loc></url>")

    assert (parsed.entries, parsed.faults) == ((), ("not_well_formed",))


def test_an_empty_index_and_an_empty_sitemap_are_feeds():
    """A site that has nothing new today says so."""
    assert [parse(text).faults for text in ("<sitemapindex></sitemapindex>", "<urlset></urlset>", "<urlset/>")] == [
        ()
    ] * 3


def test_a_packed_sitemap_is_unpacked_whatever_its_label():
    """`sitemap.xml.gz` is sent as a file of its own type, without a content coding."""
    packed = gzip.compress((FEEDS / "news-sitemap.xml").read_bytes())
    decoding = Decoding("", DecodingLimits(max_bytes=10**6, max_ratio=200.0))
    deque(decoding.feed(packed), maxlen=0)
    body, truncated = decoding.end()

    assert not truncated
    assert len(parse_feed(body, "application/gzip", BASE, NOW).entries) == 2
