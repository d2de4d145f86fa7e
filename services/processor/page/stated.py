"""What a site profile read out of a page: candidates for the metadata, weighed with all others by the resolver."""

from dataclasses import dataclass, replace

from services.processor.page.facts import PageFacts
from shared.events import Form, Image, Related


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Texts as readers see them, on one line; `published` and `modified` as the page writes them, for `parse_time`.

    `origin` is the source to name for each of them (`profile:<name>`), `version` that of the profile. None and empty:
    the page has no such thing.
    """

    origin: str
    version: str
    headline: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    modified: str | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    related: tuple[Related, ...] = ()
    form: Form | None = None


def facts_with(facts: PageFacts, stated: Stated) -> PageFacts:
    """`facts` with what the profile points at as what readers see: the resolver weighs it against all others."""
    shown = replace(
        facts.shown,
        headings=(stated.headline,) if stated.headline else facts.shown.headings,
        titles=() if stated.headline else facts.shown.titles,
        bylines=stated.authors or facts.shown.bylines,
        times=(stated.published,) if stated.published else facts.shown.times,
    )
    return replace(facts, shown=shown)
