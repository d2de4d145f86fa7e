"""Each field of the metadata from the source that is believed, and what hostile pages make of it."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.metadata.moments import read_moment
from services.processor.metadata.resolver import is_complete, resolve
from services.processor.model import Source
from services.processor.page.facts import Guesses, PageFacts
from services.processor.page.json_ld import LinkedData
from services.processor.page.shown import Shown
from shared.events import Image, Moment
from shared.messages import EntryFacts

URL = "https://www.le-littoral.example/2026/bac"
AT = datetime(2026, 7, 29, 13, 19, tzinfo=timezone(timedelta(hours=8)))
NOBODY = Guesses()


def source(**entry):
    section = entry.pop("section", None)
    facts = EntryFacts(identity="1", url=URL, **entry)
    return Source(
        kind="fetched", url=URL, body=b"", content_type=None, entry=facts, feed_language=None, section=section
    )


def page(*, meta=None, article=None, items=None, shown=None, **more):
    return PageFacts(
        url=URL,
        meta={name: (value,) if isinstance(value, str) else value for name, value in (meta or {}).items()},
        linked=LinkedData(article=article or {}, work=article or {}),
        items=items or {},
        shown=Shown(**(shown or {})),
        **more,
    )


def resolved(facts, guesses=NOBODY, **entry):
    return resolve(source(**entry), facts, guesses)


# The headline


@pytest.mark.parametrize(
    ("linked", "shared", "heading", "title", "expected"),
    [
        ("Le bac repart", "Le bac repart", "Le bac repart", None, ("Le bac repart", "h1")),
        ("Le bac va repartir", "Le bac repart", "Le bac repart", None, ("Le bac repart", "h1")),
        ("Le bac repart", "Le bac repart", "Le bac est reparti", None, ("Le bac repart", "json-ld")),
        (None, "Le bac repart", "Le bac est reparti", None, ("Le bac est reparti", "h1")),
        (None, "Le bac repart", "Le bac est reparti", "Le bac repart | Le Littoral", ("Le bac repart", "meta")),
        ("Le bac repart", None, "Le Littoral", None, ("Le bac repart", "json-ld")),
        (None, None, "Le Littoral", "Le bac repart - Le Littoral", ("Le bac repart", "title")),
        (None, "Le bac repart lundi", "Mer : Le bac repart lundi", None, ("Le bac repart lundi", "h1")),
        ("Le bac repart...", "Le bac repart...", "Le bac repart, enfin", None, ("Le bac repart, enfin", "h1")),
        ("L&rsquo;été du bac", None, None, None, ("L’été du bac", "json-ld")),
        (None, "Le bac repart | Région | Le Littoral", None, None, ("Le bac repart | Région", "meta")),
        (None, None, None, "Le Littoral - Le bac repart", ("Le bac repart", "title")),
        (None, None, None, "Le bac repart lundi matin - L'Agora", ("Le bac repart lundi matin", "title")),
        (None, None, None, "Mer : le bac repart lundi matin", ("Mer : le bac repart lundi matin", "title")),
        (None, None, None, None, None),
    ],
)
def test_the_headline_is_what_heading_and_statements_agree_on(linked, shared, heading, title, expected):
    """The heading weighs more than one statement and less than two that agree; cut ones and kickers count for it."""
    facts = page(
        article={"headline": linked} if linked else {},
        meta={"og:title": shared} if shared else {},
        shown={"headings": (heading,)} if heading else {},
        title=title,
    )

    found = resolved(facts)

    assert ((found.headline, found.fields["headline"]) if found.headline else None) == expected


def test_the_headline_may_stand_in_a_block_while_the_heading_is_the_lede():
    """Some sites give the `h1` to the lede: the block that is like the stated headline is it."""
    shown = {"headings": ("Les usagers ont attendu deux ans, dit la mairie",), "titles": ("Le bac repart enfin",)}

    assert resolved(page(meta={"og:title": "Le bac repart"}, shown=shown)).headline == "Le bac repart enfin"


def test_the_feeds_title_decides_between_heading_and_statement():
    """One that states the headline as the heading does not; the feed says as the page's meta tags do."""
    facts = page(meta={"og:title": "Le bac repart"}, shown={"headings": ("Le bac est reparti",)})

    assert resolved(facts, title="Le bac repart").headline == "Le bac repart"


# Authors


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"article": {"author": {"@type": "Person", "name": "Awa Diop"}}}, (("Awa Diop",), "json-ld")),
        ({"article": {"author": "Le Littoral"}, "meta": {"author": "Awa Diop"}}, (("Awa Diop",), "meta")),
        ({"article": {"author": "AFP"}, "items": {"author": ("Awa Diop",)}}, (("Awa Diop",), "microdata")),
        ({"meta": {"author": "admin"}, "shown": {"bylines": ("Par Awa Diop",)}}, (("Awa Diop",), "page")),
        ({"article": {"author": {"givenName": "Awa", "familyName": "Diop"}}}, (("Awa Diop",), "json-ld")),
        (
            {"article": {"author": "Bac Plume"}, "meta": {"og:site_name": "Bac Plume", "author": "Awa Diop"}},
            (("Awa Diop",), "meta"),
        ),
        ({"article": {"author": {"@type": "Organization", "name": "Awa Diop"}}}, (("Awa Diop",), "json-ld")),
        ({"meta": {"og:site_name": "Bac Plume", "author": "Bac Plume"}}, (("Bac Plume",), "meta")),
        ({"article": {"author": "Le Littoral avec AFP"}}, (("Le Littoral avec AFP",), "json-ld")),
        ({"article": {"author": "Sputnik Afrique"}}, ((), None)),
        ({"article": {"author": "https://littoral.example/"}, "meta": {"author": "admin"}}, ((), None)),
    ],
)
def test_authors_are_the_people_of_the_most_precise_source(facts, expected):
    """A source that names only organisations is passed over, unless none names people: then the house signs."""
    found = resolved(page(**facts))

    assert (found.authors, found.fields.get("authors")) == expected


def test_feed_and_guess_come_last():
    """What the page says is the article's; a feed often names its webmaster."""
    feed, guess = {"authors": ("Jean Mba",)}, Guesses(author="Léa Sow")

    assert resolved(page(meta={"author": "Awa Diop"}), guess, **feed).authors == ("Awa Diop",)
    assert resolved(page(), guess, **feed).authors == ("Jean Mba",)
    assert resolved(page(), guess).authors == ("Léa Sow",)


# Times


def test_times_keep_the_offset_that_was_stated():
    """Readers there saw this hour; in UTC it is the same moment."""
    facts = page(meta={"article:published_time": "20260729T1319+0800"}, article={"dateModified": "2026-07-30T08:00Z"})

    found = resolved(facts)

    assert found.published == Moment(at=AT, source="meta")
    assert found.published.at.utcoffset() == timedelta(hours=8)
    assert found.modified == Moment(at=datetime(2026, 7, 30, 8, tzinfo=UTC), source="json-ld")


@pytest.mark.parametrize(
    ("article", "meta", "times", "expected"),
    [
        ("2026-07-29T00:00:00+00:00", "2026-07-29T13:19:00+08:00", (), (AT, "meta")),
        ("2026-07-28T00:00:00+00:00", "2026-07-29T13:19:00+08:00", (), (datetime(2026, 7, 28, tzinfo=UTC), "json-ld")),
        ("2026-07-29T13:19", "2026-07-29T13:20:00+08:00", (), (AT, "json-ld")),
        ("2026-07-29T13:19", None, ("2026-08-01T10:00+08:00",), (AT, "json-ld")),
        ("2026-07-29T13:19", None, (), (AT.replace(tzinfo=UTC), "json-ld")),
        ("hier", None, ("29 juillet 2026 à 13h19",), (AT.replace(tzinfo=UTC), "page")),
        ("1970-01-01", "0", (), None),
    ],
)
def test_the_more_precise_of_the_stated_times(article, meta, times, expected):
    """A midnight gives way to the hour of the same day; a time without offset has that of another on the page."""
    facts = page(
        article={"datePublished": article},
        meta={"article:published_time": meta} if meta else {},
        shown={"times": times},
        language="fr-SN",
    )

    found = resolved(facts).published

    assert ((found.at, found.source, found.at.utcoffset()) if found else None) == (
        (*expected, expected[0].utcoffset()) if expected else None
    )


def test_the_feeds_time_has_the_pages_offset():
    """Feeds write in UTC what happened at an hour of the place."""
    found = resolved(page(article={"datePublished": AT.isoformat()}), published=AT.astimezone(UTC))

    assert found.published == Moment(at=AT, source="feed")
    assert found.published.at.utcoffset() == timedelta(hours=8)


def test_a_feeds_midnight_gives_way_to_the_pages_hour():
    """A day is what the feed knows."""
    found = resolved(page(article={"datePublished": AT.isoformat()}), published=datetime(2026, 7, 29, tzinfo=UTC))

    assert found.published == Moment(at=AT, source="json-ld")


def test_a_change_before_the_publication_is_none():
    """Templates that state the day of the draft as the last change say nothing of the article."""
    article = {"datePublished": AT.isoformat(), "dateModified": (AT - timedelta(days=3)).isoformat()}

    assert resolved(page(article=article)).modified is None


def test_a_time_without_offset_has_that_of_the_one_beside_it():
    """As on a page that writes the offset once."""
    assert read_moment("29.07.2026 13:19", "page", Moment(at=AT, source="meta")) == Moment(at=AT, source="page")
    assert read_moment("29.07.2026 13:19", "page") == Moment(at=AT.replace(tzinfo=UTC), source="page")
    assert read_moment(None, "page") is None


def test_a_date_at_the_end_of_the_title_is_the_pages():
    """Some sites write it nowhere else; a date inside of a headline is that of an event."""
    assert resolved(page(title="Le bac | Région | 29.07.2026")).published == Moment(
        at=datetime(2026, 7, 29, tzinfo=UTC), source="page"
    )
    assert resolved(page(title="Le bac du 29.07.2026")).published is None


# Section, tags, picture, site, access


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"article": {"keywords": "mer, bac,Mer"}}, ("mer", "bac")),
        ({"article": {"keywords": ["mer", {"@type": "DefinedTerm", "name": "bac"}]}}, ("mer", "bac")),
        ({"meta": {"article:tag": ("mer", "bac, quai")}}, ("mer", "bac", "quai")),
        ({"meta": {"keywords": "mer;bac;Le Littoral", "og:site_name": "Le Littoral"}}, ("mer", "bac")),
        ({"meta": {"keywords": "بحر، عبّارة"}}, ("بحر", "عبّارة")),
        ({"meta": {"news_keywords": "#mer", "keywords": "x"}}, ("mer",)),
        ({}, ("du fil",)),
    ],
)
def test_tags_in_all_their_forms(facts, expected):
    """Lists, texts with commas of every script, terms; without repeats and without the site's name."""
    assert resolved(page(**facts), tags=("du fil",)).tags == expected


def test_section_from_page_then_feed():
    """The feed's section is that of all its entries."""
    facts = page(article={"articleSection": ["Région", "Mer"]}, meta={"article:section": "x"})

    assert resolved(facts, section="Une").section == "Région"
    assert resolved(page(), section="Une").section == "Une"


def test_the_picture_with_what_json_ld_says_of_it():
    """Caption and credit are of JSON-LD's picture, and only where it is the one that is shown."""
    node = {"contentUrl": "/bac.jpg", "caption": "Le bac", "creditText": "Awa Diop"}
    meta = {"og:image": "https://www.le-littoral.example/bac.jpg", "og:image:alt": "Un bac"}

    assert resolved(page(article={"image": [node]}, meta=meta)).images == (
        Image(url="https://www.le-littoral.example/bac.jpg", alt="Un bac", caption="Le bac", credit="Awa Diop"),
    )
    assert resolved(page(article={"image": {"url": "/autre.jpg", "caption": "x"}}, meta=meta)).images[0].caption is None
    assert (
        resolved(page(article={"image": "javascript:x"}, items={"image": ("/a.png",)})).images[0].url.endswith("/a.png")
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"article": {"isAccessibleForFree": "False"}}, False),
        ({"article": {"isAccessibleForFree": True}, "meta": {"article:content_tier": "locked"}}, True),
        ({"article": {"isAccessibleForFree": "http://schema.org/False"}}, False),
        ({"article": {"hasPart": [{"isAccessibleForFree": "false", "cssSelector": ".wall"}]}}, False),
        ({"items": {"isAccessibleForFree": ("false",)}}, False),
        ({"meta": {"article:content_tier": "metered"}}, False),
        ({"meta": {"og:article:content_tier": "free"}}, True),
        ({"meta": {"paywall": "true"}}, False),
        ({"meta": {"paywall": "false"}}, True),
        ({"meta": {"access": "peut-être"}}, None),
        ({}, None),
    ],
)
def test_whether_the_article_is_free(facts, expected):
    """What JSON-LD, microdata and the tags of paywalls say; None where they say nothing."""
    assert resolved(page(**facts)).free is expected


def test_a_page_that_states_title_author_and_time_needs_no_guess():
    """Guessing costs a third of the extractor's time; an organisation as author leaves nothing to guess either."""
    whole = {"meta": {"og:title": "T", "article:published_time": "2026-07-29", "author": "Le Littoral"}}

    assert is_complete(page(**whole))
    assert not any(
        is_complete(page(meta={k: v for k, v in whole["meta"].items() if k != name})) for name in whole["meta"]
    )
    assert not is_complete(page(meta={**whole["meta"], "author": "https://social.example/littoral"}))


# Any page

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["@type", "name", "url"]), inner),
    max_leaves=10,
)
PROPERTIES = st.sampled_from(
    ["headline", "author", "datePublished", "dateModified", "keywords", "articleSection", "image", "publisher", "url",
     "isAccessibleForFree", "hasPart", "description"]
)  # fmt: skip
TAGS = st.sampled_from(
    ["og:title", "og:image", "og:url", "og:site_name", "author", "keywords", "article:tag", "article:section",
     "article:published_time", "article:modified_time", "twitter:title", "article:content_tier"]
)  # fmt: skip
texts = st.text(max_size=40)


@given(
    st.dictionaries(PROPERTIES, anything),
    st.dictionaries(TAGS, st.lists(texts, max_size=3).map(tuple)),
    st.lists(texts, max_size=3).map(tuple),
)
def test_no_page_raises(article, meta, shown):
    """Whatever a page states in whatever type, there is metadata, and every value has a source."""
    found = resolved(page(article=article, meta=meta, shown={"headings": shown, "bylines": shown, "times": shown}))

    assert (found.headline is None) == ("headline" not in found.fields)
    assert found.published is None or found.published.at.tzinfo is not None


def test_values_are_bounded():
    """Headline, authors, tags, section, site name and captions have a greatest length and number."""
    long = "Très long " * 10_000
    article = {
        "headline": long, "author": [f"Awa {'ab' * at}c" for at in range(1, 60)], "articleSection": long,
        "keywords": [f"k{at}" for at in range(1000)] + [long], "image": {"url": "/a.jpg", "caption": long},
    }  # fmt: skip

    found = resolved(page(article=article, meta={"og:site_name": long, "og:title": long}))

    assert len(found.headline or "") <= 1000
    assert len(found.authors) <= 20
    assert max(map(len, found.authors)) <= 200
    assert (len(found.tags), max(map(len, found.tags))) <= (30, 200)
    assert max(len(found.section or ""), len(found.site_name or "")) <= 200
    assert len(found.images[0].caption or "") <= 1000
    assert json.dumps(dict(found.fields))
