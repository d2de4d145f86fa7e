"""The processes that parse feeds and extract pages are killed; their services go on with new ones."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from chaos.casting import Way
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.service_process import ServiceProcess
from chaos.stage import HOSTS, Stage

from shared.steps import Step

SPAWNED = b"spawn_main"


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("way", ["stack", "embedded"])
async def test_a_killed_worker_costs_no_page_and_no_service(open_stage: OpenStage, way: Way) -> None:
    """At the start, when they are not ready yet, in the middle and at the end of the work."""
    async with open_stage(way) as stage:
        desk = Desk(stage.wire, HOSTS)
        desk.news()
        await stage.start(revisit_seconds=4.0)
        await workers_killed(stage)
        await stage.arrived(1)
        for _ in range(2):
            desk.news()
            stage.arm(Step.PAGE_EXTRACT, "before", "kill-workers")
            await stage.taken(Step.PAGE_EXTRACT, "before")
            await workers_killed(stage)
            await stage.settled()
        await stage.account(window="workers killed")

    assert not complaints(stage.services)
    assert all(len(each.pids) == 1 for each in stage.services)


async def workers_killed(stage: Stage) -> None:
    """Each service's, whatever they are doing, as soon as it has some."""
    for service in stage.services:
        await stage.until(lambda service=service: any(_workers(service)), f"{service.name} has workers")  # type: ignore[misc]
        for worker in _workers(service):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
    stage.faults.append("workers killed")


def _workers(service: ServiceProcess) -> Iterator[int]:
    for thread in Path(f"/proc/{service.pid}/task").iterdir():
        # Threads and processes come and go.
        with suppress(OSError):
            for child in (thread / "children").read_text().split():
                if SPAWNED in Path(f"/proc/{child}/cmdline").read_bytes():
                    yield int(child)
