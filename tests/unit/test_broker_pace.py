import asyncio
from itertools import islice

import pytest
from broker_traffic import eventually
from hypothesis import given
from hypothesis import strategies as st

from shared.broker.pace import LONGEST_SECONDS, SHORTEST_SECONDS, Track, waits


@pytest.mark.parametrize(
    ("chance", "seconds"),
    [(0.0, [0.2, 0.4, 0.8, 1.6, 3.0, 3.0]), (1.0, [0.1, 0.2, 0.4, 0.8, 1.5, 1.5])],
)
def test_waits_double_up_to_a_bound(chance: float, seconds: list[float]) -> None:
    """Each failure in a row doubles the wait, up to three seconds; jitter takes off at most half."""
    assert seconds == pytest.approx(list(islice(waits(lambda: chance), 6)))


@given(chances=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_no_wait_leaves_its_bounds(chances: list[float]) -> None:
    """Whatever chance says, a wait is neither a hot loop nor longer than the bound."""
    drawn = iter(chances)

    assert all(
        SHORTEST_SECONDS / 2 <= wait <= LONGEST_SECONDS for wait in islice(waits(lambda: next(drawn)), len(chances))
    )


async def test_work_that_runs_alone_waits_for_others_and_keeps_others_waiting() -> None:
    """Ordinary work overlaps; what must be alone starts after it, and later ordinary work after that."""
    track = Track()
    order: list[str] = []
    release = {name: asyncio.Event() for name in ("a", "b", "alone", "c")}

    async def work(name: str, *, alone: bool = False) -> None:
        async with track.entered(alone=alone):
            order.append(f"{name} in")
            await release[name].wait()
            order.append(f"{name} out")

    tasks = [asyncio.create_task(work(name, alone=name == "alone")) for name in release]
    await eventually(lambda: order == ["a in", "b in"], "a and b side by side")
    for number, name in enumerate(release):
        release[name].set()
        await eventually(lambda name=name: f"{name} out" in order, f"{name} done")  # type: ignore[misc]
        assert number + 1 == sum(entry.endswith("out") for entry in order)
    await asyncio.gather(*tasks)

    assert order == ["a in", "b in", "a out", "b out", "alone in", "alone out", "c in", "c out"]


async def test_work_that_fails_alone_lets_others_in() -> None:
    """An error inside does not leave the track closed."""
    track = Track()
    with pytest.raises(KeyError):
        async with track.entered(alone=True):
            raise KeyError
    with pytest.raises(KeyError):
        async with track.entered(alone=False):
            raise KeyError

    async with track.entered(alone=True):
        pass
