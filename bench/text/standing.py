"""What leaving out standing lines gains: each host's pages in their order, where only earlier ones count.

    python -m bench.text.standing [FOLDER [GROUP]]

FOLDER holds pages with their truth (default: ../shared/data/extraction, hosts2012). In the column "of them true" stand
the lines that were left out and are in the true text.
"""

import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import report
from bench.text.pages import TruePage, true_pages
from bench.text.scoring import Agreement, agreement, letters, mean
from services.processor.extraction import extract, warm_up
from services.processor.model import Article, Source
from services.processor.normalization import paragraphs_of
from services.processor.page.charset import decoded
from services.processor.page.tree import tree_of
from services.processor.text import voices
from services.processor.text.lines import Line, Why, kept
from services.processor.text.standing import WINDOW, line_keys, standing_keys, without_standing
from shared.messages import EntryFacts

FEWEST_PAGES = 5
DATA = "../shared/data/extraction"

Base = Callable[[TruePage], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A page's text before and after; `removed` are the lines that were left out."""

    page: TruePage
    before: tuple[str, ...]
    after: tuple[str, ...]
    removed: tuple[str, ...]


def trafilatura(page: TruePage) -> tuple[str, ...]:
    tree = tree_of(decoded(page.body, None))
    return paragraphs_of(voices.main_text(tree, page.url, guess=False)[0]) if tree is not None else ()


def resiliparse(page: TruePage) -> tuple[str, ...]:
    return paragraphs_of(voices.second_text(decoded(page.body, None)))


def product(page: TruePage) -> tuple[str, ...]:
    found = extract(_source(page))
    return found.paragraphs if isinstance(found, Article) else ()


BASES: Mapping[str, Base] = {"trafilatura": trafilatura, "resiliparse": resiliparse, "fildactu": product}


def in_order(pages: Sequence[TruePage], base: Base) -> Iterator[Reading]:
    """The pages of one host, each judged by those before it."""
    seen: deque[tuple[str, ...]] = deque(maxlen=WINDOW)
    for page in pages:
        before = base(page)
        lines = without_standing([Line(text=text) for text in before], standing_keys(seen))
        seen.append(line_keys(before))
        removed = tuple(line.text for line in lines if line.dropped is Why.STANDING)
        yield Reading(page=page, before=before, after=kept(lines), removed=removed)


def row(name: str, hosts: Sequence[Sequence[TruePage]]) -> dict[str, object]:
    found = [reading for pages in hosts for reading in in_order(pages, BASES[name])]
    before, after = (mean(_scores(found, each)) for each in ("before", "after"))
    removed = [(line, reading.page) for reading in found for line in reading.removed]
    return {
        "text by": name,
        "F1 before": f"{before.f1:.4f}",
        "F1 after": f"{after.f1:.4f}",
        "precision": f"{before.precision:.4f} → {after.precision:.4f}",
        "recall": f"{before.recall:.4f} → {after.recall:.4f}",
        "lines left out": len(removed),
        "of them true": sum(letters(line) in letters(page.text) for line, page in removed),
    }


def _scores(found: Sequence[Reading], which: str) -> Iterator[Agreement]:
    for each in found:
        yield agreement("\n".join(getattr(each, which)), each.page.text, each.page.title)


def _source(page: TruePage) -> Source:
    entry = EntryFacts(identity=page.url, url=page.url)
    return Source(
        kind="fetched",
        url=page.url,
        body=page.body,
        content_type=None,
        entry=entry,
        feed_language=None,
        section=None,
    )


def main(folder: str = DATA, group: str = "hosts2012") -> None:
    warm_up()
    by_host: dict[str, list[TruePage]] = defaultdict(list)
    for page in true_pages(Path(folder)):
        if page.group == group:
            by_host[page.host].append(page)
    hosts = [pages for pages in by_host.values() if len(pages) >= FEWEST_PAGES]
    rows = [row(name, hosts) for name in BASES]
    report("text-standing", {"set": group, "hosts": len(hosts), "pages": sum(map(len, hosts))}, rows)


if __name__ == "__main__":
    main(*sys.argv[1:3])
