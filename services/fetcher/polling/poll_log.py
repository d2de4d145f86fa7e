"""What is told of polls: a line and a count for each, and a line for each turn that a feed takes."""

import structlog

from services.fetcher.model import PollOutcome
from services.fetcher.polling.answers import AWAY_STATUSES
from services.fetcher.polling.found import Found
from services.fetcher.polling.schedule import Failure
from services.fetcher.polling.store import Poll
from shared import metrics
from shared.urls import site_of
from shared.waiting import waiting

log = structlog.get_logger()
TROUBLE = frozenset({PollOutcome.FAILED, PollOutcome.BLOCKED, PollOutcome.THROTTLED})
POLLS = "feeds, all sites"


def report(poll: Poll, found: Found, outcome: PollOutcome) -> None:
    settings, site = poll.feed.settings, site_of(poll.feed.settings.url)
    metrics.polls.labels(outcome=outcome.value).inc()
    facts: dict[str, object] = {"status": found.status, "reason": found.reason}
    if found.selection is not None:
        counts = found.selection
        facts |= {"new": len(counts.new), "changed": len(counts.changed), "skipped": len(counts.skipped)}
    away = found.failed is Failure.PASSING and (found.status is None or found.status in AWAY_STATUSES)
    # A few are named; when it is all of them, it is our own network.
    aloud = waiting.noted(site, "sites", found.reason or "") if away else outcome in TROUBLE
    if found.failed is None:
        waiting.over(site)
    level = log.warning if aloud else log.info
    said = {name: value for name, value in facts.items() if value is not None}
    seconds = round(poll.schedule.interval.total_seconds(), 1)
    level("feed_polled", outcome=outcome.value, feed=settings.name, url=settings.url, next_in=seconds, **said)
    if outcome is not PollOutcome.LEASE_LOST:
        _report_turns(poll, found)


def _report_turns(poll: Poll, found: Found) -> None:
    """What happens to a feed once in a while, and its owner or ours may want to know."""
    url, before, after = poll.feed.settings.url, poll.feed.standing, poll.standing
    if found.gap:
        metrics.feed_gaps.labels(closed=str(found.closed).lower()).inc()
        level = log.info if found.closed else log.warning
        level("feed_gap", url=url, documents=found.documents, closed=found.closed, overlap=0)
    if after.parked and not before.parked:
        log.warning("feed_gone", url=url, since=after.gone_since and after.gone_since.isoformat())
    if after.moved_to != before.moved_to:
        log.info("feed_moved", url=url, to=after.moved_to or url)
    if after.lied_at != before.lied_at:
        log.info("feed_lied", url=url, remedy="none needed: it is asked without validators for a while")
    if poll.push_silent:
        log.warning("push_silent", url=url, remedy="none needed: it is polled at its own pace again")


def report_away(sites: int, *, begins: bool) -> None:
    """Said at each try, or the report ends: no site can be reached, which is our own network's fault."""
    waiting.noted(POLLS, "network", "no site answers")
    if begins:
        log.warning("network_away", sites=sites, remedy="see this machine's network and DNS; polls wait meanwhile")


def report_back() -> None:
    waiting.given_up(POLLS)
    log.info("network_back")
