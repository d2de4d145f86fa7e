"""The processor's values: frozen, converted from one to the next, never enriched in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from services.processor.sketch import Likeness, Sketch
from shared.events import Form, Image, Language, Moment, Related
from shared.messages import EntryFacts, ObservationKind

NAMESPACE = UUID("0b7f2b52-6a3c-5f0e-8f0d-5f8f6a1f2c11")
"""Root of the deterministic ids of articles and stories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the extractor needs of an observation; picklable, it crosses to a worker process.

    `body` is the page as served; for `feed_only` it is the feed's own HTML in UTF-8. `url` is the final address.
    """

    kind: ObservationKind
    url: str
    body: bytes
    content_type: str | None
    entry: EntryFacts
    feed_language: str | None
    section: str | None
    standing: frozenset[str] = frozenset()
    """Keys of the lines that stand on most pages of this host: no news (`text.standing`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Text and metadata of one observation. `fields` says where each field came from.

    `text` is the paragraphs joined by line feeds, without headline and lede; `canonical_url` only where the page
    names a plausible one. `text_hash` and `headline_hash` compare words, not typography; `page_hash` compares bytes.
    `full_hash` is that of the text with the host's standing lines, where it had any; `line_keys` are those of all of
    its lines, by which a host's standing lines are learned.
    """

    url: str
    canonical_url: str | None
    headline: str | None
    lede: str | None
    paragraphs: tuple[str, ...]
    language: Language
    authors: tuple[str, ...] = ()
    published: Moment | None = None
    modified: Moment | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    site_name: str | None = None
    free: bool | None = None
    related: tuple[Related, ...] = ()
    form: Form = "article"
    excerpt: bool = False
    """Whether the text is only the free part of a longer one."""
    page_verdict: str | None = None
    """Why the text is the feed's own although the page was fetched (`index_page`, `login`, …)."""
    word_count: int = 0
    text_hash: str
    full_hash: str | None = None
    headline_hash: str
    page_hash: str
    extractor: str
    line_keys: tuple[str, ...] = ()
    sketch: Sketch | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "\n".join(self.paragraphs)

    @property
    def text_hashes(self) -> frozenset[str]:
        """Of the text without and with standing lines: which lines stand is learned and forgotten, and no news."""
        return hashes_of(self.text_hash, self.full_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnArticle:
    """The page was read and holds no article; `reason` is one of the recorded reasons (`consent_wall`, `empty`)."""

    reason: str
    detail: str = ""


Extracted = Article | NotAnArticle


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a decision needs to know of the observation itself."""

    kind: ObservationKind
    entry_id: UUID
    number: int
    observed_at: datetime
    address_known: bool
    """Whether the very address that was fetched is stored already, for whichever article."""
    forgotten: bool = False
    """Whether one of its addresses belongs to an article that an operator had forgotten."""
    gone_since: bool = False
    """Whether a later observation of the entry found its page gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The stored article that an observation's addresses lead to, at its current revision.

    `entry_id` and `number` are those of the observation by which it was last seen, at `observed_at`.
    `matched` says how it was found: by the fetched `address`, or only by the `canonical` one that the page names.
    `live_elsewhere` says, for `gone` alone, whether another entry leads to it whose page was not gone when last seen.
    """

    article_id: UUID
    revision: int
    withdrawn: bool
    entry_id: UUID | None
    number: int | None
    observed_at: datetime
    observed_as: ObservationKind
    text_hash: str
    full_hash: str | None = None
    headline_hash: str
    extractor: str
    story_id: UUID
    matched: str = "address"
    live_elsewhere: bool = False
    sketch: Sketch | None = None
    """Of its current words, where the index still has them."""

    @property
    def text_hashes(self) -> frozenset[str]:
        """As an article's, where it was stored since standing lines are known; before, its text's alone."""
        return hashes_of(self.text_hash, self.full_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The article that was first seen with the same text."""

    article_id: UUID
    story_id: UUID
    url: str
    site: str
    headline_hash: str
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """A stored article that may be alike, as the index found it: by the same words, by keys, by an address hint.

    `words` counts those of its text; `text_hash` and `sketch` are those of the revision that was found, the current
    one or an earlier one. `shared_keys` is how many keys led to it.
    """

    article_id: UUID
    story_id: UUID
    url: str
    site: str
    text_hash: str
    headline_hash: str
    sketch: Sketch | None
    shared_keys: int = 0
    withdrawn: bool = False
    first_seen_at: datetime
    published_at: datetime | None = None
    hinted: bool = False
    """Whether its address is alike too (`shared.address_key.hint_of`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The stored article that a decision was made by, and how alike the two are."""

    article_id: UUID
    story_id: UUID
    url: str
    site: str
    likeness: Likeness | None
    """None for the same words of texts too short, or stored too long ago, to have a sketch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The addresses of one observation: `own` were asked for or answered, `canonical` is what the page names."""

    own: tuple[str, ...]
    canonical: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.own, self.canonical) if self.canonical else self.own


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The stored article as events and withdrawals need it."""

    article_id: UUID
    url: str
    host: str
    site_name: str | None
    headline: str | None
    language: str
    language_confidence: float
    story_id: UUID
    role: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """The article's row after an event: which text, seen when, by which extractor."""

    text_hash: str
    full_hash: str | None = None
    headline_hash: str
    page_hash: str
    extractor: str
    withdrawn: bool


class Verdict(StrEnum):
    """What an observation means. The first four become events, each of the others is a recorded reason."""

    PUBLISHED = "published"
    UPDATED = "updated"
    COPIED = "copied"
    WITHDRAWN = "withdrawn"
    ALIAS = "alias"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    REBASELINED = "rebaselined"
    GONE = "gone"
    FEED_ONLY_AFTER_PAGE = "feed_only_after_page"
    FORGOTTEN = "forgotten"
    NOT_AN_ARTICLE = "not_an_article"


EVENT_VERDICTS = frozenset({Verdict.PUBLISHED, Verdict.UPDATED, Verdict.COPIED, Verdict.WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict and why; `reason` is what is recorded when there is no event.

    `article_id` is the stored article it is about: None makes a new one. `moved` gives it the observation's address.
    """

    verdict: Verdict
    reason: str
    rule: str
    article_id: UUID | None = None
    twin: Twin | None = None
    moved: bool = False


def hashes_of(text_hash: str, full_hash: str | None) -> frozenset[str]:
    return frozenset({text_hash} if full_hash is None else {text_hash, full_hash})


def article_id(address_key: str) -> UUID:
    """Assigned once, from the first address that was seen; later it is only looked up."""
    return uuid5(NAMESPACE, f"article:{address_key}")


def story_id(article: UUID) -> UUID:
    return uuid5(NAMESPACE, f"story:{article}")
