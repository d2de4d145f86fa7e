"""The text bench's report as Markdown: a table a set, cost against gain, and the product's worst pages. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.text.inside import Gain
from bench.text.results import Row, Scored, differing_lines

Table = Mapping[str, Sequence[Row]]
NOT_SAID = "–"
FIRST_WORDS = 12
MOST_LINES = 3
BAR = 40
LEAST_SHARE = 0.01
"""Steps that take less of a page's time are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Of the product on one set: F1 as it is, what each step gained, and milliseconds a page by step.

    `by_profile`: how many pages a site's profile read, and what they cost of trafilatura's cost.
    """

    f1: float
    gains: Sequence[Gain]
    costs: Mapping[str, float]
    by_profile: tuple[int, float]


def markdown(table: Table, steps: Mapping[str, Steps], worst: Sequence[Scored], notes: Iterable[str]) -> str:
    parts = ["# Text bench", "", *(f"* {note}" for note in notes)]
    for group, rows in table.items():
        parts += ["", f"## {group}: {rows[0].pages} pages", "", *_table(rows), "", *_curve(rows)]
        parts += ["", *_gains(steps[group]), "", *_costs(steps[group])] if group in steps else []
    parts += ["", f"## The {len(worst)} worst pages", "", *(line for each in worst for line in _page(each))]
    return "\n".join(parts) + "\n"


def _table(rows: Sequence[Row]) -> list[str]:
    names = ("", "F1", "P", "R", "< .80", "title", "authors", "day", "errors", "empty", "CPU ms", "× trafilatura")
    head = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return head + [f"| {' | '.join(_cells(row))} |" for row in rows]


def _cells(row: Row) -> tuple[str, ...]:
    text = (f"{row.f1:.3f}", f"{row.precision:.3f}", f"{row.recall:.3f}", str(row.below_80))
    fields = (NOT_SAID if share is None else f"{share:.3f}" for share in (row.title, row.authors, row.day))
    return (
        row.extractor, *text, *fields, str(row.errors), str(row.empty), f"{row.cpu_ms:.1f}", f"{row.times:.2f}",
    )  # fmt: skip


def _curve(rows: Sequence[Row]) -> list[str]:
    """Cheapest first; marked are those that nobody betters for less."""
    lines, best = ["What it costs and what it gains (× marks the front: nobody is better for less):", "", "```"], 0.0
    for row in sorted(rows, key=lambda row: row.times):
        front = row.f1 > best
        best = max(best, row.f1)
        bar = "█" * round(BAR * row.f1)
        lines.append(f"{row.times:5.2f}  {'×' if front else ' '} {row.f1:.3f}  {bar:<{BAR}}  {row.extractor}")
    return [*lines, "```"]


def _gains(steps: Steps) -> list[str]:
    pages, times = steps.by_profile
    by_profile = [f"Pages that a profile read: {pages}, at {times:.2f} × trafilatura.", ""] if pages else []
    head = [*by_profile, "| step | lines | F1 without it | gains |", "|---|---|---|---|"]
    return head + [
        f"| {_plain(gain.step)} | {gain.lines} | {gain.f1_without:.4f} | {steps.f1 - gain.f1_without:+.4f} |"
        for gain in steps.gains
    ]


def _costs(steps: Steps) -> list[str]:
    head, total = ["| step | CPU ms | share |", "|---|---|---|"], sum(steps.costs.values())
    every = ((step, ms, ms / total) for step, ms in steps.costs.items())
    return head + [f"| {step} | {ms:.1f} | {share:.2f} |" for step, ms, share in every if share >= LEAST_SHARE]


def _page(scored: Scored) -> list[str]:
    page, found = scored.page, scored.finding.found
    text = scored.text
    score = f"F1 {text.f1:.3f} (P {text.precision:.3f}, R {text.recall:.3f})"
    return [
        f"* `{page.name}` {_plain(page.url)} — {page.group}, {score}{_error(scored)}",
        *(f"  * missing: {line}" for line in _first(differing_lines(page.text, found.text))),
        *(f"  * extra: {line}" for line in _first(differing_lines(found.text, page.text))),
    ]


def _error(scored: Scored) -> str:
    said = scored.finding.error or scored.finding.found.refused
    return f": {_plain(said)}" if said else ""


def _first(lines: Sequence[str]) -> list[str]:
    """The first words of the first lines, and how many lines more there are."""
    shown = [" ".join(line.split()[:FIRST_WORDS])[:160] for line in lines[:MOST_LINES]]
    more = len(lines) - len(shown)
    return [_plain(line) for line in shown] + ([f"and {more} lines more"] if more else [])


def _plain(text: str) -> str:
    """What a page says must not become markup of the report."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|" else letter for letter in text)
