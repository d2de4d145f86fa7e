"""Every feed of the newsroom can be read, in the encoding it declares."""

import io
import json
from calendar import timegm
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import feedparser
import pytest

from services.newsroom.feeds import content_type, render_feed
from services.newsroom.script import EDITIONS
from services.newsroom.snapshot import snapshot

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
EDITION_NUMBERS = range(1, len(EDITIONS) + 1)
XML_FEEDS = [
    pytest.param(feed, id=f"{feed.outlet.feed.format}-{edition}")
    for edition in EDITION_NUMBERS
    for feed in snapshot(edition).feeds.values()
    if feed.outlet.feed.format != "json_feed"
]
WELL_FORMED_FEEDS = [param for param in XML_FEEDS if "malformed" not in str(param.id)]


def _parsed(feed):
    headers = {"content-type": content_type(feed)}
    return feedparser.parse(
        io.BytesIO(render_feed(feed, started_at=NOW)),
        response_headers=headers,
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _of_format(name, edition=1):
    return next(feed for feed in snapshot(edition).feeds.values() if feed.outlet.feed.format == name)


@pytest.mark.parametrize("feed", XML_FEEDS)
def test_feedparser_reads_every_entry(feed):
    """All entries of every XML feed come out in order, with their addresses and identities."""
    entries = _parsed(feed).entries

    assert [listing.url for listing in feed.listings] == [entry.link for entry in entries]
    assert len(feed.listings) == len({entry.id for entry in entries})
    assert [NOW - listing.age for listing in feed.listings] == [
        datetime.fromtimestamp(timegm(entry.get("published_parsed") or entry.updated_parsed), tz=UTC)
        for entry in entries
    ]


@pytest.mark.parametrize("feed", WELL_FORMED_FEEDS)
def test_well_formed_feeds_give_exact_titles(feed):
    """A feed that is well-formed is read without complaint, and its titles are the headlines."""
    parsed = _parsed(feed)

    assert not parsed.bozo
    assert [listing.title for listing in feed.listings] == [entry.title for entry in parsed.entries]


@pytest.mark.parametrize("edition", EDITION_NUMBERS)
def test_the_json_feed_lists_every_article(edition):
    """The JSON Feed has version, addresses, titles and texts as its format demands."""
    feed = _of_format("json_feed", edition)
    document = json.loads(render_feed(feed, started_at=NOW))

    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert [(listing.guid, listing.url, listing.title) for listing in feed.listings] == [
        (item["id"], item["url"], item["title"]) for item in document["items"]
    ]
    assert all(item["content_html"] for item in document["items"])


@pytest.mark.parametrize("edition", EDITION_NUMBERS)
def test_the_malformed_feed_is_malformed(edition):
    """A strict parser refuses the feed, which has every defect it was given."""
    body = render_feed(_of_format("malformed_rss2", edition), started_at=NOW)

    with pytest.raises(ET.ParseError):
        ET.fromstring(body)
    assert b" & " in body
    assert b"\x0b" in body
    assert b"<em>" in body
    assert b"</em>" not in body
    assert b"</rss>" not in body


def test_the_full_text_is_in_the_feed_where_the_page_is_withheld():
    """The entry whose page nobody may read carries all its paragraphs, under a clean title."""
    feed = _of_format("malformed_rss2")
    listing = next(listing for listing in feed.listings if listing.article.feed_only)
    entry = next(entry for entry in _parsed(feed).entries if entry.link == listing.url)

    assert listing.title == entry.title
    assert [part in entry.content[0].value for part in (listing.article.lede, *listing.article.paragraphs)] == [
        True
    ] * 4


def test_the_latin_1_feed_is_latin_1():
    """The bytes are those of the declared encoding, which no header announces."""
    feed = _of_format("rss2")
    body = render_feed(feed, started_at=NOW)

    assert b'encoding="iso-8859-1"' in body
    assert "relevée d'un mètre".encode("latin-1") in body
    assert "charset" not in content_type(feed)
    with pytest.raises(UnicodeDecodeError):
        body.decode()


def test_the_feed_without_descriptions_has_none():
    """The feed of the outlet with bulletins gives titles and addresses only."""
    assert all("summary" not in entry for entry in _parsed(_of_format("rian")).entries)


def test_a_correction_shows_in_the_feed():
    """The corrected entry keeps its identity and gets another title and a later update."""
    before, after = ({entry.id: entry for entry in _parsed(_of_format("atom", edition)).entries} for edition in (2, 3))
    changed = [name for name, entry in after.items() if entry != before[name]]

    assert before.keys() == after.keys()
    assert len(changed) == 1
    assert before[changed[0]].title != after[changed[0]].title
    assert before[changed[0]].updated_parsed < after[changed[0]].updated_parsed
