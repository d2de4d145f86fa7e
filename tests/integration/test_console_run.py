"""`fildactu run` and the commands on its state, as a user runs them, against the sample newsroom."""

import json
import signal
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from console_command import fildactu, finished, output_of, started

from services.newsroom.script import expected
from services.newsroom.server import Newsroom, serve

RUN = ("run", "--feeds", "feeds.yaml", "--state", "state")
ONCE = (*RUN, "--once")


@pytest.fixture
def newsroom(tmp_path):
    """A newsroom at its first edition, and a feeds file with its feeds."""
    newsroom = Newsroom(started_at=datetime.now(UTC))
    feeds = [
        {"url": url, "name": f"Outlet {number}", "min_interval": "0.3s", "max_interval": "0.3s"}
        for number, url in enumerate(newsroom.feed_urls)
    ]
    # JSON is YAML. The interval is shorter than a command's start, so that each run finds every feed due.
    (tmp_path / "feeds.yaml").write_text(json.dumps({"feeds": feeds}))
    return newsroom


@pytest.fixture
async def environment(newsroom):
    """The newsroom in place of the net, and no long pauses."""
    async with serve(newsroom) as port:
        yield {
            "FETCHER_RESOLVE": json.dumps(dict.fromkeys(newsroom.hosts, f"127.0.0.1:{port}")),
            "FETCHER_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "FETCHER_ALLOWED_PORTS": f"[80, {port}]",
            "FETCHER_PAGE_DELAY_SECONDS": "0.02",
            "FETCHER_CONFIRM_GONE_SECONDS": "0.1",
            "FETCHER_IDLE_SECONDS": "0.1",
        }


def told(events):
    return {(event["type"].split(".")[2], event["data"]["url"]) for event in events}


def script(newsroom):
    return {(event.verb, event.url) for event in expected(newsroom.edition).events}


async def test_runs_go_on_where_the_last_one_stopped(newsroom, environment, tmp_path):
    """A run that is stopped midway, and those after it, publish each event once between them and lose none."""
    process = await started(*RUN, cwd=tmp_path, env=environment)
    first_line = await output_of(process).readline()
    process.send_signal(signal.SIGTERM)
    stopped = await finished(process)
    assert stopped.code == 0, stopped.err

    rest = await fildactu(*ONCE, cwd=tmp_path, env=environment)
    assert rest.code == 0, rest.err

    events = [json.loads(first_line), *stopped.events, *rest.events]
    assert told(events) == script(newsroom)
    assert len({event["id"] for event in events}) == len(events)


async def test_later_runs_publish_only_what_is_new(newsroom, environment, tmp_path):
    """Unchanged feeds publish nothing, news is published alone, and a forgotten article does not come back."""
    first = await fildactu(*ONCE, cwd=tmp_path, env=environment)
    url = next(event["data"]["url"] for event in first.events if "fil-afrique" in event["data"]["url"])
    forgotten = await fildactu("forget", url, "--state", "state", cwd=tmp_path)
    again = await fildactu(*ONCE, "--summary", "again.json", cwd=tmp_path, env=environment)
    before = script(newsroom)
    newsroom.advance()
    news = await fildactu(*ONCE, "--output", "news.jsonl", cwd=tmp_path, env=environment)

    assert (first.code, again.code, news.code) == (0, 0, 0)
    assert told(first.events) == before
    assert (forgotten.code, forgotten.out) == (0, "forgotten: 1 addresses, 1 entries\n")
    assert again.out == ""
    assert sum(json.loads((tmp_path / "again.json").read_text())["events"].values()) == 0
    written = [json.loads(line) for line in (tmp_path / "news.jsonl").read_text().splitlines()]
    assert told(written) == script(newsroom) - before
    assert news.out == ""


async def test_a_site_that_asks_us_to_stay_away_does_not_hold_a_run(tmp_path):
    """Once asked, `--once` ends, whatever else of that site is due only after the pause."""

    async def stay_away(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "3600"})

    site = web.Application()
    site.router.add_get("/{feed}", stay_away)
    async with TestServer(site) as server:
        feeds = [{"url": f"http://slow.example/{number}", "name": f"Feed {number}"} for number in range(2)]
        (tmp_path / "feeds.yaml").write_text(json.dumps({"feeds": feeds}))
        asked = {
            "FETCHER_RESOLVE": json.dumps({"slow.example": f"127.0.0.1:{server.port}"}),
            "FETCHER_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        }
        runs = [await fildactu(*ONCE, cwd=tmp_path, env=asked) for _ in range(2)]

    assert [run.code for run in runs] == [0, 0], runs[-1].err


async def test_feeds_that_cannot_be_reached_are_one_line_each(tmp_path):
    """A dead host and a refused address are told in a log line each, without a traceback, and the run ends well."""
    (tmp_path / "feeds.yaml").write_text(
        "feeds:\n"
        "  - {url: 'http://unknown.invalid/rss', name: Unknown}\n"
        "  - {url: 'http://127.0.0.1/rss', name: Private}\n"
    )

    done = await fildactu(*ONCE, cwd=tmp_path)

    lines = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert done.code == 0
    assert sorted(line["feed"] for line in lines) == ["Private", "Unknown"]
    assert "Traceback" not in done.err


async def test_a_feeds_file_with_faults_starts_nothing(tmp_path):
    """Every fault is told with its line, the exit code is 2, and no state is made."""
    (tmp_path / "feeds.yaml").write_text(
        "feeds:\n  - {url: nowhere, name: A}\n  - {url: 'http://a.example/', color: red}\n"
    )

    done = await fildactu(*ONCE, cwd=tmp_path)

    assert done.code == 2
    assert [line.split(":")[:2] for line in done.err.splitlines()] == [["feeds.yaml", number] for number in "233"]
    assert not (tmp_path / "state").exists()
