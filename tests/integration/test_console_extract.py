"""`fildactu extract` as people and programs run it: a process of its own, its output read."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from console_command import fildactu, finished, output_of, started, stop_reading

BODY = (
    "<p>Le conseil du port a voté mardi soir les crédits du quai numéro trois, attendus depuis deux ans.</p>"
    "<p>Les travaux commenceront en janvier et dureront, selon l'ingénieur du port, quatorze mois au plus.</p>"
    "<p>Les pêcheurs gardent leur ponton jusqu'à la fin du chantier, a promis la directrice des opérations.</p>"
)
HEADLINE = "Le quai numéro trois sera refait"


def page(*, canonical: str = "", headline: str = HEADLINE, body: str = BODY) -> bytes:
    stated = {"@type": "NewsArticle", "headline": headline, "author": {"@type": "Person", "name": "Awa Diop"}}
    link = f'<link rel="canonical" href="{canonical}">' if canonical else ""
    return (
        f'<html lang="fr"><head><meta charset="utf-8"><title>{headline}</title>{link}'
        f'<script type="application/ld+json">{json.dumps(stated)}</script></head>'
        f"<body><article><h1>{headline}</h1>{body}</article></body></html>"
    ).encode()


async def told(*arguments: str, cwd: Path) -> list[dict[str, Any]]:
    done = await fildactu("extract", "--json", *arguments, cwd=cwd)
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


async def test_pages_are_told_in_their_order_under_the_names_of_events(tmp_path: Path) -> None:
    """However many are read at once, there is an object a page, in the order of the arguments."""
    names = [f"{number}.html" for number in range(7)]
    for name in names:
        (tmp_path / name).write_bytes(page(canonical=f"https://port.example/{name}"))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(page()))
    found = await told(*names, "packed.gz", "--workers", "2", cwd=tmp_path)
    assert [each["file"] for each in found] == [*names, "packed.gz"]
    first = found[0]
    assert (first["verdict"], first["url"], first["headline"]) == ("article", "https://port.example/0.html", HEADLINE)
    assert (first["authors"], first["provenance"]["fields"]["authors"]) == (["Awa Diop"], "json-ld")
    assert (first["text"].splitlines(), len(first["paragraphs"])) == (first["paragraphs"], 3)
    assert "lines" not in first
    assert found[-1]["url"] is None


async def test_a_trace_has_every_line_with_its_fate(tmp_path: Path) -> None:
    """`--trace` adds the lines, and those that were kept are the paragraphs."""
    (tmp_path / "page.html").write_bytes(page())
    (found,) = await told("page.html", "--trace", cwd=tmp_path)
    assert [line["text"] for line in found["lines"] if line["dropped"] is None] == found["paragraphs"]
    assert all(line["voice"] for line in found["lines"])


async def test_people_see_fields_with_their_sources_and_nothing_that_steers_their_terminal(tmp_path: Path) -> None:
    """Plain lines where no terminal is; control characters of the page or its name do not come through."""
    (tmp_path / "page\x1b[2J.html").write_bytes(page(headline=HEADLINE + "\x1b[31m\u202e"))
    done = await fildactu("extract", "page\x1b[2J.html", cwd=tmp_path)
    assert done.code == 0
    assert any(line.split() == ["authors", "Awa", "Diop", "json-ld"] for line in done.out.splitlines())
    assert "  Les travaux commenceront" in done.out
    assert not set(done.out) & {"\x1b", "\u202e"}


async def test_addresses_of_files_are_given_in_their_order_or_in_a_list(tmp_path: Path) -> None:
    """An address that is given counts for more than the page's own; a list brings each file's."""
    (tmp_path / "a.html").write_bytes(page(canonical="https://elsewhere.example/a"))
    (tmp_path / "b.html").write_bytes(page())
    given = ("https://port.example/a", "https://port.example/b")
    found = await told("a.html", "b.html", "--url", given[0], "--url", given[1], cwd=tmp_path)
    assert [each["url"] for each in found] == list(given)
    lines = ({"file": "b.html", "url": given[1]}, {"file": "a.html", "content_type": "text/html; charset=utf-8"})
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    listed = await told("--list", "list.jsonl", cwd=tmp_path)
    assert [each["url"] for each in listed] == [given[1], "https://elsewhere.example/a"]


async def test_what_cannot_be_meant_is_one_clear_line(tmp_path: Path) -> None:
    """Wrong usage ends with 2 before anything is read."""
    done = await fildactu("extract", "a.html", "b.html", "--url", "https://port.example/a", cwd=tmp_path)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert done.err.startswith("--url was given 1 times for 2 files")


async def test_what_is_no_page_is_one_clear_line_and_the_others_are_read(tmp_path: Path) -> None:
    """Exit status 1, a line on standard error and an object for each, and the page among them all the same."""
    (tmp_path / "folder").mkdir()
    bad = {"empty.html": b"\n", "paper.pdf": b"%PDF-1.7", "photo.jpg": b"\xff\xd8\xff\xe0", "large.html": b"a" * 3000}
    bad["broken.gz"] = gzip.compress(page())[:200]
    bad["bomb.gz"] = gzip.compress(b"a" * 3000)
    for name, content in {**bad, "page.html": page()}.items():
        (tmp_path / name).write_bytes(content)
    unreadable = ["missing.html", "folder", *bad]
    limits = {"FETCHER_MAX_BODY_BYTES": "2000"}
    done = await fildactu("extract", "--json", *unreadable, "page.html", cwd=tmp_path, env=limits)
    found = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert [line.split(": ")[:2] for line in done.err.splitlines()] == [[name, "unreadable"] for name in unreadable]
    assert [each["verdict"] for each in found] == ["unreadable"] * len(unreadable) + ["article"]
    assert all(each["detail"] for each in found[:-1])


async def test_a_page_without_an_article_is_read_all_the_same(tmp_path: Path) -> None:
    """A verdict is an answer: exit status 0."""
    (tmp_path / "nothing.html").write_text("<html><body><img src='a.png'></body></html>")
    (found,) = await told("nothing.html", cwd=tmp_path)
    assert found["verdict"] == "empty"


async def test_a_reader_who_has_enough_ends_the_command_quietly(tmp_path: Path) -> None:
    """As after `| head`: no complaint, exit status 0."""
    names = [f"{number}.html" for number in range(60)]
    for name in names:
        (tmp_path / name).write_bytes(page(body=BODY + f"<p>{'Le quai. ' * 2000}</p>"))
    process = await started("extract", "--json", *names, cwd=tmp_path)
    await output_of(process).readline()
    stop_reading(process)
    done = await finished(process)
    assert (done.code, done.err) == (0, "")


@pytest.fixture
async def site() -> AsyncIterator[dict[str, str]]:
    async def robots(_: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /private/\n")

    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPFound("/new")

    async def new(_: web.Request) -> web.Response:
        return web.Response(body=page(), content_type="text/html", charset="utf-8")

    application = web.Application()
    application.router.add_get("/robots.txt", robots)
    application.router.add_get("/old", moved)
    application.router.add_get("/new", new)
    application.router.add_get("/private/page", new)
    async with TestServer(application) as server:
        yield {
            "FETCHER_RESOLVE": json.dumps({"port.example": f"127.0.0.1:{server.port}"}),
            "FETCHER_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        }


async def test_addresses_are_asked_as_the_fetcher_asks(site: dict[str, str], tmp_path: Path) -> None:
    """Redirects are followed to the page's address, robots.txt is obeyed, and addresses of our own are refused."""
    asked = ["http://port.example/old", "http://port.example/private/page", "http://port.example/none"]
    done = await fildactu("extract", "--json", *asked, "http://127.0.0.2:8080/", cwd=tmp_path, env=site)
    found = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert (found[0]["verdict"], found[0]["url"], found[0]["file"]) == ("article", "http://port.example/new", None)
    reasons = [each["detail"].split(":")[0] for each in found[1:]]
    assert reasons[:2] == ["robots", "http_404"]
    refused = await fildactu("extract", "http://127.0.0.2:8080/", cwd=tmp_path)
    assert (refused.code, refused.err.split(": ")[1:3]) == (1, ["unreadable", "address_refused"])
