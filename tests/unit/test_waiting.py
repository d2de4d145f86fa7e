"""How an outage is told: when it begins, now and then while it lasts, when it is over, and no more."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest
from broker_traffic import eventually
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from structlog.typing import EventDict

import shared.waiting as waiting_module
from shared.errors import BrokerUnavailable, StoreUnavailable, Unavailable
from shared.waiting import CALM_SECONDS, LONGEST_REMINDER, RENEWED_WITHIN, SITES_NAMED, Outage, Waiting


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waiting(clock: Clock) -> Waiting:
    return Waiting(clock)


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as captured:
        yield captured


def said(logs: list[EventDict]) -> list[tuple[str, str]]:
    return [(line["event"], line["dependency"]) for line in logs]


BEGINS, ENDS = ("waiting_for_dependency", "broker"), ("dependency_answers", "broker")


def test_an_outage_is_told_when_it_begins_and_when_it_is_over(
    waiting: Waiting, clock: Clock, logs: list[EventDict]
) -> None:
    """Once each, however many meet it; the end says how long it lasted and how often it was met."""
    for what in ("raw.work", "article.events", "raw.work"):
        waiting.lasts(what, "broker", "broker_unreachable")
    clock.now += 7
    waiting.over("raw.work")
    assert said(logs) == [BEGINS]
    waiting.over("article.events")

    assert said(logs) == [BEGINS, ENDS]
    assert (logs[0]["what"], logs[0]["reason"]) == ("raw.work", "broker_unreachable")
    assert (logs[1]["seconds"], logs[1]["failures"]) == (7, 3)


def test_a_long_outage_is_told_again_at_growing_intervals(
    waiting: Waiting, clock: Clock, logs: list[EventDict]
) -> None:
    """A day of it is some three hundred lines, and an operator who comes late still finds one."""
    times = []
    for _ in range(24 * 3600):
        before = len(logs)
        waiting.lasts("raw.work", "broker", "broker_unreachable")
        if len(logs) > before:
            times.append(clock.now)
        clock.now += 1
    gaps = [later - earlier for earlier, later in pairwise(times)]

    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1], len(times) < 300) == (10, LONGEST_REMINDER, True)


def test_dependencies_are_told_apart(waiting: Waiting, logs: list[EventDict]) -> None:
    """The end of one outage is not that of another, though the same work waited for both."""
    waiting.met("raw.work", StoreUnavailable("refused"))
    waiting.met("raw.work", Unavailable("workers cannot start"))
    waiting.met("article.events", BrokerUnavailable("broker_blocked"))
    waiting.over("raw.work")

    assert said(logs)[:3] == [("waiting_for_dependency", name) for name in ("store", "workers", "broker")]
    assert said(logs)[3:] == [("dependency_answers", "store"), ("dependency_answers", "workers")]


def test_the_remedy_is_of_the_reason_where_one_is_known(waiting: Waiting, logs: list[EventDict]) -> None:
    """A queue that is full wants something else than a broker that is away."""
    waiting.lasts("raw.in", "broker", "queue_full")
    waiting.lasts("feeds", "store", "store does not answer: refused")

    assert ["raw.work is full" in logs[0]["remedy"], "database" in logs[1]["remedy"]] == [True, True]


def test_an_outage_that_comes_and_goes_is_told_less_and_less_often(
    waiting: Waiting, clock: Clock, logs: list[EventDict]
) -> None:
    """Ten minutes of a broker that takes one message a second and refuses the next are some twenty lines."""
    for _ in range(600):
        waiting.lasts("raw.in", "broker", "queue_full")
        clock.now += 0.5
        waiting.over("raw.in")
        clock.now += 0.5

    assert said(logs)[:2] == [BEGINS, ENDS]
    assert said(logs).count(BEGINS) == said(logs).count(ENDS) < 15


def test_after_a_calm_time_an_outage_is_told_at_once(waiting: Waiting, clock: Clock, logs: list[EventDict]) -> None:
    """It is a new one."""
    for _ in range(20):
        waiting.lasts("raw.in", "broker", "queue_full")
        waiting.over("raw.in")
    clock.now += CALM_SECONDS + 1
    before = len(logs)
    waiting.lasts("raw.in", "broker", "queue_full")

    assert said(logs[before:]) == [BEGINS]


def test_what_is_not_said_again_is_not_waited_for(waiting: Waiting, clock: Clock, logs: list[EventDict]) -> None:
    """Its work may have gone to another process, which has nothing to tell us."""
    waiting.lasts("feeds at work", "workers", "workers cannot start")
    clock.now += RENEWED_WITHIN + 1

    assert waiting.current() == []
    waiting.over("feeds at work")
    assert said(logs) == [("waiting_for_dependency", "workers")]


def test_who_ends_without_knowing_more_says_nothing(waiting: Waiting, logs: list[EventDict]) -> None:
    """That the dependency answers would be a guess."""
    waiting.lasts("raw.work", "broker", "broker_unreachable")
    waiting.given_up("raw.work")

    assert (said(logs), waiting.current()) == ([BEGINS], [])


def test_a_few_sites_are_named_and_none_is_waited_for(waiting: Waiting, logs: list[EventDict]) -> None:
    """A service is ready although someone else's is not; when all are away, it is our own network that is."""
    for _ in range(3):
        for number in range(100):
            waiting.lasts(f"site{number}.example", "sites", "timeout")

    assert [line["what"] for line in logs] == [f"site{number}.example" for number in range(SITES_NAMED)]
    assert waiting.current() == []


async def test_a_question_that_hangs_is_told_of(
    monkeypatch: pytest.MonkeyPatch, waiting: Waiting, logs: list[EventDict]
) -> None:
    """A frozen store gives no error for a minute; one that answers in time is not told of."""
    monkeypatch.setattr(waiting_module, "OVERDUE_SECONDS", 0.005)
    with waiting.overdue("feeds", "store"):
        await eventually(lambda: bool(waiting.current()), "it is told of")
    waiting.over("feeds")
    monkeypatch.setattr(waiting_module, "OVERDUE_SECONDS", 3600)
    with waiting.overdue("entries", "store"):
        await asyncio.sleep(0)

    assert said(logs) == [("waiting_for_dependency", "store"), ("dependency_answers", "store")]
    assert waiting.current() == []


def test_metrics_say_what_is_waited_for(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """And for how long; both are 0 when it is over."""
    waiting = Waiting(clock)
    waiting.shown()
    waiting.lasts("raw.work", "store", "refused")
    clock.now += 5
    during = shown("store")
    waiting.over("raw.work")
    after = shown("store")
    waiting_module.waiting.shown()

    assert (during, after, shown("broker")) == ((1, 5), (0, 0), (0, 0))


def shown(dependency: str) -> tuple[float | None, float | None]:
    names = ("fildactu_waiting", "fildactu_waiting_seconds")
    labels = {"dependency": dependency}
    return REGISTRY.get_sample_value(names[0], labels), REGISTRY.get_sample_value(names[1], labels)


@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.sampled_from(["a", "b", "c"]), st.booleans()), min_size=1, max_size=200)
)
def test_lines_about_an_outage_are_few_whatever_happens(happens: list[tuple[float, str, bool]]) -> None:
    """In no ten seconds are there more than six, and an end is told if and only if its beginning was."""
    outage, now, lines, open_lines = Outage(), 0.0, [], 0
    for seconds, what, fails in happens:
        now += seconds
        if fails:
            if outage.lasts(what, "refused", now):
                lines.append(now)
                open_lines = 1
        elif outage.over(what, now):
            lines.append(now)
            assert open_lines == 1
            open_lines = 0

    assert all(sum(1 for other in lines if 0 <= other - line < 10) <= 6 for line in lines)
