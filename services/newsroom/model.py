"""What the newsroom prints: outlets, articles, and what a feed lists.

Ages are counted back from the moment the newsroom opened, so that its feeds always look fresh.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta, timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    credit: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    age: timedelta
    headline: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article in one revision; `url` is its canonical address, `story_of` that of the text it copies."""

    host: str
    slug: str
    url: str
    amp_url: str | None = None
    language: str
    section: str
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    age: timedelta
    modified_age: timedelta
    headline: str
    lede: str
    paragraphs: tuple[str, ...]
    photo: Photo | None = None
    feed_only: bool = False
    story_of: str | None = None
    revision: int = 1
    correction: Correction | None = None

    @property
    def text(self) -> str:
        """Lede and paragraphs, with an empty line between them: what an extractor should find."""
        return "\n\n".join(part for part in (self.lede, *self.paragraphs) if part)

    def corrected(self) -> "Article":
        """Return the next revision; an article without a correction raises ValueError."""
        if self.correction is None:
            raise ValueError(f"{self.url} has no correction")
        return replace(
            self,
            headline=self.correction.headline,
            paragraphs=self.correction.paragraphs,
            modified_age=self.correction.age,
            revision=self.revision + 1,
            correction=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStyle:
    """How an outlet's feed is written: its format, its bytes and the validators it sends."""

    path: str
    format: str
    encoding: str
    validators: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageStyle:
    """How an outlet's pages look: a template, and the markup of the pieces that are repeated in it."""

    template: str
    encoding: str
    json_ld: str
    markup: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    name: str
    host: str
    language: str
    direction: str
    zone: timezone
    description: str
    feed: FeedStyle
    page: PageStyle
    robots: str
    articles: tuple[Article, ...]

    @property
    def home(self) -> str:
        return f"http://{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One element of a feed; a listing without an article is a trap, or an article that is not to be had."""

    url: str
    guid: str
    title: str
    age: timedelta
    modified_age: timedelta
    article: Article | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed as it stands; `age` says when its list last changed."""

    outlet: Outlet
    path: str
    age: timedelta
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePage:
    outlet: Outlet
    article: Article
    amp: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWall:
    url: str
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A page that readers without an account may not see."""

    url: str


Resource = ArticlePage | Moved | ConsentWall | Withheld
Address = tuple[str, str]
"""Host and path."""
