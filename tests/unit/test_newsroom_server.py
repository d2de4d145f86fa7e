"""The newsroom answers like the servers it stands for."""

import gzip
import json
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession

from services.newsroom.server import Newsroom, serve

NOW = datetime(2026, 5, 4, 9, 30, 15, 400, tzinfo=UTC)
FEEDS = {
    "fil-afrique.example": "/export/rss2/archive/index.xml",
    "gazette-du-fleuve.example": "/rss.xml",
    "harbour-post.example": "/atom.xml",
    "marsad-alsahil.example": "/feed.json",
    "courrier-des-lacs.example": "/index.rdf",
    "savanna-times.example": "/feeds/latest",
}


@pytest.fixture
def newsroom():
    return Newsroom(started_at=NOW)


@pytest.fixture
async def ask(newsroom):
    """Ask for a host's path; answers status, headers and the body as sent."""
    async with serve(newsroom) as port, ClientSession(auto_decompress=False) as session:

        async def _ask(host, path, *, method="GET", accept_encoding="identity", **headers):
            sent = {"Host": host, "Accept-Encoding": accept_encoding}
            sent |= {name.replace("_", "-"): value for name, value in headers.items()}
            url = f"http://127.0.0.1:{port}{path}"
            async with session.request(method, url, headers=sent, allow_redirects=False) as response:
                return response.status, response.headers, await response.read()

        yield _ask


def test_hosts_and_feeds_are_told(newsroom):
    """The feed addresses are those of every outlet, without a port."""
    assert set(FEEDS) == set(newsroom.hosts)
    assert {f"http://{host}{path}" for host, path in FEEDS.items()} == set(newsroom.feed_urls)


@pytest.mark.parametrize(
    ("host", "validators"),
    [
        ("fil-afrique.example", set()),
        ("gazette-du-fleuve.example", {"ETag"}),
        ("harbour-post.example", {"ETag", "Last-Modified"}),
        ("marsad-alsahil.example", {"Last-Modified"}),
        ("courrier-des-lacs.example", {"ETag"}),
    ],
)
async def test_validators_are_those_of_the_outlet(ask, host, validators):
    """Each outlet sends its own kinds of validators, and each alone brings a 304 without a body."""
    status, headers, _ = await ask(host, FEEDS[host])

    assert (200, validators) == (status, {"ETag", "Last-Modified"} & headers.keys())
    questions = {"ETag": "If_None_Match", "Last-Modified": "If_Modified_Since"}
    for validator in validators:
        status, repeated, body = await ask(host, FEEDS[host], **{questions[validator]: headers[validator]})
        assert (304, headers[validator], b"") == (status, repeated[validator], body)


async def test_the_weak_tag_is_weak(ask):
    """One outlet marks its entity tags as weak."""
    _, headers, _ = await ask("courrier-des-lacs.example", "/index.rdf")

    assert headers["ETag"].startswith('W/"')


async def test_a_changed_feed_is_sent_again(newsroom, ask):
    """After the edition that changed it, neither old validator brings a 304 any more."""
    _, headers, before = await ask("harbour-post.example", "/atom.xml")
    newsroom.advance()
    for question in (
        {"If_None_Match": headers["ETag"]},
        {"If_Modified_Since": headers["Last-Modified"]},
        {"If_None_Match": '"other"', "If_Modified_Since": "Thu, 01 Jan 2099 00:00:00 GMT"},
        {"If_Modified_Since": "yesterday"},
    ):
        status, _, body = await ask("harbour-post.example", "/atom.xml", **question)
        assert status == 200
        assert before != body


@pytest.mark.parametrize(("host", "path"), FEEDS.items())
async def test_gzip_is_sent_to_those_who_take_it(ask, host, path):
    """The compressed body is shorter and holds the same bytes."""
    _, plain_headers, plain = await ask(host, path)
    _, headers, body = await ask(host, path, accept_encoding="gzip, br")

    assert "Content-Encoding" not in plain_headers
    assert headers["Content-Encoding"] == "gzip"
    assert plain == gzip.decompress(body)
    assert len(plain) > len(body)


async def test_head_has_the_headers_of_get(ask):
    """HEAD tells length and tag and sends nothing."""
    _, headers, body = await ask("gazette-du-fleuve.example", "/rss.xml")
    status, head, nothing = await ask("gazette-du-fleuve.example", "/rss.xml", method="HEAD")

    assert (status, nothing) == (200, b"")
    assert (headers["ETag"], str(len(body))) == (head["ETag"], head["Content-Length"])


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("gazette-du-fleuve.example", "/", 200),
        ("gazette-du-fleuve.example", "/robots.txt", 200),
        ("gazette-du-fleuve.example", "/article/digue-nord-renforcee?utm_source=x&utm_medium=rss", 200),
        ("GAZETTE-du-fleuve.example:8800", "/article/digue-nord-renforcee", 200),
        ("gazette-du-fleuve.example", "/article/entretien-eclusier-fleuve", 200),
        ("gazette-du-fleuve.example", "/article/soumba-accord-riverains", 404),
        ("courrier-des-lacs.example", "/horaires-hiver-navigation.html", 404),
        ("harbour-post.example", "/amp/seagrass-survey-surprise", 200),
        ("harbour-post.example", "/go/48213", 301),
        ("savanna-times.example", "/story/railway-bridge-bees/", 403),
        ("nowhere.example", "/", 404),
    ],
)
async def test_pages_have_the_status_that_the_script_says(ask, host, path, expected):
    """Pages, traps and the unknown answer as written, whatever the query and the port in the Host header."""
    status, _, _ = await ask(host, path)

    assert expected == status


async def test_the_redirect_leads_to_the_article(ask):
    """The listed address moves for good to the article's own."""
    _, headers, _ = await ask("harbour-post.example", "/go/48213")

    assert headers["Location"] == "http://harbour-post.example/news/pilots-strike-averted"


async def test_the_last_edition_is_the_end(newsroom, ask):
    """Editions turn until the last; by then the withdrawn page is gone and the last article there."""
    turned = [newsroom.advance() for _ in range(4)]

    assert turned == [True, True, True, False]
    assert newsroom.last_edition == newsroom.edition
    assert (await ask("gazette-du-fleuve.example", "/article/bac-tarifs-hausse"))[0] == 404
    assert (await ask("marsad-alsahil.example", "/akhbar/shabakat-qura-jabaliya"))[0] == 200


async def test_requests_are_recorded(newsroom, ask):
    """A request is kept with host, path, time, status and the headers that matter for politeness and caching."""
    await ask("harbour-post.example", "/nothing?a=b", If_None_Match='"x"', User_Agent="reader/1", Cookie="secret=1")
    await ask("marsad-alsahil.example", "/feed.json")
    first, second = newsroom.requests

    assert (first.host, first.path_qs, first.status) == ("harbour-post.example", "/nothing?a=b", 404)
    assert first.headers == {"If-None-Match": '"x"', "User-Agent": "reader/1", "Accept-Encoding": "identity"}
    assert (second.host, second.path_qs, second.status) == ("marsad-alsahil.example", "/feed.json", 200)
    assert first.at < second.at


async def test_control_addresses_answer_on_any_host(newsroom, ask):
    """Health, expectations and the turning of editions work under any name and are not recorded."""
    assert (await ask("127.0.0.1", "/healthz"))[::2] == (200, b"ok\n")
    before = json.loads((await ask("any", "/expected.json"))[2])
    turned = json.loads((await ask("any", "/advance", method="POST"))[2])
    after = json.loads((await ask("any", "/expected.json"))[2])

    assert turned == {"advanced": True, "edition": 2}
    assert len(before["events"]) < len(after["events"])
    assert {"verb", "url", "headline", "language", "site", "revision", "story_of"} == after["events"][0].keys()
    assert newsroom.requests == []
