"""What hubs send to our callback (WebSub): whether we asked for it, and what they tell of feeds.

    content, rightly signed → stored that the feed is to be polled soon → 2xx → read, and need not be polled
    no content, or such as nobody can sign → stored that the feed is due → 2xx → polled
    content, wrongly signed → 2xx, dropped
    content that costs a worker → nothing more is read of this hub's until a poll was read

Content only makes it faster: what is not read, for whatever reason, is polled for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from services.fetcher.model import Feed, ParsedFeed, Rhythm
from services.fetcher.polling.schedule import observe
from services.fetcher.polling.selection import Selection, select
from services.fetcher.polling.store import Push
from services.fetcher.websub.websub import Delivery, Mode, Subscription, confirms, denies, is_signed, read_verification
from shared import metrics
from shared.errors import PermanentError, PipelineError
from shared.lifecycle import Stop, hand_back
from shared.workers import WorkerLost

log = structlog.get_logger()

MOST_WAITING = 8
"""Contents in memory that wait to be read; feeds of more are polled."""
TOKEN_LENGTH = 43

Parse = Callable[[bytes, str | None, str], Awaitable[ParsedFeed]]


class Subscriptions(Protocol):
    async def find(self, token: str) -> Subscription | None: ...
    async def subscribed(self, subscription: Subscription, lease: timedelta) -> datetime: ...
    async def unsubscribed(self, subscription: Subscription) -> None: ...
    async def denied(self, subscription: Subscription, reason: str) -> None: ...


class News(Protocol):
    async def brought(self, subscription: Subscription) -> datetime | None: ...
    async def told(self, subscription: Subscription) -> None: ...


class Feeds(Protocol):
    async def lease_one(self, feed_id: UUID) -> Feed | None: ...
    async def known(self, feed: UUID, identities: list[str]) -> Mapping[str, str]: ...
    async def commit_push(self, push: Push) -> bool: ...
    async def killed(self, feed: Feed) -> None: ...
    async def release(self, feed: Feed) -> None: ...


class Pushes:
    """Takes what comes to the callback; `run` reads what hubs brought, one after the other."""

    def __init__(self, subscriptions: Subscriptions, news: News, feeds: Feeds, parse: Parse) -> None:
        self._subscriptions = subscriptions
        self._news = news
        self._feeds = feeds
        self._parse = parse
        self._contents: asyncio.Queue[tuple[Delivery, datetime]] = asyncio.Queue(MOST_WAITING)

    async def find(self, token: str) -> Subscription | None:
        """The subscription with this token; what cannot be one is not looked for."""
        fits = len(token) == TOKEN_LENGTH and token.isascii()
        return await self._subscriptions.find(token) if fits else None

    async def verify(self, subscription: Subscription, query: Mapping[str, str]) -> str | None:
        """What the hub is answered to the question whether we asked for this; None when we did not."""
        said = read_verification(query)
        if denies(subscription, said):
            await self._subscriptions.denied(subscription, said.reason)
            log.info("hub_denied", hub=subscription.hub, topic=subscription.topic, reason=said.reason[:300])
            return ""
        if not confirms(subscription, said):
            return None
        facts = {"mode": said.mode, "hub": subscription.hub, "topic": subscription.topic}
        if said.mode == Mode.UNSUBSCRIBE:
            await self._subscriptions.unsubscribed(subscription)
        else:
            facts["until"] = (await self._subscriptions.subscribed(subscription, said.lease)).isoformat()
        log.info("hub_confirmed", **facts)
        return said.challenge

    async def take(self, delivery: Delivery) -> None:
        """Store that there is news, then let the content be read. Nothing is lost once this returns."""
        subscription = delivery.subscription
        if not delivery.body:
            await self._poll(delivery, "ping")
        elif subscription.secret is None or delivery.encoding is not None:
            await self._poll(delivery, "unsigned" if subscription.secret is None else "encoded")
        elif not is_signed(delivery.body, delivery.signature, subscription.secret):
            _report(delivery, "discarded", reason="signature")
        else:
            await self._keep(delivery)

    async def run(self, stop: Stop) -> None:
        """Read what hubs brought until the stop; feeds of what is left by then are polled."""
        while not stop:
            coming, stopping = asyncio.create_task(self._contents.get()), asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    await self._read(*coming.result())
            finally:
                coming.cancel()
                stopping.cancel()

    async def _poll(self, delivery: Delivery, outcome: str, **facts: object) -> None:
        await self._news.told(delivery.subscription)
        _report(delivery, outcome, **facts)

    async def _keep(self, delivery: Delivery) -> None:
        news_at = None if self._contents.full() else await self._news.brought(delivery.subscription)
        if news_at is None or self._contents.full():
            await self._poll(delivery, "crowded")
        else:
            self._contents.put_nowait((delivery, news_at))

    async def _read(self, delivery: Delivery, news_at: datetime) -> None:
        """What goes wrong in here costs time only: the feed is polled for what was not read."""
        try:
            feed = await self._feeds.lease_one(delivery.subscription.feed_id)
            if feed is None:
                _report(delivery, "unread", reason="leased")
            elif feed.standing.kills:
                await self._feeds.release(feed)
                _report(delivery, "unread", reason="killed_worker")
            else:
                await self._stored(feed, delivery, news_at)
        except PipelineError as error:
            _report(delivery, "unread", reason=str(error)[:300])
        except Exception:
            log.exception("push_failed", topic=delivery.subscription.topic)

    async def _stored(self, feed: Feed, delivery: Delivery, news_at: datetime) -> None:
        try:
            push = await self._selected(feed, delivery, news_at)
            kept = await self._feeds.commit_push(push)
        except WorkerLost:
            await self._feeds.killed(feed)
            raise
        except BaseException:
            await hand_back(self._feeds.release(feed))
            raise
        new, changed = len(push.selection.new), len(push.selection.changed)
        _report(delivery, "read" if kept else "unread", new=new, changed=changed)

    async def _selected(self, feed: Feed, delivery: Delivery, news_at: datetime) -> Push:
        """As a poll selects; relative addresses are relative to where the feed is polled."""
        base = feed.final_url or feed.address
        parsed = await self._parse(delivery.body, delivery.content_type, base)
        if parsed.links.own not in {None, delivery.subscription.topic}:
            raise PermanentError("other_topic", parsed.links.own or "")
        known = await self._feeds.known(feed.feed_id, [entry.identity for entry in parsed.entries])
        selection = select(parsed, known, feed.settings, first_poll=feed.rhythm.polls == 0)
        return Push(
            feed=feed,
            subscription=delivery.subscription,
            news_at=news_at,
            rhythm=_observed(feed.rhythm, selection),
            selection=selection,
        )


def _observed(rhythm: Rhythm, selection: Selection) -> Rhythm:
    """The gaps between entries are learned from, but this was no poll and no success of the feed's server."""
    published = [entry.facts.published or entry.facts.updated for entry in selection.new]
    learned = observe(rhythm, published, datetime.now(UTC))
    return replace(learned, polls=rhythm.polls, failures=rhythm.failures)


def _report(delivery: Delivery, outcome: str, **facts: object) -> None:
    metrics.pushes.labels(outcome=outcome).inc()
    subscription = delivery.subscription
    log.info("push_taken", outcome=outcome, hub=subscription.hub, topic=subscription.topic, **facts)
