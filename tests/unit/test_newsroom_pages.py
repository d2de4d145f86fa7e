"""An extractor finds the newsroom's texts in its pages, the same ones wherever they must be the same."""

import re
from collections import Counter
from datetime import UTC, datetime

import pytest
from trafilatura import extract

from services.newsroom.model import ArticlePage
from services.newsroom.press import Press
from services.newsroom.script import EDITIONS, RESTLESS, expected
from services.newsroom.snapshot import address_of, snapshot

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LAST = len(EDITIONS)
PAGES = {
    address: page
    for edition in (1, LAST)
    for address, page in snapshot(edition).pages.items()
    if isinstance(page, ArticlePage)
}
FILLER = 60_000


@pytest.fixture(scope="module")
def press():
    return Press(started_at=NOW, filler_bytes=0, bulk=0)


@pytest.fixture(scope="module")
def heavy_press():
    return Press(started_at=NOW, filler_bytes=FILLER, bulk=0)


@pytest.fixture(autouse=True)
def _first_edition(press, heavy_press):
    press.turn_to(1)
    heavy_press.turn_to(1)


def _extracted(press, address):
    """The text with its white space levelled."""
    body = press.document(address).body
    return " ".join((extract(body, favor_precision=True, include_comments=False) or "").split())


def _words(text):
    return Counter(re.findall(r"\w+", text))


@pytest.mark.parametrize("edition", [1, LAST])
def test_paragraphs_are_recovered_without_the_furniture(press, edition):
    """Nearly every word of the paragraphs is found, and little beside the text and its headline."""
    press.turn_to(edition)
    for address, page in snapshot(edition).pages.items():
        if not isinstance(page, ArticlePage):
            continue
        found = _words(_extracted(press, address))
        paragraphs = _words(" ".join(page.article.paragraphs))
        wanted = _words(f"{page.article.headline} {page.article.text}")
        assert (found & paragraphs).total() >= 0.85 * paragraphs.total(), address
        assert (found & wanted).total() >= 0.95 * found.total(), address


def test_copies_have_exactly_the_same_extracted_text(press):
    """The wire text comes out alike at all three outlets, and unlike every other text."""
    press.turn_to(LAST)
    wire = {url for event in expected(LAST).events for url in (event.url, event.story_of) if event.story_of and url}
    texts = {_extracted(press, address_of(url)) for url in wire}
    others = {
        _extracted(press, address)
        for address, page in snapshot(LAST).pages.items()
        if isinstance(page, ArticlePage) and page.article.url not in wire
    }

    assert len(texts) == 1
    assert not texts & others


def test_all_other_extracted_texts_differ(press):
    """No two articles would be taken for copies because of what stands around them."""
    texts = Counter(
        _extracted(press, address)
        for address, page in snapshot(1).pages.items()
        if isinstance(page, ArticlePage) and not page.amp
    )

    assert [text for text, count in texts.items() if count > 1] == []


def test_an_amp_page_has_the_text_of_its_article(press):
    """Both addresses give exactly the same text, and each names the other."""
    pairs = [(page.article.url, page.article.amp_url) for page in PAGES.values() if page.amp and page.article.amp_url]

    assert len(pairs) >= 3
    for url, amp_url in pairs:
        assert f'<link rel="amphtml" href="{amp_url}">' in press.document(address_of(url)).body.decode()
        assert f'<link rel="canonical" href="{url}">' in press.document(address_of(amp_url)).body.decode()
        assert _extracted(press, address_of(url)) == _extracted(press, address_of(amp_url))


def test_a_restless_page_changes_without_its_text(press):
    """Three visits see three bodies and one text."""
    address = next(address for address, page in PAGES.items() if page.article.slug == RESTLESS)
    bodies = [press.document(address).body for _ in range(3)]

    assert len(set(bodies)) == 3
    assert len({extract(body, favor_precision=True, include_comments=False) for body in bodies}) == 1


def test_every_other_page_stays_as_it_is(press):
    """A page is printed once, and in every edition in the same way, unless its article is corrected."""
    before = {address: press.document(address).body for address in PAGES}
    press.turn_to(2)
    restless = {address for address, page in PAGES.items() if page.article.slug == RESTLESS}
    kept = [address for address in snapshot(1).pages if address in PAGES and address not in restless]

    assert [address for address in kept if press.document(address).body != before[address]] == []


def test_a_correction_changes_the_extracted_text(press):
    """The corrected page gives another text under the same address."""
    url = next(event.url for event in expected(LAST).events if event.verb == "updated")
    before = _extracted(press, address_of(url))
    press.turn_to(3)

    assert before != _extracted(press, address_of(url))


def test_filler_adds_weight_and_no_text(press, heavy_press):
    """Every page reaches the asked weight, by little more than asked, and its text is that of the light page."""
    for address in snapshot(1).pages.keys() & PAGES.keys():
        weight = len(heavy_press.document(address).body)
        assert FILLER <= weight < 1.1 * FILLER, address
        assert _extracted(press, address) == _extracted(heavy_press, address)


def test_pages_are_in_the_encoding_they_declare(press):
    """The Latin-1 outlet's pages are Latin-1 bytes, with references for what that encoding lacks."""
    document = press.document(("gazette-du-fleuve.example", "/article/lyceens-robot-ramasseur"))

    assert document.content_type == "text/html; charset=iso-8859-1"
    assert "berge à la lampe".encode("latin-1") in document.body
    assert b"un &#339;uf de gravelot" in document.body


def test_the_page_of_the_ria_family_has_its_structure(press):
    """The marks that extraction profiles look for are there, with the compact date and the foreign label."""
    body = press.document(("fil-afrique.example", "/actu/cacao-fermentation-1089404020.html")).body.decode()
    marks = (
        'itemprop="datePublished"',
        "article__announce-text",
        'data-type="text"',
        'data-type="article"',
        "media__copyright-item m-copyright",
        "S'abonner",
        "lenta__item",
        "Заголовок открываемого материала",
        'content="20260504T1015+0300"',
    )

    assert [mark for mark in marks if mark not in body] == []
