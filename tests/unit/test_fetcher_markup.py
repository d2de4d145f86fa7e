"""Documents made fit for a parser."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.fetcher.documents.markup import MOST_ATTRIBUTES, prepare

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RSS = '<rss version="2.0"><channel><title>T</title><item><title>a</title></item></channel></rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id></entry></feed>'
FLOOD = " ".join(f'a{number}="{number}"' for number in range(5000))


def prepared(text, most=10):
    return prepare(text, most_entries=most, now=NOW)


@pytest.mark.parametrize(
    ("text", "root"),
    [
        (RSS, "rss"),
        (f'<?xml version="1.0"?>\n<!-- made by hand -->\n<!DOCTYPE rss>\n{RSS}', "rss"),
        (ATOM, "feed"),
        ('<feed xmlns="http://www.w3.org/2005/Atom"/>', "feed"),
        ('<rdf:RDF xmlns:rdf="u"><item/></rdf:RDF>', "rdf"),
        (f"{RSS}\n<!-- served in 3 ms -->\n", "rss"),
        (f"{RSS}{RSS}", "rss"),
        (f"<!-- not an <rss> but --> {ATOM}", "feed"),
        (RSS.replace("<title>a", "<title>a &amp; b &#38; &#x26;<!-- R & D --><![CDATA[&copy; R & D]]>"), "rss"),
        (f"<!DOCTYPE rss [<!ENTITY house 'Harbour House'>]>{RSS.replace('>a<', '>&house;<')}", "rss"),
        (RSS.replace("<title>a", '<title><![CDATA[<img src="data:image/png;base64,' + "A" * 100_000 + '">]]>'), "rss"),
        (RSS.replace("<title>a", "<author>Ada, Ben and " + "others, " * 200 + "</author><title>"), "rss"),
    ],
)
def test_a_sound_document_is_left_as_it_is(text, root):
    """Comments around it, pictures in it and long lists of names are nothing unusual."""
    markup = prepared(text)

    assert (markup.text, markup.root, markup.faults) == (text, root, ())


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("<br />\n<b>Notice</b>: undefined index\n", "", RSS),
        ("<br /><?xml version='1.0'?>", "", "<?xml version='1.0'?>" + RSS),
        ("<!DOCTYPE html><html><head></head><body>", "</body></html>", RSS),
        ("<?xml version='1.0'?><html><body>", "</body></html>", RSS),
        ("", "<script>count()</script>", RSS),
        ("Served: ", "\nbye", RSS),
    ],
)
def test_a_feed_is_taken_out_of_what_surrounds_it(before, after, kept):
    """Warnings before, scripts after, a page around: the feed is what counts, and the faults say so."""
    markup = prepared(before + RSS + after)

    assert (markup.text, markup.faults) == (kept, ("wrapped",))


def test_a_feed_that_is_shown_as_text_is_read():
    """A page that shows a feed, with its tags coloured, holds that feed."""
    shown = RSS.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("title", "<b>title</b>")
    markup = prepared(f"<html><body><pre>{shown}</pre></body></html>")

    assert (markup.text, markup.faults) == (RSS, ("wrapped",))


def test_a_document_without_its_end_is_truncated():
    """Until the last closing tag of the root, more may have been meant to come."""
    assert prepared(RSS.removesuffix("</rss>")).faults == ("truncated",)


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        (f"{RSS[:-16]}<item><title>b", RSS),
        (f"{RSS[:-16]}<ite", RSS),
        (RSS.removesuffix("</rss>"), RSS),
        (ATOM.replace("</feed>", "<entry><id>2</id"), ATOM),
        ('<a:feed xmlns:a="u"><a:entry><a:id>1', '<a:feed xmlns:a="u"></a:feed>'),
        ("<rss><channel><title>T</ti", "<rss><channel><title>T</ti"),
    ],
)
def test_the_entry_that_a_document_breaks_off_in_is_left_out(cut, kept):
    """Half an entry would be one more entry, without its guid or with half of it; the others are read as ever."""
    markup = prepared(cut)

    assert (markup.text, markup.faults) == (kept, ("truncated",))


@pytest.mark.parametrize(
    ("written", "sound"),
    [
        ("R & D", "R &amp; D"),
        ("caf&eacute;&nbsp;", "café\u00a0"),
        ("?id=5&lang=fr&copy=1", "?id=5&amp;lang=fr&amp;copy=1"),
        ("&LT;b&GT; &nosuch; &#xZ; &;", "&lt;b&gt; &amp;nosuch; &amp;#xZ; &amp;;"),
        ("&#X41; & &#65;", "&#x41; &amp; &#65;"),
        ("& <![CDATA[&]]> & <!-- & --> &", "&amp; <![CDATA[&]]> &amp; <!-- & --> &amp;"),
    ],
)
def test_references_are_made_sound(written, sound):
    """HTML's names with their semicolon are characters, other ampersands are themselves; CDATA and comments stay."""
    markup = prepared(RSS.replace(">a<", f">{written}<"))

    assert (markup.text, markup.faults) == (RSS.replace(">a<", f">{sound}<"), ("not_well_formed",))


@pytest.mark.parametrize("opening", ["<!--", "<![CDATA[", "&", "<item>", "<![CDATA[&", "<date "])
def test_floods_take_no_longer_than_their_length(opening):
    """Each opening is looked at once, though none is closed."""
    assert prepared("<rss> & " + opening * 200_000).root == "rss"


def test_forbidden_characters_are_taken_out():
    """A vertical tab costs itself, not the document."""
    markup = prepared(RSS.replace("<title>a", "<title>\x0ba\x00"))

    assert (markup.text, markup.faults) == (RSS, ("not_well_formed",))


def test_a_flood_of_attributes_is_cut():
    """Beyond two hundred the attributes of a tag are dropped, and the rest of the document stays."""
    markup = prepared(RSS.replace("<title>a", f"<x {FLOOD}/><title>a"))

    assert markup.faults == ("oversized",)
    assert markup.text.count('="') == MOST_ATTRIBUTES + 1
    assert markup.text.endswith("/><title>a</title></item></channel></rss>")


@pytest.mark.parametrize("name", ["author", "managingEditor", "webMaster", "dc:creator", "itunes:owner"])
def test_a_name_that_is_no_name_is_dropped(name):
    """What is too long to name somebody would be searched for an address in quadratic time."""
    markup = prepared(RSS.replace("<title>a", f"<{name}>{'a' * 5000}</{name}><title>a"))

    assert (markup.text, markup.faults) == (RSS.replace("<title>a", f"<{name}></{name}><title>a"), ("oversized",))


def test_items_beyond_the_most_are_cut():
    """The document stays whole: what follows the items is still there."""
    items = "".join(f"<item>{number}</item>" for number in range(12))
    markup = prepared(f"<rss><channel><items/>{items}<ttl>5</ttl></channel></rss>", most=3)

    assert markup.text == (
        "<rss><channel><items/><item>0</item><item>1</item><item>2</item><ttl>5</ttl></channel></rss>"
    )
    assert markup.faults == ("entries_cut",)


def dated(number):
    return f"<item><pubDate>2026-11-{number:02}</pubDate></item>"


def test_of_items_that_are_written_oldest_first_the_last_are_kept():
    """The newest are what a feed is read for, at whichever end they stand."""
    ascending, descending = (
        prepared(f"<rss>{''.join(dated(day) for day in days)}<ttl/></rss>", most=2) for days in ((1, 2, 3), (3, 2, 1))
    )

    assert (ascending.text, ascending.faults) == (f"<rss>{dated(2)}{dated(3)}<ttl/></rss>", ("entries_cut",))
    assert descending.text == f"<rss>{dated(3)}{dated(2)}<ttl/></rss>"


pieces = st.sampled_from(
    ["<", ">", "/>", "</", "<rss>", "</rss>", "<item", "<author>", "</author>", "<!--", "-->", "&lt;rss ", "&#xD800;",
     "&#0;", "<html>", "<?xml ", " a='", '" b="', "'", "\x00", "x", "]]>", "&#1114112;",
     "&", "&nbsp;", "&#X41;", "<![CDATA[", "</item>"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=30).map("".join))
def test_preparing_twice_is_preparing_once(text):
    """Nothing is left for a second pass to do, but what only shows when a page around it, or half an entry, is gone."""
    once = prepared(text)
    twice = prepared(once.text)

    assert once.root is None or "\x00" not in once.text
    assert "truncated" in twice.faults or len(twice.text) <= len(once.text)
    if not {"wrapped", "truncated"} & {*once.faults, *twice.faults}:
        assert (twice.text, twice.root) == (once.text, once.root)
