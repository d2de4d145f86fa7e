"""Who wrote an article: the people that page, feed and extractor name; where nobody is, the house that signs. Pure."""

from collections.abc import Iterator
from html import unescape

from services.processor.metadata.found import Found, first
from services.processor.metadata.people import is_address, people_in, signers_in
from services.processor.model import Source
from services.processor.page.facts import Guesses, PageFacts
from services.processor.page.json_ld import names_of, person_names

# In the order of their measured precision: docs/decisions/metadata-sources.md
_AUTHORS = (
    "parsely-author", "sailthru.author", "cxenseparse:author", "articleauthor", "byl", "citation_author", "dc.creator",
    "dcterms.creator", "article:author_name", "article:author", "og:article:author", "author", "creator",
    "analytics:author",
)  # fmt: skip


def authors(
    source: Source, facts: PageFacts, guesses: Guesses, houses: frozenset[str]
) -> Found[tuple[str, ...]] | None:
    """The people of the most precise source that names any; else the agency or outlet that signs instead of people."""
    feed, guess = tuple(map(unescape, source.entry.authors)), (guesses.author or "",)
    named: list[Found[tuple[str, ...]]] = [
        *named_on(facts),
        Found(facts.shown.bylines, "page"),
        Found(feed, "feed"),
        Found(guess, "trafilatura"),
    ]
    people = first(Found(people_in(each.value, houses), each.source) for each in named)
    return people or first(Found(signers_in(each.value), each.source) for each in (*_signing(facts), *named[:-1]))


def _signing(facts: PageFacts) -> Iterator[Found[tuple[str, ...]]]:
    """Authors that call themselves organisations too."""
    yield Found(names_of(facts.work.get("author")), "json-ld")


def is_stated(facts: PageFacts) -> bool:
    """Whether the page names an author, be it an organisation: then there is nothing to guess."""
    everybody = (name for found in named_on(facts) for name in found.value)
    return bool(facts.shown.bylines) or any(not is_address(name) for name in everybody)


def named_on(facts: PageFacts) -> Iterator[Found[tuple[str, ...]]]:
    """What each source gives as author, people and others."""
    yield Found(person_names(facts.work.get("author")), "json-ld")
    yield Found(person_names(facts.work.get("creator")), "json-ld")
    for name in _AUTHORS:
        yield Found(tuple(map(unescape, facts.every(name))), "meta")
    yield Found(facts.items.get("author", ()), "microdata")
