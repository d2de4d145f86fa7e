"""OPML: what other readers write is read, and what is written is read back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import FeedSettings
from services.fetcher.subscribed.feeds import InvalidFeeds, load_opml
from services.fetcher.subscribed.opml import read_opml, write_opml

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NESTED = """\
<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE opml>
<opml version="1.0">
  <head><title>Mes flux</title></head>
  <body>
    <outline text="Afrique">
      <outline title="Économie" text="">
        <outline type="rss" text="La Presse" xmlUrl="HTTPS://Presse.example/rss#top" htmlUrl="http://presse.example/"
                 language="fr"/>
      </outline>
      <outline text="Le Jour &amp; la Nuit" XMLURL="http://jour.example/flux?a=1&amp;b=2" language="unknown"/>
    </outline>
    <outline type="link" text="A page" url="http://page.example/"/>
    <outline xmlUrl="feed://old.example/rss"/>
    <outline title="By its title" xmlUrl="feed:https://title.example/atom"/>
    <outline text="Again" xmlUrl="https://presse.example/rss"/>
  </body>
</opml>
""".encode("latin-1")


def told(document: bytes) -> list[tuple[int, str]]:
    feeds, faults = read_opml(document)
    assert feeds == ()
    return [(fault.line, fault.message) for fault in faults]


def test_folders_become_sections():
    """Feeds at every depth are found, each once and under its folders, however its attributes are written."""
    feeds, faults = read_opml(NESTED)

    assert feeds == (
        FeedSettings(url="https://presse.example/rss", name="La Presse", language="fr", section="Afrique / Économie"),
        FeedSettings(url="http://jour.example/flux?a=1&b=2", name="Le Jour & la Nuit", section="Afrique"),
        FeedSettings(url="http://old.example/rss", name="old.example"),
        FeedSettings(url="https://title.example/atom", name="By its title"),
    )
    assert faults == ()


def test_an_outline_without_a_usable_address_is_told_with_its_line():
    """The others are read all the same."""
    feeds, faults = read_opml(
        b'<opml><body>\n<outline xmlUrl="ftp://a.example/"/>\n<outline xmlUrl="http://b.example/"/>\n'
        b'<outline\n xmlUrl=""/>\n</body></opml>'
    )

    assert [each.url for each in feeds] == ["http://b.example/"]
    assert [(fault.line, fault.message.partition(":")[0]) for fault in faults] == [(2, "xmlUrl"), (4, "xmlUrl")]


@pytest.mark.parametrize(
    ("document", "line", "said"),
    [
        (b"", 1, "not XML"),
        (b"plain text", 1, "not XML"),
        (b"<html>\n<body/></html>", 1, "not OPML: the document is <html>"),
        (b'<opml><body>\n<outline xmlUrl="http://a.example/?a=1&b=2"/></body></opml>', 2, "not XML"),
        (b'<opml><body><outline xmlUrl="http://a.example/"/>\n', 2, "not XML"),
        (b'<?xml version="1.0" encoding="klingon"?><opml/>', 1, "unknown encoding"),
        (
            b'<!DOCTYPE opml [\n<!ENTITY a "b">]><opml><body><outline xmlUrl="http://&a;.example/"/></body></opml>',
            2,
            "ent",
        ),
        (b'<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/hostname">]><opml><head>&x;</head></opml>', 1, "entities"),
    ],
)
def test_what_is_no_opml_yields_no_feeds(document: bytes, line: int, said: str):
    """A document that broke off, another kind of document and one with entities are one fault with its line."""
    ((number, message),) = told(document)

    assert number == line
    assert said in message


def test_a_list_without_feeds_is_a_fault_of_the_file(tmp_path):
    """Nothing is imported silently."""
    path = tmp_path / "none.opml"
    path.write_bytes(b"<opml><body><outline text='A folder'/></body></opml>")

    with pytest.raises(InvalidFeeds, match=r"none\.opml:1: lists no feeds"):
        load_opml(path)
    with pytest.raises(InvalidFeeds, match=r"other\.opml:1: cannot be read: No such file"):
        load_opml(tmp_path / "other.opml")


def test_what_xml_cannot_hold_is_replaced():
    """A name from a feeds file may hold any character; the list stays a document that is read."""
    document = write_opml([FeedSettings(url="http://a.example/", name="a\x00b\ud800c")], title="T", made_at=NOW)

    assert read_opml(document)[0][0].name == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1
).filter(lambda text: text == text.strip())
FEEDS = st.lists(
    st.builds(
        FeedSettings,
        url=st.integers(0, 10**6).map(lambda number: f"https://s{number}.example/feed?a=1&b=2"),
        name=TEXTS,
        section=st.none() | TEXTS,
        language=st.sampled_from([None, "fr", "pt-BR"]),
    ),
    unique_by=lambda each: each.url,
)


@given(FEEDS)
def test_what_is_exported_is_imported_the_same(feeds: list[FeedSettings]):
    """Address, name, section and language of each feed come back, whatever they hold."""
    again, faults = read_opml(write_opml(feeds, title="Fil d'actu", made_at=NOW))

    assert faults == ()
    assert sorted(again, key=lambda each: each.url) == sorted(feeds, key=lambda each: each.url)
