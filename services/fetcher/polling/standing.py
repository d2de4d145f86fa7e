"""What polls teach of a feed's server, and how it is asked because of that. Pure.

304s          a server that gave one may be asked more often; one that gives nothing else for long is asked once without
              validators, and if that brings another document under the same validators, its 304s are lies
-gzip         Apache marks the ETag of what it compresses and does not know it again: then the date alone is sent
moved         a permanent redirect is followed at each poll, and believed after three in a week that led to this feed
gone          410 twice with a day between: asked once a month from then on
killed        documents that cost a worker process are asked for less and less often
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import takewhile
from statistics import median
from urllib.parse import urlsplit

from services.fetcher.model import Feed, Moving, Response, Standing, Validators
from shared.urls import site_of

PROBE_AFTER_GAPS = 4
LEAST_UNMODIFIED = 3
"""304s in a row before they are doubted."""
PROBE_EVERY = timedelta(days=8)
LIAR_FOR = timedelta(days=30)
"""A server may be mended: then its 304s are believed again, and doubted like any others."""
DEAF_AFTER = 3
PERMANENT = frozenset({301, 308})
MOVED_AFTER = timedelta(days=7)
MOVED_AFTER_POLLS = 3
BACK_AFTER_FAILURES = 3
CONFIRM_GONE = timedelta(hours=24)
PARKED = timedelta(days=30)
FIRST_KILL = timedelta(hours=1)
LONGEST_KILL = timedelta(days=7)
FUTURE = timedelta(days=1)
_GZIP_ETAG = '-gzip"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How a feed is asked. `probe` leaves the validators out to see whether the server's 304s are true."""

    url: str
    validators: Validators | None = None
    probe: bool = False


def request(feed: Feed, now: datetime) -> Request:
    standing, validators = feed.standing, feed.validators
    if validators is None or is_liar(standing, now):
        return Request(url=feed.address)
    if is_doubtful(feed, now):
        return Request(url=feed.address, probe=True)
    if standing.deaf >= DEAF_AFTER and validators.last_modified and _is_marked(validators):
        validators = replace(validators, etag=None)
    return Request(url=feed.address, validators=validators)


def is_liar(standing: Standing, now: datetime) -> bool:
    return standing.lied_at is not None and now - standing.lied_at < LIAR_FOR


def is_doubtful(feed: Feed, now: datetime) -> bool:
    """Whether 304s have gone on for longer than the feed is ever silent."""
    standing, gaps = feed.standing, feed.rhythm.gaps
    if standing.unmodified < LEAST_UNMODIFIED or standing.told_at is None:
        return False
    if standing.probed_at is not None and now - standing.probed_at < PROBE_EVERY:
        return False
    patience = timedelta(seconds=PROBE_AFTER_GAPS * median(gaps)) if gaps else PROBE_EVERY
    return now - standing.told_at > patience


def is_considerate(standing: Standing, validators: Validators | None, now: datetime) -> bool:
    """Whether it is cheap to ask the server: it answers 304, or says for how long its document is good.

    One that gives validators, and sent no document twice under them, may just have had news each time.
    """
    hears = standing.proved or (validators is not None and not standing.unheard)
    return (hears or standing.max_age is not None) and not is_liar(standing, now)


def holds(standing: Standing) -> tuple[tuple[str, timedelta], ...]:
    """The waits that what is known of the server asks for, each with its cause."""
    found = []
    if standing.parked:
        found.append(("parked", PARKED))
    if standing.kills:
        found.append(("killed_worker", min(FIRST_KILL * 2 ** min(standing.kills - 1, 20), LONGEST_KILL)))
    return tuple(found)


def not_modified(standing: Standing, sent: Validators, at: datetime) -> Standing:
    """After a 304 to what was `sent`: by the date alone it says nothing of whether the server hears ETags."""
    return replace(
        standing,
        proved=True,
        unmodified=standing.unmodified + 1,
        unmodified_at=at,
        deaf=0 if sent.etag else standing.deaf,
        gone_since=None,
        parked=False,
    )


def told(feed: Feed, asked: Request, response: Response, *, same: bool) -> Standing:
    """After a document; `same` when it was the one that is known."""
    standing, at = feed.standing, response.fetched_at
    lied = asked.probe and not same and _lied(feed, response)
    return replace(
        standing,
        told_at=at,
        unmodified=0,
        unmodified_at=None,
        probed_at=at if asked.probe else standing.probed_at,
        lied_at=at if lied else standing.lied_at,
        deaf=_deaf(standing, asked, response, same=same),
        unheard=standing.unheard or (same and asked.validators is not None),
        gone_since=None,
        parked=False,
    )


def refused(standing: Standing, status: int, at: datetime) -> Standing:
    """After any other status: what is gone is believed to be when it is so again a day later."""
    if status != 410:
        return replace(standing, gone_since=None, parked=False)
    since = standing.gone_since or at
    return replace(standing, gone_since=since, parked=standing.parked or at - since >= CONFIRM_GONE)


def followed(feed: Feed, response: Response, *, proved: bool) -> Standing:
    """After an answer that was this feed's; `proved` when it was what is known of it, or listed some of that.

    Only the first answer of a target proves something: what it lists is known from then on, whosever it is. Where the
    operator's secrets go along, or from https to http, nothing is believed for good.
    """
    standing, targets = feed.standing, _permanent_targets(response)
    if targets and _is_secure_twin(feed.address, targets[0]):
        return replace(standing, moved_to=targets[0], moving=None)
    if not targets or not _may_move(feed, targets[-1]):
        return replace(standing, moving=None)
    known = standing.moving
    if known is None or known.url != targets[-1]:
        trusted = known is None or known.proved
        known = Moving(url=targets[-1], since=response.fetched_at, proved=proved and trusted)
    known = replace(known, polls=known.polls + 1)
    lasted = response.fetched_at - known.since >= MOVED_AFTER and known.polls >= MOVED_AFTER_POLLS
    if lasted and known.proved:
        return replace(standing, moved_to=known.url, moving=None)
    return replace(standing, moving=known)


def failed(standing: Standing, failures: float) -> Standing:
    """After a failure: an address that the feed had moved to, and that fails again and again, is given up."""
    if failures < BACK_AFTER_FAILURES:
        return standing
    return replace(standing, moved_to=None, moving=None)


def concluded(standing: Standing, outcome: str, reason: str | None, at: datetime, *, failing: bool) -> Standing:
    since = (standing.failing_since or at) if failing else None
    return replace(standing, outcome=outcome, reason=reason, failing_since=since)


def usable(validators: Validators | None, response: Response) -> Validators | None:
    """Without a date from the future: by it nothing would ever be newer. Nothing else about them is changed."""
    if validators is None or validators.last_modified is None:
        return validators
    modified = _date(validators.last_modified)
    if modified is None or modified <= response.fetched_at + FUTURE:
        return validators
    return replace(validators, last_modified=None) if validators.etag else None


def _lied(feed: Feed, response: Response) -> bool:
    """The same validators for another document, or one that was there before the last 304 by its own date."""
    new, last = response.validators, feed.standing.unmodified_at
    if new is not None and feed.validators is not None and _marks(new) == _marks(feed.validators):
        return True
    modified = _date(response.headers.get("last-modified", ""))
    return modified is not None and last is not None and modified < last - timedelta(minutes=1)


def _deaf(standing: Standing, asked: Request, response: Response, *, same: bool) -> int:
    if response.validators is None or not _is_marked(response.validators):
        return 0
    unheard = same and asked.validators is not None and asked.validators.etag is not None
    return standing.deaf + unheard


def _is_marked(validators: Validators) -> bool:
    return (validators.etag or "").endswith(_GZIP_ETAG)


def _marks(validators: Validators) -> tuple[str | None, str | None]:
    return validators.etag, validators.last_modified


def _permanent_targets(response: Response) -> tuple[str, ...]:
    """Where the permanent redirects led, up to the first that is for the time being."""
    targets = (*(hop.url for hop in response.hops[1:]), response.final_url)
    steps = zip(response.hops, targets, strict=False)
    return tuple(target for _, target in takewhile(lambda each: each[0].status in PERMANENT, steps))


def _is_secure_twin(url: str, target: str) -> bool:
    """Whether it is the same address, by https."""
    old, new = urlsplit(url), urlsplit(target)
    same = (old.hostname, old.path or "/", old.query) == (new.hostname, new.path or "/", new.query)
    return same and (old.scheme, new.scheme) == ("http", "https") and new.port in {None, 443}


def _may_move(feed: Feed, target: str) -> bool:
    if urlsplit(feed.address).scheme == "https" and urlsplit(target).scheme != "https":
        return False
    return not feed.settings.headers or site_of(target) == site_of(feed.settings.url)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
