"""What must not grow with time: memory and file descriptors of the services, and the tables that are pruned."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from chaos.service_process import ServiceProcess
from sqlalchemy import func, select

from services.fetcher import tables as fetching
from services.processor import tables as processing
from shared.database import Database
from shared.outcomes import entry_outcomes

QUARTERS = 4
TOLERANCE = 1.1
"""The last quarter's median against the first one's, plus a constant for what comes and goes."""
SLACK: Mapping[str, float] = {"MB": 12.0, "files": 12.0, "workers' MB": 24.0, "workers' files": 12.0}

FLAT: Mapping[str, str] = {
    "inbox": "pruned: ids are kept for {keep:g} s here",
    "outbox": "pruned: bodies of confirmed events are kept for {keep:g} s here",
    "robots": "one for each origin, pruned when outdated",
    "hosts": "one for each site, pruned when idle",
    "feeds": "one for each feed of the list",
    "quarantine": "none: no page was refused",
}
GROWING: Mapping[str, str] = {
    "entries": "grows: what was once listed is known when it is listed again",
    "feed_entries": "grows: the same, for each feed",
    "entry_outcomes": "grows: one for each entry",
    "articles": "grows: what was told, to tell what changed",
    "revisions": "grows: what was told, to find copies",
    "addresses": "grows: by which an article is found again",
}
_TABLES = {
    table.name: table
    for table in (*fetching.metadata.tables.values(), *processing.metadata.tables.values(), entry_outcomes)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`part` of the whole time had gone by."""

    part: float
    of: str
    what: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Medians of the first and the last quarter."""

    of: str
    what: str
    first: float
    last: float

    @property
    def grew(self) -> bool:
        return self.what in SLACK and self.last > self.first * TOLERANCE + SLACK[self.what]


def gauges(samples: Iterable[Sample]) -> Sequence[Gauge]:
    """Pure. Of what was seen in both quarters."""

    def name(sample: Sample) -> tuple[str, str]:
        return sample.of, sample.what

    found = []
    for (of, what), group in groupby(sorted(samples, key=name), key=name):
        seen = list(group)
        first = [each.value for each in seen if each.part < 1 / QUARTERS]
        last = [each.value for each in seen if each.part >= 1 - 1 / QUARTERS]
        if first and last:
            found.append(Gauge(of=of, what=what, first=median(first), last=median(last)))
    return found


def grown(found: Iterable[Gauge], *, warm: bool = True) -> list[str]:
    """What grew, a line each; before the play was `warm`, workers grow because they start."""
    judged = (each for each in found if each.grew and (warm or not each.what.startswith("workers'")))
    return [f"{each.of}: {each.what} went from {each.first:.0f} to {each.last:.0f}" for each in judged]


def table(found: Iterable[Gauge], *, seconds: float, keep_seconds: float) -> str:
    notes = {name: note.format(keep=keep_seconds) for name, note in {**FLAT, **GROWING}.items()}
    lines = [
        f"  {f'{each.of} {each.what}':<28}{each.first:>8.0f}{each.last:>8.0f}  "
        + notes.get(each.of, "GREW" if each.grew else "flat")
        for each in found
    ]
    return "\n".join([f"medians of the first and the last quarter of {seconds:g} s", *lines])


def of_process(service: ServiceProcess, part: float) -> list[Sample]:
    """Nothing of a process that is not there."""
    with suppress(FileNotFoundError, ProcessLookupError):
        own, workers = (service.pid,), workers_of(service.pid)
        said = {
            "MB": _sum(_resident, own),
            "files": _sum(_files, own),
            "workers' MB": _sum(_resident, workers),
            "workers' files": _sum(_files, workers),
        }
        return [Sample(part=part, of=service.name, what=what, value=value) for what, value in said.items()]
    return []


async def of_tables(database: Database, part: float) -> list[Sample]:
    async with database.snapshot() as connection:
        counts = {
            name: (await connection.execute(select(func.count()).select_from(_TABLES[name]))).scalar_one()
            for name in (*FLAT, *GROWING)
        }
    return [Sample(part=part, of=name, what="rows", value=count) for name, count in counts.items()]


def workers_of(pid: int) -> tuple[int, ...]:
    """The processes that it started; none where it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        threads = Path(f"/proc/{pid}/task").iterdir()
        return tuple(int(child) for each in threads for child in (each / "children").read_text().split())
    return ()


def _sum(measure: Callable[[int], float], pids: Iterable[int]) -> float:
    return sum(map(measure, pids))


def _resident(pid: int) -> float:
    """Megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


def _files(pid: int) -> float:
    return float(sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))
