"""One poll of one feed.

    the host's next slot → conditional GET
    304, or the body we know?   → nothing to read
    parse in a worker process   → select new and changed entries
    ONE transaction: new entries as pending, the validators, the body hash, the next poll and why

The poller orchestrates; what is new is decided in `selection`, when to come back in `schedule`. Because entries and
validators are stored together, a later 304 can never hide an entry: it is ours already.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import random
from typing import Protocol
from uuid import UUID

import structlog

from services.fetcher.errors import HostBusy
from services.fetcher.hints import Hints, read_hints
from services.fetcher.hosts import turn
from services.fetcher.model import Feed, ParsedFeed, PollOutcome, Response, Rhythm, Timing, Validators
from services.fetcher.observation import THROTTLING_STATUSES, body_hash
from services.fetcher.schedule import Failure, Schedule, fail, next_poll, observe
from services.fetcher.selection import Selection, select
from services.fetcher.store import Poll
from shared import metrics
from shared.errors import PermanentError, PipelineError, StoreConflict, TransientError, Unavailable
from shared.lifecycle import hand_back
from shared.steps import Step, step
from shared.urls import site_of
from shared.waiting import waiting

log = structlog.get_logger()

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
UNEXPECTED = "unexpected_error"
AWAY_STATUSES = frozenset({408, 425, 429}) | set(range(500, 600))
PASSING_STATUSES = AWAY_STATUSES | {403, 404}

Parse = Callable[[bytes, str | None, str], Awaitable[ParsedFeed]]


class Client(Protocol):
    async def get(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators | None = None,
        headers: Mapping[str, str] = ...,
        before_hop: Callable[[str], Awaitable[None]] | None = None,
    ) -> Response: ...


class Feeds(Protocol):
    async def known(self, feed: UUID, identities: list[str]) -> Mapping[str, str]: ...
    async def commit(self, poll: Poll) -> bool: ...
    async def postpone(self, feed: Feed, until: datetime) -> None: ...
    async def release(self, feed: Feed) -> None: ...


class Hosts(Protocol):
    async def reserve(self, site: str, delay: timedelta) -> timedelta: ...
    async def check(self, site: str) -> None: ...
    async def hold(self, site: str, retry_after: timedelta | None) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a poll came to, before the next one is scheduled. `selection` only where something was read."""

    outcome: PollOutcome
    rhythm: Rhythm
    validators: Validators | None
    body_hash: str | None
    hints: Hints = field(default_factory=Hints)
    failed: Failure | None = None
    selection: Selection | None = None
    status: int | None = None
    reason: str | None = None
    timing: Timing | None = None


class Poller:
    """Polls one feed at a time; holds no state between polls."""

    def __init__(self, client: Client, feeds: Feeds, hosts: Hosts, parse: Parse, *, delay: timedelta) -> None:
        self._client = client
        self._feeds = feeds
        self._hosts = hosts
        self._parse = parse
        self._delay = delay

    async def poll(self, feed: Feed) -> PollOutcome:
        """Poll the feed; every failure becomes an outcome. Raises Unavailable; cancelled, it hands the feed back."""
        try:
            return await self._polled(feed)
        except asyncio.CancelledError:
            await hand_back(step(Step.POLL_RELEASE, self._feeds.release(feed)))
            raise

    async def _polled(self, feed: Feed) -> PollOutcome:
        try:
            return await self._commit(feed, await self._answered(feed))
        except HostBusy as busy:
            return await self._wait_for_host(feed, busy.until)
        except PipelineError:
            raise
        except Exception:
            # Ours to mend; until then it is met again at the feed's own pace, and not each time that a lease ends.
            log.exception("poll_failed", feed=feed.settings.name, url=feed.settings.url)
            return await self._commit(feed, _failure(feed, Failure.OURS, UNEXPECTED))

    async def _answered(self, feed: Feed) -> Found:
        try:
            return await self._found(feed)
        except (Unavailable, StoreConflict, HostBusy):
            raise
        except PipelineError as error:
            return _failed(feed, error)

    async def _commit(self, feed: Feed, found: Found) -> PollOutcome:
        schedule = next_poll(
            found.rhythm,
            now=datetime.now(UTC),
            bounds=feed.settings.bounds,
            hints=found.hints,
            failed=found.failed,
            feed_id=feed.feed_id,
            jitter=random(),  # noqa: S311 - spreads polls, keeps no secret
        )
        kept = await step(Step.POLL_COMMIT, self._feeds.commit(_poll(feed, found, schedule)))
        outcome = found.outcome if kept else PollOutcome.LEASE_LOST
        _report(feed, found, schedule, outcome)
        return outcome

    async def _wait_for_host(self, feed: Feed, until: datetime) -> PollOutcome:
        """No poll at all: nothing was asked, so nothing is learned of the feed."""
        await step(Step.POLL_POSTPONE, self._feeds.postpone(feed, until))
        metrics.polls.labels(outcome=PollOutcome.WAITING.value).inc()
        log.info("feed_waits", outcome=PollOutcome.WAITING.value, url=feed.settings.url, until=until.isoformat())
        return PollOutcome.WAITING

    async def _found(self, feed: Feed) -> Found:
        async def slot(url: str) -> None:
            delay = self._delay if feed.settings.page_delay is None else feed.settings.page_delay
            wait = await step(Step.POLL_SLOT, self._hosts.reserve(site_of(url), delay))
            await turn(self._hosts, site_of(url), wait)

        if feed.wait is None:
            await slot(feed.settings.url)
        else:
            await turn(self._hosts, site_of(feed.settings.url), feed.wait)
        asked = self._client.get(
            feed.settings.url,
            accept=ACCEPT,
            validators=feed.validators,
            headers=feed.settings.headers,
            before_hop=slot,
        )
        response = await step(Step.POLL_REQUEST, asked)
        hints = replace(read_hints(response.headers, response.status, response.fetched_at), ttl=feed.rhythm.ttl)
        if response.status in THROTTLING_STATUSES:
            await step(Step.HOST_HOLD, self._hosts.hold(site_of(response.final_url), hints.retry_after))
        if response.status == 304 and feed.validators is not None:
            return _unchanged(feed, response, hints, PollOutcome.NOT_MODIFIED)
        if not 200 <= response.status < 300:
            return _refused(feed, response, hints)
        if body_hash(response.body) == feed.body_hash:
            return _unchanged(feed, response, hints, PollOutcome.UNCHANGED)
        return await self._read(feed, response, hints)

    async def _read(self, feed: Feed, response: Response, hints: Hints) -> Found:
        reading = self._parse(response.body, response.headers.get("content-type"), response.final_url)
        parsed = await step(Step.POLL_PARSE, reading)
        known = await self._feeds.known(feed.feed_id, [entry.identity for entry in parsed.entries])
        selection = select(parsed, known, feed.settings, first_poll=feed.rhythm.polls == 0)
        published = [entry.facts.published or entry.facts.updated for entry in selection.new]
        return Found(
            outcome=PollOutcome.CHANGED,
            rhythm=replace(observe(feed.rhythm, published, response.fetched_at), ttl=parsed.wishes.ttl),
            # A document that broke off is not remembered: the rest of it must not be hidden by a 304.
            validators=None if response.truncated else response.validators,
            body_hash=None if response.truncated else body_hash(response.body),
            hints=replace(hints, ttl=parsed.wishes.ttl),
            selection=selection,
            status=response.status,
            timing=response.timing,
            reason=",".join(parsed.faults) or None,
        )


def _unchanged(feed: Feed, response: Response, hints: Hints, outcome: PollOutcome) -> Found:
    """Validators are replaced one by one: a 304 may bring a new one, and what it leaves out stays."""
    old, new = feed.validators, response.validators
    merged = new
    if old and (new is None or new.url == old.url):
        merged = Validators(
            url=old.url,
            etag=(new and new.etag) or old.etag,
            last_modified=(new and new.last_modified) or old.last_modified,
        )
    return Found(
        outcome=outcome,
        rhythm=observe(feed.rhythm, (), response.fetched_at),
        validators=merged,
        body_hash=feed.body_hash,
        hints=hints,
        status=response.status,
        timing=response.timing,
    )


def _refused(feed: Feed, response: Response, hints: Hints) -> Found:
    throttled = response.status in THROTTLING_STATUSES
    weight = Failure.PASSING if response.status in PASSING_STATUSES else Failure.LASTING
    return Found(
        outcome=PollOutcome.THROTTLED if throttled else PollOutcome.FAILED,
        rhythm=fail(feed.rhythm, weight.value),
        validators=feed.validators,
        body_hash=feed.body_hash,
        hints=hints,
        failed=weight,
        status=response.status,
        timing=response.timing,
        reason=f"http_{response.status}",
    )


def _failed(feed: Feed, error: PipelineError) -> Found:
    weight = Failure.PASSING if isinstance(error, TransientError) else Failure.LASTING
    refused = isinstance(error, PermanentError) and error.reason == "address_refused"
    return replace(_failure(feed, weight, str(error)), outcome=PollOutcome.BLOCKED if refused else PollOutcome.FAILED)


def _failure(feed: Feed, weight: Failure, reason: str) -> Found:
    return Found(
        outcome=PollOutcome.FAILED,
        rhythm=fail(feed.rhythm, weight.value),
        validators=feed.validators,
        body_hash=feed.body_hash,
        failed=weight,
        reason=reason,
    )


def _poll(feed: Feed, found: Found, schedule: Schedule) -> Poll:
    return Poll(
        feed=feed,
        schedule=schedule,
        rhythm=found.rhythm,
        validators=found.validators,
        body_hash=found.body_hash,
        selection=found.selection,
        timing=found.timing,
    )


def _report(feed: Feed, found: Found, schedule: Schedule, outcome: PollOutcome) -> None:
    metrics.polls.labels(outcome=outcome.value).inc()
    troubled = outcome in {PollOutcome.FAILED, PollOutcome.BLOCKED, PollOutcome.THROTTLED}
    facts: dict[str, object] = {"status": found.status, "reason": found.reason}
    if found.selection is not None:
        counts = found.selection
        facts |= {"new": len(counts.new), "changed": len(counts.changed), "skipped": len(counts.skipped)}
    site = site_of(feed.settings.url)
    away = found.failed is Failure.PASSING and (found.status is None or found.status in AWAY_STATUSES)
    # A few are named; when it is all of them, it is our own network.
    aloud = waiting.noted(site, "sites", found.reason or "") if away else troubled
    if found.failed is None:
        waiting.over(site)
    level = log.warning if aloud else log.info
    said = {name: value for name, value in facts.items() if value is not None}
    seconds = round(schedule.interval.total_seconds(), 1)
    level("feed_polled", outcome=outcome.value, feed=feed.settings.name, url=feed.settings.url, next_in=seconds, **said)
