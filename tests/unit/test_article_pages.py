"""The set of our own pages with their truth: that it is what its README says, and what the extractor makes of it."""

import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml.etree import Comment, strip_elements
from lxml.html import document_fromstring

from bench.text.fields import authors_exact, day_exact, title_exact
from bench.text.pages import true_pages
from bench.text.scoring import agreement, letters, mean
from services.processor.extraction import extract
from services.processor.model import Article, NotAnArticle, Source
from services.processor.page.charset import decoded
from shared.messages import EntryFacts

FOLDER = Path(__file__).parents[1] / "data" / "articles"
TRUTHS = [json.loads(line) for line in (FOLDER / "truth.jsonl").read_text().splitlines()]
ARTICLES = [truth for truth in TRUTHS if truth["set"] == "own"]
OTHERS = [truth for truth in TRUTHS if truth["set"] == "not_articles"]
README = (FOLDER / "README.md").read_text()
KNOWN_LEAKS = {page: int(count) for page, count in re.findall(r"^\| `(pages/\S+)` \| (\d+) \|", README, re.MULTILINE)}
"""Furniture that still gets into the text, by page: a page that is not in the README's table lets none through."""

FURNITURE = frozenset({
    "ad_label", "alt", "app", "author_bio", "breadcrumb", "caption", "channel", "comments", "cookie_banner",
    "copyright", "credit", "dates", "donation", "duplicate", "embed", "hidden_metadata", "most_read", "newsletter",
    "next_previous", "paywall", "podcast", "poll", "pull_quote", "reading_time", "related", "second_article", "share",
    "sponsored", "tags", "tools", "translations",
})  # fmt: skip
KEEPS = frozenset({
    "agency_signature", "bulletin", "correction", "dateline", "interview", "list", "live_ticker", "long_read",
    "short_lines", "summary", "table",
})  # fmt: skip
LEAST_PAGES = {"fr": 20, "en": 10, "ar": 6, "pt": 2, "es": 2} | dict.fromkeys(
    ("am", "de", "fa", "ha", "hi", "it", "ja", "ru", "sw", "tr", "ur", "wo", "zh"), 1
)

# A little below what was measured: gates against getting worse, not aims.
LEAST_F1 = 0.95
LEAST_RIGHT = {"headline": 0.95, "authors": 0.83, "day": 0.98, "lede": 0.95, "language": 0.96, "form": 0.98}


def body_of(truth):
    return (FOLDER / truth["page"]).read_bytes()


def standing(truth) -> str:
    """The letters of all that stands on a page but in scripts: its text, then its attributes.

    Letters alone, as tags part words here and join them there.
    """
    page = document_fromstring(decoded(body_of(truth), None))
    strip_elements(page, "script", Comment, with_tail=False)
    attributes = (str(value) for element in page.iter("*") for value in element.values())
    return letters("".join(map(str, page.itertext()))) + letters(" ".join(attributes))


def flat(text: str) -> str:
    return " ".join(text.split())


def more_often(truth, text: str) -> list[str]:
    """Those strings that `text` has more often than the truth has: a pull quote stands in both, once."""
    found, true = flat(text), flat(truth["text"])
    return [said for said in map(flat, truth["not_text"]) if found.count(said) > true.count(said)]


def read(truth):
    """What comes out of the page alone, without a feed's word on it."""
    entry = EntryFacts(identity=truth["url"], url=truth["url"])
    return extract(
        Source(
            kind="fetched",
            url=truth["url"],
            body=body_of(truth),
            content_type=None,
            entry=entry,
            feed_language=None,
            section=None,
        )
    )


def text_of(found) -> str:
    return "\n".join((*([found.lede] if found.lede else []), *found.paragraphs)) if isinstance(found, Article) else ""


def right(truth, found) -> set[str]:
    """The fields of an article that are exactly true."""
    if not isinstance(found, Article):
        return set()
    published = found.published.at if found.published else None
    fields = {
        "headline": title_exact(found.headline, truth["title"]),
        "authors": authors_exact(found.authors, truth["authors"]),
        "day": day_exact(published, truth["published"]),
        "lede": found.lede == truth["lede"],
        "language": found.language.code == truth["language"],
        "form": found.form == truth["form"],
    }
    return {name for name, true in fields.items() if true}


@pytest.fixture(scope="module")
def readings():
    """Every article with what was read from its page."""
    return [(truth, read(truth)) for truth in ARTICLES]


def named(truths):
    return pytest.mark.parametrize("truth", truths, ids=[truth["page"] for truth in truths])


def test_bench_reads_the_set():
    """The loader of the text bench finds every page, with its text and its language."""
    pages = list(true_pages(FOLDER))
    assert [page.name for page in pages] == [truth["page"] for truth in TRUTHS]
    assert all(page.text for page in pages if page.group == "own")
    assert not any(page.text for page in pages if page.group == "not_articles")


def test_every_page_has_its_truth():
    """No page lies about without a line of truth, no line without a page; none is over 40 KB."""
    files = {str(path.relative_to(FOLDER)): path.stat().st_size for path in FOLDER.glob("*/*.html")}
    assert sorted(files) == sorted(truth["page"] for truth in TRUTHS)
    assert max(files.values()) <= 40_000


def test_set_is_as_large_and_mixed_as_promised():
    """At least 48 articles and 12 other pages: by language as the README counts them, in two halves of many styles."""
    languages = Counter(truth["language"] for truth in ARTICLES)
    assert len(ARTICLES) >= 48
    assert len(OTHERS) >= 12
    assert {code: languages[code] for code, least in LEAST_PAGES.items() if languages[code] < least} == {}
    assert f"{len(ARTICLES)} articles and {len(OTHERS)} other pages" in README
    assert all(f"{code} {count}" in README for code, count in languages.items())
    halves = Counter(truth["half"] for truth in ARTICLES)
    assert halves.keys() == {"seen", "unseen"}
    assert min(halves.values()) >= 24
    assert len({truth["style"] for truth in ARTICLES}) >= 40


def test_every_kind_of_furniture_stands_on_three_pages():
    """Each kind that must go, and each kind of text that looks like furniture and must stay, at least three times."""
    going = Counter(kind for truth in ARTICLES for kind in truth["furniture"])
    staying = Counter(kind for truth in ARTICLES for kind in truth["keeps"])
    assert going.keys() == FURNITURE
    assert staying.keys() >= KEEPS
    assert {kind for kind in FURNITURE if going[kind] < 3} == set()
    assert {kind for kind in KEEPS if staying[kind] < 3} == set()


@named(ARTICLES)
def test_truth_stands_on_its_page(truth):
    """Each line of the truth, the headline and each string that must not get into the text can be found on the page."""
    said = standing(truth)
    lines = [*truth["text"].splitlines(), truth["title"], *truth["not_text"]]
    assert [line for line in lines if letters(line) not in said] == []


@named(ARTICLES)
def test_truth_agrees_with_itself(truth):
    """The lede opens the text, times are ISO 8601, and nothing is both text and furniture but repeated text."""
    assert truth["text"].startswith(truth["lede"] or "")
    assert [datetime.fromisoformat(truth[key]) for key in ("published", "modified") if truth[key]]
    assert more_often(truth, truth["text"]) == []
    assert truth["form"] in {"article", "live_blog", "gallery", "video", "audio"}


@named(ARTICLES)
def test_pictures_and_related_links_stand_on_their_page(truth):
    """The addresses, captions, credits and titles in the truth are those of the page."""
    said = standing(truth)
    addresses = [each["url"] for each in (*truth["images"], *truth["related"])]
    words = [image[key] for image in truth["images"] for key in ("caption", "credit", "alt") if image[key]]
    assert [url for url in addresses if letters(unquote(urlsplit(url).path)) not in letters(unquote(said))] == []
    assert [word for word in (*words, *(each["title"] for each in truth["related"])) if letters(word) not in said] == []


def test_mean_agreement_of_the_texts(readings):
    """Lede and text agree with the truth at least as well as they did when this was measured."""
    scores = mean(agreement(text_of(found), truth["text"], truth["title"]) for truth, found in readings)
    assert scores.f1 >= LEAST_F1


def test_fields_that_are_exactly_true(readings):
    """Each field is right on at least as many pages as when this was measured."""
    counts = Counter(field for truth, found in readings for field in right(truth, found))
    rates = {field: counts[field] / len(ARTICLES) for field in LEAST_RIGHT}
    assert {field: rate for field, rate in rates.items() if rate < LEAST_RIGHT[field]} == {}


def test_every_article_is_taken_for_one(readings):
    """None of the articles is refused, however short, old or locked it is."""
    assert {truth["page"]: found.reason for truth, found in readings if isinstance(found, NotAnArticle)} == {}


def test_no_furniture_in_the_text(readings):
    """No subscribe call, caption or other furniture is in a text, beyond the leaks that the README lists."""
    leaks = {truth["page"]: more_often(truth, text_of(found)) for truth, found in readings}
    assert {page: said for page, said in leaks.items() if len(said) > KNOWN_LEAKS.get(page, 0)} == {}


@named(OTHERS)
def test_what_is_no_article_is_refused(truth):
    """A list, a wall, a check or an empty page is no article, and the reason is the true one."""
    found = read(truth)
    assert (found.reason if isinstance(found, NotAnArticle) else "article") == truth["verdict"]
