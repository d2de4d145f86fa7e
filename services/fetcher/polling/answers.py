"""What an answer to a poll means. Pure.

304 to what was asked with, or the document that is known     nothing to read; nothing forgotten
another document                                               read: what it lists, and what is learned of its feed
a bot check, robots.txt                                        blocked: not the feed's fault, and no reason to insist
anything else                                                  a failure, which weighs as much as it is likely to last
"""

from dataclasses import replace
from datetime import timedelta

from services.fetcher.model import (
    Feed,
    FeedLinks,
    Hub,
    PollOutcome,
    Response,
    Standing,
    Validators,
)
from services.fetcher.polling.found import Found, Reading
from services.fetcher.polling.sameness import Hashes, hashes
from services.fetcher.polling.schedule import Failure, fail, observe
from services.fetcher.polling.standing import (
    Request,
    followed,
    not_modified,
    refused,
    told,
    usable,
)
from services.fetcher.web.challenges import challenge
from services.fetcher.web.hints import Hints, read_hints
from services.fetcher.web.link_header import linked
from services.fetcher.web.responses import THROTTLING_STATUSES
from shared.errors import PermanentError, PipelineError, TransientError
from shared.workers import WorkerLost

AWAY_STATUSES = frozenset({408, 425, 429}) | set(range(500, 600))
PASSING_STATUSES = AWAY_STATUSES | {403, 404}
DOCUMENT_STATUSES = range(200, 300)
PARTIAL = 226
"""Only what is new since the validators (RFC 3229): it says nothing of what the feed lists."""
REFUSALS = frozenset({"address_refused", "robots"})
BLOCKED_FOR = timedelta(hours=6)
DISALLOWED_FOR = timedelta(hours=24)


def judge(feed: Feed, asked: Request, response: Response) -> Found | Hashes:
    """What the answer means where its document need not be read; the document's hashes where it must be."""
    hints = read_hints(response.headers, response.status, response.fetched_at)
    if reason := challenge(response):
        return _blocked(feed, reason, response, hints)
    if response.status == 304 and asked.validators is not None and asked.validators.url == response.final_url:
        return _not_modified(feed, asked.validators, response, hints)
    if response.status not in DOCUMENT_STATUSES:
        return _refused(feed, response, hints)
    document = hashes(response.body)
    if document.body == feed.body_hash or _is_same(feed, response, document):
        return _unchanged(feed, asked, response, document, hints)
    return document


def read(feed: Feed, asked: Request, response: Response, document: Hashes, reading: Reading) -> Found:
    """What a document means that was read."""
    hints = read_hints(response.headers, response.status, response.fetched_at)
    partial = response.status == PARTIAL
    standing = told(feed, asked, response, same=False)
    # What was never read elsewhere is of no other feed.
    proved = bool(reading.overlap) or feed.rhythm.newest is None
    standing = followed(replace(feed, standing=standing), response, proved=proved)
    standing = replace(
        standing,
        wishes=reading.parsed.wishes,
        max_age=_max_age(feed, response, hints),
        kills=feed.standing.kills + 1 if reading.killed else 0,
        unread=reading.unread,
    )
    listed = {entry.identity for entry in reading.parsed.entries}
    news = tuple(entry for entry in reading.selection.new if entry.identity in listed)
    times = (entry.facts.published or entry.facts.updated for entry in news)
    return Found(
        outcome=PollOutcome.CHANGED,
        rhythm=observe(feed.rhythm, times, response.fetched_at),
        standing=standing,
        validators=None if response.truncated else usable(response.validators, response),
        body_hash=_kept_hash(feed.body_hash, document.body, response),
        content_hash=_kept_hash(feed.content_hash, document.content, response),
        hints=hints,
        selection=reading.selection,
        document_read=not partial,
        news=news,
        overlap=None if partial else reading.overlap,
        gap=reading.overlap == 0.0 and not partial,
        closed=reading.closed,
        documents=1 + reading.walked,
        status=response.status,
        reason=",".join(reading.parsed.faults) or None,
        timing=response.timing,
        final_url=response.final_url,
        title=reading.parsed.title,
        hub=_hub(response, reading.parsed.links),
        sitemaps=reading.parsed.sitemaps or None,
    )


def walked(found: Found, reading: Reading) -> Found:
    """`found`, where nothing was new, with what earlier documents held that had been left unread."""
    return replace(
        found,
        selection=reading.selection,
        documents=1 + reading.walked,
        standing=replace(found.standing, unread=reading.unread, kills=int(reading.killed)),
    )


def failure(feed: Feed, error: PipelineError) -> Found:
    """What a failure means that gave no answer, or none that can be read."""
    if isinstance(error, PermanentError) and error.reason in REFUSALS:
        hold = (("robots", DISALLOWED_FOR),) if error.reason == "robots" else ()
        found = _failure(feed, Failure.PASSING if hold else Failure.LASTING, str(error))
        return replace(found, outcome=PollOutcome.BLOCKED, holds=(*found.holds, *hold))
    weight = Failure.PASSING if isinstance(error, TransientError) else Failure.LASTING
    if isinstance(error, WorkerLost):
        feed = replace(feed, standing=replace(feed.standing, kills=feed.standing.kills + 1))
    return _failure(feed, weight, str(error))


def bug(feed: Feed, reason: str) -> Found:
    """What a mistake of ours means: next to nothing for the feed."""
    return _failure(feed, Failure.OURS, reason)


def _is_same(feed: Feed, response: Response, document: Hashes) -> bool:
    """A broken-off document may be the beginning of another."""
    return not response.truncated and document.content == feed.content_hash


def _not_modified(feed: Feed, sent: Validators, response: Response, hints: Hints) -> Found:
    """Validators are replaced one by one: a 304 may bring a new one, and what it leaves out stays."""
    old, new = feed.validators, usable(response.validators, response)
    merged = old and Validators(
        url=old.url,
        etag=(new and new.etag) or old.etag,
        last_modified=(new and new.last_modified) or old.last_modified,
    )
    standing = not_modified(feed.standing, sent, response.fetched_at)
    found = _as_known(feed, standing, response, hints, PollOutcome.NOT_MODIFIED)
    return replace(found, validators=merged)


def _unchanged(feed: Feed, asked: Request, response: Response, document: Hashes, hints: Hints) -> Found:
    standing = told(feed, asked, response, same=True)
    found = _as_known(feed, standing, response, hints, PollOutcome.UNCHANGED)
    return replace(
        found,
        validators=None if response.truncated else usable(response.validators, response),
        body_hash=_kept_hash(feed.body_hash, document.body, response),
    )


def _as_known(feed: Feed, standing: Standing, response: Response, hints: Hints, outcome: PollOutcome) -> Found:
    # What is known was read where the feed was before it was redirected, unless the redirect is older.
    proved = feed.standing.moving is None
    standing = followed(replace(feed, standing=standing), response, proved=proved)
    return Found(
        outcome=outcome,
        rhythm=observe(feed.rhythm, (), response.fetched_at),
        standing=replace(standing, max_age=_max_age(feed, response, hints), kills=0),
        validators=feed.validators,
        body_hash=feed.body_hash,
        content_hash=feed.content_hash,
        hints=hints,
        status=response.status,
        timing=response.timing,
        final_url=response.final_url,
        hub=_hub(response, FeedLinks()),
    )


def _refused(feed: Feed, response: Response, hints: Hints) -> Found:
    throttled = response.status in THROTTLING_STATUSES
    weight = Failure.PASSING if response.status in PASSING_STATUSES else Failure.LASTING
    standing = refused(feed.standing, response.status, response.fetched_at)
    return replace(
        _failure(feed, weight, f"http_{response.status}"),
        outcome=PollOutcome.THROTTLED if throttled else PollOutcome.FAILED,
        standing=replace(standing, max_age=_max_age(feed, response, hints)),
        hints=hints,
        status=response.status,
        timing=response.timing,
    )


def _blocked(feed: Feed, reason: str, response: Response, hints: Hints) -> Found:
    return replace(
        _failure(feed, Failure.PASSING, reason),
        outcome=PollOutcome.BLOCKED,
        hints=hints,
        status=response.status,
        timing=response.timing,
        holds=((reason, BLOCKED_FOR),),
    )


def _failure(feed: Feed, weight: Failure, reason: str) -> Found:
    return Found(
        outcome=PollOutcome.FAILED,
        rhythm=fail(feed.rhythm, weight.value),
        standing=feed.standing,
        validators=feed.validators,
        body_hash=feed.body_hash,
        content_hash=feed.content_hash,
        failed=weight,
        reason=reason,
    )


def _kept_hash(known: str | None, new: str, response: Response) -> str | None:
    """A partial document is not the document, and the rest of one that broke off must not be taken for known."""
    if response.truncated:
        return None
    return known if response.status == PARTIAL else new


def _max_age(feed: Feed, response: Response, hints: Hints) -> timedelta | None:
    """A 304 that says nothing of it leaves what was said before (RFC 9111, 4.3.4)."""
    says = hints.says_freshness or response.status in DOCUMENT_STATUSES
    return hints.max_age if says else feed.standing.max_age


def _hub(response: Response, links: FeedLinks) -> Hub | None:
    """The header's word before the document's."""
    header, base = response.headers.get("link", ""), response.final_url
    hub = linked(header, "hub", base) or links.hub
    if hub is None:
        return None
    return Hub(url=hub, topic=linked(header, "self", base) or links.own or base)
