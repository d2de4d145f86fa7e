"""The fetcher's tables. Changes go through `migrations/`; a test holds the two against each other."""

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text, Uuid, false, text

from shared.database import UtcDateTime

metadata = MetaData()

LONGEST_REASON = 60
"""Characters; reasons are short codes, and what others call one may be longer."""

PENDING = "pending"
QUEUED = "queued"
FORGOTTEN = "forgotten"
"""States of an entry; the last is a reason to skip one, too."""

feeds = Table(
    "feeds",
    metadata,
    Column("feed_id", Uuid, primary_key=True),
    Column("url", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False, server_default=false()),
    Column("site", Text, nullable=False, server_default=text("''")),
    Column("title", Text),
    Column("settings", JSON, nullable=False),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("validators_url", Text),
    Column("body_hash", String(64)),
    Column("content_hash", String(64)),
    Column("final_url", Text),
    Column("same_as", Uuid),
    Column("parent", Uuid),
    Column("rhythm", JSON, nullable=False),
    Column("standing", JSON, nullable=False, server_default=text("'{}'")),
    Column("pushed_until", UtcDateTime),
    Column("pushed_at", UtcDateTime),
    Column("why", JSON),
    Column("polled_at", UtcDateTime),
    Column("next_poll_at", UtcDateTime, nullable=False),
    Column("lease", Uuid),
    Column("lease_until", UtcDateTime),
    # Of those that may be polled at all: any number may rest.
    Index(
        "feeds_due",
        "next_poll_at",
        sqlite_where=text("active = 1 AND paused = 0"),
        postgresql_where=text("active AND NOT paused"),
    ),
    Index("feeds_final_url", "final_url"),
    Index("feeds_body_hash", "body_hash"),
    # Of those that have one, or SQLite does not look for them here.
    Index(
        "feeds_parent",
        "parent",
        sqlite_where=text("parent IS NOT NULL"),
        postgresql_where=text("parent IS NOT NULL"),
    ),
    Index(
        "feeds_same_as",
        "same_as",
        sqlite_where=text("same_as IS NOT NULL"),
        postgresql_where=text("same_as IS NOT NULL"),
    ),
)

entries = Table(
    "entries",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("url", Text),
    Column("site", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(LONGEST_REASON)),
    Column("discovered_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("postponed", Integer, nullable=False, server_default=text("0")),
    Column("visits", Integer, nullable=False, server_default=text("0")),
    Column("observations", Integer, nullable=False, server_default=text("0")),
    Column("queued_at", UtcDateTime),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("validators_url", Text),
    Column("body_hash", String(64)),
    Column("lease", Uuid),
    Column("lease_until", UtcDateTime),
    Index("entries_due", "next_at"),
    Index("entries_queued", "queued_at"),
)

feed_entries = Table(
    "feed_entries",
    metadata,
    Column("feed_id", Uuid, primary_key=True),
    Column("identity", String(500), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("entry_id", Uuid),
    Column("skipped", String(60)),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Index("feed_entries_entry", "entry_id"),
)

# One row, or none: new observations are numbered above all that a lost database may have given out.
numbering = Table(
    "numbering", metadata, Column("one", Integer, primary_key=True), Column("above", Integer, nullable=False)
)

hosts = Table(
    "hosts",
    metadata,
    Column("site", Text, primary_key=True),
    Column("next_allowed_at", UtcDateTime, nullable=False),
    Column("blocked_until", UtcDateTime),
    Column("delay_seconds", Float, nullable=False),
    Column("crawl_seconds", Float),
    Column("answer_seconds", Float),
    Column("address", Text),
)

# Several sites may be served at one IP address; it has a pace of its own.
host_addresses = Table(
    "host_addresses",
    metadata,
    Column("address", Text, primary_key=True),
    Column("next_allowed_at", UtcDateTime, nullable=False),
)

robots = Table(
    "robots",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("fresh_until", UtcDateTime, nullable=False),
    Column("reached_at", UtcDateTime),
)

# At the hubs that feeds name (WebSub). `token` is the last part of the callback's address. `asked` is what a hub was
# asked for last, and only that is confirmed. `news_at` is when the feed is to be polled for news that a hub told of.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("feed_id", Uuid, nullable=False),
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("secret", String(64)),
    Column("wanted", Boolean, nullable=False),
    Column("wanted_at", UtcDateTime, nullable=False),
    Column("asked", String(20)),
    Column("asked_at", UtcDateTime),
    Column("verified_until", UtcDateTime),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("silences", Integer, nullable=False, server_default=text("0")),
    Column("reason", String(LONGEST_REASON)),
    Column("next_at", UtcDateTime),
    Column("news_at", UtcDateTime),
    Column("lease", Uuid),
    Column("lease_until", UtcDateTime),
    Index("subscriptions_feed", "feed_id"),
    Index("subscriptions_due", "next_at"),
    Index("subscriptions_news", "news_at"),
)
