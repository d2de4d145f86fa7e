"""What this process waits for. Whoever meets an outage reports it here, to the one owner of what is missing.

An outage is told when it begins, at growing intervals while it lasts, and when it is over, however much work meets it
meanwhile.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Literal, get_args

import structlog

from shared import metrics
from shared.errors import BrokerUnavailable, StoreUnavailable, Unavailable

log = structlog.get_logger()

Ours = Literal["store", "broker", "workers", "network"]
Dependency = Ours | Literal["sites"]
"""A site that does not answer is told of like the rest, but a service is not less ready for it."""

REMEDIES: Mapping[str, str] = {
    "store": "see the database and its log; all goes on by itself when it answers",
    "broker": "see the broker and its log; all goes on by itself when it answers",
    "workers": "see this machine's memory and its limit of processes",
    "network": "see this machine's network and DNS",
    "sites": "if it is more than one, see this machine's network and DNS",
    "queue_full": "raw.work is full: add processors or workers, or raise its limit",
    "broker_blocked": "the broker is short of memory or disk: see its alarms",
    "no_queue_takes_the_key": "the broker lacks a queue: run migrate",
    "no_such_exchange": "the broker lacks an exchange: run migrate",
}
FIRST_REMINDER = 10.0
LONGEST_REMINDER = 300.0
FIRST_GAP = 5.0
LONGEST_GAP = 60.0
OVERDUE_SECONDS = 5.0
SITES_NAMED = 5
CALM_SECONDS = 60.0
"""An outage that comes back sooner is told of less and less often, until it was calm for so long."""
RENEWED_WITHIN = 120.0
"""A report that is not renewed for so long says nothing any more: another process may have taken the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What waits for a dependency, and why it thinks that it must."""

    dependency: Dependency
    what: str
    reason: str
    seconds: float


class Outage:
    """Of one dependency: who waits for it, and when a line about it is due. Pure; `now` is in seconds."""

    def __init__(self, *, named: int = 1) -> None:
        """So many of who waits are each `named`, and more with each reminder: sites fail for reasons of their own."""
        self._most_named = named
        self._named = 0
        self.since = 0.0
        self.failures = 0
        self._reports: dict[str, tuple[str, float]] = {}
        self._told = False
        self._ended = float("-inf")
        self._begun = float("-inf")
        self._gap = 0.0
        self._due = 0.0
        self._reminder = FIRST_REMINDER

    def reports(self, now: float) -> Mapping[str, str]:
        """Who waits, and for what reason."""
        return {what: reason for what, (reason, at) in self._reports.items() if now - at <= RENEWED_WITHIN}

    def lasts(self, what: str, reason: str, now: float) -> bool:
        """Note that `what` waits; whether a line about it is due."""
        known = self.reports(now)
        if not known:
            self._begin(now)
        self._reports = {name: report for name, report in self._reports.items() if name in known}
        self._reports[what] = (reason, now)
        self.failures += 1
        if self._told and what not in known and self._named < self._most_named:
            self._named += 1
            return True
        if now < self._due:
            return False
        self._named = 1 if self._told else self._named + 1
        if not self._told:
            self._told, self._begun = True, now
            self._gap = min(max(2 * self._gap, FIRST_GAP), LONGEST_GAP)
        self._due = now + self._reminder
        self._reminder = min(2 * self._reminder, LONGEST_REMINDER)
        return True

    def over(self, what: str, now: float) -> bool:
        """Note that `what` does not wait any more; whether that is the end of an outage that was told of."""
        if what not in self._reports:
            return False
        before = self.reports(now)
        del self._reports[what]
        if not before or self.reports(now):
            return False
        self._ended = now
        return self._told

    def _begin(self, now: float) -> None:
        if now - max(self._ended, self._begun) > CALM_SECONDS:
            self._gap, self._named = 0.0, 0
        self.since, self.failures, self._told = now, 0, False
        self._due, self._reminder = max(now, self._begun + self._gap), FIRST_REMINDER


class Waiting:
    """All outages that this process meets."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._outages: dict[Dependency, Outage] = {}
        self.reset()

    def reset(self) -> None:
        """A service that starts knows of no outage."""
        self._outages = {**{name: Outage() for name in get_args(Ours)}, "sites": Outage(named=SITES_NAMED)}

    def met(self, what: str, error: Unavailable) -> None:
        """`what` met an outage of the dependency that the error is about."""
        match error:
            case StoreUnavailable():
                self.lasts(what, "store", str(error))
            case BrokerUnavailable():
                self.lasts(what, "broker", str(error))
            case _:
                self.lasts(what, "workers", str(error))

    def lasts(self, what: str, dependency: Dependency, reason: str) -> None:
        """`what` goes on waiting; said at least as often as it is tried again."""
        if self.noted(what, dependency, reason):
            outage = self._outages[dependency]
            log.warning(
                "waiting_for_dependency",
                dependency=dependency,
                what=what,
                reason=reason[:300],
                seconds=round(self._clock() - outage.since, 1),
                failures=outage.failures,
                remedy=REMEDIES.get(reason, REMEDIES[dependency]),
            )

    def noted(self, what: str, dependency: Dependency, reason: str) -> bool:
        """The same for who has a line of its own about it: whether that line is to be a warning."""
        return self._outages[dependency].lasts(what, reason, self._clock())

    def over(self, what: str) -> None:
        """`what` works again."""
        now = self._clock()
        for dependency, outage in self._outages.items():
            if outage.over(what, now):
                seconds = round(now - outage.since, 1)
                log.info("dependency_answers", dependency=dependency, seconds=seconds, failures=outage.failures)

    @contextmanager
    def overdue(self, what: str, dependency: Dependency) -> Iterator[None]:
        """Around a question to the dependency: one that is frozen does not fail, it keeps us waiting."""
        loop = asyncio.get_running_loop()
        later: list[asyncio.TimerHandle] = []

        def tell() -> None:
            self.lasts(what, dependency, "no answer yet")
            later[:] = [loop.call_later(OVERDUE_SECONDS, tell)]

        later.append(loop.call_later(OVERDUE_SECONDS, tell))
        try:
            yield
        finally:
            later[0].cancel()

    def given_up(self, what: str) -> None:
        """`what` ends without knowing more."""
        now = self._clock()
        for outage in self._outages.values():
            outage.over(what, now)

    def current(self) -> Sequence[Wait]:
        """Who waits for what of ours, and why."""
        now = self._clock()
        return [
            Wait(dependency=name, what=what, reason=reason, seconds=round(now - self._outages[name].since, 1))
            for name in get_args(Ours)
            for what, reason in self._outages[name].reports(now).items()
        ]

    def seconds(self, dependency: Ours) -> float:
        """How long the dependency has been waited for; 0 when it is not."""
        return max((wait.seconds for wait in self.current() if wait.dependency == dependency), default=0.0)

    def shown(self) -> None:
        """Have the metrics say what this one knows."""
        for name in get_args(Ours):
            metrics.waiting.labels(dependency=name).set_function(partial(self._is_missing, name))
            metrics.waiting_seconds.labels(dependency=name).set_function(partial(self.seconds, name))

    def _is_missing(self, dependency: Ours) -> float:
        return float(any(wait.dependency == dependency for wait in self.current()))


waiting = Waiting()
"""This process's. One, because the broker, the store's users and the health page must speak of the same outage."""
waiting.shown()
