"""One page of one entry.

    robots.txt → the host's next slot, and the observation's number, stored → GET → still ours?
    what the transport says → observe (fetched | unchanged | gone | feed_only) or look again later
    publish the RawPage with a confirm → mark the entry queued

The downloader orchestrates; what an answer means is decided in `observation`. A crash after the publish repeats the
work under a new number, and the processor finds nothing new in it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.fetcher.errors import HostBusy, LeaseLost
from services.fetcher.hosts.hosts import turn
from services.fetcher.hosts.robotstxt import Robots
from services.fetcher.model import DownloadOutcome, Entry, Response, Validators
from services.fetcher.pages.frontier import Visit, VisitResult
from services.fetcher.pages.observation import (
    LONGEST_PAUSE,
    PASSING_STATUSES,
    Again,
    Finding,
    Observe,
    VisitPolicy,
    judge_failure,
    judge_response,
)
from services.fetcher.pages.rights import rights
from services.fetcher.pages.seen import Seen, raw_page, visit_result
from services.fetcher.web.hints import read_hints
from services.fetcher.web.responses import THROTTLING_STATUSES
from shared import metrics
from shared.broker.protocols import Postponed
from shared.errors import PermanentError, StoreConflict, TransientError, Unavailable
from shared.lifecycle import hand_back
from shared.messages import RawPage
from shared.steps import Step, step
from shared.urls import host_of, site_of
from shared.waiting import waiting

log = structlog.get_logger()
Concluded = tuple[DownloadOutcome, dict[str, object]]

UNEXPECTED = "unexpected_error"
ACCEPT = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.1"


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


class Entries(Protocol):
    async def begin(self, entry: Entry, delay: timedelta) -> Visit: ...
    async def number(self, entry: Entry) -> Visit: ...
    async def holds(self, entry: Entry) -> bool: ...
    async def commit(self, result: VisitResult) -> bool: ...
    async def postpone(self, entry: Entry, until: datetime) -> None: ...
    async def release(self, entry: Entry) -> None: ...


class Hosts(Protocol):
    async def reserve(self, site: str, delay: timedelta) -> timedelta: ...
    async def follow(self, site: str, delay: timedelta) -> timedelta: ...
    async def check(self, site: str) -> None: ...
    async def hold(self, site: str, retry_after: timedelta | None) -> datetime: ...


class Gate(Protocol):
    async def check(self, url: str) -> Robots: ...
    def pace(self, rules: Robots, page_delay: timedelta | None) -> timedelta: ...


class Outlet(Protocol):
    async def send(self, page: RawPage, *, attempt: int = 1) -> None: ...


class Downloader:
    """Looks at one entry at a time; holds no state between entries."""

    def __init__(
        self, client: Client, entries: Entries, hosts: Hosts, gate: Gate, outlet: Outlet, policy: VisitPolicy
    ) -> None:
        self._client = client
        self._entries = entries
        self._hosts = hosts
        self._gate = gate
        self._outlet = outlet
        self._policy = policy

    async def visit(self, entry: Entry) -> DownloadOutcome:
        """Look at the entry's page; every failure becomes an outcome. Cancelled, it hands the entry back."""
        try:
            return await self._visited(entry)
        except asyncio.CancelledError:
            await hand_back(step(Step.VISIT_RELEASE, self._entries.release(entry)))
            raise

    async def _visited(self, entry: Entry) -> DownloadOutcome:
        policy, level = self._policy_for(entry), log.info
        try:
            outcome, facts = await self._visit(entry, policy)
        except LeaseLost:
            outcome, facts = DownloadOutcome.LEASE_LOST, {}
        except HostBusy as busy:
            await step(Step.VISIT_POSTPONE, self._entries.postpone(entry, busy.until))
            outcome, facts = DownloadOutcome.WAITING, {"until": busy.until.isoformat()}
        except TransientError as error:
            # Store or broker take nothing: the lease ends by itself, and the entry is looked at again. Who asks them
            # all the time tells that they are waited for; the same line for each entry would say no more.
            outcome, facts, level = DownloadOutcome.RETRY, {"reason": str(error)}, log.debug
        metrics.downloads.labels(outcome=outcome.value).inc()
        level("page_visited", outcome=outcome.value, url=entry.url, entry_id=str(entry.entry_id), **facts)
        return outcome

    async def _visit(self, entry: Entry, policy: VisitPolicy) -> Concluded:
        try:
            return await self._conclude(entry, policy, await self._look(entry, policy))
        except TransientError:
            raise
        except Exception:
            # Ours to mend; until then it is met again after growing pauses, and not each time that a lease ends.
            log.exception("visit_failed", url=entry.url, entry_id=str(entry.entry_id))
        finding = judge_failure(entry, UNEXPECTED, policy)
        try:
            return await self._conclude(entry, policy, Seen(finding=finding))
        except TransientError:
            raise
        except Exception:
            # Not even the feed's own text can be sent.
            log.exception("visit_failed", url=entry.url, entry_id=str(entry.entry_id))
        never = Again(reason=UNEXPECTED, pause=LONGEST_PAUSE)
        return await self._conclude(entry, policy, Seen(finding=never))

    async def _conclude(self, entry: Entry, policy: VisitPolicy, seen: Seen) -> Concluded:
        """Publish what there is to publish, and store how it went on."""
        finding, response = seen.finding, seen.response
        if isinstance(finding, Observe):
            finding = await self._send(entry, finding, seen, await self._still_ours(entry, seen.visit))
        if not await step(Step.VISIT_COMMIT, self._entries.commit(visit_result(entry, finding, response, policy))):
            raise LeaseLost
        status = {"status": response.status} if response else {}
        if isinstance(finding, Again):
            again_in = finding.pause.total_seconds()
            return DownloadOutcome.RETRY, {"reason": finding.reason, "again_in": again_in, **status}
        reason = {"reason": finding.reason} if finding.reason else {}
        return DownloadOutcome(finding.kind), {**reason, **status}

    async def _still_ours(self, entry: Entry, visit: Visit | None) -> Visit:
        """Leave to publish. Numbers say which page is newer: one that was asked for after a later number must not go.

        Raises LeaseLost.
        """
        if visit is None:
            return await step(Step.VISIT_NUMBER, self._entries.number(entry))
        if not await self._entries.holds(entry):
            raise LeaseLost
        return visit

    async def _look(self, entry: Entry, policy: VisitPolicy) -> Seen:
        if entry.url is None:
            return Seen(finding=Observe(kind="feed_only", reason="no_address"))
        visit = None
        try:
            rules = await self._gate.check(entry.url)
            begun = self._entries.begin(entry, self._gate.pace(rules, entry.feed.page_delay))
            visit = await step(Step.VISIT_BEGIN, begun)
            await turn(self._hosts, site_of(entry.url), visit.wait)
            response, rules = await step(Step.VISIT_REQUEST, self._get(entry, entry.url, rules))
        except (HostBusy, LeaseLost, StoreConflict, Unavailable):
            raise
        except TransientError as error:
            waiting.lasts(site_of(entry.url), "sites", error.reason)
            return Seen(finding=judge_failure(entry, error.reason, policy), visit=visit)
        except PermanentError as error:
            return Seen(finding=Observe(kind="feed_only", reason=error.reason), visit=visit)
        if response.status in PASSING_STATUSES:
            waiting.lasts(site_of(entry.url), "sites", f"http_{response.status}")
        else:
            waiting.over(site_of(entry.url))
        if response.status in THROTTLING_STATUSES:
            await self._throttled(response.final_url, response)
        return Seen(
            finding=judge_response(entry, response, policy),
            response=response,
            visit=visit,
            rights=rights(response.headers, rules, response.final_url),
        )

    async def _get(self, entry: Entry, url: str, rules: Robots) -> tuple[Response, Robots]:
        """The answer, and the rules of the host that gave it."""
        own_site = site_of(url) == site_of(entry.feed.url)

        async def before_hop(target: str) -> None:
            nonlocal rules
            rules = await self._gate.check(target)
            pace = self._gate.pace(rules, entry.feed.page_delay)
            take = self._hosts.follow if site_of(target) == site_of(url) else self._hosts.reserve
            wait = await step(Step.VISIT_HOP, take(site_of(target), pace))
            await turn(self._hosts, site_of(target), wait)

        response = await self._client.get(
            url,
            accept=ACCEPT,
            validators=entry.validators,
            headers=entry.feed.headers if own_site else {},
            before_hop=before_hop,
        )
        return response, rules

    async def _throttled(self, url: str, response: Response) -> None:
        hints = read_hints(response.headers, response.status, response.fetched_at)
        until = await step(Step.HOST_HOLD, self._hosts.hold(site_of(url), hints.retry_after))
        log.info("host_throttles", host=host_of(url), status=response.status, until=until.isoformat())

    async def _send(self, entry: Entry, finding: Observe, seen: Seen, visit: Visit) -> Finding:
        """Publish the observation; returns what was published, or the look to come when the broker wants it later."""
        page = raw_page(entry, finding, seen, visit)
        try:
            await step(Step.PAGE_PUBLISH, self._outlet.send(page, attempt=entry.postponed + 1))
        except Postponed as later:
            pause = timedelta(seconds=later.retry_after or 0)
            return Again(reason=later.reason, pause=pause, counts=False, postponed=entry.postponed + 1)
        except PermanentError as error:
            if not page.body:
                raise
            # No broker takes the page (its size): nothing has this number yet, and the feed's own text may do.
            return await self._send(entry, Observe(kind="feed_only", reason=error.reason), seen, visit)
        return finding

    def _policy_for(self, entry: Entry) -> VisitPolicy:
        own = entry.feed.revisit_after
        if own is None:
            return self._policy
        return VisitPolicy(
            attempts=self._policy.attempts,
            first_pause=self._policy.first_pause,
            confirm_gone=min(self._policy.confirm_gone, own[0]) if own else self._policy.confirm_gone,
            revisit_after=own,
        )
