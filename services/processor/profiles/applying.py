"""A page read by the profile of its site: text, lede and metadata exactly as the site's templates mark them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml.html import HtmlElement

from services.processor.fingerprint import normalised_words
from services.processor.page.facts import PageFacts
from services.processor.page.stated import Stated, facts_with
from services.processor.profiles.loading import Profiles
from services.processor.profiles.schema import Profile
from services.processor.profiles.selecting import every, lines_of, outermost, preferred, text_of
from services.processor.profiles.stating import first_text, pointer, stated_by
from services.processor.text.lines import Line, Why, kept
from shared.urls import host_of

KNOWN_SHARE = 0.5
"""Of the container's text, that the blocks must hold: a site that renamed its blocks is read without its profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileReading:
    """The text as `lines`, whose voice is `stated.origin`; `lede` is not among those that are kept.

    `facts` are the page's, and `stated` added to them.
    """

    lines: tuple[Line, ...]
    lede: str | None
    stated: Stated
    facts: PageFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The parts of a page that a profile points at; `unseen` is in the containers, and no text."""

    containers: tuple[HtmlElement, ...]
    blocks: tuple[HtmlElement, ...]
    unseen: frozenset[HtmlElement]


def reading_of(tree: HtmlElement, facts: PageFacts, profiles: Profiles) -> ProfileReading | None:
    """None where no profile is for the page's host or system, or where its selectors do not fit the page any more.

    A container that is found is trusted, however short its text: bulletins are one or two sentences.
    """
    profile = profiles.of(host_of(facts.url)) or _recognised(tree, profiles)
    found = _found(tree, profile) if profile else None
    if profile is None or found is None:
        return None
    stated = stated_by(profile, tree, facts, found.blocks)
    lines, lede = tuple(_lines(found, profile, facts.base or facts.url)), first_text(tree, profile.lede)
    if not _yields_enough(profile, found, lines, lede):
        return None
    lines, lede = _without_lede(_without_headline(lines, stated.headline), lede, stated.origin)
    return ProfileReading(lines=lines, lede=lede, stated=stated, facts=facts_with(facts, stated))


def _recognised(tree: HtmlElement, profiles: Profiles) -> Profile | None:
    return next((profile for profile in profiles.with_signature if every(tree, profile.signature)), None)


def _found(tree: HtmlElement, profile: Profile) -> _Found | None:
    containers = outermost(preferred(tree, profile.container))
    figures = profile.figures.figure if profile.figures else ()
    cards = profile.related.card if profile.related else ()
    drop = (*profile.drop, *figures, *cards)
    unseen = frozenset(element for container in containers for element in every(container, drop))
    blocks = outermost([block for container in containers for block in every(container, profile.blocks)])
    shown = tuple(block for block in blocks if block not in unseen and unseen.isdisjoint(block.iterancestors()))
    return _Found(containers=tuple(containers), blocks=shown, unseen=unseen) if containers else None


def _lines(found: _Found, profile: Profile, base: str) -> Iterator[Line]:
    origin = f"profile:{profile.name}"
    for block in found.blocks:
        why = Why.RELATED if pointer(block, profile, base) else None
        texts = (text for text in lines_of(block, found.unseen) if any(map(str.isalnum, text)))
        yield from (Line(text=text, voice=origin, dropped=why) for text in texts)


def _yields_enough(profile: Profile, found: _Found, lines: Sequence[Line], lede: str | None) -> bool:
    known = sum(len(line.text) for line in lines)
    shown = sum(len(text_of(container, found.unseen)) for container in found.containers)
    said = sum(map(len, kept(lines))) + len(lede or "")
    return known >= KNOWN_SHARE * shown and said >= profile.minimum_characters


def _without_headline(lines: tuple[Line, ...], headline: str | None) -> tuple[Line, ...]:
    said = normalised_words(headline or "")
    left = tuple(line.because(Why.HEADLINE) if normalised_words(line.text) == said else line for line in lines)
    return left if kept(left) else lines


def _without_lede(lines: tuple[Line, ...], lede: str | None, origin: str) -> tuple[tuple[Line, ...], str | None]:
    """The lede is repeated in some texts; a text that would be nothing without it keeps it."""
    if lede is None:
        return lines, None
    texts, said = kept(lines), normalised_words(lede)
    if not texts:
        return (*lines, Line(text=lede, voice=origin)), None
    if all(normalised_words(text) == said for text in texts):
        return lines, None
    return tuple(line.because(Why.LEDE) if normalised_words(line.text) == said else line for line in lines), lede
