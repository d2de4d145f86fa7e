"""Feeds that are managed while a fetcher runs: by command and by file, each in a process of its own."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from broker_traffic import eventually
from console_command import Finished, fildactu, finished, started

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>{0} news</title>
<item><guid>{0}-1</guid><title>One</title><link>http://{0}.example/1</link></item></channel></rss>"""
HOSTS = ("first", "second", "third")


class Site:
    """Feeds that never change; `asked` has, by host, whether each request was conditional."""

    def __init__(self) -> None:
        self.asked: dict[str, list[bool]] = defaultdict(list)

    async def feed(self, request: web.Request) -> web.Response:
        host = request.host.split(".")[0]
        conditional = request.headers.get("If-None-Match") == f'"{host}"'
        self.asked[host].append(conditional)
        if conditional:
            return web.Response(status=304, headers={"ETag": f'"{host}"'})
        headers = {"ETag": f'"{host}"', "Content-Type": "application/rss+xml"}
        return web.Response(text=RSS.format(host), headers=headers)

    async def home(self, request: web.Request) -> web.Response:
        page = '<link rel="alternate" type="application/rss+xml" href="/feed" title="News">'
        return web.Response(text=f"<html><head>{page}</head></html>", content_type="text/html")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def environment(site: Site) -> AsyncIterator[dict[str, str]]:
    application = web.Application()
    application.router.add_get("/feed", site.feed)
    application.router.add_get("/", site.home)
    async with TestServer(application) as server:
        yield {
            "FETCHER_RESOLVE": json.dumps({f"{host}.example": f"127.0.0.1:{server.port}" for host in HOSTS}),
            "FETCHER_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "FETCHER_PAGE_DELAY_SECONDS": "0.02",
            "FETCHER_IDLE_SECONDS": "0.1",
        }


def url(host: str) -> str:
    return f"http://{host}.example/feed"


def write_feeds(folder: Path, *hosts: str, section: str = "world") -> None:
    often = {"min_interval": "0.3s", "max_interval": "0.3s"}
    feeds = [{"url": url(host), "name": host, "section": section, **often} for host in hosts]
    (folder / "feeds.yaml").write_text(json.dumps({"feeds": feeds}))


async def test_a_running_fetcher_takes_over_what_changes(
    site: Site, environment: dict[str, str], tmp_path: Path
) -> None:
    """A feed that is added by command and one that the file gains are polled; the others keep their validators."""
    write_feeds(tmp_path, "first")
    process = await started("run", "--feeds", "feeds.yaml", "--state", "state", cwd=tmp_path, env=environment)
    try:
        await eventually(lambda: len(site.asked["first"]) > 2, "the feed is polled again")
        often = ("--min-interval", "0.3s", "--max-interval", "0.3s")
        added = await fildactu("feeds", "add", url("second"), *often, "--state", "state", cwd=tmp_path)
        await eventually(lambda: len(site.asked["second"]) > 1, "the added feed is polled")
        write_feeds(tmp_path, "first", "third", section="economy")
        await eventually(lambda: len(site.asked["third"]) > 1, "the file's new feed is polled")
        polls = len(site.asked["first"])
        await eventually(lambda: len(site.asked["first"]) > polls + 1, "the first one goes on")
        (tmp_path / "feeds.yaml").write_text("feeds: [{url: nowhere}]")
        polls = len(site.asked["third"])
        await eventually(lambda: len(site.asked["third"]) > polls + 12, "a faulty file changes nothing")
    finally:
        process.terminate()
        ended = await finished(process)

    assert (added.code, added.out) == (0, "added: second.example (http://second.example/feed)\n")
    assert ended.code == 0, ended.err
    for host in HOSTS:
        assert site.asked[host][:1] == [False], host
        assert all(site.asked[host][1:]), host
    faulty = [json.loads(line) for line in ended.err.splitlines() if "feeds_faulty" in line]
    assert [len(line["faults"]) for line in faulty] == [2]
    listed = (await good("feeds", "list", "--json", "--state", "state", cwd=tmp_path)).events
    assert {feed["name"]: feed["source"] for feed in listed} == {
        "first": "run",
        "second.example": "command",
        "third": "run",
    }


async def test_a_paused_feed_is_asked_for_no_more(site: Site, environment: dict[str, str], tmp_path: Path) -> None:
    """Nor does a run wait for it; when it is resumed it goes on with its validators."""
    write_feeds(tmp_path, "first", "second")
    once = ("run", "--feeds", "feeds.yaml", "--once", "--state", "state")
    await good(*once, cwd=tmp_path, env=environment)
    assert (await good("feeds", "pause", "First", "--state", "state", cwd=tmp_path)).out.startswith("paused: first (")
    await good(*once, cwd=tmp_path, env=environment)
    assert site.asked == {"first": [False], "second": [False, True]}

    await good("feeds", "resume", url("first"), "--state", "state", cwd=tmp_path)
    await good(*once, cwd=tmp_path, env=environment)

    assert site.asked["first"] == [False, True]


async def good(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> Finished:
    done = await fildactu(*arguments, cwd=cwd, env=env)
    assert done.code == 0, done.err
    return done


async def test_documents_are_read_one_after_the_other(site: Site, environment: dict[str, str], tmp_path: Path) -> None:
    """A line for each in their order, files and addresses; one that cannot be read fails the command at its end."""
    (tmp_path / "good.xml").write_text(RSS.format("file"))
    (tmp_path / "page.html").write_text("<html><body>No feed</body></html>")
    sources = ("good.xml", "page.html", "missing.xml", url("first"), "http://first.example/none", "good.xml")

    done = await fildactu("feeds", "parse", "--json", *sources, cwd=tmp_path, env=environment)

    assert done.code == 1, done.err
    assert [read["source"] for read in done.events] == list(sources)
    assert [read.get("error") for read in done.events] == [None, "not_a_feed", "unreadable", None, "http_404", None]
    read = done.events[3]
    assert (read["title"], [entry["identity"] for entry in read["entries"]]) == ("first news", ["first-1"])
    assert read["url"] == url("first")


async def test_the_feeds_of_a_site_are_found(environment: dict[str, str], tmp_path: Path) -> None:
    """By what its page announces; a site that does not answer is an error."""
    found = await good("feeds", "find", "--json", "http://first.example/", cwd=tmp_path, env=environment)
    lost = await fildactu("feeds", "find", "http://127.0.0.1:9/", cwd=tmp_path)

    assert [(each["url"], each["entries"], each["source"]) for each in found.events] == [(url("first"), 1, "announced")]
    assert (lost.code, len(lost.err.splitlines())) == (1, 1)
    assert lost.err.startswith("http://127.0.0.1:9/ cannot be read: ")
