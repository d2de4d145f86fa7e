"""How loud the services were: a fault is told a few times, not for each message, and is no bug of ours. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

WINDOW = timedelta(seconds=10)
MOST_IN_WINDOW = 10 + 5
"""One a second, after a first burst of five."""
LOUD = frozenset({"warning", "error", "critical"})

Line = Mapping[str, Any]


class Logging(Protocol):
    name: str

    def logs(self) -> list[dict[str, Any]]: ...
    def noise(self) -> list[str]: ...


def complaints(services: Iterable[Logging], *, ours: frozenset[str] = frozenset()) -> list[str]:
    """What no service should have said; `ours` are events whose tracebacks, and whose number, the scenario caused."""
    return [
        f"{service.name} {said}"
        for service in services
        for said in _complaints([line for line in service.logs() if line.get("event") not in ours], service.noise())
    ]


def _complaints(lines: Sequence[Line], noise: Sequence[str]) -> Iterable[str]:
    for line in lines:
        if "exception" in line:
            yield f"wrote a traceback with {line['event']!r}: {str(line['exception'])[-300:]}"
    # A console's closing summary is no logger's either.
    if any(line.startswith("Traceback") for line in noise):
        yield f"wrote a traceback that no logger wrote: {' / '.join(noise)[-500:]}"
    burst = _longest_burst([line for line in lines if line.get("level") in LOUD])
    if len(burst) > MOST_IN_WINDOW:
        told = sorted({str(line["event"]) for line in burst})
        yield f"wrote {len(burst)} warnings and errors within {WINDOW.total_seconds():g} s: {', '.join(told)}"


def _longest_burst(lines: Sequence[Line]) -> Sequence[Line]:
    """The most lines within one window."""
    longest: Sequence[Line] = ()
    at = [datetime.fromisoformat(str(line["timestamp"])) for line in lines]
    first = 0
    for last, moment in enumerate(at):
        while moment - at[first] > WINDOW:
            first += 1
        if last - first + 1 > len(longest):
            longest = lines[first : last + 1]
    return longest
