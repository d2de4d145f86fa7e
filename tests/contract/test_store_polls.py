"""What a poll teaches in the store: of the feed's server, of feeds that are the same, of sitemaps that it lists."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes import NOW, parsed, poll, settings
from postgres_cluster import TEMPLATE, PostgresCluster
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from services.fetcher.model import Backlog, Feed, Moving, Rhythm, Sitemap, Standing, Timing, Validators, Wishes, feed_id
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.family import MOST_SITEMAPS, newest
from services.fetcher.polling.schedule import Schedule
from services.fetcher.polling.selection import Selection
from services.fetcher.polling.store import FeedStore
from services.fetcher.polling.why import explain
from services.fetcher.tables import feeds, hosts
from shared.database import Database

LEASE = timedelta(minutes=3)
HOUR = timedelta(hours=1)
URL = "https://news.example/feed.xml"
OTHER = "https://other.example/feed.xml"
DAY = timedelta(days=1)
YESTERDAY = Standing(alike=1, alike_since=NOW - timedelta(days=3650))
"""Another feed had the same document before."""
SOON = Schedule(wait=-timedelta(days=1), interval=HOUR, terms=(("rhythm", 3600.0),))
"""Due again at once."""


class Store:
    """A store in which these feeds are due, whatever their hosts say."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.feeds = FeedStore(database, lease=LEASE)

    async def subscribe(self, *urls: str, **more: Any) -> None:
        await FeedCatalogue(self._database).apply("feeds.yaml", [settings(url, **more) for url in urls])
        await self.change(next_poll_at=NOW - timedelta(days=3650))

    async def change(self, **said: object) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(update(feeds).values(**said))

    async def leased(self) -> dict[str, Feed]:
        """All that are due, by address."""
        async with self._database.transaction() as connection:
            await connection.execute(hosts.delete())
            await connection.execute(update(feeds).values(lease=None, lease_until=None))
        return {each.settings.url: each for each in await self.feeds.lease(100)}

    async def of(self, url: str, *columns: str) -> tuple[Any, ...]:
        wanted = select(*(feeds.c[name] for name in columns)).where(feeds.c.url == url)
        async with self._database.snapshot() as connection:
            return tuple((await connection.execute(wanted)).one())

    async def read(self, leased: Feed, *entries: str, **more: Any) -> bool:
        """Commit a poll that found entries with these names, of the feed's own site."""
        said: dict[str, Any] = {
            "schedule": SOON,
            "final_url": leased.settings.url,
            "rhythm": Rhythm(polls=1, newest=NOW),
            "document_read": "selection" not in more,
            **more,
        }
        found = [parsed(name, f"{leased.settings.url}/{name}") for name in entries]
        return await self.feeds.commit(replace(poll(leased, *found), **said))


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


async def test_what_is_learned_comes_with_the_next_lease(store: Store) -> None:
    """Wishes, standing, hashes, validators; the address and title are kept for people."""
    await store.subscribe(URL)
    (leased,) = (await store.leased()).values()
    standing = Standing(wishes=Wishes(ttl=HOUR, skip_days=frozenset({6})), proved=True, told_at=NOW, outcome="changed")
    said = {"standing": standing, "body_hash": "abc", "content_hash": "def", "title": "News"}
    validators = Validators(url=URL + "?2", etag='W/"1"')
    await store.read(leased, final_url=URL + "?2", validators=validators, **said)
    again = (await store.leased())[URL]

    assert (again.standing, again.body_hash, again.content_hash) == (standing, "abc", "def")
    assert again.validators == validators
    assert again.late > timedelta(0)
    assert await store.of(URL, "title", "final_url") == ("News", URL + "?2")


async def test_a_poll_without_a_document_leaves_title_and_address(store: Store) -> None:
    """A failure says nothing of them."""
    await store.subscribe(URL)
    await store.read((await store.leased())[URL], title="News")
    await store.read((await store.leased())[URL], final_url=None, selection=None)

    assert await store.of(URL, "title", "final_url") == ("News", URL)


async def test_a_feed_that_moved_takes_the_slots_of_its_new_site(store: Store) -> None:
    """There it is asked for; it comes back to its own when that fails."""
    await store.subscribe(URL)
    await store.read((await store.leased())[URL], standing=Standing(moved_to=OTHER))
    assert await store.of(URL, "site") == ("other.example",)

    await store.read((await store.leased())[URL], standing=Standing())
    assert await store.of(URL, "site") == ("news.example",)


async def test_a_silent_push_is_not_relied_on(store: Store) -> None:
    """Until the hub confirms it again."""
    await store.subscribe(URL)
    await store.change(pushed_until=NOW + timedelta(days=3650))
    leased = (await store.leased())[URL]
    await store.read(leased)
    assert (leased.pushed, (await store.leased())[URL].pushed) == (True, True)

    await store.read((await store.leased())[URL], push_silent=True)
    assert (await store.leased())[URL].pushed is False


@pytest.mark.parametrize("first", [URL, OTHER])
async def test_one_feed_under_two_addresses_is_polled_once(store: Store, first: str) -> None:
    """The one that was read first stands for both, whichever is polled."""
    second = OTHER if first == URL else URL
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[first], "a", final_url=URL)
    await store.read((await store.leased())[second], "a", final_url=URL, standing=YESTERDAY)
    await store.read((await store.leased())[first], "a", final_url=URL, standing=YESTERDAY)

    assert list(await store.leased()) == [first]
    assert await store.of(second, "same_as") == (feed_id(first),)
    assert await store.of(first, "same_as") == (None,)


async def test_another_feeds_address_is_recognised_before_it_was_polled_there(store: Store) -> None:
    """A feed that is redirected to the address of another one."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[OTHER], "a")
    await store.read((await store.leased())[URL], "a", final_url=OTHER, standing=YESTERDAY)

    assert await store.of(URL, "same_as") == (feed_id(OTHER),)


@pytest.mark.parametrize(
    ("standing", "rests"),
    [
        (Standing(), False),
        (Standing(alike=9, alike_since=datetime.now(UTC) - HOUR), False),
        (Standing(alike=1, alike_since=datetime.now(UTC) - 25 * HOUR), True),
        (Standing(moving=Moving(url=OTHER, since=NOW, polls=1)), True),
        (Standing(moved_to=OTHER), True),
        (Standing(moving=Moving(url=f"{OTHER}?else", since=NOW, polls=1)), False),
    ],
    ids=["once", "often, but today", "for a day", "permanent", "moved", "permanent, but elsewhere"],
)
async def test_a_redirect_for_the_time_being_lets_a_feed_rest_after_a_day(
    store: Store, standing: Standing, rests: bool
) -> None:
    """A site that is being mended sends everyone to one address."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[OTHER], "a")
    await store.read((await store.leased())[URL], "a", final_url=OTHER, standing=standing)

    assert (await store.of(URL, "same_as") == (feed_id(OTHER),)) is rests


async def test_a_feed_that_rests_is_looked_at_each_week(store: Store) -> None:
    """It rests on while it is the same; also where nothing is new."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[OTHER], "a")
    for more in ({}, {"selection": None}):
        await store.change(next_poll_at=NOW - timedelta(days=3650))
        await store.read((await store.leased())[URL], "a", final_url=OTHER, standing=YESTERDAY, **more)
        polled, due, same = await store.of(URL, "polled_at", "next_poll_at", "same_as")

        assert (due - polled, same) == (timedelta(days=7), feed_id(OTHER))


@pytest.mark.parametrize("ended", ["other address", "failed", "stand-in fails"])
async def test_a_feed_that_is_not_the_same_any_more_is_polled_again(store: Store, ended: str) -> None:
    """Its own redirect ended, it fails, or the one that stood for it does: its news would be nobody's."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[OTHER], "a")
    await store.read((await store.leased())[URL], "a", final_url=OTHER, standing=YESTERDAY)
    assert await store.of(URL, "same_as") == (feed_id(OTHER),)

    await store.change(next_poll_at=NOW - timedelta(days=3650))
    if ended == "stand-in fails":
        failing = Standing(outcome="failed", failing_since=NOW)
        await store.read((await store.leased())[OTHER], selection=None, final_url=None, standing=failing)
    final_url = {"other address": URL, "failed": None}.get(ended, OTHER)
    await store.read((await store.leased())[URL], selection=None, final_url=final_url)

    assert await store.of(URL, "same_as") == (None,)
    assert URL in await store.leased()


@pytest.mark.parametrize(
    "other",
    [{"headers": {"X-Key": "1"}}, {"username": "me", "password": "me"}, {"include": ("x",)}, {"exclude": ("x",)}],
)
async def test_feeds_of_which_the_operator_wants_other_things_are_two(store: Store, database: Database, other) -> None:
    """With other secrets a site may list other entries; with other filters other entries are taken."""
    await FeedCatalogue(database).apply("feeds.yaml", [settings(URL), settings(OTHER, **other)])
    await store.change(next_poll_at=NOW - timedelta(days=3650))
    for each in (URL, OTHER):
        await store.read((await store.leased())[each], "a", final_url=URL)

    assert set(await store.leased()) == {URL, OTHER}


@pytest.mark.parametrize("resting", [{"active": False}, {"paused": True}, {"same_as": feed_id("https://x.example/")}])
async def test_a_feed_that_is_not_polled_stands_for_none(store: Store, database: Database, resting) -> None:
    """Its news would come from nowhere."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[URL], "a")
    async with database.transaction() as connection:
        await connection.execute(update(feeds).where(feeds.c.url == URL).values(**resting))
    await store.read((await store.leased())[OTHER], "a", final_url=URL)

    assert await store.of(OTHER, "same_as") == (None,)


async def test_the_same_document_of_one_site_counts_the_second_time(store: Store) -> None:
    """Two sections may list the same for a while; another document in between, and it starts anew."""
    one, two = "https://news.example/one.xml", "https://news.example/two.xml"
    await store.subscribe(one, two, OTHER)
    bodies = iter([("1", "1"), ("2", "x"), ("3", "3"), ("4", "4")])
    same = []
    for first, second in bodies:
        await store.read((await store.leased())[one], "a", body_hash=first)
        leased = (await store.leased())[two]
        before = leased.standing.alike_since and YESTERDAY.alike_since
        await store.read(leased, "a", body_hash=second, standing=replace(leased.standing, alike_since=before))
        elsewhere = (await store.leased())[OTHER]
        await store.read(elsewhere, "a", body_hash=first, standing=elsewhere.standing)
        same.append((await store.of(two, "same_as"))[0])

    assert same == [None, None, None, feed_id(one)]
    assert await store.of(OTHER, "same_as") == (None,)


def sitemap(number: int, day: int | None = None) -> Sitemap:
    modified = None if day is None else NOW - timedelta(days=day)
    return Sitemap(url=f"https://news.example/sitemap-{number}.xml", modified=modified)


async def test_sitemaps_of_an_index_become_feeds_as_the_operator_wants_them(store: Store) -> None:
    """With the settings of the index, its secrets unfilled; they are due at once."""
    secret = {"headers": {"X-Key": "${FILDACTU_TEST_KEY}"}, "section": "world", "backlog": Backlog.NONE}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FILDACTU_TEST_KEY", "s3cret")
        await store.subscribe(URL, **secret)
        await store.read((await store.leased())[URL], sitemaps=(sitemap(1), sitemap(2)))
        children = {url: each for url, each in (await store.leased()).items() if url != URL}

    assert set(children) == {sitemap(1).url, sitemap(2).url}
    said = [(each.settings.section, each.settings.headers, each.settings.backlog) for each in children.values()]
    assert said == [("world", {"X-Key": "s3cret"}, Backlog.NONE)] * 2
    assert "s3cret" not in str(await store.of(sitemap(1).url, "settings", "source", "parent"))


async def test_sitemaps_that_an_index_lists_no_more_rest_and_come_back(store: Store) -> None:
    """With what was learned of them; what is listed later is new in full, whatever the backlog."""
    await store.subscribe(URL, backlog=Backlog.NONE)
    await store.read((await store.leased())[URL], sitemaps=(sitemap(1),))
    await store.read((await store.leased())[sitemap(1).url], "a", title="Old")
    await store.read((await store.leased())[URL], sitemaps=(sitemap(2),))
    leaving = (await store.leased())[sitemap(1).url]
    await store.read(leaving, "b", title="Old", standing=leaving.standing)
    assert set(await store.leased()) == {URL, sitemap(2).url}
    assert (await store.leased())[sitemap(2).url].settings.backlog is Backlog.ALL

    await store.read((await store.leased())[URL], sitemaps=(sitemap(1), sitemap(2)))
    assert (await store.leased())[sitemap(1).url].rhythm.polls == 1
    assert await store.of(sitemap(1).url, "title", "parent") == ("Old", feed_id(URL))


async def test_a_feed_that_is_wanted_for_itself_is_no_child(store: Store) -> None:
    """An index that lists it, or lists it no more, changes nothing."""
    await store.subscribe(URL, sitemap(1).url)
    for listed in ((sitemap(1), sitemap(2)), (sitemap(2),)):
        await store.read((await store.leased())[URL], sitemaps=listed)

    assert set(await store.leased()) == {URL, sitemap(1).url, sitemap(2).url}
    assert await store.of(sitemap(1).url, "parent", "source") == (None, "feeds.yaml")


async def test_a_sitemap_that_leaves_its_index_is_polled_once_more(store: Store) -> None:
    """At once, and again while that fails; one that is chosen again meanwhile stays."""
    await store.subscribe(URL)
    await store.read((await store.leased())[URL], sitemaps=(sitemap(1), sitemap(2)))
    waits = replace(SOON, wait=DAY)
    for url in (sitemap(1).url, sitemap(2).url):
        await store.read((await store.leased())[url], schedule=waits)
    await store.read((await store.leased())[URL], sitemaps=(sitemap(3),))
    leased = await store.leased()
    assert {sitemap(1).url, sitemap(2).url} <= set(leased)

    failing = replace(leased[sitemap(1).url].standing, outcome="failed", failing_since=NOW)
    await store.read(leased[sitemap(1).url], selection=None, standing=failing)
    await store.read((await store.leased())[URL], sitemaps=(sitemap(2), sitemap(3)))
    for number in (1, 2):
        leased = await store.leased()
        standing = replace(leased[sitemap(number).url].standing, failing_since=None)
        await store.read(leased[sitemap(number).url], "a", standing=standing)

    assert set(await store.leased()) == {URL, sitemap(2).url, sitemap(3).url}


async def test_an_index_has_a_say_over_its_own_site_only(store: Store) -> None:
    """What it lists elsewhere is no feed of ours; at another origin of its site the operator's secrets stay out."""
    await store.subscribe(URL, headers={"X-Key": "key"}, username="me", password="word")
    listed = ("https://evil.example/s.xml", "https://media.news.example/s.xml", "https://news.example/s.xml")
    with capture_logs() as logs:
        await store.read((await store.leased())[URL], sitemaps=tuple(Sitemap(url=each) for each in listed))
    said = {url: each.settings for url, each in (await store.leased()).items() if url != URL}

    assert {url: set(each.headers) for url, each in said.items()} == {
        listed[1]: set(),
        listed[2]: {"X-Key", "Authorization"},
    }
    assert [line["ignored"] for line in logs if line["event"] == "sitemaps_elsewhere"] == [1]


@pytest.mark.postgres
async def test_an_index_holds_no_host_while_it_waits_for_its_sitemaps(postgres_cluster: PostgresCluster) -> None:
    """A lease locks feeds and then their hosts; in the other order each would wait for the other."""
    database = Database.open(postgres_cluster.fresh_url(TEMPLATE))
    store = Store(database)
    await store.subscribe(URL)
    await store.read((await store.leased())[URL], sitemaps=(sitemap(1),))
    index = next(each for each in await store.feeds.lease(10) if each.settings.url == URL)
    timing = Timing(site="news.example", address=None, seconds=1.0)
    async with database.transaction() as leasing:
        child = select(feeds).where(feeds.c.url == sitemap(1).url).with_for_update()
        await leasing.execute(child)
        commit = asyncio.create_task(store.read(index, sitemaps=(sitemap(1),), timing=timing))
        async with asyncio.timeout(20):
            while not await waiting_for_locks(database):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        locked = await leasing.execute(select(hosts.c.site).with_for_update(nowait=True))
        assert locked.scalars().all() == ["news.example"]
    assert await commit
    await database.close()


async def waiting_for_locks(database: Database) -> int:
    async with database.snapshot() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


async def test_an_index_in_an_index_has_no_children(store: Store) -> None:
    """One level, or a site could make us read a tree without an end."""
    await store.subscribe(URL)
    await store.read((await store.leased())[URL], sitemaps=(sitemap(1),))
    await store.read((await store.leased())[sitemap(1).url], sitemaps=(sitemap(2),))

    assert set(await store.leased()) == {URL, sitemap(1).url}


def test_the_newest_sitemaps_are_taken() -> None:
    """By their dates, before which those without come; without any, as many from each end."""
    dated = [sitemap(number, day=number) for number in range(20)]
    undated = [sitemap(number) for number in range(20)]

    assert {each.url for each in newest(dated)} == {each.url for each in dated[:MOST_SITEMAPS]}
    assert {each.url for each in newest(undated)} == {each.url for each in (*undated[:5], *undated[-5:])}
    assert [newest(undated[:count]) for count in (0, 3, 7, 10)] == [undated[:count] for count in (0, 3, 7, 10)]
    assert sitemap(7, day=7).url in {each.url for each in newest([*undated, sitemap(7, day=7)])}


async def test_what_was_put_off_is_as_it_was_when_it_was_leased(store: Store) -> None:
    """Also what was committed since; what someone holds again is left alone."""
    urls = [f"https://s{number}.example/feed.xml" for number in range(3)]
    await store.subscribe(*urls)
    leased = await store.leased()
    failed = Rhythm(failures=4.0)
    for url in urls[:2]:
        await store.read(leased[url], selection=None, rhythm=failed, standing=Standing(outcome="failed"))
    again = {each.settings.url: each for each in await store.feeds.lease(10)}
    held = again[urls[1]]
    await store.feeds.release(again[urls[0]])
    await store.feeds.put_off(leased[urls[2]], (leased[urls[0]], leased[urls[1]]), HOUR)
    rhythms = [(await store.of(url, "rhythm"))[0]["failures"] for url in urls]

    assert rhythms == [0.0, 4.0, 0.0]
    assert await store.of(urls[1], "lease") == (held.lease,)
    assert await store.feeds.lease(10) == []


async def test_the_store_accounts_for_the_next_poll(store: Store) -> None:
    """With the terms of the last one, the feed that stands for it, and its host."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[OTHER], "a")
    terms = (("rhythm", 1800.0), ("max_age", 3600.0), ("interval", 3600.0), ("jitter", 5.0))
    await store.read(
        (await store.leased())[URL],
        "a",
        final_url=OTHER,
        standing=YESTERDAY,
        schedule=Schedule(wait=HOUR, interval=HOUR, terms=terms),
    )
    account = await store.feeds.account(URL)
    assert account is not None
    said = explain(account)

    assert (said["decided_by"], said["same_as"]) == ("max_age", OTHER)
    assert said["host"]["site"] == "news.example"
    assert await store.feeds.account("https://unknown.example/") is None


async def test_a_poll_that_lost_its_lease_makes_no_child_and_no_twin(store: Store) -> None:
    """Nothing of it is written."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[OTHER], "a")
    late = (await store.leased())[URL]
    await store.leased()

    assert not await store.read(late, "a", final_url=OTHER, sitemaps=(sitemap(1),))
    assert await store.of(URL, "same_as") == (None,)
    assert sitemap(1).url not in await store.leased()


async def test_what_a_poll_skips_or_finds_is_stored_with_what_it_taught(store: Store) -> None:
    """A selection without entries is a document that was read, too."""
    await store.subscribe(URL)
    assert await store.read((await store.leased())[URL], selection=Selection(), title="Empty")

    assert await store.of(URL, "title") == ("Empty",)
