"""Findings against the truth: a score for each page, a row for each extractor and set. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.text.fields import authors_exact, day_exact, title_exact
from bench.text.findings import Finding
from bench.text.pages import TruePage
from bench.text.scoring import Agreement, agreement, mean, words

GOOD = 0.8
"""A page below that F1 is a page that a reader would complain of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One page as one extractor read it. Fields are None where the truth does not say them."""

    page: TruePage
    finding: Finding
    text: Agreement
    title: bool | None
    authors: bool | None
    day: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An extractor on a set: shares from 0 to 1, counts of pages, and milliseconds of CPU a page.

    `times` is the cost as a multiple of trafilatura's default on the same pages, in turn with it, in the same process.
    """

    extractor: str
    pages: int
    precision: float
    recall: float
    f1: float
    below_80: int
    title: float | None
    authors: float | None
    day: float | None
    errors: int
    empty: int
    cpu_ms: float
    times: float


def scored(pages: Mapping[str, TruePage], findings: Iterable[Finding]) -> list[Scored]:
    return [_scored(pages[finding.page], finding) for finding in findings]


def rows(scores: Sequence[Scored], baselines: Mapping[str, str]) -> dict[str, list[Row]]:
    """By set, best F1 first. `baselines` names for each extractor the one whose cost its own is a multiple of."""
    by_set: dict[str, dict[str, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    for each in scores:
        by_set[each.page.group][each.finding.extractor].append(each)
    return {
        group: sorted(
            (_row(name, found[name], found[beside]) for name, beside in baselines.items() if name in found),
            key=lambda row: -row.f1,
        )
        for group, found in sorted(by_set.items())
    }


def worst(scores: Iterable[Scored], count: int) -> list[Scored]:
    return sorted(scores, key=lambda each: each.text.f1)[:count]


def differing_lines(said: str, other: str) -> list[str]:
    """Lines of `said` that mostly do not stand in `other`."""
    known = set(words(other))
    return [line for line in said.splitlines() if (found := words(line)) and _unknown(found, known) > 0.5]


def as_json(table: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, object]]]:
    return {group: [asdict(row) for row in found] for group, found in table.items()}


def _unknown(found: Sequence[str], known: set[str]) -> float:
    return sum(word not in known for word in found) / len(found)


def _scored(page: TruePage, finding: Finding) -> Scored:
    found = finding.found
    return Scored(
        page=page,
        finding=finding,
        text=agreement(found.text, page.text, page.title),
        title=title_exact(found.title, page.title) if page.title else None,
        authors=authors_exact(found.authors, page.authors) if page.authors is not None else None,
        day=day_exact(found.moment, page.published) if page.published else None,
    )


def _row(name: str, found: Sequence[Scored], beside: Sequence[Scored]) -> Row:
    text = mean(each.text for each in found)
    return Row(
        extractor=name,
        pages=len(found),
        precision=text.precision,
        recall=text.recall,
        f1=text.f1,
        below_80=sum(each.text.f1 < GOOD for each in found),
        title=_share(each.title for each in found),
        authors=_share(each.authors for each in found),
        day=_share(each.day for each in found),
        errors=sum(each.finding.error is not None for each in found),
        empty=sum(not each.finding.found.text.strip() for each in found),
        cpu_ms=1000 * _seconds(found) / len(found),
        times=_seconds(found) / max(_seconds(beside), 1e-9),
    )


def _seconds(found: Iterable[Scored]) -> float:
    return sum(each.finding.seconds for each in found)


def _share(right: Iterable[bool | None]) -> float | None:
    known = [each for each in right if each is not None]
    return sum(known) / len(known) if known else None
