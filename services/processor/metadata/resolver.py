"""Metadata of an article out of what page, feed and extractor say: which source is believed for which field. Pure.

Sources stand in the order of their measured precision: docs/decisions/metadata-sources.md
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.processor.metadata import authors as by
from services.processor.metadata import moments
from services.processor.metadata.access import is_free
from services.processor.metadata.headline import headline, stated_headlines
from services.processor.metadata.pictures import lead_image
from services.processor.metadata.site import canonical_url, house_names, is_plausible_canonical, site_name
from services.processor.metadata.topics import section, tags
from services.processor.model import Source
from services.processor.page.facts import Guesses, PageFacts
from shared.events import Image, Moment

__all__ = ["Metadata", "is_complete", "is_plausible_canonical", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known of an article besides its text; `fields` says of each value where it was read."""

    headline: str | None
    authors: tuple[str, ...]
    published: Moment | None
    modified: Moment | None
    section: str | None
    tags: tuple[str, ...]
    images: tuple[Image, ...]
    site_name: str | None
    canonical_url: str | None
    free: bool | None
    fields: Mapping[str, str]


def resolve(source: Source, facts: PageFacts, guesses: Guesses) -> Metadata:
    """Each field from the most trusted source that has it; every value is bounded in number and length."""
    houses = house_names(facts)
    title, people = headline(source.entry.title, facts, guesses, houses), by.authors(source, facts, guesses, houses)
    topic, words, image = section(source, facts), tags(source, facts, houses), lead_image(facts)
    name, canonical = site_name(facts), canonical_url(source, facts)
    published = moments.published(source, facts, guesses)
    modified = moments.modified(source, facts, published)
    found = {"headline": title, "authors": people, "published": published, "modified": modified, "section": topic,
             "tags": words, "images": image, "site_name": name, "canonical_url": canonical}  # fmt: skip
    return Metadata(
        headline=title.value if title else None,
        authors=people.value if people else (),
        published=published,
        modified=modified,
        section=topic.value if topic else None,
        tags=words.value if words else (),
        images=(image.value,) if image else (),
        site_name=name.value if name else None,
        canonical_url=canonical.value if canonical else None,
        free=is_free(facts),
        fields={field: value.source for field, value in found.items() if value},
    )


def is_complete(facts: PageFacts) -> bool:
    """Whether the page states all that the extractor would otherwise have to guess."""
    return bool(stated_headlines(facts)) and by.is_stated(facts) and moments.is_stated(facts)
