"""The product in the text bench: the whole way from bytes to an article, and trafilatura beside it for the cost."""

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from bench.reviewer.folds import STORED, fold_of, stored
from bench.text.findings import Extractor, Found, Inside, TracedLine, measured, write
from bench.text.inside import Stopwatch
from bench.text.pages import TruePage, chosen_pages
from bench.text.peers import trafilatura
from services.processor import extraction
from services.processor.extraction import Traced, warm_up
from services.processor.model import Article, Source
from services.processor.text.reviewer import Weights
from shared.messages import EntryFacts

NAME = "Fil d'actu"
TRAINED_ON = frozenset({"publishers", "hosts2012"})
BESIDE = "trafilatura, same process"
"""What the product's cost is a multiple of: the same pages, in turn, by the same interpreter."""


def product() -> Extractor:
    warm_up()
    watch = Stopwatch()
    watch.watch(extraction)

    def prepare(page: TruePage) -> Callable[[], Found]:
        source, weights = source_of(page), weights_for(page)
        watch.taken()

        def run() -> Found:
            return found_in(extraction.trace(source, weights=weights), watch.taken)

        return run

    return prepare


def is_held_out() -> bool:
    return STORED.exists()


def weights_for(page: TruePage) -> Weights | None:
    """Of a reviewer that has not seen the page's site; None for the shipped one, where it has not."""
    return stored()[fold_of(page.url)] if page.group in TRAINED_ON and is_held_out() else None


def source_of(page: TruePage) -> Source:
    """Without a feed: the peers have none either."""
    return Source(
        kind="fetched",
        url=page.url,
        body=page.body,
        content_type=None,
        entry=EntryFacts(identity=page.url, url=page.url),
        feed_language=None,
        section=None,
    )


def found_in(traced: Traced, taken: Callable[[], Mapping[str, float]]) -> Found:
    """The lede is part of the text that is scored: readers see both, and the truth has both."""
    article = traced.extracted
    if not isinstance(article, Article):
        return Found(refused=article.reason)
    lines = tuple(TracedLine(text=line.text, voice=line.voice, dropped=line.dropped) for line in traced.lines)
    return Found(
        text="\n".join((*([article.lede] if article.lede else []), *article.paragraphs)),
        title=article.headline,
        authors=article.authors,
        date=article.published.at.isoformat() if article.published else None,
        inside=Inside(lede=article.lede, lines=lines, seconds=taken()),
    )


def main(arguments: Sequence[str]) -> None:
    """As `peers.main`."""
    output, part, parts, every, *folders = arguments
    pages = islice(chosen_pages(map(Path, folders), int(every)), int(part), None, int(parts))
    write(measured({NAME: product(), BESIDE: trafilatura()}, pages), Path(output))


if __name__ == "__main__":
    main(sys.argv[1:])
