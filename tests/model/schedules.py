"""Schedules: whatever may happen to the pipeline, in whatever order, one thing after the other."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from enum import Enum

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from model.broker import BrokerFault
from model.clockwork import Actor
from model.database import StoreFault
from model.pipeline import Parts, World, installed
from model.promises import check_always, check_at_rest
from model.site import GONE, State

from shared.errors import TransientError
from shared.steps import Step, When
from shared.workers import WorkerLost

FEED, OTHER_FEED = "https://news.example/feed", "https://copy.example/feed"
PAGE, SECOND_PAGE, COPY = "https://news.example/1", "https://news.example/2", "https://copy.example/1"
FETCHERS, PROCESSORS = ("fetcher 1", "fetcher 2"), ("processor 1", "processor 2")
STEPS = [
    *(Step.FEEDS_LEASE, Step.POLL_REQUEST, Step.POLL_COMMIT, Step.ENTRIES_LEASE, Step.VISIT_BEGIN, Step.VISIT_REQUEST),
    *(Step.PAGE_PUBLISH, Step.VISIT_COMMIT, Step.PAGE_EXTRACT, Step.PAGE_SETTLE, Step.PAGE_SET_ASIDE, Step.PAGE_ACK),
    *(Step.OUTBOX_TAKE, Step.EVENT_PUBLISH, Step.OUTBOX_CONFIRM),
]
WHEN: tuple[When, ...] = ("before", "after")
Trap = tuple[Step, When] | None
PAUSES = {"a lease ends": 31, "feeds are due": 70, "a page is due": 601, "retries are over": 1801, "lost": 3601}
"""Seconds."""

PUBLISHED = {SECOND_PAGE: ("two 0", FEED), COPY: ("one 0", OTHER_FEED)}
FAULTS = [0, 500, 503, *StoreFault, *BrokerFault, TransientError("hiccup"), WorkerLost("worker_died")]
"""Of a site: 0 is a connection that breaks, a number is the status that it answers."""


class Change(Enum):
    """To something new; to what it was before (A, B, A; what was gone returns); to nothing."""

    CORRECTED = "corrected"
    AS_IT_WAS = "as it was"
    GONE = "gone"


class Then(Enum):
    """What becomes of one that came to a step."""

    WAITS = "waits"
    STANDS_STILL = "stands still"
    IS_KILLED = "is killed"
    IS_GONE = "is gone for good"


pages = st.sampled_from([PAGE, PAGE, SECOND_PAGE, COPY])
changes = st.sampled_from(list(Change))
endings = st.sampled_from(list(Then))
traps = st.sampled_from([*[(step, when) for step in STEPS for when in WHEN], *[None] * 6])
whoever = st.integers(0, 11)
a_few = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 11, 30])


class Schedule(RuleBasedStateMachine):
    """Two feeds, the first page in both; a page of the second site is a copy of it."""

    parts = Parts()

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.world = World(self.parts)
        self._stack.enter_context(installed(self.world))
        for feed in (FEED, OTHER_FEED):
            self.world.subscribe(feed)
        self.world.site.publish(PAGE, "one 0", FEED, OTHER_FEED)

    @rule(who=whoever, turns=a_few, which=st.integers(0, 2), then=endings)
    def one_goes(self, who: int, turns: int, which: int, then: Then) -> None:
        """One of those that can goes on, a few steps or to the end of what it does."""
        ready = self.world.ready()
        if not ready:
            return
        one = ready[who % len(ready)]
        for _ in range(turns):
            if one.can_go():
                self.world.go(one, which)
        self._then(one, then)

    @rule(trap=traps, then=endings)
    def all_go_until_one_comes_to(self, trap: Trap, then: Then) -> None:
        """Everything that can be done is done, until one is somewhere."""
        one = self.world.run_to(trap)
        if one is not None:
            self._then(one, then)

    @rule()
    def all_go(self) -> None:
        """Everything that can be done is done."""
        self.world.run_dry()

    @rule(pause=st.sampled_from(list(PAUSES)))
    def time_passes(self, pause: str) -> None:
        self.world.let_pass(PAUSES[pause])

    @rule()
    def those_that_stand_still_go_on(self) -> None:
        self.world.thaw()
        self.world.run_dry()

    @rule(who=st.sampled_from(FETCHERS))
    def one_is_stopped(self, who: str) -> None:
        """As a new release does; it hands back what it held."""
        for actor in self.world.actors[who]:
            actor.stop()

    @rule(url=pages, to=changes, trap=traps, then=endings)
    def a_page_changes(self, url: str, to: Change, trap: Trap, then: Then) -> None:
        """And all go, until one is somewhere."""
        self._change(url, to)
        self.world.let_pass(PAUSES["feeds are due"])
        self.all_go_until_one_comes_to(trap, then)

    @rule(url=pages, to=changes)
    def a_page_changes_unnoticed(self, url: str, to: Change) -> None:
        """Its feeds are not due yet."""
        self._change(url, to)

    @rule(what=st.sampled_from(FAULTS))
    def something_fails(self, what: object) -> None:
        """The next request, transaction, publish or extraction."""
        match what:
            case int():
                self.world.site.failures.append(what)
            case StoreFault():
                self.world.database.faults.append(what)
            case BrokerFault():
                self.world.broker.faults.append(what)
            case Exception():
                # A worker that dies once is no failure: the page is tried again.
                self.world.hiccups += [what] * (2 if isinstance(what, WorkerLost) else 1)

    @rule(what=st.sampled_from([*PROCESSORS, *range(6), None]))
    def the_broker_repeats_or_forgets(self, what: str | int | None) -> None:
        """A processor's connection is lost, a page comes again however late, or everything is destroyed."""
        match what:
            case str():
                self.world.broker.disconnect(self.world.processes[what])
            case int():
                self.world.broker.duplicate(what)
            case None:
                self.world.broker.destroy()

    def _change(self, url: str, to: Change) -> None:
        site = self.world.site
        if url not in site.pages:
            site.publish(url, *PUBLISHED[url])
        else:
            site.change(url, _state(url, site.pages[url].states, to))

    def _then(self, one: Actor, then: Then) -> None:
        match then:
            case Then.WAITS:
                pass
            case Then.STANDS_STILL if self._has_another(one.process.name):
                self.world.freeze(one.process.name)
            case Then.IS_GONE if self._has_another(one.process.name):
                self.world.crash(one.process.name, for_good=True)
            case _:
                self.world.crash(one.process.name)

    def _has_another(self, name: str) -> bool:
        """Of two that do the same, one goes on."""
        kind = FETCHERS if name in FETCHERS else PROCESSORS
        others = [self.world.processes[each] for each in kind if each != name]
        return all(each.alive and not each.frozen for each in others)

    @invariant()
    def promises(self) -> None:
        check_always(self.world)

    def teardown(self) -> None:
        """Everything comes to rest, unless a promise was broken before; then the books are checked."""
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest()
                check_at_rest(self.world)
        finally:
            self.close()

    def close(self) -> None:
        for name in self.world.processes:
            self.world.crash(name, for_good=True)
        self.world.loop.close()
        self._stack.close()


def _state(url: str, states: Sequence[State], to: Change) -> State:
    match to:
        case Change.AS_IT_WAS if len(states) > 1:
            return states[-2]
        case Change.GONE:
            return GONE
        case _:
            return f"{url} {len(states)}"
