"""What pages state of themselves: JSON-LD whole and broken, microdata, meta tags, what stands around an article."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.page.facts import facts_of
from services.processor.page.json_ld import linked_data, names_of, person_names, values_of
from services.processor.page.tree import tree_of

URL = "https://journal.example/2026/bac"


def facts(head="", body="<p>Texte</p>"):
    found = tree_of(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>")
    tree = getattr(found, "tree", found)
    assert tree is not None
    return facts_of(tree, URL)


def headline(*blocks):
    return linked_data(blocks).article.get("headline")


@pytest.mark.parametrize(
    "block",
    [
        '{"@type":"NewsArticle","headline":"Le bac"}',
        '[{"@type":"WebSite"},{"@type":["Thing","Article"],"headline":"Le bac"}]',
        '{"@graph":[{"@type":"WebPage","name":"x"},{"@type":"http://schema.org/NewsArticle","headline":"Le bac"}]}',
        '{"@type":"WebPage","mainEntity":{"@type":"ReportageNewsArticle","headline":"Le bac"}}',
        '{"@type":"LiveBlogPosting","headline":"Le bac",}',
        '{"@type":"NewsArticle","keywords":["a",],"headline":"Le bac"}',
        '{"@type":"NewsArticle","description":"sur\ndeux lignes","headline":"Le bac"}',
        '<!-- {"@type":"NewsArticle","headline":"Le bac"} -->',
        '//<![CDATA[\n{"@type":"NewsArticle","headline":"Le bac"}\n//]]>',
        '/*<![CDATA[*/{"@type":"NewsArticle","headline":"Le bac"}/*]]>*/',
        '{"@type":"WebSite"}\n{"@type":"NewsArticle","headline":"Le bac"};',
        "{&quot;@type&quot;:&quot;NewsArticle&quot;,&quot;headline&quot;:&quot;Le bac&quot;}",
        '{"@type":"NewsArticle","headline":"Le bac"} et la suite',
    ],
)
def test_the_article_is_found_in_json_whole_or_slightly_broken(block):
    """In graphs, lists and main entities, with the errors that templates make."""
    assert headline(block) == "Le bac"


@pytest.mark.parametrize("block", ["", "{", "null", '"text"', "12", '{"@type":3}', "[" * 100_000, '{"a":' * 100_000])
def test_json_in_ruins_states_nothing(block):
    """Nothing is raised, whatever stands there, and blocks beside it are read."""
    assert headline(block) is None
    assert headline(block, '{"@type":"Article","headline":"Le bac"}') == "Le bac"


def test_references_lead_to_the_named_node():
    """An author or publisher given by `@id` is the node of that id, wherever it stands."""
    block = {"@graph": [
        {"@type": "NewsArticle", "headline": "Le bac", "author": {"@id": "#awa"}, "publisher": [{"@id": "#site"}]},
        {"@type": "Person", "@id": "#awa", "name": "Awa Diop"}, {"@type": "Organization", "@id": "#site", "name": "L"},
    ]}  # fmt: skip

    article = linked_data([json.dumps(block)]).article

    assert (names_of(article["author"]), names_of(article["publisher"])) == (("Awa Diop",), ("L",))


def test_nodes_of_the_same_page_complete_each_other_and_others_do_not():
    """A second node of the article and the page's own add what is missing; another article's node adds nothing."""
    blocks = [
        {"@type": "NewsArticle", "headline": "Le bac", "section": "x", "author": "Awa Diop"},
        {"@type": "WebPage", "datePublished": "2026-07-29", "headline": "no"},
        {"@type": "NewsArticle", "headline": "Autre", "dateModified": "2020-01-01"},
    ]

    data = linked_data(map(json.dumps, blocks))

    assert (data.article["headline"], data.article["datePublished"]) == ("Le bac", "2026-07-29")
    assert "dateModified" not in data.article
    assert data.types == {"NewsArticle", "WebPage"}


def test_what_is_said_to_be_false_is_said():
    """A locked page says so with a JSON boolean; what is null or empty says nothing."""
    block = '{"@type": "NewsArticle", "headline": "H", "isAccessibleForFree": false, "section": null, "author": ""}'
    assert set(linked_data([block]).article) == {"@type", "headline", "isAccessibleForFree"}


def test_organisations_are_no_persons():
    """Only what calls itself an organisation is left out: names alone and people stay."""
    authors = [
        "Awa Diop", {"@type": "Person", "name": "Jean Mba"}, [{"@type": "NewsMediaOrganization", "name": "L"}],
        {"@type": ["Organization"], "name": "M"}, {"name": ["Léa"]}, 7, None,
    ]  # fmt: skip

    assert person_names(authors) == ("Awa Diop", "Jean Mba", "Léa")


def test_hostile_json_is_bounded():
    """Twenty thousand nodes, authors and levels yield little; a block of many megabytes is not read at all."""
    nodes = [{"@type": "WebPage", "@id": str(at)} for at in range(20_000)]
    article = {"@type": "Article", "author": ["Awa"] * 20_000, "headline": "Le bac"}

    data = linked_data([json.dumps([article, *nodes])])

    assert (data.article["headline"], len(names_of(data.article["author"]))) == ("Le bac", 100)
    assert len(values_of([[[["a"] * 500] * 500] * 500] * 500)) <= 100
    assert headline(json.dumps({"@type": "Article", "headline": "x" * 10_000_000})) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["@type", "@id", "@graph", "author", "headline", "name"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.lists(json_values.map(json.dumps) | st.text(max_size=60), max_size=4))
def test_no_json_raises(blocks):
    """Any JSON and any text in its place is read as far as it goes."""
    article = linked_data(blocks).article

    assert all(name == name.strip() != "" for name in names_of(article.get("author")))


ARTICLE = """
<div itemscope itemtype="https://schema.org/NewsArticle">
  <div itemprop="headline" style="display:none">Le bac repart</div>
  <meta itemprop="dateModified" content="2026-07-30T08:00+0200">
  <time itemprop="datePublished" datetime="2026-07-29">?</time>
  <div itemprop="author" itemscope itemtype="https://schema.org/Person"><span itemprop="name">Awa Diop</span>
    <span itemprop="jobTitle">journaliste</span></div>
  <div itemprop="publisher" itemscope itemtype="https://schema.org/Organization">
    <meta itemprop="name" content="L"></div>
  <div itemprop="image" itemscope itemtype="https://schema.org/ImageObject"><img itemprop="url" src="/a.jpg"></div>
</div>
<div itemscope itemtype="https://schema.org/NewsArticle"><h3 itemprop="headline">Autre</h3></div>
"""


def test_microdata_of_the_article():
    """Hidden properties too; of people and publishers the name; nothing of other items, nor of other articles."""
    assert facts(body=ARTICLE).items == {
        "headline": ("Le bac repart",),
        "dateModified": ("2026-07-30T08:00+0200",),
        "datePublished": ("2026-07-29",),
        "author": ("Awa Diop",),
        "publisher": ("L",),
    }


def test_microdata_without_an_item_is_read():
    """Many templates forget `itemscope`."""
    assert facts(body="<h1 itemprop='headline name'>Le bac</h1>").items == {
        "headline": ("Le bac",),
        "name": ("Le bac",),
    }


def test_meta_tags_by_every_name_they_have():
    """By `name`, `property` and `itemprop`, in lower case, with all their values."""
    found = facts('<meta name="Author" property="article:author" content="Awa"><meta name="author" content="Jean">')

    assert found.every("article:author") == ("Awa",)
    assert found.every("author") == ("Awa", "Jean")
    assert found.first("absent", "author") == "Awa"


BODY = """
<nav><a rel="author" href="/x">Autre Plume</a></nav>
<h1>Le bac repart</h1>
<div class="article__title">Le bac repart enfin</div>
<div><span class="byline">Par Awa Diop</span><span class="byline">Jean Mba</span>
<time datetime="2026-07-29">hier</time></div>
<p>Texte</p>
<div class="related-news"><span class="author-name">Une Autre</span><time datetime="2020-01-01">2020</time></div>
<section><span class="byline">Par Une Voisine</span></section>
<div class="comment"><span class="comment-author">Un Lecteur</span></div>
"""


def test_what_readers_see_around_an_article():
    """Headings and titles, the by-lines that stand together, dates near the heading; never those of other articles."""
    shown = facts(body=BODY).shown

    assert shown.headings == ("Le bac repart",)
    assert shown.titles == ("Le bac repart enfin",)
    assert shown.bylines == ("Par Awa Diop", "Jean Mba")
    assert shown.times == ("2026-07-29",)


def test_a_page_that_says_who_and_when_is_not_searched():
    """By-lines are not looked for where JSON-LD names a person and a time; an organisation is nobody."""
    block = '<script type="application/ld+json">{"@type":"Article","datePublished":"2026","author":%s}</script>'

    assert facts(block % '{"@type":"Person","name":"Awa"}', BODY).shown.bylines == ()
    assert facts(block % '{"@type":"Organization","name":"L"}', BODY).shown.bylines != ()


def test_a_bare_date_below_the_heading_is_seen():
    """Where no element is marked as a date, a short text with a year is one."""
    assert facts(body="<p>En 2019 déjà</p><h1>Le bac</h1><div>29 juillet 2026</div><p>Texte</p>").shown.times == (
        "29 juillet 2026",
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("By Awa Diop and Jean de Brazza", True),
        ("Par AWA DIOP", True),
        ("بقلم سارة حداد", True),
        ("Von Montag bis Freitag", False),
        ("By 2030 everybody", False),
        ("Awa Diop", False),
    ],
)
def test_a_by_line_below_the_heading_is_seen(line, expected):
    """Hand-made pages mark it by nothing but its first word; names are written with capitals where there are some."""
    assert facts(body=f"<h1>Le bac</h1><p><i>{line}</i></p><p>Texte</p>").shown.bylines == (line,) * expected


def test_a_page_of_a_hundred_thousand_marked_elements_is_bounded():
    """Few of them are looked at: their number costs no more than finding them does."""
    body = "<h1>Le bac</h1>" + "<span class='byline author date' itemprop='author'>x 2026</span>" * 20_000

    found = facts('<meta name="author" content="x">' * 20_000, body)

    assert len(found.shown.bylines) <= 10
    assert len(found.meta["author"]) <= 500
    assert len(found.items["author"]) <= 500


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<meta property="og:locale" content="fr_SN">', "fr_SN"),
        ('<meta http-equiv="Content-Language" content="ar">', "ar"),
        ('<script type="application/ld+json">{"@type":"Article","inLanguage":"pt"}</script>', "pt"),
        ("", None),
    ],
)
def test_a_page_says_its_language_in_several_places(head, expected):
    """Where the root element says nothing, meta tags and JSON-LD may."""
    assert facts(head).language == expected
