"""The newsroom's timeline: which edition adds, corrects and removes what, and which events that should cause.

`EDITIONS` is the whole story; everything else here is computed from it and from the articles.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.newsroom.content import outlets
from services.newsroom.model import Article, Outlet

Verb = Literal["published", "updated", "copied", "withdrawn"]
Reason = Literal["alias", "consent_wall", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """A listing that never leads to an article."""

    reason: Reason
    url: str
    title: str
    age_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A second listing of a published article, under an address and a guid of its own."""

    slug: str
    url: str
    guid: str
    age_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """An address that the feed lists and that redirects to the article."""

    slug: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What changes; the first edition also brings every article that no later one names."""

    age_minutes: int
    articles: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()
    withdrawals: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    traps: tuple[Trap, ...] = ()


DETOURS = (Detour(slug="pilots-strike-averted", url="http://harbour-post.example/go/48213"),)

EDITIONS = (
    Edition(
        age_minutes=20,
        traps=(
            Trap(
                reason="consent_wall",
                url="http://gazette-du-fleuve.example/article/entretien-eclusier-fleuve",
                title="Grand entretien : « Le fleuve ne prévient jamais deux fois »",
                age_minutes=240,
            ),
            Trap(
                reason="gone",
                url="http://courrier-des-lacs.example/horaires-hiver-navigation.html",
                title="Navigation : les horaires d'hiver changent dimanche",
                age_minutes=230,
            ),
        ),
    ),
    Edition(
        age_minutes=9,
        articles=(
            "soumba-accord-riverains",
            "soumba-compteurs-irrigation",
            "plafond-riz-1089407081",
            "jardins-ouvriers-sauves",
            "dredging-spoil-islands",
            "bergers-colliers-loup",
            "solar-roof-market",
        ),
        aliases=(
            Alias(
                slug="digue-nord-renforcee",
                url="http://gazette-du-fleuve.example/article/digue-nord-renforcee"
                "?utm_source=lettre-du-soir&utm_medium=rss",
                guid="lettre-du-soir-4471-1",
                age_minutes=19,
            ),
            Alias(
                slug="seagrass-survey-surprise",
                url="http://harbour-post.example/amp/seagrass-survey-surprise",
                guid="tag:harbour-post.example,2026:mobile/seagrass-survey-surprise",
                age_minutes=18,
            ),
        ),
    ),
    Edition(age_minutes=5, corrections=("crab-quota-raised",), withdrawals=("bac-tarifs-hausse",)),
    Edition(age_minutes=1, articles=("shabakat-qura-jabaliya",)),
)

RESTLESS = "satellite-cultures-1089404555"
"""The article whose page looks different at every request, though its text never changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEvent:
    verb: Verb
    url: str
    headline: str
    language: str
    site: str
    revision: int
    story_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedReason:
    reason: Reason
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a reader that followed the newsroom from its first edition should have made of it."""

    events: tuple[ExpectedEvent, ...]
    reasons: tuple[ExpectedReason, ...]


def expected(edition_count: int) -> Expected:
    """Return the events and reasons that the first `edition_count` editions should cause, oldest first."""
    editions = range(1, edition_count + 1)
    return Expected(
        events=tuple(event for number in editions for event in _events(number)),
        reasons=tuple(reason for number in editions for reason in _reasons(EDITIONS[number - 1])),
    )


def new_articles(outlet: Outlet, number: int) -> Iterator[Article]:
    """Yield what the outlet publishes for the first time in the edition of that number, counted from 1."""
    later = {slug for edition in EDITIONS for slug in edition.articles}
    for article in outlet.articles:
        if article.slug in EDITIONS[number - 1].articles or (number == 1 and article.slug not in later):
            yield article


def _events(number: int) -> Iterator[ExpectedEvent]:
    edition = EDITIONS[number - 1]
    new = [article for outlet in outlets() for article in new_articles(outlet, number)]
    for article in sorted(new, key=lambda article: article.age, reverse=True):
        yield _event("copied" if article.story_of else "published", article, revision=1)
    known = {article.slug: article for outlet in outlets() for article in outlet.articles}
    for slug in edition.corrections:
        yield _event("updated", known[slug].corrected(), revision=2)
    for slug in edition.withdrawals:
        yield _event("withdrawn", known[slug], revision=2)


def _event(verb: Verb, article: Article, *, revision: int) -> ExpectedEvent:
    return ExpectedEvent(
        verb=verb,
        url=article.url,
        headline=article.headline,
        language=article.language,
        site=article.host,
        revision=revision,
        story_of=article.story_of,
    )


def _reasons(edition: Edition) -> Iterator[ExpectedReason]:
    yield from (ExpectedReason(reason=trap.reason, url=trap.url) for trap in edition.traps)
    yield from (ExpectedReason(reason="alias", url=alias.url) for alias in edition.aliases)
