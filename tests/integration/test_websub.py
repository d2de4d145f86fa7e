"""The fetcher and a hub: it subscribes, is told of news and loses none, whatever the hub does."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from callback_process import READY
from fakes import Publisher
from loopback_hub import HOST, LoopbackHub, serving
from loopback_ports import free_ports
from pydantic import SecretStr
from sqlalchemy import select, update

from services.fetcher.__main__ import Fetcher, build
from services.fetcher.config import FetcherSettings
from services.fetcher.model import FeedSettings
from services.fetcher.tables import entries, feeds, subscriptions
from services.fetcher.websub.news import READING
from shared.database import Database, clock
from shared.lifecycle import Stop

ROOT = Path(__file__).parents[2]
SITE = "news.example"
FEED = f"http://{SITE}/feed.xml"
LINKS = f'<https://{HOST}/>; rel="hub", <{FEED}>; rel="self"'
DEADLINE_SECONDS = 30.0
STRAY = (
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Other</title><id>other</id>'
    b'<link rel="self" href="http://news.example/other.xml"/>'
    b"<entry><id>stray</id><title>Stray</title><updated>2026-11-23T10:00:00Z</updated></entry></feed>"
)


def document(*names: str) -> bytes:
    items = "".join(f"<item><guid>{name}</guid><title>Item {name}</title></item>" for name in names)
    return f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>'.encode()


class Site:
    """Serves the feed; `polls` counts the requests for it."""

    def __init__(self) -> None:
        self.body = document("a")
        self.polls = 0
        self.port = 0

    async def handle(self, request: web.BaseRequest) -> web.Response:
        if request.path != "/feed.xml":
            return web.Response(status=404)
        self.polls += 1
        return web.Response(body=self.body, content_type="application/rss+xml", headers={"Link": LINKS})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    runner = web.ServerRunner(web.Server(served.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.port = runner.addresses[0][1]
    yield served
    await runner.cleanup()


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackHub]:
    opened = LoopbackHub()
    async with serving(opened, tmp_path) as certificate:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield opened


@pytest.fixture
def store_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of store: the contract tests have both."""
    shutil.copy(sqlite_template, tmp_path / "store.db")
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def settings(site: Site, hub: LoopbackHub, store_url: str) -> FetcherSettings:
    (port,) = free_ports(1)
    return FetcherSettings(
        store_url=SecretStr(store_url),
        websub_callback=f"http://127.0.0.1:{port}/hubs",
        websub_port=port,
        page_delay_seconds=0,
        idle_seconds=0.05,
        request_seconds=2,
        allowed_networks=("127.0.0.0/8",),
        resolve={SITE: f"127.0.0.1:{site.port}", HOST: f"127.0.0.1:{hub.port}"},
    )


@asynccontextmanager
async def running(settings: FetcherSettings, database: Database) -> AsyncIterator[Fetcher]:
    """A fetcher with the feed, until the block ends."""
    stop = Stop()
    async with build(settings, database=database, broker=Publisher()) as fetcher:
        await fetcher.catalogue.apply("feeds.yaml", [FeedSettings(url=FEED, name="News")])
        await poll_now(database)
        task = asyncio.create_task(fetcher.run(stop))
        try:
            yield fetcher
        finally:
            stop.set()
            await task


async def poll_now(database: Database) -> None:
    async with database.transaction() as connection:
        at = await clock(connection) - timedelta(hours=1)
        await connection.execute(update(feeds).where(feeds.c.polled_at.is_(None)).values(next_poll_at=at))


async def rest_since_last_poll(database: Database) -> None:
    """The last poll was a while ago, and the next would be long after it."""
    async with database.transaction() as connection:
        now = await clock(connection)
        rested = update(feeds).values(polled_at=now - timedelta(hours=1), next_poll_at=now + timedelta(hours=6))
        await connection.execute(rested)


async def row(database: Database, table: Any) -> Any:
    async with database.snapshot() as connection:
        return (await connection.execute(select(table))).one_or_none()


async def identities(database: Database) -> set[str]:
    async with database.snapshot() as connection:
        return {facts["identity"] for facts in (await connection.execute(select(entries.c.facts))).scalars()}


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - the store has no event for it
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


async def subscribed(database: Database) -> None:
    async def confirmed() -> bool:
        found = await row(database, subscriptions)
        return found is not None and found.verified_until is not None

    await until(confirmed, "the hub confirms")
    await rest_since_last_poll(database)


async def listed(database: Database, *names: str) -> None:
    async def all_there() -> bool:
        return set(names) <= await identities(database)

    await until(all_there, f"{names} are stored")


async def test_a_feeds_hub_is_found_asked_and_confirmed_and_what_it_brings_is_stored(
    settings: FetcherSettings, database: Database, site: Site, hub: LoopbackHub
) -> None:
    """The feed is not asked again for what its hub brought."""
    async with running(settings, database):
        await subscribed(database)
        polls = site.polls
        assert hub.answers == [(200, "a-challenge")]

        assert await hub.deliver(document("a", "b")) == 202
        await listed(database, "a", "b")

        assert site.polls == polls
        stored, feed = await row(database, subscriptions), await row(database, feeds)
        assert (stored.news_at, feed.pushed_until) == (None, stored.verified_until)


async def test_a_ping_means_that_the_feed_is_polled_now(
    settings: FetcherSettings, database: Database, site: Site, hub: LoopbackHub
) -> None:
    """Long before it would be."""
    async with running(settings, database):
        await subscribed(database)
        site.body = document("a", "pinged")

        assert await hub.deliver(b"", **{"X-Hub-Signature": ""}) == 202

        await listed(database, "pinged")


@pytest.mark.parametrize(
    "forged", [{"secret": "guessed"}, {"method": "md5"}, {"X-Hub-Signature": "sha256=00"}, {"X-Hub-Signature": "00"}]
)
async def test_forged_content_is_answered_and_dropped(
    settings: FetcherSettings, database: Database, site: Site, hub: LoopbackHub, forged: dict[str, str]
) -> None:
    """A right one after it is stored: by then the forged one would have been, too."""
    async with running(settings, database):
        await subscribed(database)
        polls = site.polls

        assert await hub.deliver(document("forged"), **forged) == 202
        assert await hub.deliver(document("right"), method="sha1") == 202
        await listed(database, "right")

        assert "forged" not in await identities(database)
        assert site.polls == polls


async def test_content_that_comes_twice_is_new_once(
    settings: FetcherSettings, database: Database, site: Site, hub: LoopbackHub
) -> None:
    """Hubs repeat what was not answered in time. What comes while other content is read is polled for."""
    async with running(settings, database):
        await subscribed(database)
        site.body = document("a", "b", "c")
        for _ in range(2):
            assert await hub.deliver(document("b")) == 202
        assert await hub.deliver(document("c")) == 202
        await listed(database, "b", "c")

        async with database.snapshot() as connection:
            stored = [facts["identity"] for facts in (await connection.execute(select(entries.c.facts))).scalars()]
        assert sorted(stored) == ["a", "b", "c"]


async def test_content_of_another_feed_is_not_stored_as_this_ones(
    settings: FetcherSettings, database: Database, site: Site, hub: LoopbackHub
) -> None:
    """It stays noted that there is news, and the feed is polled for it."""
    async with running(settings, database):
        await subscribed(database)
        assert await hub.deliver(STRAY, **{"Content-Type": "application/atom+xml"}) == 202
        assert await hub.deliver(document("right")) == 202
        site.body = document("a", "right")

        await listed(database, "right")
        assert "stray" not in await identities(database)


async def test_a_token_that_nobody_has_is_told_so(
    settings: FetcherSettings, database: Database, hub: LoopbackHub
) -> None:
    """404 to a question, 410 to a delivery, so that the hub stops; also for a topic that is not ours."""
    async with running(settings, database), aiohttp.ClientSession() as client:
        await subscribed(database)
        unknown = settings.websub_callback + "/" + "x" * 43
        async with client.post(unknown, data=b"<rss/>") as answer:
            assert answer.status == 410
        form = {**hub.forms[-1], "hub.callback": unknown}
        assert (await hub.ask(form))[0] == 404
        assert (await hub.ask(hub.forms[-1], topic="http://news.example/other.xml"))[0] == 404
        assert (await hub.ask(hub.forms[-1], mode="unsubscribe"))[0] == 404


@pytest.mark.parametrize(
    ("manner", "reason"),
    [("error", "http_500"), ("drip", "t"), ("redirect", "address_refused"), ("silent", None)],
)
async def test_a_hub_that_misbehaves_is_asked_again_later_and_the_feed_is_polled_as_ever(
    settings: FetcherSettings, database: Database, hub: LoopbackHub, manner: Any, reason: str | None
) -> None:
    """Errors, answers that never end, redirects into our own network, and no verification."""
    hub.manner, hub.redirect_to = manner, "https://10.0.0.1/"
    async with running(settings, database):

        async def failed() -> bool:
            found = await row(database, subscriptions)
            return found is not None and found.failures == 1

        await until(failed, "the request is settled")
        found, now = await row(database, subscriptions), await the_time(database)
        assert found.verified_until is None
        assert reason is None or found.reason.startswith(reason)
        assert found.next_at > now + timedelta(seconds=30)
        assert (await row(database, feeds)).pushed_until is None
        assert len(hub.forms) == 1


async def the_time(database: Database) -> Any:
    async with database.snapshot() as connection:
        return await clock(connection)


async def test_a_hub_that_moved_is_followed(settings: FetcherSettings, database: Database, hub: LoopbackHub) -> None:
    """With the same form, where it says so (308)."""
    hub.manner = "moved"
    async with running(settings, database):
        await subscribed(database)

    first, second = hub.forms
    assert (first["path"], second["path"]) == ("/", "/moved")
    assert first["hub.callback"] == second["hub.callback"]


async def test_a_feed_that_is_paused_is_unsubscribed(
    settings: FetcherSettings, database: Database, hub: LoopbackHub
) -> None:
    """The hub asks whether we mean it, and stops."""
    async with running(settings, database) as fetcher:
        await subscribed(database)
        async with database.transaction() as connection:
            await connection.execute(update(feeds).values(paused=True))
        assert fetcher.listening is not None
        await fetcher.listening.mend_lapsed()

        async def let_go() -> bool:
            return (await row(database, subscriptions)).verified_until is None

        await until(let_go, "the hub lets go")
        assert [form["hub.mode"] for form in hub.forms] == ["subscribe", "unsubscribe"]
        assert await hub.deliver(document("late")) == 410


async def test_a_subscription_is_renewed_before_it_ends(
    settings: FetcherSettings, database: Database, hub: LoopbackHub
) -> None:
    """Under the same token, without a gap."""
    async with running(settings, database):
        await subscribed(database)
        first = await row(database, subscriptions)
        async with database.transaction() as connection:
            soon = await clock(connection) + timedelta(hours=22)
            past = {"next_at": await clock(connection) - timedelta(hours=1), "verified_until": soon}
            await connection.execute(update(subscriptions).values(**past))

        async def renewed() -> bool:
            return bool((await row(database, subscriptions)).verified_until > soon)

        await until(renewed, "it is renewed")
        assert hub.forms[0] == hub.forms[1]
        assert (await row(database, subscriptions)).token == first.token


async def test_fetchers_together_ask_a_hub_once(
    settings: FetcherSettings, database: Database, other_database: Database, hub: LoopbackHub
) -> None:
    """And each takes what it brings."""
    (port,) = free_ports(1)
    second = settings.model_copy(update={"websub_port": port})
    async with running(settings, database), running(second, other_database):
        await subscribed(database)
        await hub.deliver(document("one"))
        await listed(database, "one")
        token = hub.forms[0]["hub.callback"].rpartition("/")[2]
        await hub.deliver(document("two"), to=f"http://127.0.0.1:{port}/{token}")
        await listed(database, "two")

    assert [form["hub.mode"] for form in hub.forms] == ["subscribe"]


async def test_news_survive_the_process_that_took_them(
    settings: FetcherSettings, database: Database, site: Site, hub: LoopbackHub
) -> None:
    """It is killed after its answer and before it reads anything; another fetcher polls for the news."""
    async with running(settings, database):
        await subscribed(database)
    site.body = document("a", "news")
    async with taking(settings) as process:
        assert await hub.deliver(document("news")) == 202
        process.kill()
        await process.wait()
    assert "news" not in await identities(database)

    async with running(settings, database):
        await reading_time_is_over(database)
        await listed(database, "news")


@asynccontextmanager
async def taking(settings: FetcherSettings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that takes what hubs bring, at the same address."""
    said = {
        "FETCHER_STORE_URL": settings.store_url.get_secret_value(),
        "FETCHER_WEBSUB_CALLBACK": settings.websub_callback,
        "FETCHER_WEBSUB_PORT": str(settings.websub_port),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))),
    }
    script = ROOT / "tests" / "callback_process.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), env={**os.environ, **said}, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert (await process.stdout.readline()).decode().strip() == READY
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def reading_time_is_over(database: Database) -> None:
    async with database.transaction() as connection:
        earlier = await clock(connection) - READING
        noted = update(subscriptions).where(subscriptions.c.news_at.is_not(None)).values(news_at=earlier)
        assert (await connection.execute(noted)).rowcount == 1
