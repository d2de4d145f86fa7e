"""What a run came to: what was asked, what was observed, and what each observation became."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from prometheus_client import Counter

from services.console.accounts import Totals
from services.fetcher.model import DownloadOutcome
from shared import metrics
from shared.events import VERBS

OBSERVED = (
    DownloadOutcome.FETCHED,
    DownloadOutcome.UNCHANGED,
    DownloadOutcome.GONE,
    DownloadOutcome.FEED_ONLY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the process counted itself, apart from the store: the one checks the other."""

    polls: int = 0
    observations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`observations` are counted by the fetcher, events and reasons by the processor; `seconds` of wall time."""

    feeds_polled: int
    polls: int
    entries: int
    observations: int
    events: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: float

    @property
    def adds_up(self) -> bool:
        """Each observation became an event or a recorded reason."""
        return self.observations == sum(self.events.values()) + sum(self.reasons.values())

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "adds_up": self.adds_up}


def tally() -> Tally:
    polls = by_outcome(metrics.polls)
    visits = by_outcome(metrics.downloads)
    return Tally(polls=sum(polls.values()), observations=sum(visits.get(outcome.value, 0) for outcome in OBSERVED))


def by_outcome(counter: Counter) -> dict[str, int]:
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return {each.labels["outcome"]: int(each.value) for each in samples if each.name.endswith("_total")}


def summarise(before: tuple[Totals, Tally], after: tuple[Totals, Tally], seconds: float) -> Summary:
    """What happened between two looks at the store and at this process's own counts."""
    (stored, counted), (stored_after, counted_after) = before, after
    return Summary(
        feeds_polled=stored_after.feeds_polled,
        polls=counted_after.polls - counted.polls,
        entries=stored_after.entries - stored.entries,
        observations=counted_after.observations - counted.observations,
        events={verb: _grown(verb, stored.events, stored_after.events) for verb in VERBS},
        reasons={
            reason: grown
            for reason in sorted(stored_after.reasons)
            if (grown := _grown(reason, stored.reasons, stored_after.reasons))
        },
        seconds=round(seconds, 1),
    )


def _grown(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> int:
    return after.get(name, 0) - before.get(name, 0)
