"""Inside of the product: which step takes what CPU, and what the text would be worth without it."""

import inspect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from time import process_time
from types import FunctionType, ModuleType
from typing import Any

from bench.text.findings import Inside, TracedLine
from bench.text.results import Scored
from bench.text.scoring import agreement, mean

OURS = "services.processor."
LEDE = "the lede as a field"
"""One step: from the text, where it stood there, or from elsewhere on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A step that dropped or added `lines`, and F1 with all of them where they were before it."""

    step: str
    lines: int
    f1_without: float


@dataclass(slots=True)
class Stopwatch:
    """CPU seconds by the functions that a module calls; what they call in turn is theirs."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _is_running: bool = False

    def watch(self, module: ModuleType) -> None:
        """Every function of ours that `module` has imported, by itself or with its module."""
        for name, value in list(vars(module).items()):
            if inspect.ismodule(value) and value.__name__.startswith(OURS):
                for inner, function in inspect.getmembers(value, inspect.isfunction):
                    setattr(value, inner, self._timed(f"{value.__name__.rpartition('.')[2]}.{inner}", function))
            elif (
                inspect.isfunction(value) and value.__module__.startswith(OURS) and value.__module__ != module.__name__
            ):
                setattr(module, name, self._timed(f"{value.__module__.rpartition('.')[2]}.{name}", value))

    def taken(self) -> dict[str, float]:
        """Since it was last asked."""
        found = dict(self.seconds)
        self.seconds.clear()
        return found

    def _timed(self, name: str, function: FunctionType) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: object, **named: object) -> object:
            if self._is_running:
                return function(*args, **named)
            self._is_running, began = True, process_time()
            try:
                return function(*args, **named)
            finally:
                self._is_running = False
                self.seconds[name] += process_time() - began

        return timed


def gains(scores: Iterable[Scored]) -> list[Gain]:
    """What each step gained on pages of one set, most first."""
    every = list(scores)
    insides = [(each, each.finding.found.inside) for each in every]
    read = [(each, inside) for each, inside in insides if inside]
    steps = Counter(step for _, inside in read for step in _steps(inside))
    found = (Gain(step=step, lines=lines, f1_without=_f1_without(step, every)) for step, lines in steps.items())
    return sorted(found, key=lambda gain: gain.f1_without)


def costs(scores: Sequence[Scored]) -> dict[str, float]:
    """Milliseconds a page by step, most first."""
    total: dict[str, float] = defaultdict(float)
    for each in scores:
        for step, seconds in (each.finding.found.inside.seconds if each.finding.found.inside else {}).items():
            total[step] += 1000 * seconds / len(scores)
    return dict(sorted(total.items(), key=lambda cost: -cost[1]))


def by_profile(ours: Iterable[Scored], beside: Iterable[Scored]) -> tuple[int, float]:
    """How many pages a site's profile read, and their cost as a multiple of that of `beside`."""
    mine = {each.page.name: each.finding.seconds for each in ours if _has_profile(each.finding.found.inside)}
    theirs = sum(each.finding.seconds for each in beside if each.page.name in mine)
    return len(mine), sum(mine.values()) / theirs if theirs else 0.0


def _has_profile(inside: Inside | None) -> bool:
    return inside is not None and any(line.voice.startswith("profile:") for line in inside.lines)


def _steps(inside: Inside) -> Iterable[str]:
    yield from filter(None, map(_step, inside.lines))
    if inside.lede:
        yield LEDE


def _step(line: TracedLine) -> str | None:
    """Who changed the text by it; None where the first voice's line stayed."""
    if line.dropped:
        return LEDE if line.dropped == "lede" else f"dropped: {line.dropped}"
    return None if line.voice == "trafilatura" else f"from {line.voice}"


def _f1_without(step: str, scores: Iterable[Scored]) -> float:
    return mean(
        agreement(_text_without(step, each.finding.found.inside), each.page.text, each.page.title)
        if each.finding.found.inside
        else each.text
        for each in scores
    ).f1


def _text_without(step: str, inside: Inside) -> str:
    """The text, had the step not been: its drops put back, its additions left out."""
    lede = [inside.lede] if inside.lede and step != LEDE else []
    kept = (line.text for line in inside.lines if (_step(line) == step) == bool(line.dropped))
    return "\n".join((*lede, *kept))
