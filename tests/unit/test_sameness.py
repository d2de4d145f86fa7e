"""Documents that say the same in other bytes, and addresses in Link headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.polling.sameness import LONGEST_HEAD, content_hash, hashes
from services.fetcher.web.link_header import linked
from services.fetcher.web.responses import body_hash

ITEM = "<item><guid>1</guid><pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate><!-- kept --></item>"
BASE = "https://news.example/feed.xml"


def rss(head="", items=ITEM, tail=""):
    return f"<?xml version='1.0'?><rss><channel><title>News</title>{head}{items}</channel></rss>{tail}".encode()


@pytest.mark.parametrize(
    "head",
    [
        "<lastBuildDate>Mon, 23 Nov 2026 09:00:00 GMT</lastBuildDate>",
        "<pubDate>Mon, 23 Nov 2026 09:00:00 GMT</pubDate>",
        "<updated>2026-11-23T09:00:00Z</updated>",
        "<a10:updated>2026-11-23T09:00:00Z</a10:updated>",
        "<dc:date>2026-11-23</dc:date>",
        '<generator uri="https://press.example">Press 1.2</generator>',
        "<!-- made in 0.31 s --><!-- by node 7 -->",
    ],
)
def test_what_a_server_writes_anew_each_time_is_no_change(head):
    """Times of the channel, its generator, and comments before the first entry and after the end."""
    assert content_hash(rss(head)) == content_hash(rss())
    assert content_hash(rss(tail="\n<!-- cached at 09:00 -->\n")) == content_hash(rss())


@pytest.mark.parametrize(
    "other",
    [
        rss(items=ITEM.replace("08:00", "09:00")),
        rss(items=ITEM.replace("kept", "another")),
        rss(items=ITEM + ITEM),
        rss("<title>Other</title>"),
        rss("<ttl>60</ttl>"),
        rss("<lastBuildDate>never ends"),
        rss("<!-- never ends"),
    ],
)
def test_what_entries_and_channel_say_is_a_change(other):
    """An entry counts byte for byte, its own times and comments, too."""
    assert content_hash(other) != content_hash(rss())


def test_a_document_without_entries_counts_whole():
    """JSON feeds and sitemaps have no times of their own."""
    assert content_hash(b'{"items": [1]}') != content_hash(b'{"items": [2]}')
    assert content_hash(b"<rss><pubDate>1</pubDate></rss>") != content_hash(b"<rss><pubDate>2</pubDate></rss>")


@pytest.mark.parametrize("hostile", ["<>", "<a:", "<!---->", "<date></date "])
def test_a_document_with_a_giant_head_counts_whole(hostile):
    """Nothing is looked for in megabytes before a first entry: the event loop would stand still."""
    giant = rss(hostile * (LONGEST_HEAD // len(hostile)))
    both = hashes(giant)

    assert both.content == both.body == body_hash(giant)


@given(st.binary(), st.binary(min_size=1), st.sampled_from([rss(), b"<feed><entry>x</entry></feed>"]))
def test_any_change_within_the_entries_is_seen(before, inside, document):
    """Wherever it is, and whatever the bytes."""
    start = document.index(b"</item>") if b"</item>" in document else document.index(b"</entry>")
    changed = document[:start] + b"+" + inside.replace(b"<", b"") + document[start:]

    assert content_hash(changed) != content_hash(document)
    assert isinstance(content_hash(before), str)


@pytest.mark.parametrize(
    ("header", "relation", "expected"),
    [
        ('<https://hub.example/>; rel="hub"', "hub", "https://hub.example/"),
        ("<https://hub.example/>;rel=hub, <https://news.example/f>;rel=self", "self", "https://news.example/f"),
        ('</hub>; title="a, b; c"; REL="Preload HUB"', "hub", "https://news.example/hub"),
        ('<a>; rel="hub", <b>; rel="hub"', "hub", "https://news.example/a"),
        ('<a>; rel="hubs"', "hub", None),
        ("<a>", "hub", None),
        ('<http://[>; rel="hub"', "hub", None),
        ("rel=hub", "hub", None),
        ("", "hub", None),
    ],
)
def test_a_link_header_names_addresses_by_relation(header, relation, expected):
    """Absolute, the first of several, and nothing where it makes no sense."""
    assert linked(header, relation, BASE) == expected


@given(st.text(alphabet='<>;,="ab rel'))
def test_no_header_breaks_the_reading(header):
    """Any text gives an address or none."""
    assert linked(header, "hub", BASE) is None or linked(header, "hub", BASE)
