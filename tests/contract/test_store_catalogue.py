"""Subscribing, on both stores: feeds come, change, pause and go, and none loses what was learned of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes import NOW, settings
from sqlalchemy import select, update

from services.fetcher.model import Bounds, FeedSettings
from services.fetcher.polling import catalogue as catalogue_module
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.subscribed.feed_actions import COMMAND
from services.fetcher.tables import feeds
from shared.database import Database

FIRST, SECOND, THIRD = (settings(f"https://{name}.example/feed.xml") for name in ("first", "second", "third"))
LEARNED = {"etag": '"1"', "validators_url": FIRST.url, "body_hash": "abc", "rhythm": {"polls": 7}}


@pytest.fixture
def catalogue(database: Database) -> FeedCatalogue:
    return FeedCatalogue(database)


async def learn(database: Database, feed: FeedSettings = FIRST, **said: object) -> None:
    """As polls do, and sitemap indexes."""
    async with database.transaction() as connection:
        await connection.execute(update(feeds).where(feeds.c.feed_id == feed.feed_id).values(**(said or LEARNED)))


async def known(database: Database, feed: FeedSettings, *columns: str) -> tuple[Any, ...]:
    async with database.snapshot() as connection:
        found = select(*(feeds.c[name] for name in columns)).where(feeds.c.feed_id == feed.feed_id)
        return tuple((await connection.execute(found)).one())


async def polled(catalogue: FeedCatalogue) -> set[str]:
    return {
        each.settings.url
        for each in await catalogue.feeds()
        if each.active and not each.paused and each.same_as is None
    }


async def test_a_feed_that_is_added_by_command_stays_when_a_file_is_applied(catalogue: FeedCatalogue) -> None:
    """Files and commands do not take each other's feeds away; a feed that is there already is not added again."""
    assert await catalogue.add(COMMAND, [FIRST]) == 1
    await catalogue.apply("feeds.yaml", [SECOND])

    assert await catalogue.add(COMMAND, [FIRST, SECOND, THIRD]) == 1

    assert {each.settings.url: each.source for each in await catalogue.feeds()} == {
        FIRST.url: COMMAND,
        SECOND.url: "feeds.yaml",
        THIRD.url: COMMAND,
    }


async def test_a_new_feed_is_due_at_once(catalogue: FeedCatalogue, database: Database) -> None:
    """Whoever adds a feed wants to see its entries."""
    await catalogue.add(COMMAND, [FIRST])
    (due,) = await known(database, FIRST, "next_poll_at")
    await catalogue.add(COMMAND, [SECOND])
    (later,) = await known(database, SECOND, "next_poll_at")

    assert abs(later - due) < timedelta(minutes=1)


async def test_a_paused_feed_stays_paused_when_its_file_is_applied_again(
    catalogue: FeedCatalogue, database: Database
) -> None:
    """Until it is resumed, and then it goes on with what was known of it."""
    await catalogue.apply("feeds.yaml", [FIRST, SECOND])
    await learn(database)
    await catalogue.pause([FIRST.feed_id])
    await catalogue.apply("feeds.yaml", [replace(FIRST, section="world"), SECOND])
    assert await polled(catalogue) == {SECOND.url}

    await catalogue.resume([FIRST.feed_id])

    assert await polled(catalogue) == {FIRST.url, SECOND.url}
    assert await known(database, FIRST, *LEARNED) == tuple(LEARNED.values())


async def test_a_removed_feed_rests_and_comes_back_with_what_was_known_of_it(
    catalogue: FeedCatalogue, database: Database
) -> None:
    """With the settings that it is added with, and not paused any more."""
    await catalogue.add(COMMAND, [FIRST])
    await learn(database)
    await catalogue.pause([FIRST.feed_id])
    await catalogue.remove([FIRST.feed_id])
    assert await polled(catalogue) == set()

    await catalogue.add(COMMAND, [replace(FIRST, name="Again")])

    assert [each.settings.name for each in await catalogue.feeds()] == ["Again"]
    assert await polled(catalogue) == {FIRST.url}
    assert await known(database, FIRST, *LEARNED) == tuple(LEARNED.values())


async def test_new_settings_leave_the_state_as_it_is(catalogue: FeedCatalogue, database: Database) -> None:
    """Also the lease of a poll that is under way."""
    await catalogue.add(COMMAND, [FIRST, SECOND])
    await learn(database)
    changed = replace(FIRST, name="Other", bounds=Bounds(shortest=timedelta(hours=2)))
    await catalogue.edit([changed])

    assert {each.feed_id: each.settings for each in await catalogue.feeds()} == {
        FIRST.feed_id: changed,
        SECOND.feed_id: SECOND,
    }
    assert await known(database, FIRST, *LEARNED) == tuple(LEARNED.values())


@pytest.mark.parametrize("ends", ["pause", "remove"])
async def test_a_feed_that_another_stood_for_is_polled_itself_when_that_one_ends(
    catalogue: FeedCatalogue, database: Database, ends: str
) -> None:
    """Its news would be nobody's."""
    await catalogue.add(COMMAND, [FIRST, SECOND, THIRD])
    await learn(database, SECOND, same_as=FIRST.feed_id, polled_at=NOW, next_poll_at=NOW + timedelta(days=7))
    await learn(database, THIRD, same_as=SECOND.feed_id)
    await getattr(catalogue, ends)([FIRST.feed_id])

    assert await known(database, SECOND, "same_as", "next_poll_at") == (None, NOW)
    assert await known(database, THIRD, "same_as") == (SECOND.feed_id,)


async def test_a_feed_that_another_stood_for_is_polled_itself_when_that_one_leaves_its_file(
    catalogue: FeedCatalogue, database: Database
) -> None:
    """The file has the same say as a command."""
    await catalogue.apply("feeds.yaml", [FIRST])
    await catalogue.add(COMMAND, [SECOND])
    await learn(database, SECOND, same_as=FIRST.feed_id)
    await catalogue.apply("feeds.yaml", [])

    assert await polled(catalogue) == {SECOND.url}


async def test_the_sitemaps_of_an_index_rest_and_come_back_with_it(
    catalogue: FeedCatalogue, database: Database
) -> None:
    """Only those that it lists now; and applying the index's file again takes none of them away."""
    await catalogue.apply("feeds.yaml", [FIRST])
    await catalogue.add("feeds.yaml", [SECOND, THIRD])
    for each in (SECOND, THIRD):
        await learn(database, each, parent=FIRST.feed_id, active=each is SECOND)
    await catalogue.apply("feeds.yaml", [replace(FIRST, section="world")])
    assert await polled(catalogue) == {FIRST.url, SECOND.url}

    await catalogue.pause([FIRST.feed_id])
    assert await polled(catalogue) == set()

    await catalogue.resume([FIRST.feed_id])
    assert await polled(catalogue) == {FIRST.url, SECOND.url}


async def test_a_sitemap_that_is_wanted_for_itself_does_not_depend_on_its_index(
    catalogue: FeedCatalogue, database: Database
) -> None:
    """A file that lists it makes it a feed like any other."""
    await catalogue.apply("index.yaml", [FIRST])
    await catalogue.add("index.yaml", [SECOND])
    await learn(database, SECOND, parent=FIRST.feed_id)
    await catalogue.apply("feeds.yaml", [SECOND])
    await catalogue.apply("index.yaml", [])

    assert await polled(catalogue) == {SECOND.url}


async def test_what_a_file_says_still_is_not_written_again(
    catalogue: FeedCatalogue, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload of a hundred thousand feeds with one change is one row, not a hundred thousand."""
    many = [settings(f"https://s{number}.example/") for number in range(20)]
    await catalogue.apply("feeds.yaml", many)
    written: list[str] = []
    subscribe = catalogue_module._subscribe

    async def noted(connection, source, wanted, *more):
        written.extend(each.url for _, each in wanted)
        await subscribe(connection, source, wanted, *more)

    monkeypatch.setattr(catalogue_module, "_subscribe", noted)
    assert await catalogue.apply("feeds.yaml", [replace(many[0], name="Other"), *many[1:]]) == 20

    assert written == [many[0].url]


async def test_more_feeds_than_one_statement_takes_are_applied(catalogue: FeedCatalogue, database: Database) -> None:
    """None is lost between two batches, neither when they come nor when they go."""
    many = [settings(f"https://s{number}.example/") for number in range(2 * catalogue_module.AT_ONCE + 3)]
    await catalogue.apply("feeds.yaml", many)
    assert await polled(catalogue) == {each.url for each in many}
    assert len(await catalogue.some([each.feed_id for each in many])) == len(many)

    await catalogue.apply("feeds.yaml", many[:2])
    assert await polled(catalogue) == {each.url for each in many[:2]}
