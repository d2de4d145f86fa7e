"""A service is killed before and after each step of its protocol: as the work begins, in its middle and at its end."""

from collections.abc import Mapping, Sequence

import pytest
from chaos.casting import Way
from chaos.days import EMBEDDED, NOT_EMBEDDED, STACK, Day
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.stage import HOSTS, Stage, subscribed

from shared.steps import Step, When

SOON = {
    "FETCHER_LEASE_SECONDS": "2",
    "FETCHER_RECONCILE_SECONDS": "4",
    "FETCHER_SHUTDOWN_SECONDS": "0.5",
    "PROCESSOR_RELAY_LEASE_SECONDS": "1",
    "CHAOS_WORKERS": "forked",
}
REVISIT_SECONDS = 4.0
WHENS: Sequence[When] = ("before", "after")
BY_ORDER = frozenset({"observation_failed", "observation_quarantined"})
DAYS: Mapping[Way, Mapping[Step, Day]] = {"stack": STACK, "embedded": EMBEDDED}


def test_each_step_has_its_day() -> None:
    """A step that is added to the protocol is killed too, or this fails."""
    assert set(STACK) == set(Step)
    assert set(EMBEDDED) == set(Step) - NOT_EMBEDDED


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("way", "step"), [(way, step) for way, days in DAYS.items() for step in days])
async def test_killed_at_a_step_nothing_is_lost_and_nothing_said_twice(
    open_stage: OpenStage, way: Way, step: Step
) -> None:
    """Six times: before and after the step, at the start, in the middle and at the end of the work."""
    day = DAYS[way][step]
    topology = subscribed(raw_work={"x-delivery-limit": day.delivery_limit})
    async with open_stage(way, hosts=(*HOSTS, *day.more_hosts), topology=topology) as stage:
        desk = Desk(stage.wire, HOSTS, around=day.around)
        await killed_twice(stage, desk, step, day)
        await stage.arrived(4)
        await killed_twice(stage, desk, step, day)
        await stage.settled()
        await killed_twice(stage, desk, step, day)
        await stage.settled()
        await stage.account(window=f"killed before and after {step}")

    assert not complaints(stage.services, ours=BY_ORDER | day.loud)


async def killed_twice(stage: Stage, desk: Desk, step: Step, day: Day) -> None:
    """With news at hand, and the services running from the first time on."""
    for when in WHENS:
        desk.news()
        stage.arm(step, when)
        if not stage.services:
            await stage.start(revisit_seconds=REVISIT_SECONDS, environment={**SOON, **day.environment})
        await day.provoke(stage, desk)
        await stage.taken(step, when)
        await day.relent(stage, desk)
