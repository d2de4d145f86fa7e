"""Whole documents of every dialect, against what is written beside them, against feedparser, and damaged."""

import io
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import feedparser
import pytest
from feed_documents import BASE, DOCUMENTS, NOW, expected
from hypothesis import given, settings
from hypothesis import strategies as st

from services.fetcher.documents.faults import Fault
from services.fetcher.documents.feed_description import describe
from services.fetcher.documents.parsing import MOST_ENTRIES, parse_feed
from services.fetcher.model import ParsedFeed, Sitemap
from shared.errors import PermanentError
from shared.urls import normalise

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
BY_NAME = {path.name: path.read_bytes() for path in DOCUMENTS}
# Not for feedparser: sitemaps, feeds in pages, and the half entry of a truncated feed.
COMPARED = sorted(name for name in BY_NAME if name.endswith(".xml") and not re.search("sitemap|page|truncated", name))

# Where we differ from feedparser on purpose: a publisher's own address behind a feed service's, a guid that is none,
# and one that is the only fetchable address beside a link that is not.
OTHER_LINKS: dict[str, dict[int, str | None]] = {
    "equal-guids.xml": {2: None},
    "hints.xml": {0: "https://lantern.example/wicks"},
    "rss20.xml": {1: "https://courrier.example/articles/pont", 3: "https://courrier.example/articles/guid"},
}


def parse(body):
    return parse_feed(body, "application/xml", BASE, NOW)


def said(value):
    """Without what a feed does not say."""
    if isinstance(value, dict):
        kept = {name: said(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if name == "faults" or each not in (None, [], {})}
    return [said(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_gives_what_is_written_beside_it(path):
    """Each dialect, encoding and kind of damage gives the title, hints, faults and entries that stand beside it."""
    assert expected(path) == said(describe(parse(path.read_bytes()), None))


def by_feedparser(body):
    headers = {"content-type": "application/xml", "content-location": BASE}
    return feedparser.parse(io.BytesIO(body), response_headers=headers)


@pytest.mark.parametrize("name", COMPARED)
def test_feedparser_itself_finds_the_same(name):
    """As many entries, the same titles and, but for what is listed above, the same addresses."""
    ours, theirs = parse(BY_NAME[name]).entries, by_feedparser(BY_NAME[name]).entries
    links = {number: normalise(their.get("link") or "") for number, their in enumerate(theirs)}
    plain = [their for their in theirs if their.get("title_detail", {}).get("type") == "text/plain"]

    assert links | OTHER_LINKS.get(name, {}) == {number: our.facts.url for number, our in enumerate(ours)}
    assert {" ".join(their.title.split()) for their in plain} <= {our.facts.title for our in ours}


@st.composite
def damaged(draw):
    """A document with bytes cut out, flipped or put in."""
    body = bytearray(BY_NAME[draw(st.sampled_from(sorted(BY_NAME)))])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(body)))
        match draw(st.sampled_from(["cut", "end", "flip", "insert", "repeat"])):
            case "cut":
                del body[at : at + draw(st.integers(1, 40))]
            case "end":
                del body[at:]
            case "flip":
                body[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "insert":
                body[at:at] = draw(st.sampled_from(NOISE) | st.binary(max_size=8))
            case "repeat":
                body[at:at] = body[at : at + 200] * draw(st.integers(1, 20))
    return bytes(body)


NOISE = (
    b"<", b">", b"]]>", b"<![CDATA[", b"<!--", b"&", b"&#", b"&#xD800;", b"&#99999999;", b"\x00", b"\xff\xfe",
    b"<item>", b"</rss>", b"<rss>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b'"', b"<entry>", b"\xed\xa0\x80", b"[[[[",
    b"<?xml version='1.0' encoding='utf-7'?>", b'{"id":', b"<skipHours>", b"<author>", b"</author>", b"xml:base='//'",
    b"<loc>",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(damaged())
def test_a_damaged_document_gives_a_feed_or_is_none(body):
    """Whatever happens to a document: a bounded feed whose entries differ and have fetchable addresses, or no feed."""
    try:
        parsed = parse(body)
    except PermanentError as error:
        reason, parsed = error.reason, ParsedFeed()
    else:
        reason = "not_a_feed"
    entries = parsed.entries

    assert reason == "not_a_feed"
    assert len({entry.identity for entry in entries}) == len(entries) <= MOST_ENTRIES
    assert all(entry.facts.url is None or entry.facts.url.startswith("http") for entry in entries)
    assert "\x00" not in (text := str(describe(parsed, None)))
    assert text.encode()


def test_every_fault_is_explained():
    """Whatever the parser may say of a document has its row in the operations page."""
    assert [fault for fault in Fault if f"| `{fault}` |" not in OPERATIONS.read_text(encoding="utf-8")] == []


def test_times_are_given_in_utc():
    """Whatever zone a value carries, scripts read one zone."""
    moment = datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=2)))
    said = describe(ParsedFeed(sitemaps=(Sitemap(url="https://reef.example/a", modified=moment),)), None)

    assert said["sitemaps"] == [{"url": "https://reef.example/a", "modified": "2026-11-23T08:00:00Z"}]
