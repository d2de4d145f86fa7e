"""What becomes of a hub's requests."""

import asyncio
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes import NOW, feed, parsed

from services.fetcher.model import Feed, FeedLinks, ParsedFeed, Rhythm, Standing
from services.fetcher.polling.pushes import MOST_WAITING, Pushes
from services.fetcher.polling.store import Push
from services.fetcher.websub.websub import Delivery, Mode, Subscription
from shared.errors import PermanentError, StoreUnavailable
from shared.lifecycle import Stop
from shared.workers import WorkerLost

TOKEN = "t" * 43
TOPIC = "https://news.example/feed.xml"
SECRET = "a-secret"
BODY = b"<rss/>"
FEED = feed(rhythm=Rhythm(polls=7, failures=2.0), final_url="https://news.example/final.xml")
OURS = Subscription(
    token=TOKEN,
    feed_id=FEED.feed_id,
    hub="https://hub.example/",
    topic=TOPIC,
    secret=SECRET,
    asked=Mode.SUBSCRIBE,
)


class Store:
    """Subscriptions and news; `marked` False stands for a feed that is to be polled for other news already."""

    def __init__(self, *, marked: bool = True):
        self._marked = marked
        self.looked_for: list[str] = []
        self.confirmed: list[timedelta] = []
        self.ended: list[Subscription] = []
        self.refused: list[str] = []
        self.polled: list[Subscription] = []
        self.kept: list[Subscription] = []

    async def find(self, token):
        self.looked_for.append(token)
        return OURS

    async def subscribed(self, subscription, lease):
        self.confirmed.append(lease)
        return NOW + lease

    async def unsubscribed(self, subscription):
        self.ended.append(subscription)

    async def denied(self, subscription, reason):
        self.refused.append(reason)

    async def brought(self, subscription):
        self.kept.append(subscription)
        return NOW if self._marked else None

    async def told(self, subscription):
        self.polled.append(subscription)


class Feeds:
    """One feed, or one that somebody else holds; `done` is set when it is given back."""

    def __init__(self, held=FEED, *, error: Exception | None = None):
        self._held, self._error = held, error
        self.pushes: list[Push] = []
        self.released: list[Feed] = []
        self.kills: list[Feed] = []
        self.done = asyncio.Event()

    async def lease_one(self, feed_id):
        if self._held is None:
            self.done.set()
        return self._held

    async def known(self, feed_id, identities):
        return {"known": "1"}

    async def commit_push(self, push):
        if self._error is not None:
            raise self._error
        self.pushes.append(push)
        self.done.set()
        return True

    async def killed(self, leased):
        self.kills.append(leased)
        self.done.set()

    async def release(self, leased):
        self.released.append(leased)
        self.done.set()


class Parse:
    """Gives the document, or raises; `read` holds what it was given."""

    def __init__(self, *entries, error: Exception | None = None, own: str | None = TOPIC):
        self._parsed = ParsedFeed(entries=entries, links=FeedLinks(own=own))
        self._error = error
        self.read: list[tuple[bytes, str | None, str]] = []

    async def __call__(self, body, content_type, url):
        self.read.append((body, content_type, url))
        if self._error is not None:
            raise self._error
        return self._parsed


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def delivery(body: bytes = BODY, **more) -> Delivery:
    said = {"subscription": OURS, "signature": signature(body), "content_type": "application/rss+xml"}
    return Delivery(body=body, **{**said, **more})


def pushes(store: Store, feeds: Feeds | None = None, parse=None) -> Pushes:
    return Pushes(store, store, feeds or Feeds(), parse or Parse())


async def read(pushed: Pushes, feeds: Feeds, *deliveries: Delivery) -> None:
    """Take the deliveries, and read until the feed was given back."""
    stop = Stop()
    for each in deliveries:
        await pushed.take(each)
    task = asyncio.create_task(pushed.run(stop))
    async with asyncio.timeout(10):
        await feeds.done.wait()
        stop.set()
        await task


async def test_content_is_read_like_a_polled_document() -> None:
    """What is new and changed is stored; addresses are relative to where the feed is polled."""
    new, known, changed = parsed("new"), parsed("known"), parsed("known", fingerprint="2")
    store, feeds, parse = Store(), Feeds(), Parse(new, changed)
    await read(pushes(store, feeds, parse), feeds, delivery())

    (push,) = feeds.pushes
    assert parse.read == [(BODY, "application/rss+xml", "https://news.example/final.xml")]
    assert ([new], [changed], NOW) == (list(push.selection.new), list(push.selection.changed), push.news_at)
    assert known not in push.selection.new
    assert store.polled == []


async def test_a_push_teaches_the_rhythm_and_is_no_poll() -> None:
    """It says nothing of how the feed's server does."""
    feeds = Feeds()
    at = datetime.now(UTC) - timedelta(hours=1)
    await read(pushes(Store(), feeds, Parse(parsed("new", published=at))), feeds, delivery())

    rhythm = feeds.pushes[0].rhythm
    assert (rhythm.newest, rhythm.polls, rhythm.failures) == (at, 7, 2.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"signature": None},
        {"signature": signature(secret="another")},
        {"signature": signature(b"another body")},
        {"signature": signature().replace("sha256", "sha512")},
        {"signature": signature().replace("sha256", "md5")},
        {"signature": "sha256="},
    ],
)
async def test_content_that_our_hub_did_not_sign_is_dropped(wrong) -> None:
    """Nothing is stored, read or polled."""
    store, parse = Store(), Parse()
    await pushes(store, parse=parse).take(delivery(**wrong))

    assert (store.kept, store.polled, parse.read) == ([], [], [])


async def test_news_without_content_mean_that_the_feed_is_polled() -> None:
    """A ping needs no signature: it brings nothing."""
    store = Store()
    await pushes(store).take(delivery(b"", signature=None))

    assert (store.polled, store.kept) == ([OURS], [])


@pytest.mark.parametrize("shape", ["in the clear", "encoded"])
async def test_content_that_cannot_be_believed_or_read_is_polled_for(shape: str) -> None:
    """Of a hub without a secret anyone could bring some; of encoded content nobody says what is signed."""
    clear = Subscription(token=TOKEN, feed_id=FEED.feed_id, hub="http://hub.example/", topic=TOPIC)
    store, parse = Store(), Parse()
    said = {"subscription": clear} if shape == "in the clear" else {"encoding": "gzip"}
    await pushes(store, parse=parse).take(delivery(**said))

    assert (len(store.polled), store.kept, parse.read) == (1, [], [])


async def test_that_there_is_content_is_stored_before_the_hub_is_answered() -> None:
    """Nobody reads here: the process could die now."""
    store = Store()
    await pushes(store).take(delivery())

    assert store.kept == [OURS]


async def test_a_hub_is_told_when_we_cannot_store_that() -> None:
    """It keeps the news for us."""

    class Away(Store):
        async def brought(self, subscription):
            raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        await pushes(Away()).take(delivery())


async def test_what_waits_to_be_read_is_bounded() -> None:
    """Of more, the feeds are polled."""
    store = Store()
    pushed = pushes(store)
    for _ in range(3 * MOST_WAITING):
        await pushed.take(delivery())

    assert (len(store.kept), len(store.polled)) == (MOST_WAITING, 2 * MOST_WAITING)


async def test_content_on_top_of_other_news_is_polled_for() -> None:
    """It need not hold what those are."""
    store = Store(marked=False)
    await pushes(store).take(delivery())

    assert store.polled == [OURS]


@pytest.mark.parametrize(
    "parse",
    [
        Parse(error=PermanentError("not_a_feed", "an HTML page")),
        Parse(error=ValueError("a bug")),
        Parse(own="https://else.example/feed.xml"),
    ],
)
async def test_what_cannot_be_read_hands_the_feed_back(parse: Parse) -> None:
    """What was stored before makes it due; a document of another feed is none of this one's."""
    store, feeds = Store(), Feeds()
    await read(pushes(store, feeds, parse), feeds, delivery())

    assert (feeds.released, feeds.pushes) == ([FEED], [])


async def test_content_that_costs_a_worker_is_counted() -> None:
    """Whoever signed it: what kills is held against the feed as when it is polled."""
    feeds = Feeds()
    await read(pushes(Store(), feeds, Parse(error=WorkerLost("worker_died"))), feeds, delivery())

    assert (feeds.kills, feeds.released, feeds.pushes) == ([FEED], [], [])


async def test_nothing_more_is_read_of_a_feed_that_cost_a_worker() -> None:
    """Until a poll of it was read."""
    held = replace(FEED, standing=Standing(kills=1))
    feeds, parse = Feeds(held), Parse()
    await read(pushes(Store(), feeds, parse), feeds, delivery())

    assert (parse.read, feeds.released) == ([], [held])


async def test_a_store_that_goes_away_costs_only_time() -> None:
    """The next content is read."""
    feeds = Feeds(error=StoreUnavailable("away"))
    await read(pushes(Store(), feeds), feeds, delivery(), delivery())

    assert feeds.released[0] == FEED


async def test_a_feed_that_is_being_polled_is_left_alone() -> None:
    """It is due again after that."""
    feeds, parse = Feeds(held=None), Parse()
    await read(pushes(Store(), feeds, parse), feeds, delivery())

    assert parse.read == []


async def test_reading_ends_with_the_stop() -> None:
    """At once, when nothing waits."""
    stop = Stop()
    task = asyncio.create_task(pushes(Store()).run(stop))
    await asyncio.sleep(0)
    stop.set()

    async with asyncio.timeout(5):
        await task


async def test_a_confirmation_starts_the_lease_that_the_hub_gives() -> None:
    """The challenge is the answer."""
    store = Store()
    query = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "abc", "hub.lease_seconds": "86400"}

    assert await pushes(store).verify(OURS, query) == "abc"
    assert store.confirmed == [timedelta(days=1)]


async def test_what_we_did_not_ask_for_is_not_confirmed() -> None:
    """And changes nothing."""
    store = Store()
    query = {"hub.mode": "unsubscribe", "hub.topic": TOPIC, "hub.challenge": "abc"}

    assert await pushes(store).verify(OURS, query) is None
    assert (store.confirmed, store.ended) == ([], [])


async def test_a_denial_is_taken_note_of() -> None:
    """With its reason."""
    store = Store()

    assert await pushes(store).verify(OURS, {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "full"}) == ""
    assert store.refused == ["full"]


@pytest.mark.parametrize("token", ["", "favicon.ico", "é" * 43, "x" * 44, "x" * 10_000])
async def test_what_cannot_be_a_token_is_not_looked_for(token: str) -> None:
    """Strangers cost the store nothing."""
    store = Store()

    assert await pushes(store).find(token) is None
    assert store.looked_for == []
