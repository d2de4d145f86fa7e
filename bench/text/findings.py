"""What an extractor found on a page and what it took, one JSON object a line. Nothing but the standard library:
peers are run where the product is not installed.
"""

import gc
import json
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from time import process_time
from types import FrameType
from typing import Any

from bench.text.pages import TruePage

WARM_UP = 10
PATIENCE_SECONDS = 60
"""After that a page counts as an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedLine:
    """A line that somebody took for text: `services.processor.text.lines.Line` without its imports."""

    text: str
    voice: str
    dropped: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What the product says of its own way to the text; CPU `seconds` by step."""

    lede: str | None
    lines: tuple[TracedLine, ...]
    seconds: Mapping[str, float]

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Inside":
        lines = tuple(TracedLine(**line) for line in said["lines"])
        return cls(lede=said["lede"], lines=lines, seconds=said["seconds"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Empty where nothing was found. `date` is ISO 8601; `refused` says what the page was taken for instead."""

    text: str = ""
    title: str | None = None
    authors: tuple[str, ...] = ()
    date: str | None = None
    inside: Inside | None = None
    refused: str | None = None

    @property
    def moment(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self.date or "")
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`seconds` are of CPU; `error` is what was raised, and nothing was found then."""

    page: str
    extractor: str
    seconds: float
    found: Found
    error: str | None = None


Extractor = Callable[[TruePage], Callable[[], Found]]
"""Takes a page, does what is not to be measured (decoding, for peers that take characters), and returns the rest."""


class OutOfPatience(Exception):
    pass


def measured(extractors: Mapping[str, Extractor], pages: Iterable[TruePage]) -> Iterator[Finding]:
    """Page by page, so that all meet the same machine, and in turns: who comes second finds what the first cached.

    The first pages are read once unmeasured, to load what is loaded when it is first needed.
    """
    pages = iter(pages)
    first = list(islice(pages, WARM_UP))
    for page in first:
        for name, extractor in extractors.items():
            _finding(name, extractor, page)
    # What the libraries hold is no garbage of whoever happens to run when it is looked for.
    gc.collect()
    gc.freeze()
    turns = deque(extractors.items())
    for page in chain(first, pages):
        for name, extractor in turns:
            yield _finding(name, extractor, page)
        turns.rotate()


def write(findings: Iterable[Finding], path: Path) -> None:
    with path.open("w", encoding="ascii") as lines:
        for finding in findings:
            lines.write(json.dumps(asdict(finding)) + "\n")


def read(path: Path) -> Iterator[Finding]:
    with path.open(encoding="ascii") as lines:
        for line in lines:
            said = json.loads(line)
            found = said.pop("found")
            inside = Inside.read(found["inside"]) if found["inside"] else None
            authors = tuple(found["authors"])
            yield Finding(**said, found=Found(**{**found, "authors": authors, "inside": inside}))


def _finding(name: str, extractor: Extractor, page: TruePage) -> Finding:
    began, found, error = process_time(), Found(), None
    signal.signal(signal.SIGALRM, _impatient)
    signal.alarm(PATIENCE_SECONDS)
    try:
        read_page = extractor(page)
        began = process_time()
        found = read_page()
    except Exception as fault:  # noqa: BLE001 - a peer may raise anything: it counts as an error
        error = f"{type(fault).__name__}: {fault}"[:200]
    finally:
        signal.alarm(0)
    return Finding(page=page.name, extractor=name, seconds=process_time() - began, found=found, error=error)


def _impatient(_signal: int, _frame: FrameType | None) -> None:
    raise OutOfPatience(f"over {PATIENCE_SECONDS} s")
