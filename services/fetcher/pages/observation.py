"""What one look at a page came to, by what the transport says. Pure; what the page says is the processor's to judge.

200 with text            fetched; unchanged when the body is the one we have
304                      unchanged
404, 410                 gone, when a second look some time later finds the same
a wall (`challenges`)    the feed's own text, with the reason; the looks to come may find the page
the site's front page    the same: where articles that are gone are redirected to
408, 425, 429, 5xx       try again, with growing pauses; after the last attempt the feed's own text is used
anything else            the feed's own text, with the reason
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from services.fetcher.model import Entry, Response
from services.fetcher.web.challenges import challenge
from services.fetcher.web.responses import body_hash
from shared.messages import ObservationKind
from shared.urls import site_of

GONE_STATUSES = frozenset({404, 410})
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
UNCONFIRMED_GONE = "gone_unconfirmed"
LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPolicy:
    """How patient we are with a page, and when it is looked at again after an observation."""

    attempts: int
    first_pause: timedelta
    confirm_gone: timedelta
    revisit_after: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Publish an observation of this kind; `reason` says why there is no page where there is none."""

    kind: ObservationKind
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """No observation yet; look again after `pause`. `counts` tells an attempt from a courtesy.

    `postponed` is how often in a row the processor has asked for that.
    """

    reason: str
    pause: timedelta
    counts: bool = True
    postponed: int = 0


Finding = Observe | Again


def judge_response(entry: Entry, response: Response, policy: VisitPolicy) -> Finding:
    """What an HTTP answer means for the entry."""
    wall = challenge(response)
    return Observe(kind="feed_only", reason=wall) if wall else _judge_answer(entry, response, policy)


def _judge_answer(entry: Entry, response: Response, policy: VisitPolicy) -> Finding:
    status = response.status
    # "Not modified" to someone who has nothing is a fault of the server.
    known = entry.validators if status == 304 else status in {200, 226} and _is_known(entry, response)
    if known:
        return Observe(kind="unchanged")
    if status in GONE_STATUSES:
        confirmed = entry.reason == UNCONFIRMED_GONE
        return Observe(kind="gone") if confirmed else Again(reason=UNCONFIRMED_GONE, pause=policy.confirm_gone)
    if status in PASSING_STATUSES or status == 304:
        return judge_failure(entry, f"http_{status}", policy)
    if not 200 <= status < 300:
        return Observe(kind="feed_only", reason=f"http_{status}")
    if response.truncated and entry.attempts + 1 < policy.attempts:
        return judge_failure(entry, "truncated", policy)
    return _judge_body(response)


def _is_known(entry: Entry, response: Response) -> bool:
    return entry.body_hash is not None and body_hash(response.body) == entry.body_hash


def _judge_body(response: Response) -> Finding:
    if _leads_home(response):
        return Observe(kind="feed_only", reason="home_redirect")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    readable = not kind or kind.startswith("text/") or kind.endswith(("/xhtml+xml", "/xml"))
    if not readable:
        return Observe(kind="feed_only", reason="not_html")
    if not response.body.strip():
        return Observe(kind="feed_only", reason="empty_body")
    return Observe(kind="fetched")


def _leads_home(response: Response) -> bool:
    asked, reached = urlsplit(response.requested_url), urlsplit(response.final_url)
    was_home = asked.path in {"", "/"} and not asked.query
    at_home = reached.path in {"", "/"} and not reached.query
    return at_home and not was_home and site_of(response.requested_url) == site_of(response.final_url)


def judge_failure(entry: Entry, reason: str, policy: VisitPolicy) -> Finding:
    """A failure that may pass: once more later, until the attempts are used up."""
    if entry.attempts + 1 >= policy.attempts:
        return Observe(kind="feed_only", reason=reason)
    return Again(reason=reason, pause=min(policy.first_pause * 2 ** min(entry.attempts, 20), LONGEST_PAUSE))


def next_look(visits: int, policy: VisitPolicy) -> timedelta | None:
    """Time from the visit numbered `visits` (from 0) to the next; None when the page is left alone from now on."""
    ages = (timedelta(0), *policy.revisit_after)
    return ages[visits + 1] - ages[visits] if visits + 1 < len(ages) else None
