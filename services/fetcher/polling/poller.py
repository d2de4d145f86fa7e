"""One poll of one feed.

    robots.txt → the host's next slot → conditional GET
    304, or the document we know?   → nothing to read
    parse in a worker process       → earlier documents, where a gap is → select new and changed entries
    ONE transaction: new entries as pending, the validators, what was learned of the server, the next poll and why

The poller orchestrates; what an answer means is decided in `answers`, what is new in `selection`, when to come back in
`schedule`. Because entries and validators are stored together, a later 304 can never hide an entry: it is ours already.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import random
from typing import Protocol
from uuid import UUID

import structlog

from services.fetcher.errors import HostBusy, ParsersBusy
from services.fetcher.model import Feed, PollOutcome, Response
from services.fetcher.polling.answers import bug, failure, judge, read, walked
from services.fetcher.polling.feed_client import Client, FeedClient, Gate, Hosts
from services.fetcher.polling.found import Found, conclude, is_push_silent, situation
from services.fetcher.polling.outage import UNREACHED, Network
from services.fetcher.polling.poll_log import report, report_away, report_back
from services.fetcher.polling.reading import Parse, Reader
from services.fetcher.polling.sameness import Hashes
from services.fetcher.polling.schedule import Schedule, next_poll
from services.fetcher.polling.standing import Request, request
from services.fetcher.polling.store import Poll
from shared import metrics
from shared.errors import PipelineError, StoreConflict, TransientError, Unavailable
from shared.lifecycle import hand_back
from shared.steps import Step, step
from shared.urls import site_of

log = structlog.get_logger()

UNEXPECTED = "unexpected_error"
PUT_OFF = timedelta(minutes=2)
"""How long a poll waits that met an outage of our own network; it is no failure of the feed."""
CROWDED = timedelta(minutes=15)
"""How long one waits whose document found no place among those that wait to be parsed; nor is that a failure."""


class Feeds(Protocol):
    async def known(self, feed: UUID, identities: list[str]) -> Mapping[str, str]: ...
    async def commit(self, poll: Poll) -> bool: ...
    async def postpone(self, feed: Feed, until: datetime) -> None: ...
    async def put_off(self, feed: Feed, others: tuple[Feed, ...], wait: timedelta) -> None: ...
    async def release(self, feed: Feed) -> None: ...


class Poller:
    """Polls one feed at a time; of other polls it knows only whether the network is there."""

    def __init__(  # noqa: PLR0913 - a poll's neighbours, each given by name or obvious
        self,
        client: Client,
        feeds: Feeds,
        hosts: Hosts,
        parse: Parse,
        *,
        delay: timedelta,
        gate: Gate | None = None,
        network: Network | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = FeedClient(client, hosts, gate, delay=delay)
        self._feeds = feeds
        self._reader = Reader(self._client.ask_more, feeds, parse)
        self._network = network or Network()
        self._clock = clock

    async def poll(self, feed: Feed) -> PollOutcome:
        """Poll the feed; every failure becomes an outcome. Raises Unavailable; cancelled, it hands the feed back."""
        try:
            return await self._polled(feed)
        except asyncio.CancelledError:
            await hand_back(step(Step.POLL_RELEASE, self._feeds.release(feed)))
            raise

    async def _polled(self, feed: Feed) -> PollOutcome:
        try:
            return await self._answered(feed)
        except HostBusy as busy:
            await step(Step.POLL_POSTPONE, self._feeds.postpone(feed, busy.until))
            return _waits(feed, until=busy.until.isoformat())
        except ParsersBusy:
            await step(Step.POLL_POSTPONE, self._feeds.put_off(feed, (), CROWDED))
            return _waits(feed, until="a parse worker is free")
        except PipelineError:
            raise
        except Exception:
            # Ours to mend; until then it is met again at the feed's own pace, and not each time that a lease ends.
            log.exception("poll_failed", feed=feed.settings.name, url=feed.settings.url)
            return await self._commit(feed, bug(feed, UNEXPECTED))

    async def _answered(self, feed: Feed) -> PollOutcome:
        try:
            found = await self._found(feed)
        except (Unavailable, StoreConflict, HostBusy, ParsersBusy):
            raise
        except PipelineError as error:
            if isinstance(error, TransientError) and error.reason in UNREACHED and await self._met_an_outage(feed):
                return _waits(feed, until="the network is back")
            found = failure(feed, error)
        return await self._commit(feed, found)

    async def _found(self, feed: Feed) -> Found:
        asked = request(feed, self._clock())
        response = await self._asked(feed, asked)
        found = judge(feed, asked, response)
        if isinstance(found, Hashes):
            return read(feed, asked, response, found, await self._reader.read(feed, response))
        if found.failed is None and feed.standing.unread is not None:
            return walked(found, await self._reader.go_on(feed, feed.standing.unread))
        return found

    async def _asked(self, feed: Feed, asked: Request) -> Response:
        response = await self._client.ask(feed, asked)
        if self._network.reached(site_of(response.final_url), self._clock()):
            report_back()
        return response

    async def _met_an_outage(self, feed: Feed) -> bool:
        """Whether no site at all can be reached: then nothing is held against this feed, nor those just before it."""
        others = self._network.unreached(site_of(feed.address), feed, self._clock())
        if not self._network.away:
            return False
        report_away(len(others) + 1, begins=bool(others))
        await step(Step.POLL_POSTPONE, self._feeds.put_off(feed, others, PUT_OFF))
        return True

    async def _commit(self, feed: Feed, found: Found) -> PollOutcome:
        now, chance = self._clock(), random()  # noqa: S311 - spreads polls, keeps no secret
        found = conclude(found, now)
        schedule = next_poll(found.rhythm, situation(feed, found, now), now=now, feed_id=feed.feed_id, jitter=chance)
        poll = _poll(feed, found, schedule, push_silent=is_push_silent(feed, found, now))
        kept = await step(Step.POLL_COMMIT, self._feeds.commit(poll))
        outcome = found.outcome if kept else PollOutcome.LEASE_LOST
        report(poll, found, outcome)
        return outcome


def _waits(feed: Feed, *, until: str) -> PollOutcome:
    """No poll at all: nothing was answered, so nothing is learned of the feed."""
    metrics.polls.labels(outcome=PollOutcome.WAITING.value).inc()
    log.info("feed_waits", outcome=PollOutcome.WAITING.value, url=feed.settings.url, until=until)
    return PollOutcome.WAITING


def _poll(feed: Feed, found: Found, schedule: Schedule, *, push_silent: bool) -> Poll:
    return Poll(
        feed=feed,
        schedule=schedule,
        rhythm=found.rhythm,
        standing=found.standing,
        validators=found.validators,
        body_hash=found.body_hash,
        content_hash=found.content_hash,
        final_url=found.final_url,
        title=found.title,
        hub=found.hub,
        sitemaps=found.sitemaps,
        selection=found.selection,
        document_read=found.document_read,
        timing=found.timing,
        push_silent=push_silent,
    )
