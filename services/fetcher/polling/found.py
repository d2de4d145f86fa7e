"""What a poll came to, and what follows from it. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.fetcher.model import (
    Feed,
    Hub,
    ParsedEntry,
    ParsedFeed,
    PollOutcome,
    Rhythm,
    Sitemap,
    Standing,
    Timing,
    Unread,
    Validators,
)
from services.fetcher.polling.schedule import Failure, Situation
from services.fetcher.polling.selection import Selection
from services.fetcher.polling.standing import concluded, failed, holds, is_considerate
from services.fetcher.web.hints import Hints

SILENT_PUSH = timedelta(minutes=15)
"""News that is older should have come from the feed's hub."""
RECENT_PUSH = timedelta(hours=1)
"""A hub that told us something since then has not fallen silent: it may be why we polled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a poll came to, before the next one is scheduled. `selection` only where something was read.

    `document_read` when the feed's whole newest document was; `news` are its new entries, `overlap` is the share of
    its entries that was known. `sitemaps` is None where no index was read. `gap`: the feed was read before, and nothing
    that it lists is known; `closed` by earlier documents.
    """

    outcome: PollOutcome
    rhythm: Rhythm
    standing: Standing
    validators: Validators | None
    body_hash: str | None
    content_hash: str | None
    hints: Hints = field(default_factory=Hints)
    failed: Failure | None = None
    selection: Selection | None = None
    document_read: bool = False
    news: tuple[ParsedEntry, ...] = ()
    overlap: float | None = None
    gap: bool = False
    closed: bool = False
    documents: int = 1
    status: int | None = None
    reason: str | None = None
    timing: Timing | None = None
    final_url: str | None = None
    title: str | None = None
    hub: Hub | None = None
    sitemaps: tuple[Sitemap, ...] | None = None
    holds: tuple[tuple[str, timedelta], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A document and what was chosen of it and of the `walked` earlier ones; `unread` is where that was interrupted.

    `overlap` is the share of the document's entries that was known; None where nothing could have been. `closed` when
    the earlier documents reached back to what was known, `killed` when one of them cost a worker.
    """

    parsed: ParsedFeed
    selection: Selection
    overlap: float | None = None
    walked: int = 0
    closed: bool = False
    killed: bool = False
    unread: Unread | None = None


def conclude(found: Found, at: datetime) -> Found:
    """`found`, with how the poll ended written down."""
    failing = found.failed is not None
    standing = failed(found.standing, found.rhythm.failures) if failing else found.standing
    standing = concluded(standing, found.outcome.value, found.reason, at, failing=failing)
    return replace(found, standing=standing, holds=(*holds(standing), *found.holds))


def situation(feed: Feed, found: Found, now: datetime) -> Situation:
    """What the schedule of the next poll depends on."""
    return Situation(
        bounds=feed.settings.bounds,
        wishes=found.standing.wishes,
        max_age=found.standing.max_age,
        retry_after=found.hints.retry_after,
        failed=found.failed,
        considerate=is_considerate(found.standing, found.validators, now),
        pushed=feed.pushed and not is_push_silent(feed, found, now),
        overlap=found.overlap,
        late=feed.late,
        holds=found.holds,
    )


def is_push_silent(feed: Feed, found: Found, now: datetime) -> bool:
    """Whether a feed whose hub should have told us lists news that it did not tell; without a time it counts as old."""
    if not feed.pushed:
        return False
    if feed.pushed_at is not None and feed.pushed_at > now - RECENT_PUSH:
        return False
    new = (entry.facts.published or entry.facts.updated for entry in found.news)
    return any(at is None or at < now - SILENT_PUSH for at in new)
