"""How often each source of metadata is present on pages with truth, and how often it is right where it is.

`python -m bench.text.sources FOLDER [SET]` prints the table of docs/decisions/metadata-sources.md.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench.text.fields import authors_exact, day_exact, title_exact
from bench.text.pages import TruePage, true_pages
from services.processor.metadata.authors import named_on
from services.processor.metadata.headline import stated_headlines
from services.processor.metadata.moments import published_on
from services.processor.metadata.people import people_in
from services.processor.metadata.site import house_names
from services.processor.page.charset import decoded
from services.processor.page.facts import PageFacts, facts_of
from services.processor.page.tree import tree_of

Verdicts = dict[tuple[str, str], list[bool]]
"""Per field and source, for each page where the source is present: is it right?"""


def verdicts_on(page: TruePage) -> Iterator[tuple[str, str, bool]]:
    """Field, source, whether it is right; for each source what it says first."""
    tree = tree_of(decoded(page.body, None))
    if tree is None:
        return
    facts = facts_of(tree, page.url)
    yield from _first("headline", [(each, title_exact(text, page.title or "")) for each, text in _headlines(facts)])
    yield from _first(
        "authors", [(each, authors_exact(people, _true_people(page, facts))) for each, people in _people(facts)]
    )
    if page.published:
        days = [(each.source, day_exact(each.at, page.published)) for each in published_on(facts)]
        yield from _first("published", days)


def _headlines(facts: PageFacts) -> Iterator[tuple[str, str]]:
    yield from ((found.source, found.value) for found in stated_headlines(facts, house_names(facts)))
    yield from (("h1", text) for text in facts.shown.headings)
    yield ("title", facts.title or "")


def _people(facts: PageFacts) -> Iterator[tuple[str, tuple[str, ...]]]:
    houses = house_names(facts)
    named = [(found.source, people_in(found.value, houses)) for found in named_on(facts)]
    yield from (each for each in (*named, ("page", people_in(facts.shown.bylines, houses))) if each[1])


def _true_people(page: TruePage, facts: PageFacts) -> tuple[str, ...]:
    return people_in(page.authors or (), house_names(facts))


def _first(field: str, found: list[tuple[str, bool]]) -> Iterator[tuple[str, str, bool]]:
    """`found` in reverse, so that a source's first value is what stays."""
    yield from ((field, source, right) for source, right in dict(reversed(found)).items())


def _table(folder: Path, group: str | None) -> Iterator[str]:
    pages = [page for page in true_pages(folder) if group is None or page.group == group]
    verdicts: Verdicts = defaultdict(list)
    for page in pages:
        for field, source, right in verdicts_on(page):
            verdicts[field, source].append(right)
    yield "| field | source | present | right where present |"
    yield "|---|---|---|---|"
    for (field, source), rights in sorted(verdicts.items(), key=lambda each: (each[0][0], -len(each[1]))):
        yield f"| {field} | {source} | {len(rights) / len(pages):.2f} | {sum(rights) / len(rights):.3f} |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in _table(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
