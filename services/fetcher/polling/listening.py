"""The loops by which we stay subscribed at hubs and hear of news (WebSub)."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from services.fetcher.polling.pushes import Pushes
from services.fetcher.websub.hub import Subscriber
from services.fetcher.websub.news import NewsStore
from services.fetcher.websub.subscriptions import SubscriptionStore
from shared import lifecycle
from shared.lifecycle import Stop

log = structlog.get_logger()

ASKED_AT_ONCE = 4
MEND_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Any number of fetchers may do it; only those that hubs can reach do. `idle_seconds` are between two looks."""

    subscriptions: SubscriptionStore
    subscriber: Subscriber
    news: NewsStore
    pushes: Pushes
    mend_lapsed: Callable[[], Awaitable[int]]
    idle_seconds: float

    def loops(self, stop: Stop) -> tuple[Coroutine[Any, Any, None], ...]:
        """To be run until the stop."""
        return (
            lifecycle.work_off(
                stop,
                self.subscriptions.lease,
                self.subscriber.ask,
                name="subscriptions",
                concurrency=ASKED_AT_ONCE,
                idle_seconds=self.idle_seconds,
            ),
            self.pushes.run(stop),
            lifecycle.every(self.idle_seconds, "news", self._poll_for_news, stop),
            lifecycle.every(MEND_SECONDS, "lapsed subscriptions", self._mend, stop),
        )

    async def _poll_for_news(self) -> None:
        if found := await self.news.poll_for_news():
            log.info("news_polled", feeds=found)

    async def _mend(self) -> None:
        if found := await self.mend_lapsed():
            log.info("subscriptions_lapsed", subscriptions=found)
