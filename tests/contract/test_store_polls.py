"""What a poll teaches in the store: of the feed's server, of feeds that are the same, of sitemaps that it lists."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes import NOW, parsed, poll, settings
from sqlalchemy import select, update

from services.fetcher.model import Backlog, Feed, Rhythm, Sitemap, Standing, Validators, Wishes, feed_id
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
    await store.read((await store.leased())[second], "a", final_url=URL)
    await store.read((await store.leased())[first], "a", final_url=URL)

    assert list(await store.leased()) == [first]
    assert await store.of(second, "same_as") == (feed_id(first),)
    assert await store.of(first, "same_as") == (None,)


async def test_another_feeds_address_is_recognised_before_it_was_polled_there(store: Store) -> None:
    """A feed that is redirected to the address of another one."""
    await store.subscribe(URL, OTHER)
    await store.read((await store.leased())[OTHER], "a")
    await store.read((await store.leased())[URL], "a", final_url=OTHER)

    assert await store.of(URL, "same_as") == (feed_id(OTHER),)


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
        await store.read(leased, "a", body_hash=second, standing=leased.standing)
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


def test_the_newest_sitemaps_are_taken() -> None:
    """By their dates; those without come before all that have one, the last listed of them first."""
    dated = [sitemap(number, day=number) for number in range(20)]
    undated = [sitemap(number) for number in range(20)]

    assert {each.url for each in newest(dated)} == {each.url for each in dated[:MOST_SITEMAPS]}
    assert {each.url for each in newest(undated)} == {each.url for each in undated[-MOST_SITEMAPS:]}
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
        (await store.leased())[URL], "a", final_url=OTHER, schedule=Schedule(wait=HOUR, interval=HOUR, terms=terms)
    )
    account = await store.feeds.account(URL)
    assert account is not None
    said = explain(account)

    assert (said["decided_by"], said["same_as"], said["next_poll"]) == ("max_age", OTHER, None)
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
