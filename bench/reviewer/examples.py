"""Pages with their true text as what the reviewer learns from: each block, its features, and whether it is text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from bench.text.pages import TruePage
from bench.text.scoring import SHINGLE, letters, words
from services.processor.normalization import paragraphs_of
from services.processor.page.charset import decoded
from services.processor.page.facts import facts_of
from services.processor.page.tree import tree_of
from services.processor.text import voices
from services.processor.text.blocks import blocks_of
from services.processor.text.features import Reading, Stated, features_of, place_names, readings_of, stated_by
from shared.urls import site_of

LEAST_LETTERS = 8
"""A block with fewer letters is text only where it is a whole line of the truth."""

BARE_WEIGHT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A page: what the product's reviewer would see of it, and the shares of its blocks that are in the true text."""

    page: TruePage
    lines: tuple[str, ...]
    readings: tuple[Reading, ...]
    stated: Stated
    true: tuple[float, ...]
    weight: float = 1.0
    """How much it counts beside the pages as they were served."""

    @property
    def site(self) -> str:
        return site_of(self.page.url) or self.page.host

    @property
    def features(self) -> list[dict[str, float]]:
        every = zip(self.readings, features_of(self.readings, self.stated), strict=True)
        return [dict.fromkeys(place_names(reading.block.place), 1.0) | named for reading, named in every]

    @property
    def importance(self) -> list[float]:
        """By the root of a block's length, so that one page counts as much as another; its title counts nothing."""
        title = letters(self.page.title or "")
        roots = [sqrt(max(1, each.size)) * (letters(each.block.text) != title) for each in self.readings]
        together = max(1.0, sum(roots))
        return [self.weight * root / together for root in roots]


def examples_of(pages: Iterable[TruePage]) -> list[Example]:
    return [example for page in pages if (example := _example(page))]


def bare(example: Example) -> Example | None:
    """The page as if it had nothing before and after its text: on such a page the last block is no footer."""
    text = [at for at, share in enumerate(example.true) if share >= 0.5]
    if not text:
        return None
    inner = slice(text[0], text[-1] + 1)
    return replace(example, readings=example.readings[inner], true=example.true[inner], weight=BARE_WEIGHT)


def _example(page: TruePage) -> Example | None:
    characters = decoded(page.body, None)
    tree = tree_of(characters)
    if tree is None:
        return None
    text, _ = voices.main_text(tree, page.url, guess=False)
    lines = paragraphs_of(text)
    readings = readings_of(blocks_of(tree), "\n".join(lines), voices.second_text(characters))
    return Example(
        page=page,
        lines=lines,
        readings=readings,
        stated=stated_by(facts_of(tree, page.url)),
        true=_shares(readings, "\n".join(paragraphs_of(page.text))),
    )


def _shares(readings: Sequence[Reading], truth: str) -> tuple[float, ...]:
    lines = [letters(line) for line in truth.splitlines()]
    known, whole, shingles = frozenset(lines), "".join(lines), frozenset(_shingles(truth))
    return tuple(_share(reading.block.text, known, whole, shingles) for reading in readings)


def _share(text: str, lines: frozenset[str], whole: str, shingles: frozenset[tuple[str, ...]]) -> float:
    said = letters(text)
    if said in lines or (len(said) >= LEAST_LETTERS and said in whole):
        return 1.0
    mine = _shingles(text)
    return sum(shingle in shingles for shingle in mine) / len(mine) if mine else 0.0


def _shingles(text: str) -> list[tuple[str, ...]]:
    said = words(text)
    return list(zip(*(said[at:] for at in range(SHINGLE)), strict=False))
