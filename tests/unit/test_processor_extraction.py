"""Pages and feed texts to articles: one page with its expectation per kind, and the quirks one by one."""

import json
import pickle
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from services.processor.extraction import extract, warm_up
from services.processor.language import classifier
from services.processor.metadata.resolver import is_plausible_canonical
from services.processor.model import Article, NotAnArticle, Source
from services.processor.page.charset import decoded
from shared.events import Moment
from shared.messages import EntryFacts

PAGES = Path(__file__).parents[1] / "data" / "pages"
NAMES = sorted(path.stem for path in PAGES.glob("*.html"))
URL = "https://journal.example/2026/pluie"
SENTENCES = (
    "La pluie est revenue dans la nuit sur le plateau, et les premiers semis ont commencé dès l'aube.",
    "Les anciens parlaient d'un retard de trois semaines ; il aura fallu attendre la nouvelle lune.",
    "Au marché, le prix du mil a aussitôt baissé, sans que les vendeuses y trouvent à redire.",
)


def source(body, *, kind="fetched", url=URL, content_type=None, feed_language=None, section=None, **entry):
    facts = EntryFacts(identity="1", url=entry.pop("link", url), **entry)
    data = body if isinstance(body, bytes) else body.encode()
    return Source(
        kind=kind,
        url=url,
        body=data,
        content_type=content_type,
        entry=facts,
        feed_language=feed_language,
        section=section,
    )


def page(*, head="", top="", paragraphs=SENTENCES):
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<!doctype html><html><head>{head}</head><body>{top}<article>{text}</article></body></html>"


def stored(name):
    """A stored page and what stands beside it."""
    expected = json.loads((PAGES / f"{name}.expected.json").read_text())
    facts = dict(expected["source"])
    return source((PAGES / f"{name}.html").read_bytes(), **facts), expected


def article(given):
    """What `extract` makes of a page that holds an article."""
    found = extract(given)
    assert isinstance(found, Article)
    return found


def plain(article):
    """An article as the expectations write it."""
    published, modified = article.published, article.modified
    return {
        "headline": article.headline,
        "lede": article.lede,
        "paragraphs": list(article.paragraphs),
        "language": article.language.code,
        "canonical_url": article.canonical_url,
        "authors": list(article.authors),
        "published": [published.at.isoformat(), published.source] if published else None,
        "modified": [modified.at.isoformat(), modified.source] if modified else None,
        "section": article.section,
        "tags": list(article.tags),
        "site_name": article.site_name,
        "free": article.free,
        "images": [image.url for image in article.images],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_page_gives_what_is_written_beside_it(name):
    """Each kind of page gives the text, lede and metadata, or the reason, that stand beside it."""
    given, expected = stored(name)

    if "reason" in expected:
        assert NotAnArticle(reason=expected["reason"]) == extract(given)
    else:
        assert expected["article"] == {
            key: value for key, value in plain(article(given)).items() if key in expected["article"]
        }


def test_an_amp_page_has_the_same_text_and_headline_as_its_article():
    """Another template, other quotation marks and no og: tags change neither hash."""
    main, amp = article(stored("english")[0]), article(stored("english-amp")[0])

    assert (main.text_hash, main.headline_hash) == (amp.text_hash, amp.headline_hash)
    assert main.page_hash != amp.page_hash


def test_the_same_text_at_another_outlet_has_the_same_hash():
    """A wire text compares equal under another headline, without the first outlet's lede, in another encoding."""
    given, expected = stored("french")
    copy = page(head="<title>Une halle toute neuve</title>", top="<h1>Une halle toute neuve</h1>",
                paragraphs=expected["article"]["paragraphs"])  # fmt: skip
    body = copy.encode("cp1252")

    first = article(given)
    other = article(source(body, url="https://autre.example/x", content_type="text/html; charset=iso-8859-1"))

    assert first.text_hash == other.text_hash
    assert first.headline_hash != other.headline_hash


def test_source_and_result_cross_to_another_process():
    """What goes to a worker and comes back from it can be pickled."""
    given = pickle.loads(pickle.dumps(source(page())))

    found = extract(given)

    assert found == pickle.loads(pickle.dumps(found))
    assert isinstance(found, Article)


def test_every_field_says_where_it_came_from():
    """The provenance of a field is the source that was believed."""
    fields = article(stored("french")[0]).fields

    linked, tagged = ("authors", "section", "tags", "published", "modified"), ("images", "lede", "site_name")
    assert fields == {
        **dict.fromkeys(linked, "json-ld"),
        **dict.fromkeys(tagged, "meta"),
        "headline": "h1",
        "canonical_url": "link",
        "text": "trafilatura",
    }


def test_furniture_of_a_page_changes_nothing_but_the_page_hash():
    """A most-read list that differs at each visit must not look like an update."""
    before = article(source(page(top="<aside><a href='/1'>Le plus lu : un orage</a></aside>")))
    after = article(source(page(top="<aside><a href='/2'>Le plus lu : une éclipse</a></aside>")))

    assert (before.text_hash, before.headline_hash) == (after.text_hash, after.headline_hash)
    assert before.page_hash != after.page_hash


def test_a_feeds_text_is_the_article_where_there_is_no_page():
    """Blocks become paragraphs, inline markup does not; the feed gives headline, author, time and section."""
    at = datetime(2026, 7, 1, 8, tzinfo=UTC)
    markup = (
        "<p>Le bac a <b>repris</b> lundi.</p><figure>photo</figure><ul><li>Matin\n: 7 h</li><li>Soir : 19 h</li></ul>"
        "Fin<br>du communiqué.<script>x</script><p>The post Le bac appeared first on Le Littoral.</p>"
    )

    found = article(source(markup, kind="feed_only", title="Le bac repart", authors=("Awa Diop et Jean Mba",),
                           published=at, tags=("mer",), section="Région", feed_language="fr-SN"))  # fmt: skip

    assert found.paragraphs == ("Le bac a repris lundi.", "Matin : 7 h", "Soir : 19 h", "Fin", "du communiqué.")
    assert (found.headline, found.authors) == ("Le bac repart", ("Awa Diop", "Jean Mba"))
    assert (found.section, found.language.code) == ("Région", "fr")
    assert Moment(at=at, source="feed") == found.published
    assert found.fields["text"] == "feed"


@pytest.mark.parametrize("markup", ["", "   ", "<p></p>", "<img src=x>", "<p>…</p>"])
def test_a_feed_text_without_words_is_no_article(markup):
    """Nothing to read is a reason, not an event."""
    assert NotAnArticle(reason="empty") == extract(source(markup, kind="feed_only", title="T"))


def test_a_bulletin_of_two_sentences_is_an_article():
    """Short news is news: one paragraph is enough, and the cookie banner beside it is no consent wall."""
    banner = "<div class='cookie-banner'>Nous utilisons des cookies. <button>Tout accepter</button></div>"

    found = article(source(page(top=f"<h1>Pluie</h1>{banner}", paragraphs=SENTENCES[:1])))

    assert SENTENCES[:1] == found.paragraphs


def test_an_article_about_cookies_is_no_consent_wall():
    """Words of consent in a long text are its subject."""
    about = "Le régulateur rappelle que tout refuser doit être aussi simple que tout accepter. " + " ".join(
        SENTENCES * 4
    )

    assert isinstance(extract(source(page(paragraphs=(about, *SENTENCES)))), Article)


def test_an_address_that_leads_home_is_an_index_page():
    """A dropped article whose address redirects to the home page is not the home page's text."""
    found = extract(source(page(), url="https://journal.example/", link="https://journal.example/2020/ancien"))

    assert isinstance(found, NotAnArticle)
    assert found.reason == "index_page"


@pytest.mark.parametrize(
    "body", [b"", b"\x00\x01\x02", b"<", b"<html>", b"\xff\xfe", b"%PDF-1.4 \x93\x8c", b"[" * 5000]
)
def test_rubbish_is_empty_and_raises_nothing(body):
    """Whatever a server sends as HTML, the worker answers."""
    assert isinstance(extract(source(body, content_type="text/html; charset=nonsense")), (NotAnArticle, Article))


@pytest.mark.parametrize(
    ("pub_date", "expected"),
    [
        (datetime(2026, 5, 3, 23, tzinfo=UTC), Moment(at=datetime(2026, 5, 3, 23, tzinfo=UTC), source="feed")),
        (datetime(2026, 5, 9, tzinfo=UTC), Moment(at=datetime(2026, 5, 4, 6, tzinfo=UTC), source="meta")),
        (None, Moment(at=datetime(2026, 5, 4, 6, tzinfo=UTC), source="meta")),
    ],
)
def test_the_feeds_date_wins_while_it_agrees_with_the_page(pub_date, expected):
    """Within two days the feed's time is the better one; further off it dates an import."""
    head = '<meta property="article:published_time" content="2026-05-04T08:00:00+02:00">'

    assert expected == article(source(page(head=head), published=pub_date)).published


@pytest.mark.parametrize(
    ("head", "top", "title", "expected"),
    [
        ("<title>Pluie | Journal</title><meta property='og:site_name' content='Journal'>", "", None, "Pluie"),
        ("<meta property='og:title' content='La pluie est là'>", "<h1>Journal</h1>", None, "La pluie est là"),
        (
            "<meta property='og:title' content='La pluie est là'>",
            "<h1>La pluie est enfin là</h1>",
            None,
            "La pluie est enfin là",
        ),
        ("", "<h1>Le Journal du plateau</h1>", "La pluie revient", "La pluie revient"),
        ("<title>La plu\u00adie</title>", "", None, "La pluie"),
    ],
)
def test_the_headline_is_the_heading_that_is_most_like_what_is_stated(head, top, title, expected):
    """A heading unlike every stated headline is the site's name; then the stated one is taken, without the site."""
    assert expected == article(source(page(head=head, top=top), title=title)).headline


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("https://journal.example/autre", True),
        ("https://amp.journal.example/2026/pluie", True),
        ("https://ailleurs.example/2026/pluie", False),
        ("https://journal.example/", False),
        ("https://journal.example/?p=12", True),
    ],
)
def test_a_canonical_address_is_believed_on_its_own_site_only(canonical, expected):
    """Another site's address and the home page would merge articles that have nothing in common."""
    assert expected == is_plausible_canonical(canonical, URL)


def test_a_relative_canonical_address_is_resolved():
    """A canonical link may be relative, and its tracking fragment is no part of it."""
    assert (
        article(source(page(head='<link rel="canonical" href="/2026/pluie-vraie#top">'))).canonical_url
        == "https://journal.example/2026/pluie-vraie"
    )


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("é".encode("utf-16"), None, "é"),
        (b"\xef\xbb\xbf\xc3\xa9", "text/html; charset=iso-8859-1", "é"),
        (b"\xe9\x80", "text/html; charset=ISO-8859-1", "é€"),
        ("é".encode(), "text/html; charset=ISO-8859-1", "é"),
        ("день".encode("cp1251"), "text/html; charset=windows-1251", "день"),
        (b'<meta charset="gb2312">' + "新闻".encode("gbk"), None, '<meta charset="gb2312">新闻'),
        (b"\xc3\xa9" * 2000 + b"\xff", "text/html; charset=utf-8", "é" * 2000 + "\ufffd"),
        (b"abc", "text/html; charset=punycode", "abc"),
        (b"abc", "text/html; charset=rot13", "abc"),
    ],
)
def test_characters_by_mark_header_page_and_guess(body, content_type, expected):
    """A byte order mark wins, then valid UTF-8, then what header and page say, as browsers read it."""
    assert expected == decoded(body, content_type)


def test_characters_without_any_declaration_are_guessed():
    """Old pages say nothing of their charset and are read all the same."""
    text = "Le maire a été réélu dès le premier tour, malgré la grève générale annoncée à la télévision. " * 5

    assert text == decoded(text.encode("cp1252"), None)


@pytest.mark.parametrize(
    ("paragraphs", "hint", "expected"),
    [
        (SENTENCES, "en", "fr"),
        (("Match reporté.",), "fr-FR", "fr"),
        (("12 345 678",), None, "und"),
    ],
)
def test_the_language_is_the_texts_and_the_feeds_where_words_are_few(paragraphs, hint, expected):
    """A feed's language is a hint for short texts only: it names the wrong one often enough."""
    assert expected == article(source(page(paragraphs=paragraphs), feed_language=hint)).language.code


def test_json_ld_in_ruins_is_ignored():
    """Broken, deep and odd JSON-LD costs the metadata in it, not the article."""
    blocks = [
        "{",
        "[" * 100_000,
        '{"@type": 3}',
        '"text"',
        '{"@type":"NewsArticle","author":{"name":["Awa Diop"]},"headline":7}',
    ]
    head = "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)

    found = article(source(page(head=head)))

    assert (found.paragraphs, found.authors) == (SENTENCES, ("Awa Diop",))


def test_the_extractors_name_has_the_librarys_version():
    """A new release of the library is another extractor: its texts are not compared with the old ones."""
    assert article(source(page())).extractor.startswith(f"trafilatura/{version('trafilatura')}+fildactu/")


def test_a_page_at_a_consent_host_is_a_wall():
    """A redirect to a consent service is told by its host, in whatever language it asks."""
    found = extract(source(page(), url="https://consent.journal.example/collect?id=1"))

    assert found == NotAnArticle(reason="consent_wall")


def test_a_warm_worker_has_loaded_its_classifier():
    """The first page of a worker does not pay for what is slow to load."""
    classifier.cache_clear()

    warm_up()

    assert classifier.cache_info().currsize == 1
