"""The fetcher's values: frozen, converted from one to the next, never enriched in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from shared.messages import EntryFacts, FeedFacts
from shared.urls import normalise, site_of

NAMESPACE = UUID("6d1bd0b5-4f0f-5b0b-9a6e-0a4a3f1f6f0e")
"""Root of the deterministic ids of feeds and entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How often a feed may be polled: its own rhythm moves the interval between these."""

    shortest: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=24)


class Backlog(StrEnum):
    """What to do with the entries that a feed lists when it is polled for the first time."""

    ALL = "all"
    NEWEST = "newest"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """What the operator says of a feed in `feeds.yaml`.

    `headers` are sent with each request of the feed and of its pages on the feed's own site; they, `username` and
    `password` hold `${NAME}` placeholders until `feeds.expand` fills them in, so that no store holds a secret;
    `include` and `exclude` are regular expressions over an entry's URL and title; `revisit_after` are the ages of an
    entry at which its page is looked at again; `page_delay` is the least time between two requests to the feed's site.
    """

    url: str
    name: str
    language: str | None = None
    section: str | None = None
    bounds: Bounds = Bounds()
    headers: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    backlog: Backlog = Backlog.ALL
    backlog_newest: int = 20
    revisit_after: tuple[timedelta, ...] | None = None
    page_delay: timedelta | None = None

    @property
    def feed_id(self) -> UUID:
        return feed_id(self.url)

    @property
    def facts(self) -> FeedFacts:
        return FeedFacts(url=self.url, name=self.name, language=self.language, section=self.section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """Opaque, byte-exact, and good for one address only: `url` is where they came from (after redirects)."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """What a feed's past says of its future. `gaps` are the newest publish gaps in seconds, newest last.

    `newest` is the time of its newest entry, `last_new` when something new was found; at the first poll, the same.
    """

    gaps: tuple[float, ...] = ()
    newest: datetime | None = None
    last_new: datetime | None = None
    failures: float = 0.0
    polls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a feed's document asks of those who poll it; a 304 has no document, and the wishes go on.

    `ttl` is how long it stays as it is, `period` how often the syndication module says it is renewed. `skip_hours`
    (0 to 23) and `skip_days` (0 is Monday) are in GMT.
    """

    ttl: timedelta | None = None
    period: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """A permanent redirect that is being watched: `url` is its target, seen by `polls` since `since`.

    `proved` when what was read there was known to be of this feed.
    """

    url: str
    since: datetime
    polls: int = 0
    proved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """The next of a feed's earlier documents, where reading them was interrupted; so many are `left` to be read.

    `then` is where to go on after them: what was left unread when this gap came.
    """

    url: str
    left: int
    then: "Unread | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a feed's server has shown over time. Each value has a default: what was stored earlier may lack some.

    `wishes` and `max_age` are the newest that were said. `proved` once it answered 304. `told_at` is when a document
    came last; `unmodified` 304s came since, the last at `unmodified_at`. `probed_at`: asked unconditionally on purpose;
    `lied_at`: a 304 was found false. `deaf` counts its full answers to a `-gzip` ETag that had not changed.
    `moved_to` is asked in place of the feed's address. `gone_since` is its first 410, `parked` that it was confirmed.
    `kills` are documents in a row that cost a worker, `alike` those in a row that another feed had too, the first at
    `alike_since`. `unheard`: a document came again although its validators were sent. `leaving`: a sitemap that its
    index does not list any more rests after its next poll.
    `outcome`, `reason` and `failing_since` are of the last poll.
    """

    wishes: Wishes = Wishes()
    max_age: timedelta | None = None
    proved: bool = False
    told_at: datetime | None = None
    unmodified: int = 0
    unmodified_at: datetime | None = None
    probed_at: datetime | None = None
    lied_at: datetime | None = None
    deaf: int = 0
    moving: Moving | None = None
    moved_to: str | None = None
    gone_since: datetime | None = None
    parked: bool = False
    kills: int = 0
    alike: int = 0
    alike_since: datetime | None = None
    unheard: bool = False
    leaving: bool = False
    unread: Unread | None = None
    outcome: str | None = None
    reason: str | None = None
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A subscribed feed as leased: the token must be shown at every later write.

    `wait` is how long it is until the slot of its host that was taken with the lease; None when none was. `late` is
    how long ago it was due. `pushed` while a hub tells us of its news, which it last did at `pushed_at`. `final_url` is
    where its document was found last. `same_as` is the feed that stands for it: it is polled now and then to see
    whether that is still so.
    """

    feed_id: UUID
    settings: FeedSettings
    lease: UUID
    validators: Validators | None = None
    body_hash: str | None = None
    content_hash: str | None = None
    rhythm: Rhythm = Rhythm()
    standing: Standing = Standing()
    wait: timedelta | None = None
    late: timedelta = timedelta(0)
    pushed: bool = False
    pushed_at: datetime | None = None
    final_url: str | None = None
    same_as: UUID | None = None

    @property
    def site(self) -> str:
        """The site whose slots and places it takes."""
        return site_of(self.address)

    @property
    def address(self) -> str:
        """Where it is asked for: its own address, or where that has moved to for good."""
        return self.standing.moved_to or self.settings.url


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One element of a feed. `identity` is unique in it; `fingerprint` changes when the feed says something new."""

    identity: str
    fingerprint: str
    facts: EntryFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLinks:
    """Absolute addresses in the feed's head: `hub` tells of news (WebSub), `own` is the feed's name for itself.

    `earlier` is the document with the entries before these (RFC 5005: prev-archive, or next of a paged feed).
    """

    hub: str | None = None
    own: str | None = None
    earlier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Who tells of a feed's news (WebSub); `topic` is the feed's name there. Absolute addresses."""

    url: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitemap:
    """A sitemap that an index lists."""

    url: str
    modified: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """What a feed document holds. `faults` say what was wrong with it and survived; only an index has `sitemaps`."""

    title: str | None = None
    entries: tuple[ParsedEntry, ...] = ()
    wishes: Wishes = Wishes()
    links: FeedLinks = FeedLinks()
    sitemaps: tuple[Sitemap, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a site took to answer, and at which IP address; by it its pace is set. A `good` answer is no refusal."""

    site: str
    address: str | None
    seconds: float
    good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A redirect that was followed: `url` answered with `status` and named the next address."""

    url: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP answer after redirects, its body decoded and bounded. Header names are lower case.

    `address` is the IP address that was connected to; `hops` are the redirects that led here, in their order;
    `cookies` are the names of those that were offered: their values are kept nowhere.
    """

    requested_url: str
    final_url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    fetched_at: datetime
    seconds: float
    truncated: bool = False
    address: str | None = None
    hops: tuple[Hop, ...] = ()
    cookies: tuple[str, ...] = ()

    @property
    def timing(self) -> Timing:
        return Timing(
            site=site_of(self.final_url),
            address=self.address,
            seconds=self.seconds,
            good=self.status < 400 or self.status in {404, 410},
        )

    @property
    def validators(self) -> Validators | None:
        etag, modified = self.headers.get("etag"), self.headers.get("last-modified")
        return Validators(url=self.final_url, etag=etag, last_modified=modified) if etag or modified else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as leased for download. `observations` counts the observations numbered so far.

    `attempts` counts failed requests in a row, `postponed` how often in a row the processor asked for a later try.
    """

    entry_id: UUID
    url: str | None
    facts: EntryFacts
    feed: FeedSettings
    lease: UUID
    observations: int = 0
    attempts: int = 0
    postponed: int = 0
    visits: int = 0
    discovered_at: datetime
    validators: Validators | None = None
    body_hash: str | None = None
    reason: str | None = None


class PollOutcome(StrEnum):
    """What one poll came to: one counter, one log line."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    NOT_MODIFIED = "not_modified"
    THROTTLED = "throttled"
    BLOCKED = "blocked"
    WAITING = "waiting"
    FAILED = "failed"
    LEASE_LOST = "lease_lost"


class DownloadOutcome(StrEnum):
    """What one visit to an entry's page came to."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    GONE = "gone"
    FEED_ONLY = "feed_only"
    RETRY = "retry"
    WAITING = "waiting"
    LEASE_LOST = "lease_lost"


def feed_id(url: str) -> UUID:
    return uuid5(NAMESPACE, "feed:" + (normalise(url) or url))


def entry_id(url: str | None, feed: UUID, identity: str) -> UUID:
    """By address, so that entries of several feeds with one address share one download; by identity without one."""
    return uuid5(NAMESPACE, f"page:{url}" if url else f"entry:{feed}:{identity}")
