"""The protocol under every interleaving: two fetchers, two processors and their relays, killed between any two steps.

The use cases are the real ones; stores, broker and sites are in memory. More schedules: MODEL_SCHEDULES=20000.
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test
from model.broken import VARIANTS
from model.pinned import PINNED, a_late_look
from model.pipeline import Parts
from model.promises import Broken
from model.schedules import Schedule

# What is killed before a step leaves the work that it would have awaited.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SCHEDULES = int(os.environ.get("MODEL_SCHEDULES", "2000"))
STEPS = 14
SHORT_SEARCH = ("ack before commit", "marked before published", "no inbox")
"""Variants that any hundred schedules break; of the others a schedule is kept, so that no test waits for luck."""


def machine(parts: Parts) -> type[Schedule]:
    return type("Schedule", (Schedule,), {"parts": parts})


def search(parts: Parts, schedules: int, *, repeatable: bool = False) -> None:
    """Look for a schedule that breaks a promise; `repeatable` looks at the same ones each time and explains nothing."""
    wanted = settings(
        max_examples=schedules,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=repeatable,
        database=None,
        phases=[Phase.generate] if repeatable else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet if repeatable else Verbosity.normal,
    )
    run_state_machine_as_test(machine(parts), settings=wanted)


def play(parts: Parts, schedule: Callable[[Schedule], None]) -> None:
    """One schedule to its end, the books included."""
    one = machine(parts)()
    try:
        schedule(one)
        one.promises()
    except BaseException:
        one.close()
        raise
    one.teardown()


@pytest.mark.timeout(600)
def test_no_schedule_breaks_a_promise() -> None:
    """Nothing is lost, nothing is said twice, and each article is at last as its page is, whatever happens when."""
    search(Parts(), SCHEDULES)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_broken_variant_breaks_a_promise(name: str) -> None:
    """Each rule of the protocol is needed, and the promises are checked so that its absence shows."""
    with pytest.raises(Broken):
        play(VARIANTS[name], PINNED[name])


@pytest.mark.parametrize("name", PINNED)
def test_what_breaks_a_variant_is_survived(name: str) -> None:
    """It is the missing rule that breaks the promise, and not the schedule."""
    play(Parts(), PINNED[name])


@pytest.mark.parametrize("name", SHORT_SEARCH)
def test_a_broken_variant_is_found(name: str) -> None:
    """The search itself comes upon a schedule that breaks it."""
    with pytest.raises(Broken):
        search(VARIANTS[name], 400, repeatable=True)


def test_a_late_look_is_in_order() -> None:
    """A fetcher that was overtaken between numbering and asking sees what is newer than what the other one saw."""
    play(Parts(), a_late_look)
