"""Feeds found from a page."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.documents.discovery import MOST_CANDIDATES, MOST_PAGE_CHARACTERS, Source, guess
from services.fetcher.documents.finding import MOST_REQUESTS, find
from services.fetcher.documents.parsing import parse_feed
from services.fetcher.model import Response
from shared.errors import PermanentError, TransientError

HOME = "https://www.pier.example/news/"
FEED = b'<rss version="2.0"><channel><title>%s</title><item><title>a</title></item></channel></rss>'


def urls(page, *sources, robots=""):
    return [each.url for each in guess(page, HOME, robots) if not sources or each.source in sources]


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="alternate" type="application/rss+xml" href="/x">',
        "<LINK REL=alternate TYPE='application/atom+xml; charset=utf-8' HREF=/x>",
        '<link rel="alternate home" type="application/feed+json" href="/x"/>',
        '<link rel="alternate" type="application/rdf+xml" href="https://www.pier.example/x#top">',
        '<link rel="feed" href="/x">',
        '<a rel="alternate" type="application/rss+xml" href="/x">RSS</a>',
        '<base href="https://www.pier.example/"><link rel="feed" href="x">',
    ],
)
def test_what_a_page_announces_is_found(link):
    """Every way in which pages announce feeds, in any case and quotation."""
    assert urls(f"<html><head>{link}</head>", Source.ANNOUNCED) == ["https://www.pier.example/x"]


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="stylesheet" type="text/css" href="/feed.css">',
        '<link rel="alternate" hreflang="fr" href="/fr/">',
        '<link rel="alternate" type="text/html" href="/amp">',
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/1">',
        '<link rel="alternate" type="application/rss+xml" href="/comments/feed/">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:feed()">',
        '<link rel="alternate" type="application/rss+xml">',
        '<!-- <link rel="alternate" type="application/rss+xml" href="/x"> -->',
    ],
)
def test_other_links_announce_nothing(link):
    """Translations, styles, comments and programs are no feeds."""
    assert urls(link, Source.ANNOUNCED) == []


@pytest.mark.parametrize(
    ("href", "is_one"),
    [
        ("/feeds/all.xml", True),
        ("/news/rss", True),
        ("/index.rdf", True),
        ("/?feed=rss2", True),
        ("atom.xml", True),
        ("https://feeds.elsewhere.example/pier", True),
        ("https://elsewhere.example/rss", False),
        ("/feedback", False),
        ("/embarrassing-news", False),
        ("/atomic-power", False),
    ],
)
def test_links_that_name_a_feed_are_followed_on_the_site(href, is_one):
    """Whole words of an address, on the same registrable domain or a host for feeds."""
    assert (len(urls(f"<a href='{href}'>x</a>", Source.LINKED)) == 1) is is_one


def test_the_best_guess_comes_first_and_each_once():
    """Announced before linked, before robots.txt with news first, before custom."""
    robots = "User-agent: *\nSitemap: https://www.pier.example/all.xml\nsitemap:/news-map.xml\n"
    page = '<a href="/rss">R</a><link rel="feed" href="/atom.xml" title=" The\n Pier "><a href="/atom.xml">A</a>'
    found = guess(page, HOME, robots)

    assert [each.url.removeprefix("https://www.pier.example") for each in found] == [
        "/atom.xml", "/rss", "/news-map.xml", "/all.xml", "/feed", "/rss.xml", "/feed.json", "/sitemap-news.xml",
    ]  # fmt: skip
    assert (found[0].title, found[0].source) == ("The Pier", Source.ANNOUNCED)


def test_a_page_of_any_size_gives_a_bounded_list():
    """Only its first half megabyte counts, and of its links some dozens."""
    many = "".join(f'<a href="/rss/{number}">x</a>' for number in range(1000))
    late = "x" * MOST_PAGE_CHARACTERS + '<link rel="feed" href="/late">'

    assert len(guess(many, HOME)) == MOST_CANDIDATES
    assert urls(late, Source.ANNOUNCED) == []


@given(
    st.text(max_size=200) | st.lists(st.sampled_from(["<a href=", "<![", "<!doctype", "'", "<link ", ">"])).map("".join)
)
def test_no_page_makes_it_fail(page):
    """Any text gives at least the customary places."""
    assert len(guess(page, HOME)) >= 5


class Site:
    """A site of fixed answers that counts who asked; anything else is not found."""

    def __init__(self, **answers):
        self.answers = {f"https://www.pier.example/{name}": answer for name, answer in answers.items()}
        self.asked = []

    async def get(self, url, *, accept):
        self.asked.append(url)
        answer = self.answers.get(url, (404, b""))
        if isinstance(answer, Exception):
            raise answer
        return Response(
            requested_url=url,
            final_url=answer[2] if len(answer) > 2 else url,
            status=answer[0],
            headers={},
            body=answer[1],
            fetched_at=datetime(2026, 11, 24, tzinfo=UTC),
            seconds=0.1,
        )


async def parse(body, content_type, url):
    return parse_feed(body, content_type, url, datetime(2026, 11, 24, tzinfo=UTC))


class Pauses:
    def __init__(self):
        self.count = 0

    async def __call__(self, seconds):
        self.count += 1


async def test_a_site_is_asked_a_few_times_with_pauses():
    """However much a page announces: ten requests, and a pause before each but the first."""
    links = "".join(f'<link rel="feed" href="/f{number}">' for number in range(30)).encode()
    site, pauses = Site(home=(200, b"<html>" + links)), Pauses()
    found = await find(site, parse, "www.pier.example/home", pauses)

    assert (found, len(site.asked), pauses.count) == ([], MOST_REQUESTS, MOST_REQUESTS - 1)


async def test_only_feeds_that_were_read_are_found():
    """A page that is announced as a feed, a dead link and an unreachable one are left out; two ways count once."""
    page = b"".join(b'<link rel="feed" href="/%s">' % name for name in (b"page", b"dead", b"away", b"a", b"b"))
    site = Site(
        home=(200, b"<html>" + page),
        page=(200, b"<html></html>"),
        away=TransientError("timeout"),
        a=(200, FEED % b"One"),
        b=(200, FEED % b"One", "https://www.pier.example/a"),
    )
    found = await find(site, parse, "https://www.pier.example/home", Pauses())

    assert [(each.url, each.title, each.entries, each.source) for each in found] == [
        ("https://www.pier.example/a", "One", 1, Source.ANNOUNCED)
    ]


async def test_a_feed_leads_to_itself():
    """Whoever gives the feed's own address gets it after one request."""
    site = Site(rss=(200, FEED % b"Two"))
    found = await find(site, parse, "https://www.pier.example/rss", Pauses())

    assert ([(each.url, each.source) for each in found], len(site.asked)) == (
        [("https://www.pier.example/rss", Source.GIVEN)],
        1,
    )


@pytest.mark.parametrize(
    ("url", "reason"), [("ftp://pier.example/", "bad_url"), ("https://www.pier.example/gone", "http_404")]
)
async def test_a_page_that_cannot_be_read_is_said(url, reason):
    """No address, or one that answers with an error: the cause, not an empty list."""
    with pytest.raises(PermanentError) as caught:
        await find(Site(), parse, url, Pauses())

    assert caught.value.reason == reason
