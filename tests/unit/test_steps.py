"""The protocol's named steps: silent without a hook, stopped by one."""

from collections.abc import Iterator

import pytest

from shared import steps
from shared.steps import Step, When, reached, step


@pytest.fixture(autouse=True)
def _no_hook_is_left() -> Iterator[None]:
    yield
    steps.install(None)


class Work:
    def __init__(self) -> None:
        self.done = 0

    async def __call__(self) -> int:
        self.done += 1
        return self.done


async def test_without_a_hook_a_step_is_what_it_awaits() -> None:
    """The result comes through."""
    assert await step(Step.POLL_COMMIT, Work()()) == 1


async def test_a_hook_is_called_on_both_sides_of_the_work() -> None:
    """First with nothing done, then with all of it."""
    work, seen = Work(), []

    async def hook(name: Step, when: When) -> None:
        seen.append((name, when, work.done))

    steps.install(hook)

    await step(Step.POLL_COMMIT, work())
    await reached(Step.PAGE_SETTLE, "before")

    assert seen == [(Step.POLL_COMMIT, "before", 0), (Step.POLL_COMMIT, "after", 1), (Step.PAGE_SETTLE, "before", 1)]


@pytest.mark.parametrize(("at", "done"), [("before", 0), ("after", 1)])
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
async def test_what_a_hook_raises_ends_the_step(at: When, done: int) -> None:
    """Before the work it is not begun, after it its result is lost."""
    work = Work()

    async def hook(_name: Step, when: When) -> None:
        if when == at:
            raise KeyError(when)

    steps.install(hook)

    with pytest.raises(KeyError, match=at):
        await step(Step.POLL_COMMIT, work())
    assert work.done == done
