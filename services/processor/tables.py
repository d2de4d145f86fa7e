"""The processor's tables. Changes go through `migrations/`; a test holds the two against each other.

Addresses and keys are looked up by a uuid5 of them: an address may be longer than an index row may be.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)

from shared.database import UtcDateTime

metadata = MetaData()

LONGEST_REASON = 60
"""Characters; our own reasons are short codes, but a message may carry any."""

inbox = Table(
    "inbox",
    metadata,
    Column("raw_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, nullable=False),
    Column("observation", Integer, nullable=False),
    Column("verdict", String(40), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("rule", String(60)),
    Column("article_id", Uuid),
    Column("event_id", Uuid),
    Column("received_at", UtcDateTime, nullable=False),
    Index("inbox_article", "article_id"),
    Index("inbox_received", "received_at"),
)

articles = Table(
    "articles",
    metadata,
    Column("article_id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("site_name", Text),
    Column("headline", Text),
    Column("language", String(35), nullable=False),
    Column("language_confidence", Float, nullable=False),
    Column("story_id", Uuid, nullable=False),
    Column("role", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("observed_by", Uuid),
    Column("observation", Integer),
    Column("observed_as", String(20), nullable=False),
    Column("text_hash", String(64), nullable=False),
    Column("full_hash", String(64)),
    Column("headline_hash", String(64), nullable=False),
    Column("page_hash", String(64), nullable=False),
    Column("extractor", String(100), nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    # When it was published by its own word; the earliest of a story may be its original.
    Column("published_at", UtcDateTime),
    # Four bytes a field: what a later revision says otherwise.
    Column("facets", LargeBinary),
    # Since when its page answers and shows no text.
    Column("emptied_at", UtcDateTime),
    Index("articles_story", "story_id"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("article_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("verb", String(20), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("text_hash", String(64), nullable=False),
    Column("headline_hash", String(64), nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("revisions_text", "text_hash", "created_at"),
)

addresses = Table(
    "addresses",
    metadata,
    Column("address_id", Uuid, primary_key=True),
    Column("key_id", Uuid, nullable=False),
    Column("key_version", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("article_id", Uuid, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    # What a looser rule says of the address: text must confirm it.
    Column("hint", BigInteger),
    # Of the words that were last seen there.
    Column("seen_hash", LargeBinary),
    Index("addresses_key", "key_id"),
    Index("addresses_hint", "hint"),
    Index("addresses_article", "article_id"),
)

# Of each host's last articles, the keys of their lines, eight bytes each (`text.standing`).
host_lines = Table(
    "host_lines",
    metadata,
    Column("article_id", Uuid, primary_key=True),
    Column("host", Text, nullable=False),
    Column("line_keys", LargeBinary, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("host_lines_last", "host", "seen_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("article_id", Uuid, nullable=False),
    Column("verb", String(20), nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary),
    Column("created_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("lease", Uuid),
    Column("lease_until", UtcDateTime),
    Index("outbox_pending", "confirmed_at", "sequence"),
    Index("outbox_article", "article_id"),
)

# Of what was forgotten only this is kept: it tells that an address is one of them, and not which.
forgotten = Table("forgotten", metadata, Column("key_id", Uuid, primary_key=True))

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", Uuid, primary_key=True),
    Column("raw_id", Uuid),
    Column("reason", String(60), nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("quarantined_at", UtcDateTime, nullable=False),
)
