"""Feed documents to parsed feeds: the quirks one by one."""

import gzip
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.fetcher.documents.identity import Draft, entries
from services.fetcher.documents.parsing import MOST_ENTRIES, parse_feed
from shared.errors import PermanentError

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
BASE = "https://courrier.example/feeds/all"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SYNDICATION = "http://purl.org/rss/1.0/modules/syndication/"

ATOM_OF_A_SITE = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><link rel="self" href="https://n.example/atom.xml"/>'
    '<entry><id>1</id><title>a</title><link href="/a"/></entry></feed>'
)
JSON_OF_A_SITE = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "home_page_url": "https://n.example/",
        "items": [{"id": "1", "url": "/a", "content_text": "x"}],
    }
)


def parse(body, content_type="application/xml", url=BASE):
    return parse_feed(body if isinstance(body, bytes) else body.encode(), content_type, url, NOW)


def rss(*items, channel=""):
    return f'<rss version="2.0"><channel><title>T</title>{channel}{"".join(items)}</channel></rss>'


def item(**parts):
    return "<item>" + "".join(f"<{name}>{text}</{name}>" for name, text in parts.items()) + "</item>"


def test_a_parsed_feed_crosses_a_process_boundary():
    """Argument and result of the worker's function survive pickling."""
    parsed = parse(rss(item(guid="1", title="a")))

    assert parsed == pickle.loads(pickle.dumps(parsed))
    assert parse_feed is pickle.loads(pickle.dumps(parse_feed))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \r\n ",
        b"\xef\xbb\xbf\n",
        b"\x1c",
        b"<!DOCTYPE html><html><head><title>503</title></head><body><h1>Down</h1></body></html>",
        b"<html><body>Please log in</body></html>",
        b"Not Found",
        b"<html><body><script>parse('<rss><channel>')</script></body></html>",
        b"<html><body>&lt;rss version=2.0&gt; is how a feed begins.</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><title>x</title></svg>",
        b'{"error": "not found"}',
        b'{"items": [{"id": 1}]}',
        b'{"broken',
        b'{"a":' * 100_000,
        b"\x00\x01\x02\xff" * 50,
        gzip.compress(b"<rss/>", mtime=0),
        b"/etc/passwd",
        b"file:///etc/passwd",
        b"http://127.0.0.1:9/feed.xml",
    ],
)
def test_what_is_no_feed_is_refused(body):
    """A page, an empty body, other JSON, a binary or a path is no feed, whatever the content type says."""
    with pytest.raises(PermanentError) as caught:
        parse(body)

    assert caught.value.reason == "not_a_feed"


def test_the_body_is_never_taken_for_a_file_name(tmp_path):
    """A server that answers with the path of a local feed learns nothing of that file."""
    local = tmp_path / "feed.xml"
    local.write_text(rss(item(title="secret")))

    with pytest.raises(PermanentError):
        parse(str(local).encode())


def test_an_empty_feed_is_a_feed():
    """No entries but a feed's root: a feed that has nothing to say today."""
    assert (parse(rss()).title, parse(rss()).entries) == ("T", ())


def test_an_html_content_type_does_not_spoil_a_feed():
    """Feeds are often sent as text/html: said in the faults, read all the same."""
    parsed = parse(rss(item(guid="1", title="é")), "text/html")

    assert ([entry.facts.title for entry in parsed.entries], parsed.faults) == (["é"], ("wrong_content_type",))


@pytest.mark.parametrize("content_type", ["text/xml", "text/xml; charset=iso-8859-1", "application/xml", None])
def test_utf_8_is_read_as_utf_8(content_type):
    """A body that decodes as UTF-8 is UTF-8 though the server or the document says otherwise."""
    body = "<?xml version='1.0' encoding='iso-8859-1'?>" + rss(item(guid="1", title="Année à Abéché — 中"))

    assert parse(body, content_type).entries[0].facts.title == "Année à Abéché — 中"


def test_utf_16_is_read():
    """A byte order mark decides, and the document counts as whole."""
    parsed = parse(("<?xml version='1.0'?>" + rss(item(guid="1", title="é"))).encode("utf-16"), None)

    assert parsed.entries[0].facts.title == "é"
    assert "truncated" not in parsed.faults


def test_guids_stay_what_they_are_when_the_feed_moves():
    """A guid is a name, not an address: another final URL must not make all entries new."""
    body = rss(item(guid="123", link="/a"), item(guid="b", link="/b"))
    here, there = parse(body), parse(body, url="http://www.elsewhere.example/rss")

    assert [entry.identity for entry in here.entries] == ["123", "b"] == [entry.identity for entry in there.entries]
    assert there.entries[0].facts.url == "http://www.elsewhere.example/a"


@pytest.mark.parametrize(
    ("feed", "entry", "expected"),
    [
        ("", "", "https://courrier.example/feeds/x"),
        ("/blog/", "", "https://courrier.example/blog/x"),
        ("", "2026/", "https://courrier.example/feeds/2026/x"),
        ("https://a.example/blog/", "2026/", "https://a.example/blog/2026/x"),
        ("https://a.example/blog/", "//b.example/", "https://b.example/x"),
        ("javascript:alert(1)", "", "https://courrier.example/feeds/x"),
    ],
)
def test_links_are_relative_to_the_nearest_base(feed, entry, expected):
    """An `xml:base` is relative to an absolute one around it, or to the feed's final address."""
    based = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='%s'><entry xml:base='%s'><link href='x'/></entry></feed>"
    )
    body = (based % (feed, entry)).replace(" xml:base=''", "")

    assert expected == parse(body).entries[0].facts.url


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("  https://a.example/x\n", "https://a.example/x"),
        ("//a.example/x", "https://a.example/x"),
        ("x y", "https://courrier.example/feeds/x%20y"),
        ("?id=1", "https://courrier.example/feeds/all?id=1"),
        ("HTTPS://user:pw@A.example/x#top", "https://a.example/x"),
        ("https://müller.example/ö", "https://xn--mller-kva.example/%C3%B6"),
        ("javascript:alert(1)", None),
        ("mailto:a@b.example", None),
        ("file:///etc/passwd", None),
        ("https://[broken/", None),
        ("", None),
    ],
)
def test_links_are_fetchable_addresses_or_none(link, expected):
    """Only http(s) counts, absolute, without user and fragment."""
    assert expected == parse(rss(item(guid="1", title="t", link=link))).entries[0].facts.url


def wishes(channel):
    return parse(rss(channel=channel).replace("<rss", f'<rss xmlns:sy="{SYNDICATION}"', 1)).wishes


@pytest.mark.parametrize(
    ("ttl", "minutes"),
    [("60", 60), (" 5 ", 5), ("0", None), ("-5", None), ("soon", None), ("nan", None), ("1e300", 365 * 24 * 60)],
)
def test_ttl_is_minutes(ttl, minutes):
    """What is no positive number is no wish, and nothing is wished for longer than a year."""
    found = wishes(f"<ttl>{ttl}</ttl>").ttl

    assert minutes == (found / timedelta(minutes=1) if found else None)


@pytest.mark.parametrize(
    ("period", "frequency", "hours"),
    [
        ("hourly", None, 1),
        ("Hourly", "1", 1),
        ("hourly", "2", 0.5),
        ("hourly", "0.1", 10),
        ("daily", "0", 24),
        ("dayly", None, 24),
        ("", None, 24),
        ("always", None, 1),
        ("weekly", "7", 24),
        ("monthly", None, 30 * 24),
        ("yearly", "1e-9", 365 * 24),
        ("fortnightly", None, None),
        (None, "12", 2),
        (None, None, None),
    ],
)
def test_the_syndication_module_gives_a_period(period, frequency, hours):
    """As it is written in the wild: misspelled, empty, always, with fractions; the default is once a day."""
    spelled = "" if period is None else f"<sy:updatePeriod>{period}</sy:updatePeriod>"
    spelled += "" if frequency is None else f"<sy:updateFrequency>{frequency}</sy:updateFrequency>"
    found = wishes(spelled).period

    assert hours == (found / timedelta(hours=1) if found else None)


@pytest.mark.parametrize(
    ("channel", "hours", "days"),
    [
        ("<skipHours><hour>0</hour><hour>24</hour><hour>07</hour></skipHours>", {0, 7}, set()),
        ("<SKIPHOURS><HOUR>1</HOUR></SKIPHOURS><SkipDays><Day> monday </Day></SkipDays>", {1}, {0}),
        ("<skipHours><hour>25</hour><hour>-1</hour><hour>x</hour><hour/></skipHours>", set(), set()),
        ("<skipDays><day>Sunday</day><day>SAT</day><day>Lundi</day></skipDays>", set(), {5, 6}),
        ("<hour>3</hour><day>Monday</day>", set(), set()),
        ("<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in range(24)) + "</skipHours>", set(), set()),
    ],
)
def test_skipped_hours_and_days_are_read_in_any_case(channel, hours, days):
    """Hour 24 is hour 0, what is no hour or day counts for nothing, and a feed that skips them all skips none."""
    assert (hours, days) == (wishes(channel).skip_hours, wishes(channel).skip_days)


def test_entries_beyond_the_most_are_cut():
    """A feed of any length gives 2,000 entries, and says that there were more."""
    parsed = parse(rss(*(item(guid=str(number)) for number in range(MOST_ENTRIES + 5))))

    assert (len(parsed.entries), parsed.faults) == (MOST_ENTRIES, ("entries_cut",))


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Night Desk", ("Night Desk",)),
        ("desk@paper.org (Night Desk)", ("Night Desk",)),
        ("desk@paper.africa (Night Desk)", ("Night Desk",)),
        ("desk@paper.a (Night Desk)", ("Night Desk",)),
        ("Night Desk &lt;desk@paper.africa&gt;", ("Night Desk",)),
        ("Night Desk (desk@paper.africa)", ("Night Desk",)),
        ("desk@paper.africa", ()),
        ("desk@paper.org", ()),
        ("", ()),
    ],
)
def test_authors_are_names(author, expected):
    """An address is not a name, and a name stays whole beside an address under any top domain."""
    assert expected == parse(rss(item(guid="1", author=author))).entries[0].facts.authors


def test_a_truncated_json_feed_gives_its_whole_entries():
    """What was cut off is lost, what stands before it is not."""
    whole = (FEEDS / "jsonfeed11.json").read_text()
    parsed = parse(whole[: whole.index('"content_text"')])

    assert ([entry.identity for entry in parsed.entries], parsed.faults) == (["7"], ("truncated",))


def test_control_characters_in_a_json_feed_cost_nothing():
    """A raw line break in a text is no fault of the entry's."""
    parsed = parse('{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_text": "a\n\tb"}]}')

    assert ([entry.facts.content for entry in parsed.entries], parsed.faults) == (["a\n\tb"], ())


def test_a_fault_in_a_json_feed_costs_the_entry_that_it_is_in():
    """What follows is read on; parts of the broken entry are no entries."""
    items = '{"id": "1"}, {"id": "2", "x": oops, "authors": [{"name": "Nia"}], "more": {"a": 1}}, {"id": "3"},'
    parsed = parse(f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{items}]}}')

    assert ([entry.identity for entry in parsed.entries], parsed.faults) == (["1", "3"], ("truncated",))


def test_of_a_long_json_feed_that_is_written_oldest_first_the_last_entries_are_read():
    """The newest are what a feed is read for, at whichever end they stand."""
    first = NOW - timedelta(days=365)
    items = [
        {"id": number, "date_published": f"{first + timedelta(hours=number)}"} for number in range(MOST_ENTRIES + 1)
    ]
    parsed = parse(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}))

    assert (len(parsed.entries), parsed.entries[-1].identity) == (MOST_ENTRIES, str(MOST_ENTRIES))


ADDRESS = "https://courrier.example/?a=1&p=7"
IN_LOOSE_MARKUP = "<x><br></x>"


@pytest.mark.parametrize("damage", ["R & D", "caf&eacute;&nbsp;", IN_LOOSE_MARKUP, "<undeclared:x/>"])
@pytest.mark.parametrize("guid", ["?a=1&amp;p=7", "?a=1&#38;p=7", "<![CDATA[?a=1&p=7]]>", "?a=1&p=7"])
def test_a_fault_elsewhere_renames_no_entry(guid, damage):
    """However its ampersand is written, a guid is the same in a sound document and in a damaged one."""
    guid = guid.replace("?", "https://courrier.example/?")
    feeds = (
        rss(item(guid=guid, title="a", link=guid), channel=f"<description>{damage}</description>"),
        rss(item(guid=guid, title="a"), channel=f"<description>{damage}</description>"),
        f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>{guid}</id></entry><rights>{damage}</rights></feed>",
    )
    entries_ = [parse(feed).entries[0] for feed in feeds]

    assert [(entry.identity, entry.facts.url) for entry in entries_] == [(ADDRESS, ADDRESS)] * len(feeds)


def test_a_guid_that_holds_a_reference_keeps_it():
    """What is escaped twice is meant to be escaped, whichever parser reads it."""
    sound = rss(item(guid="a&amp;amp;b"))

    assert [parse(body).entries[0].identity for body in (sound, sound.replace("<title>", "<title><br>"))] == [
        "a&amp;b"
    ] * 2


@pytest.mark.parametrize("damage", ["R & D", "&nbsp;", "caf&eacute;"])
def test_a_damaged_reference_changes_no_fingerprint(damage):
    """Nor does what an entry says, markup and all, change with it."""
    entry = item(guid="1", title="t", description="<![CDATA[A<br/>B &nbsp; <x/>]]>")
    before, after = (parse(rss(entry, channel=f"<copyright>{said}</copyright>")) for said in ("ours", damage))

    assert before.entries == after.entries
    assert (before.faults, after.faults) == ((), ("not_well_formed",))


@pytest.mark.parametrize(
    "doctype",
    ["", "<!DOCTYPE rss PUBLIC '-//Netscape Communications//DTD RSS 0.91//EN' 'http://my.netscape.example/r.dtd'>"],
)
def test_the_names_of_html_are_characters(doctype):
    """With a document type that is said to declare them, and without."""
    assert parse(doctype + rss(item(guid="1", title="caf&eacute;"))).entries[0].facts.title == "café"


def test_a_relative_base_renames_no_entry_that_is_not_below_it():
    """A guid is what it was, though another entry has a base, or shows one in its text."""
    shown = item(guid="b", description="<![CDATA[<pre><div xml:base='/x/'></pre>]]>")
    body = rss(
        item(guid="a", link="y"), shown, "<item xml:base='/z/'><guid>https://a.example/c</guid><link>y</link></item>"
    )
    parsed = parse(body)

    assert [entry.identity for entry in parsed.entries] == ["a", "b", "https://a.example/c"]
    assert [parsed.entries[n].facts.url for n in (0, 2)] == [
        "https://courrier.example/feeds/y",
        "https://courrier.example/z/y",
    ]


def test_a_title_may_compare():
    """A sign that opens no tag stays."""
    title = "1 &lt; 2 and 3 &gt; 2, &lt;b&gt;always&lt;/b&gt;"

    assert parse(rss(item(guid="1", title=title))).entries[0].facts.title == "1 < 2 and 3 > 2, always"


def known(**changed):
    return item(**{"guid": "G", "link": "/u", "title": "t", "pubDate": "2026-11-22", **changed})


@pytest.mark.parametrize("guid", ["G", ""])
@pytest.mark.parametrize("changed", [{"category": "b"}, {"title": "t, corrected"}, {"description": "more"}])
def test_an_article_that_is_listed_twice_keeps_its_identity(guid, changed):
    """In another section, or beside its earlier version: one of the two is the article that is known, in any order."""
    pair = [known(guid=guid), known(guid=guid, **changed)]
    alone, twice, turned = (parse(rss(*items)).entries for items in (pair[:1], pair, pair[::-1]))

    assert alone[0].identity in {entry.identity for entry in twice}
    assert {entry.identity for entry in twice} == {entry.identity for entry in turned}
    assert len({entry.identity for entry in twice}) == 2


def test_of_two_versions_the_later_is_the_known_article():
    """What was changed last is what the publisher now says."""
    old, new = (known(**{"atom:updated": f"2026-11-22T1{n}:00:00Z", "title": str(n)}) for n in (1, 2))
    body = rss(old, new).replace("<rss", "<rss xmlns:atom='http://www.w3.org/2005/Atom'", 1)

    assert {entry.identity: entry.facts.title for entry in parse(body).entries}["G"] == "2"


def test_one_guid_for_all_entries_hides_none():
    """Where all guids are equal the addresses tell entries apart, and where these are too, title and date do."""
    by_link = parse(rss(*(item(guid="same", link=f"/{number}", title="t") for number in range(3))))
    by_title = parse(rss(*(item(guid="same", link="/home", title=f"t{number}", pubDate="x") for number in range(3))))

    assert [f"https://courrier.example/{number}" for number in range(3)] == [e.identity for e in by_link.entries]
    assert len({entry.identity for entry in by_title.entries}) == 3


def test_only_the_entries_that_share_a_guid_lose_it():
    """A guid reused by two entries does not rename the third."""
    parsed = parse(rss(item(guid="a", link="/1"), item(guid="a", link="/2"), item(guid="b", link="/3")))

    assert parsed.entries[2].identity == "b"


def test_the_same_entry_twice_is_one_entry():
    """An exact repetition says nothing new."""
    parsed = parse(rss(item(guid="a", title="t"), item(guid="a", title="t")))

    assert ([entry.identity for entry in parsed.entries], parsed.faults) == (["a"], ("repeated_entries",))


def test_json_entries_beyond_the_most_are_cut():
    """A JSON Feed is bounded as any other."""
    items = [{"id": number} for number in range(MOST_ENTRIES + 5)]
    parsed = parse(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}))

    assert (len(parsed.entries), parsed.faults) == (MOST_ENTRIES, ("entries_cut",))


def test_what_stands_behind_the_entries_that_are_cut_is_read():
    """A feed may say in its last lines where it goes on."""
    entries_ = "".join(item(guid=str(number)) for number in range(MOST_ENTRIES + 1))
    parsed = parse(rss(entries_ + "<ttl>7</ttl>"))

    assert (parsed.wishes.ttl, parsed.faults) == (timedelta(minutes=7), ("entries_cut",))


def test_a_guid_that_comes_to_name_another_article_says_something_new():
    """Under one guid another title and address is another fingerprint: the poll after sees that it changed."""
    before, after = (parse(rss(item(guid="day", title=t, link=f"/{t}"))).entries[0] for t in ("monday", "tuesday"))

    assert (before.identity, before.fingerprint != after.fingerprint) == (after.identity, True)
    assert after.facts.url == "https://courrier.example/tuesday"


def test_a_very_long_guid_is_known_by_its_hash():
    """A store can key on any identity."""
    assert len(parse(rss(item(guid="g" * 5000))).entries[0].identity) == 32


@pytest.mark.parametrize("part", ["title", "link", "pubDate", "description"])
def test_the_fingerprint_changes_with_what_the_feed_says(part):
    """Title, address, date or summary: a change of any is something new, under the same identity."""
    before = {"guid": "1", "title": "t", "link": "/a", "pubDate": "Mon, 23 Nov 2026 10:00:00 GMT", "description": "d"}
    changed = {"title": "T", "link": "/b", "pubDate": "Mon, 23 Nov 2026 11:00:00 GMT", "description": "D"}
    first = parse(rss(item(**before))).entries[0]
    second = parse(rss(item(**before | {part: changed[part]}))).entries[0]

    assert first.identity == second.identity
    assert first.fingerprint != second.fingerprint


def test_the_fingerprint_does_not_move_with_our_clock():
    """A date that is too far ahead today is readable tomorrow: the feed still says the same."""
    body = rss(item(guid="1", pubDate="Mon, 30 Nov 2026 10:00:00 GMT")).encode()
    early, late = (parse_feed(body, None, BASE, NOW + timedelta(days=days)).entries[0] for days in (0, 30))

    assert (early.facts.published, late.facts.published is not None) == (None, True)
    assert early.fingerprint == late.fingerprint


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE r [<!ENTITY a0 "aaaaaaaaaa">'
        + "".join(f'<!ENTITY a{n} "' + f"&a{n - 1};" * 10 + '">' for n in range(1, 10))
        + "]>"
        + rss(item(guid="1", title="&a9;")),
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + rss(item(guid="1", title="[&x;]")),
        rss(item(guid="1", description="<![CDATA[" + "<!--" * 20_000 + "]]>")),
        rss("<x>" * 5_000, item(guid="1")),
        rss("<x " + " ".join(f"a{number}='1'" for number in range(120_000)) + "/>", item(guid="1")),
        rss(item(guid="1", author="a@" + "a." * 64_000)),
        rss(item(guid="1", author="a" * 200_000)),
        rss(*(item(guid=str(number)) for number in range(100_000))),
        rss(item(guid="1")) + "<!--" * 1_000_000,
        "<html>" + "&lt;rss " * 20_000,
        '{"version": "https://jsonfeed.org/version/1.1", "items": [' + '{"id": 1},' * 500_000,
        '{"version": "https://jsonfeed.org/version/1.1", "items": ' + '[{"a":' * 100_000,
        '{"version": "https://jsonfeed.org/version/1.1", "items": [' + '{"a":"' * 500_000,
    ],
    ids=[
        "billion laughs",
        "external entity",
        "comment flood",
        "deep nesting",
        "attributes",
        "addresses",
        "name",
        "100,000 items",
        "open comments",
        "escaped roots",
        "open JSON",
        "deep JSON",
        "broken JSON",
    ],
)
def test_hostile_documents_end(body):
    """Attacks that would keep the parser for minutes, or make it read files: entries without secrets, or no feed."""
    try:
        held = repr(parse(body))
    except PermanentError as error:
        held = repr(error)

    assert "root:" not in held


texts = st.none() | st.sampled_from(["a", "b", "https://a.example/1", "https://a.example/2"])


drafts = st.builds(Draft, guid=texts, url=texts, title=texts, published=texts, content=texts)


@given(st.lists(drafts, max_size=30))
def test_every_distinct_entry_is_kept_under_an_identity_of_its_own(said):
    """However guids, addresses and titles are reused: as many entries as distinct drafts, no identity twice."""
    kept = entries(said, NOW)

    assert len(set(said)) == len(kept) == len({entry.identity for entry in kept})


@given(st.lists(drafts, max_size=12, unique=True).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))))
def test_the_order_of_a_feed_does_not_name_its_entries(pair):
    """New entries come first and push the others down: under which identity each is known stays the same."""
    first, then = (
        {draft: each.identity for draft, each in zip(order, entries(order, NOW), strict=True)} for order in pair
    )

    assert first == then


@given(st.lists(drafts.filter(lambda draft: draft.guid), max_size=12, unique_by=lambda draft: draft.guid))
def test_a_guid_that_is_used_once_is_the_identity(said):
    """Whatever else the feed says: where guids differ, they name the entries."""
    assert [each.identity for each in entries(said, NOW)] == [draft.guid for draft in said]


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"<rss version='2.0'><channel><item>", b"<feed><entry>", b"{"]))
def test_no_bytes_make_it_fail(noise, head):
    """Any bytes give a feed or PermanentError, never anything else."""
    try:
        came_to = type(parse(head + noise)).__name__
    except PermanentError as error:
        came_to = error.reason

    assert came_to in {"ParsedFeed", "not_a_feed"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a&#xD83D;&#xDE00;b", "a\U0001f600b"),
        ("a&#55357;&#56832;b", "a\U0001f600b"),
        ("a&#xd83d;&#56832;b", "a\U0001f600b"),
        ("a&#xD83D;b", "ab"),
        ("a&#xDE00;&#xD83D;b", "ab"),
        ("a&#xD83D;&#xD83D;&#xDE00;b", "a\U0001f600b"),
        ("a&#55296;b&#57343;c", "abc"),
        ("a&#55203;b&#57344;c", "a\ud7a3b\ue000c"),
        ("a&#0;&#8;&#x1F;b&#39;&#9;c", "ab' c"),
        ("a&#1114112;&#x110000;&#99999999999999999999;&#xFFFFFFFFFFFF;b", "ab"),
        ("a&#1114109;b", "a\U0010fffdb"),
    ],
)
def test_references_to_no_character_do_not_cost_the_feed(written, read):
    """Many write emoji as two halves: a pair is its character. What is no character at all is nothing."""
    parsed = parse(rss(item(guid="1", title=written, link="https://courrier.example/1")))

    assert [entry.facts.title for entry in parsed.entries] == [read]


@pytest.mark.parametrize(
    "body",
    [
        rss(item(title="a", link="/a"), channel="<link>https://n.example/</link>"),
        ATOM_OF_A_SITE,
        JSON_OF_A_SITE,
    ],
    ids=["rss", "atom", "json"],
)
def test_a_document_without_an_address_is_where_it_says_it_is(body):
    """A file has none; its relative links lead to the site that it names."""
    assert [each.facts.url for each in parse(body, url="").entries] == ["https://n.example/a"]
