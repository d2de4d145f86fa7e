"""Subscriptions at hubs, and what hubs tell of, in the store, on both stores."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes import feed, parsed, poll, settings
from sqlalchemy import select, update

from services.fetcher.model import Feed, Hub, Rhythm, Standing
from services.fetcher.polling.catalogue import FeedCatalogue
from services.fetcher.polling.feed_rows import dump_standing
from services.fetcher.polling.selection import Selection
from services.fetcher.polling.store import FeedStore, Push
from services.fetcher.tables import entries, feeds, subscriptions
from services.fetcher.websub.lapses import mend_lapsed
from services.fetcher.websub.news import PING_PAUSE, READING, NewsStore
from services.fetcher.websub.subscriptions import Request, SubscriptionStore, note_hub
from services.fetcher.websub.websub import Mode, Subscription
from shared.database import Database, UtcDateTime, clock

LEASE = timedelta(minutes=3)
DAY = timedelta(days=1)
HUB = Hub(url="https://hub.example/", topic="https://news.example/feed.xml")
OTHER_HUB = Hub(url="http://other.example/hub", topic=HUB.topic)
FEED = feed()


@pytest.fixture(autouse=True)
async def polled_feed(database: Database) -> None:
    """One feed, not due for long."""
    await FeedCatalogue(database).apply("feeds.yaml", [settings()])
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(next_poll_at=await clock(connection) + 100 * DAY))


def store(database: Database, lease: timedelta = LEASE) -> SubscriptionStore:
    return SubscriptionStore(database, lease=lease)


async def found(database: Database, hub: Hub | None) -> None:
    """A poll read a document that names this hub."""
    async with database.transaction() as connection:
        await note_hub(connection, FEED, hub, await clock(connection))


async def passed(database: Database, span: timedelta) -> None:
    """So much time goes by for subscriptions and feeds."""
    async with database.transaction() as connection:
        for table in (subscriptions, feeds):
            times = [column for column in table.columns if isinstance(column.type, UtcDateTime)]
            key = next(iter(table.primary_key))
            for row in (await connection.execute(select(key, *times))).mappings().all():
                earlier = {each.name: row[each.name] and row[each.name] - span for each in times}
                await connection.execute(update(table).where(key == row[key.name]).values(**earlier))


async def rows(database: Database) -> list[Any]:
    async with database.snapshot() as connection:
        return list((await connection.execute(select(subscriptions).order_by(subscriptions.c.hub))).all())


async def the_feed(database: Database) -> Any:
    async with database.snapshot() as connection:
        return (await connection.execute(select(feeds))).one()


async def set_feed(database: Database, **said: object) -> None:
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(**said))


async def asked(database: Database) -> Request:
    """The one request that is due."""
    (request,) = await store(database).lease(10)
    return request


async def subscribed(database: Database, lease: timedelta = 10 * DAY) -> Subscription:
    """The feed's hub, asked and confirmed."""
    await found(database, HUB)
    request = await asked(database)
    await store(database).subscribed(request.subscription, lease)
    subscription = await store(database).find(request.subscription.token)
    assert subscription is not None
    return subscription


async def test_a_hub_that_a_feed_names_is_asked_to_tell_us(database: Database) -> None:
    """At once, for the feed's topic, under a token and a secret that nobody guesses."""
    await found(database, HUB)

    request = await asked(database)

    ours = request.subscription
    assert (request.mode, ours.hub, ours.topic, ours.feed_id) == (Mode.SUBSCRIBE, HUB.url, HUB.topic, FEED.feed_id)
    assert (len(ours.token), len(ours.secret or "")) == (43, 43)


async def test_the_same_hub_found_again_changes_nothing(database: Database) -> None:
    """Each poll that reads a document finds it."""
    ours = await subscribed(database)
    before = await rows(database)

    await found(database, HUB)

    assert before == await rows(database)
    assert ours == await store(database).find(ours.token)


async def test_a_hub_without_tls_gets_no_secret(database: Database) -> None:
    """It would be sent in the clear."""
    await found(database, OTHER_HUB)

    assert (await asked(database)).subscription.secret is None


@pytest.mark.parametrize("url", ["ftp://hub.example/", "hub", "https://hub.example/" + "x" * 2000])
async def test_what_is_no_address_is_no_hub(database: Database, url: str) -> None:
    """A feed may say anything."""
    await found(database, Hub(url=url, topic=HUB.topic))

    assert await rows(database) == []


async def test_a_confirmed_subscription_lets_its_feed_be_polled_slowly_until_it_ends(database: Database) -> None:
    """The hub's lease is the end of that."""
    await subscribed(database, lease=10 * DAY)

    (row,) = await rows(database)
    assert (await the_feed(database)).pushed_until == row.verified_until
    assert abs(row.verified_until - datetime.now(UTC) - 10 * DAY) < timedelta(minutes=1)


async def test_a_subscription_is_renewed_before_it_ends_and_not_sooner(database: Database) -> None:
    """23 hours before the end of ten days."""
    ours = await subscribed(database, lease=10 * DAY)
    await passed(database, 9 * DAY)
    assert await store(database).lease(10) == []

    await passed(database, timedelta(hours=1, minutes=1))
    again = await asked(database)

    assert (again.mode, again.subscription.token) == (Mode.SUBSCRIBE, ours.token)
    assert (await the_feed(database)).pushed_until is not None


async def test_a_hub_that_fails_is_asked_again_and_counted(database: Database) -> None:
    """Until it confirms, which ends the count."""
    await found(database, HUB)
    first = await asked(database)
    await store(database).settle(first, timedelta(minutes=1), "http_500")
    assert await store(database).lease(10) == []
    await passed(database, timedelta(minutes=1))

    second = await asked(database)
    await store(database).subscribed(second.subscription, DAY)

    assert (first.subscription.failures, second.subscription.failures) == (0, 1)
    (row,) = await rows(database)
    assert (row.failures, row.reason) == (0, None)


async def test_a_confirmation_that_comes_before_the_answer_stays(database: Database) -> None:
    """Hubs may verify while our request is still open; what it comes to after that counts no more."""
    await found(database, HUB)
    request = await asked(database)
    await store(database).subscribed(request.subscription, 10 * DAY)

    await store(database).settle(request, timedelta(minutes=1), "timeout")

    (row,) = await rows(database)
    assert (row.failures, row.reason) == (0, None)
    assert row.next_at - datetime.now(UTC) > 8 * DAY


async def test_what_was_asked_is_stored_before_the_hub_is_asked(database: Database) -> None:
    """It may ask back at once."""
    await found(database, HUB)
    request = await asked(database)

    ours = await store(database).find(request.subscription.token)

    assert ours is not None
    assert ours.asked is Mode.SUBSCRIBE


async def test_fetchers_share_the_requests(database: Database, other_database: Database) -> None:
    """Each is leased once, and again when its lease has ended."""
    await found(database, HUB)
    both = await asyncio.gather(store(database).lease(10), store(other_database).lease(10))
    assert sorted(map(len, both)) == [0, 1]

    await passed(database, LEASE + timedelta(seconds=1))
    assert len(await store(other_database).lease(10)) == 1


async def test_a_request_that_is_handed_back_is_due(database: Database) -> None:
    """And one whose hub's host is busy is due when that is free."""
    await found(database, HUB)
    await store(database).release(await asked(database))
    request = await asked(database)
    async with database.snapshot() as connection:
        until = await clock(connection) + timedelta(minutes=5)
    await store(database).postpone(request, until)
    assert await store(database).lease(10) == []

    await passed(database, timedelta(minutes=5))
    assert (await asked(database)).subscription.failures == 0


async def test_another_hub_takes_the_place_of_the_first(database: Database) -> None:
    """The first is asked to stop, the feed is polled as usual until the second confirms."""
    first = await subscribed(database)
    await passed(database, DAY)
    await found(database, OTHER_HUB)
    assert (await the_feed(database)).pushed_until is None

    requests = {each.subscription.hub: each for each in await store(database).lease(10)}
    assert {HUB.url: Mode.UNSUBSCRIBE, OTHER_HUB.url: Mode.SUBSCRIBE} == {url: r.mode for url, r in requests.items()}
    left = await store(database).find(first.token)
    assert left is not None
    assert not left.wanted

    await store(database).subscribed(requests[OTHER_HUB.url].subscription, DAY)
    await store(database).unsubscribed(left)
    assert await store(database).lease(10) == []
    assert [OTHER_HUB.url] == [row.hub for row in await rows(database)]
    assert (await the_feed(database)).pushed_until is not None


async def test_a_hub_that_does_not_let_go_is_forgotten_when_its_lease_ends(database: Database) -> None:
    """It is asked to stop with growing pauses until then."""
    await subscribed(database, lease=2 * DAY)
    await passed(database, DAY)
    await found(database, None)
    request = await asked(database)
    assert request.mode is Mode.UNSUBSCRIBE
    await store(database).settle(request, timedelta(hours=1), "http_500")

    await passed(database, DAY)

    assert await store(database).lease(10) == []
    assert await rows(database) == []


@pytest.mark.parametrize("other", [OTHER_HUB, Hub(url=HUB.url, topic=f"{HUB.topic}?again"), None])
async def test_a_hub_that_was_just_named_stays_for_a_day(database: Database, other: Hub | None) -> None:
    """A feed may name another one each time that it is polled, or call itself by another name."""
    ours = await subscribed(database)
    before = await rows(database)
    await found(database, other)
    assert before == await rows(database)

    await passed(database, DAY)
    await found(database, other)
    left = await store(database).find(ours.token)
    assert left is not None
    assert not left.wanted


async def test_hubs_that_never_confirmed_anything_do_not_pile_up(database: Database) -> None:
    """Though nobody asks them: only the newest is kept."""
    for number in range(5):
        await found(database, Hub(url=HUB.url, topic=f"{HUB.topic}?{number}"))
        await passed(database, DAY)

    assert [row.topic for row in await rows(database)] == [f"{HUB.topic}?4"]


async def test_the_end_of_a_feed_waits_for_no_transaction_that_waits_for_it(
    database: Database, other_database: Database
) -> None:
    """Whoever holds the feed may be about to change its subscription."""
    ours = await subscribed(database)
    await set_feed(database, paused=True)
    await mend_lapsed(database)
    async with database.transaction() as connection:
        await connection.execute(update(feeds).values(title="held"))
        asking = asyncio.create_task(store(other_database).lease(10))
        await asyncio.wait([asking], timeout=0.3)
        await connection.execute(update(subscriptions).values(silences=1))
    (request,) = await asking

    assert (request.mode, request.subscription.token) == (Mode.UNSUBSCRIBE, ours.token)
    assert (await the_feed(database)).pushed_until is None


@pytest.mark.parametrize("listens", [True, False])
async def test_hubs_are_noted_only_where_someone_listens(database: Database, listens: bool) -> None:
    """Nobody else would ever ask them, or drop them."""
    works = FeedStore(database, lease=LEASE, listens=listens)
    await set_feed(database, next_poll_at=datetime.now(UTC) - DAY)
    (held,) = await works.lease(10)
    await works.commit(poll(held, hub=HUB, document_read=True))

    assert [row.hub for row in await rows(database)] == [HUB.url] * listens


async def test_a_feed_that_names_no_hub_and_never_did_costs_nothing(database: Database) -> None:
    """No row is written for it."""
    await found(database, None)

    assert await rows(database) == []


@pytest.mark.parametrize("away", [{"paused": True}, {"active": False}, {"same_as": FEED.feed_id}])
async def test_a_feed_that_is_away_is_unsubscribed_and_comes_back(database: Database, away: dict[str, object]) -> None:
    """Nothing is told of it meanwhile; as soon as it is back, its hub is asked again."""
    ours = await subscribed(database)
    back = {name: None if name == "same_as" else not value for name, value in away.items()}
    await set_feed(database, **away)
    assert await mend_lapsed(database) == 1
    request = await asked(database)
    assert request.mode is Mode.UNSUBSCRIBE
    assert (await the_feed(database)).pushed_until is None
    await store(database).unsubscribed(ours)
    assert await store(database).lease(10) == []
    assert await mend_lapsed(database) == 0

    await set_feed(database, **back)
    assert await mend_lapsed(database) == 1
    again = await asked(database)

    assert (again.mode, again.subscription.token) == (Mode.SUBSCRIBE, ours.token)


async def test_a_hub_that_denies_is_asked_again_after_a_day(database: Database) -> None:
    """Its feed is polled as usual."""
    ours = await subscribed(database)
    await store(database).denied(ours, "too many")
    assert (await the_feed(database)).pushed_until is None
    await passed(database, DAY - timedelta(minutes=1))
    assert await store(database).lease(10) == []

    await passed(database, timedelta(minutes=1))
    assert (await asked(database)).mode is Mode.SUBSCRIBE


async def test_a_hub_that_fell_silent_is_asked_again_later_each_time(database: Database) -> None:
    """A poll found what it had not told and ended the trust in it."""
    ours = await subscribed(database)
    for waits in (timedelta(0), DAY, 2 * DAY):
        await set_feed(database, pushed_until=None)
        assert await mend_lapsed(database) == 1
        assert await mend_lapsed(database) == 0
        if waits:
            await passed(database, waits - timedelta(minutes=1))
            assert await store(database).lease(10) == []
            await passed(database, timedelta(minutes=1))
        await store(database).subscribed((await asked(database)).subscription, 100 * DAY)

    await NewsStore(database).told(ours)
    (row,) = await rows(database)
    assert row.silences == 0


async def test_a_silent_hub_that_speaks_again_is_asked_at_once(database: Database) -> None:
    """And not when it would have been for its silence."""
    ours = await subscribed(database)
    for _ in range(2):
        await set_feed(database, pushed_until=None)
        await mend_lapsed(database)
        for request in await store(database).lease(10):
            await store(database).subscribed(request.subscription, 100 * DAY)
    assert await store(database).lease(10) == []
    assert await mend_lapsed(database) == 0

    await NewsStore(database).told(ours)
    assert await mend_lapsed(database) == 1

    assert (await asked(database)).mode is Mode.SUBSCRIBE


@pytest.mark.parametrize("content", [True, False])
async def test_a_poll_knows_when_the_hub_last_told_us(database: Database, content: bool) -> None:
    """What that poll finds is no proof that the hub is silent."""
    ours = await subscribed(database)
    assert (await leased_one(database)).pushed_at is None
    await passed(database, LEASE + timedelta(seconds=1))

    await (NewsStore(database).brought(ours) if content else NewsStore(database).told(ours))

    told_at = (await leased_one(database)).pushed_at
    assert told_at is not None
    assert abs(told_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_clock_that_was_set_back_keeps_nobody_waiting(database: Database) -> None:
    """What was asked for at a time that is yet to come is asked for anew, though its lease goes on."""
    await found(database, HUB)
    await asked(database)
    await passed(database, -DAY)
    assert await mend_lapsed(database) == 1

    assert (await asked(database)).mode is Mode.SUBSCRIBE
    assert await mend_lapsed(database) == 0


async def test_news_make_the_feed_due(database: Database) -> None:
    """At once, where it was not polled just now."""
    ours = await subscribed(database)
    await set_feed(database, polled_at=datetime.now(UTC) - timedelta(hours=1))

    await NewsStore(database).told(ours)

    assert [FEED.feed_id] == [each.feed_id for each in await FeedStore(database, lease=LEASE).lease(10)]


async def test_however_often_a_hub_calls_the_feed_is_not_polled_more_often_than_each_minute(database: Database) -> None:
    """Its server did not choose its hub's manners."""
    ours = await subscribed(database)
    async with database.snapshot() as connection:
        polled_at = await clock(connection)
    await set_feed(database, polled_at=polled_at)

    for _ in range(3):
        await NewsStore(database).told(ours)

    assert (await the_feed(database)).next_poll_at == polled_at + PING_PAUSE


@pytest.mark.parametrize("standing", [Standing(kills=8), Standing(parked=True)])
@pytest.mark.parametrize("polled", [True, False])
async def test_news_do_not_end_what_holds_a_feed(database: Database, standing: Standing, polled: bool) -> None:
    """Anyone can ping: a feed whose documents cost workers, or are gone, is polled when it would have been."""
    ours = await subscribed(database)
    await set_feed(database, standing=dump_standing(standing))
    before = (await the_feed(database)).next_poll_at
    held = await leased_one(database) if polled else None
    await NewsStore(database).told(ours)
    if held is not None:
        await FeedStore(database, lease=LEASE).release(held)
        assert await NewsStore(database).poll_for_news() == 1

    assert (await the_feed(database)).next_poll_at == before
    assert await NewsStore(database).poll_for_news() == 0


async def test_a_push_that_cost_a_worker_is_counted(database: Database) -> None:
    """The feed is handed back, is due when it was before, and what it brought is not polled for any sooner."""
    ours = await subscribed(database)
    await NewsStore(database).brought(ours)
    before = await the_feed(database)
    await FeedStore(database, lease=LEASE).killed(await leased_one(database))
    await passed(database, READING)
    await NewsStore(database).poll_for_news()

    after = await the_feed(database)
    assert (after.standing["kills"], after.lease, after.next_poll_at) == (1, None, before.next_poll_at - READING)


async def test_a_feed_that_is_due_sooner_is_not_put_off(database: Database) -> None:
    """News never make a poll later."""
    ours = await subscribed(database)
    async with database.snapshot() as connection:
        now = await clock(connection)
    soon = now + timedelta(seconds=5)
    await set_feed(database, polled_at=now, next_poll_at=soon)

    await NewsStore(database).told(ours)

    assert (await the_feed(database)).next_poll_at == soon


async def test_news_during_a_poll_make_the_feed_due_after_it(database: Database) -> None:
    """That poll may have asked before the news; it keeps its lease and its commit."""
    ours = await subscribed(database)
    held = await leased_one(database)
    await NewsStore(database).told(ours)
    assert await NewsStore(database).poll_for_news() == 0
    await FeedStore(database, lease=LEASE).postpone(held, datetime.now(UTC) + 10 * DAY)

    assert await NewsStore(database).poll_for_news() == 1

    assert (await the_feed(database)).next_poll_at <= datetime.now(UTC) + timedelta(seconds=1)
    assert await NewsStore(database).poll_for_news() == 0


async def test_content_that_nobody_reads_is_polled_for(database: Database, other_database: Database) -> None:
    """Whoever had it died: any fetcher makes the feed due, half a minute later."""
    ours = await subscribed(database)
    assert await NewsStore(database).brought(ours) is not None
    assert await NewsStore(other_database).poll_for_news() == 0
    await passed(database, READING)

    assert await NewsStore(other_database).poll_for_news() == 1
    assert (await the_feed(database)).next_poll_at <= datetime.now(UTC)


async def test_content_that_is_read_is_not_polled_for(database: Database) -> None:
    """Its entries are stored with that; the next poll, the validators and the body hash stay."""
    ours = await subscribed(database)
    await set_feed(database, etag='"1"', validators_url=HUB.topic, body_hash="abc")
    news_at = await NewsStore(database).brought(ours)
    assert news_at is not None
    before = await the_feed(database)

    assert await FeedStore(database, lease=LEASE).commit_push(await push(database, ours, news_at))

    after = await the_feed(database)
    await passed(database, READING)
    assert await NewsStore(database).poll_for_news() == 0
    assert await identities(database) == ["a"]
    kept = ("etag", "validators_url", "body_hash", "next_poll_at", "polled_at", "lease", "pushed_until")
    assert {name: getattr(before, name) for name in kept} == {name: getattr(after, name) for name in kept}


async def test_content_that_comes_while_other_is_read_is_polled_for(database: Database) -> None:
    """Reading the first says nothing of the second."""
    ours = await subscribed(database)
    first = await NewsStore(database).brought(ours)
    assert first is not None
    said = await push(database, ours, first)
    assert await NewsStore(database).brought(ours) is None
    await NewsStore(database).told(ours)

    await FeedStore(database, lease=LEASE).commit_push(said)

    assert await NewsStore(database).poll_for_news() == 1


async def test_a_push_whose_lease_was_lost_stores_nothing(database: Database) -> None:
    """The feed is polled for it."""
    ours = await subscribed(database)
    news_at = await NewsStore(database).brought(ours)
    assert news_at is not None
    said = await push(database, ours, news_at)
    await FeedStore(database, lease=LEASE).release(said.feed)

    assert not await FeedStore(database, lease=LEASE).commit_push(said)

    await passed(database, READING)
    assert (await identities(database), await NewsStore(database).poll_for_news()) == ([], 1)


async def test_whoever_reads_a_push_knows_where_the_feed_was_found(database: Database) -> None:
    """What it brings is relative to that address."""
    await set_feed(database, final_url="https://moved.example/feed.xml")

    assert (await leased_one(database)).final_url == "https://moved.example/feed.xml"


async def test_a_feed_is_held_by_one(database: Database, other_database: Database) -> None:
    """A push does not read what a poll is reading."""
    held = await leased_one(database)
    assert None is await FeedStore(other_database, lease=LEASE).lease_one(FEED.feed_id)
    await FeedStore(database, lease=LEASE).release(held)

    assert None is not await FeedStore(other_database, lease=LEASE).lease_one(FEED.feed_id)


async def test_a_token_that_nobody_has_is_nobodys(database: Database) -> None:
    """Neither is that of a feed that was never subscribed."""
    await subscribed(database)

    assert None is await store(database).find("x" * 43)


async def leased_one(database: Database) -> Feed:
    held = await FeedStore(database, lease=LEASE).lease_one(FEED.feed_id)
    assert held is not None
    return held


async def push(database: Database, subscription: Subscription, news_at: datetime) -> Push:
    return Push(
        feed=await leased_one(database),
        subscription=subscription,
        news_at=news_at,
        rhythm=Rhythm(polls=1),
        selection=Selection(new=(parsed(),)),
    )


async def identities(database: Database) -> list[str]:
    async with database.snapshot() as connection:
        return [facts["identity"] for facts in (await connection.execute(select(entries.c.facts))).scalars()]
